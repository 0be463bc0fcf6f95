"""Phrases about what a checkup is based on: days, files, rows, what was not used or is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from storehealth.catalogue.texts import name_table
from storehealth.i18n import Words
from storehealth.model import Checkup, ExportSuggestion, Source, StoredTable, Window
from storehealth.support.message import Message, message

NOTABLE_HOURS = 24
"""A table that ends fewer hours than this before the others is not mentioned."""


def find_span_outside(sources: Iterable[Source], as_of: datetime | None) -> tuple[datetime, datetime] | None:
    """First and last event of the files, where ``as_of`` lies before them or more than a day after them."""
    times = [at for source in sources for at in (source.first, source.last) if at is not None]
    if as_of is None or not times or min(times) <= as_of <= max(times) + timedelta(days=1):
        return None
    return min(times), max(times)


def list_later_tables(parts: Iterable[StoredTable], as_of: datetime | None) -> list[Message]:
    """Tables that begin only after ``as_of``, each with its days; empty where all do, since the headline says so.

    Args:
        parts: What the files gave of each table.
        as_of: The audit's moment.
    """
    ends: dict[str, list[datetime]] = {}
    for part in parts:
        if part.rows and part.first is not None and part.last is not None:
            ends.setdefault(part.table, []).extend((part.first, part.last))
    begin = [table for table, times in ends.items() if as_of is not None and min(times) > as_of]
    return [
        message(
            "screen.later",
            table=name_table(table),
            at=as_of,
            first=min(ends[table]).date(),
            last=max(ends[table]).date(),
        )
        for table in begin
        if len(begin) < len(ends) and as_of is not None
    ]


def describe_days(window: Window, words: Words) -> str:
    """The days of a window, or that it has no ends."""
    if window.first is None and window.last is None:
        return words.say("screen.all_days")
    return words.say("screen.window", first=words.format_day(window.first), last=words.format_day(window.last))


def name_platform(checkup: Checkup) -> str:
    """The platform, with the country or market where it has several: ``mercado_libre/MX``."""
    return f"{checkup.platform}/{checkup.site}" if checkup.site else checkup.platform


def describe_data(checkup: Checkup, words: Words) -> list[str]:
    """Store, platform, days, zone, files, rows, the end of the data, and which figures leave out the newest days."""
    parts = [checkup.store, name_platform(checkup), describe_days(checkup.window, words), checkup.timezone]
    parts.append(words.count("count.files", len({source.path.split("#")[0] for source in checkup.sources})))
    parts.append(words.count("count.rows", sum(source.rows for source in checkup.sources)))
    for key in ("duplicates", "rejected"):
        number = sum(getattr(source, key) for source in checkup.sources)
        parts += [words.count(f"count.{key}", number)] if number else []
    parts += _describe_figures(checkup, words) if checkup.score.value is None else []
    if checkup.as_of is None:
        return [*parts, words.say("screen.no_as_of")]
    parts.append(words.say("screen.as_of", at=words.format_moment(checkup.as_of)))
    span = find_span_outside(checkup.sources, checkup.as_of)
    if span:
        first, last = (words.format_day(at.date()) for at in span)
        parts.append(words.say("screen.held", first=first, last=last))
    return [*parts, *_describe_ends(checkup, words), *_describe_lags(checkup, words)]


def _describe_figures(checkup: Checkup, words: Words) -> Iterator[str]:
    """What a store that cannot be scored has all the same."""
    for name, number in checkup.figures:
        if number is not None:
            yield words.count(f"figure.{name}", number)


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


MOST_NAMED = 5
"""Files listed by name where there is no room for all."""


def group_refused(sources: Iterable[Source]) -> list[list[Source]]:
    """Files that were refused, grouped by reason."""
    groups: dict[Message | None, list[Source]] = {}
    for source in sources:
        groups.setdefault(source.note, []).append(source)
    return list(groups.values())


def describe_refusal(members: Sequence[Source], words: Words) -> str:
    """Why they were refused."""
    return words.render(members[0].note) if members[0].note else words.say("screen.no_reason")


def describe_refused(members: Sequence[Source], words: Words) -> str:
    """All files that were refused for one reason, by name."""
    paths = words.say("unit.comma").join(source.path for source in members)
    return words.say("screen.refused", n=len(members), path=paths, reason=describe_refusal(members, words))


def describe_rejected(checkup: Checkup, words: Words) -> str | None:
    """How many rows were rejected, and how to see which and why; None where none were."""
    number = sum(source.rejected for source in checkup.sources)
    return words.count("count.rejected_rows", number) if number else None


MOST_FILES = 2


def describe_export(export: ExportSuggestion, words: Words, most: int | None = None) -> str:
    """One sentence, with the menu to export it from; it lists at most ``most`` rules (None: all)."""
    areas = words.say("unit.comma").join(words.to_lower(words.say(f"area.{area}")) for area in export.areas)
    values = {"areas": areas, "codes": _format_codes(export, words, most), "colon": words.say("unit.colon")}
    tables = _list_tables(export, words)
    if export.columns:
        files = words.say("unit.comma").join(export.files[:MOST_FILES]) + (
            " …" if len(export.files) > MOST_FILES else ""
        )
        missing = words.say("screen.lacks", headers=words.say("unit.comma").join(export.headers), files=files)
        return words.say("screen.lets", what=missing, **values)
    menu = words.render(export.menu) or words.say("screen.plain_table", layout=export.layouts[0])
    return words.say("screen.lets_menu", what=tables[:1].upper() + tables[1:], menu=menu, **values)


def summarise_exports(exports: Sequence[ExportSuggestion], words: Words, most: int) -> str:
    """Several missing exports in one sentence: tables, layout and rules."""
    parts = []
    for export in exports:
        what = words.say("unit.comma").join(export.headers) if export.columns else _list_tables(export, words)
        inside = f"{export.layouts[0]}{words.say('unit.colon')}{_format_codes(export, words, most)}"
        parts.append(words.say("unit.brackets", what=what, inside=inside))
    return words.say("screen.also", what=words.say("unit.comma").join(parts))


def _list_tables(export: ExportSuggestion, words: Words) -> str:
    return words.say("unit.comma").join(words.name_table(table) for table in export.tables)


def _format_codes(export: ExportSuggestion, words: Words, most: int | None) -> str:
    """The rules it enables alone; those that need other files too, where there is room or nothing else to list."""
    parts = [_list_codes(export.codes, most)] if export.codes else []
    if export.with_others and (most is None or not export.codes):
        parts.append(words.say("screen.with_others", codes=_list_codes(export.with_others, most)))
    return words.say("unit.semicolon").join(parts)


def _list_codes(codes: Sequence[str], most: int | None) -> str:
    return " ".join(codes[:most]) + (" …" if most is not None and len(codes) > most else "")
