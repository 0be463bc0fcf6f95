"""SHS-1: from findings to points. A metric at its target has 90, at its limit 50; areas and headline are weighted means.

Pure arithmetic over findings, so that a past checkup can be scored again and an advice's gain be tried out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from storehealth.catalogue.scoring import Scoring
from storehealth.model import Area, Finding, Severity
from storehealth.stats import curve

JUDGED = ("pass", "watch", "fail")
TARGET_SCORE = 0.9
"""Score of a figure at its target."""


@dataclass(frozen=True)
class Metric:
    """One scored finding: its weight inside its area and its score with a 95 % range, each in [0, 1]."""

    code: str
    area: Area
    weight: float
    score: float
    low: float
    high: float


@dataclass(frozen=True)
class Mean:
    """A weighted mean of metrics, 0-100; None where too little of the weight could be judged."""

    score: float | None
    low: float | None
    high: float | None
    coverage: float


def scale(finding: Finding) -> tuple[float, float]:
    """Target and limit where less is better: defect shares for shares, reciprocals where a high number is good."""
    target, limit = finding.target or 0.0, finding.limit or 0.0
    if finding.higher_is == "worse":
        return target, limit
    if finding.unit == "share":
        return round(1 - target, 12), round(1 - limit, 12)
    return _reciprocal(target), _reciprocal(limit)


def _reciprocal(value: float) -> float:
    return 1 / value if value > 0 else math.inf


def smaller_is_better(finding: Finding, value: float | None) -> float:
    """A value of the finding's own unit on the scale of :func:`scale`. None is a value that is still growing: infinity."""
    if finding.unit == "share":
        return finding.defects / finding.judged if value is None else value
    if value is None:
        return math.inf
    return value if finding.higher_is == "worse" else _reciprocal(value)


def metric_score(finding: Finding, instead: float | None = None) -> float:
    """Score of a judged finding in [0, 1].

    Args:
        finding: Has a target and a limit.
        instead: Score this value instead of the finding's: a defect share for shares, else a value in its unit.
    """
    own = None if finding.unit == "share" else finding.value
    return curve(smaller_is_better(finding, own if instead is None else instead), *scale(finding))


def metrics(findings: Iterable[Finding], scoring: Scoring, instead: Mapping[str, float] | None = None) -> list[Metric]:
    """The scored findings that could be judged, with their scores; ``instead`` replaces values by code."""
    instead = instead or {}
    return [
        _metric(one, scoring, instead.get(one.code))
        for one in findings
        if weighs(one, scoring) and one.status in JUDGED
    ]


def weighs(finding: Finding, scoring: Scoring) -> bool:
    """Whether the finding has weight in the headline, once it is judged."""
    return finding.scored and finding.area in scoring.area_weights and scoring.severity_weights[finding.severity] > 0


def _metric(finding: Finding, scoring: Scoring, instead: float | None) -> Metric:
    score = metric_score(finding, instead)
    low, high = _range(finding)
    weight = scoring.severity_weights[finding.severity]
    return Metric(finding.code, finding.area, weight, score, min(low, score), max(high, score))


def _range(finding: Finding) -> tuple[float, float]:
    """Scores at the ends of the finding's 95 % interval, the worse one first."""
    good, poor = scale(finding)
    low, high = finding.interval
    if finding.unit == "share":
        if finding.higher_is == "better" and low is not None and high is not None:
            low, high = 1 - high, 1 - low
        return curve(1.0 if high is None else high, good, poor), curve(low or 0.0, good, poor)
    mild, bad = (low, high) if finding.higher_is == "worse" else (high, low)
    best = 1.0 if mild is None else curve(smaller_is_better(finding, mild), good, poor)
    worst = 0.0 if bad is None else curve(smaller_is_better(finding, bad), good, poor)
    return worst, best


def inconclusive_weight(findings: Iterable[Finding], scoring: Scoring) -> dict[Area, float]:
    """Weight, per area, of scored findings that should have been judged but could not."""
    found: dict[Area, float] = {}
    for one in findings:
        if weighs(one, scoring) and one.status == "inconclusive":
            found[one.area] = found.get(one.area, 0.0) + scoring.severity_weights[one.severity]
    return found


def area_means(
    findings: Iterable[Finding], scoring: Scoring, instead: Mapping[str, float] | None = None
) -> dict[Area, Mean]:
    """Mean per area that has anything to judge; areas without any such finding are absent."""
    findings = tuple(findings)
    open_weight, scored = inconclusive_weight(findings, scoring), metrics(findings, scoring, instead)
    means: dict[Area, Mean] = {}
    for area in scoring.area_weights:
        own = [metric for metric in scored if metric.area == area]
        weight = sum(metric.weight for metric in own)
        if own or area in open_weight:
            coverage = weight / (weight + open_weight.get(area, 0.0))
            means[area] = _mean([(metric.weight, metric) for metric in own], coverage, scoring)
    return means


