"""How many questions come when, and how many people they need: usual weeks, special days, shifts, forecast, simulation.

Pure arithmetic over counted hours; ``staffing`` reads them and says what follows.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from statistics import mean, median
from typing import Any, NamedTuple

PROMOTION = 2.5
"""A day with this many times the questions of its weekday is a promotion."""
LEAST_SHIFT, LONGEST_SHIFT = 4, 8
FORECAST_DAYS = 14
SEASONS = 8
"""Weeks whose same weekday gives the median."""
CHATS_AT_ONCE = 3
SIMULATED_HOURS = 60


class HourSlot(NamedTuple):
    """One hour of one day."""

    at: datetime
    questions: int
    missed: int
    present: int
    slow: int = 0


class WeeklySlot(NamedTuple):
    """An hour of the week over all its days."""

    weekday: int
    hour: int
    days: int
    questions: int
    missed: int
    present: float
    slow: int = 0
    """Of the missed ones, those that were answered soon after the goal: somebody was at it."""

    @property
    def arrivals(self) -> float:
        """Questions in one such hour."""
        return self.questions / self.days

    @property
    def missed_share(self) -> float:
        """Share of the questions that were missed."""
        return self.missed / self.questions


def count_days(slots: Iterable[HourSlot]) -> dict[date, int]:
    """Questions per day, days without any between the first and the last as well."""
    counts: dict[date, int] = defaultdict(int)
    for slot in slots:
        counts[slot.at.date()] += slot.questions
    first, last = min(counts), max(counts)
    return {first + timedelta(days=n): counts[first + timedelta(days=n)] for n in range((last - first).days + 1)}


def find_special_days(daily: Mapping[date, int], holidays: Collection[date]) -> set[date]:
    """Find the days that say nothing of a usual week: holidays, and promotions by their size."""
    usual = {weekday: median(_list_weekday(daily, weekday) or [0]) for weekday in range(1, 8)}
    promotions = {day for day, n in daily.items() if n > PROMOTION * max(usual[day.isoweekday()], 1)}
    return promotions | {day for day in holidays if day in daily}


def _list_weekday(daily: Mapping[date, int], weekday: int) -> list[int]:
    return [n for day, n in daily.items() if day.isoweekday() == weekday]


def summarise_week(
    slots: Sequence[HourSlot], rostered: Mapping[tuple[date, int], int] | None = None
) -> list[WeeklySlot]:
    """Summarise hours by weekday; hours in which nothing came on a day with questions count as zero."""
    days: dict[int, set[date]] = defaultdict(set)
    known = list_rostered_days(rostered or {})
    groups: dict[tuple[int, int], list[HourSlot]] = defaultdict(list)
    for slot in slots:
        days[slot.at.isoweekday()].add(slot.at.date())
        groups[slot.at.isoweekday(), slot.at.hour].append(slot)
    week = []
    for (weekday, hour), own in sorted(groups.items()):
        questions, n = sum(slot.questions for slot in own), len(days[weekday])
        if rostered is None:  # of hours with questions: where nobody asks, nobody can be seen replying
            present = mean([slot.present for slot in own if slot.questions] or [0])
        else:
            present = (
                mean(counts)
                if (counts := [rostered.get((day, hour), 0) for day in days[weekday] if day in known])
                else 0
            )
        missed, slow = (sum(column) for column in zip(*((slot.missed, slot.slow) for slot in own), strict=True))
        week.append(WeeklySlot(weekday, hour, n, questions, missed, present, slow))
    return [slot for slot in week if slot.questions]


def list_rostered_days(rostered: Mapping[tuple[date, int], int]) -> set[date]:
    """List the days from the first to the last of a roster; of days before and after it says nothing."""
    days = [day for day, _ in rostered]
    return {min(days) + timedelta(days=n) for n in range((max(days) - min(days)).days + 1)} if days else set()


def cover_with_shifts(need: Sequence[int]) -> list[tuple[int, int]]:
    """Cover the need of 24 hours by contiguous shifts of four to eight hours, opened only where people are missing."""
    covered, shifts = [0] * 24, []
    for hour in range(24):
        while covered[hour] < need[hour]:
            lacking = [h for h in range(hour, min(24, hour + LONGEST_SHIFT)) if covered[h] < need[h]]
            end = min(24, max(lacking[-1] + 1, hour + LEAST_SHIFT))
            start = min(hour, max(0, end - LEAST_SHIFT))
            shifts.append((start, end))
            for h in range(start, end):
                covered[h] += 1
    return shifts


def forecast_days(daily: Mapping[date, int], days: Sequence[date], special: Collection[date]) -> list[float]:
    """Forecast days by the median of the same weekday in the last weeks, special days left out."""
    result = []
    for day in days:
        past = [daily[known] for known in sorted(daily, reverse=True) if known.isoweekday() == day.isoweekday()
                and known not in special]  # fmt: skip
        result.append(float(median(past[:SEASONS])) if past else mean(daily.values()))
    return result


def backtest(daily: Mapping[date, int], special: Collection[date]) -> tuple[float, float] | None:
    """Forecast the last fortnight from what was known before it.

    Returns:
        Mean absolute errors as shares of the mean day: of the forecast, and of 'as last week'. None with under five weeks.
    """
    ordered = sorted(daily)
    if len(ordered) < 5 * 7:
        return None
    known, held = {day: daily[day] for day in ordered[:-FORECAST_DAYS]}, ordered[-FORECAST_DAYS:]
    usual = mean(daily[day] for day in held) or 1.0
    ours = forecast_days(known, held, special)
    naive = [known[day - timedelta(days=7 if n < 7 else 14)] for n, day in enumerate(held)]
    errors = [mean(abs(guess - daily[day]) for guess, day in zip(way, held, strict=True)) for way in (ours, naive)]
    return errors[0] / usual, errors[1] / usual


def simulate_share(per_hour: float, service: float, agents: int, goal: float, questions: float, seed: int = 1) -> float:
    """Simulate agents who serve several chats at once, each chat staying with its agent; the share taken up in time.

    Args:
        per_hour: Questions an hour.
        service: Mean seconds of one.
        agents: How many serve, up to three chats each.
        goal: Seconds.
        questions: Mean questions of a chat.
        seed: Of the random numbers.

    Raises:
        ImportError: The package simpy is not installed.
    """
    import simpy

    chance, environment = random.Random(seed), simpy.Environment()  # noqa: S311 - a simulation, no secret
    desks = [simpy.Resource(environment, 1) for _ in range(agents)]
    places: Any = simpy.PriorityStore(environment)  # an agent's first place goes before anybody's second
    for place in range(CHATS_AT_ONCE):
        for agent in range(agents):
            places.put(simpy.PriorityItem(place, agent))
    waits: list[float] = []

    def chat() -> Generator[Any, Any, None]:
        asked = environment.now
        place: Any = yield places.get()
        while True:
            with desks[place.item].request() as turn:
                yield turn
                waits.append(environment.now - asked)
                yield environment.timeout(chance.expovariate(1 / service))
            if chance.random() < 1 / questions:
                break
            yield environment.timeout(chance.expovariate(1 / 45))
            asked = environment.now
        places.put(place)

    def arrive() -> Generator[Any, Any, None]:
        while True:
            yield environment.timeout(chance.expovariate(per_hour / questions / 3600))
            environment.process(chat())

    environment.process(arrive())
    environment.run(until=SIMULATED_HOURS * 3600)
    return sum(wait <= goal for wait in waits) / len(waits) if waits else 1.0


def measure_holidays(daily: Mapping[date, int], special: Collection[date], holidays: Collection[date]) -> float:
    """Measure how busy past holidays were compared with usual days of their weekday; 1 without any."""
    past = [day for day in daily if day in holidays]
    usual = forecast_days(daily, past, special)
    ratios = [daily[day] / guess for day, guess in zip(past, usual, strict=True) if guess]
    return median(ratios) if ratios else 1.0
