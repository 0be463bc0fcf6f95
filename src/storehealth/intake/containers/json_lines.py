"""JSON lines: one object per line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storehealth.errors import FileRefused
from storehealth.intake.containers import Body, Claim, Damage, Head, Sheet, TextRecord
from storehealth.intake.containers.delimited import iter_lines, read_copy, write_records
from storehealth.intake.encoding import Utf8Text, convert_to_utf8
from storehealth.intake.objects import DECODER, Row, collect_tops, flatten_object, order_cells
from storehealth.intake.records import ParsedRecord

NAME = "json_lines"
VERSION = 2
NO_OBJECT = "the line is no JSON object"
SUFFIXES = (".jsonl", ".ndjson")


def claim(head: Head) -> Claim:
    """Claim several lines that begin with an object, a single flat object, or any object in a file so named."""
    first, _, rest = head.text.lstrip("\ufeff \t\r\n").partition("\n")
    if not first.startswith("{"):
        return Claim.NO
    parsed = parse_object(first)
    is_single_row = parsed is not None and not rest.strip() and len(list(flatten_object(parsed, ""))) == 1
    has_more = parsed is not None and bool(rest.strip())
    return Claim.SURE if has_more or is_single_row or head.path.suffix.lower() in SUFFIXES else Claim.NO


def open_sheets(path: Path, scratch: Path, encoding: str | None) -> list[Sheet]:
    """Open the objects of a file, and the lists of objects inside them."""
    text = convert_to_utf8(path, scratch, encoding)
    lists = collect_tops(row for row in _parse_rows(text.path) if not isinstance(row, Damage))
    if not lists:
        raise FileRefused("no line of it is a JSON object", "Write one object per line.")
    return [JsonLines(text, list_path, top.records, scratch) for list_path, top in lists.items()]


@dataclass(frozen=True)
class JsonLines:
    """The objects of one file (``records`` is empty), or of a list inside them."""

    text: Utf8Text
    records: str
    top: tuple[TextRecord, ...]
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

    def read_body(self, first: int, width: int, careful: bool) -> Body:  # noqa: ARG002 - there is one way to read objects
        """Read all objects; see :class:`storehealth.intake.containers.Sheet`."""
        copy, damages = self.scratch / f"objects-{self.records}.csv", list(self.text.damages)
        write_records(copy, self._select_records(), damages)
        return read_copy(copy, width, damages)

    def _select_records(self) -> Iterator[ParsedRecord | Damage]:
        for row in _parse_rows(self.text.path):
            if isinstance(row, Damage):
                yield row
                continue
            list_path, number, values = row
            if list_path == self.records:
                yield ParsedRecord(number, list(order_cells(values, self.top[0].cells)))


def _parse_rows(path: Path) -> Iterator[tuple[str, int, Row] | Damage]:
    """Yield rows with the path of their list and their number: the line, or the position in a list inside objects."""
    counts = Counter[str]()
    for number, line in iter_lines(path):
        parsed = parse_object(line)
        if parsed is None:
            if line.strip():
                yield Damage(number, line[:2000], NO_OBJECT)
            continue
        for list_path, row in flatten_object(parsed, ""):
            counts[list_path] += 1
            yield list_path, counts[list_path] if list_path else number, row


def parse_object(line: str) -> dict[str, Any] | None:
    """Parse a text as one object; None where it is anything else."""
    try:
        value = DECODER.decode(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
