"""Service hours of a week, with holidays: ``Mon-Fri 09:00-18:00``, ``Sat 10:00-14:00``, ``holidays 12:00-16:00``.

A text without days applies to every day. A day may have several periods, and one past midnight (``22:00-02:00``) belongs
to the day it begins on. Where a holiday calendar is given, a store is closed on holidays unless a text says otherwise, and a
make-up work day (a weekend day worked in exchange for a bridge day, as in China) has Monday's hours.

Holidays come from the ``holidays`` package, which is imported late since it takes a while to load. Chinese make-up work days
follow the yearly notices of the State Council; for a year whose notice the package does not know there are only the holidays.

Below: when the clocks of a zone change, and how times of an hour that they show twice are told apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

Spell = tuple[int, int]
"""Opening and closing time in seconds after midnight, half-open; one past midnight closes after 24:00."""
DAY = 86400
MONDAY = 0
WEEKDAYS = (
    ("mon", "monday", "周一", "星期一", "lun", "lunes"),
    ("tue", "tues", "tuesday", "周二", "星期二", "mar", "martes"),
    ("wed", "wednesday", "周三", "星期三", "mié", "mie", "miércoles", "miercoles"),
    ("thu", "thur", "thurs", "thursday", "周四", "星期四", "jue", "jueves"),
    ("fri", "friday", "周五", "星期五", "vie", "viernes"),
    ("sat", "saturday", "周六", "星期六", "sáb", "sab", "sábado", "sabado"),
    ("sun", "sunday", "周日", "周天", "星期日", "星期天", "dom", "domingo"),
)
HOLIDAYS = ("holiday", "holidays", "节假日", "festivo", "festivos")
ENTRY = re.compile(r"\s*(?P<days>\D*?)\s*(?P<spells>\d.*)")
SPELL = re.compile(r"(\d{1,2}):(\d{2})\s*[-–~至]\s*(\d{1,2}):(\d{2})")
RANGE = re.compile(r"\s*[-–~至到]\s*")
LOCALES = {"en": "en_US", "zh": "zh_CN", "es": "es"}


@dataclass(frozen=True)
class ServiceHours:
    """When a store is open.

    Attributes:
        weekdays: Spells that begin on each day of the week, Monday first.
        on_holidays: Spells that begin on a holiday.
        countries: ISO codes of the countries whose holidays count; empty: no day is a holiday.
    """

    weekdays: tuple[tuple[Spell, ...], ...] = (((0, DAY),),) * 7
    on_holidays: tuple[Spell, ...] = ()
    countries: tuple[str, ...] = field(default=())

    def list_starting(self, day: date) -> tuple[Spell, ...]:
        """Return the spells that begin on a calendar day."""
        years = [_read_year(country, day.year) for country in self.countries]
        if any(day in made_up for _, made_up in years):
            return self.weekdays[MONDAY]
        if any(day in off for off, _ in years):
            return self.on_holidays
        return self.weekdays[day.weekday()]


LONGEST_CLOSED = 60
"""Days in a row that a store may be closed before its hours no longer say when something is due."""


def add_open_time(hours: ServiceHours, since: datetime, seconds: float) -> datetime:
    """Return the moment at which so many seconds of open time have passed; in wall time where the hours never come."""
    midnight, left = since.replace(hour=0, minute=0, second=0, microsecond=0), seconds
    past = since  # what was open until then has been counted, so that overlapping spells count once
    for number in range(-1, LONGEST_CLOSED):
        day = midnight + timedelta(days=number)
        for opens, closes in sorted(hours.list_starting(day.date())):
            start, end = max(past, day + timedelta(seconds=opens)), day + timedelta(seconds=closes)
            if (end - start).total_seconds() >= left and end > start:
                return start + timedelta(seconds=left)
            left -= max(0.0, (end - start).total_seconds())
            past = max(past, end)
    return since + timedelta(seconds=seconds)


def parse_hours(texts: Sequence[str], countries: Sequence[str] = ()) -> ServiceHours:
    """Parse service hours; no texts mean always open, on holidays too.

    Raises:
        ValueError: A text is not of the form above; it is the only argument of the error.
    """
    if not texts:
        return ServiceHours()
    week: list[list[Spell]] = [[] for _ in WEEKDAYS]
    on_holidays: list[Spell] = []
    for text in texts:
        days, spells = _parse_entry(text)
        for number in days:
            (on_holidays if number is None else week[number]).extend(spells)
    return ServiceHours(tuple(map(tuple, week)), tuple(on_holidays), tuple(countries))


def _parse_entry(text: str) -> tuple[tuple[int | None, ...], tuple[Spell, ...]]:
    """Parse one text into numbers of weekdays (None: holidays) and spells."""
    entry = ENTRY.fullmatch(text)
    if not entry or SPELL.sub("", entry["spells"]).strip(" ,，、;；"):
        raise ValueError(text)
    try:
        days = tuple(_parse_days(entry["days"])) if entry["days"] else tuple(range(7))
        return days, tuple(_to_spell(match) for match in SPELL.finditer(entry["spells"]))
    except ValueError:
        raise ValueError(text) from None


def _parse_days(text: str) -> Iterator[int | None]:
    for part in re.split(r"[,，、]\s*", text.strip(" :：")):
        first, *last = RANGE.split(part)
        if not last and first.lower() in HOLIDAYS:
            yield None
            continue
        start, end = _find_weekday(first), _find_weekday(last[0] if len(last) == 1 else first)
        if len(last) > 1:
            raise ValueError(text)
        yield from ((start + step) % 7 for step in range((end - start) % 7 + 1))  # Fri-Mon spans the weekend


def _find_weekday(name: str) -> int:
    wanted = name.strip().lower().rstrip(".")
    weekday = next((number for number, names in enumerate(WEEKDAYS) if wanted in names), None)
    if weekday is None:
        raise ValueError(name)
    return weekday


def _to_spell(match: re.Match[str]) -> Spell:
    open_hour, open_minute, close_hour, close_minute = map(int, match.groups())
    opens, closes = open_hour * 3600 + open_minute * 60, close_hour * 3600 + close_minute * 60
    if max(open_minute, close_minute) > 59 or max(opens, closes) > DAY:
        raise ValueError(match[0])
    return opens, closes if closes > opens else closes + DAY


@lru_cache(maxsize=256)
def _read_year(country: str, year: int) -> tuple[frozenset[date], frozenset[date]]:
    """Return the holidays of a year, and the weekend days that are worked in exchange for one."""
    days, make_up_days = read_holidays(country, year, year)
    return frozenset(holiday.day for holiday in days), frozenset(make_up_days)


class Holiday(NamedTuple):
    """A day off.

    ``name`` is in English where the package has it, else in the country's own language. ``is_moved``: a day off that only
    joins others and has no name.
    """

    day: date
    name: str
    is_moved: bool


class HolidayYears(NamedTuple):
    """The holidays of some years, and the weekend days that are worked in exchange for one."""

    holidays: tuple[Holiday, ...]
    make_up_days: tuple[date, ...]


def find_unknown_country(codes: Iterable[str]) -> str | None:
    """Return the first code that is not a country with known holidays."""
    import holidays

    known = holidays.list_supported_countries()
    return next((code for code in codes if code not in known), None)


@lru_cache(maxsize=64)
def read_holidays(country: str, first_year: int, last_year: int) -> HolidayYears:
    """Read the holidays of a country, in order of their days.

    Args:
        country: ISO code.
        first_year: The first year.
        last_year: The last year; included.
    """
    # a holiday of next January may be observed in December
    calendar = _load(country, first_year, last_year + 1, "en")
    moved, observed = _read_marks(calendar)
    days = tuple(
        Holiday(day, name.removesuffix(observed), name.startswith(moved))
        for day, name in sorted(calendar.items())
        if first_year <= day.year <= last_year
    )
    return HolidayYears(days, tuple(sorted(getattr(calendar, "weekend_workdays", ()))))


@lru_cache(maxsize=512)
def name_holiday(country: str, day: date, language: str) -> str | None:
    """Return a holiday's name in a language, where the package has it; None where it does not."""
    calendar = _load(country, day.year, day.year + 1, language)
    if LOCALES.get(language) not in calendar.supported_languages:
        return None
    name = calendar.get(day)
    return None if name is None else str(name).removesuffix(_read_marks(calendar)[1])


