"""The fleet's report as JSON, exactly as ``docs/fleet.schema.json`` describes it."""

from __future__ import annotations

import json

from storehealth.model.fleet import FleetReport
from storehealth.output.checkup.json import replace_infinite

NAME = "json"
SUFFIX = ".json"


def render(report: FleetReport) -> bytes:
    """One JSON document in UTF-8, texts in the language of the report."""
    content = replace_infinite(report.model_dump(mode="json", context={"language": report.language}))
    return f"{json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)}\n".encode(errors="replace")
