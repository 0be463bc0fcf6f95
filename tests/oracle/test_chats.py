"""Rules over chats count what the second implementation counts: who left, night messages, left messages."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from storehealth.catalogue.common import Fact
from storehealth.db import Store, StoreSettings, open_store_from_rows
from storehealth.measure.query import RuleQuery
from storehealth.model import Window
from tests.effort import examples
from tests.oracle.chats import Clock, Log, judge_satisfaction
from tests.oracle.test_orders import RANDOM_STORES
from tests.views.naive_turns import Message, Talk, Turn, is_within, open_seconds, tell
from tests.views.test_turns_property import BOOK, GAP, HOURS, MONDAY, Asked, _counted, _messages, _row, conversations

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


OPEN = {
    "wall": (),
    "day": ("09:00-23:00",),
    "week": ("Mon-Fri 09:00-18:00", "Sat 10:00-14:00"),
    "night": ("22:00-02:00",),
}
drawn_facts = st.fixed_dictionaries(
    {"fragment_gap": st.just(0.0)},  # parts of a split consultation are put together by another test
    optional={
        "bot_policy": st.sampled_from(["ignored", "counts", "left_out"]),
        "reply_clock": st.sampled_from(["wall", "clip", "exclude_by_start"]),
        "service_hours": st.sampled_from(list(OPEN.values())),
        "answer_within": st.sampled_from([0.0, 3600.0, 86400.0]),
        "reply_cap": st.sampled_from([60.0, 600.0]),
    },
)
platforms = st.sampled_from(sorted(name for name in BOOK.platforms if "@" not in name))
"""Half of the facts that matter here are those of a marketplace, half are drawn."""


def read_values(store: Store, code: str) -> Counter[float | None]:
    """How many rows of a rule over values have which value; None where it is not known yet."""
    rule = BOOK.rules[code].model_copy(update={"advice": (), "causes": ()})
    query = RuleQuery(store.con, rule, None, Window(), BOOK, lambda _, text: text)
    return Counter(value for (value,) in query.run(f"SELECT _value FROM {query.rows} WHERE _outcome <> 'exempt'"))


def open_chats(
    messages: list[Message], platform: str, facts: dict[str, Any], views: list[str], **settings: Any
) -> Store:
    """A store of one chat log."""
    own = {name: Fact(value=value, source="test", verified="assumed") for name, value in facts.items()}
    wanted = StoreSettings("shop", BOOK.platforms[platform], own, **settings)
    return open_store_from_rows({"messages": [_row(message) for message in messages]}, BOOK, wanted, views)


def read_log(messages: list[Message], platform: str, facts: dict[str, Any], moment: datetime | None = None) -> Log:
    """The same log, as the second implementation reads it."""
    known = [message for message in messages if moment is None or message.at <= moment]
    given = {**BOOK.platforms["generic"].facts, **BOOK.platforms[platform].facts}
    clock = Clock({name: fact.value for name, fact in given.items()} | facts)
    return Log(known, clock, BOOK.closers, max(message.at for message in known))


def count_outcomes(store: Store, code: str) -> Counter[str]:
    """Outcomes of a rule's rows, without those it leaves out."""
    found = _counted(store, code)
    found.pop("exempt", None)
    return found


@examples(200, **RANDOM_STORES)
@given(
    drawn=conversations, platform=platforms, facts=drawn_facts, known=st.none() | st.sampled_from([0, 60, 5000, 50_000])
)
def test_chats_of_every_platform_have_the_values_and_outcomes_of_the_second_implementation(
    drawn: Any, platform: str, facts: dict[str, Any], known: int | None
) -> None:
    messages = _messages(drawn)
    moment = None if known is None else messages[0].at + timedelta(seconds=known)
    with open_chats(messages, platform, facts, ["sessions", "turns"], as_of=moment) as store:
        waits = read_values(store, "CS03")
        found = {code: count_outcomes(store, code) for code in ("CS07", "CS12")}
    with open_chats(messages, platform, facts | {"channel": "mail"}, ["sessions"], as_of=moment) as store:
        found["CS14"] = count_outcomes(store, "CS14")
    log = read_log(messages, platform, facts, moment)
    assert waits == Counter(log.list_capped_waits())
    assert found == {"CS07": log.count_robots(), "CS12": log.judge_platform_time(), "CS14": log.judge_letters()}


