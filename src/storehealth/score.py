"""The headline and the areas' scores, with ranges, coverage and the cap that a failing finding sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from storehealth.catalogue.common import Language
from storehealth.catalogue.scoring import Scoring
from storehealth.model import Area, AreaScore, Checkup, Finding, Score
from storehealth.points import Mean, area_means, cap_of, headline_mean, metrics
from storehealth.wording import Words

DIGITS = 2
"""Decimals of a published score; the arithmetic before it is not rounded."""


def score(
    findings: Iterable[Finding], scoring: Scoring, language: Language = "en"
) -> tuple[Score, tuple[AreaScore, ...]]:
    """Score a store.

    Args:
        findings: All verdicts; those without weight change nothing.
        scoring: Weights, caps and least coverage.
        language: Of the reason for a cap.

    Returns:
        The headline and one entry per scored area, in the order of the weights. None stands where nothing, or less
        than the demanded share of the weight, could be judged: never 0, never 100.
    """
    findings = tuple(findings)
    return _headline(findings, scoring, language), _areas(findings, scoring)


def rescore(checkup: Checkup) -> tuple[Score, tuple[AreaScore, ...]]:
    """Score a stored checkup from what it holds itself: its findings and the constants under ``method``."""
    return score(checkup.findings, scoring_of(checkup.method.constants), checkup.language)


def scoring_of(constants: Mapping[str, float]) -> Scoring:
    """The score's constants as they stand in ``method.constants``.

    Raises:
        pydantic.ValidationError: One is missing.
    """

    def group(name: str) -> dict[str, float]:
        return {key.removeprefix(f"{name}."): value for key, value in constants.items() if key.startswith(f"{name}.")}

    found = {
        "area_weights": group("weight"),
        "severity_weights": group("severity"),
        "caps": group("cap"),
        "grades": group("grade"),
    }
    single = {name: value for name, value in constants.items() if name in Scoring.model_fields}
    return Scoring.model_validate(found | single)


def _areas(findings: Sequence[Finding], scoring: Scoring) -> tuple[AreaScore, ...]:
    means = area_means(findings, scoring)
    nothing = Mean(None, None, None, 0.0)
    return tuple(
        AreaScore(
            id=area,
            score=_rounded(mean.score),
            coverage=mean.coverage,
            low=_rounded(mean.low),
            high=_rounded(mean.high),
            worst=_worst(findings, scoring, area),
            weight=weight,
        )
        for area, weight in scoring.area_weights.items()
        for mean in [means.get(area, nothing)]
    )


def _worst(findings: Sequence[Finding], scoring: Scoring, area: Area) -> str | None:
    """Code of the finding that costs its area most points; None where none costs any."""
    own = [metric for metric in metrics(findings, scoring) if metric.area == area and metric.score < 1]
    return max(own, key=lambda metric: metric.weight * (1 - metric.score)).code if own else None


def _headline(findings: Sequence[Finding], scoring: Scoring, language: Language) -> Score:
    mean = headline_mean(findings, scoring)
    cap, reason = _cap(findings, scoring, language)
    binds = mean.score is not None and mean.score > cap
    value = _capped(mean.score, cap)
    return Score(
        value=value,
        uncapped=_rounded(mean.score),
        low=_capped(mean.low, cap),
        high=_capped(mean.high, cap),
        grade=_grade(value, mean.coverage, scoring),
        coverage=mean.coverage,
        cap_reason=reason if binds else None,
    )


def _cap(findings: Sequence[Finding], scoring: Scoring, language: Language) -> tuple[float, str | None]:
    """The lowest cap that a failing scored finding sets, and whose it is."""
    cap, severity, codes = cap_of(findings, scoring)
    if severity is None:
        return cap, None
    words = Words(language)
    listed = words.say("unit.comma").join(codes)
    return cap, words.say("score.cap", n=len(codes), codes=listed, severity=words.say(f"severity.{severity}"))


def _grade(value: float | None, coverage: float, scoring: Scoring) -> str | None:
    if value is None or coverage < scoring.least_coverage_for_grade:
        return None
    steps = sorted(scoring.grades.items(), key=lambda step: -step[1])
    return next((grade for grade, least in steps if value >= least), None)


def _capped(value: float | None, cap: float) -> float | None:
    return _rounded(None if value is None else min(value, cap))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)
