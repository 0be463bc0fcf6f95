"""Turns and sessions: the worked cases of the definition of reply time, and what surrounds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.views.conftest import Open, rows_of

ROLES = {"C": "customer", "A": "agent", "B": "agent", "R": "bot", "S": "system"}
HOURS = ("09:00-23:00",)
VIEWS = ["turns", "sessions", "people"]


def messages(*lines: str, conversation: str | None = "c1") -> list[dict[str, Any]]:
    """Messages from lines such as ``C 10:00:00 hello``: who, when (``+1`` before it: next day), what.

    ``A`` and ``B`` are agents, ``R`` the robot, ``S`` the system. ``H`` is a hand-off; ``>A`` assigns to agent A.
    """
    messages = []
    for line in lines:
        who, when, text = (*line.split(maxsplit=2), "where is my order")[:3]
        day = "2026-03-03" if when.startswith("+1") else "2026-03-02"
        row = {"conversation_id": conversation, "sent_at": f"{day} {when.removeprefix('+1')}", "text": text}
        if who == "H":
            row |= {"sender_role": "system", "event": "handoff"}
        elif who.startswith(">"):
            row |= {"sender_role": "system", "event": "assigned", "event_agent_id": who[1:]}
        else:
            row |= {"sender_role": ROLES[who], "sender_id": who}
        messages.append(row)
    return messages


@dataclass(frozen=True)
class Case:
    """One conversation, the export's last moment, and what it must give."""

    name: str
    lines: tuple[str, ...]
    waits: tuple[float, ...]
    first: float | None
    facts: dict[str, Any] = field(default_factory=dict)
    clips: tuple[float, ...] | None = None
    walls: tuple[float, ...] | None = None
    open: int = 0
    bot: int = 0
    judged: bool = True
    end: str = "+1 23:59:00"
    is_cut: bool = False
    """Whether two sessions are read where the export has no ids: no question was open, and hours went by."""


ANSWERS = {"bot_policy": "left_out"}
START = {"reply_clock": "exclude_by_start"}
CASES = [
    Case("1 one question", ("C 10:00:00", "A 10:00:20"), (20,), 20),
    Case(
        "2 a burst counts from its first message", ("C 10:00:00", "C 10:00:10", "C 10:00:25", "A 10:00:40"), (40,), 40
    ),
    Case("3a the robot does not count", ("C 10:00:00", "R 10:00:01", "A 10:01:30"), (90,), 90),
    Case("3b the robot alone answers", ("C 10:00:00", "R 10:00:01"), (), None, ANSWERS, bot=1),
    Case(
        "3c a hand-off starts the clock",
        ("C 10:00:00", "R 10:00:01", "H 10:02:00", "A 10:02:25"),
        (25,),
        25,
        ANSWERS,
        bot=1,
    ),
    Case(
        "3d a hand-off starts it under every policy",
        ("C 10:00:00", "R 10:00:01", "H 10:02:00", "A 10:02:25"),
        (25,),
        25,
        bot=1,
    ),
    Case(
        "3e where robots do not count, one alone answers nothing", ("C 10:00:00", "R 10:00:01"), (97200,), 97200, open=1
    ),
    Case(
        "3f a question two days later is another",
        ("C 10:00:00", "R 10:00:01", "C +110:00:00", "R +110:00:02", "A +110:00:20"),
        (20,),
        20,
        ANSWERS,
        bot=1,
        is_cut=True,
    ),
    Case("3g a robot that trails a person leaves nothing open", ("C 10:00:00", "A 10:00:20", "R 10:00:21"), (20,), 20),
    Case("4 a second answer is ignored", ("C 10:00:00", "A 10:00:30", "A 10:00:50"), (30,), 30),
    Case("5 every question counts", ("C 10:00:00", "A 10:00:20", "C 10:01:00", "A 10:01:40"), (20, 40), 20),
    Case("6a unanswered so far", ("C 10:05:00",), (10,), 10, open=1, end="10:05:10"),
    Case("6b unanswered", ("C 10:05:00",), (300,), 300, open=1, end="10:10:00"),
    Case("7 thanks opens nothing", ("C 10:00:00", "A 10:00:20", "C 10:00:30 谢谢"), (20,), 20),
    Case("8 before opening", ("C 08:56:00", "A 09:01:00"), (60,), 60, clips=(60,), walls=(300,)),
    Case("8 judged by start", ("C 08:56:00", "A 09:01:00"), (300,), 300, START, (60,), (300,), judged=False),
    Case("9 ten seconds before closing", ("C 22:59:50", "A +109:00:20"), (30,), 30, clips=(30,), walls=(36030,)),
    Case("9 judged by start", ("C 22:59:50", "A +109:00:20"), (36030,), 36030, START, (30,), (36030,)),
    Case("11 the agent began", ("A 10:00:00", "C 10:05:00", "A 10:05:15"), (15,), None),
    Case(
        "12 over lunch",
        ("C 11:59:30", "A 13:00:30"),
        (60,),
        60,
        {"service_hours": ("09:00-12:00", "13:00-23:00")},
        (60,),
        (3660,),
    ),
    Case("13 an order card is not an answer", ("C 10:00:00", "S 10:00:05", "A 10:00:20"), (20,), 20),
    Case("14a the same second, question first", ("C 10:00:00", "A 10:00:00"), (0,), 0),
    Case("14b the same second, answer first", ("A 10:00:00", "C 10:00:00"), (60,), None, open=1, end="10:01:00"),
    Case("15 answered next morning", ("C 21:00:00", "A +109:10:00"), (7800,), 7800, clips=(7800,), walls=(43800,)),
]


