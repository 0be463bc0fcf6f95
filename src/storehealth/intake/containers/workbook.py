"""Excel workbooks, new (XLSX) and old (XLS), read by calamine in a process of its own; every sheet is a table.

The value of a cell that is merged over several rows counts for each of them, as it does for a reader of the sheet.

Refused are workbooks that declare more cells, sheets or bytes than any shop exports, before a library allocates them: one of
a few kilobytes may hold gigabytes of XML, or one cell so far away that the table up to it fills the memory.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
import zlib
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from storehealth.errors import FileRefused
from storehealth.intake.containers import Body, Claim, Head, Sheet, TextRecord, is_workbook, name_copy
from storehealth.intake.containers.delimited import read_copy
from storehealth.support.message import Message, Name, message
from storehealth.support.sandbox import MAX_QUERY_SECONDS, measure_available

NAME = "workbook"
VERSION = 2
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
TEXT_DOCUMENTS = ("WordDocument".encode("utf-16-le"), "PowerPoint Document".encode("utf-16-le"))
FORMULA = re.compile(rb"<c [^>]*><f\b[^>]*?(?:/>|>[^<]*</f>)(<v>[^<]+</v>)?")
"""A cell with a formula in the XML of a sheet, and its value, if it was ever calculated."""
MOST_UNCALCULATED = 0.1
"""Formulas without a value, per row, from which the sheet says nothing."""
SCANNED = 4 << 20
"""Bytes of a sheet's XML in which such formulas are looked for: its first rows tell."""
END = 1 << 62
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
REFERENCE = re.compile(rb"<(?:\w+:)?c\s[^>]{0,80}?\br\s{0,9}=\s{0,9}[\"']\s{0,9}([A-Za-z]+)(\d+)")
ROW = re.compile(rb"<(?:\w+:)?row\s[^>]{0,80}?\br\s{0,9}=\s{0,9}[\"']\s{0,9}(\d+)")
"""References in any spelling of XML: what this overlooks costs memory and a process before it is refused."""
MEMORY = 4 << 30
SECONDS, BYTES_A_SECOND = 60.0, 100_000
"""Seconds for any workbook, and bytes of it for which one more is given."""


def claim(head: Head) -> Claim:
    """Claim a zip that is a workbook or has a workbook's extension, and any OLE file."""
    if head.data.startswith(OLE):
        return Claim.SURE
    has_suffix = head.path.suffix.lower() in (".xlsx", ".xlsm", ".xls", ".xlsb")
    return Claim.SURE if head.data.startswith(ZIP) and (has_suffix or is_workbook(head.path)) else Claim.NO


def open_sheets(path: Path, scratch: Path, encoding: str | None) -> list[Sheet]:  # noqa: ARG001 - cells are decoded already
    """Open every sheet that has cells."""
    check_parts(path)
    _check_sectors(path)
    folder = name_copy(scratch, "workbook")
    folder.mkdir()
    try:
        found = copy_sheets(path, folder)
    except ValueError as error:
        raise _explain_failure(path, error) from error
    copies = [
        Worksheet(name, tuple(TextRecord(line, tuple(row)) for line, row in top), folder / f"sheet{number}.csv", width)
        for number, (name, top, width) in enumerate(found)
    ]
    filled = [sheet for sheet in copies if sheet.top]
    _refuse_uncalculated(path)
    if not filled:
        raise FileRefused(message("intake.no_cells"), message("intake.export_again"))
    return [Worksheet("", *filled[0][1:])] if len(filled) == 1 else list[Sheet](filled)


def _refuse_uncalculated(path: Path) -> None:
    """Refuse a workbook that a program wrote with formulas and without their values.

    Raises:
        FileRefused: In some sheet there is such a formula for every tenth row or more.
    """
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.filename.startswith("xl/worksheets/"):
                with archive.open(info) as part:
                    xml = part.read(SCANNED)
                empty = sum(not match[1] for match in FORMULA.finditer(xml)) if b"<f" in xml else 0
                if empty > MOST_UNCALCULATED * max(xml.count(b"<row"), 1):
                    name = info.filename.rpartition("/")[2].removesuffix(".xml")
                    raise FileRefused(
                        message("intake.uncalculated", sheet=Name(name)), message("intake.open_save_export")
                    )


def _check_sectors(path: Path) -> None:
    """Check the sector chains of an old workbook: calamine would follow one that loops for ever.

    Raises:
        FileRefused: A chain loops or leads out of the file.
    """
    with path.open("rb") as file:
        if file.read(len(OLE)) != OLE:
            return
    from xlrd.compdoc import CompDoc

    try:
        document = CompDoc(path.read_bytes(), logfile=StringIO(), ignore_workbook_corruption=True)
        for stream in ("Workbook", "Book"):
            document.locate_named_stream(stream)
    except Exception as error:  # a broken file can make xlrd fail in any way
        raise _explain_failure(path, error) from error


def _explain_failure(path: Path, error: Exception) -> FileRefused:
    content = path.read_bytes()
    if "password" in str(error).lower() or ENCRYPTED in content:
        return FileRefused(message("intake.protected"), message("intake.remove_password"))
    if content.startswith(OLE) and any(stream in content for stream in TEXT_DOCUMENTS):
        return FileRefused(message("intake.text_document"), message("intake.save_table"))
    return FileRefused(message("intake.broken_workbook"), message("intake.export_and_copy_again"))


class Worksheet(NamedTuple):
    """One sheet of a workbook; its rows are in a copy on disk, so that many workbooks do not fill the memory."""

    name: str
    top: tuple[TextRecord, ...]
    copy: Path
    width: int
    encoding: str | None = None

    def read_body(self, first: int, width: int, careful: bool, free_tail: bool = False) -> Body:  # noqa: ARG002 - there is one way to read a sheet
        """Read the rows below the header; see :class:`storehealth.intake.containers.Sheet`."""
        whole = read_copy(self.copy, self.width, ())
        begin = self.top[first].line if first < len(self.top) else END
        return whole._replace(sql=f"SELECT * FROM ({whole.sql}) WHERE source_row >= {begin}", rows=None)


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