TOPICS = {"有货吗？": "stock", "还有货吗": "stock", "什么时候发货": "ship", "how long does it take to ship?": "ship"}
TOPICS |= {"blue teapot lid cracked corner": "other"}
questions = st.lists(
    st.tuples(
        st.sampled_from(list(TOPICS)), st.integers(0, 5), st.sampled_from([0, 3, 3, 3, 7, 62]),
        st.sampled_from([0, 5, 20, 400, 1700, 3500]), st.sampled_from([None, 5, 30, 31, 45, 400, 1900]),
        st.sampled_from(["amy", "bo"]),
    ),
    min_size=30, max_size=70,
)  # fmt: skip
"""Questions of few hours on few days: topic, customer, day, second of the hour, wait, who answers."""


def write_questions(drawn: list[tuple[str, int, int, int, int | None, str]]) -> list[Message]:
    """Each question as a chat of its own."""
    found: list[Message] = []
    for number, (text, customer, day, second, wait, agent) in enumerate(drawn):
        at, room = MONDAY + timedelta(days=day, hours=number % 2, seconds=second), f"room{number}"
        who = f"buyer{customer}"
        found.append(Message(room, who, at, "customer", text, None, len(found) + 2, who))
        if wait is not None:
            answered = at + timedelta(seconds=wait)
            found.append(Message(room, who, answered, "agent", "well", None, len(found) + 2, agent))
    return found


busy_facts = st.fixed_dictionaries(
    {"fragment_gap": st.just(0.0), "service_time": st.sampled_from([60.0, 600.0])},
    optional={"served_share": st.sampled_from([0.5, 0.95]), "service_hours": st.sampled_from([(), ("08:30-23:00",)])},
)


@examples(200, **RANDOM_STORES)
@given(drawn=questions, platform=platforms, facts=busy_facts)
def test_hours_topics_and_loads_have_the_outcomes_of_the_second_implementation(
    drawn: Any, platform: str, facts: dict[str, Any]
) -> None:
    messages = write_questions(drawn)
    with open_chats(
        messages, platform, facts, ["week_hours", "shift_blocks", "question_topics", "questions", "agent_loads"]
    ) as store:
        found = {code: count_outcomes(store, code) for code in ("CS09", "CS10", "TM02")}
    log = read_log(messages, platform, facts)
    hours = Counter(log.judge_hours().values())
    hours.pop("exempt", None)
    assert found == {"CS09": hours, "CS10": log.judge_topics(TOPICS), "TM02": log.judge_load()}


@examples(100, **RANDOM_STORES)
@given(
    words=st.lists(
        st.sampled_from(["非常满意", "满意", "一般", "不满意", "非常不满意", "1", "3", "5", None]), min_size=1
    )
)
def test_ratings_of_chats_have_the_outcomes_of_the_second_implementation(words: list[str | None]) -> None:
    rows = [
        {"conversation_id": f"c{number}", "started_at": MONDAY + timedelta(hours=number), "customer_id": f"b{number}",
         "agent_id": "amy", "satisfaction": word, "first_reply_at": MONDAY + timedelta(hours=number, seconds=9)}
        for number, word in enumerate([*words, "满意"])
    ]  # fmt: skip
    settings = StoreSettings("shop", BOOK.platforms["generic"], {})
    with open_store_from_rows({"conversations": rows}, BOOK, settings, ["sessions"]) as store:
        assert count_outcomes(store, "CS11") == judge_satisfaction([*words, "满意"])


def test_a_robot_at_night_does_not_keep_the_persons_answer_out() -> None:
    """Without conversation ids the morning's answer would else begin a chat of its own, and the robot have settled it."""
    night = [("customer", "where is it?", None, 0, "amy"), ("bot", "we open at nine", None, 5, "amy")]
    messages = _messages([(False, [*night, ("agent", "on its way", None, 36_000, "amy")])])
    with open_chats(messages, "generic", {"bot_policy": "counts"}, ["turns"]) as store:
        assert store.con.execute("SELECT handled_by, wait_seconds FROM turns").fetchall() == [("human", 36_005.0)]


def test_time_of_the_platform_stands_still_where_it_leaves_weekends_out() -> None:
    """Asked on Friday evening and answered on Monday morning is within Allegro's 24 hours, not within Etsy's."""
    friday = [
        ("customer", "where is it?", None, 4 * 86_400 + 36_000, "amy"),
        ("agent", "here", None, 2 * 86_400 + 43_200, "amy"),
    ]
    messages, found = _messages([(True, friday)]), {}
    for platform in ("allegro", "etsy"):
        with open_chats(messages, platform, {}, ["turns"]) as store:
            found[platform] = dict(count_outcomes(store, "CS12"))
    assert found == {"allegro": {"met": 1}, "etsy": {"late": 1}}
