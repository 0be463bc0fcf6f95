"""Reads comma-separated records that are damaged, and loses no more than the damage.

The quick reader (DuckDB) is used where everything adds up. Here every record is looked at: an open quote costs the rows
up to the next line that looks like a record, not the rest of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from storehealth.intake.containers import TOP_RECORDS, Damage, Record

MOST_LINES_IN_A_RECORD = 2000
LONGEST = 8 << 20
LEARN_FROM = 50
OPEN_QUOTE = "a quote is opened here and not closed"
AFTER_QUOTE = "text after a closing quote"
TOO_LONG = "the line is longer than 8 MB"
BLANKS = " \t\r\u00a0\u3000"
CLOSED = re.compile(r'\s*"[^"]*(?:""[^"]*)*"(?!")')
TIME = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}")


class Good(NamedTuple):
    """A record that could be read: its first line and its cells."""

    line: int
    cells: list[str]


class Plain(NamedTuple):
    """A record without a quote in it, as it stands in the file: most are."""

    line: int
    text: str


class _Unfit(Exception):  # noqa: N818 - says why a text is no record
    """The text is no record: ``open_quote`` where more lines could mend it."""

    def __init__(self, reason: str, open_quote: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.open_quote = reason, open_quote


@cache
def _cell(delimiter: str) -> re.Pattern[str]:
    blanks = BLANKS.replace(delimiter, "")
    quoted = rf'[{blanks}]*"([^"]*(?:""[^"]*)*)"(?!")[{blanks}]*'
    return re.compile(rf"(?:{quoted}|([^{re.escape(delimiter)}]*))({re.escape(delimiter)}|\Z)")


def split_record(text: str, delimiter: str) -> list[str]:
    """The cells of one record.

    Raises:
        _Unfit: A quote stays open, or text follows a closing one.
    """
    if '"' not in text:
        return text.split(delimiter)
    cells, at, pattern = list[str](), 0, _cell(delimiter)
    while True:
        match = pattern.match(text, at)
        quoted, bare, end = match.groups() if match else (None, "", "")
        if match is None or (quoted is None and bare.lstrip(BLANKS).startswith('"')):
            closes = CLOSED.match(text, at)
            raise _Unfit(AFTER_QUOTE) if closes else _Unfit(OPEN_QUOTE, open_quote=True)
        cells.append(quoted.replace('""', '"') if quoted is not None else bare)
        at = match.end()
        if end != delimiter:
            return cells


def fitting(record: Good, width: int, text: str) -> Good | Damage:
    """The record without empty cells beyond the header's width; else what is wrong with its number of cells."""
    cells = record.cells
    while len(cells) > width and not cells[-1].strip():
        cells.pop()
    if len(cells) == width:
        return record
    few = "too few" if len(cells) < width else "too many"
    return Damage(record.line, text, f"{few} columns: {len(cells)} instead of {width}")


def split_first(lines: Iterator[tuple[int, str]], delimiter: str) -> Iterator[Record]:
    """Records near the top of a text, of whatever width, to look for the header among them."""
    for number, line in lines:
        text = line
        while text.strip():
            try:
                yield Record(number, tuple(split_record(text, delimiter)))
                break
            except _Unfit as unfit:
                following = next(lines, None) if unfit.open_quote and text.count("\n") < TOP_RECORDS else None
                if following is None:
                    yield Record(number, tuple(text.split(delimiter)))
                    break
                text = f"{text}\n{following[1]}"


class Reader:
    """Turns numbered lines into good records and damages.

    Args:
        lines: Physical lines with their numbers, without their line ends.
        delimiter: What stands between cells.
        width: Number of columns of the header.
    """

    def __init__(self, lines: Iterator[tuple[int, str]], delimiter: str, width: int) -> None:
        self.lines, self.delimiter, self.width = lines, delimiter, width
        self.back: list[tuple[int, str]] = []
        self.shape = _Shape(width)
        self.nothing = BLANKS + delimiter

    def records(self) -> Iterator[Good | Plain | Damage]:
        """Every record, in order."""
        delimiter, marks = self.delimiter, self.width - 1
        while (following := self._next()) is not None:
            number, line = following
            if self.shape.seen >= LEARN_FROM and line.count(delimiter) == marks and _is_plain(line):
                yield Plain(number, line)
            elif len(line) > LONGEST:
                yield Damage(number, line[:200], TOO_LONG)
            elif line.strip(self.nothing):
                yield self._record(number, line)

    def _next(self) -> tuple[int, str] | None:
        return self.back.pop() if self.back else next(self.lines, None)

    def _record(self, number: int, line: str) -> Good | Damage:
        try:
            return self._fit(number, split_record(line, self.delimiter), line)
        except _Unfit as unfit:
            return self._longer(number, line) if unfit.open_quote else Damage(number, line, unfit.reason)

    def _fit(self, number: int, cells: list[str], text: str) -> Good | Damage:
        fits = fitting(Good(number, cells), self.width, text)
        if isinstance(fits, Good):
            self.shape.learn(cells)
        return fits

    def _longer(self, number: int, line: str) -> Good | Damage:
        """A record over several lines; given up at the first line that looks like a record of its own."""
        taken, size = list[tuple[int, str]](), len(line)
        while len(taken) < MOST_LINES_IN_A_RECORD and size < LONGEST and (following := self._next()) is not None:
            if self._stands_alone(following[1]):
                self.back.append(following)
                return Damage(number, line, OPEN_QUOTE)
            taken.append(following)
            size += len(following[1])
            if '"' in following[1]:
                text = "\n".join([line, *(one for _, one in taken)])
                try:
                    return self._fit(number, split_record(text, self.delimiter), text)
                except _Unfit as unfit:
                    if not unfit.open_quote:
                        break
        self.back.extend(reversed(taken))
        return Damage(number, line, OPEN_QUOTE)

    def _stands_alone(self, line: str) -> bool:
        if line.count(self.delimiter) < max(self.width - 1, 1):
            return False
        try:
            cells = split_record(line, self.delimiter)
        except _Unfit:
            return False
        return len(cells) == self.width and self.shape.fits(cells)


def _is_plain(line: str) -> bool:
    return '"' not in line and "\r" not in line and len(line) <= LONGEST and line != ""


class _Shape:
    """Which columns always hold digits or times, learned from the first good records."""

    def __init__(self, width: int) -> None:
        self.seen = 0
        self.kinds: list[str | None] = [None] * width

    def learn(self, cells: list[str]) -> None:
        if self.seen >= LEARN_FROM:
            return
        self.seen += 1
        for index, cell in enumerate(cells):
            kind = _kind(cell)
            if kind != "empty":
                self.kinds[index] = kind if self.kinds[index] in (None, kind) else "any"

    def fits(self, cells: list[str]) -> bool:
        return all(
            kind in (None, "any") or _kind(cell) in (kind, "empty")
            for kind, cell in zip(self.kinds, cells, strict=True)
        )


def _kind(cell: str) -> str:
    cell = cell.strip()
    if not cell:
        return "empty"
    if cell.isdecimal():
        return "digits"
    return "time" if TIME.match(cell) else "any"
