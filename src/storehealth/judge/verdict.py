"""The verdict on one figure, by section E.5 of the scoring method: fail, watch or pass."""

from __future__ import annotations

import math
from dataclasses import dataclass

from storehealth.catalogue.rule import Rule
from storehealth.judge.independence import Certainty
from storehealth.limits import Bounds
from storehealth.model import Measurement, Status
from storehealth.stats import Z_ONE_SIDED, wilson_interval


@dataclass(frozen=True)
class ScaledFigure:
    """A figure with its interval, target and limit, all on a scale where less is better; infinite if unknown or growing."""

    point: float
    low: float
    high: float
    target: float
    limit: float
    low_by_rows: float
    """``low`` if all rows were independent."""


def scale_figure(rule: Rule, measurement: Measurement, bounds: Bounds, certainty: Certainty | None) -> ScaledFigure:
    """Put a measurement and its bounds on one scale.

    Shares are compared by one-sided 95 % bounds of the defect share, in which repeats of one customer on one day count
    once (``certainty``). The point stays the plain share, because a share past the limit is never a pass. Durations and
    numbers have no such formula; they use the two-sided 95 % interval of order statistics, which is more cautious. An end
    that too few values leave open is unknown and counts as infinitely far away. Where a high number is good, all signs
    are flipped.
    """
    if rule.measure.value is None:
        low, high = certainty.bounds if certainty else (0.0, 1.0)
        target, limit = (bounds.target, bounds.limit)
        if bounds.higher_is == "better":
            # rounded, because 1 - 0.96 is 0.040000000000000036
            target, limit = round(1 - target, 12), round(1 - limit, 12)
        defects, judged = measurement.tally.defects, measurement.tally.judged
        if defects:
            # with a target of zero a single defect misses it, even if resampling skips its day and gives 0
            low = max(low, math.ulp(0.0))
        return ScaledFigure(
            defects / judged, low, high, target, limit, wilson_interval(defects, judged, Z_ONE_SIDED)[0]
        )
    point = math.inf if measurement.value is None else measurement.value
    low = -math.inf if measurement.low is None else measurement.low
    high = math.inf if measurement.high is None else measurement.high
    if bounds.higher_is == "worse":
        return ScaledFigure(point, low, high, bounds.target, bounds.limit, low)
    return ScaledFigure(-point, -high, -low, -bounds.target, -bounds.limit, -high)


def decide_status(figure: ScaledFigure, entities: int, least_entities: int) -> tuple[Status, str]:
    """Decide the status, and the key of the note that explains it where needed; the first condition that holds wins.

    Args:
        figure: The figure and its bounds.
        entities: Distinct customers or orders among the defects.
        least_entities: Minimum of them for a fail.
    """
    if figure.low > figure.limit and entities >= least_entities:
        return "fail", ""
    if figure.point > figure.limit:
        return "watch", _why_only_watched(figure)
    if figure.point > figure.target and figure.low > figure.target:
        return "watch", "over_target"
    if figure.high <= figure.limit or figure.point <= figure.target:
        return "pass", ""
    return "pass", "uncertain_pass"


def _why_only_watched(figure: ScaledFigure) -> str:
    if figure.low > figure.limit:
        return "over_but_few"
    return "over_in_bursts" if figure.low_by_rows > figure.limit else "over_by_chance"
