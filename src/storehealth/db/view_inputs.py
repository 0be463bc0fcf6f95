"""What views read besides the canonical tables: variables, staff names, phrases, service hours.

Service hours become a table of days: the open seconds before each day, and the day's own spells. The seconds open up to a
moment are ``before`` plus the elapsed part of the day's spells. The open time between two moments is their difference, so no
query has to join intervals.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import duckdb

from storehealth.catalogue.common import Fact
from storehealth.db import sql
from storehealth.errors import UsageError
from storehealth.support.message import Name, message
from storehealth.support.service_hours import DAY, ServiceHours, Spell, parse_hours

ROLE_OF = """CASE
    WHEN event IN ('assigned', 'closed', 'withdrawn') OR told = 'system' THEN 'system'
    WHEN told = 'note' THEN 'note'
    WHEN event = 'handoff' AND told <> 'customer' THEN 'system'
    WHEN how = 'settings' THEN known
    WHEN told = 'bot' THEN 'bot'
    WHEN how = 'workbook' THEN known
    WHEN told <> 'unknown' THEN told
    ELSE coalesce(known, 'unknown')
END"""
"""Who speaks: what the message itself says, and what the view ``people`` knows about its sender."""
HAN = re.compile("[\u4e00-\u9fff]")
LIKE_MASKED = "coalesce(left(a, 1) = left(b, 1) AND right(a, 2) = right(b, 2), false)"
"""Whether two names may be the same: platforms mask everything between the first character and the last two."""
SLOW_CHANNELS = "mail|ticket|social|twitter|tweet|facebook|instagram|weibo|web.?form|correo|邮|工单|微博|留言"
SLOW_CHANNEL = f"coalesce(regexp_matches(lower(name), '{SLOW_CHANNELS}'), false)"
"""Whether a channel's name means mail, tickets or social networks, where the customer does not wait at the screen."""
ENDS = ("chat", "orders", "aftersales", "stock", "parcels", "ship", "delivery")
"""Groups with their own last event, each a variable: ``chat_end``, ``orders_end`` …"""


def set_variables(
    con: duckdb.DuckDBPyConnection,
    as_of: datetime | None,
    ends: Mapping[str, datetime],
    facts: Mapping[str, Fact],
    recorded: Iterable[str] = (),
    cut: Iterable[str] = (),
) -> None:
    """Set ``as_of``, ``chat_end`` and the like, and every fact. A view takes their types when it is created.

    Also creates the macros that distinguish an empty cell from a fact not recorded: ``recorded('orders.status')`` is whether
    any row has a value in that column, ``is_unread(unread, 'status')`` whether this row's cell could not be read,
    ``is_cut('aftersales')`` whether ``as_of`` hides something of a table, so that an empty cell of it may only be hidden.

    Args:
        con: The database.
        as_of: The audit's moment.
        ends: Last event per group or step; where there is none, ``as_of`` is used.
        facts: The platform's facts; numbers and durations (in seconds) become DOUBLE.
        recorded: Tables with rows and columns with values: ``orders``, ``orders.paid_at``.
        cut: Tables of which ``as_of`` hides something.
    """
    moments = {f"{name}_end": ends.get(name, as_of) for name in ENDS} | {"as_of": as_of}
    literals = {name: f"{sql.quote_value(moment)}::TIMESTAMP" for name, moment in moments.items()}
    literals |= {name: _literal(fact.value) for name, fact in facts.items()}
    literals["recorded"] = f"{sql.quote_value(sorted(recorded))}::VARCHAR[]"
    literals["cut"] = f"{sql.quote_value(sorted(cut))}::VARCHAR[]"
    con.execute(";".join(f"SET VARIABLE {sql.quote_name(name)} = {literal}" for name, literal in literals.items()))
    con.execute("CREATE OR REPLACE MACRO recorded(column_name) AS list_contains(getvariable('recorded'), column_name)")
    con.execute("CREATE OR REPLACE MACRO is_cut(table_name) AS list_contains(getvariable('cut'), table_name)")
    con.execute(f"CREATE OR REPLACE MACRO is_slow_channel(name) AS {SLOW_CHANNEL}")
    con.execute(
        "CREATE OR REPLACE MACRO is_unread(unread, column_name) AS coalesce(list_contains(unread, column_name), false)"
    )


