"""The dossier: one SQLite file per case, since a case takes months, outlives the cache and can be handed on.

Entries are only ever added. Version 0.1 kept a journal of JSON lines instead; one that is named is read, and imported into
``<name>.sqlite`` beside it with the first new entry. The journal itself stays as it is. Where a folder holds several
dossiers, the one that is meant must be named, so that no entry silently lands in another case.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from storehealth.errors import StorehealthError, UsageError
from storehealth.support.atomic_files import describe_os_error, make_private_folder
from storehealth.support.message import Message, Name, message
from storehealth.support.sqlite_state import StateFile, write_jsonl

SUFFIX, JOURNAL_SUFFIX = ".sqlite", ".jsonl"
APPLICATION = int.from_bytes(b"SHrc")
MIGRATIONS = (
    """
    CREATE TABLE entries (n INTEGER PRIMARY KEY, entry TEXT NOT NULL);
    CREATE TRIGGER keep_entry BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;
    CREATE TRIGGER keep_entries BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'entries are never deleted'); END
    """,
)
MarkState = Literal["done", "open", "waiting"]


class _BaseEntry(BaseModel):
    """Fields of all entries."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: int = Field(ge=0, description="Number of the entry; the first one is 0.")
    written: date = Field(description="Day it was written into the dossier.")


class BeginEntry(_BaseEntry):
    """The first entry: which store on which platform the case is about."""

    did: Literal["begin"] = "begin"
    format: Literal[1] = 1
    platform: str
    store: str


class MarkEntry(_BaseEntry):
    """An item changed state."""

    did: Literal["mark"] = "mark"
    item: str
    state: MarkState
    on: date
    note: str = ""


class LogEntry(_BaseEntry):
    """An event: a call, a letter, an answer. With an item, it counts as a reminder to that item's desk."""

    did: Literal["log"] = "log"
    text: str
    on: date
    item: str | None = None


class AttachEntry(_BaseEntry):
    """A file that belongs to an item, as it was on that day."""

    did: Literal["attach"] = "attach"
    item: str
    path: str
    name: str
    size: int
    sha256: str
    on: date
    note: str = ""


class DeadlineEntry(_BaseEntry):
    """A date the merchant set for an item; ``due`` None removes it."""

    did: Literal["deadline"] = "deadline"
    item: str
    due: date | None = None
    on: date
    note: str = ""


class UndoEntry(_BaseEntry):
    """An earlier entry is taken out of force; both stay in the dossier."""

    did: Literal["undo"] = "undo"
    undoes: int
    on: date


CaseEntry = MarkEntry | LogEntry | AttachEntry | DeadlineEntry | UndoEntry
DossierEntry = BeginEntry | CaseEntry
_READER: TypeAdapter[DossierEntry] = TypeAdapter(Annotated[DossierEntry, Field(discriminator="did")])


def to_record(entry: DossierEntry) -> dict[str, Any]:
    """Return the entry as JSON content: number, kind and day first, without what is empty."""
    content = entry.model_dump(mode="json")
    ordered = {key: content[key] for key in ("n", "did", "written")} | content
    return {key: value for key, value in ordered.items() if value not in ("", None) or key == "store"}


def from_line(line: str | bytes) -> DossierEntry:
    """Parse a line of JSON; a checksum, which dossiers of version 0.1 carry, has to fit.

    Raises:
        ValueError: It is not an entry.
    """
    content = json.loads(line)
    if not isinstance(content, dict):
        raise ValueError("no JSON object")
    checksum = content.pop("sum", None)
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    if checksum not in (None, hashlib.sha256(body.encode()).hexdigest()[:8]):
        raise ValueError("changed after it was written")
    try:
        return _READER.validate_python(content, strict=False)
    except ValidationError as error:
        raise ValueError("no entry this version knows") from error


@dataclass(frozen=True)
class Dossier:
    """The content of a dossier; without ``begin`` there is none yet."""

    path: Path
    begin: BeginEntry | None = None
    entries: tuple[CaseEntry, ...] = ()

    @property
    def next_number(self) -> int:
        """Number of the next entry."""
        return self.entries[-1].n + 1 if self.entries else int(self.begin is not None)

    def list_active_entries(self, until: date | None = None) -> tuple[CaseEntry, ...]:
        """Return the entries in force: not undone, not an undo, and dated no later than ``until``."""
        known = [entry for entry in self.entries if until is None or entry.on <= until]
        undone = {entry.undoes for entry in known if isinstance(entry, UndoEntry)}
        return tuple(entry for entry in known if entry.n not in undone and not isinstance(entry, UndoEntry))


