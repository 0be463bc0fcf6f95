"""JSON: every field of the status, keys in English."""

from __future__ import annotations

from storehealth.output.checkup.json import write_record
from storehealth.refund.status import CaseStatus

NAME, SUFFIX = "json", ".json"


def render(status: CaseStatus) -> bytes:
    """Render one JSON document, texts in the language of the run."""
    return write_record(status)
