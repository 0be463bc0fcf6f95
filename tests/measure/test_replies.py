"""The distribution of reply times: open turns count as never, robots and closed hours as nothing."""

from __future__ import annotations

import duckdb
import pytest

from storehealth.measure import measure_reply_times
from storehealth.model import Distributions, Window
from tests.measure.fakes import FakeStore


def store_of(*turns: tuple, clock: str = "wall") -> FakeStore:
    """A store with these turns: wait in seconds, answered or not, by whom, first of its session, begun by, in hours."""
    con = duckdb.connect()
    con.execute(f"SET VARIABLE reply_clock = '{clock}'")
    con.execute(
        'CREATE TABLE turns ("at" TIMESTAMP, wait_seconds DOUBLE, replied_at TIMESTAMP, handled_by VARCHAR, '
        "is_first BOOLEAN, session_began_by VARCHAR, in_service_hours BOOLEAN)"
    )
    for wait, by, first, began, hours in turns:
        replied = None if by is None else "2026-03-02 12:00:00"
        con.execute("INSERT INTO turns VALUES (?, ?, ?, ?, ?, ?, ?)",
                    ["2026-03-02 10:00:00", wait, replied, by, first, began, hours])  # fmt: skip
    return FakeStore(con)


FIRST = (30, "human", True, "customer", True)
LATER = (31, "human", False, "customer", True)
PROACTIVE = (10, "human", True, "agent", True)
ROBOT = (1, "bot", False, "customer", True)
OPEN = (5, None, False, "customer", True)
NIGHT = (36000, "human", True, "customer", False)


def test_each_reply_counts_in_all_brackets_that_hold_it() -> None:
    """30 s is within 30 s; a robot's answer is none; an open turn is in no bracket, however short it is so far."""
    found = measure_reply_times(store_of(FIRST, LATER, PROACTIVE, ROBOT, OPEN), Window())  # type: ignore[arg-type]
    firsts = {one.within_seconds: one.first_replies for one in found.reply_time}
    turns = {one.within_seconds: one.turns for one in found.reply_time}
    assert firsts == {10: 0, 30: 1, 60: 1, 180: 1, 300: 1, 600: 1, 3600: 1, 86400: 1}
    assert turns == {10: 1, 30: 2, 60: 3, 180: 3, 300: 3, 600: 3, 3600: 3, 86400: 3}


def test_open_turns_count_as_never() -> None:
    """One of four open: the median is known, the p90 is not; without open ones the median is lower."""
    summary = measure_reply_times(store_of(FIRST, LATER, PROACTIVE, OPEN), Window()).reply_time_summary  # type: ignore[arg-type]
    assert summary is not None
    assert summary.turns.model_dump() == {
        "answered": 3, "open": 1, "median": 30.5, "p90": None, "median_answered": 30.0
    }  # fmt: skip
    assert (summary.first_replies.n, summary.first_replies.median, summary.first_replies.open) == (1, 30.0, 0)


@pytest.mark.parametrize(("clock", "counted"), [("wall", 2), ("clip", 2), ("exclude_by_start", 1)])
def test_closed_hours_are_left_out_only_where_the_platform_does_so(clock, counted) -> None:
    """Elsewhere its clock already allows for them."""
    summary = measure_reply_times(store_of(FIRST, NIGHT, clock=clock), Window()).reply_time_summary  # type: ignore[arg-type]
    assert summary is not None
    assert summary.first_replies.n == counted


def test_the_window_holds_here_too() -> None:
    """A turn belongs to the day it was opened on; without any, there is no median."""
    days = Window.model_validate({"from": "2026-03-03", "to": None})
    summary = measure_reply_times(store_of(FIRST), days).reply_time_summary  # type: ignore[arg-type]
    assert summary is not None
    assert (summary.first_replies.n, summary.first_replies.median, summary.turns.answered) == (0, None, 0)


def test_without_chats_there_is_no_distribution() -> None:
    """Absent, not zero."""
    store = store_of()
    store.filled = frozenset({"orders"})
    assert measure_reply_times(store, Window()) == Distributions()  # type: ignore[arg-type]
