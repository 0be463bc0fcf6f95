"""JSON and JSON lines: objects as rows; keys become headers, a nested key is written ``outer.inner``.

A list of objects inside an object is a sheet of its own, named after its key; each of its rows also has the single
values of the object around it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from storehealth.errors import FileRefused
from storehealth.intake.containers import TOP_RECORDS, Body, Claim, Damage, Head, Sheet, TextRecord, name_copy
from storehealth.intake.containers.delimited import iter_lines, read_copy, write_records
from storehealth.intake.encoding import Utf8Text, convert_to_utf8
from storehealth.intake.records import ParsedRecord
from storehealth.support.control_chars import SURROGATE
from storehealth.support.message import message

NAME = "json_lines"
VERSION = 3
NO_OBJECT = "reject.json_line"
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
        raise FileRefused(message("intake.no_object_lines"), message("intake.one_object_per_line"))
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

    def read_body(self, first: int, width: int, careful: bool, free_tail: bool = False) -> Body:  # noqa: ARG002 - there is one way to read objects
        """Read all objects; see :class:`storehealth.intake.containers.Sheet`."""
        copy, damages = name_copy(self.scratch, f"objects-{self.records}.csv"), list(self.text.damages)
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
    return fix_value(value, line) if isinstance(value, dict) and not is_deep(value) else None


def is_deep(value: dict[str, Any] | list[Any]) -> bool:
    """Whether a value is nested deeper than any export is."""
    level: list[Any] = [value]
    for _ in range(MOST_DEEP):
        items = (item.values() if isinstance(item, dict) else item for item in level)
        level = [child for children in items for child in children if isinstance(child, dict | list)]
        if not level:
            return False
    return True


def fix_value(value: Any, text: str) -> Any:
    """Replace half a surrogate pair, as where a program cut an emoji, by U+FFFD; ``text`` is what the value was read from."""
    return _replace_surrogates(value) if "\\ud" in text or "\\uD" in text else value


def _replace_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_replace_surrogates(key): _replace_surrogates(child) for key, child in value.items()}
    return list(map(_replace_surrogates, value)) if isinstance(value, list) else value


KEYS_FROM = 1000
DEEPEST = 3
MOST_DEEP = 100
"""Levels of nesting beyond which a value cannot be a record of a shop."""
Row = dict[str, str]
DECODER = json.JSONDecoder(strict=False, parse_int=str, parse_float=str, parse_constant=str)
"""Parses numbers as text, so that long ids keep all their digits."""


class ListTop(NamedTuple):
    """The top of one list of objects: all keys of its first objects, and the first few of them as records."""

    keys: tuple[str, ...]
    records: tuple[TextRecord, ...]


def flatten_object(content: dict[str, Any], path: str, deepest: int = DEEPEST) -> Iterator[tuple[str, Row]]:
    """Yield the row of an object and those of the lists of objects inside it, each with the path of its list.

    Args:
        content: The object.
        path: Path of the list it is in; empty for the list that is the document itself.
        deepest: How many levels of lists inside lists are searched.
    """
    # Most objects are flat; without this short cut they would take twice the time.
    if not any(isinstance(value, dict | list) for value in content.values()):
        yield path, {key: value if isinstance(value, str) else format_cell(value) for key, value in content.items()}
        return
    yield path, dict(_flatten(content, ""))
    yield from _walk_lists(content, path, "", {}, deepest)


def _walk_lists(content: dict[str, Any], path: str, prefix: str, outer: Row, deepest: int) -> Iterator[tuple[str, Row]]:
    if deepest == 0:
        return
    around = outer | dict(_flatten(content, prefix, lists=False))
    for key, values in _find_lists(content, ""):
        list_path = f"{path}.{key}" if path else key
        for value in values:
            yield list_path, around | dict(_flatten(value, f"{prefix}{key}."))
            yield from _walk_lists(value, list_path, f"{prefix}{key}.", around, deepest - 1)


def _find_lists(content: dict[str, Any], prefix: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for key, value in content.items():
        if isinstance(value, dict):
            yield from _find_lists(value, f"{prefix}{key}.")
        elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            yield prefix + key, value


def _flatten(content: dict[str, Any], prefix: str, lists: bool = True) -> Iterator[tuple[str, str]]:
    for key, value in content.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.", lists)
        elif lists or not isinstance(value, list):
            yield prefix + key, format_cell(value)


def format_cell(value: Any) -> str:
    """Format a value as the text of a cell."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def collect_tops(rows: Iterable[tuple[str, int, Row]]) -> dict[str, ListTop]:
    """Collect the top of each list of objects, outer lists first; the first record of each has the keys.

    Args:
        rows: Path of the list, number of the row, row.
    """
    first: dict[str, list[tuple[int, Row]]] = {}
    for path, number, row in rows:
        if len(first.setdefault(path, [])) < KEYS_FROM:
            first[path].append((number, row))
    by_depth = sorted(first.items(), key=lambda item: item[0].count("."))
    return {path: _build_top(numbered_rows) for path, numbered_rows in by_depth}


def _build_top(rows: list[tuple[int, Row]]) -> ListTop:
    keys = tuple(dict.fromkeys(key for _, row in rows for key in row))
    records = (TextRecord(number, order_cells(row, keys)) for number, row in islice(rows, TOP_RECORDS - 1))
    return ListTop(keys, (TextRecord(0, keys), *records))


def order_cells(row: Row, keys: tuple[str, ...]) -> tuple[str, ...]:
    """Return the cells of a row in the order of keys; a missing one is empty."""
    return tuple(row.get(key, "") for key in keys)
