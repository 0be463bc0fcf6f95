"""Web pages with tables, which many back offices send with the extension ``.xls``. Each table with cells is a sheet.

The page is parsed once, as a stream: the first rows of each table are kept in memory, all rows are written to a copy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from storehealth.errors import FileRefused
from storehealth.intake.containers import TOP_RECORDS, Body, Claim, Damage, Head, Sheet, TextRecord, name_copy
from storehealth.intake.containers.delimited import read_copy, write_records
from storehealth.intake.encoding import Utf8Text, convert_to_utf8
from storehealth.intake.records import ParsedRecord, fit_width
from storehealth.support.message import message

NAME = "html_table"
VERSION = 2
MARKUP = ("<html", "<!doctype html", "<table", "<head", "<meta", "<style", "<body", "<div")
CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([\w-]+)""", re.IGNORECASE)
PROVABLE = ("utf", "gb")
"""Charsets that are detected from the bytes; what a page declares is often wrong for these."""
MOST_SPAN = 1000
HIDDEN = ("script", "style", "title")
BREAKS = ("br", "p", "div")


def claim(head: Head) -> Claim:
    """Claim a text that begins as a page, with or without an XML declaration."""
    text = head.text.lstrip("\ufeff \t\r\n").lower()
    if text.startswith("<?xml"):
        text = text.partition("?>")[2].lstrip()
    return Claim.SURE if text.startswith(MARKUP) else Claim.NO


def open_sheets(path: Path, scratch: Path, encoding: str | None) -> list[Sheet]:
    """Open every table of the page that has rows of two or more cells."""
    text = convert_to_utf8(path, scratch, encoding or _find_charset(path))
    copy = name_copy(scratch, "rows.json")
    tops = _copy_rows(text.path, copy)
    tables = [
        (table, tuple(top)) for table, top in sorted(tops.items()) if any(len(record.cells) > 1 for record in top)
    ]
    if not tables:
        raise FileRefused(message("intake.page_without_table"), message("intake.export_table"))
    names = [""] if len(tables) == 1 else [f"table {table + 1}" for table, _ in tables]
    return [HtmlTable(text, table, top, copy, name) for name, (table, top) in zip(names, tables, strict=True)]


def _copy_rows(path: Path, copy: Path) -> dict[int, list[TextRecord]]:
    """Write all rows of a page into one copy, each after its table's number; return the first rows of each table."""
    from lxml.etree import HTMLParser, parse  # only pages need it

    tops: dict[int, list[TextRecord]] = {}
    with path.open("rb") as page, copy.open("w", encoding="utf-8") as out:

        def write_row(table: int, record: TextRecord) -> None:
            out.write(json.dumps((table, *record)) + "\n")
            top = tops.setdefault(table, [])
            if len(top) < TOP_RECORDS:
                top.append(record)

        # If fed piece by piece, the parser would keep all pieces; when it reads the file itself, it keeps none.
        parse(page, HTMLParser(target=_Tables(write_row), encoding="utf-8", huge_tree=True))
    return tops


def _find_charset(path: Path) -> str | None:
    """Return the charset a page declares, where it cannot be detected from the bytes."""
    with path.open("rb") as stream:
        match = CHARSET.search(stream.read(4096).decode("ascii", "ignore"))
    return match[1] if match and not match[1].lower().startswith(PROVABLE) else None


@dataclass(frozen=True)
class HtmlTable:
    """One table of a page. Its rows are numbered from 1, as in Excel; ``copy`` has the rows of all tables."""

    text: Utf8Text
    table: int
    top: tuple[TextRecord, ...]
    copy: Path
    name: str = ""

    @property
    def encoding(self) -> str:
        """Encoding of the page."""
        return self.text.encoding

    def read_body(self, first: int, width: int, careful: bool, free_tail: bool = False) -> Body:  # noqa: ARG002 - there is one way to read a page
        """Read the rows below the header; see :class:`storehealth.intake.containers.Sheet`."""
        begin = self.top[first].line if first < len(self.top) else self.top[-1].line + 1
        target, damages = name_copy(self.copy.parent, f"table{self.table}.csv"), list(self.text.damages)
        write_records(target, (_pad(row, width) for row in self._load_rows() if row.line >= begin), damages)
        return read_copy(target, width, damages)

    def _load_rows(self) -> Iterator[TextRecord]:
        prefix = f"[{self.table},"  # rows of other tables need not be parsed
        with self.copy.open(encoding="utf-8") as rows:
            for row in rows:
                if row.startswith(prefix):
                    _, line, cells = json.loads(row)
                    yield TextRecord(line, tuple(cells))


