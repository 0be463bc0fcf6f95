"""Sheets of a workbook, cell by cell: numbers as numbers, times as times, and every text as a text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any, NamedTuple

from rich.cells import cell_len

from storehealth.i18n import translate
from storehealth.support.atomic_files import begins_like_formula
from storehealth.support.control_chars import CONTROL_CHARS
from storehealth.support.message import Message, message

MAX_ROWS = 1_048_575
"""Rows below the header of a sheet; further ones go on a second sheet."""
MAX_TEXT = 32_767
LINE_HEIGHT = 15
MOST_LINES = 12
FILL = 0.95
"""Share of a cell's width that words fill before they wrap."""
NUMBER_FORMATS = {
    "share": "0.0%",
    "seconds": "#,##0",
    "hours": "#,##0.0",
    "days": "#,##0.0",
    "whole": "#,##0",
    "score": "0",
    "points": "0.0",
}


class Figure(NamedTuple):
    """A number and its unit, which decides how it is shown."""

    value: float | None
    unit: str


class Column(NamedTuple):
    """A column: the message that heads it (``xlsx.column.KEY``, or one of the page's), and its width in characters."""

    key: str
    width: int = 12


def _head(column: Column) -> Message:
    section, _, key = column.key.rpartition(".")
    return message(f"page.{key}") if section else message(f"xlsx.column.{key}")


Cell = str | int | float | bool | date | Figure | Message | None
Rows = Iterable[Sequence[Cell]]


class SheetWriter:
    """Adds sheets and writes cells by their type."""

    def __init__(self, workbook: Any, language: str) -> None:
        self.book = workbook
        self.say = partial(translate, language=language)
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}

    def make_format(self, **properties: Any) -> Any:
        """Return the format with these properties; a workbook may hold each only once."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self.book.add_format({"valign": "top", **properties})
        return self._formats[key]

    def add_sheet(self, key: str, part: int = 0) -> Any:
        """Add a sheet that prints on one page's width."""
        name = self.say(message(f"xlsx.sheet.{key}"))
        sheet = self.book.add_worksheet(name if not part else f"{name} {part + 1}")
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        return sheet

    def add_table(self, key: str, columns: Sequence[Column], rows: Rows, extra: Sequence[str] = ()) -> list[Any]:
        """Add a sheet with a table, or several where one cannot hold its rows.

        Args:
            key: The sheet.
            columns: Its columns.
            rows: A cell for each column.
            extra: Headers of further columns that are names of the data, not texts of ours.
        """
        listed = list(rows)
        sheets = []
        for part, start in enumerate(range(0, max(len(listed), 1), MAX_ROWS)):
            sheet = self.add_sheet(key, part)
            self.write_table(sheet, columns, listed[start : start + MAX_ROWS], extra)
            sheets.append(sheet)
        return sheets

    def write_table(self, sheet: Any, columns: Sequence[Column], rows: Rows, extra: Sequence[str] = ()) -> int:
        """Write header and rows from the top; return the number of rows."""
        headers: list[Cell] = [*(_head(column) for column in columns), *extra]
        bold = self.make_format(bold=True, text_wrap=True, bottom=1)
        for place, header in enumerate(headers):
            self.write(sheet, 0, place, header, bold)
            sheet.set_column(place, place, columns[place].width if place < len(columns) else 16)
        count = 0
        for count, row in enumerate(rows, 1):
            for place, cell in enumerate(row):
                self.write(sheet, count, place, cell)
            self._fit_height(sheet, count, columns, row)
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        sheet.autofilter(0, 0, max(count, 1), len(headers) - 1)
        return count

    def _fit_height(self, sheet: Any, place: int, columns: Sequence[Column], row: Sequence[Cell]) -> None:
        """Give a row with wrapped texts its height: not every program works it out on opening."""
        pairs = ((column.width, cell) for column, cell in zip(columns, row, strict=False) if isinstance(cell, Message))
        lines = max((math.ceil(cell_len(self.say(cell)) / (width * FILL)) for width, cell in pairs), default=1)
        if lines > 1:
            sheet.set_row(place, LINE_HEIGHT * min(lines, MOST_LINES))

    def write(self, sheet: Any, row: int, place: int, cell: Cell, style: Any = None) -> None:
        """Write one cell."""
        if isinstance(cell, Message):
            self._write_text(sheet, row, place, self.say(cell), style or self.make_format(text_wrap=True))
        elif isinstance(cell, str):
            self._write_text(sheet, row, place, cell, style)
        elif isinstance(cell, Figure):
            shown = style or self.make_format(num_format=NUMBER_FORMATS.get(cell.unit, "General"))
            self._write_number(sheet, row, place, cell.value, shown)
        elif isinstance(cell, bool):
            sheet.write_boolean(row, place, cell, style or self.make_format())
        elif isinstance(cell, int | float):
            self._write_number(sheet, row, place, cell, style or self.make_format())
        elif isinstance(cell, date):
            has_time = isinstance(cell, datetime)
            shown = self.make_format(num_format="yyyy-mm-dd hh:mm:ss" if has_time else "yyyy-mm-dd")
            sheet.write_datetime(row, place, cell.replace(tzinfo=None) if isinstance(cell, datetime) else cell, shown)

    def _write_number(self, sheet: Any, row: int, place: int, value: float | None, style: Any) -> None:
        if value is not None and math.isfinite(value):  # Excel knows neither infinity nor "not a number"
            sheet.write_number(row, place, value, style)

    def _write_text(self, sheet: Any, row: int, place: int, text: str, style: Any) -> None:
        """Write a text that stays one when it is edited: format @, and quoted where it begins like a formula."""
        clean = CONTROL_CHARS.sub(" ", text).encode("utf-8", "replace").decode()[:MAX_TEXT]
        if begins_like_formula(text):
            style = self.make_format(num_format="@", quote_prefix=True)
        sheet.write_string(row, place, clean, style or self.make_format(num_format="@"))
