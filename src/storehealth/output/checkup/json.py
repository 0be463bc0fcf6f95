"""The checkup as JSON, exactly as ``docs/checkup.schema.json`` describes it."""

from __future__ import annotations

import json
import math
from typing import Any

from storehealth.model import Checkup

NAME = "json"
SUFFIX = ".json"


def render(checkup: Checkup) -> bytes:
    """One JSON document in UTF-8 with keys in the order of the records; infinite numbers and NaN are null."""
    text = json.dumps(_dump(checkup), indent=2, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode(errors="replace")


def render_compact(checkup: Checkup) -> bytes:
    """The same document without spaces and line ends, to be embedded."""
    text = json.dumps(_dump(checkup), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode(errors="replace")


def _dump(checkup: Checkup) -> Any:
    return replace_infinite(checkup.model_dump(mode="json", by_alias=True, context={"language": checkup.language}))


def replace_infinite(value: Any) -> Any:
    """Plain content in which infinite numbers and NaN are null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: replace_infinite(part) for key, part in value.items()}
    return [replace_infinite(part) for part in value] if isinstance(value, list) else value
