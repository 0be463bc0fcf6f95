"""Texts of a recommendation: where the misses are, how many it would avoid, and what that assumes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from storehealth.catalogue.rule import Rule
from storehealth.catalogue.texts import name_dimension
from storehealth.catalogue.view import View
from storehealth.model import Driver, Finding, Measurement
from storehealth.support.message import Message, Name, message, quantity

MAX_PLACES = 2
NON_RECURRING_UNITS = ("day", "topic", "sku")
"""Entities that do not recur every week, so they get no weekly figure."""
MIN_WEEKLY_DAYS, MAX_WEEKLY_DAYS = 7, 92
"""Days of data that allow a weekly figure: fewer make it a guess, and over more it describes no actual week."""
MAX_NAMED_SLICES = 3
MIN_NAMED_SHARE = 0.2
"""Share of the misses that the slices named with an action must hold in total."""


def describe_places(finding: Finding) -> Message | None:
    """Where most of the misses are: at most two slices, the largest first; None where nothing stands out."""
    parts = tuple(
        message("advice.driver", share=quantity(round(share, 2), "share"), where=where)
        for share, where in list(_iterate_places(finding.drivers))[:MAX_PLACES]
    )
    return message("advice.places", parts=parts) if parts else None


def _iterate_places(drivers: Sequence[Driver]) -> Iterator[tuple[float, Message]]:
    """Yield shares of the misses and where they are, largest first; consecutive hours form one place."""
    hours = sorted(int(driver.segment["hour"] or 0) for driver in drivers if "hour" in driver.segment)
    shares = {
        int(driver.segment["hour"] or 0): driver.share_of_defects for driver in drivers if "hour" in driver.segment
    }
    places = [
        (sum(shares[hour] for hour in run), message("advice.hours", first=run[0], last=run[-1] + 1))
        for run in _group_consecutive(hours)
    ]
    for driver in drivers:
        places += [
            (driver.share_of_defects, _describe_place(name, value))
            for name, value in driver.segment.items()
            if name != "hour" and value is not None
        ]
    yield from sorted(places, key=lambda place: -place[0])


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
    """Name the few slices of a dimension that hold most of the misses; None where they hold few."""
    total = measurement.tally.defects
    with_defects = [
        segment
        for segment in measurement.segments
        if segment.segment.get(dimension) is not None and segment.tally.defects
    ]
    top = sorted(with_defects, key=lambda segment: (-segment.tally.defects, segment.segment[dimension] or ""))[
        :MAX_NAMED_SLICES
    ]
    defects, judged = sum(segment.tally.defects for segment in top), sum(segment.tally.judged for segment in top)
    share = defects / total if total else 0.0
    if share < MIN_NAMED_SHARE or len(with_defects) == len(top):
        return None
    drivers = [Driver(segment=segment.segment, defects=segment.tally.defects, judged=segment.tally.judged,
                      share_of_defects=segment.tally.defects / total) for segment in top]  # fmt: skip
    where = tuple(place for _, place in _iterate_places(drivers))
    # where most rows are, most misses are as well: the share of all rows tells the reader whether it is more than that
    of_all = judged / measurement.tally.judged if measurement.tally.judged else 0.0
    return message(
        "advice.most", share=quantity(round(share, 2), "share"), where=where, rows=quantity(round(of_all, 2), "share")
    )


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
