"""JSON: every field of the status, keys in English."""

from __future__ import annotations

from storehealth.refund.status import CaseStatus

NAME, SUFFIX = "json", ".json"


def render(status: CaseStatus) -> bytes:
    """Render one JSON document, indented, ending in a newline."""
    return status.model_dump_json(indent=2, context={"language": status.language}).encode() + b"\n"
