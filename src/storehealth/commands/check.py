"""Check all data files without a store: they must be valid and fit together, and their SQL must bind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from storehealth.catalogue import Catalogue, load_catalogue
from storehealth.catalogue.mutes import Exemption, MutesFile, read_mutes
from storehealth.catalogue.platform import PlatformLimit
from storehealth.catalogue.texts import TextFinder
from storehealth.commands.prepare import locate_mutes
from storehealth.db import Store, StoreSettings, open_store_from_rows
from storehealth.errors import CatalogueError
from storehealth.history.events import read_calendar
from storehealth.i18n import provide_texts
from storehealth.intake.pack_sql import check_pack_sql
from storehealth.measure import find_exemption_problems, find_rule_problems
from storehealth.settings import Settings, find_settings_folder
from storehealth.support.message import lines, message


def check_catalogue(packs: Iterable[Path] = ()) -> Catalogue:
    """Read every data file, create every view over empty tables, and bind every expression of every rule.

    Args:
        packs: Folders with the user's own data files.

    Raises:
        CatalogueError: One line per problem. Expressions are bound only when all files are valid.
    """
    catalogue = load_catalogue(packs)
    provide_texts(TextFinder(catalogue))
    check_pack_sql(catalogue)
    with _open_empty_store(catalogue) as store:
        errors = find_rule_problems(store, catalogue.rules.values(), _limits(catalogue), catalogue)
    if errors:
        raise CatalogueError(lines(dict.fromkeys(error.problem for error in errors)), message("usage.fix_lines"))
    return catalogue


class AuditInputs(NamedTuple):
    """What an audit reads before the exports, besides the settings."""

    catalogue: Catalogue
    mutes: MutesFile


def check_inputs(
    settings: Settings, config: Path | None, packs: Iterable[Path], platform: str | None = None
) -> AuditInputs:
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
    catalogue = load_catalogue(packs)
    catalogue.require_platform(platform or settings.platform or "generic")
    mutes = read_mutes(locate_mutes(config), catalogue.rules)
    check_exemptions(mutes.exempt, catalogue)
    read_calendar(find_settings_folder(config))
    return AuditInputs(catalogue, mutes)


def check_exemptions(exemptions: Sequence[Exemption], catalogue: Catalogue) -> None:
    """Bind the SQL of every exemption over empty tables.

    Raises:
        CatalogueError: One line per exemption whose SQL does not fit the rows of a rule it applies to.
    """
    conditions = [exemption for exemption in exemptions if exemption.where is not None]
    if not conditions:
        return
    with _open_empty_store(catalogue) as store:
        errors = find_exemption_problems(store, _limits(catalogue), catalogue, conditions)
    if errors:
        raise CatalogueError(lines(error.problem for error in errors), errors[0].remedy)


def _open_empty_store(catalogue: Catalogue) -> AbstractContextManager[Store]:
    """A store whose tables have no rows."""
    platform = catalogue.platforms["generic"]
    return open_store_from_rows({}, catalogue, StoreSettings(store="", platform=platform, facts=platform.facts))


def _limits(catalogue: Catalogue) -> Mapping[str, PlatformLimit]:
    return catalogue.platforms["generic"].limits
