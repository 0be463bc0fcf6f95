"""Writes files atomically, CSV files without formulas, and folders that only their owner can read.

System errors become messages, since the system's own texts are in the language of the machine.
"""

from __future__ import annotations

import csv
import errno
import glob
import os
import re
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from storehealth.support.control_chars import INVISIBLE
from storehealth.support.message import Message, message, verbatim

FORMULA = re.compile(rf"[\s\u00ad{INVISIBLE}]*[=+\-@\t\r\n＝＋－＠]")
"""Beginnings that a spreadsheet takes for a formula, also when a cell is edited, copied into a CSV, or trimmed."""
BOM = b"\xef\xbb\xbf"
KNOWN = frozenset(
    {"EACCES", "EDQUOT", "EEXIST", "EIO", "EISDIR", "ENAMETOOLONG", "ENOENT", "ENOSPC", "ENOTDIR", "EPERM", "EROFS"}
)
"""Names of the errors that the catalogues have a text for."""


def write_atomically(path: Path, content: bytes, follow: bool = True) -> None:
    """Write a file atomically: to a temporary file beside it, which then replaces it.

    A symbolic link stays a link; a device or pipe is written to directly. In a state folder, where nobody has reason to
    put a link, ``follow`` is False: the link is replaced.

    Raises:
        OSError: The folder cannot be written to, or the disk is full. An existing file is then unchanged.
    """
    with _open_atomically(path, follow) as stream:
        stream.write(content)


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write a CSV file for people, row by row: UTF-8 with a byte order mark for Excel, and no formulas.

    Returns:
        The number of rows below the header.

    Raises:
        OSError: As :func:`write_atomically`.
    """
    with _open_atomically(path) as stream:
        stream.write(BOM)
        return write_csv_rows(stream, header, rows)


def write_csv_rows(stream: BinaryIO, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write the same rows to an open stream, without a byte order mark; returns the number of rows."""
    count, encoder = 0, _Encoder(stream)
    writer = csv.writer(encoder, lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([escape_formula(cell) for cell in row])
        count += 1
    return count


def escape_formula(cell: Any) -> Any:
    """Put an apostrophe before a text that begins like a formula, so that Excel reads it as text."""
    return f"'{cell}" if isinstance(cell, str) and begins_like_formula(cell) else cell


def begins_like_formula(text: str) -> bool:
    """Whether a spreadsheet may take a text for a formula, as it is or without the blanks before it."""
    return FORMULA.match(text) is not None


class _Encoder:
    """Encodes the text that csv writes."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        return self.stream.write(text.encode("utf-8", errors="replace"))


@contextmanager
def _open_atomically(path: Path, follow: bool = True) -> Iterator[BinaryIO]:
    path = path.resolve() if follow else path.parent.resolve() / path.name
    if follow and path.exists() and not path.is_file():
        with path.open("wb") as stream:
            yield stream
        return
    _sweep_temporary(path)
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _sweep_temporary(path: Path) -> None:
    """Delete temporary files of this name that runs have left behind that were killed a day ago or earlier."""
    with suppress(OSError):
        before = time.time() - 24 * 3600
        for old in path.parent.glob(f".{glob.escape(path.name[:100])}.*.tmp"):
            if re.fullmatch(r".*\.[0-9a-f]{8}\.tmp", old.name) and old.lstat().st_mtime < before:
                old.unlink()


def make_private_folder(path: Path) -> Path:
    """Create a folder and its missing parents, readable by their owner only. An existing folder is not changed.

    Raises:
        OSError: It cannot be created.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def make_state_folder(path: Path) -> Path:
    """Create a folder inside a state folder like :func:`make_private_folder`; a link or file in its place is replaced.

    Raises:
        OSError: It cannot be created.
    """
    if path.is_symlink() or path.is_file():
        path.unlink()
    return make_private_folder(path)


def restrict_to_owner(path: Path) -> None:
    """Remove the rights of everybody but the owner; does nothing where the system has no owners, or to what a link names."""
    with suppress(OSError):
        mode = path.lstat().st_mode
        if mode & 0o077 and not stat.S_ISLNK(mode):
            path.chmod(mode & 0o700)


def describe_os_error(error: OSError) -> Message:
    """The reason alone, without the path, for use inside another message: ``permission denied``."""
    name = errno.errorcode.get(error.errno or 0, "")
    if name in KNOWN:
        return message(f"system.{name}")
    return verbatim(error.strerror or type(error).__name__)


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
    from filelock import FileLock

    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    lock = FileLock(folder / LOCK_NAME, mode=0o600)
    try:
        lock.acquire()
        _remove_abandoned(folder, prefix)
        yield folder
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(target: Path, prefix: str) -> None:
    """Remove folders with the prefix beside our own whose process has ended."""
    now = target.stat().st_mtime  # the clock of the disk, which may be another machine's
    for folder in target.parent.glob(f"{prefix}*"):
        if folder != target and _is_abandoned(folder, now):
            shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(folder: Path, now: float) -> bool:
    from filelock import FileLock, Timeout

    try:
        if folder.is_symlink() or not folder.is_dir() or now - folder.stat().st_mtime < GRACE_SECONDS:
            return False
        if not (folder / LOCK_NAME).exists():
            return True
        with FileLock(folder / LOCK_NAME, timeout=0, mode=0o600):
            return True
    except (Timeout, OSError):
        return False
