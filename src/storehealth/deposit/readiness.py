"""What the exports can answer about a store that leaves: ``questions/*.sql`` over the canonical tables.

A question is only answered where a file has the column that tells; otherwise the answer is *unknown*, and says which
export would tell. No question reads a personal column.
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
from storehealth.deposit.checklist import Checklist, Question
from storehealth.deposit.standing import Answer, Row
from storehealth.deposit.words import words
from storehealth.errors import CatalogueError

FOLDER = Path(__file__).parent / "questions"
HEADER = re.compile(r"^-- (question|table|needs): (.+)$", re.MULTILINE)
BORN = {
    "orders": "coalesce(paid_at, created_at)",
    "aftersales": "applied_at",
    "stock": "taken_at",
    "penalties": "booked_at",
    "settlements": "coalesce(settled_at, issued_at, due_at)",
}
"""Time that says which days a table's rows cover."""


@dataclass(frozen=True)
class Ask:
    """A question file: its SQL gives id, state, at, source_file, source_row of every row in the way."""

    question: Question
    table: str
    needs: tuple[str, ...]
    sql: str


@dataclass(frozen=True)
class Wanted:
    """How to answer: for which checklist, in which language, on which day, with which period if not the checklist's."""

    checklist: Checklist
    language: Language
    as_of: date
    days: int | None = None


@cache
def questions() -> tuple[Ask, ...]:
    """All question files, in the order they are printed.

    Raises:
        CatalogueError: A file has no such header, or a question has no file.
    """
    asks = [_read(path) for path in sorted(FOLDER.glob("*.sql"))]
    order = get_args(Question)
    missing = set(order) - {ask.question for ask in asks}
    if missing:
        raise CatalogueError(f"no file in {FOLDER.name}/ answers {', '.join(sorted(missing))}")
    return tuple(sorted(asks, key=lambda ask: order.index(ask.question)))


def _read(path: Path) -> Ask:
    text = path.read_text(encoding="utf-8")
    header = dict(HEADER.findall(text))
    if header.get("question") != path.stem or not header.get("table") or not header.get("needs"):
        raise CatalogueError(f"{path.name}: needs the lines -- question: {path.stem}, -- table:, -- needs:")
    needs = tuple(part.strip() for part in header["needs"].split("|"))
    return Ask(cast("Question", path.stem), header["table"], needs, text)


def answers(store: Store, catalogue: Catalogue, wanted: Wanted) -> tuple[Answer, ...]:
    """Answer every question, as far as the files can.

    Args:
        store: The open database of the exports.
        catalogue: Whose layouts name the menus to export from.
        wanted: Checklist, language, day.
    """
    found = {ask.question: _answer(store, ask, catalogue, wanted) for ask in questions()}
    dated = _refund_date(found, wanted)
    found["refund_date"] = dated.model_copy(update={"until": wanted.checklist.period.until})
    return tuple(found.values())


def _answer(store: Store, ask: Ask, catalogue: Catalogue, wanted: Wanted) -> Answer:
    span = _covered(store, ask.table, wanted.as_of)
    if not any(need in store.filled for need in ask.needs):
        needs = (ask.table,) if ask.table not in store.filled else ask.needs
        return _unknown(ask, needs, span, _menus(catalogue, ask, wanted))
    rows = tuple(_row(row) for row in store.con.execute(f'{ask.sql} ORDER BY "at" NULLS FIRST, id').fetchall())
    if not rows and not span.rows:
        return _unknown(ask, (ask.table,), span, _menus(catalogue, ask, wanted))
    return Answer(
        question=ask.question,
        state="pending" if rows else "clear",
        count=len(rows),
        by_state=dict(Counter(str(row.state) for row in rows).most_common()),
        rows=rows,
        first=span.first,
        last=span.last,
    )


def _unknown(ask: Ask, needs: tuple[str, ...], span: Span, menus: tuple[str, ...]) -> Answer:
    """No file can tell. Where there are rows but all of them are of later days, that is said instead of a need."""
    return Answer(
        question=ask.question,
        state="unknown",
        first=span.first,
        last=span.last,
        needs=needs,
        how_to_export=menus,
        starts=span.starts,
    )


def _row(values: Sequence[Any]) -> Row:
    name, state, at, file, line = values
    return Row(file=file, line=line, id=None if name is None else str(name), state=state, at=at)


class Span(NamedTuple):
    """The days a table's rows cover up to a day, how many rows those are, and where it starts if only after that day."""

    first: date | None = None
    last: date | None = None
    rows: int = 0
    starts: date | None = None


def _covered(store: Store, table: str, as_of: date) -> Span:
    """First and last day of a table's rows up to a day, as far as they have times; the last event counts as the last."""
    if table not in store.filled:
        return Span()
    day = f"({BORN[table]})::DATE"
    up_to = f"SELECT min({day}), max({day}), count(*) FROM {table} WHERE {day} <= ? OR {day} IS NULL"
    first, last, rows = store.con.execute(up_to, [as_of]).fetchall()[0]
    if not rows:
        return Span(starts=store.con.execute(f"SELECT min({day}) FROM lake.{table}").fetchall()[0][0])
    end = store.table_ends.get(table)
    return Span(first, max(filter(None, (last, end and end.date())), default=None), rows)


def _refund_date(found: dict[Question, Answer], wanted: Wanted) -> Answer:
    """Last completed order plus the after-sales period."""
    base = found["refund_date"]
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
            "unfinished": found["unfinished_orders"].count,
        }
    )


def _menus(catalogue: Catalogue, ask: Ask, wanted: Wanted) -> tuple[str, ...]:
    """Where to export a file that would answer: the platform's own layouts, else the plain ones."""
    columns = tuple(need.partition(".")[2] for need in ask.needs)
    able = [
        layout
        for layout in catalogue.layouts.values()
        if ask.table in layout.feeds and any(layout.column_for(ask.table, column) for column in columns)
    ]
    own = [layout for layout in able if layout.platform == wanted.checklist.name]
    plain = [layout for layout in able if layout.platform is None and layout.name.startswith("generic_")]
    chosen = own or plain
    say = words(wanted.language)
    return tuple(
        layout.export_from.in_language(wanted.language) + say.aside(say.say("layout_note", layout=layout.name))
        for layout in chosen
    )
