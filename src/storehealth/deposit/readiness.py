"""What the exports can answer about a store that leaves: ``questions/*.sql`` over the canonical tables.

A question is only answered where a file has the column that tells; otherwise the answer is *unknown*, and says which
export would tell. No question reads a personal column.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, cast, get_args

from storehealth.catalogue import Catalogue
from storehealth.catalogue.common import Language
from storehealth.db import Store
from storehealth.deposit.checklist import Checklist, Question
from storehealth.deposit.standing import Answer, Row
from storehealth.errors import CatalogueError

FOLDER = Path(__file__).parent / "questions"
HEADER = re.compile(r"^-- (question|table|needs): (.+)$", re.MULTILINE)
SHOWN = 20
BORN = {
    "orders": "coalesce(paid_at, created_at)",
    "aftersales": "applied_at",
    "stock": "taken_at",
    "penalties": "booked_at",
}
"""Time that says which days a table's rows cover; statements say nothing of the kind."""


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
    found["refund_date"] = _refund_date(store, found, wanted)
    return tuple(found.values())


def _answer(store: Store, ask: Ask, catalogue: Catalogue, wanted: Wanted) -> Answer:
    first, last = _covered(store, ask.table)
    if not any(need in store.filled for need in ask.needs):
        return Answer(
            question=ask.question,
            state="unknown",
            first=first,
            last=last,
            needs=(ask.table,) if ask.table not in store.filled else ask.needs,
            how_to_export=_menus(catalogue, ask, wanted),
        )
    counted = store.con.execute(f"SELECT state, count(*) FROM ({ask.sql}) GROUP BY state ORDER BY 2 DESC, 1").fetchall()
    total = sum(count for _, count in counted)
    rows = store.con.execute(f'SELECT * FROM ({ask.sql}) ORDER BY "at" NULLS FIRST, id LIMIT {SHOWN}').fetchall()
    return Answer(
        question=ask.question,
        state="pending" if total else "clear",
        count=total,
        by_state={str(state): count for state, count in counted},
        rows=tuple(_row(row) for row in rows),
        first=first,
        last=last,
    )


def _row(values: Sequence[Any]) -> Row:
    name, state, at, file, line = values
    return Row(file=file, line=line, id=None if name is None else str(name), state=state, at=at)


def _covered(store: Store, table: str) -> tuple[date | None, date | None]:
    """First and last day of a table's rows, as far as they have times; the last event counts as the last day."""
    if table not in store.filled:
        return None, None
    column = BORN.get(table)
    if column is None:
        return None, store.as_of.date() if store.as_of else None
    first, last = store.con.execute(f"SELECT min({column})::DATE, max({column})::DATE FROM {table}").fetchall()[0]
    end = store.table_ends.get(table)
    return first, max(filter(None, (last, end and end.date())), default=None)


def _refund_date(store: Store, found: dict[Question, Answer], wanted: Wanted) -> Answer:
    """Last completed order plus the after-sales period."""
    base = found["refund_date"]
    if base.state == "unknown":
        return base
    if not base.count:
        return base.model_copy(update={"state": "unknown", "count": None, "needs": ("orders.completed_at",)})
    ask = next(ask for ask in questions() if ask.question == "refund_date")
    last = _row(store.con.execute(f'SELECT * FROM ({ask.sql}) ORDER BY "at" DESC, id LIMIT 1').fetchall()[0])
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
    return tuple(dict.fromkeys(layout.export_from.in_language(wanted.language) for layout in chosen))
