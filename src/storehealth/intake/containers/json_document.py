"""JSON documents, as APIs return them: a list of objects, or an object with such lists somewhere inside.

Every list of objects is a sheet, named after its path (``data.list``). The document is never held in memory as a whole;
after a broken object, reading goes on with the next one that can be parsed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from storehealth.errors import FileRefused
from storehealth.intake.containers import Body, Claim, Damage, Head, Sheet, TextRecord, name_copy
from storehealth.intake.containers.delimited import read_copy, write_records
from storehealth.intake.containers.json_lines import (
    DECODER,
    MOST_DEEP,
    ListTop,
    Row,
    collect_tops,
    fix_value,
    flatten_object,
    format_cell,
    is_deep,
    order_cells,
)
from storehealth.intake.containers.json_lines import claim as claims_of_lines
from storehealth.intake.encoding import Utf8Text, convert_to_utf8
from storehealth.intake.records import ParsedRecord
from storehealth.support.message import message

NAME = "json_document"
VERSION = 2
PIECE = 1 << 20
LONGEST = 8 << 20
NEXT_OBJECT = re.compile(r"\}\s*,\s*(?=\{)")
BEGINS = re.compile(r"\[\s*[\[{\]]|\{\s*[\"}]")
BROKEN = "reject.json_broken"
NO_OBJECT = "reject.json_entry"
AFTER = "reject.after_json"


def claim(head: Head) -> Claim:
    """Claim a text that begins like an object or a list of objects, unless it is one object per line."""
    text = head.text.lstrip("\ufeff \t\r\n")
    if not BEGINS.match(text) or claims_of_lines(head) != Claim.NO:
        return Claim.NO
    return Claim.SURE


def open_sheets(path: Path, scratch: Path, encoding: str | None) -> list[Sheet]:
    """Open the lists of objects of a document; where it has none, the document as one row."""
    text = convert_to_utf8(path, scratch, encoding)
    document = _Document()
    lists = document.collect_tops(text.path)
    if document.envelope and lists:  # values may stand behind the list they belong to: only a second pass knows them
        lists = _Document(around=document.envelope).collect_tops(text.path)
    if not lists and document.envelope:
        lists = collect_tops([("", 1, document.envelope)])
    if not lists:
        raise FileRefused(message("intake.no_list"), message("intake.export_list"))
    outer = document.lists or {"": None}
    return [
        JsonList(text, path, top.records, scratch, path not in outer, document.envelope) for path, top in lists.items()
    ]


@dataclass(frozen=True)
class JsonList:
    """One list of objects. ``aside``: it is inside the objects of another; only a layout that names it may read it."""

    text: Utf8Text
    records: str
    top: tuple[TextRecord, ...]
    scratch: Path
    aside: bool
    around: Row

    @property
    def name(self) -> str:
        """Path of the list, where it is not the document itself."""
        return self.records

    @property
    def encoding(self) -> str:
        """Encoding of the file."""
        return self.text.encoding

    def read_body(self, first: int, width: int, careful: bool, free_tail: bool = False) -> Body:  # noqa: ARG002 - there is one way to read objects
        """Read all objects; see :class:`storehealth.intake.containers.Sheet`."""
        copy, damages = name_copy(self.scratch, f"list-{self.records}.csv"), list(self.text.damages)
        write_records(copy, self._select_records(), damages)
        return read_copy(copy, width, damages)

    def _select_records(self) -> Iterator[ParsedRecord | Damage]:
        keys, document = self.top[0].cells, _Document(around=self.around)
        for row in document.parse_rows(self.text.path):
            if isinstance(row, Damage):
                yield row
                continue
            list_path, number, values = row
            if list_path == self.records:
                yield ParsedRecord(number, list(order_cells(values, keys)))
        if not document.lists:
            yield ParsedRecord(1, list(order_cells(document.envelope, keys)))


@dataclass
class _Document:
    """Parses a document.

    Attributes:
        envelope: Single values outside all lists, filled while parsing.
        around: The same, known from an earlier pass: every row has them as well.
        lists: Paths of the outermost lists of objects, filled while parsing.
    """

    envelope: Row = field(default_factory=dict)
    around: Row = field(default_factory=dict)
    lists: dict[str, None] = field(default_factory=dict)
    depth: int = 0

    def collect_tops(self, path: Path) -> dict[str, ListTop]:
        """Collect the top of each list."""
        return collect_tops(row for row in self.parse_rows(path) if not isinstance(row, Damage))

    def parse_rows(self, path: Path) -> Iterator[tuple[str, int, Row] | Damage]:
        """Yield the rows of all lists of objects, with the path of their list and their position in it, from 1."""
        counts = Counter[str]()
        with path.open(encoding="utf-8-sig") as file:
            stream = _Stream(file)
            for list_path, value in self._parse_values(stream, ""):
                counts[list_path] += 1
                if isinstance(value, _Broken):
                    yield Damage(counts[list_path], value.text, BROKEN, lost=bool(value.text))
                elif isinstance(value, dict):
                    yield from self._make_rows(list_path, value, counts)
                elif list_path in self.lists:
                    yield Damage(counts[list_path], format_cell(value)[:200], NO_OBJECT)
            if stream.peek():
                yield Damage(sum(counts.values()) + 1, stream.skip_rest(), AFTER)

    def _make_rows(self, path: str, value: dict[str, Any], counts: Counter[str]) -> Iterator[tuple[str, int, Row]]:
        parent = path.rpartition(".")[0]  # values beside the list are named without the path they share with it
        around = {key.removeprefix(f"{parent}.") if parent else key: text for key, text in self.around.items()}
        for list_path, row in flatten_object(value, path):
            if list_path != path:
                counts[list_path] += 1
            yield list_path, counts[list_path], around | row

    def _parse_values(self, stream: _Stream, path: str) -> Iterator[tuple[str, Any]]:
        """Yield the elements of lists with the path of their list; other values go into the envelope."""
        char = stream.peek()
        if char == "[":
            for value in stream.parse_elements():
                if isinstance(value, dict):
                    self.lists.setdefault(path)
                yield path, value
        elif char == "{":
            self.depth += 1
            if self.depth > MOST_DEEP:
                raise FileRefused(message("intake.too_deep", most=MOST_DEEP), message("intake.export_list"))
            yield from self._parse_object(stream, path)
            self.depth -= 1
        else:
            value = stream.parse_value()
            if isinstance(value, _Broken):
                yield path, value
            else:
                self.envelope[path] = format_cell(value)

    def _parse_object(self, stream: _Stream, path: str) -> Iterator[tuple[str, Any]]:
        stream.at += 1
        while (char := stream.peek()) not in ("}", ""):
            if char == ",":
                stream.at += 1
                continue
            key = stream.parse_value()
            if isinstance(key, _Broken) or stream.peek() != ":":
                yield path, key if isinstance(key, _Broken) else _Broken(stream.skip_rest())
                return
            stream.at += 1
            yield from self._parse_values(stream, f"{path}.{key}" if path else str(key))
        if not char:
            yield path, _Broken("")
        stream.at += 1


@dataclass(frozen=True)
class _Broken:
    """A piece that is not valid JSON; ``text`` is empty where the document ends too early."""

    text: str


class _Stream:
    """Reads the text of a document, holding little more than one value at a time."""

    def __init__(self, file: TextIO) -> None:
        self.file, self.buffer, self.at, self.ended = file, "", 0, False

    def _read_more(self) -> bool:
        piece = self.file.read(PIECE)
        self.buffer, self.at, self.ended = self.buffer[self.at :] + piece, 0, not piece
        return bool(piece)

    def peek(self) -> str:
        """Return the next character that is not blank; empty at the end."""
        while True:
            while self.at < len(self.buffer):
                if not self.buffer[self.at].isspace():
                    return self.buffer[self.at]
                self.at += 1
            if not self._read_more():
                return ""

    def skip_rest(self) -> str:
        """Skip all that is left, and return its beginning."""
        text = self.buffer[self.at : self.at + 200]
        while self._read_more():
            self.at = len(self.buffer)
        self.at = len(self.buffer)
        return text

    def parse_value(self) -> Any:
        """Parse the next value; return what is broken where it cannot be parsed."""
        self.peek()
        while True:
            try:
                value, end = DECODER.raw_decode(self.buffer, self.at)
            except RecursionError:
                return self._skip()
            except ValueError as error:
                if self.ended or not self._is_cut(error) or not self._extend_value():
                    return self._skip()
            else:
                if end < len(self.buffer) or self.ended:
                    text, self.at = self.buffer[self.at : end], end
                    is_broken = isinstance(value, dict | list) and is_deep(value)
                    return _Broken(text[:200]) if is_broken else fix_value(value, text)
                self._read_more()  # a number at the end of the buffer may have more digits

    def _is_cut(self, error: ValueError) -> bool:
        """Whether an error may be caused by the end of the buffer."""
        position = getattr(error, "pos", 0)
        return position > len(self.buffer) - 12 or "Unterminated" in str(error)

    def _extend_value(self) -> bool:
        if len(self.buffer) - self.at > LONGEST:
            return False
        self._read_more()
        return True

    def _skip(self) -> _Broken:
        """Skip to the next object of any list, else to the end."""
        text = self.buffer[self.at : self.at + 200]
        while True:
            match = NEXT_OBJECT.search(self.buffer, self.at)
            if match:
                self.at = match.end()
                return _Broken(text)
            self.at = max(self.at, len(self.buffer) - 100)  # a boundary may be cut between two pieces
            if not self._read_more():
                self.at = len(self.buffer)
                return _Broken(text)

    def parse_elements(self) -> Iterator[Any]:
        """Parse the values of a list; the stream is at its opening bracket."""
        self.at += 1
        while (char := self.peek()) not in ("]", ""):
            if char == ",":
                self.at += 1
            else:
                yield self.parse_value()
        if not char:
            yield _Broken("")
        self.at += 1
