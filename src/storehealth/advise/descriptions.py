"""Texts of a recommendation: where the misses are, how many it would avoid, and what that assumes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date

from storehealth.catalogue.rule import Advice, Rule
from storehealth.i18n.words import Words, load_texts
from storehealth.model import Driver, Finding, Measurement

MAX_PLACES = 2
ENTITY_UNITS = {
    "chat_messages": "customer",
    "turns": "customer",
    "sessions": "customer",
    "fulfilments": "order",
    "parcels": "parcel",
    "traces": "parcel",
    "substitute_signs": "order",
    "cases": "case",
    "sku_days": "sku",
    "table_days": "day",
    "questions": "topic",
}
"""What an entity of each view stands for."""
NON_RECURRING_UNITS = ("day", "topic", "sku")
"""Entities that do not recur every week, so they get no weekly figure."""
MIN_WEEKLY_DAYS, MAX_WEEKLY_DAYS = 7, 92
"""Days of data that allow a weekly figure: fewer make it a guess, and over more it describes no actual week."""
MAX_NAMED_SLICES = 3
MIN_NAMED_SHARE = 0.2
"""Share of the misses that the slices named with an action must hold in total."""


def describe_action(advice: Advice, places: str, words: Words) -> str:
    """Text of the action, followed by where most of the misses are."""
    action = advice.do.in_language(words.language)
    return action.rstrip(" .。") + words.say("advice.joined", drivers=places) if places else action


def describe_places(finding: Finding, words: Words) -> str:
    """Where most of the misses are: at most two slices, the largest first; empty where nothing stands out."""
    descriptions = [
        words.say("advice.driver", share=words.format_figure(round(share, 2), "share"), where=where)
        for share, where in list(_iterate_places(finding.drivers, words))[:MAX_PLACES]
    ]
    return words.say("unit.comma").join(descriptions)


def _iterate_places(drivers: Sequence[Driver], words: Words) -> Iterator[tuple[float, str]]:
    """Yield shares of the misses and where they are, largest first; consecutive hours form one place."""
    hours = sorted(int(driver.segment["hour"] or 0) for driver in drivers if "hour" in driver.segment)
    shares = {
        int(driver.segment["hour"] or 0): driver.share_of_defects for driver in drivers if "hour" in driver.segment
    }
    places = [
        (sum(shares[hour] for hour in run), words.say("advice.hours", first=run[0], last=run[-1] + 1))
        for run in _group_consecutive(hours)
    ]
    for driver in drivers:
        places += [
            (driver.share_of_defects, _describe_place(name, value, words))
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


def describe_named_slices(dimension: str, measurement: Measurement, words: Words) -> str:
    """Name the few slices of a dimension that hold most of the misses; empty where they hold few."""
    total = measurement.tally.defects
    with_defects = [
        segment
        for segment in measurement.segments
        if segment.segment.get(dimension) is not None and segment.tally.defects
    ]
    top = sorted(with_defects, key=lambda segment: (-segment.tally.defects, segment.segment[dimension] or ""))[
        :MAX_NAMED_SLICES
    ]
    share = sum(segment.tally.defects for segment in top) / total if total else 0.0
    if share < MIN_NAMED_SHARE or len(with_defects) == len(top):
        return ""
    drivers = [Driver(segment=segment.segment, defects=segment.tally.defects, judged=segment.tally.judged,
                      share_of_defects=segment.tally.defects / total) for segment in top]  # fmt: skip
    where = words.say("unit.comma").join(place for _, place in _iterate_places(drivers, words))
    return words.say("advice.most", share=words.format_figure(round(share, 2), "share"), where=where)


def _describe_place(name: str, value: str, words: Words) -> str:
    if name == "weekday":
        return words.say(f"weekday.{value}")
    key = f"slice.{name}"
    known = words.say(key) if key in load_texts() else name.replace("_", " ")
    if value in ("true", "false"):
        yes = words.say("advice.is_not") if value == "false" else ""
        return words.say("advice.slice", name=known, value=yes).strip()
    return words.say("advice.slice", name=known, value=value)


def describe_gain(rule: Rule, measurement: Measurement, avoided: float, words: Words) -> str:
    """Misses avoided, in customers or orders a week; in total where the days allow no weekly figure, or it is below one."""
    entities = avoided * measurement.entities / measurement.tally.defects if measurement.tally.defects else 0.0
    days = _count_days(measurement)
    weekly = MIN_WEEKLY_DAYS <= days <= MAX_WEEKLY_DAYS and round(entities * 7 / days) >= 1
    unit = _entity_unit(rule)
    weekly = weekly and unit not in NON_RECURRING_UNITS
    number = max(1, round(entities * 7 / days if weekly else entities))
    unit_text = words.count(f"unit_of.{unit}", number)
    if unit in NON_RECURRING_UNITS:
        return words.say("advice.so_many", n=words.format_whole(number), what=unit_text)
    return words.say("advice.week" if weekly else "advice.in_all", n=words.format_whole(number), what=unit_text)


def _entity_unit(rule: Rule) -> str:
    """What the rule's entities stand for: those of the first view it names."""
    tokens = re.findall(r"\w+", rule.measure.over) if rule.measure.entity == "entity" else []
    return next((ENTITY_UNITS[word] for word in tokens if word in ENTITY_UNITS), "row")


def _count_days(measurement: Measurement) -> int:
    """Days the measurement spans: its window, or if that is open-ended, its first day with rows to its last."""
    window = measurement.window
    if window.first is not None and window.last is not None:
        return (window.last - window.first).days + 1
    days = [date.fromisoformat(day) for segment in measurement.segments if (day := segment.segment.get("day"))]
    return (max(days) - min(days)).days + 1 if days else 1


def describe_assumption(reached: int, removes: float, words: Words) -> str:
    """What the estimate assumes."""
    share = words.format_figure(removes, "share")
    return words.say("advice.assumption", n=reached, share=share)
