"""Phrases about what the figures of a checkup are based on: days, files, rows, and where the data end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from storehealth.model import Checkup, Source, StoredTable, Window
from storehealth.wording import Words

NOTABLE_HOURS = 24
"""A table that ends fewer hours than this before the others is not mentioned."""


def find_span_outside(sources: Iterable[Source], as_of: datetime | None) -> tuple[datetime, datetime] | None:
    """First and last event of the files, where ``as_of`` lies before them or more than a day after them."""
    times = [at for source in sources for at in (source.first, source.last) if at is not None]
    if as_of is None or not times or min(times) <= as_of <= max(times) + timedelta(days=1):
        return None
    return min(times), max(times)


def list_later_tables(parts: Iterable[StoredTable], as_of: datetime | None, words: Words) -> list[str]:
    """Tables that begin only after ``as_of``, each with its days; empty where all do, since the headline says so.

    Args:
        parts: What the files gave of each table.
        as_of: The audit's moment.
        words: Of the language wanted.
    """
    ends: dict[str, list[datetime]] = {}
    for part in parts:
        if part.rows and part.first is not None and part.last is not None:
            ends.setdefault(part.table, []).extend((part.first, part.last))
    begin = [table for table, times in ends.items() if as_of is not None and min(times) > as_of]
    return [
        words.say(
            "screen.later",
            table=words.name_table(table),
            at=words.format_moment(as_of),
            first=words.format_day(min(ends[table]).date()),
            last=words.format_day(max(ends[table]).date()),
        )
        for table in begin
        if len(begin) < len(ends)
    ]


def describe_days(window: Window, words: Words) -> str:
    """The days of a window, or that it has no ends."""
    if window.first is None and window.last is None:
        return words.say("screen.all_days")
    return words.say("screen.window", first=words.format_day(window.first), last=words.format_day(window.last))


def describe_data(checkup: Checkup, words: Words) -> list[str]:
    """Store, platform, days, zone, files, rows, the end of the data, and which figures leave out the newest days."""
    parts = [checkup.store, checkup.platform, describe_days(checkup.window, words), checkup.timezone]
    parts.append(words.count("count.files", len({source.path.split("#")[0] for source in checkup.sources})))
    parts.append(words.count("count.rows", sum(source.rows for source in checkup.sources)))
    for key in ("duplicates", "rejected"):
        number = sum(getattr(source, key) for source in checkup.sources)
        parts += [words.count(f"count.{key}", number)] if number else []
    if checkup.as_of is None:
        return [*parts, words.say("screen.no_as_of")]
    parts.append(words.say("screen.as_of", at=words.format_moment(checkup.as_of)))
    span = find_span_outside(checkup.sources, checkup.as_of)
    if span:
        first, last = (words.format_day(at.date()) for at in span)
        parts.append(words.say("screen.held", first=first, last=last))
    return [*parts, *_describe_ends(checkup, words), *_describe_lags(checkup, words)]


def _describe_ends(checkup: Checkup, words: Words) -> Iterator[str]:
    """Tables that end early or lack days."""
    ages = [
        words.say("screen.age", table=words.name_table(table), age=words.format_figure(3600 * end.age_hours, "seconds"))
        for table, end in checkup.table_ends.items()
        if end.age_hours > NOTABLE_HOURS
    ]
    if ages:
        yield words.say("screen.ends", ends=words.say("unit.comma").join(ages))
    parts = [
        words.say("screen.days_of", table=words.name_table(table), days=end.days, of=end.of_days)
        for table, end in checkup.table_ends.items()
        if end.days is not None and end.of_days is not None and end.days < end.of_days
    ]
    if parts:
        yield words.say("screen.covered", parts=words.say("unit.comma").join(parts))


def _describe_lags(checkup: Checkup, words: Words) -> Iterator[str]:
    """Areas whose figures end before the report's last day, grouped by their days."""
    last, areas_by_days = checkup.window.last, dict[tuple[int, str], dict[str, None]]()
    for finding in checkup.findings:
        end = finding.window.last
        if last is not None and end is not None and end < last and finding.status != "not_applicable":
            name = words.to_lower(words.say(f"area.{finding.area}"))
            areas_by_days.setdefault(((last - end).days, describe_days(finding.window, words)), {})[name] = None
    for (number, spell), areas in sorted(areas_by_days.items()):
        yield words.say("screen.lag", n=number, days=spell, areas=words.say("unit.comma").join(areas))
