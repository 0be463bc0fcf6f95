"""What views read besides the canonical tables: variables, staff names, phrases, service hours.

Service hours become a table of days: the open seconds before each day, and the day's own spells. The seconds open up to a
moment are ``before`` plus the elapsed part of the day's spells. The open time between two moments is their difference, so no
query has to join intervals.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import NamedTuple

import duckdb

from storehealth.catalogue.common import Fact
from storehealth.db import sql
from storehealth.errors import UsageError
from storehealth.support.message import Name, message
from storehealth.support.service_hours import (
    DAY,
    SQUEEZED,
    ClockChange,
    ServiceHours,
    Spell,
    list_clock_changes,
    parse_hours,
)

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
SLOW_CHANNELS = (
    "mail|ticket|social|twitter|tweet|facebook|instagram|weibo|correo|邮|工单|微博|留言|表单|电话"
    r"|(^|[^a-z])forms?\b|formular|portal|feedback|help.?cent|\b(api|sms|phone|voice)\b|tel[eé]fono|telefon"
)
SLOW_CHANNEL = f"coalesce(regexp_matches(lower(name), '{SLOW_CHANNELS}'), false)"
"""Whether a channel's name means mail, forms, calls or social networks, where the customer does not wait at the screen."""
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
    """Create tables ``staff`` (name, role) and ``closers`` (phrase), and macros such as ``role_of``."""
    con.execute("CREATE TABLE staff (name VARCHAR, role VARCHAR)")
    for name, role in staff.items():
        con.execute("INSERT INTO staff VALUES (?, ?)", [name, role])
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
    con: duckdb.DuckDBPyConnection,
    facts: Mapping[str, Fact],
    first: datetime | None,
    last: datetime | None,
    changes: Sequence[ClockChange] = (),
) -> None:
    """Create ``service_days`` from the day of the first chat to that of ``as_of``.

    Raises:
        UsageError: The fact holds no service hours.
    """
    lists = {name: fact.value for name, fact in facts.items() if isinstance(fact.value, tuple)}
    hours = parse_service_hours(lists.get("service_hours", ()), lists.get("holidays", ()))
    create_service_days(con, hours, first and first.date(), last and last.date(), changes)


def _make_closers(con: duckdb.DuckDBPyConnection, phrases: Sequence[str]) -> None:
    """Create table ``closers``, and a pattern of the texts that are made of its phrases alone.

    Pieces are separated by punctuation, signs, emoji and line ends, but not by question marks; Chinese phrases may also follow
    each other directly. One anchored pattern fails at the first letter that differs: a tenth of the time of cutting up
    every text.
    """
    key = tuple(phrases)
    if key not in _TRIMMED:  # a second store of one process has the same phrases
        _TRIMMED[key] = _trim_phrases(con, phrases)
    con.execute("CREATE TABLE closers AS SELECT unnest(?::VARCHAR[]) AS phrase", [list(_TRIMMED[key])])
    con.execute(f"SET VARIABLE closer_pattern = {sql.quote_value(_build_closer_pattern(_TRIMMED[key]))}")


_TRIMMED: dict[tuple[str, ...], tuple[str, ...]] = {}


def _trim_phrases(con: duckdb.DuckDBPyConnection, phrases: Sequence[str]) -> tuple[str, ...]:
    edge = r"[\s\p{P}\p{Z}~～]*"
    trimmed = f"lower(regexp_replace(phrase, '^{edge}|{edge}$', '', 'g'))"
    query = f"SELECT DISTINCT {trimmed} FROM (SELECT unnest(?::VARCHAR[]) AS phrase) ORDER BY 1"
    return tuple(phrase for (phrase,) in con.execute(query, [phrases]).fetchall() if phrase)


@cache
def _build_closer_pattern(phrases: tuple[str, ...]) -> str:
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


