"""Text tables: comma, semicolon or tab between cells, quotes around cells that need them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from storehealth.intake.containers import TOP_RECORDS, Body, Claim, Damage, Head, Record, Sheet, source_columns
from storehealth.intake.encoding import Text, as_utf8
from storehealth.intake.records import Good, Plain, Reader, split_first

NAME = "delimited"
VERSION = 1
DELIMITERS = (",", ";", "\t", "|")
LONGEST_LINE = 16 << 20


def claims(head: Head) -> Claim:
    """Any text may be a table."""
    return Claim.PLAIN if head.text.strip() else Claim.NO


def sheets(path: Path, scratch: Path, encoding: str | None) -> list[Sheet]:
    """The one table of a text file."""
    text = as_utf8(path, scratch, encoding)
    delimiter, top = min((_top(text, mark) for mark in DELIMITERS), key=_consistency)
    return [Delimited(text, delimiter, tuple(top), scratch)]


def _top(text: Text, delimiter: str) -> tuple[str, list[Record]]:
    return delimiter, list(islice(split_first(numbered(text.path), delimiter), TOP_RECORDS))


def _consistency(candidate: tuple[str, list[Record]]) -> tuple[int, int]:
    """Smallest for the delimiter under which most records have one width of two or more columns."""
    widths = [len(record.cells) for record in candidate[1] if len(record.cells) > 1]
    usual = max(widths, key=lambda width: (widths.count(width), width), default=1)
    return -widths.count(usual), -usual


@dataclass(frozen=True)
class Delimited:
    """A text table. Read by DuckDB as it stands; record by record where that does not add up."""

    text: Text
    delimiter: str
    top: tuple[Record, ...]
    scratch: Path
    name: str = ""

    @property
    def encoding(self) -> str:
        """Encoding of the file."""
        return self.text.encoding

    def body(self, first: int, width: int, careful: bool) -> Body:
        """Rows below the header; see :class:`storehealth.intake.containers.Sheet`."""
        begin = self.top[first].line if first < len(self.top) else self.text.lines + 1
        if careful or not self.text.plain or not self._one_line_each(first):
            return self._carefully(begin, width)
        options = f"delim={_quoted(self.delimiter)}, skip={begin - 1}"
        return Body(_read(self.text.path, options, width), (), begin, self.text.lines - begin + 1)

    def _one_line_each(self, first: int) -> bool:
        return not any("\n" in cell for record in self.top[:first] for cell in record.cells)

    def _carefully(self, begin: int, width: int) -> Body:
        lines = ((number, line) for number, line in numbered(self.text.path) if number >= begin)
        copy, damages = self.scratch / "records.csv", list(self.text.bad)
        write_records(copy, Reader(lines, self.delimiter, width).records(), damages, self.delimiter)
        return body_of_copy(copy, width, damages)


def numbered(path: Path) -> Iterator[tuple[int, str]]:
    """Physical lines of a UTF-8 text and their numbers, from 1."""
    with path.open(encoding="utf-8-sig", newline="\n") as stream:
        for number, line in enumerate(stream, 1):
            yield number, line.rstrip("\r\n")


def write_records(
    copy: Path, records: Iterable[Good | Plain | Damage], damages: list[Damage], delimiter: str = ","
) -> None:
    """Write good records with their line first, as CSV that needs no second look; collect the damages.

    Args:
        copy: The file to write.
        records: What was read.
        damages: Takes up what could not be read.
        delimiter: What stands between the cells of plain records.
    """
    with copy.open("w", encoding="utf-8", newline="") as stream:
        write = stream.write
        cells = csv.writer(stream, lineterminator="\n")
        for record in records:
            if isinstance(record, Damage):
                damages.append(record)
            elif isinstance(record, Good):
                cells.writerow([record.line, *(cell.replace("\r", "") for cell in record.cells)])
            elif delimiter == ",":
                write(f"{record.line},{record.text}\n")
            else:
                cells.writerow([record.line, *record.text.split(delimiter)])


def body_of_copy(copy: Path, width: int, damages: Iterable[Damage]) -> Body:
    """The rows of a copy made by :func:`write_records`."""
    cells = ", ".join(f"c{index + 1} AS c{index}" for index in range(width))
    sql = f"SELECT c0::BIGINT AS source_row, {cells} FROM ({_read(copy, 'delim=' + _quoted(','), width + 1)})"
    return Body(sql, tuple(sorted(damages)))


def _read(path: Path, options: str, width: int) -> str:
    """A strict reading of a text table, all columns as text; DuckDB raises where a record does not fit."""
    return (
        f"SELECT * FROM read_csv({_quoted(str(path))}, {options}, header=false, auto_detect=false, strict_mode=true,"
        f" quote='\"', escape='\"', nullstr='\\0', max_line_size={LONGEST_LINE}, columns={source_columns(width)})"
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
