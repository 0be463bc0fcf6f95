"""Check all data files without a store: they must be valid and fit together, and their SQL must bind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from storehealth.catalogue import Catalogue, load
from storehealth.catalogue.mutes import Exemption, Mutes, read_mutes
from storehealth.catalogue.platform import PlatformLimit, check_platform
from storehealth.db import Store, StoreSettings, store_from_rows
from storehealth.errors import CatalogueError
from storehealth.history.events import read_calendar
from storehealth.intake.expressions import check_packs
from storehealth.measure import misfits, problems
from storehealth.opening import mutes_file
from storehealth.settings import Settings, beside


def check_all(packs: Iterable[Path] = ()) -> Catalogue:
    """Read every data file, create every view over empty tables, and bind every expression of every rule.

    Args:
        packs: Folders with the user's own data files.

    Raises:
        CatalogueError: One line per problem. Expressions are bound only when all files are valid.
    """
    catalogue = load(packs)
    check_packs(catalogue)
    with _open_empty_store(catalogue) as store:
        errors = problems(store, catalogue.rules.values(), _limits(catalogue), catalogue)
    if errors:
        lines = "\n".join(dict.fromkeys(error.message for error in errors))
        raise CatalogueError(
            lines, "Mend the lines named above; `storehealth rules check`, with any --pack, reads them again."
        )
    return catalogue


class Beside(NamedTuple):
    """What an audit reads before the exports, besides the settings."""

    catalogue: Catalogue
    mutes: Mutes


def check_beside(settings: Settings, config: Path | None, packs: Iterable[Path], platform: str | None = None) -> Beside:
    """Check what an audit needs besides the exports: data files, platform, ``mutes.yaml`` and its SQL, ``events.yaml``.

    Args:
        settings: The store's settings.
        config: The settings file; ``mutes.yaml`` and ``events.yaml`` are in the same folder.
        packs: Folders with the user's own data files.
        platform: Platform from the command line; overrides the settings.

    Raises:
        CatalogueError: A data file or ``mutes.yaml`` has mistakes.
        UsageError: There is no such platform, or ``events.yaml`` has mistakes.
    """
    catalogue = load(packs)
    check_platform(platform or settings.platform or "generic", catalogue.platforms)
    mutes = read_mutes(mutes_file(config), catalogue.rules)
    check_exemptions(mutes.exempt, catalogue)
    read_calendar(beside(config))
    return Beside(catalogue, mutes)


def check_exemptions(exemptions: Sequence[Exemption], catalogue: Catalogue) -> None:
    """Bind the SQL of every exemption over empty tables.

    Raises:
        CatalogueError: One line per exemption whose SQL does not fit the rows of a rule it applies to.
    """
    conditions = [exemption for exemption in exemptions if exemption.where is not None]
    if not conditions:
        return
    with _open_empty_store(catalogue) as store:
        errors = misfits(store, _limits(catalogue), catalogue, conditions)
    if errors:
        raise CatalogueError("\n".join(error.message for error in errors), errors[0].hint)


def _open_empty_store(catalogue: Catalogue) -> AbstractContextManager[Store]:
    """A store whose tables have no rows."""
    platform = catalogue.platforms["generic"]
    return store_from_rows({}, catalogue, StoreSettings(store="", platform=platform, facts=platform.facts))


def _limits(catalogue: Catalogue) -> Mapping[str, PlatformLimit]:
    return catalogue.platforms["generic"].limits
