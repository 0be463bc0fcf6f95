"""The evidence rows of the checkup as CSV; ``-o evidence=DIR`` writes all rows of every finding."""

from __future__ import annotations

from storehealth.model import Checkup
from storehealth.output.checkup.csv import write_rows

NAME, SUFFIX, ALIASES = "csv_evidence", ".evidence.csv", ("csv-evidence",)
HEADER = ("code", "outcome", "entity", "at", "file", "line", "state", "details")


def render(checkup: Checkup) -> bytes:
    """Render one line per evidence row; what else the row shows is JSON in the last column, for rules show other things."""
    rows = (
        (
            finding.code, row.outcome, row.entity, row.at, row.file, row.line, row.state,
            {name: value for name, value in row.details.items() if value is not None},
        )
        for finding in checkup.findings
        for row in finding.evidence.rows
    )  # fmt: skip
    return write_rows(checkup.language, HEADER, rows)
