"""The words of a recommendation: where the misses are, how many would go, and what that assumes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date

from storehealth.catalogue.rule import Advice, Rule
from storehealth.model import Driver, Finding, Measurement
from storehealth.wording import Words, texts

MOST_PLACES = 2
UNITS = {
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
"""What an entity of a view is."""
LASTING = ("day", "topic", "sku")
"""What does not come anew every week."""
LEAST_DAYS, MOST_DAYS = 7, 92
"""Days of data for which a weekly figure is told: of fewer it is a guess, and of more it is no week that anybody knows."""
MOST_NAMED = 3
NOTABLE = 0.2
"""Share of the misses that the slices named with an action must hold together."""


def text(advice: Advice, where: str, words: Words) -> str:
    """What to do, completed with where most of the misses are."""
    said = advice.do.in_language(words.language)
    return said.rstrip(" .。") + words.say("advice.joined", drivers=where) if where else said


def places(finding: Finding, words: Words) -> str:
    """Where most of the misses are: at most two slices, the largest first; empty where nothing stands out."""
    found = [
        words.say("advice.driver", share=words.figure(round(share, 2), "share"), where=where)
        for share, where in list(_places(finding.drivers, words))[:MOST_PLACES]
    ]
    return words.say("unit.comma").join(found)


def _places(drivers: Sequence[Driver], words: Words) -> Iterator[tuple[float, str]]:
    """Share of the misses and where they are; hours that follow each other are one place."""
    hours = sorted(int(driver.segment["hour"] or 0) for driver in drivers if "hour" in driver.segment)
    shares = {int(one.segment["hour"] or 0): one.share_of_defects for one in drivers if "hour" in one.segment}
    found = [
        (sum(shares[hour] for hour in run), words.say("advice.hours", first=run[0], last=run[-1] + 1))
        for run in _runs(hours)
    ]
    for driver in drivers:
        found += [
            (driver.share_of_defects, _place(name, value, words))
            for name, value in driver.segment.items()
            if name != "hour" and value is not None
        ]
    yield from sorted(found, key=lambda place: -place[0])


def _runs(hours: Sequence[int]) -> Iterator[list[int]]:
    run: list[int] = []
    for hour in hours:
        if run and hour != run[-1] + 1:
            yield run
            run = []
        run.append(hour)
    if run:
        yield run


def named(dimension: str, measured: Measurement, words: Words) -> str:
    """The few slices of a dimension that hold most of the misses; empty where they hold little."""
    total = measured.tally.defects
    own = [one for one in measured.segments if one.segment.get(dimension) is not None and one.tally.defects]
    top = sorted(own, key=lambda one: (-one.tally.defects, one.segment[dimension] or ""))[:MOST_NAMED]
    share = sum(one.tally.defects for one in top) / total if total else 0.0
    if share < NOTABLE or len(own) == len(top):
        return ""
    drivers = [Driver(segment=one.segment, defects=one.tally.defects, judged=one.tally.judged,
                      share_of_defects=one.tally.defects / total) for one in top]  # fmt: skip
    where = words.say("unit.comma").join(place for _, place in _places(drivers, words))
    return words.say("advice.most", share=words.figure(round(share, 2), "share"), where=where)


def _place(name: str, value: str, words: Words) -> str:
    if name == "weekday":
        return words.say(f"weekday.{value}")
    key = f"slice.{name}"
    known = words.say(key) if key in texts() else name.replace("_", " ")
    if value in ("true", "false"):
        yes = words.say("advice.is_not") if value == "false" else ""
        return words.say("advice.slice", name=known, value=yes).strip()
    return words.say("advice.slice", name=known, value=value)


def gain_units(rule: Rule, measured: Measurement, spared: float, words: Words) -> str:
    """How many customers or orders a week would be spared; of days that make no week, or less than one, how many in all."""
    entities = spared * measured.entities / measured.tally.defects if measured.tally.defects else 0.0
    days = _days(measured)
    weekly = LEAST_DAYS <= days <= MOST_DAYS and round(entities * 7 / days) >= 1
    unit = _unit(rule)
    weekly = weekly and unit not in LASTING
    number = max(1, round(entities * 7 / days if weekly else entities))
    what = words.count(f"unit_of.{unit}", number)
    if unit in LASTING:
        return words.say("advice.so_many", n=words.whole(number), what=what)
    return words.say("advice.week" if weekly else "advice.in_all", n=words.whole(number), what=what)


def _unit(rule: Rule) -> str:
    """What the rule's entities are: that of the first view it names."""
    read = re.findall(r"\w+", rule.measure.over) if rule.measure.entity == "entity" else []
    return next((UNITS[word] for word in read if word in UNITS), "row")


def _days(measured: Measurement) -> int:
    """Days the measurement spans: of its window, or where that is open, from its first day to its last."""
    window = measured.window
    if window.first is not None and window.last is not None:
        return (window.last - window.first).days + 1
    days = [date.fromisoformat(day) for one in measured.segments if (day := one.segment.get("day"))]
    return (max(days) - min(days)).days + 1 if days else 1


def assumption(reached: int, removes: float, words: Words) -> str:
    """What the estimate takes for granted."""
    share = words.figure(removes, "share")
    return words.say("advice.assumption", n=reached, share=share)
