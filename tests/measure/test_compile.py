"""Every row gets the outcome the definitions give it: at the limit, one second off, open, and without a clock."""

from __future__ import annotations

import re

import pytest

from storehealth.catalogue import load_catalogue
from storehealth.errors import CatalogueError
from storehealth.measure.rule_sql import build_row_query
from storehealth.model import Window
from tests.measure.fakes import SAID, measured, rule_of

WITHIN = {"from": "begun", "to": "done", "within": "30 s"}
BY = {"to": "done", "by": "promise"}
BY_DATE = {"to": "done", "by_date": "promise"}
START = "2026-03-02 10:00:00"


def outcome(rule, **row) -> str:
    tally = measured(rule, row).tally
    return next(name for name, count in tally.model_dump().items() if count)


@pytest.mark.parametrize(
    ("begun", "done", "until", "expected"),
    [
        (START, "2026-03-02 10:00:29", START, "met"),
        (START, "2026-03-02 10:00:30", START, "met"),
        (START, "2026-03-02 10:00:31", START, "late"),
        (START, None, "2026-03-02 10:00:29", "undecided"),
        (START, None, "2026-03-02 10:00:30", "overdue"),
        (START, None, "2026-03-02 10:00:31", "overdue"),
        (START, None, None, "undecided"),
        (None, "2026-03-02 10:00:31", START, "not_judgeable"),
        (None, None, START, "not_judgeable"),
    ],
)
def test_within_judges_at_the_limit_and_a_second_off(begun, done, until, expected) -> None:
    """A reply at exactly the limit is in time; an open row is overdue from the limit on."""
    assert outcome(rule_of(in_time=WITHIN), begun=begun, done=done, until=until) == expected


@pytest.mark.parametrize(
    ("amount", "done", "expected"),
    [(30, START, "met"), (30.5, START, "late"), (29, None, "undecided"), (30, None, "overdue"),
     (None, START, "not_judgeable")],
)  # fmt: skip
def test_the_platforms_clock_takes_the_place_of_the_wall_clock(amount, done, expected) -> None:
    """``waited`` counts, however far apart the two times are."""
    rule = rule_of(in_time={**WITHIN, "waited": "amount"})
    assert outcome(rule, begun="2026-01-01", done=done, amount=amount) == expected


@pytest.mark.parametrize(
    ("done", "promise", "until", "expected"),
    [
        ("2026-03-05 12:00:00", "2026-03-05 12:00:00", START, "met"),
        ("2026-03-05 12:00:01", "2026-03-05 12:00:00", START, "late"),
        (None, "2026-03-05 12:00:00", "2026-03-05 12:00:00", "undecided"),
        (None, "2026-03-05 12:00:00", "2026-03-05 12:00:01", "overdue"),
        ("2026-03-05 12:00:00", None, START, "not_judgeable"),
        (None, None, START, "not_judgeable"),
    ],
)
def test_by_judges_against_each_rows_own_promise(done, promise, until, expected) -> None:
    """Done at the promised second is in time; open, it is overdue only after it."""
    assert outcome(rule_of(in_time=BY), done=done, promise=promise, until=until) == expected


@pytest.mark.parametrize(
    ("done", "until", "expected"),
    [
        ("2026-03-05 23:59:59", START, "met"),
        ("2026-03-06 00:00:00", START, "late"),
        (None, "2026-03-05 23:59:59", "undecided"),
        (None, "2026-03-06 00:00:00", "overdue"),
    ],
)
def test_by_date_judges_whole_days(done, until, expected) -> None:
    """A promise at midnight holds until the end of that day."""
    assert outcome(rule_of(in_time=BY_DATE), done=done, promise="2026-03-05 00:00:00", until=until) == expected


def test_a_promise_without_a_start_cannot_be_judged_where_a_start_is_named() -> None:
    """An unpaid order has no shipping clock."""
    rule = rule_of(in_time={**BY, "from": "begun"})
    assert outcome(rule, promise=START, done=START) == "not_judgeable"


@pytest.mark.parametrize(("ok", "expected"), [(True, "met"), (False, "late"), (None, "not_judgeable")])
def test_good_has_three_answers(ok, expected) -> None:
    """NULL is no answer, and no defect either."""
    assert outcome(rule_of(good="ok"), ok=ok) == expected


