"""The dossiers in a folder, and which of them is meant, so that no entry silently lands in another case."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from storehealth.errors import UsageError
from storehealth.refund import backup
from storehealth.refund.entries import BeginEntry, from_line

SUFFIX = ".jsonl"


class AmbiguousDossierError(UsageError):
    """More than one dossier fits the options."""


@dataclass(frozen=True)
class DossierHead:
    """A dossier, by its first line. ``store`` is empty if it was started without one."""

    path: Path
    platform: str
    store: str

    def __str__(self) -> str:
        return f"{self.platform} {self.store!r}" if self.store else f"{self.platform} (no store named)"


@dataclass(frozen=True)
class CaseSelector:
    """The options that choose a case.

    ``by_name``: the store was named on the command line, so that a dossier without a store's name does not fit.
    """

    platform: str | None = None
    store: str = ""
    by_name: bool = False


def list_dossiers(folder: Path) -> tuple[DossierHead, ...]:
    """List the dossiers of a folder, including those of which only the backup is left. Damage shows when they are read."""
    files = {*folder.glob(f"*{SUFFIX}"), *(path.with_suffix("") for path in folder.glob(f"*{SUFFIX}{backup.BACKUP}"))}
    starts = ((path, _read_begin(path) or _read_begin(backup.backup_path(path))) for path in sorted(files))
    return tuple(DossierHead(path, begin.platform, begin.store) for path, begin in starts if begin)


def _read_begin(path: Path) -> BeginEntry | None:
    try:
        with path.open("rb") as stream:
            entry = from_line(stream.readline().rstrip(b"\n"))
    except (OSError, ValueError):
        return None
    return entry if isinstance(entry, BeginEntry) else None


def choose_dossier(kept: Iterable[DossierHead], meant: CaseSelector) -> DossierHead | None:
    """Choose the dossier that is meant; None if none fits, so that a new one can be started.

    Raises:
        SeveralDossiersError: Several fit; the message names them.
    """
    fitting = [dossier for dossier in kept if meant.platform in (None, dossier.platform)]
    for group in _iter_groups(fitting, meant):
        if len(group) > 1:
            raise AmbiguousDossierError(
                f"several dossiers could be meant: {', '.join(map(str, group))}",
                "Say which: --platform, --store, or --dossier FILE.",
            )
        if group:
            return group[0]
    return None


def _iter_groups(fitting: list[DossierHead], meant: CaseSelector) -> Iterator[list[DossierHead]]:
    """Yield what fits, best first: the store's own, those without a store's name, any if no store is named."""
    if meant.store or meant.platform:
        yield [dossier for dossier in fitting if dossier.store == meant.store]
    if meant.store and not meant.by_name:
        yield [dossier for dossier in fitting if not dossier.store]
    if not meant.store:
        yield fitting


def build_dossier_path(folder: Path, platform: str, store: str) -> Path:
    """Return the path of a new dossier of a store on a platform."""
    slug = re.sub(r"[^\w-]+", "-", store).strip("-")[:60]
    return folder / (f"{platform}-{slug}{SUFFIX}" if slug else f"{platform}{SUFFIX}")
