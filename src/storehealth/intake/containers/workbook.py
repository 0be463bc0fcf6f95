"""Excel workbooks, new (XLSX) and old (XLS), read by calamine; every sheet is a table of its own.

The value of a cell that is merged over several rows counts for each of them, as it does for a reader of the sheet.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from io import StringIO
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from storehealth.errors import FileRefused
from storehealth.intake.containers import TOP_RECORDS, Body, Claim, Head, Sheet, TextRecord
from storehealth.intake.containers.delimited import read_copy, write_records
from storehealth.intake.records import ParsedRecord
from storehealth.support.message import Name, message

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

NAME = "workbook"
VERSION = 2
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
EXACT_BELOW = 2**53
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
TEXT_DOCUMENTS = ("WordDocument".encode("utf-16-le"), "PowerPoint Document".encode("utf-16-le"))
FORMULA = re.compile(rb"<c [^>]*><f\b[^>]*?(?:/>|>[^<]*</f>)(<v>[^<]+</v>)?")
"""A cell with a formula in the XML of a sheet, and its value, if it was ever calculated."""
MOST_UNCALCULATED = 0.1
"""Formulas without a value, per row, from which the sheet says nothing."""
SCANNED = 4 << 20
"""Bytes of a sheet's XML in which such formulas are looked for: its first rows tell."""
END = 1 << 62
PANIC = "PanicException"
"""What calamine raises where it panics; not a subclass of :class:`Exception`."""


def claim(head: Head) -> Claim:
    """Claim a zip that is a workbook or has a workbook's extension, and any OLE file."""
    if head.data.startswith(OLE):
        return Claim.SURE
    has_suffix = head.path.suffix.lower() in (".xlsx", ".xlsm", ".xls", ".xlsb")
    return Claim.SURE if head.data.startswith(ZIP) and (has_suffix or _is_workbook(head.path)) else Claim.NO


def _is_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.startswith("xl/workbook") for name in archive.namelist())
    except zipfile.BadZipFile:
        return False


def open_sheets(path: Path, scratch: Path, encoding: str | None) -> list[Sheet]:  # noqa: ARG001 - cells are decoded already
    """Open every sheet that has cells."""
    copies = [
        _copy_sheet(name, rows, scratch / f"sheet{number}.csv")
        for number, (name, rows) in enumerate(_read_sheets(path))
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


def _read_sheets(path: Path) -> Iterator[tuple[str, Iterator[TextRecord]]]:
    """Yield the names of the sheets and their rows, numbered as in Excel, without blank ones."""
    from python_calamine import CalamineWorkbook

    _check_sectors(path)
    try:
        with CalamineWorkbook.from_path(str(path)) as book:
            for name in book.sheet_names:
                rows = (
                    TextRecord(row + 1, tuple(map(_format_cell, cells)))
                    for row, cells in enumerate(_read_cells(book, name))
                )
                yield name, (row for row in rows if any(row.cells))
    except BaseException as error:  # a panic in calamine is not an Exception
        if isinstance(error, Exception) or type(error).__name__ == PANIC:
            raise _explain_failure(path, error) from error
        raise


def _read_cells(book: CalamineWorkbook, name: str) -> list[list[Any]]:
    """Read the cells of a sheet, row by row from row 1 on; a cell merged over rows is repeated in each of them."""
    sheet = book.get_sheet_by_name(name)
    rows = sheet.to_python(skip_empty_area=False)
    for (top, left), (bottom, _) in sheet.merged_cell_ranges or ():
        for row in rows[top + 1 : bottom + 1]:
            row[left : left + 1] = rows[top][left : left + 1]
    return rows


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


def _explain_failure(path: Path, error: BaseException) -> FileRefused:
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
        return whole._replace(sql=f"SELECT * FROM ({whole.sql}) WHERE source_row >= {begin}")


def _copy_sheet(name: str, rows: Iterator[TextRecord], copy: Path) -> Worksheet:
    """Write the rows of a sheet into a copy."""
    top = tuple(islice(rows, TOP_RECORDS))
    write_records(copy, (ParsedRecord(row.line, list(row.cells)) for row in chain(top, rows)), [])
    return Worksheet(name, top, copy, max((len(row.cells) for row in top), default=0))


def _format_cell(value: Any) -> str:
    """Format a cell as text. Numbers whose last digits Excel has lost get an exponent, so that ids are refused."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _format_number(value)
    if isinstance(value, datetime):
        return _round_to_second(value).isoformat(sep=" ")
    if isinstance(value, date):
        return f"{value.isoformat()} 00:00:00"
    return value.isoformat() if isinstance(value, time) else str(value)


def _format_number(value: float) -> str:
    if value != value:  # NaN
        return ""
    if abs(value) >= EXACT_BELOW:
        return f"{value:.15E}"
    return str(int(value)) if value == int(value) else repr(value)


def _round_to_second(value: datetime) -> datetime:
    """Round a time within a millisecond of a whole second: Excel stores times as floating-point days."""
    distance = min(value.microsecond, 1_000_000 - value.microsecond)
    return (value + timedelta(milliseconds=500)).replace(microsecond=0) if distance <= 1000 else value
