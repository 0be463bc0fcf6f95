"""What may explain a step in the trend: the store's own ``events.yaml``, public holidays, and days changed by the platform.

Chinese make-up work days come from the ``holidays`` package, which knows the yearly notices of the State Council. For a
year that it knows no notice of, only the holidays themselves are marked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml
from pydantic import Field, field_validator, model_validator

from storehealth.catalogue.common import Language, Strict, Words
from storehealth.catalogue.files import broken_yaml, read_yaml, validate
from storehealth.catalogue.platform import Platform
from storehealth.errors import UsageError
from storehealth.model import Event

FILE = "events.yaml"
LANGUAGES: dict[Language, str] = {"en": "en_US", "zh": "zh_CN", "es": "es"}
EXAMPLE = "Write it as `events: [{from: 2026-11-01, to: 2026-11-11, name: Double 11, kind: promotion}]`."


class OwnEvent(Strict):
    """A promotion, a change of rules, or anything else that moves the figures for a while."""

    day: date | None = Field(default=None, alias="date")
    first: date | None = Field(default=None, alias="from")
    last: date | None = Field(default=None, alias="to")
    name: Words
    kind: Literal["promotion", "holiday", "rule_change", "other"] = "promotion"

    @model_validator(mode="after")
    def _one_time(self) -> OwnEvent:
        if (self.day is None) == (self.first is None or self.last is None):
            raise ValueError("give date, or from and to")
        if self.first is not None and self.last is not None and self.last < self.first:
            raise ValueError("to is before from")
        return self

    def event(self) -> Event:
        """As it is shown."""
        first, last = self.day or self.first, self.day or self.last
        return Event.model_validate({"first": first, "last": last, "name": self.name, "kind": self.kind})


class EventsFile(Strict):
    """``events.yaml``."""

    events: tuple[OwnEvent, ...] = ()
    holidays: tuple[str, ...] | None = Field(
        default=None, description="Countries by ISO code, such as [CN]; default: the platform's own. []: none."
    )

    @field_validator("holidays")
    @classmethod
    def _known(cls, codes: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if codes:
            import holidays

            unknown = [code for code in codes if code not in holidays.list_supported_countries()]
            if unknown:
                raise ValueError(f"no such country: {', '.join(unknown)}; write ISO codes such as CN, US, MX")
        return codes


@dataclass(frozen=True)
class Calendar:
    """The store's own events, and whose holidays count; None: those of the platform's country."""

    own: tuple[Event, ...] = ()
    countries: tuple[str, ...] | None = None


class Span(NamedTuple):
    """The days that a trend covers."""

    first: date
    last: date


def read_calendar(folder: Path) -> Calendar:
    """The ``events.yaml`` of a folder; nothing where there is none.

    Raises:
        UsageError: It is not YAML, or has mistakes; the message lists all of them with their lines.
    """
    path = folder / FILE
    if not path.is_file():
        return Calendar()
    try:
        content = read_yaml(path)
    except yaml.YAMLError as error:
        raise UsageError(broken_yaml(path, error), "Mend the file named above.") from None
    problems: list[str] = []
    found = validate(EventsFile, path, content or {}, problems)
    if found is None:
        raise UsageError("\n".join(problems), EXAMPLE)
    return Calendar(tuple(one.event() for one in found.events), found.holidays)


def events_in(
    span: Span, calendar: Calendar, platform: Platform, versions: Mapping[str, Platform], language: Language
) -> tuple[Event, ...]:
    """Everything in the days of a trend, in order of its first day.

    Args:
        span: The days.
        calendar: The store's own events and countries.
        platform: Whose country counts where the store names none.
        versions: All platforms by file name; a version that came into force is a change of rules.
        language: Of the names of holidays, where the package has them in it; else English, else the country's own.
    """
    countries = calendar.countries if calendar.countries is not None else (platform.country or "",)
    found = [*calendar.own, *_rule_changes(platform, versions, language)]
    found += [event for code in countries if code for event in _holidays(code, span, language)]
    touched = [one for one in found if one.last >= span.first and one.first <= span.last]
    return tuple(sorted(touched, key=lambda one: (one.first, one.last, one.kind, one.name)))


def _rule_changes(platform: Platform, versions: Mapping[str, Platform], language: Language) -> Iterator[Event]:
    for one in versions.values():
        if one.name == platform.name and one.effective_from:
            day, name = one.effective_from, one.title.in_language(language)
            yield Event(first=day, last=day, name=name, kind="rule_change")


def _holidays(code: str, span: Span, language: Language) -> Iterator[Event]:
    import holidays

    years = range(span.first.year - 1, span.last.year + 2)  # a holiday may span New Year
    found = holidays.country_holidays(code, years=years)
    wanted = LANGUAGES[language] if LANGUAGES[language] in found.supported_languages else LANGUAGES["en"]
    if wanted in found.supported_languages:
        found = holidays.country_holidays(code, years=years, language=wanted)
    yield from _grouped(sorted(found.items()), _labels(found))
    for day in sorted(getattr(found, "weekend_workdays", ())):
        yield Event(first=day, last=day, name="", kind="make_up_work_day")


class Labels(NamedTuple):
    """How the package marks a day off that was moved (before its date), and a holiday that was (after its name)."""

    moved: str
    observed: str


def _labels(found: Any) -> Labels:
    """A NUL stands where a country has no such mark: no name holds one."""
    moved, observed = (getattr(found, f"{name}_label", None) for name in ("substituted", "observed"))
    return Labels(
        found.tr(moved).partition("%s")[0] if moved else "\0",
        found.tr(observed).partition("%s")[2] if observed else "\0",
    )


def _grouped(days: Iterable[tuple[date, str]], labels: Labels) -> Iterator[Event]:
    """Holidays with nothing but a weekend between them are one; a day off that was moved to them has no name of its own."""
    run: list[tuple[date, str]] = []
    for day, name in days:
        if run and not _follows(run[-1][0], day):
            yield _event(run, labels)
            run = []
        run.append((day, name))
    if run:
        yield _event(run, labels)


def _follows(before: date, day: date) -> bool:
    between = (before + timedelta(days=step) for step in range(1, (day - before).days))
    return (day - before).days <= 3 and all(one.weekday() >= 5 for one in between)


def _event(run: list[tuple[date, str]], labels: Labels) -> Event:
    own = [name.removesuffix(labels.observed) for _, name in run if not name.startswith(labels.moved)]
    names = list(dict.fromkeys(own)) or [run[0][1]]
    return Event(first=run[0][0], last=run[-1][0], name=", ".join(names), kind="holiday")
