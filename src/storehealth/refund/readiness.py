"""What the exports can answer about a store that leaves: ``questions/*.sql`` over the canonical tables.

A question is answered only if a file has the column it needs; otherwise the answer is *unknown* and names the export that
would answer it. No question reads a personal column.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, cast, get_args

from storehealth.catalogue import Catalogue
from storehealth.catalogue.common import Language
from storehealth.db import Store
from storehealth.errors import CatalogueError
from storehealth.refund.checklist import Checklist, Question
from storehealth.refund.status import ExportAnswer, ExportRow
from storehealth.refund.words import load_words

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


@dataclass(frozen=True)
class ExportQuestion:
    """A question file: its SQL returns id, state, at, source_file, source_row of every row that prevents the exit."""

    question: Question
    table: str
    needs: tuple[str, ...]
    sql: str


@dataclass(frozen=True)
class AnswerRequest:
    """What to answer for: checklist, language, day, and a period that overrides the checklist's."""

    checklist: Checklist
    language: Language
    as_of: date
    days: int | None = None


@cache
def load_questions() -> tuple[ExportQuestion, ...]:
    """Load all question files, in the order they are printed.

    Raises:
        CatalogueError: A file lacks its header, or a question has no file.
    """
    asks = [_read(path) for path in sorted(FOLDER.glob("*.sql"))]
    order = get_args(Question)
    missing = set(order) - {ask.question for ask in asks}
    if missing:
        raise CatalogueError(f"no file in {FOLDER.name}/ answers {', '.join(sorted(missing))}")
    return tuple(sorted(asks, key=lambda ask: order.index(ask.question)))


def _read(path: Path) -> ExportQuestion:
    text = path.read_text(encoding="utf-8")
    header = dict(HEADER.findall(text))
    if header.get("question") != path.stem or not header.get("table") or not header.get("needs"):
        raise CatalogueError(f"{path.name}: needs the lines -- question: {path.stem}, -- table:, -- needs:")
    needs = tuple(part.strip() for part in header["needs"].split("|"))
    return ExportQuestion(cast("Question", path.stem), header["table"], needs, text)


def answer_questions(store: Store, catalogue: Catalogue, wanted: AnswerRequest) -> tuple[ExportAnswer, ...]:
    """Answer every question, as far as the files allow.

    Args:
        store: The open database of the exports.
        catalogue: Its layouts name the menus to export from.
        wanted: Checklist, language, day.
    """
    by_question = {ask.question: _answer(store, ask, catalogue, wanted) for ask in load_questions()}
    dated = _date_refund(by_question, wanted)
    by_question["refund_date"] = dated.model_copy(update={"until": wanted.checklist.period.until})
    return tuple(by_question.values())


def _answer(store: Store, ask: ExportQuestion, catalogue: Catalogue, wanted: AnswerRequest) -> ExportAnswer:
    span = _find_span(store, ask.table, wanted.as_of)
    if not any(need in store.filled for need in ask.needs):
        needs = (ask.table,) if ask.table not in store.filled else ask.needs
        return _make_unknown(ask, needs, span, _list_menus(catalogue, ask, wanted))
    rows = tuple(_to_row(row) for row in store.con.execute(f'{ask.sql} ORDER BY "at" NULLS FIRST, id').fetchall())
    if not rows and not span.rows:
        return _make_unknown(ask, (ask.table,), span, _list_menus(catalogue, ask, wanted))
    return ExportAnswer(
        question=ask.question,
        state="pending" if rows else "clear",
        count=len(rows),
        by_state=dict(Counter(str(row.state) for row in rows).most_common()),
        rows=rows,
        first=span.first,
        last=span.last,
    )


def _make_unknown(
    ask: ExportQuestion, needs: tuple[str, ...], span: CoveredDays, menus: tuple[str, ...]
) -> ExportAnswer:
    """Make the answer to a question that no file answers. ``starts`` is set if all rows are dated after the day."""
    return ExportAnswer(
        question=ask.question,
        state="unknown",
        first=span.first,
        last=span.last,
        needs=needs,
        how_to_export=menus,
        starts=span.starts,
    )


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
    if table not in store.filled:
        return CoveredDays()
    day = f"({TIMES[table]})::DATE"
    up_to = f"SELECT min({day}), max({day}), count(*) FROM {table} WHERE {day} <= ? OR {day} IS NULL"
    first, last, rows = store.con.execute(up_to, [as_of]).fetchall()[0]
    if not rows:
        return CoveredDays(starts=store.con.execute(f"SELECT min({day}) FROM lake.{table}").fetchall()[0][0])
    end = store.table_ends.get(table)
    return CoveredDays(first, max(filter(None, (last, end and end.date())), default=None), rows)


def _date_refund(answers_so_far: dict[Question, ExportAnswer], wanted: AnswerRequest) -> ExportAnswer:
    """Add the after-sales period to the last completed order."""
    base = answers_so_far["refund_date"]
    if base.state == "unknown":
        return base
    if not base.count:
        return base.model_copy(update={"state": "unknown", "count": None, "needs": ("orders.completed_at",)})
    last = base.rows[-1]
    period = wanted.checklist.period
    least, most = (wanted.days, wanted.days) if wanted.days is not None else (period.least, period.most)
    completed = last.at.date() if last.at else wanted.as_of
    earliest = completed + timedelta(days=most)
    sure = "assumed" if wanted.days is not None else wanted.checklist.sources[period.source].sure
    return base.model_copy(
        update={
            "state": "pending" if earliest > wanted.as_of else "clear",
            "count": None,
            "by_state": {},
            "rows": (last,),
            "last_completed": last,
            "earliest": earliest,
            "earliest_least": completed + timedelta(days=least) if least != most else None,
            "period_days": (least, most),
            "period_sure": sure,
            "unfinished": answers_so_far["unfinished_orders"].count,
        }
    )


def _list_menus(catalogue: Catalogue, ask: ExportQuestion, wanted: AnswerRequest) -> tuple[str, ...]:
    """List where to export a file that would answer: the platform's own layouts, else the generic ones."""
    columns = tuple(need.partition(".")[2] for need in ask.needs)
    suitable = [
        layout
        for layout in catalogue.layouts.values()
        if ask.table in layout.feeds and any(layout.find_column(ask.table, column) for column in columns)
    ]
    own = [layout for layout in suitable if layout.platform == wanted.checklist.name]
    generic = [layout for layout in suitable if layout.platform is None and layout.name.startswith("generic_")]
    chosen = own or generic
    say = load_words(wanted.language)
    return tuple(
        layout.export_from.in_language(wanted.language) + say.bracket(say.render("layout_note", layout=layout.name))
        for layout in chosen
    )
