"""Whether a figure has changed beyond what chance explains (E.6 of the scoring method)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from storehealth.catalogue.thresholds import Scoring
from storehealth.history.past import JUDGED, EarlierRun
from storehealth.model import AreaChange, AreaScore, Change, Finding, PreviousRun, ScoreChange, ScorePart, Window
from storehealth.score.metrics import average_headline, compute_headline_weights
from storehealth.support.stats import difference_interval, newcombe_interval

DIGITS = 2
MIN_PART = 0.05
"""Findings that move the score by less than so many points are not listed."""
MAX_SHARE_DIFFERENCE = 0.05
"""Two periods in which the share of a weekday differs by more have another mix of weekdays."""


def compare_findings(before: Finding | None, after: Finding) -> Change | None:
    """Say whether a figure is better, worse, or within noise; None where there is nothing to compare.

    Shares are compared by Newcombe's interval of their difference; other figures count as changed only where their
    own intervals do not overlap.
    """
    if before is None or before.unit != after.unit or before.higher_is != after.higher_is:
        return None
    if before.status not in JUDGED or after.status not in JUDGED:
        return None
    if after.unit == "share":
        return compare_counts((before.defects, before.judged), (after.defects, after.judged))
    return _compare_intervals(before, after)


def compare_counts(before: tuple[int, int], after: tuple[int, int]) -> Change | None:
    """Compare two shares of defects, each given as (defects, judged)."""
    if before[1] == 0 or after[1] == 0:
        return None
    low, high = newcombe_interval(*after, *before)
    return _to_change(low, high)


def _to_change(low: float, high: float) -> Change:
    """Classify an interval of a difference, of a figure of which less is better."""
    return "worse" if low > 0 else "better" if high < 0 else "within_noise"


def _compare_intervals(before: Finding, after: Finding) -> Change | None:
    if before.interval == (None, None) or after.interval == (None, None):
        return None
    (then_low, then_high), (low, high) = (_bounds(finding) for finding in (before, after))
    if low <= then_high and then_low <= high:
        return "within_noise"
    return "worse" if (low > then_high) == (after.higher_is == "worse") else "better"


def _bounds(finding: Finding) -> tuple[float, float]:
    """Return a finding's interval; a missing end (too few values, or still growing) is infinite."""
    low, high = finding.interval
    return -math.inf if low is None else low, math.inf if high is None else high


def describe_previous(
    base: EarlierRun, findings: Sequence[Finding], areas: Sequence[AreaScore], window: Window, scoring: Scoring
) -> PreviousRun:
    """Describe the run that is compared with, and how the scores have moved since."""
    score, scores_before = base.reported.score, {area.id: area.score for area in base.areas}
    return PreviousRun(
        as_of=base.as_of,
        score=score.value,
        uncapped=score.uncapped,
        grade=score.grade,
        score_change=split_score_change(base, findings, scoring),
        areas=tuple(_compare_area(area, scores_before.get(area.id)) for area in areas),
        rejudged=base.is_rejudged,
        same_weekdays=has_same_weekdays(base.reported.window, window),
    )


def _compare_area(now: AreaScore, before: float | None) -> AreaChange:
    points = None if now.score is None or before is None else round(now.score - before, DIGITS)
    return AreaChange(id=now.id, score=before, points=points)


def split_score_change(base: EarlierRun, findings: Sequence[Finding], scoring: Scoring) -> ScoreChange | None:
    """Split the difference of the two uncapped scores (now minus then); None where one of them is withheld.

    The earlier counts are scored by today's rules: the difference that alone makes is ``rules``. Of the rest,
    ``figures`` comes from findings judged both times, at today's weights, and ``coverage`` from all other findings and
    from weights that differ.
    """
    then, now = average_headline(base.findings, scoring), average_headline(findings, scoring)
    score_before = base.reported.score.uncapped if base.is_rejudged else then.score
    if then.score is None or now.score is None or score_before is None:
        return None
    weights, before = compute_headline_weights(findings, scoring), compute_headline_weights(base.findings, scoring)
    parts = {
        code: 100 * weight * (score - before[code][1]) for code, (weight, score) in weights.items() if code in before
    }
    figures = sum(parts.values())
    bounds = difference_interval(
        (now.score, now.low or 0.0, now.high or 0.0), (then.score, then.low or 0.0, then.high or 0.0)
    )
    return ScoreChange(
        points=round(now.score - score_before, DIGITS),
        change=_to_change(-bounds[1], -bounds[0]),
        figures=round(figures, DIGITS),
        coverage=round(now.score - then.score - figures, DIGITS),
        rules=round(then.score - score_before, DIGITS),
        parts=_rank_parts(parts),
    )


def _rank_parts(points: dict[str, float]) -> tuple[ScorePart, ...]:
    ranking = sorted(points.items(), key=lambda part: (-abs(part[1]), part[0]))
    return tuple(ScorePart(code=code, points=round(value, DIGITS)) for code, value in ranking if abs(value) >= MIN_PART)


def has_same_weekdays(left: Window, right: Window) -> bool:
    """Whether two periods have about the same share of each weekday; assumed where a period has no ends."""
    left_days, right_days = _weekdays(left), _weekdays(right)
    if left_days is None or right_days is None:
        return True
    return all(
        abs(left_days[day] / left_days.total() - right_days[day] / right_days.total()) <= MAX_SHARE_DIFFERENCE
        for day in range(7)
    )


def _weekdays(window: Window) -> Counter[int] | None:
    if window.first is None or window.last is None or window.last < window.first:
        return None
    days = (window.last - window.first).days + 1
    return Counter((window.first + timedelta(days=offset)).weekday() for offset in range(days))
