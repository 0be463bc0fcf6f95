"""SHS-1: from findings to points. A metric at its target scores 90, at its limit 50; areas and headline are weighted means.

Pure arithmetic over findings, so that past checkups can be rescored and the gain of an action computed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from storehealth.catalogue.thresholds import Scoring
from storehealth.model import Area, Finding, Severity
from storehealth.support.stats import score_curve

JUDGED_STATUSES = ("pass", "watch", "fail")
TARGET_SCORE = 0.9
"""Score of a metric at its target."""


@dataclass(frozen=True)
class ScoredMetric:
    """One scored finding: its weight within its area, and its score with a 95 % range, each in [0, 1]."""

    code: str
    area: Area
    weight: float
    score: float
    low: float
    high: float


@dataclass(frozen=True)
class WeightedMean:
    """A weighted mean of metrics, 0-100; None where too little of the weight could be judged."""

    score: float | None
    low: float | None
    high: float | None
    coverage: float


def scale_bounds(finding: Finding) -> tuple[float, float]:
    """Convert target and limit to a scale where less is better: defect shares, or reciprocals where high is good."""
    target, limit = finding.target or 0.0, finding.limit or 0.0
    if finding.higher_is == "worse":
        return target, limit
    if finding.unit == "share":
        return round(1 - target, 12), round(1 - limit, 12)
    return _reciprocal(target), _reciprocal(limit)


def _reciprocal(value: float) -> float:
    return 1 / value if value > 0 else math.inf


def scale_value(finding: Finding, value: float | None) -> float:
    """Convert a value in the finding's unit to the scale of :func:`scale_bounds`. None means still growing, thus infinity."""
    if finding.unit == "share":
        return finding.defects / finding.judged if value is None else value
    if value is None:
        return math.inf
    return value if finding.higher_is == "worse" else _reciprocal(value)


def score_finding(finding: Finding, instead: float | None = None) -> float:
    """Score of a judged finding in [0, 1].

    Args:
        finding: Has a target and a limit.
        instead: Score this value instead of the finding's own: a defect share for shares, else a value in its unit.
    """
    value = None if finding.unit == "share" else finding.value
    return score_curve(scale_value(finding, value if instead is None else instead), *scale_bounds(finding))


def score_metrics(
    findings: Iterable[Finding], scoring: Scoring, replacements: Mapping[str, float] | None = None
) -> list[ScoredMetric]:
    """Score the findings that carry weight and were judged; ``replacements`` are values by code to score instead."""
    replacements = replacements or {}
    return [
        _build_metric(finding, scoring, replacements.get(finding.code))
        for finding in findings
        if is_weighted(finding, scoring) and finding.status in JUDGED_STATUSES
    ]


def is_weighted(finding: Finding, scoring: Scoring) -> bool:
    """Whether the finding carries weight in the headline once judged."""
    return finding.scored and finding.area in scoring.area_weights and scoring.severity_weights[finding.severity] > 0


def _build_metric(finding: Finding, scoring: Scoring, replacement: float | None) -> ScoredMetric:
    score = score_finding(finding, replacement)
    low, high = _score_range(finding)
    weight = scoring.severity_weights[finding.severity]
    # a replaced value can lie outside the interval measured for the finding; the range always contains the score
    return ScoredMetric(finding.code, finding.area, weight, score, min(low, score), max(high, score))


def _score_range(finding: Finding) -> tuple[float, float]:
    """Scores at the ends of the finding's 95 % interval, the worse first."""
    good, poor = scale_bounds(finding)
    low, high = finding.interval
    if finding.unit == "share":
        if finding.higher_is == "better" and low is not None and high is not None:
            low, high = 1 - high, 1 - low
        return score_curve(1.0 if high is None else high, good, poor), score_curve(low or 0.0, good, poor)
    mild, bad = (low, high) if finding.higher_is == "worse" else (high, low)
    best = 1.0 if mild is None else score_curve(scale_value(finding, mild), good, poor)
    worst = 0.0 if bad is None else score_curve(scale_value(finding, bad), good, poor)
    return worst, best


def sum_inconclusive_weights(findings: Iterable[Finding], scoring: Scoring) -> dict[Area, float]:
    """Sum, per area, the weights of scored findings that should have been judged but could not be."""
    weights: dict[Area, float] = {}
    for finding in findings:
        if is_weighted(finding, scoring) and finding.status == "inconclusive":
            weights[finding.area] = weights.get(finding.area, 0.0) + scoring.severity_weights[finding.severity]
    return weights


def average_areas(
    findings: Iterable[Finding], scoring: Scoring, replacements: Mapping[str, float] | None = None
) -> dict[Area, WeightedMean]:
    """Average the metrics of each area; areas with nothing to judge are absent."""
    findings = tuple(findings)
    return _average_areas(findings, scoring, score_metrics(findings, scoring, replacements))


def _average_areas(
    findings: Sequence[Finding], scoring: Scoring, scored: Sequence[ScoredMetric]
) -> dict[Area, WeightedMean]:
    open_weight = sum_inconclusive_weights(findings, scoring)
    means: dict[Area, WeightedMean] = {}
    for area in scoring.area_weights:
        in_area = [metric for metric in scored if metric.area == area]
        weight = sum(metric.weight for metric in in_area)
        if in_area or area in open_weight:
            coverage = weight / (weight + open_weight.get(area, 0.0))
            means[area] = _average([(metric.weight, metric) for metric in in_area], coverage, scoring)
    return means


