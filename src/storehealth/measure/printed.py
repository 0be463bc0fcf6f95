"""Reads figures that a platform prints itself, and computes them by each definition that could explain a difference."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

from storehealth.catalogue.needs import unmet
from storehealth.catalogue.printed import Printed
from storehealth.errors import CatalogueError, OutOfMemory, StorehealthError
from storehealth.measure.compile import source_of, sql_of
from storehealth.measure.query import Asked
from storehealth.model import Compared, Taken

DIGITS = 6
"""Decimals of a figure: sums of floats differ in the last digits from run to run."""


def printed(query: Asked, filled: Collection[str]) -> tuple[Compared, ...]:
    """Compare every figure of the rule's list that the files hold, over the days both sides cover.

    Args:
        query: The rule over an open store.
        filled: Names of tables and columns with values.

    Raises:
        CatalogueError: The SQL of a figure does not run.
    """
    figures = [(place, figure) for place, figure in enumerate(query.rule.printed) if not unmet(figure.needs, filled)]
    compared = [_compare(query, place, figure) for place, figure in figures]
    return tuple(comparison for comparison in compared if comparison.theirs.value is not None)


def _compare(query: Asked, place: int, figure: Printed) -> Compared:
    theirs, held, *readings = (_read_figure(query, key, sql) for key, sql in _queries(place, figure))
    return Compared(name=figure.name, theirs=theirs, held=held.rows, readings=tuple(readings))


def _queries(place: int, figure: Printed) -> Iterator[tuple[str, str]]:
    """Their figure, our rows for it, then each reading: the key of its SQL, and a query for one row of value and rows."""
    theirs = figure.theirs
    yield f"printed.{place}.theirs", _query(theirs.over, theirs.when, theirs.value, theirs.rows)
    yield f"printed.{place}.rows", _query(figure.over, "true", "NULL", figure.rows)
    for number, reading in enumerate(figure.readings):
        key = f"printed.{place}.readings.{number}"
        yield key, _query(figure.over, reading.when, reading.value, "count(*)")


def _query(over: str, when: str, value: str, rows: str) -> str:
    cells = f"{sql_of(value)}::DOUBLE, coalesce({sql_of(rows)}, 0)::BIGINT"
    return f"SELECT {cells} FROM {source_of(over)} WHERE {sql_of(when)}"


def _read_figure(query: Asked, key: str, sql: str) -> Taken:
    ((value, rows),) = query.run_alone(sql, key)
    return Taken(value=round(value, DIGITS) if value is not None and math.isfinite(value) else None, rows=rows)


def printed_problems(query: Asked) -> Iterator[StorehealthError]:
    """Errors of the queries in the rule's list that would not run."""
    for place, figure in enumerate(query.rule.printed):
        for key, sql in _queries(place, figure):
            try:
                query.run_alone(f"SELECT * FROM ({sql}) LIMIT 0", key)
            except (CatalogueError, OutOfMemory) as error:
                yield error
