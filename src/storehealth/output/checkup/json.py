"""The checkup as JSON, exactly as ``docs/checkup.schema.json`` describes it; other results are written by it too."""

from __future__ import annotations

import json
import math
from typing import Any, Protocol

from storehealth.model import Checkup

NAME, SUFFIX = "json", ".json"


class Record(Protocol):
    """A result in a language."""

    @property
    def language(self) -> str:
        """Language of its texts."""
        ...  # pragma: no cover - a protocol has no body

    def model_dump(self, *, mode: str, by_alias: bool, context: dict[str, str]) -> dict[str, Any]:
        """Its content as pydantic gives it."""
        ...  # pragma: no cover


def render(checkup: Checkup) -> bytes:
    """Render one JSON document with keys in the order of the records."""
    return write_record(checkup)


def render_compact(checkup: Checkup) -> bytes:
    """Render the same document without spaces and line ends, to be embedded."""
    text = json.dumps(_dump(checkup), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode(errors="replace")


def write_record(record: Record) -> bytes:
    """Write a result as an indented JSON document in UTF-8; infinite numbers and NaN are null."""
    text = json.dumps(_dump(record), indent=2, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode(errors="replace")


def _dump(record: Record) -> Any:
    return replace_infinite(record.model_dump(mode="json", by_alias=True, context={"language": record.language}))


def replace_infinite(value: Any) -> Any:
    """Plain content in which infinite numbers and NaN are null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: replace_infinite(part) for key, part in value.items()}
    return [replace_infinite(part) for part in value] if isinstance(value, list) else value
