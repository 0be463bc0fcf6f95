"""Describes mistakes in settings: place, key, what is allowed, the nearest name. Values are never quoted in full."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from storehealth.privacy import holds_address

FREE_TEXTS = ("deposit", "auto_replies", "store", "staff")
"""Settings whose texts may hold anything, addresses too."""
Leaves = Callable[[Mapping[str, Any]], Iterable[tuple[tuple[str, ...], Any]]]


def explain_problems(
    error: ValidationError, model: type[BaseModel], places: Mapping[str, str], handled: Collection[str]
) -> Iterator[str]:
    """Describe each mistake in a line.

    Args:
        error: What validation found.
        model: The record that was validated.
        places: Dotted key → file and line, or variable.
        handled: Keys that have been reported already.
    """
    for item in error.errors(include_url=False):
        keys = [str(part) for part in item["loc"]]
        if ".".join(keys) not in handled:
            yield f"{_find_place(keys, places)}: {'.'.join(keys)}: {_describe(item, model, keys)}"


def _find_place(keys: Sequence[str], places: Mapping[str, str]) -> str:
    """Return the place of a value, else of the first one inside it, or around it."""
    for length in range(len(keys), 0, -1):
        key = ".".join(keys[:length])
        nearby = [place for other, place in places.items() if other == key or other.startswith(f"{key}.")]
        if nearby:
            return nearby[0]
    return "settings"


def _describe(item: Any, model: type[BaseModel], keys: list[str]) -> str:
    message = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        close = difflib.get_close_matches(keys[-1], _list_fields(model, keys[:-1]), n=1)
        return f"no such setting; nearest is {close[0]}" if close else "no such setting"
    if item["type"] == "literal_error":
        allowed = re.findall(r"'([^']+)'", item["ctx"]["expected"])
        close = difflib.get_close_matches(str(item["input"]), allowed, n=1)
        return f"Input should be {item['ctx']['expected']}" + (f"; nearest is {close[0]}" if close else "")
    return message


def _list_fields(model: type[BaseModel], keys: Sequence[str]) -> list[str]:
    """List the keys that a table may have."""
    for key in keys:
        inner = model.model_fields[key].annotation if key in model.model_fields else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return list(model.model_fields)


def find_addresses(values: Mapping[str, Any], leaves: Leaves) -> list[tuple[str, ...]]:
    """List the keys whose value holds an address. Addresses may contain secrets, so they are not allowed in settings."""
    return [keys for keys, value in leaves(values) if keys[0] not in FREE_TEXTS and holds_address(str(value))]


def find_line(path: Path, keys: Sequence[str]) -> int:
    """Find the line of a setting: its key below its table's header, else the first line that begins with one of its keys."""
    lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    table = ".".join(keys[:-1])
    start = next((number for number, line in enumerate(lines) if _header(line) == table), 0) if table else 0
    for key in reversed(keys):
        pattern = re.compile(rf"\s*(\[\s*)?[\"']?{re.escape(key)}[\"']?\s*[\]=.]")
        for first in (start, 0):
            found = next((n for n, line in enumerate(lines[first:], first + 1) if pattern.match(line)), None)
            if found:
                return found
    return 1


def _header(line: str) -> str | None:
    match = re.match(r"\s*\[\s*([^\]]+?)\s*\]", line)
    return re.sub(r"[\"'\s]", "", match[1]) if match else None
