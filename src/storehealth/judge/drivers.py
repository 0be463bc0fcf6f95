"""Finds the slices that cause the trouble: those with clearly more defects than their size explains."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from storehealth.model import Driver, Measurement, Segment
from storehealth.stats import z_for_tests, z_of_difference

LEAST_JUDGED = 20
MOST_DRIVERS = 5
MOST_DAYS = 3
"""More days than this that stand out are no incident, and are not named."""
NOTABLE = 0.1
"""Share of all defects that a slice's excess must reach to be worth naming."""
LEAST_AT_A_TIME = 10
"""Fewest defects of an hour, weekday or day: a handful always falls on some day."""
SAME = 0.95
"""Two slices whose counts differ by less are one cause under two names, such as a warehouse and its only packer."""
TIMES = ("hour", "weekday", "day")


class _Slice(NamedTuple):
    segment: Segment
    excess: float
    z: float


def drivers(measured: Measurement) -> tuple[Driver, ...]:
    """Slices that stand out, those with most excess defects first; none where nothing does.

    A slice of at least 20 judged rows is compared with all other rows of the rule. It is named if it is worse beyond
    chance, allowing for the number of slices compared, and if the defects it would not have had at the others' rate
    are at least a tenth of all. Rows that belong to nobody (a dimension that is empty) are no slice. One cause is named
    once: a weekday that stands out through a single day gives way to the day.
    """
    total = measured.tally.defects
    tested = [_compared(one, measured) for one in measured.segments if _testable(one, measured)]
    if not tested or total == 0:
        return ()
    bound = z_for_tests(len(tested))
    found = [one for one in tested if one.z > bound and one.excess >= NOTABLE * total and _frequent(one.segment)]
    found = [one for one in _without_common_days(found) if not _through_one_day(one.segment, measured, bound)]
    found = sorted(found, key=lambda one: (-one.excess, sorted(one.segment.segment.items())))
    return tuple(_driver(one.segment, total) for one in _once_each(found)[:MOST_DRIVERS])


def _name(segment: Segment) -> str:
    return next(iter(segment.segment))


def _frequent(segment: Segment) -> bool:
    return _name(segment) not in TIMES or segment.tally.defects >= LEAST_AT_A_TIME


def _through_one_day(segment: Segment, measured: Measurement, bound: float) -> bool:
    """Whether a weekday stands out only through its worst day."""
    if _name(segment) != "weekday":
        return False
    own = [
        one
        for one in measured.segments
        if _name(one) == "day"
        and str(date.fromisoformat(one.segment["day"] or "").isoweekday()) == segment.segment["weekday"]
    ]
    worst = max(own, key=lambda one: one.tally.defects, default=None)
    if worst is None:
        return False
    defects, judged = segment.tally.defects - worst.tally.defects, segment.tally.judged - worst.tally.judged
    others = measured.tally.defects - segment.tally.defects, measured.tally.judged - segment.tally.judged
    return judged <= 0 or z_of_difference(defects, judged, *others) <= bound


def _once_each(found: Iterable[_Slice]) -> list[_Slice]:
    kept: list[_Slice] = []
    for one in found:
        if not _repeats(one, kept):
            kept.append(one)
    return kept


def _repeats(one: _Slice, kept: Sequence[_Slice]) -> bool:
    """Whether a slice of another dimension that is named already has nearly the same rows, as far as counts can tell."""
    return any(
        _name(one.segment) != _name(other.segment)
        and _near(one.segment.tally.defects, other.segment.tally.defects)
        and _near(one.segment.tally.judged, other.segment.tally.judged)
        for other in kept
    )


def _near(first: int, second: int) -> bool:
    return min(first, second) >= SAME * max(first, second)


def _testable(one: Segment, measured: Measurement) -> bool:
    """Big enough, not empty, and not all there is."""
    judged = one.tally.judged
    return LEAST_JUDGED <= judged < measured.tally.judged and None not in one.segment.values()


def _compared(one: Segment, measured: Measurement) -> _Slice:
    defects, judged = one.tally.defects, one.tally.judged
    other_defects, other_judged = measured.tally.defects - defects, measured.tally.judged - judged
    excess = defects - judged * other_defects / other_judged
    return _Slice(one, excess, z_of_difference(defects, judged, other_defects, other_judged))


def _without_common_days(found: list[_Slice]) -> Iterable[_Slice]:
    days = [one for one in found if "day" in one.segment.segment]
    return found if len(days) <= MOST_DAYS else [one for one in found if one not in days]


def _driver(one: Segment, total: int) -> Driver:
    return Driver(
        segment=one.segment,
        defects=one.tally.defects,
        judged=one.tally.judged,
        share_of_defects=one.tally.defects / total,
    )
