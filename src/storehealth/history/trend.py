"""The trend: scores and key figures over the last runs, with gaps as gaps and the events that may explain a step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from statistics import median_low

from storehealth.history.past import JUDGED, Past, PastRun
from storehealth.model import AreaScore, Finding, Score, Trend, TrendLine, TrendRun
from storehealth.wording.phrases import by_urgency

RUNS = 12
"""Runs shown, this one included."""
FIGURES = 8
LEAST_RUNS = 4
"""Fewer do not show a usual distance, without which no gap can be told."""
LONGER = 1.5
"""A distance so many times the usual one has a run missing in it."""


@dataclass(frozen=True)
class Point:
    """What the trend takes from a run."""

    as_of: datetime
    total: Score
    areas: Sequence[AreaScore]
    findings: Sequence[Finding]


def trend_of(past: Past, now: Point) -> Trend | None:
    """The last runs and this one; None where this is the first.

    Args:
        past: Earlier runs and events.
        now: The audit at hand: it also decides which figures are shown, the most urgent scored ones.
    """
    if not past.lately:
        return None
    points = [*map(_point, past.lately[-(RUNS - 1) :]), now]
    shown = [one for one in by_urgency(now.findings) if one.scored and one.status in JUDGED][:FIGURES]
    lines = [_line(points, "score"), *(_area(points, area) for area in now.areas)]
    return Trend(
        runs=_runs([point.as_of for point in points]),
        lines=tuple(line for line in [*lines, *(_figure(points, one) for one in shown)] if _any(line)),
        events=past.events,
    )


def begins(lately: Sequence[PastRun]) -> date:
    """The first day that a trend over these runs and one more covers."""
    first = lately[-(RUNS - 1) :][0]
    return first.told.window.first or first.as_of.date()


def _point(run: PastRun) -> Point:
    return Point(run.as_of, run.total, run.areas, run.findings)


def _runs(times: Sequence[datetime]) -> tuple[TrendRun, ...]:
    steps = [after - before for before, after in pairwise(times)]
    usual = median_low(steps) if len(times) >= LEAST_RUNS else None
    late = [False, *(usual is not None and step > LONGER * usual for step in steps)]
    return tuple(TrendRun(as_of=at, gap=gap) for at, gap in zip(times, late, strict=True))


def _line(points: Sequence[Point], kind: str) -> TrendLine:
    return TrendLine(
        kind="score", name=kind, unit="points", higher_is="better",
        values=tuple(point.total.uncapped for point in points),
    )  # fmt: skip


def _area(points: Sequence[Point], area: AreaScore) -> TrendLine:
    found = _by(points, lambda point: {one.id: one.score for one in point.areas}.get(area.id))
    return TrendLine(kind="area", name=area.id, unit="points", higher_is="better", values=found)


def _figure(points: Sequence[Point], finding: Finding) -> TrendLine:
    found = _by(points, lambda point: _value(point.findings, finding))
    unit, better = finding.unit, finding.higher_is
    return TrendLine(kind="finding", name=finding.code, title=finding.title, unit=unit, higher_is=better, values=found)


def _value(findings: Sequence[Finding], like: Finding) -> float | None:
    own = (one for one in findings if one.code == like.code and one.status in JUDGED and one.unit == like.unit)
    return next((one.value for one in own if one.higher_is == like.higher_is), None)


def _by(points: Sequence[Point], value: Callable[[Point], float | None]) -> tuple[float | None, ...]:
    return tuple(map(value, points))


def _any(line: TrendLine) -> bool:
    return any(value is not None for value in line.values)
