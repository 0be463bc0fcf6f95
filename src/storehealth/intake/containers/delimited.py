"""Text tables: comma, semicolon, tab or bar between cells, quotes around cells that need them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TextIO

from storehealth.intake.containers import (
    TOP_RECORDS,
    Body,
    Claim,
    Damage,
    Head,
    RowsFile,
    Sheet,
    TextRecord,
    declare_columns,
    name_copy,
)
from storehealth.intake.encoding import Utf8Text, convert_to_utf8
from storehealth.intake.records import LONGEST, ParsedRecord, PlainRecord, RecordReader, split_top_records

NAME = "delimited"
VERSION = 2
DELIMITERS = (",", ";", "\t", "|")
DECLARATION = re.compile('"?sep=([^"\\w])"?', re.IGNORECASE)
LONGEST_LINE = 16 << 20
NO_CELL = "\\0"
QUOTE, DOUBLED = '"', '""'
WRAPPED = re.compile('"([^"]*(?:""[^"]*)*)"[,;\\t ]*')
"""A line that is one quoted cell."""


def claim(head: Head) -> Claim:
    """Claim any text, weakly: it may be a table."""
    return Claim.PLAIN if head.text.strip() else Claim.NO


def open_sheets(path: Path, scratch: Path, encoding: str | None) -> list[Sheet]:
    """Open the one table of a text file."""
    text = _unwrap_lines(convert_to_utf8(path, scratch, encoding), scratch)
    delimiters = _find_declared(text) or DELIMITERS
    delimiter, top = min((_split_top(text, delimiter) for delimiter in delimiters), key=_rank)
    return [DelimitedTable(text, delimiter, tuple(top), scratch)]


def _unwrap_lines(text: Utf8Text, scratch: Path) -> Utf8Text:
    """Take off the quotes around whole lines, as a spreadsheet writes them that took each line for one cell."""
    head = [line for _, line in islice(iter_lines(text.path), TOP_RECORDS) if line.strip()]
    wrapped = [match for line in head if (match := WRAPPED.fullmatch(line)) and _has_delimiter(match[1])]
    if len(wrapped) < max(2, len(head) - 1):
        return text
    copy = name_copy(scratch, "unwrapped.utf8")
    with copy.open("w", encoding="utf-8", newline="") as stream:
        for _, line in iter_lines(text.path):
            match = WRAPPED.fullmatch(line)
            stream.write(f"{match[1].replace(DOUBLED, QUOTE) if match else line}\n")
    return text._replace(path=copy)


def _has_delimiter(line: str) -> bool:
    return any(delimiter in line for delimiter in DELIMITERS)


def _find_declared(text: Utf8Text) -> tuple[str, ...]:
    """The delimiter in a first line ``sep=;``, which Excel understands and some exports begin with."""
    _, line = next(iter_lines(text.path), (0, ""))
    match = DECLARATION.fullmatch(line)
    return (match[1],) if match else ()


def _split_top(text: Utf8Text, delimiter: str) -> tuple[str, list[TextRecord]]:
    return delimiter, list(islice(split_top_records(iter_lines(text.path), delimiter), TOP_RECORDS))


def _rank(candidate: tuple[str, list[TextRecord]]) -> tuple[int, int]:
    """Rank a delimiter: lowest where most records share one width of two or more columns."""
    widths = [len(record.cells) for record in candidate[1] if len(record.cells) > 1]
    usual = max(widths, key=lambda width: (widths.count(width), width), default=1)
    return -widths.count(usual), -usual


@dataclass(frozen=True)
class DelimitedTable:
    """A text table. DuckDB reads it as it stands; where the count does not add up, it is read record by record."""

    text: Utf8Text
    delimiter: str
    top: tuple[TextRecord, ...]
    scratch: Path
    name: str = ""

    @property
    def encoding(self) -> str:
        """Encoding of the file."""
        return self.text.encoding

    def read_body(self, first: int, width: int, careful: bool, free_tail: bool = False) -> Body:
        """Read the rows below the header; see :class:`storehealth.intake.containers.Sheet`."""
        # Without rows below the header, the body begins after the last line.
        begin = self.top[first].line if first < len(self.top) else self.text.lines + 1
        if careful or not self.text.plain or not self._has_one_line_each(first):
            return self._read_carefully(begin, width, free_tail)
        damages = tuple(damage for damage in self.text.damages if damage.line >= begin)
        rows = RowsFile(self.text.path, self.delimiter, begin)
        return Body(select_rows(rows, width), damages, begin, self.text.lines - begin + 1, rows)

    def _has_one_line_each(self, first: int) -> bool:
        return not any("\n" in cell for record in self.top[:first] for cell in record.cells)

    def _read_carefully(self, begin: int, width: int, free_tail: bool) -> Body:
        lines = ((number, line) for number, line in iter_lines(self.text.path) if number >= begin)
        copy, damages = name_copy(self.scratch, "records.csv"), list(self.text.damages)
        write_records(copy, RecordReader(lines, self.delimiter, width, free_tail).records(), damages, self.delimiter)
        return read_copy(copy, width, damages)


def iter_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the physical lines of a UTF-8 text with their numbers, from 1. Lines that are too long are cut."""
    with path.open(encoding="utf-8-sig", newline="\n") as stream:
        for number, line in enumerate(iter(partial(stream.readline, LONGEST + 2), ""), 1):
            if len(line) > LONGEST:
                _skip_line(stream, line)
            yield number, line.rstrip("\r\n")


