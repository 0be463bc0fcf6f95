"""``history.sqlite``: one row per run, written whole or not at all, readable by its owner alone.

The rollback journal, not a write-ahead log: what is killed in the middle is undone by whoever opens the file next, and a
copy of the one file is a whole backup.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from storehealth.errors import UsageError
from storehealth.outputs import close_to_others

FILE = "history.sqlite"
PATIENCE = 15.0
"""Seconds another run may take to write."""
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
"""Each step takes the file to the next version; SQLite's own ``user_version`` says how many are done."""


class HistoryUnusable(UsageError):  # noqa: N818 - it says what is the matter
    """The file of past runs cannot be read or written; an audit goes on without it."""


@contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection | None]:
    """The file, to read from; None where there is none yet.

    Raises:
        HistoryUnusable: It is damaged (and has been set aside), is of a newer version, or may not be read.
    """
    path = folder / FILE
    if not path.exists():
        yield None
        return
    with _blamed(path):
        _recovered(path)
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=PATIENCE)) as con:
            version = _version(con, path)
            yield con if version == len(MIGRATIONS) else None


@contextmanager
def writing(folder: Path) -> Iterator[sqlite3.Connection]:
    """The file, made if need be, within one transaction: whole at the end, or as it was.

    Raises:
        HistoryUnusable: As :func:`reading`; or another run holds it too long, or the disk is full.
    """
    path = folder / FILE
    with _blamed(path):
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        close_to_others(path)
        with closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as con:
            con.execute("PRAGMA synchronous = FULL")
            con.execute("BEGIN IMMEDIATE")
            try:
                _migrate(con, path)
                yield con
                con.execute("COMMIT")
            except BaseException:  # whatever stops it, nothing is half remembered
                with suppress(sqlite3.Error):
                    con.execute("ROLLBACK")
                raise


def shrink(folder: Path) -> None:
    """Give the room of deleted runs back to the disk; where that fails, they are gone all the same."""
    path = folder / FILE
    with suppress(sqlite3.Error), closing(sqlite3.connect(path, timeout=PATIENCE)) as con:
        con.execute("VACUUM")


def _recovered(path: Path) -> None:
    """Undo what a killed run left behind and bring an older file up to date; a file one may only read stays as it is."""
    with suppress(HistoryUnusable, sqlite3.OperationalError, OSError):
        behind = path.with_name(f"{FILE}-journal").exists()
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode={'rw' if behind else 'ro'}", uri=True)) as con:
            behind = _version(con, path) < len(MIGRATIONS)
        if behind:
            with writing(path.parent):
                pass


def _migrate(con: sqlite3.Connection, path: Path) -> None:
    for number in range(_version(con, path), len(MIGRATIONS)):
        for statement in MIGRATIONS[number].split(";\n"):
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
def _blamed(path: Path) -> Iterator[None]:
    """What SQLite says, in plain words; a damaged file is set aside, so that the next run begins a new one."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise HistoryUnusable(
            f"{path} cannot be used: {error}", "Past runs are left out; the audit is whole."
        ) from error
    except sqlite3.DatabaseError as error:
        if type(error) is not sqlite3.DatabaseError:  # a mistake in a statement says nothing of the file
            raise
        kept = _set_aside(path)
        hint = (
            f"It is kept as {kept.name}; a new one is begun."
            if kept
            else "Move it away, so that a new one can be begun."
        )
        raise HistoryUnusable(f"{path} is damaged: {error}", hint) from error
    except OSError as error:
        raise HistoryUnusable(f"{path} cannot be used: {error.strerror}", "Past runs are left out.") from error


def _set_aside(path: Path) -> Path | None:
    """The damaged file under another name, and its journal, which must not be played into the new one."""
    number = 1
    while (kept := path.with_name(f"history.damaged-{number}.sqlite")).exists():
        number += 1
    try:
        path.rename(kept)
        with suppress(FileNotFoundError):
            path.with_name(f"{FILE}-journal").rename(kept.with_name(f"{kept.name}-journal"))
    except OSError:
        return None
    return kept
