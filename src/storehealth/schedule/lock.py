"""One run of a name at a time. The system releases the lock when its holder dies, so a stale one blocks nobody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from storehealth.errors import UsageError
from storehealth.outputs import make_private_folder
from storehealth.schedule.attempt import read_last_attempt
from storehealth.schedule.book import BusyError

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
            f"{folder} cannot be written to: {error.strerror}", "Give --state a folder you may write to."
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
    hint = "Wait for it, or give --lock-wait 5m."
    if holder is None or holder.ended_at is not None:
        return BusyError(f"another run of {folder.name} is going on", hint)
    since = holder.started_at.astimezone()
    return BusyError(
        f"another run of {folder.name} is going on: process {holder.pid} on {holder.host},"
        f" since {since:%Y-%m-%d %H:%M:%S %z}",
        hint,
    )
