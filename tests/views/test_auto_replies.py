"""Texts that agents' accounts send by themselves: suspected, confirmed, assumed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from tests.views.conftest import rows_of

from storehealth.catalogue import Catalogue, load_catalogue
from storehealth.db import Store, StoreSettings, open_store_from_rows
from storehealth.measure import MeasureOptions, measure
from storehealth.measure.plan import NAME, measure_both_ways
from storehealth.model import Window

GREETING = "亲，在的，请稍等"
FIRST_LINE = f"FROM messages WHERE text LIKE '%{GREETING}%'"


def chats(times: int = 20, delays: tuple[int, ...] = (1,), text: str = GREETING) -> dict[str, Any]:
    """So many chats, greeted after the delays in turn, and answered by a person after 40 s."""
    rows = []
    for number in range(times):
        room, minute = {"conversation_id": f"c{number}"}, f"2026-03-02 {10 + number // 60}:{number % 60:02}"
        spelling = f" {text}\n" if number % 2 else text
        rows += [
            {**room, "message_id": "a", "sent_at": f"{minute}:00", "sender_role": "customer", "sender_id": "x", "text": "?"},
            {**room, "message_id": "b", "sent_at": f"{minute}:{delays[number % len(delays)]:02}", "sender_role": "agent",
             "sender_id": f"amy{number % 3}", "text": spelling},
            {**room, "message_id": "c", "sent_at": f"{minute}:40", "sender_role": "agent", "sender_id": "amy0",
             "text": f"answer {number}"},
        ]  # fmt: skip
    return {"messages": rows}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """The built-in files."""
    return load_catalogue()


def over_two_weeks(rows: dict[str, Any]) -> dict[str, Any]:
    """The same, with the second half of the chats a week later."""
    later = {f"c{number}" for number in range(10, 20)}
    return {
        "messages": [
            row | {"sent_at": row["sent_at"].replace("03-02", "03-09")} if row["conversation_id"] in later else row
            for row in rows["messages"]
        ]
    }


def opened(catalogue: Catalogue, rows: dict[str, Any], confirmed: tuple[str, ...] = ()) -> Store:
    generic = catalogue.platforms["generic"]
    return open_store_from_rows(rows, catalogue, StoreSettings("shop", generic, generic.facts, auto_replies=confirmed))


@pytest.mark.parametrize(
    ("times", "delays", "suspected"),
    [(20, (1,), 1), (19, (1,), 0), (20, (2,), 1), (20, (3,), 0), (24, (1, 2), 1), (24, (0, 2, 2, 0), 0)],
)
def test_often_and_at_once_is_suspect(
    catalogue: Catalogue, times: int, delays: tuple[int, ...], suspected: int
) -> None:
    """Twenty times, half within two seconds, the middle half within one second; whoever sends it."""
    with opened(catalogue, chats(times, delays)) as store:
        found = rows_of(store, "FROM auto_replies WHERE is_suspect")
        assert len(found) == suspected
        if found:
            assert (found[0]["text"], found[0]["times"], found[0]["senders"]) == (GREETING, times, 3)


@pytest.mark.parametrize(
    ("first", "last", "defects", "judged"),
    [("02", "09", 1, 1), ("05", "09", 1, 1), ("02", "05", 0, 0), ("10", "12", 0, 0)],
)
def test_a_text_counts_in_the_window_in_which_it_was_sent_last(
    catalogue: Catalogue, first: str, last: str, defects: int, judged: int
) -> None:
    """One that began before the window and goes on in it is still sent; the first line of all stands for it."""
    window = Window(first=date.fromisoformat(f"2026-03-{first}"), last=date.fromisoformat(f"2026-03-{last}"))
    with opened(catalogue, over_two_weeks(chats())) as store:
        (listed,) = measure(store, [catalogue.rules["DQ09"]], {}, {"DQ09": window}, MeasureOptions(catalogue))
        assert (listed.tally.defects, listed.tally.judged) == (defects, judged)
        (found,) = rows_of(store, "FROM auto_replies WHERE is_suspect")
        assert f"{found['at']:%m-%d %H:%M:%S}" == "03-09 10:19:01"
        assert found["source_row"] == min(row["source_row"] for row in rows_of(store, FIRST_LINE))


def test_an_agent_without_such_texts_is_judged_by_the_last_message(catalogue: Catalogue) -> None:
    """Not by the first one, which may lie before the window."""
    with opened(catalogue, over_two_weeks(chats(times=19))) as store:
        found = {row["sender_id"]: f"{row['at']:%m-%d}" for row in rows_of(store, "FROM auto_replies")}
        assert found == {"amy0": "03-09", "amy1": "03-09", "amy2": "03-09"}


def test_a_confirmed_text_is_a_robots(catalogue: Catalogue) -> None:
    """Blanks and case aside; then the person's answer is the first, and nothing is suspected any more."""
    with opened(catalogue, chats(), (f"{GREETING} ",)) as store:
        assert {row["wait_seconds"] for row in rows_of(store, "FROM turns")} == {40}
        assert {row["bot_messages"] for row in rows_of(store, "FROM sessions")} == {1}
        assert rows_of(store, "FROM auto_replies WHERE is_suspect") == []


def test_assumed_ones_are_a_robots_and_both_results_are_shown(catalogue: Catalogue) -> None:
    """The rule is judged without them, and says beside it what comes out with them; they stay listed."""
    rules = [catalogue.rules[code] for code in ("CS01", "CS03", "DQ09")]
    with opened(catalogue, chats()) as store:
        first, mean, listed = measure_both_ways(store, rules, {}, {}, MeasureOptions(catalogue))
        assert (first.tally.met, first.tally.late) == (0, 20)
        (other,) = [figure for figure in first.beside if figure.name == NAME]
        assert (other.value, other.count, other.judged) == (1.0, 20, 20)
        assert mean.value == 40
        assert [figure.value for figure in mean.beside if figure.name == NAME] == [1.0]
        assert listed.tally.defects == 1


def test_where_nothing_is_suspected_there_is_one_result(catalogue: Catalogue) -> None:
    """Nothing is added."""
    with opened(catalogue, chats(5)) as store:
        (first,) = measure_both_ways(store, [catalogue.rules["CS01"]], {}, {}, MeasureOptions(catalogue))
        assert NAME not in [figure.name for figure in first.beside]


def test_a_text_is_shown_only_where_persons_are(catalogue: Catalogue) -> None:
    """What was written is personal."""
    with opened(catalogue, chats()) as store:
        (listed,) = measure_both_ways(store, [catalogue.rules["DQ09"]], {}, {}, MeasureOptions(catalogue))
        assert GREETING not in str(listed.evidence)
    with opened(catalogue, chats()) as store:
        plain = replace(MeasureOptions(catalogue), mask=lambda _, value: value)
        (listed,) = measure_both_ways(store, [catalogue.rules["DQ09"]], {}, {}, plain)
        assert GREETING in str(listed.evidence)
