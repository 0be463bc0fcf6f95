"""Figures that a platform prints, against ours: each definition gives what it says, and the one that explains is named."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from storehealth.catalogue import Catalogue, load_catalogue
from storehealth.db import StoreSettings, open_store_from_rows
from storehealth.errors import CatalogueError
from storehealth.i18n import LANGUAGES, Words, translate
from storehealth.i18n.limits import compare_printed
from storehealth.judge import judge
from storehealth.judge.platform_view import explain_difference
from storehealth.measure import MeasureOptions, find_rule_problems, measure
from storehealth.model import AlternativeFigure, PrintedFigure
from storehealth.output.checkup import markdown
from storehealth.output.terminal import DisplayOptions, render
from tests.checkups import checkup, finding
from tests.few_rules import keep_rules

DAY = "2026-03-02"
Rows = dict[str, list[dict[str, Any]]]


@cache
def book() -> Catalogue:
    return load_catalogue()


def chat(room: str, *lines: str) -> list[dict[str, Any]]:
    """Messages such as ``C 10:00:00``: C a customer, A amy, R the robot, H handed to amy, G given to amy."""
    roles = {"C": "customer", "A": "agent", "R": "bot", "H": "system", "G": "system"}
    events = {"H": "handoff", "G": "assigned"}
    return [
        {
            "conversation_id": room, "message_id": f"{room}{place}", "customer_id": room, "sent_at": f"{DAY} {line[2:]}",
            "sender_role": roles[line[0]], "sender_id": {"C": room, "A": "amy", "R": "robot"}.get(line[0]), "text": "?",
            "event": events.get(line[0]), "event_agent_id": "amy" if line[0] in events else None,
        }
        for place, line in enumerate(lines)
    ]  # fmt: skip


MESSAGES = [
    *(row for n in range(4) for row in chat(f"quick{n}", "C 10:00:00", "A 10:00:10")),
    *(row for n in range(2) for row in chat(f"slow{n}", "C 10:10:00", "A 10:11:00")),
    *chat("never", "G 10:20:00", "C 10:20:00"),
    *(row for n in range(2) for row in chat(f"night{n}", "C 23:30:00", "A 23:30:20")),
    *chat("hers", "A 11:00:00"),
    *chat("robot", "C 12:00:00", "R 12:00:01", "H 12:01:00", "A 12:01:10"),
    *chat("twice", "C 13:00:00", "A 13:00:10", "C 13:05:00", "A 13:06:00"),
]
RATES = [6 / 9, 8 / 11, 6 / 8, 6 / 10, 5 / 9, 7 / 10]
"""As the rule counts, at all hours, answered chats, every question, from the chat's start, the store's own chats too."""
MEANS = [
    (4 * 10 + 2 * 60 + 600 + 10 + 10 + 60) / 10,
    (4 * 10 + 2 * 60 + 10 + 10 + 60) / 9,
    (4 * 10 + 2 * 60 + 10 + 10 + 60 + 2 * 20) / 11,
    (4 * 10 + 2 * 60 + 10 + 10) / 8,
    (4 * 10 + 2 * 60 + 10 + 35) / 8,
    (4 * 10 + 2 * 60 + 10 + 35 + 2 * 20) / 10,
]
"""As CS03 counts, answered questions, the same at all hours, first answers, means of chats, the same at all hours."""


def agent_days(**figures: float) -> list[dict[str, Any]]:
    """The agents' report of that day, and of a person and a day that are in no other file."""
    own = {"date": f"{DAY} 00:00:00", "agent_id": "amy", "received": 9, **figures}
    return [own, own | {"agent_id": "bo", "received": 50}, own | {"date": "2026-03-01 00:00:00", "received": 50}]


def figures(code: str, rows: Rows, platform: str = "jd") -> tuple[PrintedFigure, ...]:
    """What the rule's finding says of printed figures."""
    chosen, generic = book().platforms[platform], book().platforms["generic"]
    own = StoreSettings("shop", chosen, {**generic.facts, **chosen.facts})
    few = keep_rules(book(), {code})
    with open_store_from_rows(rows, few, own) as store:
        measured = measure(store, [few.rules[code]], chosen.limits, {}, MeasureOptions(few))
    return judge(measured, few, chosen)[0][0].printed


