"""The measurements as CSV: one line per rule and slice; figures as in the JSON."""

from __future__ import annotations

from storehealth.model import Checkup
from storehealth.output.checkup.csv import write_rows

NAME, SUFFIX, ALIASES = "csv_measurements", ".measurements.csv", ("csv-measurements", "measurements")
HEADER = ("code", "dimension", "slice", "value", "defects", "judged", "undecided")


def render(checkup: Checkup) -> bytes:
    """Render one line per measurement; a slice by two columns names both, separated by ``/``."""
    rows = (
        (
            cut.code,
            "/".join(cut.segment),
            "/".join(value or "" for value in cut.segment.values()),
            cut.value,
            cut.defects,
            cut.judged,
            cut.undecided,
        )
        for cut in checkup.measurements
    )
    return write_rows(checkup.language, HEADER, rows)