@lru_cache(maxsize=64)
def _load(country: str, first_year: int, last_year: int, language: str) -> Any:
    import holidays

    years = range(first_year, last_year + 1)
    calendar = holidays.country_holidays(country, years=years)
    # asking for a language the package lacks would fall back to another one without a warning
    locale = LOCALES.get(language)
    known = locale in calendar.supported_languages
    return holidays.country_holidays(country, years=years, language=locale) if known else calendar


def _read_marks(calendar: Any) -> tuple[str, str]:
    """Read how a country marks a moved day off (text before its date) and a moved holiday (text after its name).

    NUL, which no name contains, where it has no such mark.
    """
    moved, observed = (getattr(calendar, f"{name}_label", None) for name in ("substituted", "observed"))
    return (
        calendar.tr(moved).partition("%s")[0] if moved else "\0",
        calendar.tr(observed).partition("%s")[2] if observed else "\0",
    )


SQUEEZED = 64
"""Microseconds that a real second of a repeated hour takes where it is kept squeezed."""


class ClockChange(NamedTuple):
    """A change of a zone's clocks: the wall shows ``before``, and then ``after``.

    Where that repeats an hour, a time known to be of one pass is kept in the last half second of the hour, 64 microseconds
    for a real second since the hour first began. So times sort, compare and fall into hours and days as they happened, and
    nothing but durations and what a reader is shown has to know of it.
    """

    before: datetime
    after: datetime

    @property
    def repeats(self) -> timedelta:
        """How much of the day the wall shows twice: nothing where it skips some."""
        return max(self.before - self.after, timedelta())

    @property
    def squeezed_from(self) -> datetime:
        """Where the squeezed times begin, both passes one after the other; they end with the hour."""
        return self.before - timedelta(microseconds=2 * SQUEEZED * self.repeats.total_seconds())


