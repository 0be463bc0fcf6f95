"""The target and limit in force for a rule: the platform's if it sets them, else the rule's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from storehealth.catalogue.platform import PlatformLimit
from storehealth.catalogue.rule import Rule
from storehealth.model import Direction, LimitSource


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
        source = own.source or "chosen by storehealth"
        limit_source = LimitSource(source=source, verified="assumed" if own.assumed or not own.source else "unverified")
        return Bounds(own.target, own.limit, own.higher_is, limit_source, own.least, own.entities)
    limit_source = LimitSource(
        source=override.source, effective_from=override.effective_from, verified=override.verified
    )
    return Bounds(override.target, override.limit, own.higher_is, limit_source, own.least, own.entities)
