"""Tables of a checkup as CSV: one line per record, keys as in the JSON, texts in the language of the checkup.

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


def write_rows(checkup: Checkup, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """Write a table as CSV; infinite numbers and NaN are empty, and texts stand on one line."""
    out = io.BytesIO()
    out.write(BOM)
    say = partial(translate, language=checkup.language)
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
