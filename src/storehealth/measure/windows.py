"""The window of days over which each rule is measured.

How many orders were paid in a window: platforms do not judge stores with fewer than a certain number.

Longer windows for rules whose own holds too few rows: 90 days, then 12 months, ending on the same day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from storehealth.catalogue.platform import Platform
from storehealth.catalogue.rule import Rule
from storehealth.catalogue.thresholds import count_required_rows, count_rows
from storehealth.errors import UsageError
from storehealth.measure.completeness import TableGaps, find_needed_tables
from storehealth.measure.query import RuleQuery
from storehealth.measure.rule_sql import COUNTED, DEFECT, MET, build_window_condition
from storehealth.model import Measurement, Window
from storehealth.support.message import Name, message

if TYPE_CHECKING:
    from storehealth.db import Store


def choose_windows(
    rules: Iterable[Rule], platform: Platform, choice: str | None, as_of: datetime | None
) -> dict[str, Window]:
    """Choose the window of each rule, by code.

    Args:
        rules: The rules to measure.
        platform: Its windows apply where ``choice`` is None; a rule without one is measured over all days.
        choice: ``all``, a number of days such as ``30d`` (they end on the day of ``as_of``), or None.
        as_of: The audit's moment; without it all windows are open.

    Raises:
        UsageError: ``choice`` is neither of these.
    """
    days = _parse_choice(choice)
    return {rule.code: _window(rule.code, platform, days, as_of) for rule in rules}


def _parse_choice(choice: str | None) -> int | str | None:
    match = re.fullmatch(r"([1-9]\d{0,4})d", choice or "all")
    if match is None and choice not in (None, "all"):
        raise UsageError(message("usage.window", text=Name(choice or "")))
    return int(match[1]) if match else choice


def _window(code: str, platform: Platform, chosen: int | str | None, as_of: datetime | None) -> Window:
    if as_of is None or chosen == "all":
        return Window()
    if isinstance(chosen, int):
        return _days_until(as_of.date(), chosen)
    own = platform.windows.get(code) or platform.windows.get("default")
    if own is None or own.days is None:
        return Window()
    return _days_until(as_of.date() - timedelta(days=own.lag), own.days)


def _days_until(last: date, days: int) -> Window:
    return Window(first=last - timedelta(days=days - 1), last=last)


VIEW = "fulfilments"


def count_paid_orders(store: Store, window: Window) -> int | None:
    """Count the paid orders of a window, cancelled ones included; None where no file holds orders."""
    tables = store.con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", [VIEW]).fetchall()
    if "orders" not in store.filled or not tables:
        return None
    where = build_window_condition(window, '"at"')
    ((count,),) = store.con.execute(f"SELECT count(*) FILTER (paid) FROM {VIEW} WHERE {where}").fetchall()
    return int(count)


LONGER = (90, 365)


def extend_window(
    query: RuleQuery, measured: Measurement, lacks: TableGaps, filled: frozenset[str]
) -> RuleQuery | None:
    """Find the first longer window that holds enough rows; None where the rule's own does, or where none does.

    Args:
        query: The rule's query over the platform's window.
        measured: Its measurement.
        lacks: The days of tables; where all begin within the window there are no older rows, and no query is run.
        filled: Names of tables with rows.
    """
    first, last = query.window.first, query.window.last
    value, tally = query.rule.measure.value, measured.tally
    if first is None or last is None or query.bounds is None or measured.missing is not None:
        return None
    if value is not None and value.statistic == "mean":
        return None
    least = count_required_rows(query.rule, query.bounds, query.catalogue.scoring)
    longer = [Window(first=last - timedelta(days=n - 1), last=last) for n in LONGER if n > (last - first).days + 1]
    if count_rows(query.rule, tally) >= least or not longer or not _has_older(query, lacks, filled):
        return None
    held = zip(longer, _rows_in(query, longer), strict=True)
    window = next((window for window, rows in held if rows >= least), None)
    return None if window is None else replace(query, window=window)


def _has_older(query: RuleQuery, lacks: TableGaps, filled: frozenset[str]) -> bool:
    """Whether any table the rule reads may have rows before the window."""
    tables = find_needed_tables(query, filled)
    begins = [lacks.days[table].first for table in tables if table in lacks.days]
    return len(begins) < len(tables) or any(first < (query.window.first or first) for first in begins)


def _rows_in(query: RuleQuery, windows: list[Window]) -> tuple[int, ...]:
    """Count the rows in each of the windows, which end on the same day, with one query."""
    widest = replace(query, window=windows[-1])
    counted = COUNTED if query.rule.measure.value is not None else f"(_outcome = {MET} OR {DEFECT})"
    parts = ", ".join(f"count(*) FILTER (_at >= DATE '{window.first}')" for window in windows)
    (row,) = query.run(f"SELECT {parts} FROM {widest.rows} WHERE {counted}")
    return row
