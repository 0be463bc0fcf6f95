"""A chat log and a session workbook of the same chats: joined by the second, by two minutes, or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from tests.views.conftest import Open, rows_of

Rows = list[dict[str, Any]]


def log(*starts: tuple[str, str, str]) -> Rows:
    """Messages of (session, time, customer as the log shows the name)."""
    return [
        {"conversation_id": session, "sent_at": f"2026-03-02 {time}", "sender_role": "customer", "sender_id": name}
        for session, time, name in starts
    ]


def book(*starts: tuple[str, str, str]) -> Rows:
    """Rows of (id, time, customer as the workbook shows the name)."""
    return [
        {"conversation_id": number, "started_at": f"2026-03-02 {time}", "customer_id": name, "agent_id": "amy"}
        for number, time, name in starts
    ]


VIEWS = ["session_matches", "sessions", "turns"]
NAMES = ("x****yz", "xuu****yz")
TABLE: dict[str, tuple[list[tuple[str, str, str]], list[tuple[str, str, str]], dict[str, tuple[str | None, str]]]] = {
    "the same second and a name masked elsewhere": (
        [("s", "10:00:00", NAMES[0])],
        [("w", "10:00:00", NAMES[1])],
        {"s": ("w", "second_and_name")},
    ),
    "the name decides between two rows of one second": (
        [("s", "10:00:00", NAMES[0])],
        [("w", "10:00:00", NAMES[1]), ("v", "10:00:00", "b****cd")],
        {"s": ("w", "second_and_name"), "v": (None, "unmatched")},
    ),
    "the first character and the last two must be alike": (
        [("s", "10:00:00", "x****yz")],
        [("w", "10:00:00", "x****zz"), ("v", "10:00:00", "y****yz")],
        {"s": (None, "ambiguous"), "w": (None, "ambiguous"), "v": (None, "ambiguous")},
    ),
    "the only row of the second, whatever the name": (
        [("s", "10:00:00", "x****yz")],
        [("w", "10:00:00", "tom"), ("v", "10:00:01", "xa****yz")],
        {"s": ("w", "second"), "v": (None, "unmatched")},
    ),
    "two like-named rows of one second": (
        [("s", "10:00:00", "x****yz")],
        [("w", "10:00:00", "x1yz"), ("v", "10:00:00", "x2yz")],
        {"s": (None, "ambiguous"), "w": (None, "ambiguous"), "v": (None, "ambiguous")},
    ),
    "two like-named sessions for one row": (
        [("s", "10:00:00", "x1yz"), ("t", "10:00:00", "x2yz")],
        [("w", "10:00:00", "x****yz")],
        {"s": (None, "ambiguous"), "t": (None, "ambiguous"), "w": (None, "ambiguous")},
    ),
    "what a name proves is taken from the rest": (
        [("s", "10:00:00", "x****yz"), ("t", "10:00:00", "q****ab")],
        [("w", "10:00:00", "xuu****yz"), ("v", "10:00:00", "other")],
        {"s": ("w", "second_and_name"), "t": ("v", "second")},
    ),
    "a single row 120 seconds away": (
        [("s", "10:02:00", "x****yz")],
        [("w", "10:00:00", "tom")],
        {"s": ("w", "two_minutes")},
    ),
    "a row 121 seconds away is another chat": (
        [("s", "10:02:01", "x****yz")],
        [("w", "10:00:00", "x****yz")],
        {"s": (None, "unmatched"), "w": (None, "unmatched")},
    ),
    "two rows within two minutes": (
        [("s", "10:00:30", "x****yz")],
        [("w", "10:00:00", "x****yz"), ("v", "10:02:00", "tom")],
        {"s": (None, "ambiguous"), "w": (None, "ambiguous"), "v": (None, "ambiguous")},
    ),
    "two sessions within two minutes of one row": (
        [("s", "10:00:30", "x****yz"), ("t", "10:01:00", "q****ab")],
        [("w", "10:00:00", "x****yz")],
        {"s": (None, "ambiguous"), "t": (None, "ambiguous"), "w": (None, "ambiguous")},
    ),
    "the second takes its row before the two minutes are looked at": (
        [("s", "10:00:00", "a1yz"), ("t", "10:01:00", "q****ab")],
        [("w", "10:00:00", "a2yz"), ("v", "10:00:30", "tom")],
        {"s": ("w", "second_and_name"), "t": ("v", "two_minutes")},
    ),
    "the log gives the workbook's own id": (
        [("w", "10:00:00", "x****yz"), ("t", "11:00:00", "q****ab")],
        [("w", "10:09:00", "tom"), ("v", "10:00:00", "x****yz")],
        {"w": ("w", "id"), "t": (None, "unmatched"), "v": (None, "unmatched")},
    ),
}


@pytest.mark.parametrize("case", TABLE)
def test_joined_and_on_what_grounds(open_rows: Open, case: str) -> None:
    """Each step of the join, with candidates that overlap on either side."""
    spoken, booked, expected = TABLE[case]
    store = open_rows({"messages": log(*spoken), "conversations": book(*booked)}, views=["session_matches"])
    found = {row["entity"]: (row["conversation_id"] if row["is_joined"] else None, row["how"])
             for row in rows_of(store, "FROM session_matches ORDER BY side")}  # fmt: skip
    assert found == expected


def test_ambiguous_rows_tell_nothing_of_a_session(open_rows: Open) -> None:
    """A rating that could be either chat's belongs to neither."""
    rows = book(("w", "10:00:00", "tom"), ("v", "10:01:00", "tim"))
    rows[0]["satisfaction"] = "5"
    store = open_rows({"messages": log(("s", "10:00:30", "x****yz")), "conversations": rows}, views=["sessions"])
    assert [row["satisfaction"] for row in rows_of(store, "FROM sessions")] == [None]


