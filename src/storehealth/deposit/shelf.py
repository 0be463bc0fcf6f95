"""The dossiers kept in one folder, and which of them is meant. Nobody's entry goes into another matter unnoticed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from storehealth.deposit import backup
from storehealth.deposit.entries import Begin, from_line
from storehealth.errors import UsageError

SUFFIX = ".jsonl"


class SeveralDossiersError(UsageError):
    """More than one dossier fits what was asked for."""


@dataclass(frozen=True)
class Kept:
    """A dossier by its first line. ``store`` is empty where it was begun without one."""

    path: Path
    platform: str
    store: str

    def __str__(self) -> str:
        return f"{self.platform} {self.store!r}" if self.store else f"{self.platform} (no store named)"


@dataclass(frozen=True)
class Meant:
    """What is known of the matter that is meant.

    ``by_name``: the store was named on the command line, so that one begun without a name is not it.
    """

    platform: str | None = None
    store: str = ""
    by_name: bool = False


def kept_in(folder: Path) -> tuple[Kept, ...]:
    """The dossiers of a folder, also those of which only the backup is left. Damaged ones show when they are read."""
    files = {*folder.glob(f"*{SUFFIX}"), *(path.with_suffix("") for path in folder.glob(f"*{SUFFIX}{backup.BACKUP}"))}
    begun = ((path, _begin(path) or _begin(backup.beside(path))) for path in sorted(files))
    return tuple(Kept(path, begin.platform, begin.store) for path, begin in begun if begin)


def _begin(path: Path) -> Begin | None:
    try:
        with path.open("rb") as stream:
            entry = from_line(stream.readline().rstrip(b"\n"))
    except (OSError, ValueError):
        return None
    return entry if isinstance(entry, Begin) else None


def choose(kept: Iterable[Kept], meant: Meant) -> Kept | None:
    """The dossier that is meant; None where none fits, so that a new one may be begun.

    Raises:
        SeveralDossiersError: Several fit; the message names them.
    """
    fitting = [one for one in kept if meant.platform in (None, one.platform)]
    for group in _groups(fitting, meant):
        if len(group) > 1:
            raise SeveralDossiersError(
                f"several dossiers could be meant: {', '.join(map(str, group))}",
                "Say which: --platform, --store, or --dossier FILE.",
            )
        if group:
            return group[0]
    return None


def _groups(fitting: list[Kept], meant: Meant) -> Iterator[list[Kept]]:
    """What fits, best first: the store's own, then one begun without a name, then any where no store is named."""
    if meant.store or meant.platform:
        yield [one for one in fitting if one.store == meant.store]
    if meant.store and not meant.by_name:
        yield [one for one in fitting if not one.store]
    if not meant.store:
        yield fitting


def path_for(folder: Path, platform: str, store: str) -> Path:
    """Where a new dossier of a store on a platform goes."""
    slug = re.sub(r"[^\w-]+", "-", store).strip("-")[:60]
    return folder / (f"{platform}-{slug}{SUFFIX}" if slug else f"{platform}{SUFFIX}")
