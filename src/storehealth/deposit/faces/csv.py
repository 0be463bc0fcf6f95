"""CSV: every row of the exports that stands in the way, one line each, whole: for those who settle them one by one."""

from __future__ import annotations

import io

from storehealth.deposit.faces._told import asked
from storehealth.deposit.standing import Standing
from storehealth.deposit.words import words
from storehealth.outputs import BOM, table_to

NAME, SUFFIX = "csv", ".csv"
HEADER = ("question", "what", "state", "id", "at", "file", "line")


def render(standing: Standing) -> bytes:
    """The rows, with a byte order mark for Excel; a header alone where no file was asked, or nothing is in the way."""
    told = words(standing.language)
    out = io.BytesIO(BOM)
    out.seek(0, io.SEEK_END)
    rows = (
        (answer.question, asked(answer, told), told.row_state(row.state), row.id, row.at, row.file, row.line)
        for answer in standing.answers
        if answer.question != "refund_date"
        for row in answer.rows
    )
    table_to(out, HEADER, rows)
    return out.getvalue()