def _skip_line(stream: TextIO, line: str) -> None:
    """Skip the rest of a line too long to be read; its beginning tells that it is."""
    while line and not line.endswith("\n"):
        line = stream.readline(LONGEST)


def write_records(
    copy: Path, records: Iterable[ParsedRecord | PlainRecord | Damage], damages: list[Damage], delimiter: str = ","
) -> None:
    """Write the good records, each after its line number, as clean CSV; collect the damages.

    Args:
        copy: The file to write.
        records: Records and damages, in order.
        damages: The list to which damages are added.
        delimiter: The delimiter of plain records.
    """
    with copy.open("w", encoding="utf-8", newline="", errors="replace") as stream:
        write = stream.write
        cells = csv.writer(stream, lineterminator="\n")
        for record in records:
            if isinstance(record, Damage):
                damages.append(record)
            elif isinstance(record, ParsedRecord):
                cells.writerow([record.line, *(cell.replace("\r", "") for cell in record.cells)])
            elif delimiter == ",":
                write(f"{record.line},{record.text}\n")
            else:
                cells.writerow([record.line, *record.text.split(delimiter)])


def read_copy(copy: Path, width: int, damages: Iterable[Damage]) -> Body:
    """Read the rows of a copy made by :func:`write_records`."""
    rows = RowsFile(copy, ",")
    return Body(select_rows(rows, width), tuple(sorted(damages)), rows=rows)


def select_rows(rows: RowsFile, width: int, formats: Mapping[int, str] | None = None) -> str:
    """SQL for the rows of a file, as :class:`storehealth.intake.containers.Body` has it.

    Args:
        rows: The file.
        width: Number of columns of the header.
        formats: Places of cells that are read as times, and how they are written. DuckDB raises where one is not, and gives
            NULL for every empty cell of the file.
    """
    if rows.begin is not None:
        return build_csv_query(rows.path, width, rows.delimiter, rows.begin - 1, formats)
    columns = ", ".join(f"c{index + 1} AS c{index}" for index in range(width))
    shifted = None if formats is None else {place + 1: form for place, form in formats.items()}
    csv_rows = build_csv_query(rows.path, width + 1, rows.delimiter, formats=shifted)
    return f"SELECT c0::BIGINT AS source_row, {columns} FROM ({csv_rows})"


def read_as_timed(body: Body, width: int) -> Body:
    """The body with the rows that :func:`select_rows` gives with formats: one empty cell too many may end a line."""
    if body.rows is None:
        return body
    cells = ", ".join(f"coalesce(c{index}, '') AS c{index}" for index in range(width))
    number = "source_row, " if body.rows.begin is None else ""
    return body._replace(sql=f"SELECT {number}{cells} FROM ({select_rows(body.rows, width, {})})")


def build_csv_query(
    path: Path, width: int, delimiter: str = ",", skip: int = 0, formats: Mapping[int, str] | None = None
) -> str:
    """Return SQL that reads a text table strictly; DuckDB raises where a record does not fit.

    All columns are texts but those of ``formats``, among which there is one format with a clock and one without at most.
    """
    nulls, formats = NO_CELL if formats is None else "", formats or {}
    times = {"timestampformat" if "%H" in form else "dateformat": form for form in formats.values()}
    options = "".join(f", {option}={_quote(form)}" for option, form in times.items())
    # The other nullstr is a byte no file holds (NUL is refused), so that an empty cell stays an empty text.
    return (
        f"SELECT * FROM read_csv({_quote(str(path))}, delim={_quote(delimiter)}, skip={skip}, header=false,"
        " auto_detect=false, strict_mode=true,"
        f" quote='\"', escape='\"', nullstr={_quote(nulls)}, max_line_size={LONGEST_LINE},"
        f" buffer_size={LONGEST_LINE}, columns={declare_columns(width, formats)}{options})"
    )


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
