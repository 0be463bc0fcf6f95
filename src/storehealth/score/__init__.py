"""The headline and area scores, with ranges, coverage and the cap that failing findings set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from storehealth.catalogue.thresholds import Scoring
from storehealth.model import Area, AreaScore, Checkup, Finding, Score
from storehealth.score.metrics import (
    WeightedMean,
    average_areas,
    average_headline,
    find_cap,
    find_gains,
    is_weighted,
    score_metrics,
)
from storehealth.support.message import Message, Name, message

SCORE_DIGITS = 2
"""Decimals of a published score; the arithmetic before it is not rounded."""


def score_findings(findings: Iterable[Finding], scoring: Scoring) -> tuple[Score, tuple[AreaScore, ...]]:
    """Score a store.

    Args:
        findings: All verdicts; those without weight change nothing.
        scoring: Weights, caps and minimum coverage.

    Returns:
        The headline and one entry per scored area, in the order of the weights. A score is None, never 0 or 100, where
        nothing, or too little of the weight, could be judged.
    """
    findings = tuple(findings)
    return _score_headline(findings, scoring), _score_areas(findings, scoring)


def rescore_checkup(checkup: Checkup) -> tuple[Score, tuple[AreaScore, ...]]:
    """Score a stored checkup again from its own findings and the constants under ``method``."""
    return score_findings(checkup.findings, rebuild_scoring(checkup.method.constants))


def rebuild_scoring(constants: Mapping[str, float]) -> Scoring:
    """Rebuild the scoring constants from ``method.constants`` of a checkup.

    Raises:
        pydantic.ValidationError: A constant is missing.
    """

    def collect(name: str) -> dict[str, float]:
        return {key.removeprefix(f"{name}."): value for key, value in constants.items() if key.startswith(f"{name}.")}

    groups = {
        "area_weights": collect("weight"),
        "severity_weights": collect("severity"),
        "caps": collect("cap"),
        "grades": collect("grade"),
    }
    single = {name: value for name, value in constants.items() if name in Scoring.model_fields}
    return Scoring.model_validate(groups | single)


def _score_areas(findings: Sequence[Finding], scoring: Scoring) -> tuple[AreaScore, ...]:
    means = average_areas(findings, scoring)
    no_data = WeightedMean(None, None, None, 0.0)
    gains, now = find_gains(findings, scoring), average_headline(findings, scoring).score
    return tuple(
        AreaScore(
            id=area,
            score=_round_score(mean.score),
            coverage=mean.coverage,
            low=_round_score(mean.low),
            high=_round_score(mean.high),
            worst=_find_costliest(findings, scoring, area),
            weight=weight,
            loses=_round_score(gains[area].uncapped - now) if area in gains and now is not None else None,
        )
        for area, weight in scoring.area_weights.items()
        for mean in [means.get(area, no_data)]
    )


def _find_costliest(findings: Sequence[Finding], scoring: Scoring, area: Area) -> str | None:
    """Find the finding that costs its area most points; None where none costs any."""
    in_area = [metric for metric in score_metrics(findings, scoring) if metric.area == area and metric.score < 1]
    return max(in_area, key=lambda metric: metric.weight * (1 - metric.score)).code if in_area else None


def _score_headline(findings: Sequence[Finding], scoring: Scoring) -> Score:
    mean = average_headline(findings, scoring)
    cap, reason = _describe_cap(findings, scoring)
    # a cap above the mean changes nothing and needs no reason
    binds = mean.score is not None and mean.score > cap
    value = _apply_cap(mean.score, cap)
    return Score(
        value=value,
        uncapped=_round_score(mean.score),
        low=_apply_cap(mean.low, cap),
        high=_apply_cap(mean.high, cap),
        grade=_find_grade(value, mean.coverage, scoring),
        coverage=mean.coverage,
        cap_reason=reason if binds else None,
        by_assumed_limits=_rests_on_assumptions(findings, scoring),
    )


CONFIRMED = ("official", "code")


def _rests_on_assumptions(findings: Sequence[Finding], scoring: Scoring) -> bool:
    """Whether all scored failures break unconfirmed limits."""
    failing = [finding for finding in findings if finding.status == "fail" and is_weighted(finding, scoring)]
    confirmed = [finding for finding in failing if finding.limit_source and finding.limit_source.verified in CONFIRMED]
    return bool(failing) and not confirmed


def _describe_cap(findings: Sequence[Finding], scoring: Scoring) -> tuple[float, Message | None]:
    """The lowest cap that failing scored findings set, and the reason."""
    cap, severity, codes = find_cap(findings, scoring)
    if severity is None:
        return cap, None
    names = tuple(map(Name, codes))
    return cap, message("score.cap", n=len(codes), codes=names, severity=message(f"severity.{severity}"))


def _find_grade(value: float | None, coverage: float, scoring: Scoring) -> str | None:
    if value is None or coverage < scoring.least_coverage_for_grade:
        return None
    steps = sorted(scoring.grades.items(), key=lambda step: -step[1])
    return next((grade for grade, least in steps if value >= least), None)


def _apply_cap(value: float | None, cap: float) -> float | None:
    return _round_score(None if value is None else min(value, cap))


def _round_score(value: float | None) -> float | None:
    return None if value is None else round(value, SCORE_DIGITS)
