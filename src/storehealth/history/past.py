"""Earlier runs as the comparisons need them: the trend, what is new, persisting or resolved, and whether a change is noise.

Findings are compared by their verdicts, rows by their fingerprints. A figure has changed only where chance does not explain
the difference (``scoring.md`` E.6). The trend leaves gaps open and names events that may explain a step. Pure.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median_low
from typing import NamedTuple

from storehealth.catalogue.thresholds import Scoring
from storehealth.i18n.findings import sort_by_urgency
from storehealth.model import (
    AreaChange,
    AreaScore,
    Change,
    Checkup,
    Finding,
    PreviousRun,
    RowStates,
    Score,
    ScoreChange,
    ScorePart,
    State,
    Status,
    Trend,
    TrendEvent,
    TrendLine,
    TrendRun,
    Window,
)
from storehealth.score.metrics import average_headline, compute_headline_weights
from storehealth.support.stats import difference_interval, newcombe_interval

JUDGED = ("pass", "watch", "fail", "informative")
"""Statuses of findings with a figure that may be compared."""
LEVELS: dict[Status, int] = {"pass": 0, "watch": 1, "fail": 2}
"""Other statuses are not verdicts: such a run is a gap, neither good nor bad."""
DIGITS = 2
MIN_PART = 0.05
"""Findings that move the score by fewer points are not listed."""
MAX_SHARE_DIFFERENCE = 0.05
"""Two periods in which the share of a weekday differs by more have another mix of weekdays."""
MAX_RUNS = 12
"""Runs shown, including the current one."""
MAX_FIGURES = 8
MIN_RUNS = 4
"""Fewer runs do not show how far apart runs usually are, so no gap can be recognised."""
GAP_FACTOR = 1.5
"""If two runs are this many times the usual distance apart, a run is missing between them."""


@dataclass(frozen=True)
class EarlierRun:
    """One earlier run.

    Attributes:
        told: The checkup as it was reported then, without rows and measurements.
        findings: Its counts judged by today's rules; the findings of that day where the rules are the same.
        total: The score of these findings.
        areas: The areas' scores from these findings.
        rejudged: Whether the rules have changed since.
        marks: Fingerprints of its defects by rule, each with its day number; empty where none are kept.
    """

    reported: Checkup
    findings: tuple[Finding, ...]
    total: Score
    areas: tuple[AreaScore, ...]
    is_rejudged: bool
    marks: Mapping[str, Mapping[int, int]]

    @property
    def as_of(self) -> datetime:
        """The moment the run speaks of; a run without one is never remembered."""
        return self.reported.as_of or datetime.min  # noqa: DTZ901 - naive, like all times of the store

    def find_judged(self, code: str) -> Finding | None:
        """Return the finding of a rule, if it has a figure."""
        return next((finding for finding in self.findings if finding.code == code and finding.status in JUDGED), None)


@dataclass(frozen=True)
class EarlierRuns:
    """Earlier runs of one store, oldest first.

    Attributes:
        lately: Those before the current audit, for the trend.
        against: Those up to the one it is compared with, which is the last; differs from ``lately`` for a baseline.
        baseline: Whether a baseline was asked for.
        events: What may explain a step in the trend.
    """

    recent: tuple[EarlierRun, ...] = ()
    reference_runs: tuple[EarlierRun, ...] = ()
    baseline: bool = False
    events: tuple[TrendEvent, ...] = ()

    @property
    def reference(self) -> EarlierRun | None:
        """The run to compare with."""
        return self.reference_runs[-1] if self.reference_runs else None

    def split_marks(self, code: str) -> tuple[Mapping[int, int] | None, list[Mapping[int, int]]]:
        """Return the fingerprints of the latest run that has any for a rule, and those of the runs before it."""
        followed = [run.marks[code] for run in reversed(self.reference_runs) if code in run.marks]
        return (followed[0], followed[1:]) if followed else (None, [])

    def list_older_marks(self) -> dict[str, list[Mapping[int, int]]]:
        """Return, by rule, the fingerprints of the runs before the one that :meth:`marks` returns, latest first."""
        return {code: self.split_marks(code)[1] for code in self.list_latest_marks()}

    def list_latest_marks(self) -> dict[str, Mapping[int, int]]:
        """Return, by rule, the fingerprints that the current defects are compared with."""
        codes = dict.fromkeys(code for run in self.reference_runs for code in run.marks)
        return {code: latest for code in codes for latest, _ in [self.split_marks(code)] if latest is not None}


class DefectMarks(NamedTuple):
    """Fingerprints of the current audit by rule: of its defects, and of earlier defects that have been fixed."""

    current: Mapping[str, Mapping[int, int]]
    fixed: Mapping[str, frozenset[int]]


class PastVerdict(NamedTuple):
    """How bad a finding was in a run; ``level`` is None where it could not be judged."""

    at: datetime
    level: int | None


def classify_state(before: Sequence[PastVerdict], now: PastVerdict) -> tuple[State | None, datetime | None]:
    """Return a finding's state and the as_of that began it; None for a finding that passes, as it did last time.

    A finding counts as present in a run where it was at least as bad as it is now: one that was on watch and fails
    now is new. Runs that could not judge it are skipped.

    Args:
        before: Earlier runs, oldest first.
        now: The current run.
    """
    judged = [verdict for verdict in before if verdict.level is not None]
    if now.level is None:
        return None, None
    if now.level == 0:
        return ("resolved", now.at) if judged and judged[-1].level else (None, None)
    was_as_bad = [(verdict.level or 0) >= now.level for verdict in judged]
    if not any(was_as_bad):
        return "new", now.at
    if not was_as_bad[-1]:
        return "reappeared", now.at
    start = len(was_as_bad) - next(
        (back for back, verdict in enumerate(reversed(was_as_bad)) if not verdict), len(was_as_bad)
    )
    return "persisting", judged[start].at


def classify_finding(finding: Finding, past: EarlierRuns, as_of: datetime) -> tuple[State | None, datetime | None]:
    """Return :func:`classify_state` of a finding among the runs it is compared with.

    A finding that passes although its figure got worse, because limits or the number of rows changed, is not resolved.
    """
    before = [
        PastVerdict(run.as_of, LEVELS.get(earlier.status))
        for run in past.reference_runs
        for earlier in run.findings
        if earlier.code == finding.code
    ]
    state, since = classify_state(before, PastVerdict(as_of, LEVELS.get(finding.status)))
    earlier_finding = past.reference.find_judged(finding.code) if past.reference else None
    return (None, None) if state == "resolved" and has_worsened(earlier_finding, finding) else (state, since)


def has_worsened(before: Finding | None, after: Finding) -> bool:
    """Whether a figure moved in the wrong direction, be it within noise; False where the two cannot be compared."""
    if before is None or before.value is None or after.value is None:
        return False
    if (before.unit, before.higher_is) != (after.unit, after.higher_is):
        return False
    return after.value < before.value if after.higher_is == "better" else after.value > before.value


def classify_rows(code: str, seen: DefectMarks, past: EarlierRuns) -> RowStates | None:
    """Count a rule's new defects, and what became of earlier ones; None where its rows have no fingerprints."""
    now, (latest, older) = seen.current.get(code), past.split_marks(code)
    if now is None or latest is None:
        return None
    added, fixed = now.keys() - latest.keys(), seen.fixed.get(code, frozenset())
    returned = {mark for mark in added if any(mark in marks for marks in older)}
    return RowStates(
        new=len(added) - len(returned),
        persisting=len(now.keys() & latest.keys()),
        reappeared=len(returned),
        resolved=len(fixed),
        gone=len(latest.keys() - now.keys() - fixed),
    )


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
    left_days, right_days = _count_weekdays(left), _count_weekdays(right)
    if left_days is None or right_days is None:
        return True
    return all(
        abs(left_days[day] / left_days.total() - right_days[day] / right_days.total()) <= MAX_SHARE_DIFFERENCE
        for day in range(7)
    )


