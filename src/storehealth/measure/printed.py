"""Reads figures that a platform prints itself, and computes them by each definition that could explain a difference."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

from storehealth.catalogue.common import find_unmet_needs
from storehealth.catalogue.rule import PrintedSpec
from storehealth.errors import CatalogueError, OutOfMemory, StorehealthError
from storehealth.measure.query import RuleQuery
from storehealth.measure.rule_sql import bracket, build_source
from storehealth.model import PrintedComparison, PrintedValue

DIGITS = 6
"""Decimals of a figure: sums of floats differ in the last digits from run to run."""


def compare_printed(query: RuleQuery, filled: Collection[str]) -> tuple[PrintedComparison, ...]:
    """Compare every figure of the rule's list that the files hold, over the days both sides cover.

    Args:
        query: The rule over an open store.
        filled: Names of tables and columns with values.

    Raises:
        CatalogueError: The SQL of a figure does not run.
    """
    figures = [
        (place, figure) for place, figure in enumerate(query.rule.printed) if not find_unmet_needs(figure.needs, filled)
    ]
    compared = [_compare(query, place, figure) for place, figure in figures]
    return tuple(comparison for comparison in compared if comparison.theirs.value is not None)


def _compare(query: RuleQuery, place: int, figure: PrintedSpec) -> PrintedComparison:
    theirs, held, *readings = (_read_figure(query, key, sql) for key, sql in _queries(place, figure))
    return PrintedComparison(name=figure.name, theirs=theirs, held=held.rows, readings=tuple(readings))


def _queries(place: int, figure: PrintedSpec) -> Iterator[tuple[str, str]]:
    """Their figure, our rows for it, then each reading: the key of its SQL, and a query for one row of value and rows."""
    theirs = figure.theirs
    yield f"printed.{place}.theirs", _query(theirs.over, theirs.when, theirs.value, theirs.rows)
    yield f"printed.{place}.rows", _query(figure.over, "true", "NULL", figure.rows)
    for number, reading in enumerate(figure.readings):
        key = f"printed.{place}.readings.{number}"
        yield key, _query(figure.over, reading.when, reading.value, "count(*)")


def _query(over: str, when: str, value: str, rows: str) -> str:
    cells = f"{bracket(value)}::DOUBLE, coalesce({bracket(rows)}, 0)::BIGINT"
    return f"SELECT {cells} FROM {build_source(over)} WHERE {bracket(when)}"


def _read_figure(query: RuleQuery, key: str, sql: str) -> PrintedValue:
    ((value, rows),) = query.run_alone(sql, key)
    return PrintedValue(value=round(value, DIGITS) if value is not None and math.isfinite(value) else None, rows=rows)


def find_printed_problems(query: RuleQuery) -> Iterator[StorehealthError]:
    """Errors of the queries in the rule's list that would not run."""
    for place, figure in enumerate(query.rule.printed):
        for key, sql in _queries(place, figure):
            try:
                query.run_alone(f"SELECT * FROM ({sql}) LIMIT 0", key)
            except (CatalogueError, OutOfMemory) as error:
                yield error
