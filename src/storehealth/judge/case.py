"""A measurement with everything its verdict depends on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from storehealth.catalogue import Catalogue
from storehealth.catalogue.common import Language
from storehealth.catalogue.platform import Platform
from storehealth.catalogue.rule import Rule
from storehealth.judge.independence import Surety, surety
from storehealth.limits import Bounds, bounds_for
from storehealth.model import Direction, Measurement
from storehealth.wording import Words


@dataclass(frozen=True)
class Case:
    """One measurement with everything its verdict depends on."""

    rule: Rule
    measured: Measurement
    bounds: Bounds | None
    catalogue: Catalogue
    platform: Platform
    words: Words

    @property
    def higher_is(self) -> Direction:
        """The rule's direction; a figure without limits counts good shares, or seconds of which less is better."""
        if self.bounds is not None:
            return self.bounds.higher_is
        return "better" if self.rule.measure.value is None else "worse"

    @cached_property
    def sure(self) -> Surety | None:
        """The intervals of a share; None for durations and numbers, and without judged rows."""
        return None if self.rule.measure.value is not None else surety(self.measured, self.platform.name)

    @property
    def interval_kind(self) -> Literal["wilson", "day_blocks", "order_statistics"] | None:
        """The method behind the interval; a mean has none."""
        if self.rule.measure.value is not None:
            return None if self.measured.low is None and self.measured.high is None else "order_statistics"
        return self.sure.kind if self.sure else None


def case_of(measured: Measurement, catalogue: Catalogue, platform: Platform, language: Language) -> Case:
    """Combine a measurement with its rule, the limits in force, and the texts of a language."""
    rule = catalogue.rules[measured.code]
    return Case(rule, measured, bounds_for(rule, platform.limits), catalogue, platform, Words(language))
