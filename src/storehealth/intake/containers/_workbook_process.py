"""Copies the sheets of a workbook, as a program of its own: calamine may abort the process or ask for all its memory.

It imports no other module of storehealth, so that it starts at once. Run as::

    python _workbook_process.py WORKBOOK FOLDER MOST_BYTES

Each sheet is written to ``FOLDER/sheet0.csv`` …, its rows after their numbers as in Excel, without blank ones. Names
and sizes are printed as JSON: ``{"sheets": [[name, top, width], …]}``, or ``{"problem": text}``.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

TOP_RECORDS = 40
EXACT_BELOW = 2**53
PANIC = "PanicException"
"""What calamine raises where it panics; not a subclass of :class:`Exception`."""
MOST_FILLED = 20_000_000
"""Cells that merged ranges may fill in all; beyond them, they stay blank."""


def copy_sheets(path: str, folder: Path) -> list[tuple[str, list[tuple[int, list[str]]], int]]:
    """Copy all sheets; return the name of each, the first records with their numbers, and the number of columns."""
    from python_calamine import CalamineWorkbook

    sheets = []
    with CalamineWorkbook.from_path(path) as workbook:
        for number, name in enumerate(workbook.sheet_names):
            top, width = _copy_sheet(_read_cells(workbook, name), folder / f"sheet{number}.csv")
            sheets.append((name, top, width))
    return sheets


def _copy_sheet(rows: list[list[Any]], copy: Path) -> tuple[list[tuple[int, list[str]]], int]:
    top, width = list[tuple[int, list[str]]](), 0
    with copy.open("w", encoding="utf-8", newline="") as stream:
        cells = csv.writer(stream, lineterminator="\n")
        for line, row in _format_rows(rows):
            cells.writerow([line, *(cell.replace("\r", "") for cell in row)])
            if len(top) < TOP_RECORDS:
                top.append((line, row))
                width = max(width, len(row))
    return top, width


def _format_rows(rows: list[list[Any]]) -> Iterator[tuple[int, list[str]]]:
    for line, cells in enumerate(rows, 1):
        row = list(map(format_cell, cells))
        if any(row):
            yield line, row


def _read_cells(workbook: CalamineWorkbook, name: str) -> list[list[Any]]:
    """Read the cells of a sheet, row by row from row 1 on; a cell merged over rows is repeated in each of them."""
    sheet = workbook.get_sheet_by_name(name)
    rows, filled = sheet.to_python(skip_empty_area=False), 0
    for (top, left), (bottom, _) in sheet.merged_cell_ranges or ():
        filled += min(bottom, len(rows)) - top
        if filled > MOST_FILLED:
            break
        for row in rows[top + 1 : bottom + 1]:
            row[left : left + 1] = rows[top][left : left + 1]
    return rows


def format_cell(value: Any) -> str:
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
    if distance > 1000 or value.year == 9999:
        return value
    return (value + timedelta(milliseconds=500)).replace(microsecond=0)


def _limit_memory(most: int) -> None:
    try:
        import resource
    except ImportError:  # pragma: no cover - Windows
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or hard > most:
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def main(path: str, folder: str, most: str) -> None:
    """Copy the sheets of a workbook and print what else is to be known of them."""
    _limit_memory(int(most))
    try:
        reply: dict[str, Any] = {"sheets": copy_sheets(path, Path(folder))}
    except BaseException as error:  # a panic in calamine is not an Exception
        if not isinstance(error, Exception) and type(error).__name__ != PANIC:
            raise
        reply = {"memory": True} if isinstance(error, MemoryError) else {"problem": str(error)}
    sys.stdout.write(json.dumps(reply))


if __name__ == "__main__":
    main(*sys.argv[1:])