class _ServiceDay(NamedTuple):
    """A day: the seconds open before it, its spells since midnight in real seconds, and the same on the wall."""

    day: str
    before: float
    spells: list[dict[str, int]]
    hours: list[dict[str, int]]


def _list_days(first: date, last: date, hours: ServiceHours, changes: Sequence[ClockChange]) -> Iterator[_ServiceDay]:
    before = 0.0
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        on_wall = list_spells(day, hours)
        spells = [(_count_since_midnight(day, o, changes), _count_since_midnight(day, c, changes)) for o, c in on_wall]
        yield _ServiceDay(day.isoformat(), before, _name_edges(spells), _name_edges(on_wall))
        before += sum(closes - opens for opens, closes in spells)


def _name_edges(spells: Iterable[Spell]) -> list[dict[str, int]]:
    return [{"opens": opens, "closes": closes} for opens, closes in spells]


def _count_since_midnight(day: date, seconds: int, changes: Iterable[ClockChange]) -> int:
    """The real seconds from midnight to when the wall first shows this time, or would have shown it."""
    midnight = datetime.combine(day, datetime.min.time())
    at = midnight + timedelta(seconds=seconds)
    for change in changes:
        if change.repeats and midnight < change.before <= at:
            seconds += int(change.repeats.total_seconds())
        elif midnight < change.after and change.before < at:
            seconds -= int((min(at, change.after) - change.before).total_seconds())
    return seconds


def create_service_days(
    con: duckdb.DuckDBPyConnection,
    hours: ServiceHours,
    first: date | None,
    last: date | None,
    changes: Sequence[ClockChange] = (),
) -> None:
    """Create table ``service_days`` (day, before, spells, hours) and the macros over it.

    ``open_before(before, spells, at)`` gives the seconds open from the first day until ``at``; ``is_open(spells, at)``
    whether the store is open then. Both need :func:`create_clock`: spells are in real seconds since midnight, hours are as
    the wall shows them.
    """
    spell = "STRUCT(opens BIGINT, closes BIGINT)[]"
    con.execute(f"CREATE TABLE service_days (day DATE, before DOUBLE, spells {spell}, hours {spell})")
    con.execute(
        "CREATE MACRO open_before(before, spells, moment) AS before + list_sum(list_transform(spells,"
        " lambda s: greatest(0, least(since_midnight(moment), s.closes) - s.opens)))"
    )
    con.execute(
        "CREATE MACRO is_open(spells, moment) AS len(list_filter(spells,"
        " lambda s: s.opens <= since_midnight(moment) AND since_midnight(moment) < s.closes)) > 0"
    )
    if first is None or last is None or first > last:  # none where the audit looks at a moment before the first row
        return
    days = list(_list_days(max(first, last - LONGEST), last, hours, changes))
    con.execute(
        f"INSERT INTO service_days SELECT unnest(?::DATE[]), unnest(?::DOUBLE[]), unnest(?::{spell}[]), unnest(?::{spell}[])",
        [list(column) for column in zip(*days, strict=True)],
    )


CLOCKS_WATCHED = timedelta(days=5 * 366)
"""Years before the end of the data in which clock changes count: each is a comparison in every duration."""