def _pad(row: TextRecord, width: int) -> ParsedRecord | Damage:
    """Make a row as wide as the header; empty cells at its end are often left out."""
    cells = [*row.cells, *[""] * (width - len(row.cells))]
    return fit_width(ParsedRecord(row.line, cells), width, " | ".join(row.cells))


@dataclass
class _OpenTable:
    """A table whose end tag has not come yet.

    ``below`` has the cells that span the next rows: position → number of rows left, and text.
    """

    number: int
    row: list[str] | None = None
    cell: list[str] | None = None
    spans: tuple[int, int] = (1, 1)
    count: int = 0
    below: dict[int, tuple[int, str]] = field(default_factory=dict)


class _Tables:
    """Builds rows from the parser's events. End tags may be missing; a table inside a cell is a separate table.

    Args:
        write_row: Called with every row that is not blank and the number of its table.
    """

    def __init__(self, write_row: Callable[[int, TextRecord], None]) -> None:
        self.write_row = write_row
        self.open: list[_OpenTable] = []
        self.count = self.hidden = 0

    # The parser calls start, end, data and close: their names are lxml's.

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        """Handle a start tag."""
        if tag in HIDDEN:
            self.hidden += 1
        elif tag == "table":
            self.open.append(_OpenTable(self.count))
            self.count += 1
        elif self.open and tag == "tr":
            self._end_row()
            self.open[-1].row = []
        elif self.open and tag in ("td", "th"):
            self._begin_cell(attrs)
        elif tag in BREAKS and self.open and self.open[-1].cell:
            self.open[-1].cell.append("\n")

    def end(self, tag: str) -> None:
        """Handle an end tag, present or implied."""
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
        """Handle text, which may come in several pieces."""
        if self.open and self.open[-1].cell is not None and not self.hidden:
            self.open[-1].cell.append(data)

    def close(self) -> None:
        """Close what is still open at the end of the page."""
        while self.open:
            self.end("table")

    def _begin_cell(self, attrs: Mapping[str, str]) -> None:
        self._end_cell()
        table = self.open[-1]
        table.row = [] if table.row is None else table.row
        _repeat_spanning_cells(table)
        table.cell, table.spans = [], (_parse_span(attrs.get("colspan")), _parse_span(attrs.get("rowspan")))

    def _end_cell(self) -> None:
        table = self.open[-1]
        if table.cell is None or table.row is None:
            return
        text, (wide, high) = _clean_lines("".join(table.cell)), table.spans
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
        _repeat_spanning_cells(table)
        table.count += 1
        if any(cell.strip() for cell in table.row):
            self.write_row(table.number, TextRecord(table.count, tuple(table.row)))
        if table.below:
            table.below = {place: (left - 1, cell) for place, (left, cell) in table.below.items() if left > 1}
        table.row = None


def _clean_lines(text: str) -> str:
    """Strip the lines of a text, and drop blank ones."""
    return "\n".join(filter(None, map(str.strip, text.split("\n")))) if "\n" in text else text.strip()


def _repeat_spanning_cells(table: _OpenTable) -> None:
    """Repeat the cells of the rows above that span this one."""
    while table.row is not None and len(table.row) in table.below:
        table.row.append(table.below[len(table.row)][1])


def _parse_span(value: str | None) -> int:
    return min(max(int(value), 1), MOST_SPAN) if value and value.isdecimal() else 1
