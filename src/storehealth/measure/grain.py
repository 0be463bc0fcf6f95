"""How coarse the times of an export are: many are truncated to whole minutes or days."""

from __future__ import annotations

import re
from collections.abc import Iterator

import duckdb

from storehealth.catalogue import Catalogue
from storehealth.catalogue.needs import list_needed_tables, split_alternatives
from storehealth.measure.query import RuleQuery

WHOLE_MINUTES = 0.99
"""Share of values on whole minutes from which seconds count as not recorded."""
Grain = dict[str, dict[str, tuple[int, int, int]]]
"""Table → column → (number of times, those on whole minutes, step in seconds)."""
FALLBACK = re.compile(r"coalesce\(\s*(\w+)\s*,[^()]*\)")
"""Of a ``coalesce`` only the first column counts: the others merely fill its gaps."""


def read_grain(con: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> Grain:
    """Read the view ``time_grain``: figures per table and column; empty without that view."""
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


def find_resolution(query: RuleQuery, grain: Grain) -> int:
    """The coarsest step, in seconds, of the times a rule reads.

    These are the columns it names. Of a table of which it names none, because a view computed its times from several,
    all columns count together.
    """
    return max([1, *_steps(query, grain)])


def _steps(query: RuleQuery, grain: Grain) -> Iterator[int]:
    words = _extract_columns(query)
    for table in list_needed_tables(query, grain):
        columns = grain.get(table, {})
        yield from (step for column, (_, _, step) in columns.items() if column in words)
        values, whole = (sum(facts[place] for facts in columns.values()) for place in (0, 1))
        if values and whole / values >= WHOLE_MINUTES:
            yield max(60, min(step for _, _, step in columns.values()))


def _extract_columns(query: RuleQuery) -> set[str]:
    """Words of the SQL for start, end and due time of a rule, and the columns it needs."""
    measure = query.rule.measure
    texts = [measure.over if " " in measure.over.strip() else ""]
    if measure.in_time is not None:
        texts += [measure.in_time.from_ or "", measure.in_time.to, measure.in_time.by or measure.in_time.by_date or ""]
    if measure.value is not None:
        texts.append(measure.value.sql)
    texts += [part.partition(".")[2] for need in measure.needs for part in split_alternatives(need)]
    return set(re.findall(r"\w+", FALLBACK.sub(r"\1", " ".join(texts))))


def list_needed_tables(query: RuleQuery, filled: Grain | frozenset[str]) -> set[str]:
    """Tables that the rule and its views need or read; where the views name none, all tables of their group."""
    views = [query.catalogue.views[name] for name in query.views]
    named = [need for view in views for need in (*view.needs, *view.reads)]
    if not named:
        groups = {view.group for view in views}
        named = [table.name for table in query.catalogue.tables.values() if table.group in groups]
    return list_needed_tables((*named, *query.rule.measure.needs), filled)
