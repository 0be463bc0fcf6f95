"""Rules over chats count what the second implementation counts: who left, night messages, left messages."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from storehealth.db import StoreSettings, open_store_from_rows
from tests.effort import examples
from tests.oracle.test_orders import RANDOM_STORES
from tests.views.naive_turns import Talk, Turn, is_within, open_seconds, tell
from tests.views.test_turns_property import BOOK, GAP, HOURS, Asked, _counted, _messages, _row, conversations

CODES = ("CS05", "CS06", "CS13")
NIGHT_LIMIT = 1800
"""Seconds of open time in which a message left overnight is answered."""


def is_in_hours(turn: Turn, asked: Asked) -> bool:
    """Whether a question came inside the store's hours."""
    return is_within(turn.opened, HOURS[asked.hours])


def find_opening(moment: datetime, asked: Asked) -> datetime:
    """The next opening at or after a moment."""
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    starts = [midnight + timedelta(days=day, seconds=opens) for day in range(3) for opens, _ in HOURS[asked.hours]]
    return min(start for start in starts if start >= moment)


def judge_night(turn: Turn, asked: Asked, end: datetime) -> str:
    """CS06: a question outside the hours, answered before opening or within half an hour of open time."""
    if not asked.hours or is_in_hours(turn, asked) or turn.by == "bot":
        return "exempt"
    waited = open_seconds(turn.opened, turn.closed or end, HOURS[asked.hours])
    if turn.closed is not None:
        return "met" if waited <= NIGHT_LIMIT else "late"
    return "overdue" if waited >= NIGHT_LIMIT else "undecided"


def judge_left(talk: Talk, asked: Asked) -> str:
    """CS05: a customer who began and needed a person left, or fell silent, while a question was open."""
    human = [turn for turn in talk.turns if turn.by != "bot"]
    if talk.began_by != "customer" or not human or asked._is_outside(human[0]):
        return "exempt"
    if any(turn.left for turn in talk.turns):
        return "late"
    return "met" if all(turn.by for turn in talk.turns) else "not_judgeable"  # who still waits may yet be answered


def judge_message(talk: Talk, asked: Asked, end: datetime) -> str:
    """CS13: a first question outside the hours that nobody answered before the next opening is left as a message."""
    human = [turn for turn in talk.turns if turn.by != "bot"]
    if not asked.hours or talk.began_by != "customer" or not human:
        return "exempt"
    if is_in_hours(human[0], asked):
        return "met"
    opening = find_opening(human[0].opened, asked)
    if human[0].closed is not None:
        return "met" if human[0].closed <= opening else "late"
    return "late" if end > opening else "not_judgeable"


def judge_chats(talks: list[Talk], asked: Asked, end: datetime) -> dict[str, Counter[str]]:
    """Rule → how many of its rows have which outcome."""
    found: dict[str, Counter[str]] = {code: Counter() for code in CODES}
    for talk in talks:
        found["CS05"][judge_left(talk, asked)] += 1
        found["CS13"][judge_message(talk, asked, end)] += 1
        for turn in talk.turns:
            found["CS06"][judge_night(turn, asked, end)] += 1
    return found


@examples(200, **RANDOM_STORES)
@given(
    drawn=conversations,
    asked=st.builds(
        Asked, policy=st.sampled_from(["ignored", "counts", "left_out"]), hours=st.sampled_from(sorted(HOURS)),
        clock=st.sampled_from(["wall", "clip", "exclude_by_start"]),
    ),
)  # fmt: skip
def test_chats_have_the_outcomes_of_the_second_implementation(drawn: Any, asked: Asked) -> None:
    found, expected = compare(drawn, asked)
    assert found == expected


def compare(drawn: Any, asked: Asked) -> tuple[dict[str, Counter[str]], dict[str, Counter[str]]]:
    """Rule → outcomes in the database, and by the second implementation."""
    messages = _messages(drawn)
    wanted = StoreSettings("shop", BOOK.platforms["generic"], asked.facts)
    with open_store_from_rows(
        {"messages": [_row(message) for message in messages]}, BOOK, wanted, ["sessions", "turns"]
    ) as store:
        found = {code: _counted(store, code) for code in CODES}
    end = max(message.at for message in messages)
    expected = judge_chats(tell(messages, asked.policy, GAP, BOOK.closers), asked, end)
    # chats without a question have no row in the database; in the second implementation they are exempt
    for outcomes in (*found.values(), *expected.values()):
        outcomes.pop("exempt", None)
    return found, expected
