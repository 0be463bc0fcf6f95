"""How coarse the times of an export are: many are cut to whole minutes or days."""

from __future__ import annotations

import re
from collections.abc import Iterator

import duckdb

from storehealth.catalogue import Catalogue
from storehealth.catalogue.needs import alternatives, tables_of
from storehealth.measure.query import Asked

WHOLE_MINUTES = 0.99
"""From this share of values on whole minutes, seconds were not recorded."""
Grain = dict[str, dict[str, tuple[int, int, int]]]
"""Table → column → (times, of which on whole minutes, their step in seconds)."""
FALLBACK = re.compile(r"coalesce\(\s*(\w+)\s*,[^()]*\)")
"""What stands behind a ``coalesce``'s first column only fills its holes."""


def read_grain(con: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> Grain:
    """What the view ``time_grain`` says per table and column; nothing without that view."""
    found: Grain = {}
    if "time_grain" not in catalogue.views:
        return found
    rows = con.execute(
        'SELECT table_name, column_name, "values", whole_minutes, resolution_seconds::BIGINT '
        'FROM time_grain WHERE "values" > 0'
    ).fetchall()
    for table, column, *facts in rows:
        found.setdefault(table, {})[column] = (facts[0], facts[1], facts[2])
    return found


def resolution(asked: Asked, grain: Grain) -> int:
    """Coarsest step, in seconds, of the times a rule reads.

    Those are the columns it names; of a table of which it names none, since a view made its times from several, all of
    them together.
    """
    return max([1, *_steps(asked, grain)])


def _steps(asked: Asked, grain: Grain) -> Iterator[int]:
    named = _named(asked)
    for table in needed_tables(asked, grain):
        columns = grain.get(table, {})
        yield from (step for column, (_, _, step) in columns.items() if column in named)
        values, whole = (sum(facts[place] for facts in columns.values()) for place in (0, 1))
        if values and whole / values >= WHOLE_MINUTES:
            yield max(60, min(step for _, _, step in columns.values()))


def _named(asked: Asked) -> set[str]:
    """Words of the SQL that says when something began, was done and is due, and the columns the rule needs."""
    measure = asked.rule.measure
    texts = [measure.over if " " in measure.over.strip() else ""]
    if measure.in_time is not None:
        texts += [measure.in_time.from_ or "", measure.in_time.to, measure.in_time.by or measure.in_time.by_date or ""]
    if measure.value is not None:
        texts.append(measure.value.sql)
    texts += [part.partition(".")[2] for need in measure.needs for part in alternatives(need)]
    return set(re.findall(r"\w+", FALLBACK.sub(r"\1", " ".join(texts))))


def needed_tables(asked: Asked, filled: Grain | frozenset[str]) -> set[str]:
    """Tables the rule's views need or read, and those it needs itself; where none are named, all of their group."""
    views = [asked.catalogue.views[name] for name in asked.views]
    named = [need for view in views for need in (*view.needs, *view.reads)]
    if not named:
        groups = {view.group for view in views}
        named = [table.name for table in asked.catalogue.tables.values() if table.group in groups]
    return tables_of((*named, *asked.rule.measure.needs), filled)
