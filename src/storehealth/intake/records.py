"""Reads damaged delimited records, and loses only the damaged ones.

DuckDB's quick reader handles files where the number of rows is right. This one examines every record: an open quote costs
the lines up to the next one that looks like a record, not the rest of the file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import NamedTuple

from storehealth.intake.containers import TOP_RECORDS, Damage, TextRecord
from storehealth.support.message import dump_message, message

MOST_LINES_IN_A_RECORD = 2000
LONGEST = 8 << 20
LEARN_FROM = 50
USUAL = 0.8
"""Share of a column's cells of one kind from which another kind is odd there."""
OPEN_QUOTE = "reject.open_quote"
AFTER_QUOTE = "reject.after_quote"
TOTAL_ROW = "reject.total"
TOTAL = (
    "(?i)((grand|sub|sum)?[ -]?totale?s?( general| geral)?|sum|summe|(gesamt)(summe|betrag)?|somme|suma|soma|average|avg|mean"
    "|promedio|m[eé]dia|moyenne|durchschnitt|合\\s*计|总\\s*计|小\\s*计|共\\s*计|总和|合\\s*計|總\\s*計|小\\s*計|平均值?|均值|汇总|汇总行|計|總和)"
    "\\s*[:：]?"
)
"""A cell that says that its row sums up others."""
FOOTER = "reject.footer"
HEADER_ROW = "reject.header"
TOO_LONG = "reject.too_long"
LONGEST_MESSAGE = 1_000_000
"""Characters of a chat message; what is longer was not written by anybody."""
LONG_MESSAGE = dump_message(message("reject.long_message", most=LONGEST_MESSAGE))
BLANKS = " \t\r\u00a0\u3000"
CLOSED = re.compile(r'\s*"[^"]*(?:""[^"]*)*"(?!")')
WORDS = re.compile(r"[^\W\d_].*\s")
"""A text of several words, as no id has."""
TIME = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}")


class ParsedRecord(NamedTuple):
    """A record that could be read: number of its first line, and its cells."""

    line: int
    cells: list[str]


class PlainRecord(NamedTuple):
    """A record without quotes, as it is in the file; it needs no splitting. Most records are of this kind."""

    line: int
    text: str


