"""The findings as CSV, one line each; figures as in the JSON."""

from __future__ import annotations

from storehealth.model import Checkup
from storehealth.output.checkup._tables import write_rows

NAME, SUFFIX = "csv", ".csv"
HEADER = (
    "code", "title", "area", "severity", "scored", "status", "value", "unit", "higher_is", "target", "limit", "low", "high",
    "defects", "judged", "undecided", "exempt", "from", "to", "previous", "change", "state", "muted_until", "note",
)  # fmt: skip


def render(checkup: Checkup) -> bytes:
    """Render one line per finding, in the order of the JSON."""
    rows = (
        (
            finding.code, finding.title, finding.area, finding.severity, finding.scored, finding.status, finding.value,
            finding.unit, finding.higher_is, finding.target, finding.limit, *finding.interval, finding.defects,
            finding.judged, finding.undecided, finding.counts.exempt, finding.window.first, finding.window.last,
            finding.previous, finding.change, finding.state, finding.muted and finding.muted.until, finding.note,
        )
        for finding in checkup.findings
    )  # fmt: skip
    return write_rows(checkup, HEADER, rows)
