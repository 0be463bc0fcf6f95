"""Texts of a recommendation: where the misses are, how many it would avoid, and what that assumes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from storehealth.catalogue.rule import Rule
from storehealth.catalogue.texts import name_dimension
from storehealth.catalogue.view import View
from storehealth.model import Driver, Finding, Measurement
from storehealth.support.message import Message, Name, message, quantity
from storehealth.support.stats import bonferroni_z, two_proportion_z

MAX_PLACES = 2
NON_RECURRING_UNITS = ("day", "topic", "sku")
"""Entities that do not recur every week, so they get no weekly figure."""
MIN_WEEKLY_DAYS, MAX_WEEKLY_DAYS = 7, 92
"""Days of data that allow a weekly figure: fewer make it a guess, and over more it describes no actual week."""
MAX_NAMED_SLICES = 3
MIN_NAMED_SHARE = 0.2
"""Share of the misses that the slices named with an action must hold in total."""


class _Place(NamedTuple):
    """Where misses are: their share of all misses, and the share of all rows that is there."""

    where: Message
    share: float
    rows: float

    def describe(self) -> Message:
        """``20–21 h: 60% of the misses, 13% of all``: where most rows are, most misses are as well."""
        share, rows = (quantity(round(part, 2), "share") for part in (self.share, self.rows))
        return message("advice.driver", where=self.where, share=share, rows=rows)


def describe_places(finding: Finding) -> Message | None:
    """Where most of a finding's misses are: at most two slices, the largest first; None where nothing stands out."""
    places = sorted(_iterate_places(finding.drivers, finding.judged), key=lambda place: -place.share)
    parts = tuple(place.describe() for place in places[:MAX_PLACES])
    return message("advice.places", code=Name(finding.code), parts=parts) if parts else None


def _iterate_places(drivers: Sequence[Driver], judged: int) -> Iterator[_Place]:
    """Yield the places of slices; consecutive hours form one place."""
    by_hour = {int(driver.segment["hour"] or 0): driver for driver in drivers if "hour" in driver.segment}
    for run in _group_consecutive(sorted(by_hour)):
        hours = [by_hour[hour] for hour in run]
        share, rows = sum(driver.share_of_defects for driver in hours), sum(driver.judged for driver in hours) / judged
        yield _Place(message("advice.hours", first=run[0], last=run[-1] + 1), share, rows)
    for driver in drivers:
        for name, value in driver.segment.items():
            if name != "hour" and value is not None:
                yield _Place(_name_place(name, value, driver), driver.share_of_defects, driver.judged / judged)


def _name_place(name: str, value: str, driver: Driver) -> Message:
    """A slice, and those of other dimensions that cannot be told from it."""
    also = tuple(
        _describe_place(other, label) for same in driver.same_rows for other, label in same.items() if label is not None
    )
    where = _describe_place(name, value)
    return message("advice.same_rows", where=where, also=also) if also else where


def _group_consecutive(hours: Sequence[int]) -> Iterator[list[int]]:
    run: list[int] = []
    for hour in hours:
        if run and hour != run[-1] + 1:
            yield run
            run = []
        run.append(hour)
    if run:
        yield run


def describe_named_slices(dimension: str, measurement: Measurement) -> Message | None:
    """Name the few slices of a dimension that hold most of the misses.

    None where they hold few, or no larger share of the misses than of all rows, as far as chance allows to tell.
    """
    tally = measurement.tally
    with_defects = [
        segment
        for segment in measurement.segments
        if segment.segment.get(dimension) is not None and segment.tally.defects
    ]
    top = sorted(with_defects, key=lambda segment: (-segment.tally.defects, segment.segment[dimension] or ""))[
        :MAX_NAMED_SLICES
    ]
    defects, judged = sum(segment.tally.defects for segment in top), sum(segment.tally.judged for segment in top)
    share = defects / tally.defects if tally.defects else 0.0
    if share < MIN_NAMED_SHARE or len(with_defects) == len(top):
        return None
    # the largest of many slices always stand out a little, so the bound allows for all that could have been chosen
    if two_proportion_z(defects, judged, tally.defects - defects, tally.judged - judged) <= bonferroni_z(
        len(with_defects)
    ):
        return None
    drivers = [Driver(segment=segment.segment, defects=segment.tally.defects, judged=segment.tally.judged,
                      share_of_defects=segment.tally.defects / tally.defects) for segment in top]  # fmt: skip
    where = tuple(place.where for place in _iterate_places(drivers, tally.judged))
    place = _Place(message("advice.several", where=where), share, judged / tally.judged)
    return message("advice.places", code=Name(measurement.code), parts=(place.describe(),))


def _describe_place(name: str, value: str) -> Message:
    if name == "weekday":
        return message(f"weekday.{value}")
    dimension = name_dimension(name)
    if value == "true":
        return dimension
    return message("advice.slice", name=dimension, value=message("advice.is_not") if value == "false" else Name(value))


def describe_gain(rule: Rule, views: Mapping[str, View], measurement: Measurement, avoided: float) -> Message:
    """Misses avoided, in customers or orders a week; in total where the days allow no weekly figure, or it is below one."""
    entities = avoided * measurement.entities / measurement.tally.defects if measurement.tally.defects else 0.0
    days = _count_days(measurement)
    weekly = MIN_WEEKLY_DAYS <= days <= MAX_WEEKLY_DAYS and round(entities * 7 / days) >= 1
    unit = _entity_unit(rule, views)
    weekly = weekly and unit not in NON_RECURRING_UNITS
    number = max(1, round(entities * 7 / days if weekly else entities))
    entity = message(f"unit_of.{unit}", n=number)
    if unit in NON_RECURRING_UNITS:
        return message("advice.so_many", n=number, what=entity)
    return message("advice.week" if weekly else "advice.in_all", n=number, what=entity)


def _entity_unit(rule: Rule, views: Mapping[str, View]) -> str:
    """What the rule's entities stand for: those of the first view it names that says so."""
    words = re.findall(r"\w+", rule.measure.over) if rule.measure.entity == "entity" else []
    return next((views[word].entity for word in words if word in views and views[word].entity != "row"), "row")


def _count_days(measurement: Measurement) -> int:
    """Days the measurement spans: its window, or if that is open-ended, its first day with rows to its last."""
    window = measurement.window
    if window.first is not None and window.last is not None:
        return (window.last - window.first).days + 1
    days = [date.fromisoformat(day) for segment in measurement.segments if (day := segment.segment.get("day"))]
    return (max(days) - min(days)).days + 1 if days else 1
