"""The few exceptions storehealth raises, and the exit code each one means.

::

    StorehealthError          something the user can mend: a message and a hint
    ├── UsageError            a command line, a setting or a catalogue file is invalid     (exit 2)
    ├── CatalogueError        rule, layout, view, table or platform files do not fit       (exit 2)
    ├── Shortage              memory or disk do not suffice                                (exit 2)
    ├── NoDataError           no file of the exports folder could be used                  (exit 3)
    └── FileRefused           one file cannot be read; recorded in the checkup, never fatal

Trouble inside the data is a value (a reject, a note, a finding that is inconclusive), not an exception.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from enum import IntEnum

from storehealth.support.message import Message, verbatim


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
    """Something the user can fix.

    ``str()`` of it is English; the error handler shows ``problem`` and ``remedy`` in the user's language.

    Args:
        message: What is wrong. A string stands for itself in every language; raise a ``Message``.
        hint: What to do about it; printed on a line of its own.
    """

    exit_code = Exit.INTERNAL

    def __init__(self, message: Message | str, hint: Message | str | None = None) -> None:
        super().__init__(message)
        self.problem = message if isinstance(message, Message) else verbatim(message)
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

    exit_code = Exit.USAGE


class CatalogueError(StorehealthError):
    """Data files (rules, layouts, views, tables, platforms) are invalid. The message lists every problem found."""

    exit_code = Exit.USAGE


class Shortage(StorehealthError):  # noqa: N818 - it says what lacks
    """The machine's memory or disk does not suffice; no file of the store is to blame."""

    exit_code = Exit.USAGE


class OutOfMemory(Shortage):
    """More memory is needed than there is, or than ``--memory`` allows.

    Args:
        place: Where the SQL stands that needs it; none: the files themselves do.
    """

    def __init__(self, place: str = "") -> None:
        if place:
            super().__init__(
                f"{place}: not enough memory for what it asks",
                "Let its SQL make smaller lists and texts. Give more with --memory, such as --memory 2GB.",
            )
        else:
            super().__init__("not enough memory for these files", "Give more with --memory, such as --memory 2GB.")


class DiskFull(Shortage):
    """What is kept while auditing finds no room on the disk."""

    def __init__(self) -> None:
        super().__init__(
            "the disk under the state folder is full", "Make room there, or give --state a folder with more of it."
        )


class NoDataError(StorehealthError):
    """No file of the exports folder could be used."""

    exit_code = Exit.NO_DATA


class FileRefused(StorehealthError):  # noqa: N818 - it is a verdict on a file; the audit goes on
    """A file cannot be read as a whole. The audit goes on without it and names it."""

    exit_code = Exit.NO_DATA


def shortage(error: BaseException) -> Shortage | None:
    """The shortage behind an error, however deep it was caught and raised again; None where there is none."""
    for one in _chain(error):
        if isinstance(one, Shortage):
            return one
        if isinstance(one, MemoryError) or type(one).__name__ == "OutOfMemoryException":
            return OutOfMemory()
        if _is_full(one):
            return DiskFull()
    return None


def interrupted(error: BaseException) -> bool:
    """Whether Ctrl-C is behind an error; DuckDB has its own word for it."""
    return any(isinstance(one, KeyboardInterrupt) or str(one) == "Query interrupted" for one in _chain(error))


def exit_code(error: BaseException) -> Exit:
    """The exit code that a command ends with when this leaves it."""
    if interrupted(error):
        return Exit.INTERRUPTED
    short = shortage(error)
    known = short if short is not None else error
    return Exit(known.exit_code) if isinstance(known, StorehealthError) else Exit.INTERNAL


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _is_full(error: BaseException) -> bool:
    """Whether it is the system's word for it, or DuckDB's, which comes as text."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # EFBIG: no room for one file, `ulimit -f`
    return type(error).__name__ == "IOException" and "No space left" in str(error)
