"""Service hours as a table that SQL can look up: seconds open before each day, and the day's own spells.

The seconds open up to a moment are ``before`` plus what the day's spells have run; the open time between two moments
is the difference, so no query has to join intervals.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

import duckdb

from storehealth.catalogue.common import Fact
from storehealth.errors import UsageError

DAY = 86400
LONGEST = timedelta(days=40 * 366)
"""A time further back is a slip of the pen; the table does not reach there."""

NIGHTS = ("review_night",)
"""Facts that name hours in which a clock stands still; each has a macro."""
Spell = tuple[int, int]
"""Opening and closing, in seconds after midnight; half-open."""


def spells_of(hours: Sequence[str]) -> tuple[Spell, ...]:
    """Read ``["09:00-12:00", "22:00-02:00"]``; a spell over midnight closes after 24:00. No hours: always open.

    Raises:
        UsageError: A text is no interval.
    """
    if not hours:
        return ((0, DAY),)
    try:
        return tuple(_spell(text) for text in hours)
    except ValueError:
        raise UsageError(f"{', '.join(hours)} are no service hours", "Write them as 09:00-23:00.") from None


def _spell(text: str) -> Spell:
    opens, closes = (_seconds(part) for part in text.split("-"))
    return opens, closes if closes > opens else closes + DAY


def _seconds(text: str) -> int:
    hour, minute = (int(part) for part in text.strip().split(":"))
    if not (0 <= minute < 60 and 0 <= hour * 3600 + minute * 60 <= DAY):
        raise ValueError(text)
    return hour * 3600 + minute * 60


def spells_on(day: date, hours: Sequence[Spell]) -> tuple[Spell, ...]:
    """What is open on one calendar day: its own spells up to midnight, and the rest of the day before's.

    Holidays belong into ``_starting``; everything after it follows.
    """
    before = [(0, closes - DAY) for opens, closes in _starting(day - timedelta(days=1), hours) if closes > DAY]
    own = [(opens, min(closes, DAY)) for opens, closes in _starting(day, hours)]
    return _joined([*before, *own])


def _starting(_: date, hours: Sequence[Spell]) -> Sequence[Spell]:
    """Spells that begin on a day: the same every day, as long as no calendar says otherwise."""
    return hours


def _joined(spells: Sequence[Spell]) -> tuple[Spell, ...]:
    """Overlapping spells as one, so that no second counts twice."""
    joined: list[Spell] = []
    for opens, closes in sorted(spells):
        if joined and opens <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(closes, joined[-1][1]))
        else:
            joined.append((opens, closes))
    return tuple(joined)


def _days(first: date, last: date, hours: Sequence[Spell]) -> Iterator[tuple[date, float, tuple[Spell, ...]]]:
    before = 0.0
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        spells = spells_on(day, hours)
        yield day, before, spells
        before += sum(closes - opens for opens, closes in spells)


def make_service_days(
    con: duckdb.DuckDBPyConnection, hours: Sequence[str], first: date | None, last: date | None
) -> None:
    """Make table ``service_days`` (day, before, spells) and the macros over it.

    ``open_before(before, spells, at)``: seconds open from the first day until ``at``. ``is_open(spells, at)``.
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
    days = list(_days(max(first, last - LONGEST), last, spells_of(hours)))
    rows = [[day.isoformat(), before, [{"opens": o, "closes": c} for o, c in spells]] for day, before, spells in days]
    con.execute(
        "INSERT INTO service_days SELECT unnest(?::DATE[]), unnest(?::DOUBLE[]),"
        " unnest(?::STRUCT(opens BIGINT, closes BIGINT)[][])",
        [[row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]],
    )


def make_nights(con: duckdb.DuckDBPyConnection, facts: Mapping[str, Fact]) -> None:
    """Make ``after_<fact>(moment)`` for each night: the end of the night it falls into, else the moment itself.

    Raises:
        UsageError: A fact holds no hours.
    """
    for name in NIGHTS:
        texts = facts[name].value if name in facts else ()
        spells = spells_of(texts) if isinstance(texts, tuple) and texts else ()
        ends = " ".join(end for spell in spells for end in _ends_of(spell))
        body = f"CASE {ends} ELSE moment END" if ends else "moment"
        con.execute(f"CREATE MACRO after_{name}(moment) AS {body}")


def _ends_of(spell: Spell) -> Iterator[str]:
    """The end of a night that began on the moment's day, and of one that began the day before."""
    opens, closes = spell
    past, end = "epoch(moment - date_trunc('day', moment))", "date_trunc('day', moment) + to_seconds({})"
    yield f"WHEN {past} >= {opens} AND {past} < {closes} THEN {end.format(closes)}"
    if closes > DAY:
        yield f"WHEN {past} < {closes - DAY} THEN {end.format(closes - DAY)}"
