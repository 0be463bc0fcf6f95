"""Writes files so that a reader never sees half of one; tables so that no cell is a formula; folders only for their owner."""

from __future__ import annotations

import csv
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

FORMULA = ("=", "+", "-", "@", "\t", "\r")
BOM = b"\xef\xbb\xbf"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file through a temporary one beside it, which then takes its name.

    A symbolic link keeps pointing where it does; a device or pipe is written to directly.

    Raises:
        OSError: The folder cannot be written to, or the disk is full. A file that was there before is then unchanged.
    """
    with _whole(path) as stream:
        stream.write(content)


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write a CSV for people, row by row: UTF-8 with a byte order mark for Excel, and no text that is a formula.

    Returns:
        The number of rows below the header.

    Raises:
        OSError: As :func:`write_whole`.
    """
    with _whole(path) as stream:
        stream.write(BOM)
        return table_to(stream, header, rows)


def table_to(stream: BinaryIO, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """The same into an open stream, without a byte order mark."""
    count, line = 0, _Line(stream)
    writer = csv.writer(line, lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([guarded(cell) for cell in row])
        count += 1
    return count


def guarded(cell: Any) -> Any:
    """A cell that Excel reads as text where it is one: a text that begins like a formula gets an apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


class _Line:
    """Encodes what csv writes."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        return self.stream.write(text.encode("utf-8", errors="replace"))


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
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


def private_folder(path: Path) -> Path:
    """Make a folder, and those above it that are missing, for its owner alone. One that is there stays as it is.

    Raises:
        OSError: It cannot be made.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def close_to_others(path: Path) -> None:
    """Take a file or folder of ours away from everybody else; where the system knows no owners, nothing happens."""
    with suppress(OSError):
        mode = path.stat().st_mode
        if mode & 0o077:
            path.chmod(mode & 0o700)
