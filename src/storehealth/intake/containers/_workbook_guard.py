"""Refuses workbooks that declare more cells, sheets or bytes than any shop exports, before a library allocates them.

A workbook of a few kilobytes may hold gigabytes of XML, or one cell so far away that the table up to it fills the memory.
Also runs the program that copies the sheets, under limits of time and memory.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any, NamedTuple

from storehealth.errors import FileRefused
from storehealth.support.message import Message, message
from storehealth.support.sandbox import MAX_QUERY_SECONDS, measure_available

PROGRAM = Path(__file__).with_name("_workbook_process.py")
MOST_ROWS, MOST_COLUMNS = 1_048_576, 16_384
"""What a sheet of Excel holds."""
MOST_SHEETS = 300
MOST_CELLS = 64_000_000
"""Cells of the table that is as wide and as high as the furthest cells of a sheet."""
SPARSE_FROM, SPARSEST = 16_000_000, 20
"""From how many cells such a table must hold a value in one cell of so many."""
MOST_BYTES = 4 << 30
MOST_RATIO = 200
"""Largest compression ratio of a part; sheets reach 10 to 40."""
RATIO_FROM = 64 << 20
PIECE = 4 << 20
OVERLAP = 64
REFERENCE = re.compile(rb'<(?:\w+:)?c\s[^>]{0,40}?\br="([A-Za-z]+)(\d+)"')
ROW = re.compile(rb'<(?:\w+:)?row\s[^>]{0,80}?\br="(\d+)"')
MEMORY = 4 << 30
SECONDS, BYTES_A_SECOND = 60.0, 100_000
"""Seconds for any workbook, and bytes of it for which one more is given."""


class _Extent(NamedTuple):
    """How far the cells of a sheet reach, and how many there are."""

    rows: int
    columns: int
    cells: int


def check_parts(path: Path) -> None:
    """Check the sizes that a workbook's zip directory states, and the references of its cells.

    Raises:
        FileRefused: They promise more than a workbook of Excel holds, or than memory does.
    """
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            sheets = [info for info in archive.infolist() if info.filename.lower().startswith("xl/worksheets/sheet")]
            _check_sizes(archive.infolist(), len(sheets))
            for info in sheets:
                if info.filename.lower().endswith(".xml"):
                    _check_extent(_measure_sheet(archive, info))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError):
        return  # broken or protected: the reader finds out which


def _check_sizes(parts: list[zipfile.ZipInfo], sheets: int) -> None:
    if sheets > MOST_SHEETS:
        raise _refuse(message("intake.many_sheets", sheets=sheets, most=MOST_SHEETS))
    if sum(part.file_size for part in parts) > MOST_BYTES:
        raise _refuse(message("intake.too_large", size=sum(part.file_size for part in parts) >> 20))
    for part in parts:
        if part.file_size > max(RATIO_FROM, MOST_RATIO * part.compress_size):
            raise _refuse(message("intake.too_large", size=part.file_size >> 20))


def _refuse(problem: Message) -> FileRefused:
    return FileRefused(problem, message("intake.save_smaller_table"))


def _measure_sheet(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Extent:
    """Measure the extent of a sheet from its XML, piece by piece, before any of it is parsed."""
    rows = columns = cells = 0
    rest = b""
    with archive.open(info) as part:
        while piece := part.read(PIECE):
            piece = rest + piece
            cut = piece.rfind(b">") + 1 or len(piece)
            text, rest = piece[:cut], piece[cut:][-OVERLAP * 8 :]
            pairs = REFERENCE.findall(text)
            cells += len(pairs)
            columns = max([columns, *map(_number_column, {letters for letters, _ in pairs})])
            highest = [*({digits for _, digits in pairs}), *ROW.findall(text)]
            rows = max([rows, *(int(digits[:12]) for digits in highest)])
            if rows > MOST_ROWS or columns > MOST_COLUMNS:
                break
    return _Extent(rows, columns, cells)


def _number_column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper()[:8]:
        number = number * 26 + letter - 64
    return number


def _check_extent(extent: _Extent) -> None:
    if extent.rows > MOST_ROWS or extent.columns > MOST_COLUMNS:
        raise _refuse(message("intake.impossible_cell", rows=MOST_ROWS, columns=MOST_COLUMNS))
    table = extent.rows * extent.columns
    if table > MOST_CELLS or (table > SPARSE_FROM and table > SPARSEST * extent.cells):
        raise _refuse(message("intake.distant_cell", rows=extent.rows, columns=extent.columns))


def copy_sheets(path: Path, folder: Path) -> list[tuple[str, list[tuple[int, list[str]]], int]]:
    """Copy the sheets of a workbook into ``folder/sheet0.csv`` … in a separate process.

    Returns:
        Per sheet its name, its first records with their numbers, and its number of columns.

    Raises:
        FileRefused: It took too long, or more memory than it may.
        ValueError: calamine cannot read it; the text is calamine's, and empty where the process was aborted.
    """
    most = min(MEMORY, max(measure_available(), 1 << 29))
    seconds = min(SECONDS + path.stat().st_size / BYTES_A_SECOND, MAX_QUERY_SECONDS)
    command = [sys.executable, "-S", "-P", str(PROGRAM), os.fspath(path), os.fspath(folder), str(most)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONIOENCODING": "utf-8:backslashreplace"}
    try:
        done = subprocess.run(command, capture_output=True, env=environment, timeout=seconds, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise _refuse(message("intake.workbook_too_long", seconds=seconds)) from None
    return _load_sheets(done.returncode, done.stdout, done.stderr)


def _load_sheets(code: int, printed: bytes, errors: bytes) -> list[tuple[str, list[tuple[int, list[str]]], int]]:
    try:
        reply: dict[str, Any] = json.loads(printed)
    except ValueError:
        reply = {}
    if reply.get("memory") or b"memory allocation of" in errors:
        raise _refuse(message("intake.workbook_memory"))
    if "sheets" not in reply:
        if code == 1:  # the program itself does not run: nothing is wrong with the file
            raise OSError(f"the reader of workbooks: {errors.decode(errors='replace').strip().splitlines()[-1:]}")
        raise ValueError(reply.get("problem", ""))
    return [(name, [(line, cells) for line, cells in top], width) for name, top, width in reply["sheets"]]
