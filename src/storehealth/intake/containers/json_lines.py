"""JSON lines: one object per line; see ``objects`` for how an object becomes a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storehealth.errors import FileRefused
from storehealth.intake.containers import Body, Claim, Damage, Head, Record, Sheet
from storehealth.intake.containers.delimited import body_of_copy, numbered, write_records
from storehealth.intake.encoding import Text, as_utf8
from storehealth.intake.objects import DECODER, Row, cells_of, rows_of, tops
from storehealth.intake.records import Good

NAME = "json_lines"
VERSION = 2
NO_OBJECT = "the line is no JSON object"
NAMES = (".jsonl", ".ndjson")


def claims(head: Head) -> Claim:
    """Two lines with an object each, or one line with an object that holds no list of objects; or the file's name."""
    first, _, rest = head.text.lstrip("\ufeff \t\r\n").partition("\n")
    if not first.startswith("{"):
        return Claim.NO
    found = object_of(first)
    alone = found is not None and not rest.strip() and len(list(rows_of(found, ""))) == 1
    several = found is not None and bool(rest.strip())
    return Claim.SURE if several or alone or head.path.suffix.lower() in NAMES else Claim.NO


def sheets(path: Path, scratch: Path, encoding: str | None) -> list[Sheet]:
    """The objects of a file, and the lists of objects inside them."""
    text = as_utf8(path, scratch, encoding)
    found = tops(one for one in _rows(text.path) if not isinstance(one, Damage))
    if not found:
        raise FileRefused("no line of it is a JSON object", "Write one object per line.")
    return [JsonLines(text, list_path, top.records, scratch) for list_path, top in found.items()]


@dataclass(frozen=True)
class JsonLines:
    """The objects of one file (``records`` is empty), or of a list inside them."""

    text: Text
    records: str
    top: tuple[Record, ...]
    scratch: Path

    @property
    def name(self) -> str:
        """Path of the list, where it is not the file itself."""
        return self.records

    @property
    def aside(self) -> bool:
        """Whether only a layout that names this list may read it."""
        return bool(self.records)

    @property
    def encoding(self) -> str:
        """Encoding of the file."""
        return self.text.encoding

    def body(self, first: int, width: int, careful: bool) -> Body:  # noqa: ARG002 - there is one way to read objects
        """All objects; see :class:`storehealth.intake.containers.Sheet`."""
        copy, damages = self.scratch / f"objects-{self.records}.csv", list(self.text.bad)
        write_records(copy, self._cells(), damages)
        return body_of_copy(copy, width, damages)

    def _cells(self) -> Iterator[Good | Damage]:
        for one in _rows(self.text.path):
            if isinstance(one, Damage):
                yield one
            elif one[0] == self.records:
                yield Good(one[1], list(cells_of(one[2], self.top[0].cells)))


def _rows(path: Path) -> Iterator[tuple[str, int, Row] | Damage]:
    """Rows with the path of their list and their number: the line, or the place in a list inside objects."""
    counts = Counter[str]()
    for number, line in numbered(path):
        found = object_of(line)
        if found is None:
            if line.strip():
                yield Damage(number, line[:2000], NO_OBJECT)
            continue
        for list_path, row in rows_of(found, ""):
            counts[list_path] += 1
            yield list_path, counts[list_path] if list_path else number, row


def object_of(line: str) -> dict[str, Any] | None:
    """The object a text is, if it is one."""
    try:
        found = DECODER.decode(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