OF_A_PERSON = ("first_opened_at", "first_reply_at", "wait_seconds", "wall_seconds", "clip_seconds")
"""What a session has only where a question was for a person: a bot's answer is no first reply."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("conversation", ["c1", None], ids=["with ids", "without ids"])
def test_worked_cases(open_rows: Open, case: Case, conversation: str | None) -> None:
    """Each worked case gives its waits, on each clock, with and without conversation ids."""
    filler = messages(f"A {case.end.replace(' ', '')}", conversation="other")
    lines = [row | {"customer_id": "C"} for row in messages(*case.lines, conversation=conversation)]
    store = open_rows({"messages": lines + filler}, **{"service_hours": HOURS, **case.facts})
    turns = rows_of(store, "FROM turns ORDER BY opened_at, source_row")
    human = [turn for turn in turns if turn["handled_by"] != "bot"]
    assert tuple(turn["wait_seconds"] for turn in human) == case.waits
    assert sum(turn["handled_by"] == "bot" for turn in turns) == case.bot
    assert sum(turn["handled_by"] is None for turn in turns) == case.open
    if case.walls:
        assert tuple(turn["wall_seconds"] for turn in human) == case.walls
    if case.clips:
        assert tuple(turn["clip_seconds"] for turn in human) == case.clips
    sessions = rows_of(store, "FROM sessions WHERE customer_id = 'C' ORDER BY started_at")
    assert len(sessions) == (2 if case.is_cut and conversation is None else 1)
    without_people = [session for session in sessions if not session["human_turns"]]
    assert [session[name] for session in without_people for name in OF_A_PERSON if session[name] is not None] == []
    if len(sessions) == 2:
        assert [(session["human_turns"], session["bot_turns"]) for session in sessions] == [(0, 1), (1, 0)]
        return
    session = sessions[0]
    judged_first = session["wait_seconds"] if session["began_by"] == "customer" else None
    assert (judged_first, session["in_service_hours"]) == (case.first, case.judged)
    assert (session["human_turns"], session["bot_turns"]) == (len(human), case.bot)


def test_case_10_the_wait_is_the_senders_and_the_earlier_holder_is_named(open_rows: Open) -> None:
    """A turn handed from A to B: 200 s for the customer, 20 s for B, 180 s held by A."""
    lines = messages(">A 09:59:00", "C 10:00:00", ">B 10:03:00", "B 10:03:20")
    (turn,) = rows_of(open_rows({"messages": lines}), "FROM turns")
    assert (turn["wait_seconds"], turn["agent_wait_seconds"], turn["agent_id"]) == (200, 20, "B")
    assert [(holder["agent_id"], holder["seconds"]) for holder in turn["holders"]] == [("A", 180), ("B", 20)]


def test_an_open_turn_belongs_to_who_holds_it(open_rows: Open) -> None:
    """Nobody answered: the last one assigned, else the last who wrote, holds the turn; else nobody."""
    lines = [
        *messages(">A 09:59:00", "C 10:00:00", ">B 10:03:00", conversation="moved"),
        *messages("C 10:00:00", "A 10:00:10", "C 10:01:00", conversation="known"),
        *messages("C 10:00:00", conversation="nobody"),
    ]
    turns = rows_of(open_rows({"messages": lines}), "SELECT session_id, agent_id FROM turns WHERE replied_at IS NULL")
    assert {turn["session_id"]: turn["agent_id"] for turn in turns} == {"moved": "B", "known": "A", "nobody": None}


@pytest.mark.parametrize(
    ("text", "is_closer"),
    [
        ("谢谢", True),
        (" 谢谢！！", True),
        ("好的~", True),
        ("OK.", True),
        ("👌", True),
        ("[表情]", True),
        ("谢谢 再问一下", False),
        ("@amy 谢谢", False),
        ("?", False),
        ("", False),
        ("好的，谢谢", True),
    ],
)
def test_only_a_whole_phrase_closes(open_rows: Open, text: str, is_closer: bool) -> None:
    """Cut at punctuation, every piece is a closing phrase (D.2)."""
    lines = messages("C 10:00:00", "A 10:00:20", "C 10:00:30")
    lines[2]["text"] = text
    store = open_rows({"messages": lines})
    assert len(rows_of(store, "FROM turns")) == (1 if is_closer else 2)


def test_thanks_inside_a_question_joins_it_and_may_come_first(open_rows: Open) -> None:
    """A phrase while a turn is open joins it; before any question it opens nothing."""
    lines = messages("C 09:59:00 ok", "C 10:00:00", "C 10:00:05 谢谢", "A 10:00:20")
    (turn,) = rows_of(open_rows({"messages": lines}), "FROM turns")
    assert turn["wait_seconds"] == 20


def test_streams_without_ids_rest_only_when_nothing_is_open(open_rows: Open) -> None:
    """Thirty quiet minutes cut a session, but never between a question and its answer."""
    lines = messages("C 10:00:00", "A 10:40:00", "C 11:20:00", "A 11:20:10", conversation=None)
    store = open_rows({"messages": [row | {"customer_id": "C"} for row in lines]})
    assert [row["n"] for row in rows_of(store, "SELECT human_turns AS n FROM sessions ORDER BY started_at")] == [1, 1]
    assert [row["w"] for row in rows_of(store, "SELECT wait_seconds AS w FROM turns ORDER BY opened_at")] == [2400, 10]


def test_parts_of_a_transferred_conversation_are_one_session(open_rows: Open) -> None:
    """On JD a question asked in one part and answered in the next, seconds later, is one turn."""
    lines = messages("C 10:00:00", conversation="p1") + messages("B 10:00:40", conversation="p2")
    lines += messages("C 12:00:00", "A 12:00:05", conversation="p3")
    lines = [row | {"customer_id": "C"} for row in lines]
    store = open_rows({"messages": lines}, platform="jd")
    assert [row["w"] for row in rows_of(store, "SELECT wait_seconds AS w FROM turns ORDER BY opened_at")] == [40, 5]
    assert [row["s"] for row in rows_of(store, "SELECT session_id AS s FROM sessions ORDER BY started_at")] == [
        "p1",
        "p3",
    ]
    apart = open_rows({"messages": lines})
    assert len(rows_of(apart, "FROM sessions")) == 3


def test_withdrawn_messages_and_events_neither_open_nor_close(open_rows: Open) -> None:
    """A withdrawn question opens nothing, a withdrawn answer closes nothing."""
    lines = messages("C 10:00:00", "A 10:00:10", "A 10:00:30") + messages("C 10:05:00", conversation="gone")
    lines[1]["event"] = lines[3]["event"] = "withdrawn"
    (turn,) = rows_of(open_rows({"messages": lines}), "FROM turns")
    assert turn["wait_seconds"] == 30


def test_who_left_while_waiting_is_abandoned(open_rows: Open) -> None:
    """An unanswered turn is abandoned once its session has ended: closed, or quiet for longer than the gap."""
    closed = messages("C 10:00:00", "C 10:00:40", conversation="closed")
    closed[1]["event"] = "closed"
    lines = (
        closed
        + messages("C 10:00:00", conversation="quiet")
        + messages("C 10:55:00", "C 11:00:00", conversation="waits")
    )
    store = open_rows({"messages": lines})
    found = rows_of(store, "SELECT session_id, abandoned, abandoned_after_seconds FROM sessions ORDER BY session_id")
    assert [tuple(row.values()) for row in found] == [
        ("closed", True, 40),
        ("quiet", True, None),
        ("waits", False, None),
    ]


def test_the_workbook_names_agents_and_tells_of_its_sessions(open_rows: Open) -> None:
    """A log without ids of its own is matched to the workbook by second, or by time and masked name; never guessed."""
    log = [
        {
            "conversation_id": "log1",
            "sent_at": "2026-03-02 10:00:00",
            "sender_id": "x****yz",
            "sender_role": "unknown",
            "text": "在吗",
        },
        {
            "conversation_id": "log1",
            "sent_at": "2026-03-02 10:00:15",
            "sender_id": "demo-1",
            "sender_role": "unknown",
            "text": "在",
        },
        {
            "conversation_id": "log2",
            "sent_at": "2026-03-02 11:00:30",
            "sender_id": "q****ab",
            "sender_role": "unknown",
            "text": "在吗",
        },
    ]
    workbook = [
        {
            "conversation_id": "w1",
            "started_at": "2026-03-02 10:00:00",
            "customer_id": "xuu****yz",
            "agent_id": "demo-1",
            "skill_group": "售前",
        },
        {
            "conversation_id": "w2",
            "started_at": "2026-03-02 11:00:00",
            "customer_id": "qab****ab",
            "agent_id": "demo-2",
            "satisfaction": "满意",
        },
        {
            "conversation_id": "w3",
            "started_at": "2026-03-02 11:03:00",
            "customer_id": "zzz****zz",
            "agent_id": "demo-2",
        },
    ]
    store = open_rows({"messages": log, "conversations": workbook})
    (turn,) = rows_of(store, "FROM turns WHERE replied_at IS NOT NULL")
    assert (turn["wait_seconds"], turn["agent_id"], turn["skill_group"]) == (15, "demo-1", "售前")
    (rated,) = rows_of(store, "FROM sessions WHERE satisfaction IS NOT NULL")
    assert (rated["session_id"], rated["agent_id"]) == ("log2", "demo-2")
    people = {row["sender_id"]: row["how_known"] for row in rows_of(store, "FROM people")}
    assert people == {"x****yz": "rest", "demo-1": "workbook", "q****ab": "rest"}


def test_a_busy_sender_with_several_counterparts_is_an_agent(open_rows: Open) -> None:
    """Ten conversations with three counterparts make an agent; ten with one and the same do not."""
    lines = []
    for number in range(10):
        pair = [("helper", f"buyer{number % 4}"), ("fan", "friend")]
        lines += [
            {
                "conversation_id": f"{names[0]}{number}",
                "sent_at": f"2026-03-02 10:{number:02}:00",
                "sender_id": name,
                "sender_role": "unknown",
            }
            for names in pair
            for name in names
        ]
    lines.append(
        {"conversation_id": "z", "sent_at": "2026-03-02 12:00:00", "sender_id": "jimi_1", "sender_role": "bot"}
    )
    store = open_rows({"messages": lines}, staff={"friend": "agent"})
    people = {row["sender_id"]: (row["role"], row["how_known"]) for row in rows_of(store, "FROM people")}
    assert people["helper"] == ("agent", "activity")
    assert people["buyer1"] == people["fan"] == ("customer", "rest")
    assert people["friend"] == ("agent", "settings")
    assert people["jimi_1"] == ("bot", "line")
