"""State that outlives a run, in one SQLite file each: history, refund cases.

``StateFile`` opens one, creates it readable by its owner only, migrates it, and says in plain words what is wrong with it::

    file = StateFile(folder / "cases.sqlite", migrations=("CREATE TABLE entries (n INTEGER PRIMARY KEY, body TEXT)",))
    with file.open_for_writing() as con:            # one transaction: all of it is kept, or none
        con.execute("INSERT INTO entries (body) VALUES (?)", (body,))
    with file.open_for_reading() as con:            # None where there is no file yet
        records = list(read_records(con, "SELECT n, body FROM entries ORDER BY n")) if con else []

It uses the rollback journal, not a write-ahead log: a write that was killed halfway is rolled back by whoever opens the file
next, and a copy of the one file is a complete backup that can be handed on.
"""

from __future__ import annotations

import errno
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storehealth.errors import ExitCode, UsageError
from storehealth.support.atomic_files import describe_os_error, restrict_to_owner
from storehealth.support.message import Message, Name, message, verbatim

BUSY_SECONDS = 15.0
"""Longest wait for another process that is writing."""
REASONS = {
    sqlite3.SQLITE_BUSY: "state.reason_busy",
    sqlite3.SQLITE_LOCKED: "state.reason_busy",
    sqlite3.SQLITE_CANTOPEN: "state.reason_cannot_open",
    sqlite3.SQLITE_CORRUPT: "state.reason_corrupt",
    sqlite3.SQLITE_FULL: "state.reason_full",
    sqlite3.SQLITE_IOERR: "state.reason_io",
    sqlite3.SQLITE_NOTADB: "state.reason_not_a_database",
    sqlite3.SQLITE_PERM: "state.reason_permission",
    sqlite3.SQLITE_READONLY: "state.reason_read_only",
}
"""Primary result codes of SQLite → texts."""
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class UnusableStateError(UsageError):
    """A state file cannot be read or written."""


class BusyStateError(UnusableStateError):
    """Another process kept a state file locked for too long."""

    exit_code = ExitCode.BUSY


class NewerStateError(UnusableStateError):
    """A newer version of storehealth wrote a state file."""


class DamagedStateError(UnusableStateError):
    """A file is not a database, or is a broken one.

    Args:
        path: The file.
        reason: What SQLite found.
        renamed: Where it was moved to, so that a new one can be created; None where it was left in place.
    """

    def __init__(self, path: Path, reason: Message, renamed: Path | None = None) -> None:
        hint = message("state.renamed_hint", name=Name(renamed.name)) if renamed else message("state.damaged_hint")
        super().__init__(message("state.damaged", path=Name(str(path)), reason=reason), hint)
        self.renamed = renamed


