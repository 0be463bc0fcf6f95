"""Staffing finds the planted hour, counts as published tables do, and says how good its forecast is."""

from __future__ import annotations

import csv
import random
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from storehealth.errors import UsageError
from storehealth.support.stats import compute_served_share, count_agents_needed, erlang_c
from storehealth.tools.staffing import Staffing, build_staffing, judge_hour
from storehealth.tools.workload import (
    HourSlot,
    WeeklySlot,
    backtest,
    cover_with_shifts,
    find_special_days,
    simulate_share,
    summarise_week,
)
from tests.tools.conftest import SETTINGS, OpenSample

VIEWS = ["chat_messages", "people", "questions", "turns"]


@pytest.fixture(scope="module")
def made() -> dict[str, Staffing]:
    """Built once."""
    return {}


@pytest.fixture
def staffing(open_sample: OpenSample, made: dict[str, Staffing]) -> Staffing:
    """The sample's staffing."""
    if not made:
        made["sample"] = build_staffing(open_sample())
    return made["sample"]


def test_the_planted_evening_hour_has_too_few_people_on_every_weekday(staffing: Staffing) -> None:
    """From 20 to 21 h from Monday to Friday nobody answers; on Saturday and Sunday somebody does."""
    few = {(row.weekday.id, row.hour) for row in staffing.hours if row.verdict.id == "tools.staffed.too_few"}
    assert {(f"weekday.{day}", "20:00-21:00") for day in range(1, 6)} <= few
    assert not {("weekday.6", "20:00-21:00"), ("weekday.7", "20:00-21:00")} & few
    worst = staffing.hours[0]
    assert worst.hour == "20:00-21:00"
    assert worst.present == 0
    assert worst.gain == pytest.approx(worst.arrivals, abs=0.1)


def test_with_the_roster_the_planted_wednesday_is_away(open_sample: OpenSample) -> None:
    """Somebody is rostered there and does not answer; on the other evenings nobody is. Slow hours are not called away."""
    record = build_staffing(open_sample(folder=SETTINGS))
    evenings = {row.weekday.id: row.verdict.id for row in record.hours if row.hour == "20:00-21:00"}
    few = {f"weekday.{day}": "tools.staffed.too_few" for day in (1, 2, 4, 5)}
    assert few.items() <= evenings.items()
    assert [row.weekday.id for row in record.hours if row.verdict.id == "tools.staffed.away"] == ["weekday.3"]
    assert evenings["weekday.3"] == "tools.staffed.away"


def test_a_roster_says_nothing_of_days_before_it(open_sample: OpenSample, tmp_path: Path) -> None:
    """A roster of one week is no week of nobody before it."""
    lines = ["agent,date,from,to", *(f"amy,2026-10-{day:02d},09:00,23:00" for day in range(9, 16))]
    (tmp_path / "roster.csv").write_text("\n".join(lines), encoding="utf-8")
    record = build_staffing(open_sample())
    assert {row.present for row in record.hours if "09:" <= row.hour < "23:"} == {1}


def test_proposed_shifts_cover_what_every_hour_needs(staffing: Staffing) -> None:
    """And the evening hour with it."""
    covered: Counter[tuple[str, int]] = Counter()
    for shift in staffing.shifts:
        start, end = (int(part[:2]) for part in shift.hours.split("-"))
        assert 4 <= end - start <= 8
        covered.update({(shift.weekday.id, hour): shift.people for hour in range(start, end)})
    for row in staffing.hours:
        assert covered[row.weekday.id, int(row.hour[:2])] >= row.needed


def test_the_service_time_takes_overlaps_out(open_made: Any) -> None:
    """Two customers ask in one second; answers come after 20 and 40 s: each took 20 s, not 20 and 40."""
    messages = []
    for chat in range(40):
        at = datetime.fromisoformat("2026-01-05 10:00") + timedelta(minutes=10 * chat)
        for place in (0, 1):
            name = f"c{chat}-{place}"
            messages += [
                {"conversation_id": name, "message_id": "q", "sent_at": str(at), "sender_role": "customer",
                 "sender_id": name, "text": "size?"},
                {"conversation_id": name, "message_id": "a", "sent_at": str(at + timedelta(seconds=20 * (place + 1))),
                 "sender_role": "agent", "sender_id": "amy", "text": "L"},
            ]  # fmt: skip
    record = build_staffing(open_made({"messages": messages}))
    assert record.service_seconds == pytest.approx(20)
    assert record.service_count == 80


