"""Rows to files, the same bytes every time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import xlsxwriter

CREATED = datetime.fromisoformat("2026-10-16T08:00:00")


def table(path: Path, encoding: str, rows: Iterable[Sequence[str]]) -> None:
    """Write a CSV file with Windows line ends."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))


def workbook(path: Path, sheet: str, rows: Iterable[Sequence[str]]) -> None:
    """Write an XLSX file of one sheet; all cells are text, as JD writes them."""
    with xlsxwriter.Workbook(path, {"in_memory": True}) as book:
        book.set_properties({"created": CREATED, "author": "storehealth sample"})
        page = book.add_worksheet(sheet)
        for line, row in enumerate(rows):
            for column, cell in enumerate(row):
                page.write_string(line, column, cell)