def headline_mean(findings: Iterable[Finding], scoring: Scoring, instead: Mapping[str, float] | None = None) -> Mean:
    """The headline before any cap: areas by their weights. An area that is withheld counts as not covered."""
    findings = tuple(findings)
    areas = area_means(findings, scoring, instead)
    told = {area: scoring.area_weights[area] for area, mean in areas.items() if mean.score is not None}
    everything = sum(scoring.area_weights[area] for area in areas)
    if not told or everything == 0:
        return Mean(None, None, None, 0.0)
    coverage = sum(weight * areas[area].coverage for area, weight in told.items()) / everything
    return _mean(_in_headline(metrics(findings, scoring, instead), told), coverage, scoring)


def headline_weights(findings: Iterable[Finding], scoring: Scoring) -> dict[str, tuple[float, float]]:
    """Weight in the headline and score, by code: ``100 * sum(weight * score)`` is the headline before any cap."""
    findings = tuple(findings)
    areas = area_means(findings, scoring)
    told = {area: scoring.area_weights[area] for area, mean in areas.items() if mean.score is not None}
    total = sum(told.values())
    return {
        metric.code: (weight / total, metric.score) for weight, metric in _in_headline(metrics(findings, scoring), told)
    }


def _in_headline(scored: Iterable[Metric], told: Mapping[Area, float]) -> list[tuple[float, Metric]]:
    """The metrics of the areas that are told, each with its part of its area's weight."""
    within = [metric for metric in scored if metric.area in told]
    inside = {area: sum(metric.weight for metric in within if metric.area == area) for area in told}
    return [(told[metric.area] * metric.weight / inside[metric.area], metric) for metric in within]


def _mean(weighted: list[tuple[float, Metric]], coverage: float, scoring: Scoring) -> Mean:
    """Mean and range. Half-widths add in quadrature: metrics are taken to err independently."""
    if not weighted or coverage < scoring.least_coverage:
        return Mean(None, None, None, coverage)
    total = sum(weight for weight, _ in weighted)
    score = sum(weight * metric.score for weight, metric in weighted) / total
    down = math.sqrt(sum((weight * (metric.score - metric.low)) ** 2 for weight, metric in weighted)) / total
    up = math.sqrt(sum((weight * (metric.high - metric.score)) ** 2 for weight, metric in weighted)) / total
    return Mean(100 * score, max(0.0, 100 * (score - down)), min(100.0, 100 * (score + up)), coverage)


def cap_of(findings: Iterable[Finding], scoring: Scoring) -> tuple[float, Severity | None, tuple[str, ...]]:
    """What failing scored findings hold the headline to: the lowest cap, its severity, and the codes that set it."""
    failing: dict[Severity, list[str]] = {}
    for one in findings:
        if one.status == "fail" and one.severity in scoring.caps and weighs(one, scoring):
            failing.setdefault(one.severity, []).append(one.code)
    if not failing:
        return 100.0, None, ()
    severity = min(failing, key=lambda name: scoring.caps[name])
    return scoring.caps[severity], severity, tuple(failing[severity])


class Mending(NamedTuple):
    """What bringing an area to its targets would do to the headline."""

    area: Area
    value: float
    uncapped: float
    held_by: tuple[str, ...]
    """Findings of other areas whose failure still caps the headline then."""


def most_to_gain(findings: Iterable[Finding], scoring: Scoring) -> Mending | None:
    """The area whose figures, brought to their targets, would raise the headline most; None where none misses one."""
    findings = tuple(findings)
    missed = {one.area for one in metrics(findings, scoring) if one.score < TARGET_SCORE}
    tried = [_mended(findings, area, scoring) for area in scoring.area_weights if area in missed]
    return max((one for one in tried if one is not None), key=lambda one: one.uncapped, default=None)


def _mended(findings: Sequence[Finding], area: Area, scoring: Scoring) -> Mending | None:
    missed = {one.code for one in metrics(findings, scoring) if one.area == area and one.score < TARGET_SCORE}
    instead = {
        one.code: scale(one)[0] if one.unit == "share" else one.target or 0.0 for one in findings if one.code in missed
    }
    cap, _, codes = cap_of((one for one in findings if one.code not in missed), scoring)
    uncapped = headline_mean(findings, scoring, instead).score
    if uncapped is None:
        return None
    return Mending(area, min(uncapped, cap), uncapped, codes if uncapped > cap else ())
