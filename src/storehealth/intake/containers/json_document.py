"""JSON documents, as APIs answer: a list of objects, or an object that holds such lists somewhere inside.

Every list of objects is a sheet, named after its path (``data.list``). The document is never held in memory as a whole;
one broken object costs what lies before the next that can be read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from storehealth.errors import FileRefused
from storehealth.intake.containers import Body, Claim, Damage, Head, Record, Sheet
from storehealth.intake.containers.delimited import body_of_copy, write_records
from storehealth.intake.containers.json_lines import claims as claims_of_lines
from storehealth.intake.encoding import Text, as_utf8
from storehealth.intake.objects import DECODER, Row, Top, cells_of, rows_of, text_of, tops
from storehealth.intake.records import Good

NAME = "json_document"
VERSION = 1
PIECE = 1 << 20
LONGEST = 8 << 20
NEXT_OBJECT = re.compile(r"\}\s*,\s*(?=\{)")
BEGINS = re.compile(r"\[\s*[\[{\]]|\{\s*[\"}]")
BROKEN = "JSON that is cut off or broken"
NO_OBJECT = "no JSON object"
AFTER = "text after the end of the JSON document"


def claims(head: Head) -> Claim:
    """A text that begins like an object or a list of objects, and is not one object per line."""
    text = head.text.lstrip("\ufeff \t\r\n")
    if not BEGINS.match(text) or claims_of_lines(head) != Claim.NO:
        return Claim.NO
    return Claim.SURE


def sheets(path: Path, scratch: Path, encoding: str | None) -> list[Sheet]:
    """The lists of objects of a document; the object itself where it holds none."""
    text = as_utf8(path, scratch, encoding)
    document = _Document()
    found = document.tops(text.path)
    if document.envelope and found:
        found = _Document(around=document.envelope).tops(text.path)
    if not found and document.envelope:
        found = tops([("", 1, document.envelope)])
    if not found:
        raise FileRefused("a JSON document without a list of objects", "Export the list itself, or as CSV or XLSX.")
    outer = document.lists or {"": None}
    return [
        JsonList(text, one, top.records, scratch, one not in outer, document.envelope) for one, top in found.items()
    ]


@dataclass(frozen=True)
class JsonList:
    """One list of objects. ``aside``: it is inside the objects of another, so only a layout that names it may read it."""

    text: Text
    records: str
    top: tuple[Record, ...]
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

    def body(self, first: int, width: int, careful: bool) -> Body:  # noqa: ARG002 - there is one way to read objects
        """All objects; see :class:`storehealth.intake.containers.Sheet`."""
        copy, damages = self.scratch / f"list-{self.records}.csv", list(self.text.bad)
        write_records(copy, self._cells(), damages)
        return body_of_copy(copy, width, damages)

    def _cells(self) -> Iterator[Good | Damage]:
        keys, document = self.top[0].cells, _Document(around=self.around)
        for one in document.rows(self.text.path):
            if isinstance(one, Damage):
                yield one
            elif one[0] == self.records:
                yield Good(one[1], list(cells_of(one[2], keys)))
        if not document.lists:
            yield Good(1, list(cells_of(document.envelope, keys)))


@dataclass
class _Document:
    """Walks a document.

    Attributes:
        envelope: Single values outside all lists, as they are met.
        around: The same, known beforehand: what every row holds as well.
        lists: Paths of the outermost lists of objects.
    """

    envelope: Row = field(default_factory=dict)
    around: Row = field(default_factory=dict)
    lists: dict[str, None] = field(default_factory=dict)

    def tops(self, path: Path) -> dict[str, Top]:
        """The top of each list."""
        return tops(row for row in self.rows(path) if not isinstance(row, Damage))

    def rows(self, path: Path) -> Iterator[tuple[str, int, Row] | Damage]:
        """The rows of all lists of objects, with the path of their list and their place in it, from 1."""
        counts = Counter[str]()
        with path.open(encoding="utf-8-sig") as file:
            stream = _Stream(file)
            for place, value in self._values(stream, ""):
                counts[place] += 1
                if isinstance(value, _Broken):
                    yield Damage(counts[place], value.text, BROKEN, lost=bool(value.text))
                elif isinstance(value, dict):
                    yield from self._spread(place, value, counts)
                elif place in self.lists:
                    yield Damage(counts[place], text_of(value)[:200], NO_OBJECT)
            if stream.peek():
                yield Damage(sum(counts.values()) + 1, stream.rest(), AFTER)

    def _spread(self, place: str, value: dict[str, Any], counts: Counter[str]) -> Iterator[tuple[str, int, Row]]:
        beside = place.rpartition(".")[0]
        around = {key.removeprefix(f"{beside}.") if beside else key: text for key, text in self.around.items()}
        for inner, row in rows_of(value, place):
            if inner != place:
                counts[inner] += 1
            yield inner, counts[inner], around | row

    def _values(self, stream: _Stream, path: str) -> Iterator[tuple[str, Any]]:
        """What lists hold, with the path of the list; the rest goes into the envelope."""
        sign = stream.peek()
        if sign == "[":
            for value in stream.elements():
                if isinstance(value, dict):
                    self.lists.setdefault(path)
                yield path, value
        elif sign == "{":
            yield from self._object(stream, path)
        else:
            value = stream.value()
            if isinstance(value, _Broken):
                yield path, value
            else:
                self.envelope[path] = text_of(value)

    def _object(self, stream: _Stream, path: str) -> Iterator[tuple[str, Any]]:
        stream.at += 1
        while (sign := stream.peek()) not in ("}", ""):
            if sign == ",":
                stream.at += 1
                continue
            key = stream.value()
            if isinstance(key, _Broken) or stream.peek() != ":":
                yield path, key if isinstance(key, _Broken) else _Broken(stream.rest())
                return
            stream.at += 1
            yield from self._values(stream, f"{path}.{key}" if path else str(key))
        if not sign:
            yield path, _Broken("")
        stream.at += 1


@dataclass(frozen=True)
class _Broken:
    """A piece that is no JSON; ``text`` is empty where the document ends too early."""

    text: str


class _Stream:
    """The text of a document, of which little more than one value is held."""

    def __init__(self, file: TextIO) -> None:
        self.file, self.held, self.at, self.ended = file, "", 0, False

    def _more(self) -> bool:
        piece = self.file.read(PIECE)
        self.held, self.at, self.ended = self.held[self.at :] + piece, 0, not piece
        return bool(piece)

    def peek(self) -> str:
        """The next sign that is no blank; empty at the end."""
        while True:
            while self.at < len(self.held):
                if not self.held[self.at].isspace():
                    return self.held[self.at]
                self.at += 1
            if not self._more():
                return ""

    def rest(self) -> str:
        """The begin of what is left; nothing is left after that."""
        text = self.held[self.at : self.at + 200]
        while self._more():
            self.at = len(self.held)
        self.at = len(self.held)
        return text

    def value(self) -> Any:
        """The next value, or what is broken there."""
        self.peek()
        while True:
            try:
                value, end = DECODER.raw_decode(self.held, self.at)
            except RecursionError:
                return self._skip()
            except ValueError as error:
                if self.ended or not self._is_cut(error) or not self._more_of_one():
                    return self._skip()
            else:
                if end < len(self.held) or self.ended:
                    self.at = end
                    return value
                self._more()  # a number may go on

    def _is_cut(self, error: ValueError) -> bool:
        """Whether an error may come from the end of what is held."""
        place = getattr(error, "pos", 0)
        return place > len(self.held) - 12 or "Unterminated" in str(error)

    def _more_of_one(self) -> bool:
        if len(self.held) - self.at > LONGEST:
            return False
        self._more()
        return True

    def _skip(self) -> _Broken:
        """Go to the next object of a list, wherever that is, else to the end."""
        text = self.held[self.at : self.at + 200]
        while True:
            found = NEXT_OBJECT.search(self.held, self.at)
            if found:
                self.at = found.end()
                return _Broken(text)
            self.at = max(self.at, len(self.held) - 100)
            if not self._more():
                self.at = len(self.held)
                return _Broken(text)

    def elements(self) -> Iterator[Any]:
        """The values of a list; the stream stands before its bracket."""
        self.at += 1
        while (sign := self.peek()) not in ("]", ""):
            if sign == ",":
                self.at += 1
            else:
                yield self.value()
        if not sign:
            yield _Broken("")
        self.at += 1
