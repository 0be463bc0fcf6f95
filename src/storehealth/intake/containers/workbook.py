"""Excel workbooks, new (XLSX) and old (XLS), read through pandas; every sheet is a table of its own."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from storehealth.errors import FileRefused
from storehealth.intake.containers import TOP_RECORDS, Body, Claim, Damage, Head, Record, Sheet
from storehealth.intake.containers.delimited import body_of_copy, write_records
from storehealth.intake.records import Good

NAME = "workbook"
VERSION = 1
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
EXACT_BELOW = 2**53
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
PROTECTED = FileRefused("protected by a password", "Open it in Excel, save it without a password, and put it back.")
BROKEN = "the workbook is cut off or broken"


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
    found = {name: rows for name, rows in _frames(path) if rows}
    if not found:
        raise FileRefused("no sheet of the workbook has any cells", "Export it again.")
    alone = len(found) == 1
    return [Worksheet("" if alone else name, tuple(rows), scratch) for name, rows in found.items()]


def _frames(path: Path) -> Iterator[tuple[str, list[Record]]]:
    """Names of sheets and their rows that are not blank, numbered as Excel does."""
    from pandas import read_excel

    try:
        frames = read_excel(
            path, sheet_name=None, engine="calamine", header=None, dtype=object, keep_default_na=False, na_filter=False
        )
    except Exception as error:  # noqa: BLE001 - the reader has no class of its own for a broken workbook
        raise _refusal(path, error) from error
    for name, frame in frames.items():
        rows = (Record(row + 1, tuple(map(_text, cells))) for row, cells in enumerate(frame.to_numpy()))
        yield str(name), [row for row in rows if any(row.cells)]


def _refusal(path: Path, error: Exception) -> FileRefused:
    if "password" in str(error).lower() or ENCRYPTED in path.read_bytes():
        return PROTECTED
    return FileRefused(f"{BROKEN} ({' '.join(str(error).split())[:120]})", "Export it again, and copy it anew.")


@dataclass(frozen=True)
class Worksheet:
    """One sheet of a workbook, all rows in memory."""

    name: str
    rows: tuple[Record, ...]
    scratch: Path
    encoding: str | None = None

    @property
    def top(self) -> tuple[Record, ...]:
        """The first rows."""
        return self.rows[:TOP_RECORDS]

    def body(self, first: int, width: int, careful: bool) -> Body:  # noqa: ARG002 - there is one way to read a sheet
        """Rows below the header; see :class:`storehealth.intake.containers.Sheet`."""
        copy, damages = self.scratch / "sheet.csv", list[Damage]()
        write_records(copy, (Good(row.line, _fit(row.cells, width)) for row in self.rows[first:]), damages)
        return body_of_copy(copy, width, damages)


def _fit(cells: Sequence[str], width: int) -> list[str]:
    return [*cells[:width], *[""] * (width - len(cells))]


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
    return value.isoformat() if isinstance(value, date | time) else str(value)


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
