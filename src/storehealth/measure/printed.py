"""Takes the figures that a platform prints itself, and the same by each definition that could explain the difference."""

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


def printed(asked: Asked, filled: Collection[str]) -> tuple[Compared, ...]:
    """Every figure of the rule's list that the files hold, over all days that are in both.

    Args:
        asked: The rule over an open store.
        filled: Tables and columns with values.

    Raises:
        CatalogueError: SQL of the list does not run.
    """
    wanted = ((place, one) for place, one in enumerate(asked.rule.printed) if not unmet(one.needs, filled))
    found = (_compared(asked, place, one) for place, one in wanted)
    return tuple(one for one in found if one.theirs.value is not None)


def _compared(asked: Asked, place: int, one: Printed) -> Compared:
    theirs, held, *readings = (_taken(asked, key, sql) for key, sql in _queries(place, one))
    return Compared(name=one.name, theirs=theirs, held=held.rows, readings=tuple(readings))


def _queries(place: int, one: Printed) -> Iterator[tuple[str, str]]:
    """Theirs, what we hold of it, then each reading: the key of its SQL, and a query for one row of value and rows."""
    theirs = one.theirs
    yield f"printed.{place}.theirs", _query(theirs.over, theirs.when, theirs.value, theirs.rows)
    yield f"printed.{place}.rows", _query(one.over, "true", "NULL", one.rows)
    for number, reading in enumerate(one.readings):
        key = f"printed.{place}.readings.{number}"
        yield key, _query(one.over, reading.when, reading.value, "count(*)")


def _query(over: str, when: str, value: str, rows: str) -> str:
    figures = f"{sql_of(value)}::DOUBLE, coalesce({sql_of(rows)}, 0)::BIGINT"
    return f"SELECT {figures} FROM {source_of(over)} WHERE {sql_of(when)}"


def _taken(asked: Asked, key: str, sql: str) -> Taken:
    ((value, rows),) = asked.run_alone(sql, key)
    return Taken(value=round(value, DIGITS) if value is not None and math.isfinite(value) else None, rows=rows)


def printed_problems(asked: Asked) -> Iterator[StorehealthError]:
    """Every query of the list that would not run."""
    for place, one in enumerate(asked.rule.printed):
        for key, sql in _queries(place, one):
            try:
                asked.run_alone(f"SELECT * FROM ({sql}) LIMIT 0", key)
            except (CatalogueError, OutOfMemory) as error:
                yield error
