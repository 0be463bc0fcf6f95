"""Decides what the dates of a file mean, where the day or the month may come first: the whole file decides, not a cell."""

from __future__ import annotations

from typing import NamedTuple

import duckdb

from storehealth.errors import FileRefused
from storehealth.intake.cells import NUMERIC_DATE, quote_literal
from storehealth.intake.normalise import UNREAD, ReadingPlan
from storehealth.support.message import Name, message

RARE = 20
"""A date in the other order than this many others is a mistyped cell, and decides nothing."""


class _Dates(NamedTuple):
    """Times that the quick spellings left over: all, those that begin with two numbers, and what these prove."""

    all: int
    numeric: int
    day_first: int
    month_first: int
    dotted: int
    example: str | None


def decide_times(con: duckdb.DuckDBPyConnection, plan: ReadingPlan) -> ReadingPlan:
    """How to read the times that are not understood in the table ``staged``; the same plan where there are none.

    A number above 12 settles the order for the whole file; else the user's choice, the layout, or dots (25.04.2026).

    Raises:
        FileRefused: Nothing settles it, or the file has dates in both orders.
    """
    dates = _survey(con, plan)
    if not dates.all:
        return plan
    if not dates.numeric:
        return plan._replace(free_times=True)
    return plan._replace(free_times=True, date_order=_decide_order(dates, plan))


def _decide_order(dates: _Dates, plan: ReadingPlan) -> str:
    example = Name(dates.example or "")
    if min(dates.day_first, dates.month_first) * RARE > max(dates.day_first, dates.month_first):
        raise FileRefused(
            message("rows.dates_in_both_orders", n=dates.day_first, months=dates.month_first, example=example),
            message("rows.dates_in_both_orders_hint"),
        )
    if dates.day_first != dates.month_first:
        return "day_first" if dates.day_first > dates.month_first else "month_first"
    chosen = plan.date_order or plan.layout.date_order or ("day_first" if dates.dotted == dates.numeric else None)
    if chosen is None:
        raise FileRefused(message("rows.date_order_unknown", example=example), message("rows.date_order_unknown_hint"))
    return chosen


def _survey(con: duckdb.DuckDBPyConnection, plan: ReadingPlan) -> _Dates:
    keys = [key for key, _, target in plan.iterate_read_columns() if target.type == "time"]
    if not keys:
        return _Dates(0, 0, 0, 0, 0, None)
    pattern = quote_literal(NUMERIC_DATE)
    first, second = (f"TRY_CAST(regexp_extract(value, {pattern}, {group}) AS INTEGER)" for group in (1, 2))
    row = con.execute(
        f"""SELECT count(*), count(a), count_if(a > 12 AND b <= 12), count_if(b > 12 AND a <= 12),
            count_if(regexp_matches(value, '^\\d+\\.\\d+\\.\\d')), min(value) FILTER (a IS NOT NULL)
        FROM (SELECT value, {first} AS a, {second} AS b FROM (
            SELECT trim(cell.value) AS value FROM (SELECT unnest({UNREAD}) AS cell FROM staged WHERE {UNREAD} IS NOT NULL)
            WHERE cell.key IN ({", ".join(map(quote_literal, keys))}) AND regexp_matches(cell.value, '\\d')))"""
    ).fetchall()[0]
    return _Dates(*row)
