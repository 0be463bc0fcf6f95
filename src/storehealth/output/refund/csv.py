"""CSV: every row of the exports that prevents the exit, one line each, for working through them one by one."""

from __future__ import annotations

from storehealth.output.checkup.csv import write_rows
from storehealth.output.refund._document import word_question, word_row_state
from storehealth.refund.status import CaseStatus

NAME, SUFFIX = "csv", ".csv"
HEADER = ("question", "what", "state", "id", "at", "file", "line")


def render(status: CaseStatus) -> bytes:
    """Render the rows; only the header if no files were read or no row is left."""
    rows = (
        (answer.question, word_question(answer), word_row_state(row.state), row.id, row.at, row.file, row.line)
        for answer in status.answers
        if answer.question != "refund_date"
        for row in answer.rows
    )
    return write_rows(status.language, HEADER, rows)
