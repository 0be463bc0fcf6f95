"""Finds the slices that cause the trouble: those with clearly more defects than their size explains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from storehealth.model import Driver, Measurement, Segment, Tally
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
TIMES = ("hour", "weekday", "day", "month")
LEAST_MONTHS = 4
"""From so many months on, the month is looked at as well: a season shows, where single days are too small."""


class _Slice(NamedTuple):
    segment: Segment
    excess: float
    z: float


def drivers(measured: Measurement, dated: bool = True) -> tuple[Driver, ...]:
    """Slices that stand out, those with most excess defects first; none where nothing does.

    A slice of at least 20 judged rows is compared with all other rows of the rule. It is named if it is worse beyond
    chance, allowing for the number of slices compared, and if the defects it would not have had at the others' rate
    are at least a tenth of all. Rows that belong to nobody (a dimension that is empty) are no slice. One cause is named
    once: a weekday or month that stands out through a single day gives way to the day.

    Args:
        measured: The rule's figures and slices.
        dated: Whether its rows lie on days of their own: what is open still counts today, whenever it began.
    """
    total = measured.tally.defects
    slices = (*measured.segments, *_months(measured))
    slices = slices if dated else tuple(one for one in slices if _name(one) not in ("day", "month"))
    tested = [_compared(one, measured) for one in slices if _testable(one, measured)]
    if not tested or total == 0:
        return ()
    bound = z_for_tests(len(tested))
    found = [one for one in tested if one.z > bound and one.excess >= NOTABLE * total and _frequent(one.segment)]
    found = [one for one in _without_common_days(found) if not _through_one_day(one.segment, measured, bound)]
    found = sorted(found, key=lambda one: (-one.excess, sorted(one.segment.segment.items())))
    return tuple(_driver(one.segment, total) for one in _once_each(found)[:MOST_DRIVERS])


def _months(measured: Measurement) -> list[Segment]:
    """The days put together by month; none over a short time."""
    found: dict[str, list[Tally]] = {}
    for one in measured.segments:
        if _name(one) == "day" and one.segment["day"]:
            found.setdefault(one.segment["day"][:7], []).append(one.tally)
    if len(found) < LEAST_MONTHS:
        return []
    return [Segment(segment={"month": month}, tally=_added(tallies)) for month, tallies in sorted(found.items())]


def _added(tallies: Iterable[Tally]) -> Tally:
    total = Counter[str]()
    for one in tallies:
        total.update(one.model_dump())
    return Tally(**total)


def _holds(segment: Segment, day: str) -> bool:
    """Whether a weekday or month has this day."""
    name, value = next(iter(segment.segment.items()))
    return value == (day[:7] if name == "month" else str(date.fromisoformat(day).isoweekday()))


def _name(segment: Segment) -> str:
    return next(iter(segment.segment))


def _frequent(segment: Segment) -> bool:
    return _name(segment) not in TIMES or segment.tally.defects >= LEAST_AT_A_TIME


def _through_one_day(segment: Segment, measured: Measurement, bound: float) -> bool:
    """Whether a weekday or month stands out only through its worst day."""
    if _name(segment) not in ("weekday", "month"):
        return False
    days = [one for one in measured.segments if _name(one) == "day"]
    own = [one for one in days if (day := one.segment["day"]) and _holds(segment, day)]
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