def test_only_what_both_files_cover_can_be_missed(open_rows: Open) -> None:
    """A session after the workbook's last row is no loss."""
    store = open_rows(
        {"messages": log(("s", "10:00:00", "x"), ("t", "12:00:00", "y")), "conversations": book(("w", "10:00:00", "x"))}
    )
    assert {row["entity"]: row["in_both"] for row in rows_of(store, "FROM session_matches")} == {"s": True, "t": False}


def test_a_workbook_alone_gives_sessions_but_no_turns(open_rows: Open) -> None:
    """First answers, who served and when; a row that nobody answered waits, one answered at an unknown time does not count."""
    rows = book(("a", "10:00:00", "x"), ("b", "10:10:00", "y"), ("c", "10:20:00", "z"), ("d", "10:30:00", "w"))
    rows[0] |= {"first_reply_at": "2026-03-02 10:00:20", "agent_messages": 3, "transferred_to": "bob"}
    rows[2] |= {"agent_messages": 2}
    rows[3] |= {"agent_id": None}
    store = open_rows({"conversations": rows})
    assert rows_of(store, "FROM turns") == []
    found = {
        row["session_id"]: (row["human_turns"], row["wait_seconds"], row["agent_id"])
        for row in rows_of(store, "FROM sessions")
    }
    assert found == {"a": (1, 20, "bob"), "b": (1, 1200, "amy"), "c": (1, None, "amy"), "d": (None, None, None)}


def test_beside_a_log_the_workbook_adds_no_sessions(open_rows: Open) -> None:
    """An unmatched row might be a session that the log has under another name."""
    store = open_rows({"messages": log(("s", "10:00:00", "x")), "conversations": book(("w", "15:00:00", "tom"))})
    assert [row["session_id"] for row in rows_of(store, "FROM sessions")] == ["s"]


def test_a_workbook_on_the_platforms_clock(open_rows: Open) -> None:
    """Clipped to the hours, as a turn would be."""
    rows = book(("a", "08:59:00", "x"))
    rows[0]["first_reply_at"] = "2026-03-02 09:00:30"
    store = open_rows({"conversations": rows}, service_hours=("09:00-18:00",), reply_clock="clip")
    (one,) = rows_of(store, "FROM sessions")
    assert (one["wait_seconds"], one["wall_seconds"], one["began_off_hours"]) == (30, 90, True)
