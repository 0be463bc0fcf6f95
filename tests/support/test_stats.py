"""Intervals, ranks and the score curve give the figures that can be looked up."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehealth.support.stats import (
    Z_ONE_SIDED,
    bonferroni_z,
    min_sample_size,
    newcombe_interval,
    quantile_interval_ranks,
    quantile_ranks,
    score_curve,
    two_proportion_z,
    wilson_interval,
)


@pytest.mark.parametrize(
    ("good", "poor", "scores"),
    [
        (0.01, 0.04, {0.005: 97, 0.01: 90, 0.015: 82, 0.02: 74, 0.03: 60, 0.04: 50, 0.06: 35, 0.08: 26, 0.12: 15}),
        (0.05, 0.20, {0.01: 100, 0.05: 90, 0.10: 74, 0.15: 60, 0.20: 50, 0.30: 35, 0.40: 26}),
        (20, 60, {10: 98, 20: 90, 30: 79, 60: 50, 120: 21}),
    ],
)
def test_the_curve_gives_the_tabled_scores(good, poor, scores) -> None:
    """Late shipments, answers within 30 s, median first reply."""
    assert {value: round(100 * score_curve(value, good, poor)) for value in scores} == scores


@given(st.floats(1e-4, 0.4), st.floats(1.05, 50))
def test_target_and_limit_are_anchors(good: float, ratio: float) -> None:
    """0.9 at the target, 0.5 at the limit."""
    assert score_curve(good, good, good * ratio) == pytest.approx(0.9, abs=1e-9)
    assert score_curve(good * ratio, good, good * ratio) == pytest.approx(0.5, abs=1e-9)


@given(st.floats(0, 10), st.floats(0, 10), st.floats(0, 1), st.floats(0, 2))
def test_less_is_never_scored_worse(one: float, other: float, good: float, poor: float) -> None:
    """Whatever target and limit are, even where they coincide, cross or are zero."""
    low, high = sorted((one, other))
    assert 1 >= score_curve(low, good, poor) >= score_curve(high, good, poor) >= 0


def test_nothing_scores_full_and_never_scores_nothing() -> None:
    """No defect: 1. A median that is still growing: 0."""
    assert (score_curve(0, 0.01, 0.04), score_curve(math.inf, 20, 60)) == (1, 0)


def test_a_target_of_zero_still_has_a_curve() -> None:
    """One defect among very many is not a disaster."""
    assert score_curve(1e-6, 0, 0.02) >= 0.9
    assert 0.5 < score_curve(0.01, 0, 0.02) < 0.9


def test_target_and_limit_that_coincide_make_a_step() -> None:
    """Within it is good, beyond it is not."""
    assert score_curve(0.049, 0.05, 0.05) >= 0.9
    assert score_curve(0.051, 0.05, 0.05) < 0.5


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"), [(0, 93, 0, 0.0397), (1, 10, 0.0179, 0.4042), (9, 200, 0.0238, 0.0833)]
)
def test_wilson_intervals(hits, trials, low, high) -> None:
    """Zero of 93 is the first proof of less than 4 %."""
    assert wilson_interval(hits, trials) == pytest.approx((low, high), abs=2e-4)


def test_no_trials_say_nothing() -> None:
    """Any share is possible."""
    assert wilson_interval(0, 0) == (0, 1)


@given(st.integers(0, 500), st.integers(1, 500))
def test_a_wilson_interval_holds_the_share(hits: int, trials: int) -> None:
    """And stays between 0 and 1."""
    hits = min(hits, trials)
    low, high = wilson_interval(hits, trials)
    assert 0 <= low <= hits / trials <= high <= 1


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [((24, 400), (12, 400), 0.1, 6.1), ((240, 4000), (160, 4000), 1.0, 3.0), ((12, 400), (24, 400), -6.1, -0.1)],
)
def test_a_change_of_a_share_has_an_interval(first, second, low, high) -> None:
    """Twice as many of 400 is barely worse, half as many again of 4,000 clearly; turned round, the signs turn."""
    assert [round(100 * end, 1) for end in newcombe_interval(*first, *second)] == [low, high]


def test_without_trials_nothing_is_known_of_a_change() -> None:
    """Anything may have happened."""
    assert newcombe_interval(0, 0, 3, 9) == newcombe_interval(3, 9, 0, 0) == (-1, 1)


@given(st.integers(0, 300), st.integers(1, 300), st.integers(0, 300), st.integers(1, 300))
def test_the_interval_of_a_change_holds_it(k1: int, n1: int, k2: int, n2: int) -> None:
    """It stays between -1 and 1, and the change the other way has its mirror image."""
    k1, k2 = min(k1, n1), min(k2, n2)
    low, high = newcombe_interval(k1, n1, k2, n2)
    assert -1 - 1e-12 <= low <= k1 / n1 - k2 / n2 <= high <= 1 + 1e-12
    assert newcombe_interval(k2, n2, k1, n1) == pytest.approx((-high, -low))


@pytest.mark.parametrize(("trials", "least"), [(20, 3), (50, 5), (100, 8), (200, 13), (400, 23), (1000, 51)])
def test_smallest_number_of_defects_that_breaks_a_limit_of_four_percent(trials, least) -> None:
    """One-sided lower bound above 4 %."""
    assert min(k for k in range(trials) if wilson_interval(k, trials, Z_ONE_SIDED)[0] > 0.04) == least


@pytest.mark.parametrize(
    ("values", "quantile", "ranks"),
    [
        (100, 0.9, (84, 96)), (100, 0.5, (40, 61)), (6, 0.5, (1, 6)), (5, 0.5, (None, None)), (36, 0.9, (29, 36)),
        (35, 0.9, (28, None)), (0, 0.5, (None, None)),
    ],
)  # fmt: skip
def test_ranks_between_which_a_quantile_lies(values, quantile, ranks) -> None:
    """From the binomial distribution; an end that too few values leave open is None."""
    assert quantile_interval_ranks(values, quantile) == ranks


def test_ranks_of_very_many_values_are_close_to_the_exact_ones() -> None:
    """The approximation takes over without a jump."""
    exact, about = quantile_interval_ranks(10_000, 0.9), quantile_interval_ranks(10_001, 0.9)
    assert all(abs(one - other) <= 2 for one, other in zip(exact, about, strict=True))


@pytest.mark.parametrize(("quantile", "least"), [(0.5, 6), (0.75, 13), (0.9, 36), (0.95, 72)])
def test_fewest_values_for_a_quantile(quantile, least) -> None:
    """The first number at which both ends exist."""
    assert min_sample_size(quantile) == least
    assert None not in quantile_interval_ranks(least, quantile)
    assert None in quantile_interval_ranks(least - 1, quantile)


@pytest.mark.parametrize(
    ("values", "quantile", "places"),
    [(1, 0.9, (1, 1, 0)), (4, 0.5, (2, 3, 0.5)), (5, 0.5, (3, 4, 0)), (11, 0.9, (10, 11, 0))],
)
def test_places_of_a_quantile(values, quantile, places) -> None:
    """An exact hit needs no neighbour, which may be infinite."""
    assert quantile_ranks(values, quantile) == pytest.approx(places)


def test_more_comparisons_need_a_clearer_difference() -> None:
    """One test: 1.645; forty tests: about 3."""
    assert bonferroni_z(1) == pytest.approx(1.645, abs=1e-3)
    assert bonferroni_z(40) == pytest.approx(3.02, abs=0.01)


def test_difference_of_two_shares() -> None:
    """In standard errors; none where there is nothing to compare or no spread."""
    assert two_proportion_z(30, 100, 10, 100) == pytest.approx(3.54, abs=0.01)
    assert two_proportion_z(0, 0, 1, 2) == two_proportion_z(2, 2, 3, 3) == 0