def rate(value: float) -> PrintedFigure:
    (one,) = figures("CS01", {"messages": MESSAGES, "agent_days": agent_days(reply_30s_rate=value)})
    return one


@pytest.mark.parametrize("number", range(len(RATES)))
def test_the_definition_that_gives_the_printed_rate_is_named(number: int) -> None:
    """Every reading gives its own figure; what the platform would print by it is explained by it."""
    found = rate(RATES[number])
    assert [found.ours, *(one.value for one in found.readings)] == pytest.approx(RATES, abs=1e-6)
    assert (found.theirs_rows, found.ours_rows, found.held) == (9, 9, 12)
    if number == 0:
        assert (found.verdict, found.by) == ("agrees", None)
    else:
        assert (found.verdict, found.by) == ("explained", found.readings[number - 1])
        assert found.difference == pytest.approx(RATES[0] - RATES[number], abs=2e-6)


@pytest.mark.parametrize("number", range(len(MEANS)))
def test_the_definition_that_gives_the_printed_mean_is_named(number: int) -> None:
    """The same of the agents' report's mean reply time."""
    rows: Rows = {"messages": MESSAGES, "agent_days": agent_days(average_reply_seconds=MEANS[number])}
    (found,) = figures("CS03", rows)
    assert [found.ours, *(one.value for one in found.readings)] == pytest.approx(MEANS, abs=1e-5)
    assert found.by == (found.readings[number - 1] if number else None)


def test_agents_and_days_are_weighted_by_what_they_received() -> None:
    """90 of 100 and 1 of 10 are 91 of 110, not the mean of 90 % and 10 %."""
    days = [{"date": f"{DAY} 00:00:00", "agent_id": name, "received": n, "reply_30s_rate": share}
            for name, n, share in (("amy", 100, 0.9), ("bo", 10, 0.1), ("cleo", 0, None))]  # fmt: skip
    other = [
        row | ({"sender_id": "bo"} if row["sender_role"] == "agent" else {})
        for row in chat("bo", "C 10:00:00", "A 10:00:10")
    ]
    (found,) = figures("CS01", {"messages": [*MESSAGES, *other], "agent_days": days})
    assert (found.theirs, found.theirs_rows) == (pytest.approx(91 / 110, abs=1e-6), 110)


@pytest.mark.parametrize(
    "days",
    [[], agent_days(), agent_days(reply_30s_rate=0.9)[1:]],
    ids=["no report", "no rate", "of other agents and days"],
)
def test_without_a_figure_for_the_same_agents_and_days_nothing_is_compared(days: list[dict[str, Any]]) -> None:
    """A missing figure is none, not 0."""
    assert figures("CS01", {"messages": MESSAGES, "agent_days": days}) == ()


def test_the_session_workbook_is_compared_chat_by_chat() -> None:
    """Only rows that are joined to the log count: a chat that the log lacks is in neither figure."""
    book_rows = [{"conversation_id": room, "started_at": f"{DAY} 10:00:00", "average_reply_seconds": seconds}
                 for room, seconds in (("quick0", 10), ("twice", 35), ("elsewhere", 900))]  # fmt: skip
    found = figures("CS03", {"messages": MESSAGES, "conversations": book_rows})
    (one,) = found
    assert (one.theirs, one.theirs_rows, one.ours, one.ours_rows) == (22.5, 2, pytest.approx(80 / 3, abs=1e-5), 3)
    assert one.by is not None
    assert str(one.by.says).startswith("the mean of each chat's own mean")


def test_jds_hours_of_a_case_are_its_whole_time() -> None:
    """Ours is only what waited for the store: a return that was a week on its way is not the store's week."""
    case = {
        "case_id": "1", "kind": "return", "status": "closed", "applied_at": "2026-03-01 00:00:00",
        "first_reviewed_at": "2026-03-01 02:00:00", "received_at": "2026-03-08 00:00:00",
        "refunded_at": "2026-03-08 03:00:00", "platform_total_hours": 171,
    }  # fmt: skip
    (found,) = figures("AS02", {"aftersales": [case]})
    assert (found.theirs, found.ours, found.difference, found.verdict) == (171, 5, -166, "explained")
    assert found.by is not None
    assert str(found.by.says) == "from application to end, all cases"


