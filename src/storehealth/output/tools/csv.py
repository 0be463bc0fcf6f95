"""The main table of a tool as CSV, for a spreadsheet: the first of its tables. All of them are in the workbook."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from typing import Any

from storehealth.i18n import translate
from storehealth.model.tools import BlockTable, Cell, ToolRecord
from storehealth.support.atomic_files import BOM, write_csv_rows
from storehealth.support.message import Message

NAME, SUFFIX = "csv", ".csv"


def render(record: ToolRecord) -> bytes:
    """Render the first table, its header as the columns' keys; with a byte order mark for Excel."""
    out = io.BytesIO()
    out.write(BOM)
    tables = record.to_block().tables
    if tables:
        write_csv_rows(out, [column.key for column in tables[0].columns], _iter_rows(tables[0], record.language))
    return out.getvalue()


def _iter_rows(table: BlockTable, language: str) -> Iterator[tuple[Any, ...]]:
    for row in table.rows:
        yield tuple(_to_plain(cell, language) for cell in row)


def _to_plain(cell: Cell, language: str) -> Any:
    if isinstance(cell, Message):
        return translate(cell, language)
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell
