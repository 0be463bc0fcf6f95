"""Counts, slices, values, advice and evidence all come from the same rows."""

from __future__ import annotations

import math
import random
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from storehealth.catalogue.platform import Platform
from storehealth.errors import UsageError
from storehealth.measure import MeasureOptions, choose_windows, measure
from storehealth.model import Window
from storehealth.privacy import make_pseudonym
from storehealth.support.message import Name, message
from tests.effort import examples
from tests.measure.fakes import SAID, catalogue_of, measured, rule_of, store_of

MEDIAN = {"sql": "amount", "statistic": "median", "unit": "seconds", "open": "growing"}
P90 = {**MEDIAN, "statistic": "p90"}
LIMITS = {"target": 20, "limit": 60, "higher_is": "worse"}


def test_shares_come_with_wilsons_interval() -> None:
    """One defect of four: 25 %, and very unsure."""
    measurement = measured(rule_of(good="ok"), *[{"ok": number > 0} for number in range(4)])
    assert measurement.value == 0.25
    assert measurement.low == pytest.approx(0.0456, abs=1e-4)
    assert measurement.high == pytest.approx(0.6994, abs=1e-4)


def test_a_rule_without_judged_rows_has_no_value() -> None:
    """Neither 0 nor 1."""
    measurement = measured(rule_of(good="ok"), {"ok": None})
    assert (measurement.value, measurement.low, measurement.high, measurement.tally.not_judgeable) == (
        None,
        None,
        None,
        1,
    )


def test_a_rule_whose_data_are_missing_says_what_it_needs() -> None:
    """Needs of the view and of the rule, and no zeros that look like a result."""
    measurement = measured(
        rule_of(good="ok", needs=["orders.paid_at", "orders"]), {"ok": True}, needs=("messages", "scans")
    )
    assert measurement.missing is not None
    assert measurement.missing.needs == ("scans", "orders.paid_at")
    assert measurement.value is None
    assert measurement.segments == ()


def test_one_of_several_tables_is_enough() -> None:
    """A need names alternatives; only where none is there it is missing."""
    either = measured(rule_of(good="ok", needs=["scans.event|orders"]), {"ok": True})
    assert either.missing is None
    neither = measured(rule_of(good="ok", needs=["scans.event|orders.paid_at"]), {"ok": True})
    assert neither.missing is not None
    assert neither.missing.needs == ("scans.event|orders.paid_at",)


def test_defects_are_counted_per_entity_once() -> None:
    """Three misses of one customer are one customer; those that met do not count."""
    rows = [{"entity": "ana", "ok": False}] * 3 + [{"entity": "bob", "ok": False}, {"entity": "cid", "ok": True}]
    assert measured(rule_of(good="ok"), *rows).entities == 2


def test_every_rule_is_sliced_by_its_dimensions_and_by_time() -> None:
    """Each slice adds up to the whole; Monday is weekday 1."""
    rows = [
        {"agent_id": "amy", "ok": False},
        {"agent_id": "amy", "ok": True, "at": "2026-03-03 09:30:00"},
        {"agent_id": None, "ok": True},
    ]
    measurement = measured(rule_of(good="ok", by=["agent_id", "hour", "day"]), *rows)
    slices = {
        next(iter(part.segment.items())): (part.tally.defects, part.tally.judged) for part in measurement.segments
    }
    assert slices == {
        ("agent_id", "amy"): (1, 2), ("agent_id", None): (0, 1), ("hour", "9"): (0, 1), ("hour", "10"): (1, 2),
        ("weekday", "1"): (1, 2), ("weekday", "2"): (0, 1), ("day", "2026-03-02"): (1, 2), ("day", "2026-03-03"): (0, 1),
    }  # fmt: skip
    assert [part.value for part in measurement.segments][:2] == [0.5, 0.0]


@pytest.mark.parametrize(
    ("value", "amounts", "expected"),
    [
        (MEDIAN, [1, 2, 3, 10], 2.5),
        (MEDIAN, [1, 2, 30], 2),
        (P90, list(range(1, 12)), 10),
        (P90, [10, 20], 19),
        ({**MEDIAN, "statistic": "mean"}, [1, 2, 30], 11),
    ],
)
def test_statistics_interpolate_between_values(value, amounts, expected) -> None:
    """The median of an even number is the mean of the middle two; so few values give no upper bound."""
    measurement = measured(rule_of(limits=LIMITS, value=value), *[{"amount": amount} for amount in amounts])
    assert measurement.value == pytest.approx(expected)
    assert measurement.high is None


