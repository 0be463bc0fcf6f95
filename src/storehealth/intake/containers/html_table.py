"""Web pages with tables, which many back offices send under the name ``.xls``. Each table with cells is a sheet.

The page is parsed once, as a stream: the first rows of each table are kept, and all rows are set down in a copy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from storehealth.errors import FileRefused
from storehealth.intake.containers import TOP_RECORDS, Body, Claim, Damage, Head, Record, Sheet
from storehealth.intake.containers.delimited import body_of_copy, write_records
from storehealth.intake.encoding import Text, as_utf8
from storehealth.intake.records import Good, fitting

NAME = "html_table"
VERSION = 2
MARKUP = ("<html", "<!doctype html", "<table", "<head", "<meta", "<style", "<body", "<div")
CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([\w-]+)""", re.IGNORECASE)
PROVED = ("utf", "gb")
"""Charsets that are found by proof; what a page says of them is often wrong."""
MOST_SPAN = 1000
HIDDEN = ("script", "style", "title")
BREAKS = ("br", "p", "div")
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
    copy = scratch / "rows.json"
    tops = _set_down(text.path, copy)
    found = [(table, tuple(top)) for table, top in sorted(tops.items()) if any(len(record.cells) > 1 for record in top)]
    if not found:
        raise FileRefused(NO_TABLE, "Export the table itself, as CSV or XLSX.")
    names = [""] if len(found) == 1 else [f"table {table + 1}" for table, _ in found]
    return [HtmlTable(text, table, top, copy, name) for name, (table, top) in zip(names, found, strict=True)]


def _set_down(path: Path, copy: Path) -> dict[int, list[Record]]:
    """Write all rows of a page into one copy, each after its table; give the first rows of each table."""
    from lxml.etree import HTMLParser, parse  # only pages need it

    tops: dict[int, list[Record]] = {}
    with path.open("rb") as page, copy.open("w", encoding="utf-8") as out:

        def take(table: int, record: Record) -> None:
            out.write(json.dumps((table, *record)) + "\n")
            top = tops.setdefault(table, [])
            if len(top) < TOP_RECORDS:
                top.append(record)

        # Fed piece by piece, the parser would keep all pieces; reading for itself it keeps none.
        parse(page, HTMLParser(target=_Tables(take), encoding="utf-8", huge_tree=True))
    return tops


def _charset(path: Path) -> str | None:
    """The charset a page names, where it is one that cannot be proved."""
    with path.open("rb") as stream:
        said = CHARSET.search(stream.read(4096).decode("ascii", "ignore"))
    return said[1] if said and not said[1].lower().startswith(PROVED) else None


@dataclass(frozen=True)
class HtmlTable:
    """One table of a page. Its rows are numbered from 1, as Excel does; ``copy`` holds those of all tables."""

    text: Text
    table: int
    top: tuple[Record, ...]
    copy: Path
    name: str = ""

    @property
    def encoding(self) -> str:
        """Encoding of the page."""
        return self.text.encoding

    def body(self, first: int, width: int, careful: bool) -> Body:  # noqa: ARG002 - there is one way to read a page
        """Rows below the header; see :class:`storehealth.intake.containers.Sheet`."""
        begin = self.top[first].line if first < len(self.top) else self.top[-1].line + 1
        target, damages = self.copy.with_name(f"table{self.table}.csv"), list(self.text.bad)
        write_records(target, (_fit(row, width) for row in self._rows() if row.line >= begin), damages)
        return body_of_copy(target, width, damages)

    def _rows(self) -> Iterator[Record]:
        own = f"[{self.table},"
        with self.copy.open(encoding="utf-8") as lines:
            for row in lines:
                if row.startswith(own):
                    _, line, cells = json.loads(row)
                    yield Record(line, tuple(cells))


def _fit(row: Record, width: int) -> Good | Damage:
    """A row as wide as the header; the empty cells at its end may be missing, as they often are."""
    cells = [*row.cells, *[""] * (width - len(row.cells))]
    return fitting(Good(row.line, cells), width, " | ".join(row.cells))


@dataclass
class _Open:
    """A table that is being read. ``below``: cells that reach into the next rows, by place: how far, and their text."""

    number: int
    row: list[str] | None = None
    cell: list[str] | None = None
    spans: tuple[int, int] = (1, 1)
    count: int = 0
    below: dict[int, tuple[int, str]] = field(default_factory=dict)


class _Tables:
    """Makes rows of what the parser meets. End tags may be missing; a table inside a cell is one of its own.

    Args:
        take: Is handed every row that is not blank, with the number of its table.
    """

    def __init__(self, take: Callable[[int, Record], None]) -> None:
        self.take = take
        self.open: list[_Open] = []
        self.count = self.hidden = 0

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        """A tag opens."""
        if tag in HIDDEN:
            self.hidden += 1
        elif tag == "table":
            self.open.append(_Open(self.count))
            self.count += 1
        elif self.open and tag == "tr":
            self._end_row()
            self.open[-1].row = []
        elif self.open and tag in ("td", "th"):
            self._begin_cell(attrs)
        elif tag in BREAKS and self.open and self.open[-1].cell:
            self.open[-1].cell.append("\n")

    def end(self, tag: str) -> None:
        """A tag closes, or the parser closes it."""
        if tag in HIDDEN:
            self.hidden = max(0, self.hidden - 1)
        elif self.open and tag in ("td", "th"):
            self._end_cell()
        elif self.open and tag == "tr":
            self._end_row()
        elif self.open and tag == "table":
            self._end_row()
            self.open.pop()

    def data(self, data: str) -> None:
        """Text, perhaps one of several pieces."""
        if self.open and self.open[-1].cell is not None and not self.hidden:
            self.open[-1].cell.append(data)

    def close(self) -> None:
        """The page has ended; what is open is closed."""
        while self.open:
            self.end("table")

    def _begin_cell(self, said: Mapping[str, str]) -> None:
        self._end_cell()
        table = self.open[-1]
        table.row = [] if table.row is None else table.row
        _step_over(table)
        table.cell, table.spans = [], (_span(said.get("colspan")), _span(said.get("rowspan")))

    def _end_cell(self) -> None:
        table = self.open[-1]
        if table.cell is None or table.row is None:
            return
        text, (wide, high) = _lines("".join(table.cell)), table.spans
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
            self.take(table.number, Record(table.count, tuple(table.row)))
        if table.below:
            table.below = {place: (left - 1, cell) for place, (left, cell) in table.below.items() if left > 1}
        table.row = None


def _lines(text: str) -> str:
    """A text without blanks around its lines, and without blank lines."""
    return "\n".join(filter(None, map(str.strip, text.split("\n")))) if "\n" in text else text.strip()


def _step_over(table: _Open) -> None:
    """Repeat the cells of rows above that reach into this one."""
    while table.row is not None and len(table.row) in table.below:
        table.row.append(table.below[len(table.row)][1])


def _span(said: str | None) -> int:
    return min(max(int(said), 1), MOST_SPAN) if said and said.isdecimal() else 1