def average_headline(
    findings: Iterable[Finding], scoring: Scoring, replacements: Mapping[str, float] | None = None
) -> WeightedMean:
    """Average the areas by their weights: the headline before any cap. A withheld area counts as not covered."""
    findings = tuple(findings)
    scored = score_metrics(findings, scoring, replacements)
    areas = _average_areas(findings, scoring, scored)
    scored_areas = {area: scoring.area_weights[area] for area, mean in areas.items() if mean.score is not None}
    everything = sum(scoring.area_weights[area] for area in areas)
    if not scored_areas or everything == 0:
        return WeightedMean(None, None, None, 0.0)
    coverage = sum(weight * areas[area].coverage for area, weight in scored_areas.items()) / everything
    return _average(_weigh_in_headline(scored, scored_areas), coverage, scoring)


def compute_headline_weights(findings: Iterable[Finding], scoring: Scoring) -> dict[str, tuple[float, float]]:
    """Weight in the headline, and score, by code: ``100 * sum(weight * score)`` is the headline before any cap."""
    findings = tuple(findings)
    areas = average_areas(findings, scoring)
    scored_areas = {area: scoring.area_weights[area] for area, mean in areas.items() if mean.score is not None}
    total = sum(scored_areas.values())
    return {
        metric.code: (weight / total, metric.score)
        for weight, metric in _weigh_in_headline(score_metrics(findings, scoring), scored_areas)
    }


def _weigh_in_headline(
    scored: Iterable[ScoredMetric], area_weights: Mapping[Area, float]
) -> list[tuple[float, ScoredMetric]]:
    """Pair the metrics of the given areas with their share of their area's weight."""
    counted = [metric for metric in scored if metric.area in area_weights]
    weight_of_area = {area: sum(metric.weight for metric in counted if metric.area == area) for area in area_weights}
    return [(area_weights[metric.area] * metric.weight / weight_of_area[metric.area], metric) for metric in counted]


def _average(weighted: list[tuple[float, ScoredMetric]], coverage: float, scoring: Scoring) -> WeightedMean:
    """Weighted mean with its range. Half-widths add in quadrature: errors are assumed independent."""
    if not weighted or coverage < scoring.least_coverage:
        return WeightedMean(None, None, None, coverage)
    total = sum(weight for weight, _ in weighted)
    score = sum(weight * metric.score for weight, metric in weighted) / total
    down = math.sqrt(sum((weight * (metric.score - metric.low)) ** 2 for weight, metric in weighted)) / total
    up = math.sqrt(sum((weight * (metric.high - metric.score)) ** 2 for weight, metric in weighted)) / total
    return WeightedMean(100 * score, max(0.0, 100 * (score - down)), min(100.0, 100 * (score + up)), coverage)


def find_cap(findings: Iterable[Finding], scoring: Scoring) -> tuple[float, Severity | None, tuple[str, ...]]:
    """Find the lowest cap that failing scored findings set, its severity, and the codes that set it."""
    failing: dict[Severity, list[str]] = {}
    for finding in findings:
        if finding.status == "fail" and finding.severity in scoring.caps and is_weighted(finding, scoring):
            failing.setdefault(finding.severity, []).append(finding.code)
    if not failing:
        return 100.0, None, ()
    severity = min(failing, key=lambda name: scoring.caps[name])
    return scoring.caps[severity], severity, tuple(failing[severity])


class AreaGain(NamedTuple):
    """The headline with one area brought to its targets."""

    area: Area
    value: float
    uncapped: float
    held_by: tuple[str, ...]
    """Codes of other areas whose failure would still cap the headline."""


def find_gains(findings: Iterable[Finding], scoring: Scoring) -> dict[Area, AreaGain]:
    """Find, for each area that misses a target, what bringing it to its targets would do to the headline."""
    findings = tuple(findings)
    missed = {metric.area for metric in score_metrics(findings, scoring) if metric.score < TARGET_SCORE}
    gains = {area: _try_area_at_targets(findings, area, scoring) for area in scoring.area_weights if area in missed}
    return {area: gain for area, gain in gains.items() if gain is not None}


def find_largest_gain(findings: Iterable[Finding], scoring: Scoring) -> AreaGain | None:
    """Find the area that would raise the headline most if brought to its targets; None where all are met."""
    return max(find_gains(findings, scoring).values(), key=lambda gain: gain.uncapped, default=None)


def _try_area_at_targets(findings: Sequence[Finding], area: Area, scoring: Scoring) -> AreaGain | None:
    missed = {
        metric.code
        for metric in score_metrics(findings, scoring)
        if metric.area == area and metric.score < TARGET_SCORE
    }
    at_targets = {
        finding.code: scale_bounds(finding)[0] if finding.unit == "share" else finding.target or 0.0
        for finding in findings
        if finding.code in missed
    }
    cap, _, codes = find_cap((finding for finding in findings if finding.code not in missed), scoring)
    uncapped = average_headline(findings, scoring, at_targets).score
    if uncapped is None:
        return None
    return AreaGain(area, min(uncapped, cap), uncapped, codes if uncapped > cap else ())