def read_dossier(path: Path) -> Dossier:
    """Read the dossier in a file; an empty one if there is no file yet.

    Raises:
        UsageError: The file is damaged or cannot be read; it is left unchanged.
    """
    file, journal = _locate(path)
    with StateFile(file, MIGRATIONS, APPLICATION).open_for_reading() as con:
        dossier = _read_entries(con, path) if con else Dossier(path)
    return _read_journal(journal) if journal and dossier.begin is None else dossier


def append_entry(path: Path, begin: BeginEntry, make: Callable[[Dossier], CaseEntry]) -> CaseEntry:
    """Append the entry that ``make`` derives from the dossier, while no other process can write to it.

    Args:
        path: The dossier's file.
        begin: First entry of a new dossier.
        make: Must give the same when it is called again.

    Raises:
        UsageError: The dossier is in use, damaged or cannot be written, or the entry cannot be; nothing is written then.
    """
    file, journal = _locate(path)
    if not file.exists():
        make(_read_journal(journal) if journal else Dossier(path))  # no file is made for an entry that cannot be
    try:
        make_private_folder(file.parent)
    except OSError as error:
        raise _cannot_use(path, error) from None
    with StateFile(file, MIGRATIONS, APPLICATION).open_for_writing() as con:
        dossier = _read_entries(con, path)
        if dossier.begin is None:
            dossier = _read_journal(journal) if journal else dossier
            _insert(con, dossier.begin or begin, *dossier.entries)
        entry = make(dossier)
        _insert(con, entry)
    return entry


def export_dossier(path: Path) -> Iterator[bytes]:
    """Yield the dossier as JSON lines, undone entries included; the result can be read as a dossier again.

    Raises:
        UsageError: As :func:`read_dossier`.
    """
    dossier = read_dossier(path)
    entries = (dossier.begin, *dossier.entries) if dossier.begin else ()
    return write_jsonl(map(to_record, entries))


def find_dossier_files(folder: Path) -> list[Path]:
    """Find the dossiers of a folder: one for each case, a journal only if it has not been imported."""
    journals = {path.with_suffix(SUFFIX): path for path in folder.glob(f"*{JOURNAL_SUFFIX}")}
    return sorted((journals | {path: path for path in folder.glob(f"*{SUFFIX}")}).values())


def read_begin(path: Path) -> BeginEntry | None:
    """Read the first entry of a dossier; None if it cannot be read."""
    with suppress(StorehealthError, OSError):
        return read_dossier(path).begin
    return None


def _locate(path: Path) -> tuple[Path, Path | None]:
    """Return the SQLite file of a dossier, and the journal that it continues, if that is what was named."""
    try:
        with path.open("rb") as stream:
            is_journal = stream.read(1) == b"{"
    except FileNotFoundError:
        is_journal = False
    except OSError as error:
        raise _cannot_use(path, error) from None
    return (path.with_suffix(SUFFIX), path) if is_journal else (path, None)


def _read_entries(con: sqlite3.Connection, path: Path) -> Dossier:
    lines = [line for (line,) in con.execute("SELECT entry FROM entries ORDER BY n")]
    return _to_dossier(path, [_parse(path, number, line) for number, line in enumerate(lines, 1)])


def _insert(con: sqlite3.Connection, *entries: DossierEntry) -> None:
    lines = (line.decode().rstrip("\n") for line in write_jsonl(map(to_record, entries)))
    con.executemany("INSERT INTO entries VALUES (?, ?)", zip((entry.n for entry in entries), lines, strict=True))


def _read_journal(path: Path) -> Dossier:
    """Read a journal of version 0.1. A last line that was cut off by a crash had never been confirmed."""
    *lines, tail = path.read_bytes().split(b"\n")
    entries = [_parse(path, number, line) for number, line in enumerate(lines, 1)]
    if tail:
        with suppress(UsageError):
            entries.append(_parse(path, len(lines) + 1, tail))
    return _to_dossier(path, entries)


def _parse(path: Path, number: int, line: str | bytes) -> DossierEntry:
    try:
        entry = from_line(line)
    except ValueError:
        raise _damaged(path, number) from None
    if entry.n != number - 1:
        raise _damaged(path, number)
    return entry


def _to_dossier(path: Path, entries: list[DossierEntry]) -> Dossier:
    if not entries:
        return Dossier(path)
    begin, *others = entries
    if not isinstance(begin, BeginEntry):
        raise _damaged(path, 1)
    return Dossier(path, begin, tuple(entry for entry in others if not isinstance(entry, BeginEntry)))


def _damaged(path: Path, number: int) -> UsageError:
    return UsageError(
        message("refund.dossier_damaged", path=Name(path), number=number), message("refund.nothing_written")
    )


def _cannot_use(path: Path, error: OSError) -> UsageError:
    reason = describe_os_error(error)
    return UsageError(message("refund.dossier_unusable", path=Name(path), why=reason), message("refund.check_place"))


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