def test_what_is_still_open_is_at_risk_only_so_long() -> None:
    """Half of ten that ended after 5 and ten that still run after 5 have ended by then; later nothing is known."""
    rows = [{"amount": 5}] * 10 + [{"amount": 5, "growing": True}] * 10
    measurement = measured(rule_of(limits=LIMITS, value=MEDIAN), *rows)
    assert (measurement.value, measurement.low) == (5, 5)
    assert measurement.high == math.inf
    assert measurement.tally.undecided == 10


def test_a_median_by_kaplan_and_meier() -> None:
    """2, 3+, 4, 6, 7+, 9: more than half are gone at 6; with the open ones as never, the median would lie beyond."""
    rows = [{"amount": amount, "growing": growing} for amount, growing in
            ((2, False), (3, True), (4, False), (6, False), (7, True), (9, False))]  # fmt: skip
    measurement = measured(rule_of(limits=LIMITS, value=MEDIAN), *rows)
    assert measurement.value == 6


@examples(60)
@given(st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=1, max_size=25))
def test_medians_are_those_of_a_plain_survival_curve(drawn: list[tuple[int, bool]]) -> None:
    """Worked out step by step; where the curve rests on one half, the middle of the step."""
    rows = [{"amount": float(amount), "growing": growing} for amount, growing in drawn]
    measurement = measured(rule_of(limits=LIMITS, value=MEDIAN), *rows)
    assert measurement.value == pytest.approx(_plain_median(drawn))


def _plain_median(drawn: list[tuple[int, bool]]) -> float:
    stays, steps = 1.0, []
    for at in sorted({amount for amount, growing in drawn if not growing}):
        at_risk = sum(amount >= at for amount, _ in drawn)
        stays *= 1 - sum(amount == at and not growing for amount, growing in drawn) / at_risk
        steps.append((at, stays))
    reached = [at for at, share in steps if share < 0.5 + 1e-9]
    if reached and abs(dict(steps)[reached[0]] - 0.5) < 1e-9:
        return (reached[0] + (reached[1] if len(reached) > 1 else reached[0])) / 2
    return reached[0] if reached else math.inf


def test_the_interval_of_a_median_is_read_off_the_sorted_values() -> None:
    """The 40th and 61st of a hundred."""
    measurement = measured(rule_of(limits=LIMITS, value=MEDIAN), *[{"amount": number} for number in range(1, 101)])
    assert (measurement.low, measurement.value, measurement.high) == (40, 50.5, 61)


def test_an_advice_reaches_the_defects_it_names() -> None:
    """Not the rows that met, nor those it does not name."""
    advice = [
        {"id": "amys", "effort": "low", "name": SAID, "do": SAID, "mends": "agent_id = 'amy'", "removes": 0.5},
        {"id": "all", "effort": "low", "name": SAID, "do": SAID, "removes": 0.5},
    ]
    rows = [{"agent_id": "amy", "ok": False}, {"agent_id": "amy", "ok": True}, {"agent_id": None, "ok": False}]
    measurement = measured(rule_of(good="ok", advice=advice), *rows)
    assert [(part.advice, part.defects, part.value_after) for part in measurement.mended] == [
        ("amys", 1, None),
        ("all", 2, None),
    ]


def test_a_mended_value_becomes_an_ordinary_one() -> None:
    """Half of the four slow ones take the median of those in time (10), so the p90 falls, the rest stays."""
    rows = [{"amount": 10}] * 6 + [{"amount": amount} for amount in (100, 200, 300, 400)]
    measurement = measured(rule_of(limits=LIMITS, value=P90), *rows)
    assert measurement.value == pytest.approx(310)
    (mended,) = measurement.mended
    assert mended.defects == 4
    assert mended.value_after == pytest.approx(220)  # 300 and 100 become 10, 400 and 200 stay


def test_without_any_row_in_time_a_mended_value_is_the_limit() -> None:
    """There is no ordinary row to take it from."""
    rule = rule_of(
        limits=LIMITS, value=MEDIAN, advice=[{"id": "a", "effort": "low", "name": SAID, "do": SAID, "removes": 1}]
    )
    assert measured(rule, {"amount": 100}, {"amount": 200}).mended[0].value_after == 60


def test_figures_beside_have_a_word_on_their_own_rows() -> None:
    """A share with its defects, and a statistic; both have their own condition."""
    beside = [
        {"name": "share", "title": SAID, "when": "amount > 1", "good": "ok"},
        {"name": "median", "title": SAID, "value": {**MEDIAN, "open": "false"}},
        {"name": "never", "title": SAID, "value": {**MEDIAN, "open": "true"}},
        {"name": "empty", "title": SAID, "when": "false", "good": "ok"},
    ]
    rows = [{"amount": 1, "ok": False}, {"amount": 2, "ok": True}, {"amount": 6, "ok": False}]
    measurement = measured(rule_of(good="ok", when="false", beside=beside), *rows)
    shown = [(part.name, part.value, part.defects, part.judged) for part in measurement.beside]
    assert shown == [
        ("share", 0.5, 1, 2), ("median", 2.0, None, 3), ("never", None, None, 3), ("empty", None, 0, 0)
    ]  # fmt: skip


def test_a_share_beside_is_that_of_the_rows_its_name_speaks_of() -> None:
    """``late``: 1 of 4 must not read 75 %; its defects stay the bad rows either way."""
    beside = [{"name": "late", "title": SAID, "bad": "NOT ok"}, {"name": "in_time", "title": SAID, "good": "ok"}]
    rows = [{"ok": False}, {"ok": True}, {"ok": True}, {"ok": True}, {}]
    late, in_time = measured(rule_of(good="ok", beside=beside), *rows).beside
    assert (late.value, late.count, late.defects, late.judged) == (0.25, 1, 1, 4)
    assert late.title == message("text.verbatim", text=Name("said"))
    assert (in_time.value, in_time.count, in_time.defects, in_time.judged) == (0.75, 3, 1, 4)


@pytest.mark.parametrize("kinds", [{}, {"good": "ok", "bad": "NOT ok"}])
def test_a_figure_beside_is_of_one_kind(kinds: dict[str, str]) -> None:
    """Else nobody could say what its share is of."""
    with pytest.raises(ValidationError, match="give one of good, bad, value"):
        rule_of(good="ok", beside=[{"name": "x", "title": SAID, **kinds}])


def test_a_few_rows_of_each_outcome_are_shown_although_the_other_are_worse() -> None:
    """Thirty rows still open since long ago would else hide that others were done, but late."""
    rule = rule_of(in_time={"from": "begun", "to": "done", "within": "10 s"})
    begun = "2026-03-02 10:00:00"
    still_open = [{"begun": begun} for _ in range(30)]
    late = [{"begun": begun, "done": f"2026-03-02 10:00:{number}"} for number in range(11, 20)]
    shown = measured(rule, *still_open, *late).evidence
    assert [row.outcome for row in shown] == ["overdue"] * 15 + ["late"] * 5
    assert [row.entity for row in shown[15:]] == ["e39", "e38", "e37", "e36", "e35"]
    assert [row.line for row in shown[:15]] == list(range(1, 16))


def test_evidence_is_the_worst_first_and_hides_persons() -> None:
    """Twenty rows with file and line; the buyer is a pseudonym, the agent is not."""
    rule = rule_of(good="ok", evidence=["agent_id", "customer_id", "amount", "begun"], worst="amount")
    rows = [
        {"ok": False, "amount": n, "agent_id": "amy", "customer_id": "ana", "begun": "2026-03-01"} for n in range(25)
    ]
    measurement = measured(rule, *rows, {"ok": True, "amount": 99}, personal=("entity",))
    assert [row.line for row in measurement.evidence] == list(range(25, 5, -1))
    first = measurement.evidence[0]
    assert first.file == "made.csv"
    assert first.entity == make_pseudonym("e25")
    assert first.details == {
        "agent_id": "amy", "customer_id": make_pseudonym("ana"), "amount": 24.0, "begun": "2026-03-01 00:00:00"
    }  # fmt: skip


def test_the_size_of_the_miss_decides_what_is_worst() -> None:
    """An open row that waits longest comes first; equally bad ones by time, file and row."""
    rows = [
        {"begun": "2026-03-02 10:00:00", "done": "2026-03-02 10:01:00", "source_row": 7},
        {"begun": "2026-03-02 10:00:00", "until": "2026-03-02 12:00:00"},
        {"begun": "2026-03-02 10:00:00", "done": "2026-03-02 10:01:00", "source_row": 3},
    ]
    measurement = measured(rule_of(in_time={"from": "begun", "to": "done", "within": "30 s"}), *rows)
    assert [(row.line, row.outcome) for row in measurement.evidence] == [(2, "overdue"), (3, "late"), (7, "late")]


