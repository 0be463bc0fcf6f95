"""Did it help? An advice is looked at again by the first audit on or after the day it was to be checked on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from storehealth.catalogue.scoring import Scoring
from storehealth.history.change import DIGITS, change_of, of_counts
from storehealth.history.past import JUDGED, Past, PastRun
from storehealth.model import (
    Change,
    CountsThen,
    Driver,
    Finding,
    FollowUp,
    PublishedMeasurement,
    Recommendation,
    Window,
)
from storehealth.points import headline_mean

STANDS_OUT = 0.3
"""A slice with at least this share of the misses is what the advice is measured by."""


@dataclass(frozen=True)
class Given:
    """An advice and the run that gave it."""

    advice: Recommendation
    run: PastRun
    check_on: date


@dataclass
class Book:
    """Which advice is waiting for its day: one that is repeated counts from when it was first given."""

    waiting: dict[str, Given] = field(default_factory=dict)

    def due(self, as_of: datetime) -> list[Given]:
        """What is to be looked at now; it is taken out."""
        found = [one for one in self.waiting.values() if one.check_on <= as_of.date()]
        for one in found:
            del self.waiting[one.advice.id]
        return found

    def take(self, run: PastRun) -> None:
        """Note what a run advised."""
        for advice in run.told.recommendations:
            if advice.id not in self.waiting and advice.check_on is not None:
                self.waiting[advice.id] = Given(advice, run, advice.check_on)


def due_now(past: Past, as_of: datetime) -> list[Given]:
    """Advice whose day has come since the run before this one, in the order it was given."""
    book = Book()
    for run in past.lately:
        book.due(run.as_of)
        book.take(run)
    return book.due(as_of)


def follow_ups(
    past: Past,
    findings: Sequence[Finding],
    measurements: Sequence[PublishedMeasurement],
    scoring: Scoring,
    as_of: datetime,
) -> tuple[FollowUp, ...]:
    """Every advice whose day has come, measured again by the counts of then and now."""
    told = (_follow_up(given, findings, measurements, scoring) for given in due_now(past, as_of))
    return tuple(one for one in told if one is not None)


def _follow_up(
    given: Given, findings: Sequence[Finding], measurements: Sequence[PublishedMeasurement], scoring: Scoring
) -> FollowUp | None:
    before = next((found for code in given.advice.findings if (found := given.run.judged(code))), None)
    if before is None:  # its rules ask something else by now
        return None
    now = next((one for one in findings if one.code == before.code and one.status in JUDGED), None)
    driver = _driver(before)
    then, after, change = _whole(before, now) if driver is None else _slice(before, now, driver, measurements)
    return FollowUp(
        id=given.advice.id,
        name=given.advice.name,
        given_on=given.run.as_of.date(),
        check_on=given.check_on,
        code=before.code,
        title=before.title,
        unit=before.unit if driver is None else "share",
        segment=driver.segment if driver else {},
        before=then,
        after=after,
        change=change,
        points=_points(given, findings, scoring),
    )


def _driver(finding: Finding) -> Driver | None:
    """The slice with most misses, if one stands out; a single day does not come again."""
    own = [one for one in finding.drivers if "day" not in one.segment and one.share_of_defects >= STANDS_OUT]
    return max(own, key=lambda one: one.share_of_defects, default=None)


def _whole(before: Finding, now: Finding | None) -> tuple[CountsThen, CountsThen | None, Change | None]:
    return _counted(before), _counted(now) if now else None, change_of(before, now) if now else None


def _counted(finding: Finding) -> CountsThen:
    return CountsThen(defects=finding.defects, judged=finding.judged, value=finding.value, days=days_of(finding.window))


def _slice(
    before: Finding, now: Finding | None, driver: Driver, measurements: Sequence[PublishedMeasurement]
) -> tuple[CountsThen, CountsThen | None, Change | None]:
    """The same slice then and now, as the share that is good or, where more is worse, bad."""
    own = (one for one in measurements if one.code == before.code and one.segment == driver.segment)
    found = next(own, None) if now else None
    then = _sliced((driver.defects, driver.judged), before)
    if found is None or now is None or found.judged == 0:
        return then, None, None
    counts = (found.defects, found.judged)
    return then, _sliced(counts, now), of_counts((driver.defects, driver.judged), counts)


def _sliced(counts: tuple[int, int], finding: Finding) -> CountsThen:
    defects, judged = counts
    bad = defects / judged if judged else None
    good = None if bad is None else round(1 - bad, 12)
    value = good if finding.unit == "share" and finding.higher_is == "better" else bad
    return CountsThen(defects=defects, judged=judged, value=value, days=days_of(finding.window))


def _points(given: Given, findings: Sequence[Finding], scoring: Scoring) -> float | None:
    """The headline now, less what it would be with the figures the advice was given for as they were then."""
    then = {
        code: value
        for code in given.advice.findings
        if (found := given.run.judged(code)) is not None and (value := _smaller(found)) is not None
        and any(one.code == code and one.scored and one.status in JUDGED for one in findings)
    }  # fmt: skip
    now, with_then = headline_mean(findings, scoring).score, headline_mean(findings, scoring, then).score
    return None if now is None or with_then is None or not then else round(now - with_then, DIGITS)


def _smaller(finding: Finding) -> float | None:
    if finding.unit != "share":
        return finding.value
    return finding.defects / finding.judged if finding.judged else None


def days_of(window: Window) -> int | None:
    """Days of a period that has both ends."""
    return None if window.first is None or window.last is None else (window.last - window.first).days + 1
