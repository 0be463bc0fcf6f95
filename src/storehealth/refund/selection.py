"""The dossiers in a folder, and which of them is meant, so that no entry silently lands in another case."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from storehealth.errors import UsageError
from storehealth.refund.dossier import SUFFIX, find_dossier_files, read_begin
from storehealth.support.message import Message, Name, message


class AmbiguousDossierError(UsageError):
    """More than one dossier fits the options."""


@dataclass(frozen=True)
class DossierHead:
    """A dossier, by its first entry. ``store`` is empty if it was started without one."""

    path: Path
    platform: str
    store: str

    def describe(self) -> Message:
        """Name the platform and the store."""
        platform = Name(self.platform)
        if not self.store:
            return message("refund.dossier_without_store", platform=platform)
        return message("refund.dossier_of_store", platform=platform, store=Name(self.store))


@dataclass(frozen=True)
class CaseSelector:
    """The options that choose a case.

    ``by_name``: the store was named on the command line, so that a dossier without a store's name does not fit.
    """

    platform: str | None = None
    store: str = ""
    by_name: bool = False


def list_dossiers(folder: Path) -> tuple[DossierHead, ...]:
    """List the dossiers of a folder. One that is damaged is left out here, and reported when it is read."""
    starts = ((path, read_begin(path)) for path in find_dossier_files(folder))
    return tuple(DossierHead(path, begin.platform, begin.store) for path, begin in starts if begin)


def choose_dossier(dossiers: Iterable[DossierHead], selector: CaseSelector) -> DossierHead | None:
    """Choose the dossier that is meant; None if none fits, so that a new one can be started.

    Raises:
        AmbiguousDossierError: Several fit; the message names them.
    """
    fitting = [dossier for dossier in dossiers if selector.platform in (None, dossier.platform)]
    for group in _iter_groups(fitting, selector):
        if len(group) > 1:
            names = tuple(dossier.describe() for dossier in group)
            raise AmbiguousDossierError(
                message("refund.several_dossiers", dossiers=names), message("refund.name_dossier")
            )
        if group:
            return group[0]
    return None


def _iter_groups(fitting: list[DossierHead], selector: CaseSelector) -> Iterator[list[DossierHead]]:
    """Yield what fits, best first: the store's own, those without a store's name, any if no store is named."""
    if selector.store or selector.platform:
        yield [dossier for dossier in fitting if dossier.store == selector.store]
    if selector.store and not selector.by_name:
        yield [dossier for dossier in fitting if not dossier.store]
    if not selector.store:
        yield fitting


def build_dossier_path(folder: Path, platform: str, store: str) -> Path:
    """Return the path of a new dossier of a store on a platform."""
    slug = re.sub(r"[^\w-]+", "-", store).strip("-")[:60]
    return folder / (f"{platform}-{slug}{SUFFIX}" if slug else f"{platform}{SUFFIX}")