def _literal(item: object) -> str:
    number = isinstance(item, int | float) and not isinstance(item, bool)
    return f"{item!r}::DOUBLE" if number else sql.quote_value(item)


def create_staff(
    con: duckdb.DuckDBPyConnection, staff: Mapping[str, str], phrases: Sequence[str], auto_replies: Sequence[str] = ()
) -> None:
    """Create tables ``staff`` (name, role) and ``closers`` (phrase), and macros such as ``role_of`` and ``whole_minute``."""
    con.execute("CREATE TABLE staff (name VARCHAR, role VARCHAR)")
    for name, role in staff.items():
        con.execute("INSERT INTO staff VALUES (?, ?)", [name, role])
    con.execute("CREATE MACRO whole_minute(moment) AS epoch_us(moment) % 60000000 = 0")
    con.execute(f"CREATE MACRO like_masked(a, b) AS {LIKE_MASKED}")
    con.execute(f"CREATE MACRO role_of(event, told, known, how) AS {ROLE_OF}")
    con.execute(r"CREATE MACRO plain_text(said) AS trim(lower(regexp_replace(said, '\s+', ' ', 'g')))")
    set_auto_replies(con, auto_replies)
    _make_closers(con, phrases)


def set_auto_replies(con: duckdb.DuckDBPyConnection, texts: Sequence[str]) -> None:
    """Create ``spoken_role(role, said)``: an agent's message with one of these texts counts as a bot's.

    Without texts the macro does not mention ``said``, so that no query has to read the message texts.
    """
    con.execute("SET VARIABLE auto_replies = (SELECT list(DISTINCT plain_text(t)) FROM (SELECT unnest(?::VARCHAR[]) AS t))",
                [list(texts)])  # fmt: skip
    is_automatic = "role = 'agent' AND list_contains(getvariable('auto_replies'), plain_text(said))"
    body = f"CASE WHEN {is_automatic} THEN 'bot' ELSE role END" if texts else "role"
    con.execute(f"CREATE OR REPLACE MACRO spoken_role(role, said) AS {body}")


def create_service_hours(
    con: duckdb.DuckDBPyConnection, facts: Mapping[str, Fact], first: datetime | None, last: datetime | None
) -> None:
    """Create ``service_days`` from the day of the first chat to that of ``as_of``.

    Raises:
        UsageError: The fact holds no service hours.
    """
    lists = {name: fact.value for name, fact in facts.items() if isinstance(fact.value, tuple)}
    hours = parse_service_hours(lists.get("service_hours", ()), lists.get("holidays", ()))
    create_service_days(con, hours, first and first.date(), last and last.date())


def _make_closers(con: duckdb.DuckDBPyConnection, phrases: Sequence[str]) -> None:
    """Create table ``closers``, and a pattern of the texts that are made of its phrases alone.

    Pieces are separated by punctuation, signs, emoji and line ends, but not by question marks; Chinese phrases may also follow
    each other directly. One anchored pattern fails at the first letter that differs: a tenth of the time of cutting up
    every text.
    """
    con.execute("CREATE TABLE closers (phrase VARCHAR)")
    edge = r"[\s\p{P}\p{Z}~～]*"
    trimmed = f"regexp_replace(phrase, '^{edge}|{edge}$', '', 'g')"
    con.execute(
        f"INSERT INTO closers SELECT DISTINCT lower({trimmed}) FROM (SELECT unnest(?::VARCHAR[]) AS phrase)", [phrases]
    )
    kept = [phrase for (phrase,) in con.execute("SELECT phrase FROM closers ORDER BY phrase").fetchall() if phrase]
    con.execute(f"SET VARIABLE closer_pattern = {sql.quote_value(_build_closer_pattern(kept))}")


