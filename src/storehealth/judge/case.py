"""A measurement with everything its verdict depends on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from storehealth.catalogue import Catalogue
from storehealth.catalogue.platform import Platform
from storehealth.catalogue.rule import Rule
from storehealth.catalogue.texts import to_message
from storehealth.catalogue.thresholds import Bounds, resolve_bounds
from storehealth.judge.certainty import Certainty, assess_certainty
from storehealth.model import BandName, Direction, Measurement
from storehealth.support.message import Message


@dataclass(frozen=True)
class RuleCase:
    """One measurement with everything its verdict depends on."""

    rule: Rule
    measurement: Measurement
    bounds: Bounds | None
    catalogue: Catalogue
    platform: Platform

    @property
    def title(self) -> Message:
        """The rule's title."""
        return to_message(self.rule.title, f"rule.{self.rule.code}.title")

    @property
    def higher_is(self) -> Direction:
        """The rule's direction; a figure without limits counts good shares, or seconds of which less is better."""
        if self.bounds is not None:
            return self.bounds.higher_is
        return "better" if self.rule.measure.value is None else "worse"

    def name_band(self, value: float | None) -> BandName | None:
        """Name the platform's band of a value in the rule's own direction; None where it has none."""
        bands = self.bounds.bands if self.bounds else None
        return bands.name_band(value) if bands and value is not None else None

    @cached_property
    def certainty(self) -> Certainty | None:
        """The intervals of a share; None for durations and numbers, and without judged rows."""
        return None if self.rule.measure.value is not None else assess_certainty(self.measurement)

    @property
    def interval_kind(self) -> Literal["wilson", "day_blocks", "order_statistics"] | None:
        """The method behind the interval; a mean has none."""
        if self.rule.measure.value is not None:
            return None if self.measurement.low is None and self.measurement.high is None else "order_statistics"
        return self.certainty.kind if self.certainty else None


def build_case(measurement: Measurement, catalogue: Catalogue, platform: Platform) -> RuleCase:
    """Combine a measurement with its rule and the limits in force."""
    rule = catalogue.rules[measurement.code]
    return RuleCase(rule, measurement, resolve_bounds(rule, platform.limits), catalogue, platform)