@dataclass(frozen=True)
class StateFile:
    """A SQLite file and how to bring it up to date.

    Args:
        path: The file; its folder must exist when it is first written.
        migrations: SQL, statements separated by ``;`` at the end of a line. Each step brings the file to the next version;
            SQLite's ``user_version`` counts the steps that have been applied. Never change a step that was released.
        application_id: Marks files of this kind, so that another database is refused; 0: unmarked.
        renames_damaged: Whether a damaged file is moved aside, so that the next writer creates a new one. Only for what
            can be done without.
        busy_seconds: Longest wait for another process that is writing.
    """

    path: Path
    migrations: Sequence[str]
    application_id: int = 0
    renames_damaged: bool = False
    busy_seconds: float = BUSY_SECONDS

    @contextmanager
    def open_for_reading(self) -> Iterator[sqlite3.Connection | None]:
        """Open the file read-only; yield None where there is none yet, or an old one that cannot be migrated.

        Raises:
            BusyStateError, DamagedStateError, NewerStateError, UnusableStateError: It cannot be read.
        """
        with self._translate_errors():
            is_there = self.path.exists()  # raises where the folder may not be read
        if not is_there:
            yield None
            return
        with self._translate_errors():
            self._recover()
            with closing(self._connect("ro")) as con:
                yield con if self._read_version(con) == len(self.migrations) else None

    @contextmanager
    def open_for_writing(self) -> Iterator[sqlite3.Connection]:
        """Open the file, creating it if need be, in one transaction: all changes are kept, or none.

        Other writers wait meanwhile, so that what is read from the connection stays true until the end.

        Raises:
            BusyStateError, DamagedStateError, NewerStateError, UnusableStateError: It cannot be written.
        """
        with self._translate_errors():
            if self.path.is_symlink():  # it may name a file of somebody else's
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            if not self.path.exists():
                # SQLite would create it with the umask's mode, readable by others until it is restricted
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            restrict_to_owner(self.path)
            with closing(self._connect("rw")) as con:
                con.execute("PRAGMA synchronous = FULL")  # a power cut must not lose what was reported as kept
                con.execute("BEGIN IMMEDIATE")
                try:
                    self._migrate(con)
                    yield con
                    con.execute("COMMIT")
                except BaseException:  # also Ctrl-C: never leave half of it behind
                    with suppress(sqlite3.Error):
                        con.execute("ROLLBACK")
                    raise

    def reclaim_space(self) -> None:
        """Return the space of deleted rows to the disk. Where that fails, they are deleted all the same."""
        with suppress(sqlite3.Error), closing(self._connect("rw")) as con:
            con.execute("VACUUM")

    def _connect(self, mode: str) -> sqlite3.Connection:
        uri = f"{self.path.absolute().as_uri()}?mode={mode}"
        return sqlite3.connect(uri, uri=True, timeout=self.busy_seconds, isolation_level=None)

    def _recover(self) -> None:
        """Roll back what a killed writer left behind and migrate an older file; a read-only file stays as it is."""
        with suppress(UnusableStateError, sqlite3.OperationalError, OSError):
            # a hot journal can only be rolled back by a connection that may write
            needs_writing = self.path.with_name(f"{self.path.name}-journal").exists()
            with closing(self._connect("rw" if needs_writing else "ro")) as con:
                needs_writing = self._read_version(con) < len(self.migrations)
            if needs_writing:
                with self.open_for_writing():
                    pass

    def _migrate(self, con: sqlite3.Connection) -> None:
        for number in range(self._read_version(con), len(self.migrations)):
            for statement in self.migrations[number].split(";\n"):  # executescript() would commit our transaction
                con.execute(statement)
            con.execute(f"PRAGMA user_version = {number + 1}")
            con.execute(f"PRAGMA application_id = {self.application_id}")

    def _read_version(self, con: sqlite3.Connection) -> int:
        """Return how many migrations a file has; 0 for an empty one."""
        version = int(con.execute("PRAGMA user_version").fetchone()[0])
        kind = int(con.execute("PRAGMA application_id").fetchone()[0])
        is_empty = version == 0 and con.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        if kind != self.application_id and not is_empty:
            raise UnusableStateError(
                message("state.other_kind", path=Name(str(self.path))), message("state.other_kind_hint")
            )
        if version > len(self.migrations):
            raise NewerStateError(message("state.newer", path=Name(str(self.path))), message("state.newer_hint"))
        return version

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # extended codes keep the primary one in their low byte
            if code not in REASONS and type(error) is not sqlite3.OperationalError:
                raise  # a mistake in one of our statements; the file is fine
            reason = message(REASONS[code]) if code in REASONS else verbatim(str(error))
            raise self._to_error(code, reason) from error
        except OSError as error:
            raise self._to_error(0, describe_os_error(error)) from error

    def _to_error(self, code: int, reason: Message) -> UnusableStateError:
        if code in DAMAGED:
            return DamagedStateError(self.path, reason, self._rename_damaged() if self.renames_damaged else None)
        kind = BusyStateError if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) else UnusableStateError
        text = message("state.unusable", path=Name(str(self.path)), reason=reason)
        return kind(text, message("state.unusable_hint"))

    def _rename_damaged(self) -> Path | None:
        """Move a damaged file aside, and its journal, which must not be applied to the new file."""
        number = 1
        while (target := self.path.with_name(f"{self.path.stem}.damaged-{number}{self.path.suffix}")).exists():
            number += 1
        try:
            self.path.rename(target)
            with suppress(FileNotFoundError):
                self.path.with_name(f"{self.path.name}-journal").rename(target.with_name(f"{target.name}-journal"))
        except OSError:
            return None
        return target


def read_records(
    con: sqlite3.Connection,
    query: str,
    values: Sequence[Any] = (),
    decoders: Mapping[str, Callable[[Any], Any]] | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a query by column name.

    Args:
        con: An open state file.
        query: What to select.
        values: For the placeholders of the query.
        decoders: By column: what turns its values into what they stand for, such as JSON.
    """
    cursor = con.execute(query, tuple(values))
    names = [column[0] for column in cursor.description]
    for row in cursor:
        record = dict(zip(names, row, strict=True))
        yield record | {name: decode(record[name]) for name, decode in (decoders or {}).items()}


def write_jsonl(records: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """Yield one JSON line per record, in UTF-8: for export, and for programs that read line by line.

    Raises:
        ValueError: A number is infinite or NaN, which JSON lacks.
    """
    for record in records:
        yield f"{json.dumps(record, ensure_ascii=False, allow_nan=False)}\n".encode(errors="replace")
