"""A tool's record as JSON, exactly as its schema in ``docs/`` describes it."""

from __future__ import annotations

from storehealth.model.tools import ToolRecord
from storehealth.output.checkup.json import write_record

NAME, SUFFIX = "json", ".json"


def render(record: ToolRecord) -> bytes:
    """Render one JSON document, texts in the language of the record."""
    return write_record(record)
