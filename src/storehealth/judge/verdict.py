"""The verdict on one figure, as E.5 of the scoring method lays down: fail, watch or pass."""

from __future__ import annotations

import math
from dataclasses import dataclass

from storehealth.catalogue.rule import Rule
from storehealth.judge.independence import Surety
from storehealth.limits import Bounds
from storehealth.model import Measurement, Status
from storehealth.stats import Z_ONE_SIDED, wilson


@dataclass(frozen=True)
class Standing:
    """A figure on a scale where less is better, with its bounds; infinite where unknown or still growing."""

    point: float
    low: float
    high: float
    target: float
    limit: float
    low_by_rows: float
    """``low`` if every row were a witness of its own."""


def standing(rule: Rule, measured: Measurement, bounds: Bounds, sure: Surety | None) -> Standing:
    """Where a measurement stands to its bounds.

    Shares are compared by one-sided 95 % bounds of the defect share (``sure``), in which repeats of one customer on
    one day count once; the point is the plain one, for a share past the limit is never a pass. Durations and numbers
    have no such formula: their two-sided 95 % interval of order statistics takes its place, which is the more cautious
    of the two. An end that too few values leave open counts as unknown, that is as infinitely far away. Where a high
    number is good, all signs are turned.
    """
    if rule.measure.value is None:
        low, high = sure.bounds if sure else (0.0, 1.0)
        target, limit = (bounds.target, bounds.limit)
        if bounds.higher_is == "better":
            target, limit = round(1 - target, 12), round(1 - limit, 12)
        defects, judged = measured.tally.defects, measured.tally.judged
        if defects:
            low = max(
                low, math.ulp(0.0)
            )  # where none is the target, one row misses it, also if draws of days skip its day
        return Standing(defects / judged, low, high, target, limit, wilson(defects, judged, Z_ONE_SIDED)[0])
    point = math.inf if measured.value is None else measured.value
    low = -math.inf if measured.low is None else measured.low
    high = math.inf if measured.high is None else measured.high
    if bounds.higher_is == "worse":
        return Standing(point, low, high, bounds.target, bounds.limit, low)
    return Standing(-point, -high, -low, -bounds.target, -bounds.limit, -high)


def weigh(figure: Standing, entities: int, least_entities: int) -> tuple[Status, str]:
    """Status, and the key of the note that explains it where it is not plain; the first that holds.

    Args:
        figure: The figure and its bounds.
        entities: Distinct customers or orders among the defects.
        least_entities: Fewest of them for a fail.
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


def _why_only_watched(figure: Standing) -> str:
    if figure.low > figure.limit:
        return "over_but_few"
    return "over_in_bursts" if figure.low_by_rows > figure.limit else "over_by_chance"
