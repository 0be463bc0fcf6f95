"""The few exceptions storehealth raises, and the exit code each one means.

::

    StorehealthError          something the user can fix: a message and a hint
    ├── UsageError            a command line, a setting or a catalogue file is invalid     (exit 2)
    ├── CatalogueError        rule, layout, view, table or platform files are invalid      (exit 2)
    ├── Shortage              not enough memory or disk                                   (exit 2)
    ├── ReportFailed          a report cannot be made; the others still are                (exit 4)
    ├── NoDataError           no file of the exports folder could be used                  (exit 3)
    └── FileRefused           one file cannot be read; recorded in the checkup, never fatal

Problems inside the data are values (a reject, a note, an inconclusive finding), not exceptions.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from enum import IntEnum

from storehealth.support.message import Message, Name, message, verbatim


class ExitCode(IntEnum):
    """Exit codes of the command line. When several hold, the first of 2, 70, 3, 4, 1 is used."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    NO_DATA = 3
    NOT_DELIVERED = 4
    INTERNAL = 70
    BUSY = 75
    INTERRUPTED = 130


class StorehealthError(Exception):
    """Something the user can fix.

    ``str()`` of it is English; the error handler shows ``problem`` and ``remedy`` in the user's language.

    Args:
        problem: What is wrong. A string is the same in every language; raise a ``Message``.
        hint: What to do about it; printed on its own line.
    """

    exit_code = ExitCode.INTERNAL

    def __init__(self, problem: Message | str, hint: Message | str | None = None) -> None:
        super().__init__(problem)
        self.problem = problem if isinstance(problem, Message) else verbatim(problem)
        self.remedy = (hint if isinstance(hint, Message) else verbatim(hint)) if hint else None

    @property
    def message(self) -> str:
        """What is wrong, in English."""
        return str(self.problem)

    @property
    def hint(self) -> str:
        """What to do about it, in English; empty where there is nothing."""
        return str(self.remedy or "")


class UsageError(StorehealthError):
    """A command line or a settings file asks for something that does not exist."""

    exit_code = ExitCode.USAGE


class CatalogueError(StorehealthError):
    """Data files (rules, layouts, views, tables, platforms) are invalid. The message lists every problem found."""

    exit_code = ExitCode.USAGE


class Shortage(StorehealthError):  # noqa: N818 - the name says what is short
    """The machine has too little memory or disk space; no file of the store is to blame."""

    exit_code = ExitCode.USAGE


class OutOfMemory(Shortage):
    """More memory is needed than there is, or than ``--memory`` allows.

    Args:
        place: File and key of the SQL that needs it; empty if reading the files does.
    """

    def __init__(self, place: str = "") -> None:
        if place:
            super().__init__(message("shortage.memory_for_sql", place=Name(place)), message("shortage.smaller_lists"))
        else:
            super().__init__(message("shortage.memory_for_files"), message("shortage.give_memory"))


class DiskFull(Shortage):
    """The disk has no space left for the files an audit keeps."""

    def __init__(self) -> None:
        super().__init__(message("shortage.disk_full"), message("shortage.make_room"))


class ReportFailed(StorehealthError):  # noqa: N818 - the audit is fine, one of its reports is not
    """A report cannot be made, such as a PDF by a browser that crashes. The other reports still are."""

    exit_code = ExitCode.NOT_DELIVERED


class NoDataError(StorehealthError):
    """No file of the exports folder could be used."""

    exit_code = ExitCode.NO_DATA


class FileRefused(StorehealthError):  # noqa: N818 - a verdict on one file; the audit continues
    """A file cannot be read as a whole. The audit continues without it and names it."""

    exit_code = ExitCode.NO_DATA


def find_shortage(error: BaseException) -> Shortage | None:
    """Find the shortage behind an error, however often it was caught and raised again; None if there is none."""
    for cause in _walk_causes(error):
        if isinstance(cause, Shortage):
            return cause
        # by name, so that duckdb is not imported before a command needs it
        if isinstance(cause, MemoryError) or type(cause).__name__ == "OutOfMemoryException":
            return OutOfMemory()
        if _is_disk_full(cause):
            return DiskFull()
    return None


def is_interrupted(error: BaseException) -> bool:
    """Whether Ctrl-C caused an error. DuckDB reports it only in the text of its error."""
    return any(
        isinstance(cause, KeyboardInterrupt) or str(cause) == "Query interrupted" for cause in _walk_causes(error)
    )


def derive_exit_code(error: BaseException) -> ExitCode:
    """Return the exit code of a command that this error ends."""
    if is_interrupted(error):
        return ExitCode.INTERRUPTED
    cause = find_shortage(error) or error
    return ExitCode(cause.exit_code) if isinstance(cause, StorehealthError) else ExitCode.INTERNAL


def _walk_causes(error: BaseException | None) -> Iterator[BaseException]:
    visited: set[int] = set()  # errors may name each other as causes
    while error is not None and id(error) not in visited:
        visited.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _is_disk_full(error: BaseException) -> bool:
    """Whether the system, or DuckDB in the text of its error, says that the disk is full."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # EFBIG: no room for one file, `ulimit -f`
    return type(error).__name__ == "IOException" and "No space left" in str(error)
