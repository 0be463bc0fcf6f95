"""When a schedule is due: what is accepted, and that zones and summer time move nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

from storehealth.errors import UsageError
from storehealth.schedule import timing

ZONES = ["UTC", "Asia/Shanghai", "Asia/Kolkata", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]


@pytest.mark.parametrize(
    ("made", "meant"),
    [
        (lambda: timing.parse_daily("08:30"), "30 8 * * *"),
        (lambda: timing.parse_daily(" 8:05 "), "5 8 * * *"),
        (lambda: timing.parse_weekly("mon", "23:59"), "59 23 * * 1"),
        (lambda: timing.parse_weekly("Sunday, thu", "0:00"), "0 0 * * 0,4"),
        (lambda: timing.check_expression(" 30  8 1-7/2 JAN,jul  mon-fri "), "30 8 1-7/2 jan,jul mon-fri"),
        (lambda: timing.check_expression("*/15 * * * 7"), "*/15 * * * 7"),
    ],
)
def test_times_become_one_expression(made: object, meant: str) -> None:
    assert made() == meant


@pytest.mark.parametrize("text", ["24:00", "8", "08:60", "", "8:3", "noon"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a time of day"):
        timing.parse_daily(text)


def test_an_unknown_day_is_refused() -> None:
    with pytest.raises(UsageError, match="'x' is not a day of the week"):
        timing.parse_weekly("mon,x", "08:30")


@pytest.mark.parametrize(
    "text",
    ["", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "0 0 31 2 *", "0 0 0 * *", "5/15 * * * *", "0 0 L * *",
     "0 0 * * 1#2", "0 0 * * 5L", "0 0 LW * *", "@daily", "@reboot", "*/0 * * * *", "9-5 * * * *", "a * * * *",
     "0 0 * * * echo", "0 0 * mon *", "1,,2 * * * *"],
)  # fmt: skip
def test_what_some_cron_would_refuse_or_misread_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a cron expression"):
        timing.check_expression(text)


def test_an_unknown_zone_names_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        timing.check_zone("Asia/Shanghi")
    assert caught.value.message == "there is no time zone 'Asia/Shanghi'; the nearest is Asia/Shanghai"


def field(low: int, high: int) -> st.SearchStrategy[str]:
    """A field of an expression: any, one, a list, a range with a step."""
    numbers = st.integers(low, high)
    some = st.lists(numbers, min_size=1, max_size=3).map(lambda found: ",".join(map(str, found)))
    ranges = st.tuples(numbers, numbers, st.integers(1, 9)).map(
        lambda found: f"{min(found[:2])}-{max(found[:2])}/{found[2]}"
    )
    return st.one_of(st.just("*"), some, ranges, st.integers(1, 9).map(lambda step: f"*/{step}"))


EXPRESSIONS = st.tuples(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6)).map(" ".join)
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(EXPRESSIONS, st.sampled_from(ZONES), MOMENTS)
@examples(150)
def test_what_comes_next_is_then_the_last_that_was(cron: str, zone: str, now: datetime) -> None:
    after = timing.find_next_run(timing.check_expression(cron), zone, now)
    assert after > now
    assert timing.find_last_due(cron, zone, after) == after
    assert timing.find_last_due(cron, zone, after - timedelta(seconds=1)) <= now


@given(EXPRESSIONS, st.sampled_from(ZONES), st.sampled_from(ZONES), MOMENTS)
@examples(100)
def test_the_machine_s_cron_comes_whenever_it_is_due_elsewhere(
    cron: str, zone: str, machine: str, now: datetime
) -> None:
    hourly = timing.convert_to_hourly(cron, zone, [machine], now)
    minutes = CronSim(hourly, now).minutes
    due = now
    for _ in range(20):
        due = timing.find_next_run(cron, zone, due)
        if due > now + timing.COMPARED_SPAN - timedelta(days=1):
            break
        there = due.astimezone(ZoneInfo(machine))
        assert there.minute in minutes
        assert timing.is_due(cron, zone, due + timedelta(seconds=20), None)


def test_hourly_starts_run_once_a_day_also_when_clocks_change() -> None:
    """A machine in New York starts a schedule of Shanghai every hour: one run a day, at half past eight there."""
    last, begun = None, []
    moment = datetime(2026, 3, 1, 0, 30, 2, tzinfo=UTC)
    while moment < datetime(2026, 4, 1, tzinfo=UTC):
        if timing.is_due("30 8 * * *", "Asia/Shanghai", moment, last):
            last = moment
            begun.append(moment.astimezone(ZoneInfo("Asia/Shanghai")))
        moment += timedelta(hours=1)
    assert {f"{start:%H:%M}" for start in begun} == {"08:30"}
    assert len(begun) == 31


def test_a_second_start_in_the_same_minute_does_nothing() -> None:
    due = datetime(2026, 3, 1, 8, 30, 1, tzinfo=UTC)
    assert timing.is_due("30 8 * * *", "UTC", due, None)
    assert not timing.is_due("30 8 * * *", "UTC", due + timedelta(seconds=9), due)
    assert not timing.is_due("30 8 * * *", "UTC", due - timedelta(minutes=2), None)


def test_zones_with_the_same_clock_are_the_same() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert timing.has_same_clock("Asia/Shanghai", "PRC", now)
    assert not timing.has_same_clock("Europe/London", "UTC", now)  # the same in winter


def test_the_shell_s_zone_is_not_cron_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TZ", raising=False)
    plain = timing.find_machine_zone()
    monkeypatch.setenv("TZ", "America/New_York" if plain != "America/New_York" else "Asia/Tokyo")
    assert timing.find_machine_zone() == plain
    ZoneInfo(plain)
