"""Finds the slices that drive the defects: those with clearly more of them than their size explains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from storehealth.model import Driver, Measurement, Segment, Tally
from storehealth.support.stats import bonferroni_z, two_proportion_z

MIN_JUDGED = 20
MAX_DRIVERS = 5
MAX_OUTLYING_DAYS = 3
"""If more days than this stand out, they are not an incident, and none is named."""
MIN_EXCESS_SHARE = 0.1
"""Share of all defects that the excess of a slice must reach to be named."""
MIN_DEFECTS_AT_A_TIME = 10
"""Minimum defects of an hour, weekday or day: a handful always falls on some day."""
SAME_SLICE_RATIO = 0.95
"""Slices whose counts are at least this alike are one cause under two names, such as a warehouse and its only packer."""
CALENDAR_DIMENSIONS = ("hour", "weekday", "day", "month")
MIN_MONTHS = 4
"""From this many months on, months are tested as well: they show a season where single days are too small."""


class _TestedSlice(NamedTuple):
    segment: Segment
    excess: float
    z: float


def find_drivers(measurement: Measurement, dated: bool = True) -> tuple[Driver, ...]:
    """Find the slices that stand out, those with most excess defects first.

    A slice of at least 20 judged rows is compared with all other rows of the rule. It is a driver if it is worse beyond
    chance, corrected for the number of slices tested, and if its excess over the others' rate is at least a tenth of
    all defects. Rows without a value in the dimension form no slice. One cause is named once: a weekday or month that
    stands out because of a single day gives way to the day.

    Args:
        measurement: The rule's figures and slices.
        dated: Whether days can be drivers. In rules on open work every row counts today, whenever it began.
    """
    total = measurement.tally.defects
    slices = (*measurement.segments, *_group_by_month(measurement))
    ignored = _find_outcome_dimensions(measurement) | (set() if dated else {"day", "month"})
    testable = (segment for segment in slices if _is_testable(segment, measurement))
    tested = [_compare_slice(segment, measurement) for segment in testable if _dimension(segment) not in ignored]
    if not tested or total == 0:
        return ()
    threshold = bonferroni_z(len(tested))
    candidates = [
        candidate
        for candidate in tested
        if candidate.z > threshold and candidate.excess >= MIN_EXCESS_SHARE * total and _is_frequent(candidate.segment)
    ]
    candidates = [
        candidate
        for candidate in _drop_common_days(candidates)
        if not _stems_from_one_day(candidate.segment, measurement, threshold)
    ]
    candidates = sorted(
        candidates, key=lambda candidate: (-candidate.excess, sorted(candidate.segment.segment.items()))
    )
    return tuple(
        _build_driver([kept.segment for kept in alike], total) for alike in _group_repeats(candidates)[:MAX_DRIVERS]
    )


def _find_outcome_dimensions(measurement: Measurement) -> set[str]:
    """Dimensions that only misses have, such as the reason of a cancellation: they restate the miss and drive nothing."""
    judged, defects = Counter[str](), Counter[str]()
    for segment in measurement.segments:
        ((name, value),) = segment.segment.items()
        if value is not None:
            late = segment.tally.defects
            judged[name] += segment.tally.met + late
            defects[name] += late
    return {name for name, rows in judged.items() if rows == defects[name] < measurement.tally.judged}


def _group_by_month(measurement: Measurement) -> list[Segment]:
    """Sum the days by month; empty over a short period."""
    by_month: dict[str, list[Tally]] = {}
    for segment in measurement.segments:
        if _dimension(segment) == "day" and segment.segment["day"]:
            by_month.setdefault(segment.segment["day"][:7], []).append(segment.tally)
    if len(by_month) < MIN_MONTHS:
        return []
    return [
        Segment(segment={"month": month}, tally=_sum_tallies(tallies)) for month, tallies in sorted(by_month.items())
    ]


def _sum_tallies(tallies: Iterable[Tally]) -> Tally:
    total = Counter[str]()
    for tally in tallies:
        total.update(tally.model_dump())
    return Tally(**total)


def _contains_day(segment: Segment, day: str) -> bool:
    """Whether a weekday or month contains this day."""
    name, value = next(iter(segment.segment.items()))
    return value == (day[:7] if name == "month" else str(date.fromisoformat(day).isoweekday()))


def _dimension(segment: Segment) -> str:
    return next(iter(segment.segment))


def _is_frequent(segment: Segment) -> bool:
    return _dimension(segment) not in CALENDAR_DIMENSIONS or segment.tally.defects >= MIN_DEFECTS_AT_A_TIME


def _stems_from_one_day(segment: Segment, measurement: Measurement, threshold: float) -> bool:
    """Whether a weekday or month stands out only because of its worst day."""
    if _dimension(segment) not in ("weekday", "month"):
        return False
    days = [day_slice for day_slice in measurement.segments if _dimension(day_slice) == "day"]
    within = [day_slice for day_slice in days if (day := day_slice.segment["day"]) and _contains_day(segment, day)]
    worst = max(within, key=lambda day_slice: day_slice.tally.defects, default=None)
    if worst is None:
        return False
    defects, judged = segment.tally.defects - worst.tally.defects, segment.tally.judged - worst.tally.judged
    others = measurement.tally.defects - segment.tally.defects, measurement.tally.judged - segment.tally.judged
    return judged <= 0 or two_proportion_z(defects, judged, *others) <= threshold


def _group_repeats(candidates: Iterable[_TestedSlice]) -> list[list[_TestedSlice]]:
    """Group slices of different dimensions that have nearly the same rows: one cause that counts cannot tell apart."""
    groups: list[list[_TestedSlice]] = []
    for candidate in candidates:
        alike = next((group for group in groups if _is_repeat(candidate, group)), None)
        if alike is None:
            groups.append([candidate])
        else:
            alike.append(candidate)
    return groups


def _is_repeat(candidate: _TestedSlice, accepted: Sequence[_TestedSlice]) -> bool:
    """Whether a slice already kept, of another dimension, has nearly the same rows, as far as counts can tell."""
    return any(
        _dimension(candidate.segment) != _dimension(other.segment)
        and _is_near(candidate.segment.tally.defects, other.segment.tally.defects)
        and _is_near(candidate.segment.tally.judged, other.segment.tally.judged)
        for other in accepted
    )


def _is_near(first: int, second: int) -> bool:
    return min(first, second) >= SAME_SLICE_RATIO * max(first, second)


def _is_testable(segment: Segment, measurement: Measurement) -> bool:
    """Whether the slice is large enough, has a value, and leaves other rows to compare with."""
    judged = segment.tally.judged
    return MIN_JUDGED <= judged < measurement.tally.judged and None not in segment.segment.values()


def _compare_slice(segment: Segment, measurement: Measurement) -> _TestedSlice:
    defects, judged = segment.tally.defects, segment.tally.judged
    other_defects, other_judged = measurement.tally.defects - defects, measurement.tally.judged - judged
    # compared with all other rows, not with the mean of all: a slice must not dilute what it is compared with
    excess = defects - judged * other_defects / other_judged
    return _TestedSlice(segment, excess, two_proportion_z(defects, judged, other_defects, other_judged))


def _drop_common_days(candidates: list[_TestedSlice]) -> Iterable[_TestedSlice]:
    days = [candidate for candidate in candidates if "day" in candidate.segment.segment]
    return (
        candidates
        if len(days) <= MAX_OUTLYING_DAYS
        else [candidate for candidate in candidates if candidate not in days]
    )


def _build_driver(alike: Sequence[Segment], total: int) -> Driver:
    segment = alike[0]
    return Driver(
        segment=segment.segment,
        defects=segment.tally.defects,
        judged=segment.tally.judged,
        share_of_defects=segment.tally.defects / total,
        same_rows=tuple(other.segment for other in alike[1:]),
    )
