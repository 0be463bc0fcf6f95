"""Thresholds: the score's (``scoring.yaml``), the rows a verdict or figure requires, and a rule's target and limit.

A platform's own limit takes precedence over the rule's. Platform facts that no rule, view or module reads are found here, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from storehealth.catalogue.common import StrictModel, cite
from storehealth.catalogue.files import describe_problem
from storehealth.catalogue.platform import OWN_SOURCE, Bands, Platform, PlatformLimit
from storehealth.catalogue.rule import Rule
from storehealth.catalogue.view import View
from storehealth.model import Area, Direction, LimitSource, Severity, Tally
from storehealth.support.message import Message, message
from storehealth.support.stats import min_sample_size
from storehealth.support.validation import with_nearest

QUANTILES = {"median": 0.5, "p90": 0.9}
FACT_IN_SQL = re.compile(r"(?:getvariable\(\s*'|after_)(\w+)(?:'\s*\)|\()")
"""Matches ``getvariable('session_gap')``, and ``after_review_night(…)``, the macro that db defines from that fact."""
FACTS_READ_IN_PYTHON = {"service_hours": "service_days", "holidays": "service_days", "least_orders": "platform_view"}
"""Facts that Python reads instead of SQL, with the table or part of the checkup it builds from each."""
INFORMATIVE_FACTS = {
    "case_rate_limit": "highest share of orders with a claim or case against the seller",
    "defect_rate_limit": "highest share of orders with a defect as the platform defines it",
    "late_rate_limit": "highest share of late orders, where the platform's 'late' is not this project's",
}
"""Rates that join facts no export holds: the method of a checkup lists them, and nothing is judged by them. A pack's rule
may still read them."""


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
    tolerates: int = 0


def resolve_bounds(rule: Rule, overrides: Mapping[str, PlatformLimit]) -> Bounds | None:
    """Resolve the bounds of a rule; None if it only shows a figure.

    Args:
        rule: Its direction always applies; a platform changes numbers, never the question.
        overrides: ``Platform.limits``, by rule code.
    """
    limits, override = rule.limits, overrides.get(rule.code)
    if limits is None:
        return None
    if override is None:
        chosen = message("source.chosen")
        source = cite(limits.source) if limits.source else chosen
        limit_source = LimitSource(
            source=source, verified="assumed" if limits.assumed or not limits.source else "unverified"
        )
        return Bounds(limits.target, limits.limit, limits.higher_is, limit_source, limits.least, limits.entities)
    limit_source = LimitSource(
        source=cite(override.source),
        effective_from=override.effective_from,
        verified=override.verified,
        own=override.source == OWN_SOURCE,
    )
    return Bounds(
        override.target, override.limit, limits.higher_is, limit_source, limits.least, limits.entities, override.bands,
        override.tolerates,
    )  # fmt: skip


def find_fact_readers(views: Mapping[str, View], rules: Iterable[Rule]) -> dict[str, tuple[str, ...]]:
    """Map each fact to the views (by name) and rules (by code) that read it; facts that nothing reads are absent."""
    readers_of: dict[str, dict[str, None]] = {name: {module: None} for name, module in FACTS_READ_IN_PYTHON.items()}
    for view in views.values():
        for name in FACT_IN_SQL.findall(view.sql):
            readers_of.setdefault(name, {})[view.view] = None
    for rule in rules:
        for name in find_rule_facts(rule):
            readers_of.setdefault(name, {})[rule.code] = None
    return {name: tuple(by) for name, by in readers_of.items()}


def find_rule_facts(rule: Rule) -> Iterator[str]:
    """Yield the facts that a rule's own SQL reads; its view may read more."""
    timed = rule.measure.in_time
    if timed and isinstance(timed.within, str):
        yield timed.within
    yield from FACT_IN_SQL.findall(rule.measure.model_dump_json())
    yield from FACT_IN_SQL.findall(" ".join(rule.sql_beside_measure))


def find_unread_facts(
    platforms: Mapping[str, Platform], views: Mapping[str, View], rules: Iterable[Rule]
) -> Iterator[Message]:
    """Report facts that nothing reads and that are not listed as informative: most likely typing errors."""
    known = {*find_fact_readers(views, rules), *INFORMATIVE_FACTS}
    for stem, platform in platforms.items():
        for name in platform.facts:
            if name not in known:
                problem = with_nearest(message("catalogue.unread_fact"), name, sorted(known))
                yield describe_problem(f"{stem}.yaml: facts.{name}", problem)