@pytest.mark.parametrize(
    ("higher_is", "amount", "growing", "expected"),
    [
        ("worse", 10, False, "met"), ("worse", 10.5, False, "late"), ("worse", 10, True, "undecided"),
        ("worse", 10.5, True, "overdue"), ("worse", None, False, "not_judgeable"), ("worse", None, True, "undecided"),
        ("better", 10, False, "met"), ("better", 9.5, False, "late"), ("better", 9.5, True, "undecided"),
        ("better", 10, True, "met"),
    ],
)  # fmt: skip
def test_values_become_defects_beyond_the_limit(higher_is, amount, growing, expected) -> None:
    """What still grows is no defect before the limit is passed."""
    value = {"sql": "amount", "statistic": "median", "unit": "hours", "open": "growing"}
    rule = rule_of(limits={"target": 5, "limit": 10, "higher_is": higher_is}, value=value)
    assert outcome(rule, amount=amount, growing=growing) == expected


def test_rows_the_rule_is_not_about_are_exempt() -> None:
    """Even where they could not be judged; and NULL is not true."""
    rule = rule_of(good="ok", when="amount > 1")
    tally = measured(rule, {"amount": 1, "ok": False}, {"amount": None, "ok": None}, {"amount": 2, "ok": True}).tally
    assert (tally.exempt, tally.met, tally.judged) == (2, 1, 1)


def test_a_window_takes_whole_days_at_both_ends() -> None:
    """Rows without a time belong only to the window that is open at both ends."""
    days = ["2026-03-01 23:59:59", "2026-03-02 00:00:00", "2026-03-03 23:59:59", "2026-03-04 00:00:00", None]
    rows = [{"at": day, "ok": True} for day in days]
    window = Window.model_validate({"from": "2026-03-02", "to": "2026-03-03"})
    assert measured(rule_of(good="ok"), *rows, window=window).tally.met == 2
    assert measured(rule_of(good="ok"), *rows).tally.met == 5


def test_the_column_at_may_be_named_in_any_expression() -> None:
    """It is a word of SQL, and still the natural name; texts that hold the word stay as they are."""
    rule = rule_of(
        good="hour(at) = 10 AND 'at noon' = 'at ' || 'noon'", over="SELECT * FROM things WHERE at IS NOT NULL"
    )
    assert measured(rule, {}).tally.met == 1


def test_a_limit_can_be_a_fact_of_the_platform() -> None:
    """An unknown fact would be NULL, and every row a defect: it is refused instead."""
    rule = rule_of(in_time={**WITHIN, "within": "short_wait"})
    with pytest.raises(CatalogueError, match=r"made-rule.yaml: measure.in_time.within: no platform sets .*short_wait"):
        measured(rule, {"begun": START, "done": START})


@pytest.mark.parametrize(
    ("measure", "key"),
    [
        ({"good": "nothing > 1"}, "measure.good"),
        ({"good": "ok", "when": "agent_id::INTEGER = 1"}, "measure.when"),
        ({"good": "ok", "by": ["warehouse"]}, "measure.by.0"),
        ({"good": "ok", "beside": [{"name": "x", "title": SAID, "good": "nope"}]}, "measure.beside.0.good"),
        ({"good": "ok", "beside": [{"name": "x", "title": SAID, "bad": "nope"}]}, "measure.beside.0.bad"),
        ({"good": "ok", "over": "nowhere"}, "measure.over"),
    ],
)
def test_sql_that_does_not_run_is_told_with_file_and_key(measure, key) -> None:
    """Whether it never could, or fails on a value of this store."""
    with pytest.raises(CatalogueError, match=rf"^made-rule\.yaml: {key}: "):
        measured(rule_of(**measure), {"agent_id": "amy", "ok": True})


def test_readers_of_a_few_columns_do_not_look_up_the_others() -> None:
    """What advice and causes look up elsewhere is joined to every row: only their own readers pay for it."""
    looked_up = re.compile(r"_(mends|why|by|show|beside|still|basis)\d")
    rules = load_catalogue().rules.values()
    assert all(looked_up.search(build_row_query(rule, None, Window())) for rule in rules if rule.advice)
    for rule in rules:
        own = build_row_query(rule, None, Window(), only=("_entity",))
        assert not looked_up.search(own), rule.code
        assert "AS _entity" in own
        causes = build_row_query(rule, None, Window(), only=("_why",))
        assert ("AS _why0" in causes) == bool(rule.causes), rule.code
        assert "AS _mends" not in causes
