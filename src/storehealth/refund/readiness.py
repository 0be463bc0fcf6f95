"""What the exports can answer about a store that leaves: ``questions/*.sql`` over the canonical tables.

A question is answered only if a file has the column it needs; otherwise the answer is *unknown* and names the export that
would answer it. No question reads a personal column.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, get_args

from storehealth.catalogue import Catalogue
from storehealth.catalogue.checklist import Checklist, Question
from storehealth.catalogue.layout import Layout
from storehealth.catalogue.texts import to_message
from storehealth.db import Store
from storehealth.refund.status import ExportAnswer, ExportRow
from storehealth.support.message import Message, Name, message

FOLDER = Path(__file__).parent / "questions"
HEADER = re.compile(r"^-- (question|table|needs): (.+)$", re.MULTILINE)
TIMES = {
    "orders": "coalesce(paid_at, created_at)",
    "aftersales": "applied_at",
    "stock": "taken_at",
    "penalties": "booked_at",
    "settlements": "coalesce(settled_at, issued_at, due_at)",
}
"""The time by which a table's rows cover days."""


class ExportQuestion(NamedTuple):
    """A question file: its SQL returns id, state, at, source_file, source_row of every row that prevents the exit."""

    name: Question
    table: str
    needs: tuple[str, ...]
    sql: str


class AnswerRequest(NamedTuple):
    """What to answer for: checklist, day, and a period that overrides the checklist's."""

    checklist: Checklist
    as_of: date
    days: int | None = None


@cache
def load_questions() -> tuple[ExportQuestion, ...]:
    """Load all question files, in the order they are printed."""
    return tuple(_read_question(FOLDER / f"{name}.sql", name) for name in get_args(Question))


def _read_question(path: Path, name: Question) -> ExportQuestion:
    text = path.read_text(encoding="utf-8")
    header = dict(HEADER.findall(text))
    return ExportQuestion(name, header["table"], tuple(part.strip() for part in header["needs"].split("|")), text)


def answer_questions(store: Store, catalogue: Catalogue, request: AnswerRequest) -> tuple[ExportAnswer, ...]:
    """Answer every question, as far as the files allow.

    Args:
        store: The open database of the exports.
        catalogue: Its layouts name the menus to export from.
        request: Checklist, day and period.
    """
    answers = {question.name: _answer(store, question, catalogue, request) for question in load_questions()}
    dated = _date_refund(answers, request)
    answers["refund_date"] = dated.model_copy(update={"until": request.checklist.period.until})
    return tuple(answers.values())


def _answer(store: Store, question: ExportQuestion, catalogue: Catalogue, request: AnswerRequest) -> ExportAnswer:
    span = _find_span(store, question.table, request.as_of)
    answer = ExportAnswer(question=question.name, state="unknown", first=span.first, last=span.last)
    rows: tuple[ExportRow, ...] = ()
    is_told = any(need in store.filled for need in question.needs)
    if is_told:
        result = store.con.execute(f'{question.sql} ORDER BY "at" NULLS FIRST, id').fetchall()
        rows = tuple(_to_row(values) for values in result)
    if not rows and not (is_told and span.rows):
        # Rows that all lie after the day are named instead of a missing column: ``starts``.
        needs = question.needs if question.table in store.filled and not is_told else (question.table,)
        menus = _list_menus(catalogue, question, request.checklist.name)
        return answer.model_copy(update={"needs": needs, "how_to_export": menus, "starts": span.starts})
    by_state = dict(Counter(str(row.state) for row in rows).most_common())
    state = "pending" if rows else "clear"
    return answer.model_copy(update={"state": state, "count": len(rows), "by_state": by_state, "rows": rows})


def _to_row(values: Sequence[Any]) -> ExportRow:
    name, state, at, file, line = values
    return ExportRow(file=file, line=line, id=None if name is None else str(name), state=state, at=at)


class CoveredDays(NamedTuple):
    """The days a table's rows cover up to a day and their number; ``starts`` if all rows are dated after that day."""

    first: date | None = None
    last: date | None = None
    rows: int = 0
    starts: date | None = None


def _find_span(store: Store, table: str, as_of: date) -> CoveredDays:
    """Find the first and last day of a table's rows up to a day; the table's last event counts as the last."""
    day = f"({TIMES[table]})::DATE"
    up_to = f"SELECT min({day}), max({day}), count(*) FROM {table} WHERE {day} <= ? OR {day} IS NULL"
    first, last, rows = store.con.execute(up_to, [as_of]).fetchall()[0]
    if table not in store.read:
        return CoveredDays()
    if not rows:  # the files also have the rows that are hidden because they are of later days
        return CoveredDays(starts=store.con.execute(f"SELECT min({day}) FROM raw.{table}").fetchall()[0][0])
    end = store.table_ends.get(table)
    return CoveredDays(first, max(filter(None, (last, end and end.date())), default=None), rows)


def _date_refund(answers: dict[Question, ExportAnswer], request: AnswerRequest) -> ExportAnswer:
    """Add the after-sales period to the last completed order."""
    base = answers["refund_date"]
    if base.state == "unknown":
        return base
    if not base.count:
        return base.model_copy(update={"state": "unknown", "count": None, "needs": ("orders.completed_at",)})
    last = base.rows[-1]
    period = request.checklist.period
    least, most = (request.days, request.days) if request.days is not None else (period.least, period.most)
    completed = last.at.date() if last.at else request.as_of
    earliest = completed + timedelta(days=most)
    sure = "assumed" if request.days is not None else request.checklist.sources[period.source].sure
    return base.model_copy(
        update={
            "state": "pending" if earliest > request.as_of else "clear",
            "count": None,
            "by_state": {},
            "rows": (last,),
            "last_completed": last,
            "earliest": earliest,
            "earliest_least": completed + timedelta(days=least) if least != most else None,
            "period_days": (least, most),
            "period_sure": sure,
            "unfinished": answers["unfinished_orders"].count,
        }
    )


def _has_answer(layout: Layout, question: ExportQuestion) -> bool:
    """Whether a layout has a column that answers a question."""
    columns = (need.partition(".")[2] for need in question.needs)
    return question.table in layout.feeds and any(layout.find_column(question.table, column) for column in columns)


def _list_menus(catalogue: Catalogue, question: ExportQuestion, platform: str) -> tuple[Message, ...]:
    """List where to export a file that would answer: the platform's own layouts, else the generic ones."""
    suitable = [layout for layout in catalogue.layouts.values() if _has_answer(layout, question)]
    of_platform = [layout for layout in suitable if layout.platform == platform]
    generic = [layout for layout in suitable if layout.platform is None and layout.name.startswith("generic_")]
    return tuple(
        message(
            "refund.with_note",
            text=to_message(layout.export_from, f"layout.{layout.name}.export_from"),
            note=message("refund.layout_note", layout=Name(layout.name)),
        )
        for layout in of_platform or generic
    )
