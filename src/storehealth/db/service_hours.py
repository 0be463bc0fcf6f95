"""Service hours as a table for SQL: the open seconds before each day, and the day's own spells.

The seconds open up to a moment are ``before`` plus the elapsed part of the day's spells. The open time between two
moments is their difference, so no query has to join intervals.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

import duckdb

from storehealth.catalogue.common import Fact
from storehealth.errors import UsageError
from storehealth.support.message import Name, message
from storehealth.support.service_hours import DAY, ServiceHours, Spell, parse_hours

LONGEST = timedelta(days=40 * 366)
"""A time further back is a mistake in the data; the table does not reach that far."""

NIGHTS = ("review_night",)
"""Facts with hours in which a clock stands still; each becomes a macro."""


def parse_service_hours(texts: Sequence[str], countries: Sequence[str] = ()) -> ServiceHours:
    """Parse service hours as :func:`storehealth.support.service_hours.parse_hours` does.

    Raises:
        UsageError: A text is not of that form.
    """
    try:
        return parse_hours(texts, countries)
    except ValueError as error:
        raise UsageError(message("db.hours", text=Name(str(error))), message("db.hours_hint")) from None


def list_spells(day: date, hours: ServiceHours) -> tuple[Spell, ...]:
    """The open spells of one calendar day: its own up to midnight, and the rest of those of the day before."""
    before = [(0, closes - DAY) for _, closes in hours.list_starting(day - timedelta(days=1)) if closes > DAY]
    own = [(opens, min(closes, DAY)) for opens, closes in hours.list_starting(day)]
    return _merge_overlaps([*before, *own])


def _merge_overlaps(spells: Sequence[Spell]) -> tuple[Spell, ...]:
    """Merge overlapping spells, so that no second counts twice."""
    merged: list[Spell] = []
    for opens, closes in sorted(spells):
        if merged and opens <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(closes, merged[-1][1]))
        else:
            merged.append((opens, closes))
    return tuple(merged)


def _days(first: date, last: date, hours: ServiceHours) -> Iterator[tuple[date, float, tuple[Spell, ...]]]:
    before = 0.0
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        spells = list_spells(day, hours)
        yield day, before, spells
        before += sum(closes - opens for opens, closes in spells)


def create_service_days(
    con: duckdb.DuckDBPyConnection, hours: ServiceHours, first: date | None, last: date | None
) -> None:
    """Create table ``service_days`` (day, before, spells) and the macros over it.

    ``open_before(before, spells, at)`` gives the seconds open from the first day until ``at``; ``is_open(spells, at)``
    whether the store is open then.
    """
    con.execute("CREATE TABLE service_days (day DATE, before DOUBLE, spells STRUCT(opens BIGINT, closes BIGINT)[])")
    con.execute(
        "CREATE MACRO open_before(before, spells, moment) AS before + list_sum(list_transform(spells,"
        " lambda s: greatest(0, least(epoch(moment) - epoch(moment::DATE), s.closes) - s.opens)))"
    )
    con.execute(
        "CREATE MACRO is_open(spells, moment) AS len(list_filter(spells,"
        " lambda s: s.opens <= epoch(moment) - epoch(moment::DATE) AND epoch(moment) - epoch(moment::DATE) < s.closes)) > 0"
    )
    if first is None or last is None:
        return
    days = list(_days(max(first, last - LONGEST), last, hours))
    rows = [[day.isoformat(), before, [{"opens": o, "closes": c} for o, c in spells]] for day, before, spells in days]
    con.execute(
        "INSERT INTO service_days SELECT unnest(?::DATE[]), unnest(?::DOUBLE[]),"
        " unnest(?::STRUCT(opens BIGINT, closes BIGINT)[][])",
        [[row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]],
    )


def create_night_macros(con: duckdb.DuckDBPyConnection, facts: Mapping[str, Fact]) -> None:
    """Create ``after_<fact>(moment)`` for each night: the end of the night it falls into, else the moment itself.

    Raises:
        UsageError: A fact does not hold hours.
    """
    for name in NIGHTS:
        texts = facts[name].value if name in facts else ()
        spells = parse_service_hours(texts).weekdays[0] if isinstance(texts, tuple) and texts else ()
        ends = " ".join(end for spell in spells for end in _ends_of(spell))
        body = f"CASE {ends} ELSE moment END" if ends else "moment"
        con.execute(f"CREATE MACRO after_{name}(moment) AS {body}")


def _ends_of(spell: Spell) -> Iterator[str]:
    """SQL of the end of a night that started on the moment's day, and of one that started the day before."""
    opens, closes = spell
    past, end = "epoch(moment - date_trunc('day', moment))", "date_trunc('day', moment) + to_seconds({})"
    yield f"WHEN {past} >= {opens} AND {past} < {closes} THEN {end.format(closes)}"
    if closes > DAY:
        yield f"WHEN {past} < {closes - DAY} THEN {end.format(closes - DAY)}"
