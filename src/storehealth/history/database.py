"""``history.sqlite``: one row per run, written completely or not at all, readable by its owner only.

The rollback journal, not a write-ahead log: a write that was killed halfway is rolled back by
whoever opens the file next, and a copy of the one file is a complete backup.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from storehealth.errors import UsageError
from storehealth.support.atomic_files import restrict_to_owner

FILE = "history.sqlite"
PATIENCE = 15.0
"""Seconds to wait for another run that is writing."""
MIGRATIONS = (
    """
    CREATE TABLE runs (
        number INTEGER PRIMARY KEY,
        store_key TEXT NOT NULL,            -- the store's name in its settings, else the exports' folder
        store TEXT NOT NULL,
        platform TEXT NOT NULL,
        how TEXT NOT NULL,                  -- options that make other figures
        as_of TEXT NOT NULL,                -- ISO, in the store's zone
        run TEXT NOT NULL UNIQUE,
        made_at TEXT NOT NULL,              -- ISO, UTC
        score REAL, grade TEXT, fails INTEGER NOT NULL, watches INTEGER NOT NULL,
        basis TEXT NOT NULL,                -- digest of everything a verdict rests on but the counts
        brief BLOB NOT NULL,                -- zlib of JSON: what comparing needs of the checkup
        checkup BLOB NOT NULL,              -- zlib of JSON: the checkup without its measurements
        measured BLOB NOT NULL,             -- zlib of JSON: the counts per rule and slice, and what each rule asked
        marks BLOB,                         -- fingerprints of the defects; NULL once they are old
        UNIQUE (store_key, platform, how, as_of)
    );
    """,
    """
    -- verdicts and scores by later rules, zlib of JSON; and by which rules, in which language
    ALTER TABLE runs ADD COLUMN anew BLOB;
    ALTER TABLE runs ADD COLUMN anew_by TEXT;
    """,
)
"""Each step brings the file to the next version; SQLite's own ``user_version`` counts the steps that have been applied."""


class HistoryUnusable(UsageError):  # noqa: N818 - a state, not a mistake of the caller
    """The file of past runs cannot be read or written; an audit continues without it."""


@contextmanager
def open_for_reading(folder: Path) -> Iterator[sqlite3.Connection | None]:
    """Open the file read-only; yield None where there is none yet.

    Raises:
        HistoryUnusable: It is damaged (and has been renamed), was written by a newer version, or cannot be read.
    """
    path = folder / FILE
    if not path.exists():
        yield None
        return
    with _translate_errors(path):
        _recover(path)
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=PATIENCE)) as con:
            version = _version(con, path)
            yield con if version == len(MIGRATIONS) else None


@contextmanager
def open_for_writing(folder: Path) -> Iterator[sqlite3.Connection]:
    """Open the file, creating it if need be, in one transaction: all of its changes are kept, or none.

    Raises:
        HistoryUnusable: As :func:`reading`; or another run keeps it locked too long, or the disk is full.
    """
    path = folder / FILE
    with _translate_errors(path):
        if not path.exists():
            # SQLite would create it with the umask's mode, readable by others until it is restricted
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        restrict_to_owner(path)
        with closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as con:
            con.execute("PRAGMA synchronous = FULL")  # a power cut must not lose a run that was reported as kept
            con.execute("BEGIN IMMEDIATE")
            try:
                _migrate(con, path)
                yield con
                con.execute("COMMIT")
            except BaseException:  # also Ctrl-C: never leave half a run behind
                with suppress(sqlite3.Error):
                    con.execute("ROLLBACK")
                raise


def reclaim_space(folder: Path) -> None:
    """Return the space of deleted runs to the disk. Where that fails, the runs are deleted all the same."""
    path = folder / FILE
    with suppress(sqlite3.Error), closing(sqlite3.connect(path, timeout=PATIENCE)) as con:
        con.execute("VACUUM")


def _recover(path: Path) -> None:
    """Roll back what a killed run left behind and migrate an older file; a read-only file stays as it is."""
    with suppress(HistoryUnusable, sqlite3.OperationalError, OSError):
        # a hot journal can only be rolled back by a connection that may write
        needs_writing = path.with_name(f"{FILE}-journal").exists()
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode={'rw' if needs_writing else 'ro'}", uri=True)
        ) as con:
            needs_writing = _version(con, path) < len(MIGRATIONS)
        if needs_writing:
            with open_for_writing(path.parent):
                pass


def _migrate(con: sqlite3.Connection, path: Path) -> None:
    for number in range(_version(con, path), len(MIGRATIONS)):
        for statement in MIGRATIONS[number].split(";\n"):  # executescript() would commit our transaction
            con.execute(statement)
        con.execute(f"PRAGMA user_version = {number + 1}")


def _version(con: sqlite3.Connection, path: Path) -> int:
    version = int(con.execute("PRAGMA user_version").fetchone()[0])
    if version > len(MIGRATIONS):
        raise HistoryUnusable(
            f"{path} was written by a newer storehealth", "Update storehealth, or move the file away to begin anew."
        )
    return version


@contextmanager
def _translate_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into plain words; rename a damaged file, so that the next run starts a new one."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise HistoryUnusable(
            f"{path} cannot be used: {error}", "Past runs are left out; the audit is whole."
        ) from error
    except sqlite3.DatabaseError as error:
        if type(error) is not sqlite3.DatabaseError:  # a mistake in one of our statements; the file is fine
            raise
        renamed = _set_aside_damaged(path)
        hint = (
            f"It is kept as {renamed.name}; a new one is begun."
            if renamed
            else "Move it away, so that a new one can be begun."
        )
        raise HistoryUnusable(f"{path} is damaged: {error}", hint) from error
    except OSError as error:
        raise HistoryUnusable(f"{path} cannot be used: {error.strerror}", "Past runs are left out.") from error


def _set_aside_damaged(path: Path) -> Path | None:
    """Rename a damaged file, and its journal, which must not be applied to the new file."""
    number = 1
    while (target := path.with_name(f"history.damaged-{number}.sqlite")).exists():
        number += 1
    try:
        path.rename(target)
        with suppress(FileNotFoundError):
            path.with_name(f"{FILE}-journal").rename(target.with_name(f"{target.name}-journal"))
    except OSError:
        return None
    return target
