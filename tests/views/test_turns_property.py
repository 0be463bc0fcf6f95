"""Turns in SQL are the turns a plain state machine tells, whatever the conversations look like."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.views.conftest import rows_of
from tests.views.naive_turns import Message, Talk, open_seconds, tell

from storehealth.catalogue import Catalogue
from storehealth.catalogue.common import Fact
from storehealth.db import StoreSettings, store_from_rows

MONDAY = datetime.fromisoformat("2026-03-02 08:00")
GAP = 1800.0
HOURS = {
    (): ((0, 86400),),
    ("09:00-23:00",): ((32400, 82800),),
    ("09:00-12:00", "13:00-18:00"): ((32400, 43200), (46800, 64800)),
    ("10:00-12:00", "22:00-02:00"): ((36000, 43200), (79200, 93600)),
}

steps = st.tuples(
    st.sampled_from(["customer", "customer", "agent", "agent", "bot", "system"]),
    st.sampled_from(["where is it?", "谢谢", " OK! ", "ok then", "？", "[表情]", "好的~"]),
    st.sampled_from([None] * 6 + ["handoff", "withdrawn", "closed", "assigned"]),
    st.sampled_from([0, 0, 1, 20, 31, 600, 1799, 1800, 1801, 7200, 40000, 90000]),
)
conversations = st.lists(st.tuples(st.booleans(), st.lists(steps, min_size=1, max_size=14)), min_size=1, max_size=5)


def _messages(drawn: list[tuple[bool, list[tuple[str, str, str | None, int]]]]) -> list[Message]:
    found = []
    for number, (has_id, lines) in enumerate(drawn):
        at = MONDAY + timedelta(minutes=37 * number)
        for role, text, event, pause in lines:
            at += timedelta(seconds=pause)
            room = f"room{number}" if has_id else None
            told = "system" if event == "handoff" else role
            found.append(Message(room, f"buyer{number}", at, told, text, event, len(found) + 2))
    return found


def _row(message: Message) -> dict[str, Any]:
    sender = message.customer if message.role == "customer" else f"some {message.role}"
    return {
        "conversation_id": message.room, "message_id": str(message.row), "customer_id": message.customer,
        "sent_at": message.at, "sender_role": message.role, "sender_id": sender, "text": message.text,
        "event": message.event,
    }  # fmt: skip


def _expected(talks: list[Talk], clock: str, hours: tuple[str, ...], end: datetime) -> list[tuple[Any, ...]]:
    rows = []
    for talk in talks:
        for turn in talk.turns:
            stop = turn.closed or end
            wall, clip = (stop - turn.opened).total_seconds(), open_seconds(turn.opened, stop, HOURS[hours])
            judged = clip if clock == "clip" else wall
            rows.append((turn.row, turn.opened, turn.closed, turn.by, turn.first, talk.began_by, judged, wall, clip))
    return sorted(rows)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    drawn=conversations,
    policy=st.sampled_from(["ignore", "answers"]),
    clock=st.sampled_from(["wall", "clip", "exclude_by_start"]),
    hours=st.sampled_from(sorted(HOURS)),
)
def test_turns_are_those_of_the_state_machine(
    catalogue: Catalogue, drawn: Any, policy: str, clock: str, hours: tuple[str, ...]
) -> None:
    """Openings, replies, who handled, which is first, and the wait on every clock agree."""
    messages = _messages(drawn)
    values = {"bot_policy": policy, "reply_clock": clock, "service_hours": hours, "session_gap": GAP}
    facts = {name: Fact(value=value, source="test", verified="assumed") for name, value in values.items()}
    asked = StoreSettings("shop", catalogue.platforms["generic"], facts)
    with store_from_rows(
        {"messages": [_row(message) for message in messages]}, catalogue, asked, ["sessions"]
    ) as store:
        found = rows_of(store, "FROM turns ORDER BY source_row")
        sessions = rows_of(store, "SELECT began_by, human_turns, open_turns FROM sessions")
    shown = [
        (turn["source_row"], turn["opened_at"], turn["replied_at"], turn["handled_by"], turn["is_first"],
         turn["session_began_by"], turn["wait_seconds"], turn["wall_seconds"], turn["clip_seconds"])
        for turn in found
    ]  # fmt: skip
    talks = tell(messages, policy, GAP, catalogue.closers)
    assert shown == _expected(talks, clock, hours, max(message.at for message in messages))
    told = [
        (talk.began_by, sum(turn.by != "bot" for turn in talk.turns), sum(turn.closed is None for turn in talk.turns))
        for talk in talks
    ]
    assert sorted(map(str, told)) == sorted(str(tuple(session.values())) for session in sessions)
