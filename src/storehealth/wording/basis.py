"""What the figures of a checkup rest on: days, files, rows, and where the data end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from storehealth.model import Checkup, Source, StoredTable, Window
from storehealth.wording import Words

NOTABLE_HOURS = 24
"""A table that ends less than so long before the others is not worth a word."""


def outside(sources: Iterable[Source], as_of: datetime | None) -> tuple[datetime, datetime] | None:
    """First and last event of the files, where ``as_of`` lies before them or more than a day after them."""
    held = [at for one in sources for at in (one.first, one.last) if at is not None]
    if as_of is None or not held or min(held) <= as_of <= max(held) + timedelta(days=1):
        return None
    return min(held), max(held)


def later(parts: Iterable[StoredTable], as_of: datetime | None, words: Words) -> list[str]:
    """The tables that begin only after ``as_of``, each with its days; none where all of them do, which the headline says.

    Args:
        parts: What the files gave of each table.
        as_of: The audit's moment.
        words: Of the language wanted.
    """
    ends: dict[str, list[datetime]] = {}
    for one in parts:
        if one.rows and one.first is not None and one.last is not None:
            ends.setdefault(one.table, []).extend((one.first, one.last))
    begin = [table for table, held in ends.items() if as_of is not None and min(held) > as_of]
    return [
        words.say(
            "screen.later",
            table=words.table(table),
            at=words.moment(as_of),
            first=words.day(min(ends[table]).date()),
            last=words.day(max(ends[table]).date()),
        )
        for table in begin
        if len(begin) < len(ends)
    ]


def days(window: Window, words: Words) -> str:
    """The days of a window, or that it has no ends."""
    if window.first is None and window.last is None:
        return words.say("screen.all_days")
    return words.say("screen.window", first=words.day(window.first), last=words.day(window.last))


def data_statement(checkup: Checkup, words: Words) -> list[str]:
    """Store, platform, days, zone, files, rows, the end of the data, and which figures leave out the newest days."""
    said = [checkup.store, checkup.platform, days(checkup.window, words), checkup.timezone]
    said.append(words.count("count.files", len({one.path.split("#")[0] for one in checkup.sources})))
    said.append(words.count("count.rows", sum(one.rows for one in checkup.sources)))
    for key in ("duplicates", "rejected"):
        number = sum(getattr(one, key) for one in checkup.sources)
        said += [words.count(f"count.{key}", number)] if number else []
    if checkup.as_of is None:
        return [*said, words.say("screen.no_as_of")]
    said.append(words.say("screen.as_of", at=words.moment(checkup.as_of)))
    held = outside(checkup.sources, checkup.as_of)
    if held:
        first, last = (words.day(at.date()) for at in held)
        said.append(words.say("screen.held", first=first, last=last))
    return [*said, *_ends(checkup, words), *_lags(checkup, words)]


def _ends(checkup: Checkup, words: Words) -> Iterator[str]:
    """Tables that end early or lack days."""
    ages = [
        words.say("screen.age", table=words.table(table), age=words.figure(3600 * end.age_hours, "seconds"))
        for table, end in checkup.table_ends.items()
        if end.age_hours > NOTABLE_HOURS
    ]
    if ages:
        yield words.say("screen.ends", ends=words.say("unit.comma").join(ages))
    parts = [
        words.say("screen.days_of", table=words.table(table), days=end.days, of=end.of_days)
        for table, end in checkup.table_ends.items()
        if end.days is not None and end.of_days is not None and end.days < end.of_days
    ]
    if parts:
        yield words.say("screen.covered", parts=words.say("unit.comma").join(parts))


def _lags(checkup: Checkup, words: Words) -> Iterator[str]:
    """Figures whose days end before the page's own, by those days."""
    last, found = checkup.window.last, dict[tuple[int, str], dict[str, None]]()
    for one in checkup.findings:
        end = one.window.last
        if last is not None and end is not None and end < last and one.status != "not_applicable":
            name = words.lower(words.say(f"area.{one.area}"))
            found.setdefault(((last - end).days, days(one.window, words)), {})[name] = None
    for (number, spell), areas in sorted(found.items()):
        yield words.say("screen.lag", n=number, days=spell, areas=words.say("unit.comma").join(areas))
