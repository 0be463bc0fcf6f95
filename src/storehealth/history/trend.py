"""The trend: scores and key figures over the last runs, gaps left open, with events that may explain a step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from statistics import median_low

from storehealth.history.past import JUDGED, EarlierRun, EarlierRuns
from storehealth.i18n.findings import sort_by_urgency
from storehealth.model import AreaScore, Finding, Score, Trend, TrendLine, TrendRun

MAX_RUNS = 12
"""Runs shown, including the current one."""
MAX_FIGURES = 8
MIN_RUNS = 4
"""Fewer runs do not show how far apart runs usually are, so no gap can be recognised."""
GAP_FACTOR = 1.5
"""Where two runs are so many times the usual distance apart, a run is missing between them."""


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