def read_wall(moment: datetime, changes: Iterable[ClockChange]) -> datetime:
    """Return what the wall showed at a time that may be kept squeezed."""
    for change in changes:
        if change.repeats and change.squeezed_from <= moment < change.before:
            return change.after + (moment - change.squeezed_from) * (1_000_000 // SQUEEZED) % change.repeats
    return moment


def list_clock_changes(
    zone: str, first: datetime, last: datetime, step: timedelta = timedelta(days=1)
) -> Iterator[ClockChange]:
    """List the changes of a zone's clocks between two of its wall times, by comparing its offset at every step."""
    at = first.replace(minute=0, second=0, microsecond=0, tzinfo=ZoneInfo(zone)).astimezone(UTC) - timedelta(days=1)
    end = last.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) + timedelta(days=1)
    offset = _offset(zone, at)
    while at < end:
        after = at + step
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


FIRST_TIME, LAST_TIME = map(datetime.fromisoformat, ("2001-01-01", "2066-01-01"))
"""Times between these are told apart: they are those of epoch numbers with ten digits."""
REPEATED = (timedelta(hours=1), timedelta(minutes=30))


@lru_cache
def list_repeated_hours(zone: str) -> dict[timedelta, frozenset[int]]:
    """List how much of a day a zone's wall shows twice, and the months in which it does; nothing for zones without."""
    changes = list(list_clock_changes(zone, FIRST_TIME, LAST_TIME, timedelta(days=28)))
    found = {
        width: frozenset(change.after.month for change in changes if change.repeats == width and _ends_hour(change))
        for width in REPEATED
    }
    return {width: months for width, months in found.items() if months}


def _ends_hour(change: ClockChange) -> bool:
    return not (change.before.minute or change.before.second)
