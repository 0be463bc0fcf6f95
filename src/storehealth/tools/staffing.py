"""``staffing``: how many people each hour of the week needs, compared with who was on duty; shifts, and the next two weeks.

The time a question takes comes from the chats themselves: from when it came, or the agent's last line if that was later, to
the reply. So chats served at once do not count twice, and Erlang C may count each agent as serving one question at a time.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, timedelta
from statistics import mean
from typing import Any, ClassVar

from pydantic import Field

from storehealth.model.tools import Figure, Id, Seconds, Share, ToolRecord, ToolRow
from storehealth.support.message import Message, Name, message
from storehealth.support.service_hours import read_holidays
from storehealth.support.stats import Z_ONE_SIDED, compute_served_share, count_agents_needed, wilson_interval
from storehealth.tools import ToolInputs, choose_goal, explain_need, read_own_csv
from storehealth.tools.workload import (
    FORECAST_DAYS,
    HourSlot,
    WeeklySlot,
    backtest,
    count_days,
    cover_with_shifts,
    find_special_days,
    forecast_days,
    measure_holidays,
    simulate_share,
    summarise_week,
)

MISSED = 0.2
"""Share missed from which on an hour is looked at."""
FEWEST_QUESTIONS = 5
SLOW = 10
"""An answer within so many times the goal was being worked on: slow, not away."""
SHORT = 0.25
"""People that may be missing on average before an hour has too few."""
CHECKED_HOURS = 3
"""Busiest hours that the simulation checks."""
AGREEMENT = 0.1
ROSTER = "roster.csv"


class StaffedHour(ToolRow):
    """An hour of the week."""

    SCREEN = ("weekday", "hour", "arrivals", "missed_share", "present", "needed", "verdict", "gain")

    weekday: Message
    hour: Id
    days: int = Field(description="Days of this weekday in the log, holidays and promotions left out.")
    arrivals: Figure = Field(description="Questions in such an hour.")
    missed_share: Share
    present: Figure = Field(description="People who replied in such an hour, or who were rostered.")
    needed: int
    verdict: Message
    gain: Figure = Field(description="Questions a week that one more person would bring in time.")


class Shift(ToolRow):
    """A proposed shift."""

    weekday: Message
    hours: Id
    people: int


class ForecastDay(ToolRow):
    """A day to come."""

    day: date
    weekday: Message
    questions: Figure
    low: Figure
    high: Figure
    peak_needed: int = Field(description="People that the busiest hour of such a day needs.")
    holiday: bool


class SimulatedHour(ToolRow):
    """A busy hour, by Erlang C and by simulation with several chats at once."""

    weekday: Message
    hour: Id
    needed: int
    share_expected: Share
    share_simulated: Share


class Staffing(ToolRecord):
    """Whom to put on when."""

    FIRST: ClassVar[Mapping[str, int]] = {"hours": 12, "shifts": 21, "forecast": 14, "simulation": 3}

    service_seconds: Seconds = Field(default=None, description="Mean time of one question, overlaps taken out.")
    service_count: int = 0
    goal_seconds: Seconds = None
    served_share: Share = None
    forecast_error: Share = Field(default=None, description="Mean error in a held-back fortnight, of the mean day.")
    naive_error: Share = Field(default=None, description="The same for 'as last week'.")
    hours: tuple[StaffedHour, ...] = ()
    shifts: tuple[Shift, ...] = ()
    forecast: tuple[ForecastDay, ...] = ()
    simulation: tuple[SimulatedHour, ...] = ()


# -- reading ---------------------------------------------------------------------------------------------------------

SLOTS = """
    WITH asked AS (
        SELECT date_trunc('hour', opened_at) AS slot, count(*) AS questions,
               count(*) FILTER (replied_at IS NULL AND wait_seconds >= $goal OR wait_seconds > $goal) AS missed,
               count(*) FILTER (replied_at IS NOT NULL AND wait_seconds > $goal AND wait_seconds <= $slow * $goal) AS slow
        FROM turns
        WHERE handled_by IS DISTINCT FROM 'bot' AND NOT began_off_hours
        GROUP BY slot
    ),
    written AS (
        SELECT date_trunc('hour', replied_at) AS slot, count(DISTINCT replied_by) AS present
        FROM turns
        WHERE handled_by = 'human'
        GROUP BY slot
    )
    SELECT slot, coalesce(questions, 0) AS questions, coalesce(missed, 0) AS missed, coalesce(present, 0) AS present,
           coalesce(slow, 0) AS slow
    FROM asked
    FULL JOIN written USING (slot)
    ORDER BY slot