def _count_weekdays(window: Window) -> Counter[int] | None:
    if window.first is None or window.last is None or window.last < window.first:
        return None
    days = (window.last - window.first).days + 1
    return Counter((window.first + timedelta(days=offset)).weekday() for offset in range(days))


@dataclass(frozen=True)
class TrendPoint:
    """What the trend needs of a run."""

    as_of: datetime
    total: Score
    areas: Sequence[AreaScore]
    findings: Sequence[Finding]


def build_trend(past: EarlierRuns, now: TrendPoint) -> Trend | None:
    """Build the trend over the last runs and the current one; None where there is no earlier run.

    Args:
        past: Earlier runs and events.
        now: The current audit; its most urgent scored findings are the figures shown.
    """
    if not past.recent:
        return None
    points = [*map(_to_point, past.recent[-(MAX_RUNS - 1) :]), now]
    lines = [_score_line(points, "score"), *(_area_line(points, area) for area in now.areas)]
    lines += [_finding_line(points, finding) for finding in _choose_figures(now.findings)]
    runs = _find_gaps([point.as_of for point in points])
    return Trend(runs=runs, lines=tuple(filter(_has_value, lines)), events=past.events)


def _choose_figures(findings: Sequence[Finding]) -> list[Finding]:
    """Choose the findings whose figures the trend shows."""
    scored = (finding for finding in findings if finding.scored and finding.status in JUDGED)
    return sort_by_urgency(scored)[:MAX_FIGURES]


