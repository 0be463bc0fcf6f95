"""Excel workbooks, new (XLSX) and old (XLS), read by calamine; every sheet is a table of its own.

A cell that is merged downwards says its value in each of its rows, as it does to whoever reads the sheet.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from io import StringIO
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from storehealth.errors import FileRefused
from storehealth.intake.containers import TOP_RECORDS, Body, Claim, Head, Record, Sheet
from storehealth.intake.containers.delimited import body_of_copy, write_records
from storehealth.intake.records import Good

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

NAME = "workbook"
VERSION = 2
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
EXACT_BELOW = 2**53
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
END = 1 << 62
BROKEN = "the workbook is cut off or broken"
PANIC = "PanicException"
"""What calamine raises where a file surprises it; no :class:`Exception`."""


def claims(head: Head) -> Claim:
    """A zip that says it is a workbook, or an OLE file."""
    if head.data.startswith(OLE):
        return Claim.SURE
    named = head.path.suffix.lower() in (".xlsx", ".xlsm", ".xls", ".xlsb")
    return Claim.SURE if head.data.startswith(ZIP) and (named or _is_workbook(head.path)) else Claim.NO


def _is_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.startswith("xl/workbook") for name in archive.namelist())
    except zipfile.BadZipFile:
        return False


def sheets(path: Path, scratch: Path, encoding: str | None) -> list[Sheet]:  # noqa: ARG001 - cells are decoded already
    """Every sheet that has cells."""
    found = [_stored(name, rows, scratch / f"sheet{number}.csv") for number, (name, rows) in enumerate(_frames(path))]
    filled = [sheet for sheet in found if sheet.top]
    if not filled:
        raise FileRefused("no sheet of the workbook has any cells", "Export it again.")
    return [Worksheet("", *filled[0][1:])] if len(filled) == 1 else list[Sheet](filled)


def _frames(path: Path) -> Iterator[tuple[str, Iterator[Record]]]:
    """Names of sheets, and their rows numbered as Excel does, without the blank ones."""
    from python_calamine import CalamineWorkbook

    _check_sectors(path)
    try:
        with CalamineWorkbook.from_path(str(path)) as book:
            for name in book.sheet_names:
                rows = (Record(row + 1, tuple(map(_text, cells))) for row, cells in enumerate(_cells(book, name)))
                yield name, (row for row in rows if any(row.cells))
    except BaseException as error:  # a panic of calamine's is no Exception
        if isinstance(error, Exception) or type(error).__name__ == PANIC:
            raise _refusal(path, error) from error
        raise


def _cells(book: CalamineWorkbook, name: str) -> list[list[Any]]:
    """The cells of a sheet, row by row from the first on; what is merged downwards stands in each of its rows."""
    sheet = book.get_sheet_by_name(name)
    rows = sheet.to_python(skip_empty_area=False)
    for (top, left), (bottom, _) in sheet.merged_cell_ranges or ():
        for row in rows[top + 1 : bottom + 1]:
            row[left : left + 1] = rows[top][left : left + 1]
    return rows


def _check_sectors(path: Path) -> None:
    """Refuse an old workbook whose chains of sectors run in a circle or out of the file: calamine would follow them.

    Raises:
        FileRefused: They do.
    """
    with path.open("rb") as file:
        if file.read(len(OLE)) != OLE:
            return
    from xlrd.compdoc import CompDoc

    try:
        found = CompDoc(path.read_bytes(), logfile=StringIO(), ignore_workbook_corruption=True)
        for stream in ("Workbook", "Book"):
            found.locate_named_stream(stream)
    except Exception as error:  # a broken file makes xlrd fail in any way
        raise _refusal(path, error) from error


def _refusal(path: Path, error: BaseException) -> FileRefused:
    if "password" in str(error).lower() or ENCRYPTED in path.read_bytes():
        return FileRefused("protected by a password", "Open it in Excel and save it without one.")
    return FileRefused(f"{BROKEN} ({' '.join(str(error).split())[:120]})", "Export it again, and copy it anew.")


class Worksheet(NamedTuple):
    """One sheet of a workbook; its rows stand in a copy, so that many workbooks do not fill the memory."""

    name: str
    top: tuple[Record, ...]
    copy: Path
    width: int
    encoding: str | None = None

    def body(self, first: int, width: int, careful: bool) -> Body:  # noqa: ARG002 - there is one way to read a sheet
        """Rows below the header; see :class:`storehealth.intake.containers.Sheet`."""
        whole = body_of_copy(self.copy, self.width, ())
        begin = self.top[first].line if first < len(self.top) else END
        return whole._replace(sql=f"SELECT * FROM ({whole.sql}) WHERE source_row >= {begin}")


def _stored(name: str, rows: Iterator[Record], copy: Path) -> Worksheet:
    """Write the rows of a sheet into a copy."""
    top = tuple(islice(rows, TOP_RECORDS))
    write_records(copy, (Good(row.line, list(row.cells)) for row in chain(top, rows)), [])
    return Worksheet(name, top, copy, max((len(row.cells) for row in top), default=0))


def _text(value: Any) -> str:
    """A cell as text. Numbers whose digits Excel no longer holds are written with an exponent, to be refused as ids."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, datetime):
        return _whole_second(value).isoformat(sep=" ")
    if isinstance(value, date):
        return f"{value.isoformat()} 00:00:00"
    return value.isoformat() if isinstance(value, time) else str(value)


def _number(value: float) -> str:
    if value != value:
        return ""
    if abs(value) >= EXACT_BELOW:
        return f"{value:.15E}"
    return str(int(value)) if value == int(value) else repr(value)


def _whole_second(value: datetime) -> datetime:
    """Excel counts days in floating point; a hair beside a second is that second."""
    hair = min(value.microsecond, 1_000_000 - value.microsecond)
    return (value + timedelta(milliseconds=500)).replace(microsecond=0) if hair <= 1000 else value
