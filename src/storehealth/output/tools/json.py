"""A tool's record as JSON, exactly as its schema in ``docs/`` describes it."""

from __future__ import annotations

import json

from storehealth.model.tools import ToolRecord
from storehealth.output.checkup.json import replace_infinite

NAME, SUFFIX = "json", ".json"


def render(record: ToolRecord) -> bytes:
    """One JSON document in UTF-8; infinite numbers and NaN are null."""
    content = replace_infinite(record.model_dump(mode="json", context={"language": record.language}))
    return f"{json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)}\n".encode(errors="replace")
