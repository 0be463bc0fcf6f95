"""Excel workbooks, new (XLSX) and old (XLS), read by calamine in a process of its own; every sheet is a table.

The value of a cell that is merged over several rows counts for each of them, as it does for a reader of the sheet.
"""

from __future__ import annotations

import re
import zipfile
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from storehealth.errors import FileRefused
from storehealth.intake.containers import Body, Claim, Head, Sheet, TextRecord, is_workbook, name_copy
from storehealth.intake.containers._workbook_guard import check_parts, copy_sheets
from storehealth.intake.containers.delimited import read_copy
from storehealth.support.message import Name, message

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