def test_customers_in_slices_are_pseudonyms() -> None:
    """A rule may be sliced by customer; nobody is named."""
    measurement = measured(rule_of(good="ok", by=["customer_id"]), {"customer_id": "ana", "ok": False})
    assert measurement.segments[0].segment == {"customer_id": make_pseudonym("ana")}


@examples(15)
@given(st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(answers: list[bool | None], chance: random.Random) -> None:
    """Same rows, other order: the same measurement, evidence included."""
    rows = [{"ok": ok, "entity": f"e{n}", "source_row": n, "amount": n % 3} for n, ok in enumerate(answers)]
    mixed = list(rows)
    chance.shuffle(mixed)
    rule = rule_of(good="ok", by=["entity"], worst="amount")
    assert measured(rule, *rows) == measured(rule, *mixed)


@examples(15)
@given(st.lists(st.booleans(), min_size=1, max_size=20), st.integers(1, 20))
def test_exempt_rows_change_no_figure(answers: list[bool], extra: int) -> None:
    """They are counted as exempt, and nowhere else."""
    rows = [{"ok": ok, "growing": True} for ok in answers]
    rule = rule_of(good="ok", when="growing")
    plain, more = measured(rule, *rows), measured(rule, *rows, *[{"ok": False, "growing": False}] * extra)
    assert more.tally.exempt == extra
    assert (more.value, more.low, more.entities, more.tally.judged) == (
        plain.value, plain.low, plain.entities, plain.tally.judged
    )  # fmt: skip


@pytest.mark.parametrize(("whole", "step"), [(100, 60), (99, 60), (98, 1)])
def test_times_cut_to_minutes_are_noticed(whole: int, step: int) -> None:
    """From 99 % of the times on whole minutes, seconds were not recorded."""
    store = store_of({"ok": True})
    store.con.execute(
        f"CREATE TABLE time_grain AS SELECT 'messages' AS table_name, 'sent_at' AS column_name, "
        f'100 AS "values", {whole} AS whole_minutes, {step} AS resolution_seconds'
    )
    rule = rule_of(good="ok")
    catalogue = catalogue_of(rule)
    grain = catalogue.views["things"].model_copy(update={"view": "time_grain"})
    lens = MeasureOptions(catalogue._replace(views={**catalogue.views, "time_grain": grain}))
    (measurement,) = measure(store, [rule], {}, {}, lens)  # type: ignore[arg-type]
    assert measurement.resolution_seconds == step


def platform(**windows) -> Platform:
    sourced = {"source": "made up", "verified": "assumed"}
    given = {code: {**sourced, **window} for code, window in windows.items()}
    return Platform.model_validate({"name": "made", "title": SAID, "windows": given})


@pytest.mark.parametrize(
    ("choice", "windows", "expected"),
    [
        (None, {}, (None, None)),
        (None, {"default": {"days": 30}}, ("2026-03-02", "2026-03-31")),
        (None, {"default": {"days": 30}, "CS01": {"days": 7, "lag": 1}}, ("2026-03-24", "2026-03-30")),
        (None, {"default": {"days": None}}, (None, None)),
        ("all", {"default": {"days": 30}}, (None, None)),
        ("1d", {"default": {"days": 30, "lag": 3}}, ("2026-03-31", "2026-03-31")),
    ],
)
def test_a_window_is_chosen_or_the_platforms(choice, windows, expected) -> None:
    """Days are inclusive; a platform's lag leaves the last days out."""
    found = choose_windows(
        [rule_of(good="ok")], platform(**windows), choice, datetime.fromisoformat("2026-03-31 12:00")
    )
    assert tuple(day and day.isoformat() for day in (found["CS01"].first, found["CS01"].last)) == expected


def test_without_any_time_windows_are_open() -> None:
    """There is no day to count from."""
    assert choose_windows([rule_of(good="ok")], platform(default={}), "30d", None) == {"CS01": Window()}


@pytest.mark.parametrize("choice", ["30", "0d", "month", "-1d"])
def test_a_window_that_is_none_is_refused(choice) -> None:
    """With a word on what there is."""
    with pytest.raises(UsageError, match="--window"):
        choose_windows([], platform(), choice, None)