@pytest.mark.parametrize(
    ("load", "agents", "waits"),
    [(10, 11, 0.6821), (10, 12, 0.4494), (10, 13, 0.2853), (10, 14, 0.1741), (10, 15, 0.1020),
     (1.5, 2, 0.6429), (0.5, 1, 0.5)],
)  # fmt: skip
def test_erlang_c_agrees_with_published_tables(load: float, agents: int, waits: float) -> None:
    """Probability of waiting, to the four places that tables print."""
    assert erlang_c(load, agents) == pytest.approx(waits, abs=6e-5)


def test_erlang_c_agrees_with_the_usual_worked_example() -> None:
    """200 calls an hour of 180 s, 80 % within 20 s: 14 agents, who reach 88.8 %."""
    assert count_agents_needed(200, 180, 20, 0.8) == 14
    assert compute_served_share(200, 180, 14, 20) == pytest.approx(0.888, abs=5e-4)
    assert count_agents_needed(0, 180, 20, 0.8) == 0


def test_staffing_gap_counts_people_by_the_same_arithmetic(open_sample: OpenSample) -> None:
    """CS09 does it in SQL."""
    inputs = open_sample()
    facts = {name: inputs.find_fact(name) for name in ("service_time", "reply_goal", "served_share")}
    rows = inputs.fetch("SELECT arrivals, agents_needed FROM week_hours WHERE arrivals > 0")
    assert rows
    for row in rows:
        needed = count_agents_needed(row["arrivals"], facts["service_time"], facts["reply_goal"], facts["served_share"])
        assert row["agents_needed"] == needed


@pytest.mark.parametrize(("per_hour", "service", "agents"), [(60, 90, 2), (120, 60, 3)])
def test_a_simulation_of_chats_at_once_agrees_with_erlang_c(per_hour: float, service: float, agents: int) -> None:
    """With one question a chat they model nearly the same; more agents serve more in time."""
    expected = compute_served_share(per_hour, service, agents, 30)
    assert simulate_share(per_hour, service, agents, 30, 1) == pytest.approx(expected, abs=0.1)
    assert simulate_share(per_hour, service, agents + 2, 30, 1) > simulate_share(per_hour, service, agents, 30, 1)


@pytest.mark.parametrize(
    ("missed", "present", "verdict"),
    [(50, 0, "too_few"), (50, 1.7, "too_few"), (50, 2, "away"), (20, 2, "enough"), (25, 2, "enough"), (0, 4, "spare")],
)
def test_too_few_people_are_told_from_people_who_were_away(missed: int, present: float, verdict: str) -> None:
    """Two are needed; a quarter missed of a hundred is no more than chance makes of a fifth."""
    assert judge_hour(WeeklySlot(1, 20, 10, 100, missed, present), 2) == verdict


def test_hours_with_few_questions_are_not_judged() -> None:
    """Four are no pattern."""
    assert judge_hour(WeeklySlot(1, 20, 10, 4, 4, 0), 1) == "few_questions"


@pytest.mark.parametrize("seed", range(5))
def test_shifts_cover_any_need(seed: int) -> None:
    """With contiguous shifts of four to eight hours, and none that covers nothing."""
    chance = random.Random(seed)  # noqa: S311
    need = [chance.choice([0, 0, 1, 2, 3]) for _ in range(24)]
    shifts = cover_with_shifts(need)
    for hour in range(24):
        assert sum(start <= hour < end for start, end in shifts) >= need[hour]
    assert all(4 <= end - start <= 8 for start, end in shifts)
    assert (not shifts) == (not any(need))


def _draw_days(weeks: int, noise: float) -> dict[date, int]:
    chance = random.Random(7)  # noqa: S311
    first = date(2026, 1, 5)
    usual = [40, 42, 45, 50, 60, 90, 80]
    return {
        first + timedelta(days=n): round(usual[n % 7] * (1 + noise * (chance.random() - 0.5))) for n in range(7 * weeks)
    }


def test_the_forecast_beats_as_last_week_where_weeks_are_alike() -> None:
    """A median of six weeks is steadier than one."""
    ours, naive = backtest(_draw_days(12, 0.6), set()) or (1, 0)
    assert ours < naive
    assert backtest(_draw_days(4, 0.6), set()) is None


