"""The schedules (``schedules.json`` in the state folder), the command that runs one, and the attempt under way.

The command works from anywhere: it names this interpreter and this state folder, and needs nothing from a shell. An attempt
is recorded when it begins and when it ends, so a killed run is recognised by its missing end. One run of a name at a time:
the system releases the lock when its holder dies, so a stale one blocks nobody.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple

from filelock import FileLock, Timeout
from pydantic import ValidationError

from storehealth.errors import ExitCode, StorehealthError, UsageError
from storehealth.model.base import FrozenModel
from storehealth.support.atomic_files import describe_os_error, make_private_folder, write_atomically
from storehealth.support.message import Message, Name, message, verbatim
from storehealth.support.validation import describe_mistake

SCHEDULES_FILE = "schedules.json"
NAME_PATTERN = re.compile(r"\w(?:[\w.-]{0,62}\w)?")
LOCK_SECONDS = 10.0
Starter = Literal["cron", "systemd", "none"]
STATE_HOME = "XDG_STATE_HOME"
"""Variable by which a user moves the state folder. Cron does not set it, and the key of pseudonyms is stored there."""
ATTEMPT_FILE = "attempt.json"
LOCK_FILE = "run.lock"
MIN_WAIT = 1.0
"""Seconds. ``status`` holds the lock for an instant to see whether it is free, and must not turn a run away by that."""


class BusyError(StorehealthError):
    """Another process is doing the same."""

    exit_code = ExitCode.BUSY


class Schedule(FrozenModel):
    """One schedule. ``options`` are those of ``audit``, paths absolute; ``by``: what starts it.

    ``fleet``: ``exports`` names the stores of a fleet, and the options are those of ``fleet audit``.

    ``folder``: where it was added; its runs use the settings and ``events.yaml`` of that folder, as the user's own do.
    """

    name: str
    exports: str
    cron: str
    zone: str
    options: tuple[str, ...] = ()
    by: Starter
    created_at: datetime
    folder: str = ""
    fleet: bool = False


class _SchedulesFile(FrozenModel):
    version: Literal[1] = 1
    schedules: tuple[Schedule, ...] = ()


def describe_refusal(program: str, process: subprocess.CompletedProcess[bytes]) -> Message:
    """Say that crontab or systemctl refused, with its own words."""
    answer = " ".join(process.stderr.decode(errors="replace").split())
    reason = verbatim(answer) if answer else message("schedule.exit_code", code=process.returncode)
    return message("schedule.refused", program=Name(program), reason=reason)


def check_name(text: str) -> str:
    """Check that a name can be a folder, a mark in a crontab, and a systemd unit.

    Raises:
        UsageError: It cannot.
    """
    if NAME_PATTERN.fullmatch(text):
        return text
    raise UsageError(message("schedule.name", name=Name(text)), message("schedule.name_hint"))


class ScheduleBook:
    """The schedules of a state folder."""

    def __init__(self, state: Path) -> None:
        self.path = state / SCHEDULES_FILE

    def list_all(self) -> tuple[Schedule, ...]:
        """List all schedules, by name.

        Raises:
            UsageError: The file is damaged or cannot be read.
        """
        try:
            return _SchedulesFile.model_validate_json(self.path.read_bytes()).schedules
        except FileNotFoundError:
            return ()
        except OSError as error:
            text = message("schedule.unreadable", path=Name(str(self.path)), reason=describe_os_error(error))
            raise UsageError(text, message("state.other_kind_hint")) from None
        except ValidationError as error:
            raise UsageError(self._describe_damage(error), message("schedule.damaged_hint")) from None

    def _describe_damage(self, error: ValidationError) -> Message:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"])) or self.path.name
        return message("schedule.damaged", path=Name(str(self.path)), key=Name(key), what=describe_mistake(first))

    def find(self, name: str) -> Schedule | None:
        """Return the schedule of a name, if there is one."""
        return next((schedule for schedule in self.list_all() if schedule.name == name), None)

    def put(self, schedule: Schedule) -> None:
        """Add a schedule, or replace the one of its name.

        Raises:
            UsageError: The file is damaged or cannot be written.
            BusyError: Another process keeps changing it.
        """
        with self._lock():
            self._save([*(other for other in self.list_all() if other.name != schedule.name), schedule])

    def drop(self, name: str) -> None:
        """Delete a schedule; raises as :meth:`put`."""
        with self._lock():
            self._save([schedule for schedule in self.list_all() if schedule.name != name])

    def _save(self, schedules: list[Schedule]) -> None:
        content = _SchedulesFile(schedules=tuple(sorted(schedules, key=lambda schedule: schedule.name)))
        text = f"{content.model_dump_json(indent=1)}\n"  # paths may hold bytes that are not UTF-8
        write_atomically(self.path, text.encode(errors="surrogateescape"), follow=False)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        try:
            with FileLock(f"{self.path}.lock", timeout=LOCK_SECONDS, mode=0o600):
                yield
        except Timeout:
            text = message("schedule.file_busy", path=Name(str(self.path)))
            raise BusyError(text, message("schedule.again_hint")) from None
        except OSError as error:
            text = message("schedule.unwritable", path=Name(str(self.path)), reason=describe_os_error(error))
            raise UsageError(text, message("schedule.state_hint")) from None


class RunCommand(NamedTuple):
    """A command line and the environment it needs; every path is absolute."""

    command: tuple[str, ...]
    environment: dict[str, str]
    guarded: tuple[str, ...] = ("--when-due",)
    """Arguments to add where cron starts it more often than it is due."""

    @classmethod
    def of(cls, name: str, state: Path) -> RunCommand:
        """Build the command that runs a schedule of a state folder.

        Raises:
            UsageError: A path has a character that neither a crontab nor a unit file can hold.
        """
        command = (
            str(Path(sys.executable).absolute()), "-m", "storehealth", "schedule", "run", name, "--state",
            str(state.absolute()),
        )  # fmt: skip
        home = os.environ.get(STATE_HOME, "")
        environment = {STATE_HOME: str(Path(home).absolute())} if home else {}
        for text in (*command, *environment.values()):
            if any(char in text for char in "\n\r\\") and os.name != "nt":
                raise UsageError(message("schedule.odd_character", text=Name(text)), message("schedule.odd_hint"))
        return cls(command, environment)


class Attempt(FrozenModel):
    """One run, successful or not. ``run``: name of the folder it left, if any."""

    pid: int
    host: str
    started_at: datetime
    ended_at: datetime | None = None
    exit_code: int | None = None
    reasons: tuple[Message, ...] = ()
    run: str | None = None

    @classmethod
    def start(cls, now: datetime) -> Attempt:
        """Create the record of this process's run."""
        return cls(pid=os.getpid(), host=platform.node(), started_at=now)

    def write(self, folder: Path) -> None:
        """Store the record in the folder of the runs.

        Raises:
            OSError: The folder cannot be written to; the previous record stays.
        """
        write_atomically(folder / ATTEMPT_FILE, f"{self.model_dump_json()}\n".encode(errors="replace"), follow=False)