def reading(value: float | None) -> AlternativeFigure:
    return AlternativeFigure(says="so", value=value, rows=9)


@pytest.mark.parametrize(
    ("ours", "others", "verdict", "by"),
    [
        (101.0, (100.0,), "agrees", None),
        (101.1, (101.0, 100.5), "explained", 1),
        (101.1, (101.0, 99.0), "explained", 0),
        (110.0, (105.0, 95.1), "nearer", 1),
        (110.0, (105.1, 120.0), "unexplained", None),
        (110.0, (None,), "unexplained", None),
        (None, (None, 100.9), "explained", 1),
        (None, (103.0,), "unexplained", None),
    ],
    ids=["close", "one past close", "equally near", "half is left", "more than half", "no other", "none of ours", "far"],
)  # fmt: skip
def test_what_explains_a_difference(
    ours: float | None, others: tuple[float | None, ...], verdict: str, by: int | None
) -> None:
    """Theirs is 100, close is 1."""
    tried = tuple(map(reading, others))
    assert explain_difference(100.0, reading(ours), tried, 1.0) == (verdict, None if by is None else tried[by])


@pytest.mark.parametrize(("received", "told"), [(12, False), (13, True), (11, True)])
def test_that_the_files_hold_other_chats_is_told(received: int, told: bool) -> None:
    """Twelve are in the log; one in twenty more or less counts as the same."""
    days = agent_days(reply_30s_rate=0.2, received=received)
    (found,) = figures("CS01", {"messages": MESSAGES, "agent_days": days})
    ((_, text),) = compare_printed(finding("CS01", printed=(found,)), Words("en"))
    assert "none of the 5 other definitions tried explains the difference" in text
    assert (f"is based on {received} chats" in text) == told


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_told_in_every_language(language: str) -> None:
    """Theirs, ours, the difference in points, and why."""
    chosen = book().platforms["jd"]
    rows: Rows = {"messages": MESSAGES, "agent_days": agent_days(reply_30s_rate=0.75)}
    own = StoreSettings("shop", chosen, {**book().platforms["generic"].facts, **chosen.facts})
    with open_store_from_rows(rows, book(), own) as store:
        measured = measure(store, [book().rules["CS01"]], chosen.limits, {}, MeasureOptions(book()))
    judged = judge(measured, book(), chosen)[0][0]
    ((title, text),) = compare_printed(judged, Words(language))  # type: ignore[arg-type]
    assert "30s应答率" in title.replace(" ", "")  # in Chinese with a blank between the scripts
    told = text.replace("\u00a0", " ").replace(",", ".").replace(" %", "%")
    assert [figure for figure in ("75%", "66.7%", "8.3") if figure not in told] == []
    assert judged.printed[0].by is not None
    assert translate(judged.printed[0].by.says, language) in text


def test_sql_that_does_not_run_is_told_of_its_place() -> None:
    """Bound when the book is checked, without a store's rows."""
    rule = book().rules["AS02"]
    wrong = rule.printed[0].model_copy(update={"over": "SELECT * FROM nowhere"})
    generic = book().platforms["generic"]
    with open_store_from_rows({}, book(), StoreSettings("", generic, generic.facts)) as store:
        found = find_rule_problems(store, [rule.model_copy(update={"printed": (wrong,)})], generic.limits, book())
    assert len(found) == len(wrong.readings) + 1
    assert all("handling-time.yaml:" in one.message and "nowhere" in one.message for one in found)
    assert all(isinstance(one, CatalogueError) for one in found)


def test_the_details_screen_and_the_report_tell_of_it() -> None:
    """Under the finding; the plain screen leaves it out."""
    told = rate(0.75)
    shown = checkup(findings=(finding("CS01", printed=(told,)),))
    lines = [
        " ".join(text.split())
        for text in (render(shown, DisplayOptions(details=True)), markdown.render_full(shown).decode())
    ]
    assert all(
        f"{translate(told.title)}: the platform prints 75% (n=9), storehealth counts 66.7% (n=9)" in text
        for text in lines
    )
    assert "the platform prints" not in render(shown, DisplayOptions())
