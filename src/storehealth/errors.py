"""The few exceptions storehealth raises, and the exit code each one means.

::

    StorehealthError          something the user can mend: a message and a hint
    ├── UsageError            a command line, a setting or a catalogue file is invalid     (exit 2)
    ├── CatalogueError        rule, layout, view, table or platform files do not fit       (exit 2)
    ├── NoDataError           no file of the exports folder could be used                  (exit 3)
    └── FileRefused           one file cannot be read; recorded in the checkup, never fatal

Trouble inside the data is a value (a reject, a note, a finding that is inconclusive), not an exception.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
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
    """Something the user can mend.

    Args:
        message: What is wrong, in plain words.
        hint: What to do about it; printed on a line of its own.
    """

    exit_code = Exit.INTERNAL

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(StorehealthError):
    """A command line or a settings file asks for something that does not exist."""

    exit_code = Exit.USAGE


class CatalogueError(StorehealthError):
    """Data files (rules, layouts, views, tables, platforms) are invalid. The message lists every problem found."""

    exit_code = Exit.USAGE


class NoDataError(StorehealthError):
    """No file of the exports folder could be used."""

    exit_code = Exit.NO_DATA


class FileRefused(StorehealthError):  # noqa: N818 - it is a verdict on a file; the audit goes on
    """A file cannot be read as a whole. The audit goes on without it and names it."""

    exit_code = Exit.NO_DATA
