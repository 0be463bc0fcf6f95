"""A tool's tables as a workbook, one sheet each; the checkup's workbook takes the same sheets in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import date, datetime
from io import BytesIO
from typing import Any

import xlsxwriter

from storehealth.model.tools import BlockColumn, BlockTable, Cell, DisplayUnit, ToolBlock, ToolRecord
from storehealth.output.checkup import _workbook
from storehealth.output.checkup._workbook import SheetWriter
from storehealth.support.message import Message

NAME, SUFFIX, ALIASES = "xlsx", ".xlsx", ("excel",)
FORBIDDEN_IN_NAMES = re.compile(r"[\[\]:*?/\\]")
LONGEST_NAME = 31
WIDTHS = {"text": 24, "moment": 18}
EPOCH = datetime(2000, 1, 1)  # noqa: DTZ001 - a workbook's times have no zone


def render(record: ToolRecord) -> bytes:
    """Render the workbook in the language of the record; the same record gives the same bytes."""
    out = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    workbook = xlsxwriter.Workbook(out, options)
    workbook.set_properties({"created": record.as_of or EPOCH})
    write_block(SheetWriter(workbook, record.language), record.to_block())
    workbook.close()
    return out.getvalue()


def write_block(writer: SheetWriter, block: ToolBlock) -> None:
    """Add the sheets of a tool: what it says, then its tables."""
    sheet = _add_sheet(writer, block.title)
    sheet.set_column(0, 0, 100)
    texts = (block.title, block.headline, *block.missing, *block.notes)
    for place, text in enumerate(texts):
        writer.write(sheet, place, 0, text, writer.make_format(bold=True) if not place else None)
    for table in block.tables:
        if table.rows:
            _write_table(writer, table)


def _write_table(writer: SheetWriter, table: BlockTable) -> None:
    sheet = _add_sheet(writer, table.title)
    header = writer.make_format(bold=True, text_wrap=True, bottom=1)
    for place, column in enumerate(table.columns):
        writer.write(sheet, 0, place, column.title, header)
        sheet.set_column(place, place, WIDTHS.get(column.unit, 12))
    for line, row in enumerate(table.rows[: _workbook.MAX_ROWS], 1):
        for place, cell in enumerate(_to_cells(table.columns, row)):
            writer.write(sheet, line, place, cell)
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    sheet.autofilter(0, 0, max(len(table.rows), 1), max(len(table.columns) - 1, 0))


def _to_cells(columns: Iterable[BlockColumn], row: Iterable[Cell]) -> Iterable[_workbook.Cell]:
    return (_to_cell(column.unit, cell) for column, cell in zip(columns, row, strict=True))


def _to_cell(unit: DisplayUnit, cell: Cell) -> _workbook.Cell:
    if isinstance(cell, str) and unit in ("moment", "day"):
        with suppress(ValueError):
            return datetime.fromisoformat(cell) if unit == "moment" else date.fromisoformat(cell)
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return _workbook.Figure(float(cell), unit)
    return cell


def _add_sheet(writer: SheetWriter, title: Message) -> Any:
    """Add a sheet of a name that Excel accepts and the book does not have yet."""
    name = FORBIDDEN_IN_NAMES.sub(" ", writer.say(title))[:LONGEST_NAME].strip("' ")
    used = {sheet.name.casefold() for sheet in writer.book.worksheets()}
    number = 2
    while name.casefold() in used:
        name = f"{name[: LONGEST_NAME - 4].rstrip()} ({number})"
        number += 1
    sheet = writer.book.add_worksheet(name)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    return sheet
