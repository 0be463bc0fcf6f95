"""The chosen constants of the score: ``scoring.yaml``, explained by ``storehealth explain score``.

How many rows a verdict requires, and how many a figure rests on.

The target and limit in force for a rule: the platform's if it sets them, else the rule's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from storehealth.catalogue.common import StrictModel, cite
from storehealth.catalogue.platform import Bands, PlatformLimit
from storehealth.catalogue.rule import Rule
from storehealth.model import Area, Direction, LimitSource, Severity, Tally
from storehealth.support.message import message
from storehealth.support.stats import min_sample_size


class Scoring(StrictModel):
    """Weights, caps and minimum numbers."""

    area_weights: dict[Area, float]
    severity_weights: dict[Severity, float]
    caps: dict[Severity, float]
    least_judged: int
    least_entities: int
    least_days: float = 0.8
    least_coverage: float
    least_coverage_for_grade: float
    grades: dict[str, float]


QUANTILES = {"median": 0.5, "p90": 0.9}


def count_required_rows(rule: Rule, bounds: Bounds | None, scoring: Scoring) -> int:
    """Minimum rows for a verdict: for a share the rule's own number or the usual one, for a quantile what its interval needs.

    Args:
        rule: Not one that measures a mean, which gets no verdict.
        bounds: Hold the rule's own minimum.
        scoring: Holds the usual minimum of a share.
    """
    value, own_minimum = rule.measure.value, bounds.least if bounds else None
    if value is None:
        return own_minimum or scoring.least_judged
    return max(own_minimum or 0, min_sample_size(QUANTILES[value.statistic]))


def count_rows(rule: Rule, tally: Tally) -> int:
    """Rows the figure rests on: open ones enter a quantile, but not a share."""
    return tally.judged + (tally.undecided if rule.measure.value is not None else 0)


@dataclass(frozen=True)
class Bounds:
    """Target and limit of one rule, in the rule's own direction.

    Shares: with ``higher_is`` better they are shares of good rows, with worse shares of defects.
    """

    target: float
    limit: float
    higher_is: Direction
    source: LimitSource
    least: int | None = None
    entities: int | None = None
    bands: Bands | None = None


def resolve_bounds(rule: Rule, overrides: Mapping[str, PlatformLimit]) -> Bounds | None:
    """Resolve the bounds of a rule; None if it only shows a figure.

    Args:
        rule: Its direction always applies; a platform changes numbers, never the question.
        overrides: ``Platform.limits``, by rule code.
    """
    own, override = rule.limits, overrides.get(rule.code)
    if own is None:
        return None
    if override is None:
        chosen = message("source.chosen")
        source = cite(own.source) if own.source else chosen
        limit_source = LimitSource(source=source, verified="assumed" if own.assumed or not own.source else "unverified")
        return Bounds(own.target, own.limit, own.higher_is, limit_source, own.least, own.entities)
    limit_source = LimitSource(
        source=cite(override.source), effective_from=override.effective_from, verified=override.verified
    )
    return Bounds(override.target, override.limit, own.higher_is, limit_source, own.least, own.entities, override.bands)
