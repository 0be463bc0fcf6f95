"""CSV: every row of the exports that prevents the exit, one line each, for working through them one by one."""

from __future__ import annotations

import io
from functools import partial

from storehealth.i18n import translate
from storehealth.output.refund._document import word_question, word_row_state
from storehealth.refund.status import CaseStatus
from storehealth.support.atomic_files import BOM, write_csv_rows
from storehealth.support.message import Message

NAME, SUFFIX = "csv", ".csv"
HEADER = ("question", "what", "state", "id", "at", "file", "line")


def render(status: CaseStatus) -> bytes:
    """Render the rows, with a byte order mark for Excel; only the header if no files were read or no row is left."""
    say = partial(translate, language=status.language)
    out = io.BytesIO()
    out.write(BOM)
    pending = [answer for answer in status.answers if answer.question != "refund_date"]
    rows = ((answer, row, word_row_state(row.state)) for answer in pending for row in answer.rows)
    cells = (
        (
            answer.question,
            say(word_question(answer)),
            say(state) if isinstance(state, Message) else str(state),
            row.id,
            row.at,
            row.file,
            row.line,
        )
        for answer, row, state in rows
    )
    write_csv_rows(out, HEADER, cells)
    return out.getvalue()