def test_the_back_test_knows_nothing_of_the_held_back_days() -> None:
    """Changing them changes the error, never the forecast: it is off by what was added."""
    daily = _draw_days(8, 0.0)
    held = sorted(daily)[-14:]
    ours, _ = backtest(daily | {day: daily[day] + 10 for day in held}, set()) or (0, 0)
    assert ours * (sum(daily[day] + 10 for day in held) / 14) == pytest.approx(10)


def test_promotions_and_holidays_are_no_usual_days() -> None:
    """By size, and by the calendar."""
    daily = _draw_days(6, 0.2)
    promotion, holiday = date(2026, 1, 21), date(2026, 1, 27)
    daily[promotion] *= 4
    assert find_special_days(daily, {holiday, date(2027, 1, 1)}) == {promotion, holiday}


def test_the_samples_forecast_says_how_good_it_is(staffing: Staffing) -> None:
    """Beside 'as last week', on its last fortnight; the national holiday is left out of the usual week."""
    assert staffing.forecast_error is not None
    assert staffing.naive_error is not None
    said = {note.id for note in staffing.notes}
    better = staffing.forecast_error < staffing.naive_error
    assert ("tools.staffing.backtest" in said) == better
    assert ("tools.staffing.backtest_worse" in said) == (not better)
    assert "tools.staffing.special" in said
    assert [row.day for row in staffing.forecast] == [date(2026, 10, 16) + timedelta(days=n) for n in range(14)]
    assert all(row.low <= row.questions <= row.high for row in staffing.forecast)


def test_the_forecast_beats_as_last_week_on_real_orders(real_data: Path) -> None:
    """Olist's orders per day: over all fortnights held back in turn, and in most of them."""
    with (real_data / "olist" / "olist_orders_dataset.csv").open(encoding="utf-8") as stream:
        days = Counter(date.fromisoformat(row["order_purchase_timestamp"][:10]) for row in csv.DictReader(stream))
    first, errors = date(2017, 3, 1), []
    for length in range(60, 530, 14):
        daily = {first + timedelta(days=n): days[first + timedelta(days=n)] for n in range(length)}
        errors.append(backtest(daily, find_special_days(daily, set())) or (1.0, 0.0))
    ours, naive = zip(*errors, strict=True)
    assert sum(ours) < 0.85 * sum(naive)
    assert sum(own < other for own, other in errors) > 0.67 * len(errors)


def test_a_roster_says_who_was_there(open_sample: OpenSample, tmp_path: Path) -> None:
    """Rostered people who did not answer were away: the evening hour is no lack of people then."""
    lines = ["agent,date,from,to"]
    for n in range(45):
        lines.append(f"amy,{date(2026, 9, 1) + timedelta(days=n)},09:00,23:00")
    (tmp_path / "roster.csv").write_text("\n".join(lines), encoding="utf-8")
    record = build_staffing(open_sample())
    evening = [row for row in record.hours if row.hour == "20:00-21:00" and row.weekday.id == "weekday.5"]
    assert [row.verdict.id for row in evening] == ["tools.staffed.away"]
    assert evening[0].present == 1


def test_a_roster_that_cannot_be_read_is_named(open_sample: OpenSample, tmp_path: Path) -> None:
    """With its line."""
    (tmp_path / "roster.csv").write_text("agent,date,from,to\namy,soon,9,17\n", encoding="utf-8")
    with pytest.raises(UsageError, match="line 2"):
        build_staffing(open_sample())


def test_hours_in_which_nothing_came_count_as_zero() -> None:
    """On days of that weekday with questions in other hours."""
    slots = [
        HourSlot(datetime.fromisoformat("2026-01-05 10:00"), 4, 0, 1),
        HourSlot(datetime.fromisoformat("2026-01-12 11:00"), 2, 0, 1),
    ]
    assert [(one.hour, one.days, one.arrivals, one.present) for one in summarise_week(slots)] == [
        (10, 2, 2, 1),
        (11, 2, 1, 1),
    ]


def test_orders_alone_say_what_is_needed(open_made: Any) -> None:
    """No hours are made up."""
    record = build_staffing(open_made({"orders": [{"order_id": "1", "created_at": "2026-01-05 10:00:00"}]}))
    assert record.hours == ()
    assert [text.id for text in record.missing] == ["tools.needs"]
