"""CSV: every row of the exports that prevents the exit, one line each, for working through them one by one."""

from __future__ import annotations

import io

from storehealth.output.refund._sentences import render_question
from storehealth.refund.status import CaseStatus
from storehealth.refund.words import load_words
from storehealth.support.atomic_files import BOM, write_csv_rows

NAME, SUFFIX = "csv", ".csv"
HEADER = ("question", "what", "state", "id", "at", "file", "line")


def render(standing: CaseStatus) -> bytes:
    """Render the rows, with a byte order mark for Excel; only the header if no files were read or no row is left."""
    texts = load_words(standing.language)
    out = io.BytesIO(BOM)
    out.seek(0, io.SEEK_END)
    rows = (
        (
            answer.question,
            render_question(answer, texts),
            texts.name_row_state(row.state),
            row.id,
            row.at,
            row.file,
            row.line,
        )
        for answer in standing.answers
        if answer.question != "refund_date"
        for row in answer.rows
    )
    write_csv_rows(out, HEADER, rows)
    return out.getvalue()
