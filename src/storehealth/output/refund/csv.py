"""CSV: every row of the exports that prevents the exit, one line each, for working through them one by one."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial
from typing import Any

from storehealth.i18n import translate
from storehealth.output.refund._document import word_question, word_row_state
from storehealth.refund.status import CaseStatus
from storehealth.support.atomic_files import BOM, write_csv_rows
from storehealth.support.message import Message

NAME, SUFFIX = "csv", ".csv"
HEADER = ("question", "what", "state", "id", "at", "file", "line")


def render(status: CaseStatus) -> bytes:
    """Render the rows, with a byte order mark for Excel; only the header if no files were read or no row is left."""
    out = io.BytesIO()
    out.write(BOM)
    write_csv_rows(out, HEADER, _iter_cells(status))
    return out.getvalue()


def _iter_cells(status: CaseStatus) -> Iterator[tuple[Any, ...]]:
    say = partial(translate, language=status.language)
    for answer in status.answers:
        question = say(word_question(answer))
        for row in answer.rows if answer.question != "refund_date" else ():
            state = word_row_state(row.state)
            name = say(state) if isinstance(state, Message) else str(state)
            yield (answer.question, question, name, row.id, row.at, row.file, row.line)
