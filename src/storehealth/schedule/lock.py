"""One run of a name at a time. The system releases the lock when its holder dies, so a stale one blocks nobody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from storehealth.errors import UsageError
from storehealth.outputs import private_folder
from storehealth.schedule.attempt import last_attempt
from storehealth.schedule.book import BusyError

FILE = "run.lock"
LEAST_WAIT = 1.0
"""Seconds. ``status`` holds the lock for an instant to see whether it is free, and must not turn a run away by that."""


@contextmanager
def held(folder: Path, wait: float) -> Iterator[None]:
    """Hold the lock of a name's runs.

    Args:
        folder: Where its runs are; created if need be.
        wait: Seconds to wait for another run.

    Raises:
        BusyError: Another run holds it; the message says which, and since when.
        UsageError: The folder cannot be written to.
    """
    try:
        lock = FileLock(private_folder(folder) / FILE, mode=0o600)
        lock.acquire(timeout=max(wait, LEAST_WAIT))
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


def is_held(folder: Path) -> bool:
    """Whether a run is in progress."""
    if not (folder / FILE).exists():
        return False
    try:
        with FileLock(folder / FILE, timeout=0, mode=0o600):
            return False
    except Timeout:
        return True
    except OSError:  # a folder of another user: whoever runs there is not our run
        return False


def _to_busy_error(folder: Path) -> BusyError:
    holder = last_attempt(folder)
    hint = "Wait for it, or give --lock-wait 5m."
    if holder is None or holder.ended_at is not None:
        return BusyError(f"another run of {folder.name} is going on", hint)
    since = holder.started_at.astimezone()
    return BusyError(
        f"another run of {folder.name} is going on: process {holder.pid} on {holder.host},"
        f" since {since:%Y-%m-%d %H:%M:%S %z}",
        hint,
    )
