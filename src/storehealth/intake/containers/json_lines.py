"""JSON lines: one object per line. The keys are the headers; a key inside a key is written ``outer.inner``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from storehealth.errors import FileRefused
from storehealth.intake.containers import TOP_RECORDS, Body, Claim, Damage, Head, Record, Sheet
from storehealth.intake.containers.delimited import body_of_copy, numbered, write_records
from storehealth.intake.encoding import Text, as_utf8
from storehealth.intake.records import Good

NAME = "json_lines"
VERSION = 1
KEYS_FROM = 1000
NO_OBJECT = "the line is no JSON object"


def claims(head: Head) -> Claim:
    """A text whose first line is a JSON object, or that is named like one and begins like one."""
    line = head.text.lstrip().split("\n", 1)[0]
    if not line.startswith("{"):
        return Claim.NO
    named = head.path.suffix.lower() in (".jsonl", ".ndjson", ".json")
    return Claim.SURE if named or _object(line) is not None else Claim.NO


def sheets(path: Path, scratch: Path, encoding: str | None) -> list[Sheet]:
    """The objects of a file, as one sheet."""
    text = as_utf8(path, scratch, encoding)
    first = [(number, found) for number, line in islice(numbered(text.path), KEYS_FROM) if (found := _object(line))]
    if not first:
        raise FileRefused("no line of it is a JSON object", "Write one object per line.")
    keys = tuple(dict.fromkeys(key for _, found in first for key in found))
    top = (Record(number, _cells(found, keys)) for number, found in first[: TOP_RECORDS - 1])
    return [JsonLines(text, (Record(0, keys), *top), scratch)]


@dataclass(frozen=True)
class JsonLines:
    """The objects of one file."""

    text: Text
    top: tuple[Record, ...]
    scratch: Path
    name: str = ""

    @property
    def encoding(self) -> str:
        """Encoding of the file."""
        return self.text.encoding

    def body(self, first: int, width: int, careful: bool) -> Body:  # noqa: ARG002 - there is one way to read objects
        """All objects; see :class:`storehealth.intake.containers.Sheet`."""
        copy, damages = self.scratch / "objects.csv", list(self.text.bad)
        write_records(copy, self._records(), damages)
        return body_of_copy(copy, width, damages)

    def _records(self) -> Iterator[Good | Damage]:
        for number, line in numbered(self.text.path):
            found = _object(line)
            if found is not None:
                yield Good(number, list(_cells(found, self.top[0].cells)))
            elif line.strip():
                yield Damage(number, line[:2000], NO_OBJECT)


def _cells(found: dict[str, str], keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(found.get(key, "") for key in keys)


def _object(line: str) -> dict[str, str] | None:
    """The cells of a line by dotted key; numbers keep the digits they are written with."""
    try:
        found = json.loads(line, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None
    return dict(_flat(found, "")) if isinstance(found, dict) else None


def _flat(found: dict[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in found.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, _text(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
