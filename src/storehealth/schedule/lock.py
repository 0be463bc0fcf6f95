"""One run of a name at a time. The system gives the lock back when its holder dies, so a stale one holds nobody up."""

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
"""Seconds; ``status`` looks for a moment whether the lock is held, and must not turn a run away."""


@contextmanager
def held(folder: Path, wait: float) -> Iterator[None]:
    """Hold the lock of a name's runs.

    Args:
        folder: Where its runs are; made if need be.
        wait: Seconds to wait for another run.

    Raises:
        BusyError: Another run holds it; the message says which, and since when.
        UsageError: The folder cannot be written to.
    """
    try:
        lock = FileLock(private_folder(folder) / FILE, mode=0o600)
        lock.acquire(timeout=max(wait, LEAST_WAIT))
    except Timeout:
        raise _busy(folder) from None
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be written to: {error.strerror}", "Give --state a folder you may write to."
        ) from None
    try:
        yield
    finally:
        lock.release()


def is_held(folder: Path) -> bool:
    """Whether a run is going on now."""
    if not (folder / FILE).exists():
        return False
    try:
        with FileLock(folder / FILE, timeout=0, mode=0o600):
            return False
    except Timeout:
        return True
    except OSError:
        return False


def _busy(folder: Path) -> BusyError:
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
