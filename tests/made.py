"""Measurements and findings made from plain numbers."""

from __future__ import annotations

from typing import Any

from storehealth.catalogue import Catalogue
from storehealth.catalogue.platform import Platform
from storehealth.catalogue.rule import Rule
from storehealth.judge import judge
from storehealth.model import Finding, Measurement, NotJudged, Segment, Tally
from storehealth.support.stats import wilson_interval
from tests.measure.fakes import SAID, catalogue_of, rule_of

SHIPPING = {"target": 0.01, "limit": 0.04, "higher_is": "worse"}
ANSWERS = {"target": 0.95, "limit": 0.80, "higher_is": "better"}
SECONDS = {"target": 20, "limit": 60, "higher_is": "worse"}
PLATFORM = Platform.model_validate({"name": "made", "title": SAID})


def share(defects: int, judged: int, entities: int | None = None, **more: Any) -> Measurement:
    """So many defects among so many judged rows, each another customer's unless said."""
    low, high = wilson_interval(defects, judged)
    return Measurement(
        **{
            "code": "CS01",
            "window": {},
            "tally": Tally(met=judged - defects, late=defects),
            "value": defects / judged if judged else None,
            "low": low,
            "high": high,
            "entities": defects if entities is None else entities,
            **more,
        }
    )


def slices(name: str, **counts: tuple[int, int]) -> tuple[Segment, ...]:
    """Slices of a dimension: value → (defects, judged). A leading underscore of the value is dropped."""
    return tuple(
        Segment(segment={name: value.removeprefix("_")}, tally=Tally(met=judged - defects, late=defects))
        for value, (defects, judged) in counts.items()
    )


def named(rule: Rule, **changes: Any) -> Rule:
    """The rule with another code, area, severity and so on."""
    return rule.model_copy(update=changes)


def judged(
    rule: Rule, measured: Measurement, platform: Platform = PLATFORM, **catalogue: Any
) -> tuple[Finding, tuple[NotJudged, ...]]:
    """The verdict on one measurement."""
    whole: Catalogue = catalogue_of(rule)._replace(**catalogue)
    findings, open_ones = judge([measured], whole, platform)
    return findings[0], open_ones


def finding(defects: int, total: int, limits: dict[str, Any] = SHIPPING, **changes: Any) -> Finding:
    """The finding of a share rule; ``changes`` replace fields of it."""
    made, _ = judged(rule_of(good="ok", limits=limits), share(defects, total))
    return made.model_copy(update=changes)
