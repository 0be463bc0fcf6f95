"""Whether a figure has changed beyond what chance explains (E.6 of the scoring method)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from storehealth.catalogue.scoring import Scoring
from storehealth.history.past import JUDGED, PastRun
from storehealth.model import (
    AreaChange,
    AreaScore,
    Change,
    Finding,
    Previous,
    ScoreChange,
    ScorePart,
    Window,
)
from storehealth.points import headline_mean, headline_weights
from storehealth.stats import apart, newcombe

DIGITS = 2
LEAST_PART = 0.05
"""Points below which what a finding adds is not listed."""
LEAST_SHARE = 0.05
"""Shares of a weekday in two periods that differ by more make them periods of another mix."""


def change_of(before: Finding | None, after: Finding) -> Change | None:
    """Better, worse, or within noise; None where there is nothing to compare.

    Shares by Newcombe's interval of their difference; other figures only where their own intervals do not overlap.
    """
    if before is None or before.unit != after.unit or before.higher_is != after.higher_is:
        return None
    if before.status not in JUDGED or after.status not in JUDGED:
        return None
    if after.unit == "share":
        return of_counts((before.defects, before.judged), (after.defects, after.judged))
    return _of_intervals(before, after)


def of_counts(before: tuple[int, int], after: tuple[int, int]) -> Change | None:
    """The same of two shares of defects, each as (defects, judged)."""
    if before[1] == 0 or after[1] == 0:
        return None
    low, high = newcombe(*after, *before)
    return _told(low, high)


def _told(low: float, high: float) -> Change:
    """A difference of a figure of which less is better."""
    return "worse" if low > 0 else "better" if high < 0 else "within_noise"


def _of_intervals(before: Finding, after: Finding) -> Change | None:
    if before.interval == (None, None) or after.interval == (None, None):
        return None
    (then_low, then_high), (low, high) = (_ends(one) for one in (before, after))
    if low <= then_high and then_low <= high:
        return "within_noise"
    return "worse" if (low > then_high) == (after.higher_is == "worse") else "better"


def _ends(finding: Finding) -> tuple[float, float]:
    """An end that too few values leave open, or that still grows, is infinitely far away."""
    low, high = finding.interval
    return -math.inf if low is None else low, math.inf if high is None else high


def previous_of(
    base: PastRun, findings: Sequence[Finding], areas: Sequence[AreaScore], window: Window, scoring: Scoring
) -> Previous:
    """The run that is compared with, and how the scores have moved since."""
    told, then = base.told.score, {area.id: area.score for area in base.areas}
    return Previous(
        as_of=base.as_of,
        score=told.value,
        uncapped=told.uncapped,
        grade=told.grade,
        score_change=score_change(base, findings, scoring),
        areas=tuple(_area(area, then.get(area.id)) for area in areas),
        rejudged=base.rejudged,
        same_weekdays=same_weekdays(base.told.window, window),
    )


def _area(now: AreaScore, then: float | None) -> AreaChange:
    points = None if now.score is None or then is None else round(now.score - then, DIGITS)
    return AreaChange(id=now.id, score=then, points=points)


def score_change(base: PastRun, findings: Sequence[Finding], scoring: Scoring) -> ScoreChange | None:
    """The headline before any cap, now less then, taken apart; None where one of the two is withheld.

    The counts of then are scored by the rules of now: what that alone changes is ``rules``. Of the rest, ``figures`` is
    what the findings judged both times moved, at the weights of now, and ``coverage`` what others and their weights did.
    """
    then, now = headline_mean(base.findings, scoring), headline_mean(findings, scoring)
    told = base.told.score.uncapped if base.rejudged else then.score
    if then.score is None or now.score is None or told is None:
        return None
    weights, before = headline_weights(findings, scoring), headline_weights(base.findings, scoring)
    parts = {
        code: 100 * weight * (score - before[code][1]) for code, (weight, score) in weights.items() if code in before
    }
    figures = sum(parts.values())
    ends = apart((now.score, now.low or 0.0, now.high or 0.0), (then.score, then.low or 0.0, then.high or 0.0))
    return ScoreChange(
        points=round(now.score - told, DIGITS),
        change=_told(-ends[1], -ends[0]),
        figures=round(figures, DIGITS),
        coverage=round(now.score - then.score - figures, DIGITS),
        rules=round(then.score - told, DIGITS),
        parts=_parts(parts),
    )


def _parts(points: dict[str, float]) -> tuple[ScorePart, ...]:
    ranked = sorted(points.items(), key=lambda part: (-abs(part[1]), part[0]))
    return tuple(ScorePart(code=code, points=round(one, DIGITS)) for code, one in ranked if abs(one) >= LEAST_PART)


def same_weekdays(one: Window, other: Window) -> bool:
    """Whether two periods have about the same share of each weekday; those without ends are taken to."""
    first, second = _weekdays(one), _weekdays(other)
    if first is None or second is None:
        return True
    return all(abs(first[day] / first.total() - second[day] / second.total()) <= LEAST_SHARE for day in range(7))


def _weekdays(window: Window) -> Counter[int] | None:
    if window.first is None or window.last is None or window.last < window.first:
        return None
    days = (window.last - window.first).days + 1
    return Counter((window.first + timedelta(days=day)).weekday() for day in range(days))