class _Unfit(Exception):  # noqa: N818 - carries the reason, is never shown
    """The text is not a whole record. ``open_quote``: with more lines it may become one."""

    def __init__(self, reason: str, open_quote: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.open_quote = reason, open_quote


@cache
def _cell_pattern(delimiter: str) -> re.Pattern[str]:
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
    cells, at, pattern = list[str](), 0, _cell_pattern(delimiter)
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


def has_width(line: str, delimiter: str, width: int) -> bool:
    """Whether a line is a whole record of so many cells."""
    try:
        return len(split_record(line, delimiter)) == width
    except _Unfit:
        return False


def fit_width(record: ParsedRecord, width: int, text: str) -> ParsedRecord | Damage:
    """The record without empty cells beyond the header's width, or the damage: too few or too many cells."""
    cells = record.cells
    while len(cells) > width and not cells[-1].strip():
        cells.pop()
    if len(cells) == width:
        return record
    return Damage(record.line, text, explain_width(len(cells), width))


@lru_cache(maxsize=4096)
def explain_width(count: int, width: int) -> str:
    """Why a record with this number of cells is rejected, as the text of a message."""
    if count < width:
        return dump_message(message("reject.few_columns", found=count, expected=width))
    return dump_message(message("reject.many_columns", found=count, expected=width))


def split_top_records(lines: Iterator[tuple[int, str]], delimiter: str) -> Iterator[TextRecord]:
    """Records near the top of a text, of any width: the header is looked for among them."""
    for number, line in lines:
        text = line
        if len(text) > LONGEST:
            yield TextRecord(number, (text[:200],))
            continue
        while text.strip():
            try:
                yield TextRecord(number, tuple(split_record(text, delimiter)))
                break
            except _Unfit as unfit:
                following = next(lines, None) if unfit.open_quote and text.count("\n") < TOP_RECORDS else None
                if following is None:
                    yield TextRecord(number, tuple(text.split(delimiter)))
                    break
                text = f"{text}\n{following[1]}"


class RecordReader:
    """Turns numbered lines into records and damages.

    Args:
        lines: Physical lines with their numbers, without line ends.
        delimiter: The character between cells.
        width: Number of columns of the header.
        free_tail: Whether the last column is free text, in which delimiters may stand without quotes.
    """

    def __init__(self, lines: Iterator[tuple[int, str]], delimiter: str, width: int, free_tail: bool = False) -> None:
        self.lines, self.delimiter, self.width, self.free_tail = lines, delimiter, width, free_tail
        self.pushed_back: list[tuple[int, str]] = []
        self.shape = _Shape(width)
        self.blanks = BLANKS + delimiter

    def records(self) -> Iterator[ParsedRecord | PlainRecord | Damage]:
        """Every record, in order. Single cells below the last record are a footer, and no lost rows."""
        singles = list[Damage]()
        for record in self._read_all():
            if isinstance(record, Damage) and self._may_be_footer(record):
                singles.append(record)
                continue
            if singles and not self._is_total(record):  # a total row does not end what may be a footer
                yield from singles
                singles = []
            yield record
        yield from (damage._replace(reason=FOOTER, lost=False) for damage in singles) if self.shape.learned else singles

    def _read_all(self) -> Iterator[ParsedRecord | PlainRecord | Damage]:
        delimiter, marks = self.delimiter, self.width - 1
        while (following := self._next()) is not None:
            number, line = following
            if self.shape.learned >= LEARN_FROM and line.count(delimiter) == marks and _is_plain(line):
                yield PlainRecord(number, line)
            elif len(line) > LONGEST:
                yield Damage(number, line[:200], TOO_LONG)
            elif line.strip(self.blanks):
                yield self._read(number, line)

    def _next(self) -> tuple[int, str] | None:
        return self.pushed_back.pop() if self.pushed_back else next(self.lines, None)

    def _read(self, number: int, line: str) -> ParsedRecord | Damage:
        try:
            return self._fit(number, split_record(line, self.delimiter), line)
        except _Unfit as unfit:
            return self._read_long(number, line) if unfit.open_quote else Damage(number, line, unfit.reason)

    def _fit(self, number: int, cells: list[str], text: str) -> ParsedRecord | Damage:
        record = fit_width(ParsedRecord(number, cells), self.width, text)
        if isinstance(record, Damage):
            record = self._mend_width(ParsedRecord(number, cells)) or record
        if isinstance(record, Damage) and re.fullmatch(TOTAL, next(filter(None, map(str.strip, cells)), "")):
            record = record._replace(reason=TOTAL_ROW, lost=False)
        if isinstance(record, ParsedRecord):
            self.shape.learn(record.cells)
        return record

    def _mend_width(self, record: ParsedRecord) -> ParsedRecord | None:
        """Pad a short record, as Excel leaves out blank cells at the end; join what is too much to a free text.

        Only where digits and times then stand in the columns where they always stood.
        """
        cells, last = record.cells, self.width - 1
        if len(cells) > self.width and self.free_tail and self.shape.is_anchored and not self.shape.is_shifted(cells):
            cells = [*cells[:last], self.delimiter.join(cells[last:])]
        elif 1 < len(cells) < self.width:
            cells = [*cells, *[""] * (self.width - len(cells))]
        fits = len(cells) == self.width and self.shape.fits_usual(cells)
        return ParsedRecord(record.line, cells) if fits else None

    def _is_total(self, record: ParsedRecord | PlainRecord | Damage) -> bool:
        """Whether a record sums up others: as it was found, or by its first cell where it has all of them."""
        if isinstance(record, Damage):
            return not record.lost
        cells = record.cells if isinstance(record, ParsedRecord) else record.text.split(self.delimiter)
        return re.fullmatch(TOTAL, next(filter(None, map(str.strip, cells)), "")) is not None

    def _may_be_footer(self, damage: Damage) -> bool:
        """Whether a record is a single cell, or two of which one is of words, as notes below a table are."""
        if damage.reason == explain_width(1, self.width):
            return True
        return damage.reason == explain_width(2, self.width) and self.width > 3 and bool(WORDS.search(damage.value))

    def _read_long(self, number: int, line: str) -> ParsedRecord | Damage:
        """A record of several lines. Gives up, and reads on, at the first line that looks like a record of its own."""
        following_lines, size = list[tuple[int, str]](), len(line)
        while (
            len(following_lines) < MOST_LINES_IN_A_RECORD and size < LONGEST and (following := self._next()) is not None
        ):
            if self._stands_alone(following[1]):
                self.pushed_back.append(following)
                return Damage(number, line, OPEN_QUOTE)
            following_lines.append(following)
            size += len(following[1])
            if '"' in following[1]:
                text = "\n".join([line, *(text for _, text in following_lines)])
                try:
                    return self._fit(number, split_record(text, self.delimiter), text)
                except _Unfit as unfit:
                    if not unfit.open_quote:
                        break
        self.pushed_back.extend(reversed(following_lines))
        return Damage(number, line, OPEN_QUOTE)

    def _stands_alone(self, line: str) -> bool:
        """Whether a line looks like a record: the right number of cells, and digits and times where they always were."""
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
        self.learned = 0
        self.kinds: list[str | None] = [None] * width
        self.has_blanks = [False] * width
        self.counts = [Counter[str]() for _ in range(width)]
        self.usual: list[str | None] | None = None

    @property
    def is_anchored(self) -> bool:
        """Whether some column always holds digits or a time, so that a shifted record shows."""
        return any(kind in ("digits", "time") for kind in self.kinds[:-1])

    def learn(self, cells: list[str]) -> None:
        if self.learned >= LEARN_FROM:
            return
        self.learned += 1
        self.usual = None
        for index, cell in enumerate(cells):
            kind = _kind_of(cell)
            if kind != "empty":
                self.kinds[index] = kind if self.kinds[index] in (None, kind) else "any"
                self.counts[index][kind] += 1
            self.has_blanks[index] |= " " in cell.strip()

    def fits(self, cells: list[str]) -> bool:
        return all(
            kind in (None, "any") or _kind_of(cell) in (kind, "empty")
            for kind, cell in zip(self.kinds, cells, strict=True)
        )

    def fits_usual(self, cells: list[str]) -> bool:
        """Whether digits and times stand where they usually do; one odd cell above does not change what is usual."""
        if self.usual is None:
            self.usual = [_find_usual(count) for count in self.counts]
        return all(
            usual is None or _kind_of(cell) in (usual, "empty") for usual, cell in zip(self.usual, cells, strict=True)
        )

    def is_shifted(self, cells: list[str]) -> bool:
        """Whether a cell before the last has several words where no record had them: text of another column."""
        return any(" " in cell.strip() and not known for cell, known in zip(cells, self.has_blanks[:-1], strict=False))


def _find_usual(counts: Counter[str]) -> str | None:
    """Digits or times, where most cells of a column are such."""
    return next((kind for kind in ("digits", "time") if counts[kind] >= USUAL * counts.total() > 0), None)


def _kind_of(cell: str) -> str:
    cell = cell.strip()
    if not cell:
        return "empty"
    if cell.isdecimal():
        return "digits"
    return "time" if TIME.match(cell) else "any"