def _build_closer_pattern(phrases: Sequence[str]) -> str:
    gap = r"(?:[\s\p{Z}\p{S}\p{M}\p{Cf}~!！.。,，、…;；:：'’‘\"“”()（）\[\]【】\-–—_*/\\])"
    words = [_quote_pattern(phrase) for phrase in phrases if not HAN.search(phrase)]
    han = [_quote_pattern(phrase) for phrase in phrases if HAN.search(phrase)]
    pieces = [f"(?:{'|'.join(han)}){gap}*"] if han else []
    pieces += [f"(?:{'|'.join(words)})(?:{gap}+|$)"] if words else []  # "ok" is no part of "okra"
    return f"(?i){gap}*(?:{'|'.join(pieces)})+" if pieces else r"[^\s\S]"


def _quote_pattern(phrase: str) -> str:
    """The phrase as a pattern; any run of blanks parts its words, and either apostrophe will do."""
    quoted = re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", phrase)
    return quoted.replace(" ", r"\s+").replace("'", "['’]")


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
    hours_of_day = [(opens, min(closes, DAY)) for opens, closes in hours.list_starting(day)]
    return _merge_overlaps([*before, *hours_of_day])


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


CLOCKS_WATCHED = timedelta(days=5 * 366)
"""Years before the end of the data in which clock changes count: each is a comparison in every duration."""


class ClockChange(NamedTuple):
    """A change of a zone's clocks: the wall shows ``before``, and then ``after``."""

    before: datetime
    after: datetime


def create_elapsed(con: duckdb.DuckDBPyConnection, zone: str, first: datetime | None, last: datetime | None) -> None:
    """Create ``elapsed(since, until)``: the real seconds between two wall times of the zone.

    In spring the wall skips an hour, which did not pass. In autumn it shows an hour twice: what lies on both sides of it took
    an hour more than the wall says. A time within that hour may be of either pass, so there the wall's difference stays.
    """
    terms = ["epoch(until_at - since_at)"]
    if first is not None and last is not None:
        terms += map(_correct_for, list_clock_changes(zone, max(first, last - CLOCKS_WATCHED), last))
    con.execute(f"CREATE MACRO elapsed(since_at, until_at) AS {' + '.join(terms)}")


def _correct_for(change: ClockChange) -> str:
    """The seconds to add to the wall's difference where a change lies between two times."""
    begins, ends = (
        sorted((change.before, change.after)) if change.after < change.before else (change.after, change.after)
    )
    seconds = (change.before - change.after).total_seconds()
    return (
        f"CASE WHEN since_at < {sql.quote_value(begins)}::TIMESTAMP AND until_at >= {sql.quote_value(ends)}::TIMESTAMP"
        f" THEN {seconds!r} ELSE 0.0 END"
    )


def list_clock_changes(zone: str, first: datetime, last: datetime) -> Iterator[ClockChange]:
    """List the changes of a zone's clocks between two of its wall times, by looking at each day."""
    at = first.replace(minute=0, second=0, microsecond=0, tzinfo=ZoneInfo(zone)).astimezone(UTC) - timedelta(days=1)
    end = last.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) + timedelta(days=1)
    offset = _offset(zone, at)
    while at < end:
        after = at + timedelta(days=1)
        if (offset_after := _offset(zone, after)) != offset:
            yield _find_change(zone, at, after)
        at, offset = after, offset_after


def _find_change(zone: str, low: datetime, high: datetime) -> ClockChange:
    """Find the change between two moments, to the second, by halving."""
    before, after = _offset(zone, low), _offset(zone, high)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    moment = high.replace(tzinfo=None)
    return ClockChange(moment + before, moment + after)


def _offset(zone: str, moment: datetime) -> timedelta:
    return moment.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()


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