def read_last_attempt(folder: Path) -> Attempt | None:
    """Read the record of the last run that began, if it can be read."""
    try:
        return Attempt.model_validate_json((folder / ATTEMPT_FILE).read_bytes())
    except (OSError, ValidationError):
        return None


def delete_attempt(folder: Path) -> None:
    """Delete the record of the last run, if there is one; its reports stay."""
    with suppress(OSError):
        (folder / ATTEMPT_FILE).unlink()


@contextmanager
def hold_lock(folder: Path, wait: float) -> Iterator[None]:
    """Hold the lock of a name's runs.

    Args:
        folder: Where its runs are; created if need be.
        wait: Seconds to wait for another run.

    Raises:
        BusyError: Another run holds it; the message says which, and since when.
        UsageError: The folder cannot be written to.
    """
    try:
        lock = FileLock(make_private_folder(folder) / LOCK_FILE, mode=0o600)
        lock.acquire(timeout=max(wait, MIN_WAIT))
    except Timeout:
        raise _to_busy_error(folder) from None
    except OSError as error:
        raise UsageError(
            message("schedule.unwritable", path=Name(str(folder)), reason=describe_os_error(error)),
            message("schedule.state_hint"),
        ) from None
    try:
        yield
    finally:
        lock.release()


def is_locked(folder: Path) -> bool:
    """Whether a run is in progress."""
    if not (folder / LOCK_FILE).exists():
        return False
    try:
        with FileLock(folder / LOCK_FILE, timeout=0, mode=0o600):
            return False
    except Timeout:
        return True
    except OSError:  # a folder of another user: whoever runs there is not our run
        return False


def _to_busy_error(folder: Path) -> BusyError:
    holder = read_last_attempt(folder)
    hint = message("schedule.busy_hint")
    if holder is None or holder.ended_at is not None:
        return BusyError(message("schedule.busy", name=Name(folder.name)), hint)
    since = Name(f"{holder.started_at.astimezone():%Y-%m-%d %H:%M:%S %z}")
    text = message("schedule.busy_with", name=Name(folder.name), pid=holder.pid, host=Name(holder.host), since=since)
    return BusyError(text, hint)
