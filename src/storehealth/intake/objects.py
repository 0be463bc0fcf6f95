"""JSON objects as rows: keys become headers, a key inside a key is written ``outer.inner``.

A list of objects inside an object is a sheet of its own, named after its key; each of its rows holds the single values
of the object around it as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from storehealth.intake.containers import TOP_RECORDS, Record

KEYS_FROM = 1000
DEEPEST = 3
Row = dict[str, str]
DECODER = json.JSONDecoder(strict=False, parse_int=str, parse_float=str, parse_constant=str)
"""Numbers keep the digits they are written with."""


class Top(NamedTuple):
    """What stands near the top of one list of objects: all keys of its first objects, and the first few of these."""

    keys: tuple[str, ...]
    records: tuple[Record, ...]


def rows_of(found: dict[str, Any], path: str, deepest: int = DEEPEST) -> Iterator[tuple[str, Row]]:
    """The row of an object, and those of the lists of objects inside it, each with the path of its list.

    Args:
        found: The object.
        path: Path of the list it is in; empty for the list that is the document itself.
        deepest: How many lists inside lists are looked into.
    """
    if not any(
        isinstance(value, dict | list) for value in found.values()
    ):  # as most are: half the time of the long way
        yield path, {key: value if isinstance(value, str) else text_of(value) for key, value in found.items()}
        return
    yield path, dict(_flat(found, ""))
    yield from _inside(found, path, "", {}, deepest)


def _inside(found: dict[str, Any], path: str, prefix: str, above: Row, deepest: int) -> Iterator[tuple[str, Row]]:
    if deepest == 0:
        return
    around = above | dict(_flat(found, prefix, lists=False))
    for key, values in _lists(found, ""):
        below = f"{path}.{key}" if path else key
        for one in values:
            yield below, around | dict(_flat(one, f"{prefix}{key}."))
            yield from _inside(one, below, f"{prefix}{key}.", around, deepest - 1)


def _lists(found: dict[str, Any], prefix: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for key, value in found.items():
        if isinstance(value, dict):
            yield from _lists(value, f"{prefix}{key}.")
        elif isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
            yield prefix + key, value


def _flat(found: dict[str, Any], prefix: str, lists: bool = True) -> Iterator[tuple[str, str]]:
    for key, value in found.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.", lists)
        elif lists or not isinstance(value, list):
            yield prefix + key, text_of(value)


def text_of(value: Any) -> str:
    """A value as the text of a cell."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def tops(rows: Iterable[tuple[str, int, Row]]) -> dict[str, Top]:
    """The top of each list of objects, in order; its first record are the keys.

    Args:
        rows: Path of the list, number of the row, row.
    """
    first: dict[str, list[tuple[int, Row]]] = {}
    for path, number, row in rows:
        if len(first.setdefault(path, [])) < KEYS_FROM:
            first[path].append((number, row))
    return {path: _top(found) for path, found in sorted(first.items(), key=lambda one: one[0].count("."))}


def _top(found: list[tuple[int, Row]]) -> Top:
    keys = tuple(dict.fromkeys(key for _, row in found for key in row))
    records = (Record(number, cells_of(row, keys)) for number, row in islice(found, TOP_RECORDS - 1))
    return Top(keys, (Record(0, keys), *records))


def cells_of(row: Row, keys: tuple[str, ...]) -> tuple[str, ...]:
    """The cells of a row in the order of keys; what is not there is empty."""
    return tuple(row.get(key, "") for key in keys)
