"""The main table of a tool as CSV, for a spreadsheet: the first of its tables. All of them are in the workbook."""

from __future__ import annotations

from storehealth.model.tools import ToolRecord
from storehealth.output.checkup.csv import write_rows

NAME, SUFFIX = "csv", ".csv"


def render(record: ToolRecord) -> bytes:
    """Render the first table, its header as the columns' keys; nothing but the mark of byte order if there is none."""
    tables = record.to_block().tables
    columns = [column.key for column in tables[0].columns] if tables else []
    return write_rows(record.language, columns, tables[0].rows if tables else ())
