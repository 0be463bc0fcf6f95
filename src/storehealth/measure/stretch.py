"""Longer windows for rules whose own holds too few rows: 90 days, then 12 months, ending on the same day."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from storehealth.enough import count_required_rows, count_rows
from storehealth.measure.compile import COUNTED, DEFECT, MET
from storehealth.measure.grain import list_needed_tables
from storehealth.measure.holes import TableGaps
from storehealth.measure.query import RuleQuery
from storehealth.model import Measurement, Window

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
    tables = list_needed_tables(query, filled)
    begins = [lacks.days[table].first for table in tables if table in lacks.days]
    return len(begins) < len(tables) or any(first < (query.window.first or first) for first in begins)


def _rows_in(query: RuleQuery, windows: list[Window]) -> tuple[int, ...]:
    """Count the rows in each of the windows, which end on the same day, with one query."""
    widest = replace(query, window=windows[-1])
    counted = COUNTED if query.rule.measure.value is not None else f"(_outcome = {MET} OR {DEFECT})"
    parts = ", ".join(f"count(*) FILTER (_at >= DATE '{window.first}')" for window in windows)
    (row,) = query.run(f"SELECT {parts} FROM {widest.rows} WHERE {counted}")
    return row
