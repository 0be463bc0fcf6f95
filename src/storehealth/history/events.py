"""What may explain a step in the trend: the store's own ``events.yaml``, public holidays, and days changed by the platform.

Chinese make-up work days come from the ``holidays`` package, which knows the yearly notices of the State Council. For a
year whose notice it does not know yet, only the holidays themselves are marked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml
from pydantic import Field, field_validator, model_validator

from storehealth.catalogue.common import Language, NonEmptyText, StrictModel
from storehealth.catalogue.files import describe_yaml_error, read_yaml, validate_record
from storehealth.catalogue.platform import Platform
from storehealth.errors import UsageError
from storehealth.model import TrendEvent
from storehealth.support.message import Message, lines

FILE = "events.yaml"
LANGUAGES: dict[Language, str] = {"en": "en_US", "zh": "zh_CN", "es": "es"}
EXAMPLE = "Write it as `events: [{from: 2026-11-01, to: 2026-11-11, name: Double 11, kind: promotion}]`."


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
            raise ValueError("give date, or from and to")
        if self.first is not None and self.last is not None and self.last < self.first:
            raise ValueError("to is before from")
        return self

    def to_event(self) -> TrendEvent:
        """Convert to the record that reports show."""
        first, last = self.day or self.first, self.day or self.last
        return TrendEvent.model_validate({"first": first, "last": last, "name": self.name, "kind": self.kind})


class EventsFile(StrictModel):
    """``events.yaml``."""

    events: tuple[OwnEvent, ...] = ()
    holidays: tuple[str, ...] | None = Field(
        default=None, description="Countries by ISO code, such as [CN]; default: the platform's own. []: none."
    )

    @field_validator("holidays")
    @classmethod
    def _check_countries(cls, codes: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if codes:
            import holidays

            unknown = [code for code in codes if code not in holidays.list_supported_countries()]
            if unknown:
                raise ValueError(f"no such country: {', '.join(unknown)}; write ISO codes such as CN, US, MX")
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
        raise UsageError(describe_yaml_error(path, error), "Mend the file named above.") from None
    problems: list[Message] = []
    events_file = validate_record(EventsFile, path, content or {}, problems)
    if events_file is None:
        raise UsageError(lines(problems), EXAMPLE)
    return EventCalendar(tuple(event.to_event() for event in events_file.events), events_file.holidays)


def list_events(
    span: TrendSpan, calendar: EventCalendar, platform: Platform, versions: Mapping[str, Platform], language: Language
) -> tuple[TrendEvent, ...]:
    """List all events that touch a span of days, in order of their first day.

    Args:
        span: The days.
        calendar: The store's own events and countries.
        platform: Its country counts where the store names none.
        versions: All platforms by file name; a version that came into force is an event: a change of rules.
        language: For the names of holidays. Where the package lacks it they are in English, else in the country's own.
    """
    countries = calendar.countries if calendar.countries is not None else (platform.country or "",)
    events = [*calendar.own, *_list_rule_changes(platform, versions, language)]
    events += [event for code in countries if code for event in _list_holidays(code, span, language)]
    overlapping = [event for event in events if event.last >= span.first and event.first <= span.last]
    return tuple(sorted(overlapping, key=lambda event: (event.first, event.last, event.kind, event.name)))


def _list_rule_changes(
    platform: Platform, versions: Mapping[str, Platform], language: Language
) -> Iterator[TrendEvent]:
    for version in versions.values():
        if version.name == platform.name and version.effective_from:
            day, name = version.effective_from, version.title.in_language(language)
            yield TrendEvent(first=day, last=day, name=name, kind="rule_change")


def _list_holidays(code: str, span: TrendSpan, language: Language) -> Iterator[TrendEvent]:
    import holidays

    years = range(span.first.year - 1, span.last.year + 2)  # a holiday may begin before New Year and end after it
    calendar = holidays.country_holidays(code, years=years)
    # asking for a language the package lacks would fall back to another one without a warning
    locale = LANGUAGES[language] if LANGUAGES[language] in calendar.supported_languages else LANGUAGES["en"]
    if locale in calendar.supported_languages:
        calendar = holidays.country_holidays(code, years=years, language=locale)
    yield from _merge_adjacent(sorted(calendar.items()), _read_labels(calendar))
    for day in sorted(getattr(calendar, "weekend_workdays", ())):
        yield TrendEvent(first=day, last=day, name="", kind="make_up_work_day")


class HolidayLabels(NamedTuple):
    """How the package marks a moved day off (text before its date) and a moved holiday (text after its name)."""

    moved: str
    observed: str


def _read_labels(calendar: Any) -> HolidayLabels:
    """Read the marks of a country; NUL, which no name contains, where it has none."""
    moved, observed = (getattr(calendar, f"{name}_label", None) for name in ("substituted", "observed"))
    return HolidayLabels(
        calendar.tr(moved).partition("%s")[0] if moved else "\0",
        calendar.tr(observed).partition("%s")[2] if observed else "\0",
    )


def _merge_adjacent(days: Iterable[tuple[date, str]], labels: HolidayLabels) -> Iterator[TrendEvent]:
    """Merge holidays that only a weekend separates into one event; a moved day off gets no name of its own."""
    group: list[tuple[date, str]] = []
    for day, name in days:
        if group and not _is_adjacent(group[-1][0], day):
            yield _to_event(group, labels)
            group = []
        group.append((day, name))
    if group:
        yield _to_event(group, labels)


def _is_adjacent(earlier: date, later: date) -> bool:
    days_between = (earlier + timedelta(days=step) for step in range(1, (later - earlier).days))
    return (later - earlier).days <= 3 and all(day.weekday() >= 5 for day in days_between)


def _to_event(days: list[tuple[date, str]], labels: HolidayLabels) -> TrendEvent:
    names = [name.removesuffix(labels.observed) for _, name in days if not name.startswith(labels.moved)]
    distinct = list(dict.fromkeys(names)) or [days[0][1]]
    return TrendEvent(first=days[0][0], last=days[-1][0], name=", ".join(distinct), kind="holiday")