def create_clock(
    con: duckdb.DuckDBPyConnection, zone: str, first: datetime | None, last: datetime | None
) -> list[ClockChange]:
    """Create macros for times of a zone: ``elapsed(since, until)`` and ``since_midnight(moment)`` in real seconds.

    Also ``wall(moment)``, and ``whole_minute``.

    In spring the wall skips an hour, which did not pass. In autumn it shows an hour twice: what lies on both sides of it took
    an hour more than the wall says. Times in that hour whose file says which pass they are of are kept squeezed
    (:class:`storehealth.support.service_hours.ClockChange`); ``wall`` gives what the clock showed, for other times the time
    itself. Any other time in that hour may be of either pass: there the wall's difference stays.

    Returns:
        The changes of the zone's clocks between these times.
    """
    changes = list[ClockChange]()
    if first is not None and last is not None:
        changes += list_clock_changes(zone, max(first, last - CLOCKS_WATCHED), last)
    shown = "".join(_read_squeezed(change) for change in changes if change.repeats)
    wall = f"CASE {shown} ELSE moment END" if shown else "moment"
    con.execute(f"CREATE MACRO wall(moment TIMESTAMP) AS {wall}, (moment DATE) AS moment, (moment) AS moment")
    # Whole microseconds, as 30.0000001 seconds would be more than 30.
    terms = ["epoch_us(until_at) - epoch_us(since_at)", *map(_correct_for, changes)]
    seconds = f"({' + '.join(terms)}) / 1e6" if changes else "epoch(until_at - since_at)"
    con.execute(f"CREATE MACRO elapsed(since_at, until_at) AS {seconds}")
    terms = ["epoch_us(moment) - epoch_us(moment::DATE::TIMESTAMP)", *map(_correct_on_day, changes)]
    con.execute(f"CREATE MACRO since_midnight(moment) AS ({' + '.join(terms)}) / 1e6")
    con.execute("CREATE MACRO whole_minute(moment) AS epoch_us(wall(moment::TIMESTAMP)) % 60000000 = 0")
    return changes


def _read_squeezed(change: ClockChange) -> str:
    """The case of a squeezed time: what the wall showed."""
    begins, ends = sql.quote_value(change.after), sql.quote_value(change.before)
    width = _count_microseconds(change.repeats)
    return (
        f" WHEN moment >= {sql.quote_value(change.squeezed_from)} AND moment < {ends}"
        f" THEN {begins} + to_microseconds(({_count_squeezed(change, 'moment')}) % {width})"
    )


def _count_squeezed(change: ClockChange, moment: str) -> str:
    """The real microseconds from the beginning of a repeated hour to a squeezed time."""
    since = f"epoch_us({moment}) - epoch_us({sql.quote_value(change.squeezed_from)})"
    return f"({since}) * {1_000_000 // SQUEEZED}"


def _correct_for(change: ClockChange) -> str:
    """The microseconds to add to the wall's difference where a change lies between two times."""
    gained = _count_microseconds(change.before - change.after)
    if not change.repeats:
        at = sql.quote_value(change.after)
        return f"CASE WHEN since_at < {at} AND until_at >= {at} THEN {gained} ELSE 0 END"
    begins, squeezed, ends = map(sql.quote_value, (change.after, change.squeezed_from, change.before))
    until, since = _correct_moment(change, "until_at"), _correct_moment(change, "since_at", of_either_pass=gained)
    in_it = f"since_at >= {begins} AND since_at < {squeezed} AND until_at < {ends}"
    return f"CASE WHEN until_at < {begins} OR since_at >= {ends} THEN 0 WHEN {in_it} THEN {until} ELSE {until} - {since} END"


def _correct_moment(change: ClockChange, moment: str, of_either_pass: int = 0) -> str:
    """The microseconds that a change has added, by a moment, to what the wall shows."""
    begins, squeezed, ends = map(sql.quote_value, (change.after, change.squeezed_from, change.before))
    gained = _count_microseconds(change.before - change.after)
    if not change.repeats:
        return f"(CASE WHEN {moment} < {begins} THEN 0 ELSE {gained} END)"
    known = f"{_count_squeezed(change, moment)} - (epoch_us({moment}) - epoch_us({begins}))"
    return (
        f"(CASE WHEN {moment} < {begins} THEN 0 WHEN {moment} < {squeezed} THEN {of_either_pass}"
        f" WHEN {moment} < {ends} THEN {known} ELSE {gained} END)"
    )


def _correct_on_day(change: ClockChange) -> str:
    """The microseconds to add to the time of day on the day of a change."""
    day = sql.quote_value(change.after.date())
    return f"CASE WHEN moment::DATE = {day} THEN {_correct_moment(change, 'moment')} ELSE 0 END"


def _count_microseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1)


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
