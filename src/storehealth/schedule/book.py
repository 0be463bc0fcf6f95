"""What was agreed on: ``schedules.json`` in the state folder, replaced as a whole at every change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout
from pydantic import ValidationError

from storehealth.errors import Exit, StorehealthError, UsageError
from storehealth.model.base import Record
from storehealth.outputs import write_whole

FILE = "schedules.json"
NAME = re.compile(r"\w(?:[\w.-]{0,62}\w)?")
LOCK_SECONDS = 10.0
Starter = Literal["cron", "systemd", "none"]


class BusyError(StorehealthError):
    """Another process is at it."""

    exit_code = Exit.BUSY


class Schedule(Record):
    """One agreement. ``options`` are those of ``audit``, paths absolute; ``by``: who starts it.

    ``folder``: where it was agreed on; what stands there (settings, ``events.yaml``) holds for its runs as for the user's.
    """

    name: str
    exports: str
    cron: str
    zone: str
    options: tuple[str, ...] = ()
    by: Starter
    created_at: datetime
    folder: str = ""


class _File(Record):
    version: Literal[1] = 1
    schedules: tuple[Schedule, ...] = ()


def name_of(text: str) -> str:
    """A name that can be a folder, a mark in a crontab, and a unit.

    Raises:
        UsageError: It cannot.
    """
    if NAME.fullmatch(text):
        return text
    raise UsageError(f"{text!r} is no name for a schedule", "Use letters, digits, dots, dashes; no blanks.")


class Book:
    """The schedules of a state folder."""

    def __init__(self, state: Path) -> None:
        self.path = state / FILE

    def all(self) -> tuple[Schedule, ...]:
        """Every schedule, by name.

        Raises:
            UsageError: The file is damaged or cannot be read.
        """
        try:
            return _File.model_validate_json(self.path.read_bytes()).schedules
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise UsageError(f"{self.path} cannot be read: {error.strerror}", "Check the path.") from None
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "the file"
            raise UsageError(f"{self.path} is damaged: {where}: {first['msg']}", "Mend it, or delete it.") from None

    def find(self, name: str) -> Schedule | None:
        """The schedule of a name, if there is one."""
        return next((one for one in self.all() if one.name == name), None)

    def put(self, schedule: Schedule) -> None:
        """Add a schedule, or replace the one of its name.

        Raises:
            UsageError: The file is damaged or cannot be written.
            BusyError: Another process keeps changing it.
        """
        with self._locked():
            self._write([*(one for one in self.all() if one.name != schedule.name), schedule])

    def drop(self, name: str) -> None:
        """Take a schedule out; raises as :meth:`put`."""
        with self._locked():
            self._write([one for one in self.all() if one.name != name])

    def _write(self, schedules: list[Schedule]) -> None:
        content = _File(schedules=tuple(sorted(schedules, key=lambda one: one.name)))
        write_whole(self.path, f"{content.model_dump_json(indent=1)}\n".encode(errors="surrogateescape"))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            with FileLock(f"{self.path}.lock", timeout=LOCK_SECONDS, mode=0o600):
                yield
        except Timeout:
            raise BusyError(f"another process is writing to {self.path}", "Try again in a moment.") from None
        except OSError as error:
            raise UsageError(
                f"{self.path} cannot be written to: {error.strerror}", "Give --state a folder you may write to."
            ) from None
