"""Folders for work in progress: gone when it is done, and swept by a later run where its process was killed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

LOCK = ".in-use"
YOUNG = 60.0
"""Seconds in which a folder is left alone though nobody holds its lock: it is being made."""


@contextmanager
def scratch(parent: Path, prefix: str) -> Iterator[Path]:
    """A new folder in another one, for its owner alone.

    The system drops the lock in it with the process, so that what a killed one has left is known, whoever has its number.

    Args:
        parent: Where it is made; abandoned ones of the same prefix are taken away.
        prefix: What its name begins with.

    Raises:
        OSError: It cannot be made.
    """
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    lock = FileLock(folder / LOCK, mode=0o600)
    try:
        lock.acquire()
        _sweep(folder, prefix)
        yield folder
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(own: Path, prefix: str) -> None:
    """Take away folders of a prefix beside our own whose process is gone."""
    now = own.stat().st_mtime  # by the clock of the disk
    for folder in own.parent.glob(f"{prefix}*"):
        if folder != own and _abandoned(folder, now):
            shutil.rmtree(folder, ignore_errors=True)


def _abandoned(folder: Path, now: float) -> bool:
    try:
        if folder.is_symlink() or not folder.is_dir() or now - folder.stat().st_mtime < YOUNG:
            return False
        if not (folder / LOCK).exists():
            return True
        with FileLock(folder / LOCK, timeout=0, mode=0o600):
            return True
    except (Timeout, OSError):
        return False