def find_first_day(lately: Sequence[EarlierRun]) -> date:
    """Return the first day that a trend over these runs and one more covers."""
    first = lately[-(MAX_RUNS - 1) :][0]
    return first.reported.window.first or first.as_of.date()


def _to_point(run: EarlierRun) -> TrendPoint:
    return TrendPoint(run.as_of, run.total, run.areas, run.findings)


def _find_gaps(times: Sequence[datetime]) -> tuple[TrendRun, ...]:
    steps = [after - before for before, after in pairwise(times)]
    usual = median_low(steps) if len(times) >= MIN_RUNS else None
    is_gap = [False, *(usual is not None and step > GAP_FACTOR * usual for step in steps)]
    return tuple(TrendRun(as_of=moment, gap=gap) for moment, gap in zip(times, is_gap, strict=True))


def _score_line(points: Sequence[TrendPoint], name: str) -> TrendLine:
    return TrendLine(
        kind="score", name=name, unit="points", higher_is="better",
        values=tuple(point.total.uncapped for point in points),
    )  # fmt: skip


def _area_line(points: Sequence[TrendPoint], area: AreaScore) -> TrendLine:
    values = _values(points, lambda point: {score.id: score.score for score in point.areas}.get(area.id))
    return TrendLine(kind="area", name=area.id, unit="points", higher_is="better", values=values)


def _finding_line(points: Sequence[TrendPoint], finding: Finding) -> TrendLine:
    values = _values(points, lambda point: _find_value(point.findings, finding))
    unit, better = finding.unit, finding.higher_is
    return TrendLine(kind="finding", name=finding.code, title=finding.title, unit=unit, higher_is=better, values=values)


def _find_value(findings: Sequence[Finding], like: Finding) -> float | None:
    matching = (
        finding
        for finding in findings
        if finding.code == like.code and finding.status in JUDGED and finding.unit == like.unit
    )
    return next((finding.value for finding in matching if finding.higher_is == like.higher_is), None)


def _values(points: Sequence[TrendPoint], value: Callable[[TrendPoint], float | None]) -> tuple[float | None, ...]:
    return tuple(map(value, points))


def _has_value(line: TrendLine) -> bool:
    return any(value is not None for value in line.values)
