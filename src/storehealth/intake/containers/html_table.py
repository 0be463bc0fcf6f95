"""Web pages with tables, which many back offices send under the name ``.xls``. Each table with cells is a sheet.

The page is read twice in small pieces: once for the first rows of each table, once for all rows of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import chain
from pathlib import Path

from storehealth.errors import FileRefused
from storehealth.intake.containers import TOP_RECORDS, Body, Claim, Damage, Head, Record, Sheet
from storehealth.intake.containers.delimited import body_of_copy, write_records
from storehealth.intake.encoding import Text, as_utf8
from storehealth.intake.records import Good, fitting

NAME = "html_table"
VERSION = 1
MARKUP = ("<html", "<!doctype html", "<table", "<head", "<meta", "<style", "<body", "<div")
CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([\w-]+)""", re.IGNORECASE)
PROVED = ("utf", "gb")
"""Charsets that are found by proof; what a page says of them is often wrong."""
PIECE = 1 << 16
MOST_SPAN = 1000
HIDDEN = ("script", "style", "title")
NO_TABLE = "a web page without a table, whatever its name says"


def claims(head: Head) -> Claim:
    """A text that begins as a page, with or without the declaration of XML."""
    text = head.text.lstrip("\ufeff \t\r\n").lower()
    if text.startswith("<?xml"):
        text = text.partition("?>")[2].lstrip()
    return Claim.SURE if text.startswith(MARKUP) else Claim.NO


def sheets(path: Path, scratch: Path, encoding: str | None) -> list[Sheet]:
    """Every table of the page that has rows of two or more cells."""
    text = as_utf8(path, scratch, encoding or _charset(path))
    tops: dict[int, list[Record]] = {}
    for table, record in rows_of(text.path):
        top = tops.setdefault(table, [])
        if len(top) < TOP_RECORDS:
            top.append(record)
    found = [(table, tuple(top)) for table, top in sorted(tops.items()) if any(len(record.cells) > 1 for record in top)]
    if not found:
        raise FileRefused(NO_TABLE, "Export the table itself, as CSV or XLSX.")
    names = [""] if len(found) == 1 else [f"table {number}" for number in range(1, len(found) + 1)]
    return [HtmlTable(text, table, top, scratch, name) for name, (table, top) in zip(names, found, strict=True)]


def _charset(path: Path) -> str | None:
    """The charset a page names, where it is one that cannot be proved."""
    with path.open("rb") as stream:
        said = CHARSET.search(stream.read(4096).decode("ascii", "ignore"))
    return said[1] if said and not said[1].lower().startswith(PROVED) else None


@dataclass(frozen=True)
class HtmlTable:
    """One table of a page. Its rows are numbered from 1, as Excel does."""

    text: Text
    table: int
    top: tuple[Record, ...]
    scratch: Path
    name: str = ""

    @property
    def encoding(self) -> str:
        """Encoding of the page."""
        return self.text.encoding

    def body(self, first: int, width: int, careful: bool) -> Body:  # noqa: ARG002 - there is one way to read a page
        """Rows below the header; see :class:`storehealth.intake.containers.Sheet`."""
        begin = self.top[first].line if first < len(self.top) else self.top[-1].line + 1
        copy, damages = self.scratch / f"table{self.table}.csv", list(self.text.bad)
        rows = (row for table, row in rows_of(self.text.path) if table == self.table and row.line >= begin)
        write_records(copy, (_fit(row, width) for row in rows), damages)
        return body_of_copy(copy, width, damages)


def _fit(row: Record, width: int) -> Good | Damage:
    """A row as wide as the header; the empty cells at its end may be missing, as they often are."""
    cells = [*row.cells, *[""] * (width - len(row.cells))]
    return fitting(Good(row.line, cells), width, " | ".join(row.cells))


def rows_of(path: Path) -> Iterator[tuple[int, Record]]:
    """The rows of all tables of a page that are not blank, each with the number of its table."""
    parser = _Tables()
    with path.open(encoding="utf-8-sig", newline="") as stream:
        for piece in chain(iter(lambda: stream.read(PIECE), ""), [None]):
            parser.feed(piece) if piece is not None else parser.finish()
            yield from parser.done
            parser.done.clear()


@dataclass
class _Open:
    """A table that is being read. ``below``: cells that reach into the next rows, by place: how far, and their text."""

    number: int
    row: list[str] | None = None
    cell: list[str] | None = None
    spans: tuple[int, int] = (1, 1)
    count: int = 0
    below: dict[int, tuple[int, str]] = field(default_factory=dict)


class _Tables(HTMLParser):
    """Collects rows. End tags of cells and rows may be missing; a table inside a cell is a table of its own."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[_Open] = []
        self.count = self.hidden = 0
        self.done: list[tuple[int, Record]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in HIDDEN:
            self.hidden += 1
        elif tag == "table":
            self.open.append(_Open(self.count))
            self.count += 1
        elif self.open and tag == "tr":
            self._end_row()
            self.open[-1].row = []
        elif self.open and tag in ("td", "th"):
            self._begin_cell(dict(attrs))
        elif self.open and tag in ("br", "p", "div") and self.open[-1].cell:
            self.open[-1].cell.append("\n")

    def _begin_cell(self, said: dict[str, str | None]) -> None:
        self._end_cell()
        table = self.open[-1]
        table.row = [] if table.row is None else table.row
        _step_over(table)
        table.cell, table.spans = [], (_span(said.get("colspan")), _span(said.get("rowspan")))

    def handle_endtag(self, tag: str) -> None:
        if tag in HIDDEN:
            self.hidden = max(0, self.hidden - 1)
        elif self.open and tag in ("td", "th"):
            self._end_cell()
        elif self.open and tag == "tr":
            self._end_row()
        elif self.open and tag == "table":
            self._end_row()
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1].cell is not None and not self.hidden:
            self.open[-1].cell.append(data)

    def finish(self) -> None:
        """The page has ended; what is open is closed."""
        self.close()
        while self.open:
            self.handle_endtag("table")

    def _end_cell(self) -> None:
        table = self.open[-1]
        if table.cell is None or table.row is None:
            return
        text = "\n".join(filter(None, (line.strip() for line in "".join(table.cell).split("\n"))))
        wide, high = table.spans
        cells = [text, *[""] * (wide - 1)]
        if high > 1:
            table.below |= {len(table.row) + step: (high, cell) for step, cell in enumerate(cells)}
        table.row += cells
        table.cell = None

    def _end_row(self) -> None:
        self._end_cell()
        table = self.open[-1]
        if table.row is None:
            return
        _step_over(table)
        table.count += 1
        if any(cell.strip() for cell in table.row):
            self.done.append((table.number, Record(table.count, tuple(table.row))))
        table.below = {place: (left - 1, cell) for place, (left, cell) in table.below.items() if left > 1}
        table.row = None


def _step_over(table: _Open) -> None:
    """Repeat the cells of rows above that reach into this one."""
    while table.row is not None and len(table.row) in table.below:
        table.row.append(table.below[len(table.row)][1])


def _span(said: str | None) -> int:
    return min(max(int(said), 1), MOST_SPAN) if said and said.isdecimal() else 1
