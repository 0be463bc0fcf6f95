"""CSV: every row of the exports that prevents the exit, one line each, for working through them one by one."""

from __future__ import annotations

import io

from storehealth.deposit.faces._told import asked
from storehealth.deposit.standing import Standing
from storehealth.deposit.words import words
from storehealth.outputs import BOM, table_to

NAME, SUFFIX = "csv", ".csv"
HEADER = ("question", "what", "state", "id", "at", "file", "line")


def render(standing: Standing) -> bytes:
    """Render the rows, with a byte order mark for Excel; only the header if no files were read or no row is left."""
    texts = words(standing.language)
    out = io.BytesIO(BOM)
    out.seek(0, io.SEEK_END)
    rows = (
        (answer.question, asked(answer, texts), texts.row_state(row.state), row.id, row.at, row.file, row.line)
        for answer in standing.answers
        if answer.question != "refund_date"
        for row in answer.rows
    )
    table_to(out, HEADER, rows)
    return out.getvalue()
