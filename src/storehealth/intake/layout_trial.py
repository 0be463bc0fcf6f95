"""Runs one layout over a piece of text: the examples in layout files are checked this way."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from storehealth.catalogue import Catalogue
from storehealth.catalogue.layout import Layout
from storehealth.intake.containers import HEAD_BYTES, Head, Sheet, find_container
from storehealth.intake.encoding import decode_head
from storehealth.intake.normalise import ReadingPlan
from storehealth.intake.read import Con, connect, read_sheet
from storehealth.intake.recognise import recognise, select_layouts

Rows = list[dict[str, Any]]


class LayoutTrial(NamedTuple):
    """The canonical rows a layout gives, by table in file order, and the rows it rejected.

    Each row has ``source_row`` and every column of its table; times are datetimes in the layout's zone, money is Decimal.
    """

    tables: dict[str, Rows]
    rejects: Rows
    rows: int
    kept: int
    duplicates: int
    rejected: int


def try_layout(layout: Layout, given: str | bytes, catalogue: Catalogue, zone: str | None = None) -> LayoutTrial:
    """Read a text with one layout.

    Args:
        layout: The layout; the containers it lists do not matter here.
        given: The content of a file.
        catalogue: Has the tables.
        zone: The store's zone; by default the layout's own.

    Raises:
        FileRefused: The text is not of this layout.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "given.txt"
        path.write_bytes(given.encode() if isinstance(given, str) else given)
        sheet, _ = open_sheet(layout, path)
        match = recognise(sheet.top, "", [layout], forced=True)
        plan = ReadingPlan(layout, catalogue.tables, match, zone or layout.zone or "UTC")
        with connect(None, Path(folder)) as con:
            reading = read_sheet(con, plan, sheet, Path(folder))
            tables = {table: _load_rows(con, Path(folder) / f"{table}.parquet") for table in reading.tables}
            rejects = _load_rows(con, Path(folder) / "rejects.parquet")
    return LayoutTrial(tables, rejects, *reading[:4])


def open_sheet(layout: Layout, path: Path) -> tuple[Sheet, str]:
    """Open the sheet of a file that a layout would read; also return its container's name.

    Copies are written into the file's folder.
    """
    with path.open("rb") as stream:
        data = stream.read(HEAD_BYTES)
    container = find_container(Head(path, data, decode_head(data)))
    sheets = container.open_sheets(path, path.parent, None)
    return next((sheet for sheet in sheets if select_layouts([layout], sheet)), sheets[0]), container.NAME


def _load_rows(con: Con, path: Path) -> Rows:
    result = con.execute(f"SELECT * FROM '{path}' ORDER BY 1")
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
