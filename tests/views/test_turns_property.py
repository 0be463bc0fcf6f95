"""Turns in SQL are the turns a plain state machine tells, whatever the conversations look like."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples
from tests.views.conftest import rows_of
from tests.views.naive_turns import Message, Talk, Turn, is_within, open_seconds, state, tell

from storehealth.catalogue import load_catalogue
from storehealth.catalogue.common import Fact
from storehealth.db import Store, StoreSettings, open_store_from_rows
from storehealth.measure.query import RuleQuery as Query
from storehealth.model import Window

MONDAY = datetime.fromisoformat("2026-03-02 08:00")
GAP = 1800.0
BOOK = load_catalogue()
HOURS = {
    (): ((0, 86400),),
    ("09:00-23:00",): ((32400, 82800),),
    ("09:00-12:00", "13:00-18:00"): ((32400, 43200), (46800, 64800)),
    ("10:00-12:00", "22:00-02:00"): ((36000, 43200), (79200, 93600)),
}

steps = st.tuples(
    st.sampled_from(["customer", "customer", "agent", "agent", "bot", "system"]),
    st.sampled_from(
        [
            "where is it?",
            "谢谢",
            " OK! ",
            "ok then",
            "？",
            "[表情]",
            "好的~",
            "好的谢谢，再见",
            "ok 谢谢",
            "thanks, bye!",
        ]
    ),
    st.sampled_from([None] * 6 + ["handoff", "withdrawn", "closed", "assigned"]),
    st.sampled_from([0, 0, 1, 10, 20, 30, 31, 180, 600, 1799, 1800, 1801, 7200, 40000, 90000]),
    st.sampled_from(["amy", "bo"]),
)
conversations = st.lists(st.tuples(st.booleans(), st.lists(steps, min_size=1, max_size=14)), min_size=1, max_size=5)


def _messages(drawn: list[tuple[bool, list[tuple[str, str, str | None, int, str]]]]) -> list[Message]:
    found = []
    for number, (has_id, lines) in enumerate(drawn):
        at = MONDAY + timedelta(minutes=37 * number)
        for role, text, event, pause, name in lines:
            at += timedelta(seconds=pause)
            room = f"room{number}" if has_id else None
            told = "system" if event == "handoff" else role
            sender = {"customer": f"buyer{number}", "agent": name}.get(role, f"some {role}")
            given = name if event in ("assigned", "handoff") else None
            found.append(Message(room, f"buyer{number}", at, told, text, event, len(found) + 2, sender, given))
    return found


def _row(message: Message) -> dict[str, Any]:
    return {
        "conversation_id": message.room, "message_id": str(message.row), "customer_id": message.customer,
        "sent_at": message.at, "sender_role": message.role, "sender_id": message.sender, "text": message.text,
        "event": message.event, "event_agent_id": message.assignee,
    }  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """Whose clock counts, and what it makes of a wait."""

    policy: str
    clock: str
    hours: tuple[str, ...]

    @property
    def facts(self) -> dict[str, Fact]:
        """As a platform would say it."""
        values = {"bot_policy": self.policy, "reply_clock": self.clock, "service_hours": self.hours, "session_gap": GAP}
        return {name: Fact(value=value, source="test", verified="assumed") for name, value in values.items()}

    def clip(self, start: datetime, stop: datetime) -> int:
        """Seconds inside the hours."""
        return open_seconds(start, stop, HOURS[self.hours])

    def wait(self, start: datetime, stop: datetime) -> float:
        """Seconds on the clock."""
        return self.clip(start, stop) if self.clock == "clip" else (stop - start).total_seconds()

    def states(self, talks: list[Talk], end: datetime) -> dict[str, Counter[str]]:
        """Rule → how many of its rows are in which state."""
        found: dict[str, Counter[str]] = {code: Counter() for code in ("CS01", "CS02", "CS04", "CS08")}
        for talk in talks:
            for turn in talk.turns:
                for code, limit in (("CS02", 10), ("CS08", 180)):
                    found[code][self._state(turn, limit, end)] += 1
            first = next((turn for turn in talk.turns if turn.first), None)
            found["CS01"][self._first_state(talk, first, end)] += 1
            late_too = self._state(first, 600, end) if first else "exempt"
            found["CS04"]["met" if late_too == "late" else late_too] += 1
        return found

    def _first_state(self, talk: Talk, first: Turn | None, end: datetime) -> str:
        """Of a session; where robots count, one that only a robot answered is answered in time."""
        if talk.began_by != "customer":
            return "exempt"
        if first is None and talk.turns and self.policy == "counts":
            return "exempt" if self._is_outside(talk.turns[0]) else "met"
        return self._state(first, 30, end) if first else "exempt"

    def _is_outside(self, turn: Turn) -> bool:
        return self.clock == "exclude_by_start" and not is_within(turn.opened, HOURS[self.hours])

    def _state(self, turn: Turn, limit: float, end: datetime) -> str:
        if self._is_outside(turn) or turn.by == "bot":
            return "exempt"
        return state(self.wait(turn.opened, turn.closed or end), limit, turn.closed is not None)


def _expected(talks: list[Talk], asked: Asked, end: datetime) -> list[tuple[Any, ...]]:
    rows = []
    for talk in talks:
        for turn in talk.turns:
            stop = turn.closed or end
            agent = turn.replier if turn.by else talk.holder
            given = talk.given_at(turn, turn.replier, stop) if turn.by == "human" and turn.replier else None
            own = asked.wait(max(turn.opened, given or turn.opened), stop) if turn.by == "human" else None
            rows.append(
                (turn.row, turn.opened, turn.closed, turn.by, turn.first, talk.began_by, agent, turn.left,
                 asked.wait(turn.opened, stop), own, (stop - turn.opened).total_seconds(), asked.clip(turn.opened, stop))
            )  # fmt: skip
    return sorted(rows)


def _count_loads(turns: list[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    """Agent, moment of a question, and the questions they have open then: each for ten minutes at most."""
    open_turns = [
        (turn["agent_id"], turn["opened_at"],
         min(turn["replied_at"] or turn["until"], turn["opened_at"] + timedelta(minutes=10)))
        for turn in turns if turn["handled_by"] != "bot"
    ]  # fmt: skip
    return Counter({
        (agent, at, sum(who == agent and since <= at < ended for who, since, ended in open_turns)): 1
        for agent, at, _ in open_turns
    })  # fmt: skip


def _counted(store: Store, code: str) -> Counter[str]:
    """What the rule makes of its rows."""
    query = Query(
        store.con,
        BOOK.rules[code].model_copy(update={"advice": (), "causes": ()}),
        None,
        Window(),
        BOOK,
        lambda _, text: text,
    )
    return Counter(outcome for (outcome,) in query.run(f"SELECT _outcome FROM {query.rows}"))


@examples(60)
@given(
    drawn=conversations,
    asked=st.builds(
        Asked, policy=st.sampled_from(["ignored", "counts", "left_out"]), hours=st.sampled_from(sorted(HOURS)),
        clock=st.sampled_from(["wall", "clip", "exclude_by_start"]),
    ),
    known=st.none() | st.sampled_from([0, 60, 5000, 50_000]),
)  # fmt: skip
def test_turns_are_those_of_the_state_machine(drawn: Any, asked: Asked, known: int | None) -> None:
    """Openings, replies, who answers for them, who left, the wait on every clock, and every state in every rule agree."""
    messages = _messages(drawn)
    moment = None if known is None else messages[0].at + timedelta(seconds=known)
    wanted = StoreSettings("shop", BOOK.platforms["generic"], asked.facts, as_of=moment)
    rows = {"messages": [_row(message) for message in messages]}
    with open_store_from_rows(rows, BOOK, wanted, ["sessions", "chat_hours", "agent_loads"]) as store:
        found = rows_of(store, "FROM turns ORDER BY source_row")
        sessions = rows_of(store, "SELECT began_by, human_turns, open_turns, abandoned FROM sessions")
        states = {code: _counted(store, code) for code in ("CS01", "CS02", "CS04", "CS08")}
        loads = rows_of(store, "FROM agent_loads")
    columns = ("source_row", "opened_at", "replied_at", "handled_by", "is_first", "session_began_by", "agent_id",
               "abandoned", "wait_seconds", "agent_wait_seconds", "wall_seconds", "clip_seconds")  # fmt: skip
    heard = [message for message in messages if moment is None or message.at <= moment]
    talks, end = tell(heard, asked.policy, GAP, BOOK.closers), max(message.at for message in heard)
    assert [tuple(turn[name] for name in columns) for turn in found] == _expected(talks, asked, end)
    told = [
        (talk.began_by, sum(turn.by != "bot" for turn in talk.turns), sum(turn.closed is None for turn in talk.turns),
         any(turn.left for turn in talk.turns))
        for talk in talks
    ]  # fmt: skip
    assert sorted(map(str, told)) == sorted(str(tuple(session.values())) for session in sessions)
    assert states == asked.states(talks, end)
    assert Counter(tuple(load.values()) for load in loads) == _count_loads(found)
