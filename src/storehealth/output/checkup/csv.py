"""The findings as CSV, one line each; figures as in the JSON, texts in the language of the checkup.

Files for people as much as for programs: a byte order mark for Excel, and no cell that a spreadsheet runs.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from storehealth.i18n import translate
from storehealth.model import Checkup
from storehealth.support.atomic_files import BOM, write_csv_rows
from storehealth.support.control_chars import CONTROL_CHARS
from storehealth.support.message import Message

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
    return write_rows(checkup.language, HEADER, rows)


def write_rows(language: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """Write a table as CSV; infinite numbers and NaN are empty, and texts stand on one line."""
    out = io.BytesIO()
    out.write(BOM)
    say = partial(translate, language=language)
    write_csv_rows(out, header, ([_to_cell(cell, say) for cell in row] for row in rows))
    return out.getvalue()


def _to_cell(cell: Any, say: Any) -> Any:
    if isinstance(cell, Message):
        cell = say(cell)
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else None
    if isinstance(cell, dict):
        cell = json.dumps(cell, ensure_ascii=False)
    if isinstance(cell, str):
        # a leading line feed goes, and what follows it must not be a formula then
        return CONTROL_CHARS.sub(" ", cell).strip()
    return cell
