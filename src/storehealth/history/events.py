"""What may explain a step in the trend: the store's own ``events.yaml``, public holidays, and days changed by the platform."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal, NamedTuple

import yaml
from pydantic import Field, field_validator, model_validator

from storehealth.catalogue.common import NonEmptyText, StrictModel
from storehealth.catalogue.files import describe_yaml_error, read_yaml, validate_record
from storehealth.catalogue.platform import Platform
from storehealth.catalogue.texts import to_message
from storehealth.errors import UsageError
from storehealth.model import TrendEvent
from storehealth.support.message import Message, Name, data_text, lines, message, verbatim
from storehealth.support.service_hours import Holiday, find_unknown_country, read_holidays
from storehealth.support.validation import InvalidValue

FILE = "events.yaml"


class OwnEvent(StrictModel):
    """A promotion, a change of rules, or anything else that moves the figures for a while."""

    day: date | None = Field(default=None, alias="date")
    first: date | None = Field(default=None, alias="from")
    last: date | None = Field(default=None, alias="to")
    name: NonEmptyText
    kind: Literal["promotion", "holiday", "rule_change", "other"] = "promotion"

    @model_validator(mode="after")
    def _check_dates(self) -> OwnEvent:
        if (self.day is None) == (self.first is None or self.last is None):
            raise InvalidValue(message("events.one_time"))
        if self.first is not None and self.last is not None and self.last < self.first:
            raise InvalidValue(message("events.backwards"))
        return self

    def to_event(self) -> TrendEvent:
        """Convert to the record that reports show."""
        first, last = self.day or self.first, self.day or self.last
        return TrendEvent.model_validate({"first": first, "last": last, "name": verbatim(self.name), "kind": self.kind})


class EventsFile(StrictModel):
    """``events.yaml``."""

    events: tuple[OwnEvent, ...] = ()
    holidays: tuple[str, ...] | None = Field(
        default=None, description="Countries by ISO code, such as [CN]; default: the platform's own. []: none."
    )

    @field_validator("holidays")
    @classmethod
    def _check_countries(cls, codes: tuple[str, ...] | None) -> tuple[str, ...] | None:
        unknown = find_unknown_country(codes) if codes else None
        if unknown:
            raise InvalidValue(message("settings.country", code=Name(unknown)))
        return codes


@dataclass(frozen=True)
class EventCalendar:
    """The store's own events, and the countries whose holidays count; None: the platform's own country."""

    own: tuple[TrendEvent, ...] = ()
    countries: tuple[str, ...] | None = None


class TrendSpan(NamedTuple):
    """The days that a trend covers."""

    first: date
    last: date


def read_calendar(folder: Path) -> EventCalendar:
    """Read the ``events.yaml`` of a folder; an empty calendar where there is none.

    Raises:
        UsageError: It is not YAML, or has mistakes; the message lists them all with their lines.
    """
    path = folder / FILE
    if not path.is_file():
        return EventCalendar()
    try:
        content = read_yaml(path)
    except yaml.YAMLError as error:
        raise UsageError(describe_yaml_error(path, error), message("settings.fix_file")) from None
    problems: list[Message] = []
    events_file = validate_record(EventsFile, path, content or {}, problems)
    if events_file is None:
        raise UsageError(lines(problems), message("events.example"))
    return EventCalendar(tuple(event.to_event() for event in events_file.events), events_file.holidays)


def list_events(
    span: TrendSpan, calendar: EventCalendar, platform: Platform, versions: Mapping[str, Platform]
) -> tuple[TrendEvent, ...]:
    """List all events that touch a span of days, in order of their first day.

    Args:
        span: The days.
        calendar: The store's own events and countries.
        platform: Its country counts where the store names none.
        versions: All platforms by file name; a version that came into force is an event: a change of rules.
    """
    countries = calendar.countries if calendar.countries is not None else (platform.country or "",)
    events = [*calendar.own, *_list_rule_changes(platform, versions)]
    events += [event for code in countries if code for event in _list_holidays(code, span)]
    overlapping = [event for event in events if event.last >= span.first and event.first <= span.last]
    return tuple(sorted(overlapping, key=lambda event: (event.first, event.last, event.kind, str(event.name or ""))))


def _list_rule_changes(platform: Platform, versions: Mapping[str, Platform]) -> Iterator[TrendEvent]:
    for stem, version in versions.items():
        if version.name == platform.name and version.effective_from:
            day, name = version.effective_from, to_message(version.title, f"platform.{stem}.title")
            yield TrendEvent(first=day, last=day, name=name, kind="rule_change")


def _list_holidays(code: str, span: TrendSpan) -> Iterator[TrendEvent]:
    # a holiday may begin before New Year and end after it
    holidays, make_up_days = read_holidays(code, span.first.year - 1, span.last.year + 1)
    for group in _group_adjacent(holidays):
        yield TrendEvent(first=group[0].day, last=group[-1].day, name=_name_group(code, group), kind="holiday")
    for day in make_up_days:
        yield TrendEvent(first=day, last=day, name=None, kind="make_up_work_day")


def _group_adjacent(holidays: Iterable[Holiday]) -> Iterator[list[Holiday]]:
    """Group holidays that only a weekend separates."""
    group: list[Holiday] = []
    for holiday in holidays:
        if group and not _is_adjacent(group[-1].day, holiday.day):
            yield group
            group = []
        group.append(holiday)
    if group:
        yield group


def _is_adjacent(earlier: date, later: date) -> bool:
    days_between = (earlier + timedelta(days=step) for step in range(1, (later - earlier).days))
    return (later - earlier).days <= 3 and all(day.weekday() >= 5 for day in days_between)


def _name_group(code: str, group: Sequence[Holiday]) -> Message:
    """Name holidays that follow each other; a day off that was moved to them has no name."""
    named = {holiday.name: holiday for holiday in reversed(group) if not holiday.is_moved} or {"": group[0]}
    first_days = sorted(named.values())
    names = tuple(data_text(f"holiday.{code}.{holiday.day}", holiday.name) for holiday in first_days)
    return names[0] if len(names) == 1 else message("events.holidays", names=names)
