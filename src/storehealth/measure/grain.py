"""How coarse the times of an export are: many are cut to whole minutes."""

from __future__ import annotations

import duckdb

from storehealth.catalogue import Catalogue
from storehealth.measure.query import Asked

WHOLE_MINUTES = 0.99
"""From this share of values on whole minutes, seconds were not recorded."""
Grain = dict[str, tuple[int, int, int]]
"""Table → (times, of which on whole minutes, coarsest step in seconds)."""


def read_grain(con: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> Grain:
    """What the view ``time_grain`` says per table; nothing without that view."""
    if "time_grain" not in catalogue.views:
        return {}
    rows = con.execute(
        'SELECT table_name, sum("values")::BIGINT, sum(whole_minutes)::BIGINT, min(resolution_seconds)::BIGINT '
        'FROM time_grain WHERE "values" > 0 GROUP BY table_name'
    ).fetchall()
    return {table: (values, whole, step) for table, values, whole, step in rows}


def resolution(asked: Asked, grain: Grain) -> int:
    """Coarsest step, in seconds, of the times a rule reads: those of the tables its views need."""
    steps = [1]
    for table in needed_tables(asked):
        values, whole, step = grain.get(table, (0, 0, 1))
        if values and whole / values >= WHOLE_MINUTES:
            steps.append(max(60, step or 60))
    return max(steps)


def needed_tables(asked: Asked) -> set[str]:
    """Tables the rule's views need; where they name none, all tables of their group."""
    views = [asked.catalogue.views[name] for name in asked.views]
    named = {need.partition(".")[0] for view in views for need in view.needs}
    groups = {view.group for view in views}
    return named or {table.name for table in asked.catalogue.tables.values() if table.group in groups}
