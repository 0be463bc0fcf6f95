"""The fleet's report as JSON, exactly as ``docs/fleet.schema.json`` describes it."""

from __future__ import annotations

from storehealth.model.fleet import FleetReport
from storehealth.output.checkup.json import write_record

NAME, SUFFIX = "json", ".json"


def render(report: FleetReport) -> bytes:
    """Render one JSON document, texts in the language of the report."""
    return write_record(report)
