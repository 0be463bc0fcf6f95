"""Better, worse or noise by the intervals of E.6, and a score's change taken apart without a rest."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from storehealth.history.past import compare_counts, compare_findings, has_same_weekdays, split_score_change
from storehealth.model import Finding, Window
from storehealth.score.metrics import average_headline
from storehealth.support.stats import newcombe_interval
from tests.made import ANSWERS, SECONDS
from tests.measure.fakes import SCORING
from tests.runs import against, gap, late, month, past_run, present, runs

OTHER = {"better": "worse", "worse": "better", "within_noise": "within_noise", None: None}
AREAS = ("logistics", "customer_service", "stock", "aftersales")
counts = st.integers(1, 5000).flatmap(lambda judged: st.tuples(st.integers(0, judged), st.just(judged)))


def slow(value: float, low: float | None, high: float | None, **changes: object) -> Finding:
    """A duration of which less is better."""
    return late(5, 40, limits=SECONDS, unit="seconds", value=value, interval=(low, high), **changes)


@pytest.mark.parametrize(
    ("then", "now", "ends", "change"),
    [
        ((12, 400), (24, 400), (0.1, 6.1), "worse"),
        ((160, 4000), (240, 4000), (1.0, 3.0), "worse"),
        ((12, 400), (23, 400), (-0.1, 5.8), "within_noise"),
        ((24, 400), (12, 400), (-6.1, -0.1), "better"),
    ],
)
def test_the_worked_numbers(
    then: tuple[int, int], now: tuple[int, int], ends: tuple[float, float], change: str
) -> None:
    assert tuple(round(100 * end, 1) for end in newcombe_interval(*now, *then)) == ends
    assert compare_counts(then, now) == change
    assert compare_findings(late(*then), late(*now)) == change


@given(counts, counts)
def test_held_the_other_way_round_the_change_is_the_opposite(one: tuple[int, int], other: tuple[int, int]) -> None:
    assert compare_counts(one, other) == OTHER[compare_counts(other, one)]


@given(counts)
def test_the_same_counts_are_no_change(one: tuple[int, int]) -> None:
    assert compare_counts(one, one) == "within_noise"


@given(counts, counts, st.integers(0, 500))
def test_more_misses_never_turn_worse_into_better(then: tuple[int, int], now: tuple[int, int], more: int) -> None:
    rank = ("better", "within_noise", "worse")
    assume(now[0] + more <= now[1])
    fewer, many = compare_counts(then, now), compare_counts(then, (now[0] + more, now[1]))
    assert fewer is not None
    assert many is not None
    assert rank.index(many) >= rank.index(fewer)


def test_a_share_that_is_good_is_compared_by_its_misses() -> None:
    then, now = (late(share, 4000, limits=ANSWERS) for share in (160, 240))
    assert compare_findings(then, now) == "worse"


@pytest.mark.parametrize(
    ("then", "now", "change"),
    [
        ((10, 8, 12), (15, 11.9, 18), "within_noise"),
        ((10, 8, 12), (15, 12.1, 18), "worse"),
        ((15, 12.1, 18), (10, 8, 12), "better"),
        ((10, 8, 12), (40, 12, None), "within_noise"),
        ((10, 8, 12), (40, 12.1, None), "worse"),
        ((40, 12.1, None), (50, 20, None), "within_noise"),
    ],
)
def test_other_figures_change_only_where_their_intervals_do_not_overlap(
    then: tuple[float, ...], now: tuple[float, ...], change: str
) -> None:
    assert compare_findings(slow(*then), slow(*now)) == change


def test_where_more_is_better_a_higher_figure_is_better() -> None:
    then, now = (slow(*ends, higher_is="better") for ends in ((10, 8, 12), (15, 12.1, 18)))
    assert compare_findings(then, now) == "better"


@pytest.mark.parametrize(
    ("then", "now"),
    [
        (None, late(60, 4000)),
        (gap(), late(60, 4000)),
        (late(60, 4000), gap()),
        (slow(10, 8, 12), late(60, 4000)),
        (slow(10, 8, 12), slow(10, 8, 12, higher_is="better")),
        (slow(10, None, None), slow(10, 8, 12)),
    ],
)
def test_what_cannot_be_compared_is_no_change_and_not_noise(then: Finding | None, now: Finding) -> None:
    assert compare_findings(then, now) is None


@st.composite
def stores(draw: st.DrawFn) -> tuple[Finding, ...]:
    """Up to eight findings in four areas, some of them gaps."""
    made = []
    for number in range(8):
        judged = draw(st.integers(0, 3000))
        code, area = f"XX{number:02d}", AREAS[number % 4]
        if draw(st.booleans()):
            severity = draw(st.sampled_from(("critical", "high", "low")))
            known = judged >= 20
            finding = late(draw(st.integers(0, judged)), judged) if known else gap()
            made.append(finding.model_copy(update={"code": code, "area": area, "severity": severity}))
    return tuple(made)


@given(stores(), stores())
def test_the_parts_of_a_score_s_change_add_up(then: tuple[Finding, ...], now: tuple[Finding, ...]) -> None:
    change = split_score_change(past_run("2025-03-24", *then), now, SCORING)
    both = [average_headline(findings, SCORING).score for findings in (then, now)]
    assert (change is None) == (None in both)
    if change:
        assert change.points == pytest.approx(both[1] - both[0], abs=0.01)
        assert change.points == pytest.approx(change.figures + change.coverage + change.rules, abs=0.02)
        assert change.rules == 0
        listed = sum(part.points for part in change.parts)
        assert change.figures == pytest.approx(listed, abs=0.05 * len(now) + 0.05)


@given(stores())
def test_against_itself_a_store_has_not_moved(store: tuple[Finding, ...]) -> None:
    change = split_score_change(past_run("2025-03-24", *store), store, SCORING)
    if change:
        assert (change.points, change.figures, change.coverage, change.parts) == (0, 0, 0, ())
        assert change.change == "within_noise"


@given(stores(), stores(), st.randoms())
def test_the_order_of_findings_does_not_matter(
    then: tuple[Finding, ...], now: tuple[Finding, ...], mix: object
) -> None:
    shuffled = [list(then), list(now)]
    for findings in shuffled:
        mix.shuffle(findings)
    found = [against(runs(past_run("2025-03-24", *a)), present("2025-03-31", *b)) for a, b in ((then, now), shuffled)]
    change = [comparison.previous.score_change if comparison.previous else None for comparison in found]
    assert (change[0] is None) == (change[1] is None)
    if change[0] and change[1]:
        assert change[0].points == pytest.approx(change[1].points, abs=0.011)
    by_code = [
        {finding.code: (finding.previous, finding.change, finding.state) for finding in each.findings} for each in found
    ]
    assert by_code[0] == by_code[1]


def test_what_other_rules_make_of_the_old_counts_is_no_change_of_the_store() -> None:
    from dataclasses import replace

    then = past_run("2025-03-24", late(60, 4000))
    stricter = then.reported.score.model_copy(update={"uncapped": 90.0, "value": 90.0})
    rejudged = replace(then, reported=then.reported.model_copy(update={"score": stricter}), is_rejudged=True)
    change = split_score_change(rejudged, (late(60, 4000),), SCORING)
    assert change is not None
    assert (change.figures, change.coverage, change.change) == (0, 0, "within_noise")
    assert change.rules == change.points == pytest.approx(then.total.uncapped - 90, abs=0.01)


def test_a_rule_judged_only_now_counts_as_coverage() -> None:
    now = (late(60, 4000), late(2000, 4000, code="LG06"))
    change = split_score_change(past_run("2025-03-24", late(60, 4000)), now, SCORING)
    assert change is not None
    assert change.coverage < -30
    assert change.figures == 0


def test_without_an_earlier_run_nothing_is_said() -> None:
    found = against(runs(), present("2025-03-31", late(60, 4000)))
    assert (found.previous, found.trend, found.followups) == (None, None, ())
    assert [(finding.previous, finding.change, finding.state, finding.rows) for finding in found.findings] == [
        (None,) * 4
    ]


def test_a_finding_of_another_unit_has_no_earlier_value() -> None:
    found = against(runs(past_run("2025-03-24", slow(10, 8, 12))), present("2025-03-31", late(60, 4000)))
    assert found.findings[0].previous is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (month("2025-03-31"), month("2025-04-28"), True),
        (month("2025-03-31"), month("2025-04-03"), True),
        (Window(first=month("2025-03-31").last, last=month("2025-03-31").last), month("2025-04-30"), False),
        (Window(), month("2025-03-31"), True),
    ],
)
def test_periods_of_another_mix_of_weekdays_are_told(one: Window, other: Window, same: bool) -> None:
    assert has_same_weekdays(one, other) is same
    assert has_same_weekdays(other, one) is same