"""
WAITS = "SELECT wait_seconds, wait_seconds <= $goal AS is_met FROM turns WHERE replied_at IS NOT NULL"
SERVICE = """
    WITH acts AS (
        SELECT session_id, sender_id, sent_at, lag(sent_at) OVER (PARTITION BY sender_id ORDER BY sent_at) AS before
        FROM chat_messages
        WHERE role = 'agent' AND event IS NULL
    ),
    replies AS (
        SELECT elapsed(greatest(t.opened_at, coalesce(a.before, t.opened_at)), t.replied_at) AS seconds
        FROM turns AS t
        JOIN acts AS a ON a.session_id = t.session_id AND a.sender_id = t.replied_by AND a.sent_at = t.replied_at
        WHERE t.handled_by = 'human' AND NOT t.began_off_hours
    ),
    usual AS (SELECT median(seconds) AS middle FROM replies)
    SELECT avg(least(seconds, 3 * middle)) AS seconds, count(*) AS n, middle
    FROM replies CROSS JOIN usual
    WHERE seconds > 0
    GROUP BY middle
"""


def build_staffing(inputs: ToolInputs) -> Staffing:
    """Work out hours, shifts and forecast; needs a chat log with times of questions and replies."""
    header = inputs.to_header("staffing")
    if not inputs.has("messages") or inputs.as_of is None:
        needs = explain_need("tools.part.staffing", "messages")
        return Staffing(**header, headline=message("tools.staffing.none"), missing=(needs,))
    goal, share = choose_goal(inputs, WAITS), float(inputs.find_fact("served_share"))
    slots = [HourSlot(*row.values()) for row in inputs.fetch(SLOTS, goal=goal, slow=SLOW)]
    service, count = measure_service(inputs)
    if not slots or service is None:
        return Staffing(**header, headline=message("tools.staffing.none"))
    daily = count_days(slots)
    special = find_special_days(daily, _list_holidays(inputs, daily))
    rostered = read_roster(inputs)
    since = slots[-1].at - timedelta(seconds=inputs.find_fact("look_back"))
    week = summarise_week([slot for slot in slots if slot.at.date() not in special and slot.at > since], rostered)
    need = {(one.weekday, one.hour): count_agents_needed(one.arrivals, service, goal, share) for one in week}
    hours = tuple(_to_hour(one, need[one.weekday, one.hour], service, goal) for one in week)
    errors = backtest(daily, special)
    return Staffing(
        **header,
        headline=_say_headline(hours),
        missing=(),
        notes=tuple(_list_notes(service, count, goal, share, errors, len(special), rostered is not None)),
        service_seconds=service,
        service_count=count,
        goal_seconds=goal,
        served_share=share,
        forecast_error=errors[0] if errors else None,
        naive_error=errors[1] if errors else None,
        hours=tuple(sorted(hours, key=_rank)),
        shifts=tuple(_propose(need)),
        forecast=tuple(
            _forecast(inputs, daily, special, week, lambda rate: count_agents_needed(rate, service, goal, share))
        ),
        simulation=tuple(_check_by_simulation(inputs, week, need, service, goal)),
    )


def measure_service(inputs: ToolInputs) -> tuple[float | None, int]:
    """Measure the mean seconds of one question and of how many; times above three medians count as three medians."""
    rows = inputs.fetch(SERVICE)
    return (float(rows[0]["seconds"]), rows[0]["n"]) if rows else (None, 0)


def read_roster(inputs: ToolInputs) -> dict[tuple[date, int], int] | None:
    """Read ``roster.csv`` beside the settings: ``agent,date,from,to``; people by day and hour, None without a file.

    Raises:
        UsageError: A row has no date or hours that can be read.
    """
    shifts = read_own_csv(inputs, ROSTER, "tools.roster_form", _parse_shift)
    if shifts is None:
        return None
    people: dict[tuple[date, int], set[str]] = defaultdict(set)
    for agent, day, first, last in shifts:
        for hour in range(first, last if last > first else last + 24):
            people[day + timedelta(days=hour // 24), hour % 24].add(agent)
    return {slot: len(names) for slot, names in people.items()}


def _parse_shift(row: Mapping[str, str]) -> tuple[str, date, int, int]:
    first, last = (int(row[name].split(":")[0]) for name in ("from", "to"))
    return row["agent"], date.fromisoformat(row["date"]), first, last


def _list_holidays(inputs: ToolInputs, daily: Mapping[date, int]) -> set[date]:
    """The public holidays of the store's country, from the log's first day to the end of the forecast."""
    countries = list(inputs.settings.holidays) or [code for code in (inputs.platform.country,) if code]
    first, last = min(daily), max(daily) + timedelta(days=FORECAST_DAYS)
    return {day.day for country in countries for day in read_holidays(country, first.year, last.year).holidays}


# -- rows ------------------------------------------------------------------------------------------------------------


def _to_hour(one: WeeklySlot, needed: int, service: float, goal: float) -> StaffedHour:
    there = round(one.present)
    before, after = (compute_served_share(one.arrivals, service, n, goal) for n in (there, there + 1))
    return StaffedHour(
        weekday=message(f"weekday.{one.weekday}"), hour=name_hour(one.hour), days=one.days, arrivals=one.arrivals,
        missed_share=one.missed_share, present=one.present, needed=needed,
        verdict=message(f"tools.staffed.{judge_hour(one, needed)}"), gain=(after - before) * one.arrivals,
    )  # fmt: skip


def name_hour(hour: int) -> str:
    """Return an hour as ``20:00-21:00``."""
    return f"{hour:02d}:00-{hour + 1:02d}:00"


def judge_hour(one: WeeklySlot, needed: int) -> str:
    """Tell too few people from people who were there and did not answer, or answered too slowly."""
    if one.questions < FEWEST_QUESTIONS:
        return "few_questions"
    if wilson_interval(one.missed, one.questions, Z_ONE_SIDED)[0] <= MISSED:  # not more than chance would have it
        return "enough" if one.present <= needed + 1 else "spare"
    if one.present < needed - SHORT:
        return "too_few"
    return "slow" if one.slow > one.missed / 2 else "away"


def _rank(row: StaffedHour) -> tuple[Any, ...]:
    """Hours that another roster mends come before those in which people were there but slow."""
    is_slow = row.verdict.id == "tools.staffed.slow"
    return (not _weigh(row), is_slow, -_weigh(row), row.weekday.id, row.hour)


def _weigh(row: StaffedHour) -> float:
    """Missed questions of a week, of hours that are judged."""
    judged = row.verdict.id in ("tools.staffed.too_few", "tools.staffed.away", "tools.staffed.slow")
    return (row.arrivals or 0) * (row.missed_share or 0) if judged else 0.0


def _propose(need: Mapping[tuple[int, int], int]) -> Iterator[Shift]:
    for weekday in range(1, 8):
        shifts = cover_with_shifts([need.get((weekday, hour), 0) for hour in range(24)])
        for start, end in dict.fromkeys(shifts):
            yield Shift(
                weekday=message(f"weekday.{weekday}"),
                hours=f"{start:02d}:00-{end:02d}:00",
                people=shifts.count((start, end)),
            )


def _forecast(
    inputs: ToolInputs,
    daily: Mapping[date, int],
    special: Collection[date],
    week: Sequence[WeeklySlot],
    count_needed: Callable[[float], int],
) -> Iterator[ForecastDay]:
    """Forecast the two weeks after the log; a holiday is as busy as past holidays were compared with usual days."""
    last = max(daily)
    days = [last + timedelta(days=n) for n in range(1, FORECAST_DAYS + 1)]
    holidays = _list_holidays(inputs, daily)
    factor = measure_holidays(daily, special, holidays)
    past = sorted(day for day in daily if day not in special)[-28:]
    off = [daily[day] - guess for day, guess in zip(past, forecast_days(daily, past, special), strict=True)]
    spread = math.sqrt(mean(part * part for part in off)) if off else 0.0
    busiest = {day: max((one.arrivals for one in week if one.weekday == day), default=0.0) for day in range(1, 8)}
    usual = {day: sum(one.arrivals for one in week if one.weekday == day) for day in range(1, 8)}
    for day, guess in zip(days, forecast_days(daily, days, special), strict=True):
        questions = guess * (factor if day in holidays else 1.0)
        half = 1.28 * max(spread, math.sqrt(questions))
        weekday = day.isoweekday()
        peak = questions * busiest[weekday] / usual[weekday] if usual[weekday] else 0.0
        yield ForecastDay(
            day=day, weekday=message(f"weekday.{weekday}"), questions=questions, low=max(0.0, questions - half),
            high=questions + half, peak_needed=count_needed(peak), holiday=day in holidays,
        )  # fmt: skip


def _check_by_simulation(
    inputs: ToolInputs,
    week: Sequence[WeeklySlot],
    need: Mapping[tuple[int, int], int],
    service: float,
    goal: float,
) -> Iterator[SimulatedHour]:
    questions = inputs.fetch_value("SELECT count(*) / count(DISTINCT session_id) FROM turns") or 1.0
    with suppress(ImportError):  # without simpy the column of the simulation is missing, and a note says so
        for one in sorted(week, key=lambda one: -one.arrivals)[:CHECKED_HOURS]:
            agents = need[one.weekday, one.hour]
            simulated = simulate_share(one.arrivals, service, agents, goal, max(1.0, float(questions)))
            yield SimulatedHour(
                weekday=message(f"weekday.{one.weekday}"), hour=name_hour(one.hour), needed=agents,
                share_expected=compute_served_share(one.arrivals, service, agents, goal), share_simulated=simulated,
            )  # fmt: skip


# -- what it says ----------------------------------------------------------------------------------------------------


def _say_headline(hours: Sequence[StaffedHour]) -> Message:
    few, away, slow = (
        [row for row in hours if row.verdict.id == f"tools.staffed.{name}"] for name in ("too_few", "away", "slow")
    )
    if all(row.verdict.id == "tools.staffed.few_questions" for row in hours):
        return message("tools.staffing.unknown")
    if not few and not away and not slow:
        return message("tools.staffing.enough")
    worst = max(few or away or slow, key=_weigh)
    counts = {"few": len(few), "away": len(away), "slow": len(slow)}
    return message("tools.staffing.headline", **counts, day=worst.weekday, hour=Name(worst.hour))


def _list_notes(
    service: float,
    count: int,
    goal: float,
    share: float,
    errors: tuple[float, float] | None,
    special: int,
    has_roster: bool,
) -> Iterator[Message]:
    yield message("tools.staffing.service", seconds=service, n=count, goal=goal, share=share)
    if special:
        yield message("tools.staffing.special", n=special)
    if errors is None:
        yield message("tools.staffing.short_log")
    else:
        beats = errors[0] < errors[1]
        id_ = "tools.staffing.backtest" if beats else "tools.staffing.backtest_worse"
        yield message(id_, ours=errors[0], naive=errors[1])
    yield message("tools.staffing.roster" if has_roster else "tools.staffing.replies", file=Name(ROSTER))
    try:
        import simpy  # noqa: F401 - only whether it is there
    except ImportError:  # pragma: no cover - the tests' environment has it
        yield message("tools.staffing.no_simulation")


RECORD = Staffing
