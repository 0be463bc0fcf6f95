"""How the last run went: recorded when it begins and when it ends, so a killed run is recognised by its missing end.

One run of a name at a time. The system releases the lock when its holder dies, so a stale one blocks nobody.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import ValidationError

from storehealth.errors import UsageError
from storehealth.model.base import FrozenModel
from storehealth.schedule.schedules import BusyError
from storehealth.support.atomic_files import make_private_folder, write_atomically
from storehealth.support.message import Message, Name, message
from storehealth.support.os_errors import describe_os_error

ATTEMPT_FILE = "attempt.json"


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
        write_atomically(folder / ATTEMPT_FILE, f"{self.model_dump_json()}\n".encode(errors="replace"))


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


LOCK_FILE = "run.lock"
MIN_WAIT = 1.0
"""Seconds. ``status`` holds the lock for an instant to see whether it is free, and must not turn a run away by that."""


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
