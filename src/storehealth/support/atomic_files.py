"""Writes files atomically, CSV files without formulas, and folders that only their owner can read.

Says why the system refused, as a message, since the system's own words are in the language of the machine.
"""

from __future__ import annotations

import csv
import errno
import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from storehealth.support.message import Message, message, verbatim

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""Beginnings that a spreadsheet takes for a formula, also when a cell is edited or copied into a CSV."""
BOM = b"\xef\xbb\xbf"
KNOWN = frozenset(
    {"EACCES", "EDQUOT", "EEXIST", "EIO", "EISDIR", "ENAMETOOLONG", "ENOENT", "ENOSPC", "ENOTDIR", "EPERM", "EROFS"}
)
"""Names of the errors that the catalogues have a text for."""


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file atomically: to a temporary file beside it, which then replaces it.

    A symbolic link stays a link; a device or pipe is written to directly.

    Raises:
        OSError: The folder cannot be written to, or the disk is full. An existing file is then unchanged.
    """
    with _open_atomically(path) as stream:
        stream.write(content)


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write a CSV file for people, row by row: UTF-8 with a byte order mark for Excel, and no formulas.

    Returns:
        The number of rows below the header.

    Raises:
        OSError: As :func:`write_whole`.
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
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell


class _Encoder:
    """Encodes the text that csv writes."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        return self.stream.write(text.encode("utf-8", errors="replace"))


@contextmanager
def _open_atomically(path: Path) -> Iterator[BinaryIO]:
    path = path.resolve()
    if path.exists() and not path.is_file():
        with path.open("wb") as stream:
            yield stream
        return
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
