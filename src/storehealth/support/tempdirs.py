"""Temporary folders: removed when the work is done, or by a later run if the process was killed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

LOCK_NAME = ".in-use"
GRACE_SECONDS = 60.0
"""Seconds for which a folder without a held lock is left alone: another process may be creating it."""


@contextmanager
def make_temporary_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """Create a temporary folder that only its owner can read, and remove it afterwards.

    The system releases the lock file in it when the process ends, so that folders of killed processes are recognised even
    if their process number is in use again.

    Args:
        parent: Where to create it; abandoned folders with the same prefix are removed.
        prefix: How its name begins.

    Raises:
        OSError: It cannot be created.
    """
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    lock = FileLock(folder / LOCK_NAME, mode=0o600)
    try:
        lock.acquire()
        _remove_abandoned(folder, prefix)
        yield folder
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(own: Path, prefix: str) -> None:
    """Remove folders with the prefix beside our own whose process has ended."""
    now = own.stat().st_mtime  # the clock of the disk, which may be another machine's
    for folder in own.parent.glob(f"{prefix}*"):
        if folder != own and _is_abandoned(folder, now):
            shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(folder: Path, now: float) -> bool:
    try:
        if folder.is_symlink() or not folder.is_dir() or now - folder.stat().st_mtime < GRACE_SECONDS:
            return False
        if not (folder / LOCK_NAME).exists():
            return True
        with FileLock(folder / LOCK_NAME, timeout=0, mode=0o600):
            return True
    except (Timeout, OSError):
        return False
