"""The first canonical rows of a file, with personal values masked."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from storehealth.catalogue.table import Table
from storehealth.db import sql
from storehealth.db.rejects import SourceReader
from storehealth.model import StoredTable, TablePreview

Cell = str | int | float | bool | None
PROVEN_STAFF = ("agent", "bot")


def read_previews(reader: SourceReader, source: str, most: int) -> list[TablePreview]:
    """The first rows of each table fed by one source, at most ``most`` each, without empty columns."""
    return [_preview(reader, part, most) for part in reader.intake.tables if part.source == source and most > 0]


def _preview(reader: SourceReader, part: StoredTable, most: int) -> TablePreview:
    table = reader.catalogue.tables[part.table]
    query = f"SELECT * FROM read_parquet({sql.quote_value(str(part.parquet))}) ORDER BY source_row LIMIT {most}"
    result = reader.store.con.execute(query)
    names = [column[0] for column in result.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    used = [name for name in names if any(row[name] is not None for row in rows)]
    shown = tuple({name: _show_cell(reader, table, row, name) for name in used} for row in rows)
    return TablePreview(table=part.table, total=part.rows, rows=shown)


def _show_cell(reader: SourceReader, table: Table, row: dict[str, Any], name: str) -> Cell:
    value, column = row[name], table.columns.get(name)
    if value is None or column is None:
        return int(value) if value is not None else None  # source_row
    if column.personal:
        proven = name == "sender_id" and row.get("sender_role") in PROVEN_STAFF
        return str(value) if proven else reader.mask(column.personal, str(value))
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime | date):
        return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    if column.type == "text":
        return reader.mask("told", str(value))
    return value if isinstance(value, str | int | float | bool) else str(value)
