"""A verdict on a share rests on customers and days; what is published stays plain."""

from __future__ import annotations

from array import array
from datetime import date, timedelta
from sys import byteorder

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.made import PLATFORM, SHIPPING, judged, share, slices
from tests.measure.fakes import measured, rule_of

from storehealth.catalogue.platform import Platform
from storehealth.judge.certainty import (
    MIN_RESAMPLED_DAYS,
    RESAMPLES,
    SEED,
    _draw_weights,
    _sum_draws,
    assess_certainty,
)
from storehealth.model import Measurement, Segment, Tally, Window
from storehealth.support.stats import Z_ONE_SIDED, wilson_interval

RULE = rule_of(good="ok", limits=SHIPPING)
days = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 40)), min_size=1, max_size=40)


def store(*counts: tuple[int, int], **more) -> Measurement:
    """Days, each with so many defects of so many judged."""
    named = {f"2026-03-{day:02}" if day < 32 else f"2026-04-{day - 31:02}": pair for day, pair in enumerate(counts, 1)}
    defects, total = (sum(pair[place] for pair in counts) for place in (0, 1))
    return share(defects, total, segments=slices("day", **named), **more)


def test_one_angry_customer_a_day_counts_once() -> None:
    """Five orders of Ana late on Monday are one; the same five on five days are five. Nobody's rows stay apart."""
    bad = [{"entity": "ana", "ok": False}] * 5
    spread = [{**row, "at": f"2026-03-0{day} 10:00:00"} for day, row in enumerate(bad, 1)]
    nobody = [{"entity": None, "ok": False}] * 3
    good = [{"ok": True}] * 4
    assert measured(RULE, *bad, *good).repeats == {"2026-03-02": 4}
    assert measured(RULE, *spread, *good).repeats == {}
    assert measured(RULE, *nobody, *good).repeats == {}


def test_rows_that_met_the_limit_are_no_repeats() -> None:
    """Only a second miss on the same day is."""
    rows = [{"entity": "ana", "ok": ok} for ok in (True, True, False)]
    assert measured(RULE, *rows).repeats == {}


def test_published_counts_stay_plain() -> None:
    """The verdict counts 10 of 60; the figure is 50 of 100."""
    made, _ = judged(RULE, share(50, 100, entities=10, repeats={"2026-03-02": 40}))
    assert (made.defects, made.judged, made.value) == (50, 100, 0.5)
    assert (made.verdict_counts.defects, made.verdict_counts.judged) == (10, 60)
    assert made.interval == pytest.approx(wilson_interval(50, 100))


def test_repeats_alone_do_not_fail_a_store() -> None:
    """Seven late of 100 touch four customers: 13 of 200 would fail, 4 of 97 is watched, and says why."""
    assert judged(RULE, share(13, 200))[0].status == "fail"
    made, _ = judged(RULE, share(13, 200, entities=4, repeats={"2026-03-02": 9}))
    assert made.status == "watch"
    assert "cluster" in str(made.note)


def test_one_bad_day_does_not_fail_a_store() -> None:
    """30 of 600 late, all of one day in thirty: the next month may have none. Spread over the month it fails."""
    burst, _ = judged(RULE, store(*[(60, 60)] * 1, *[(0, 20)] * 29))
    spread, _ = judged(RULE, store(*[(2, 22)] * 30))
    assert (burst.status, burst.interval_kind) == ("watch", "day_blocks")
    assert (spread.status, spread.interval_kind) == ("fail", "wilson")
    assert burst.interval[0] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("number", "kind"), [(MIN_RESAMPLED_DAYS - 1, "wilson"), (MIN_RESAMPLED_DAYS, "day_blocks")])
def test_days_are_drawn_again_from_fourteen_on(number, kind) -> None:
    """Fewer say nothing of how days differ."""
    found = assess_certainty(store((20, 20), *[(0, 20)] * (number - 1)))
    assert (found.kind, found.counts.days) == (kind, number)


def test_durations_have_the_ranks_of_their_values() -> None:
    """And nothing of days; a mean has no interval at all."""
    value = {"sql": "amount", "statistic": "median", "unit": "seconds"}
    limits = {"target": 20, "limit": 60, "higher_is": "worse"}
    median, _ = judged(rule_of(value=value, limits=limits), share(30, 60, value=50.0, low=40.0, high=70.0))
    mean, _ = judged(
        rule_of(value={**value, "statistic": "mean"}, limits=limits), share(30, 60, value=50.0, low=None, high=None)
    )
    assert (median.interval_kind, median.verdict_counts) == ("order_statistics", None)
    assert mean.interval_kind is None


@settings(deadline=None)
@given(days)
def test_the_interval_is_never_narrower_than_wilsons(counts) -> None:
    """And holds the share; the same input gives the same interval."""
    one = store(*[(min(pair), pair[1]) for pair in counts])
    found, again = assess_certainty(one), assess_certainty(one)
    plain, bounds = (
        wilson_interval(one.tally.defects, one.tally.judged),
        wilson_interval(one.tally.defects, one.tally.judged, Z_ONE_SIDED),
    )
    assert found == again
    assert found.interval[0] <= plain[0] <= one.value <= plain[1] <= found.interval[1]
    assert found.bounds[0] <= bounds[0] <= bounds[1] <= found.bounds[1]


@settings(deadline=None)
@given(days, st.integers(0, 39))
def test_a_defect_less_never_looks_worse(counts, place: int) -> None:
    """The draws do not depend on the counts, so every bound comes down, or stays."""
    counts = [(min(pair), pair[1]) for pair in counts]
    place %= len(counts)
    fewer = list(counts)
    fewer[place] = (max(0, counts[place][0] - 1), counts[place][1])
    before, after = assess_certainty(store(*counts)), assess_certainty(store(*fewer))
    assert all(one <= other + 1e-12 for one, other in zip(after.bounds, before.bounds, strict=True))
    assert all(one <= other + 1e-12 for one, other in zip(after.interval, before.interval, strict=True))


def test_rows_without_a_day_are_a_day_of_their_own() -> None:
    """They are in the counts, so they are in the draws."""
    dated = store(*[(1, 20)] * 14)
    undated = slices("day", x=(6, 20))[0].model_copy(update={"segment": {"day": None}, "tally": Tally(met=14, late=6)})
    whole = share(20, 300, segments=(*dated.segments, undated))
    assert assess_certainty(whole).counts.days == 15


@pytest.mark.parametrize("weeks", range(1, 14))
def test_the_same_store_some_weeks_later_gets_the_same_verdict(weeks: int) -> None:
    """The calendar has no part in it, nor have platform and window."""
    counts = [(40, 60)] * 3 + [(0, 60)] * 27
    now = store(*counts)
    later = now.model_copy(
        update={
            "window": Window.model_validate({"from": "2026-03-01", "to": "2026-03-30"}),
            "segments": tuple(
                segment.model_copy(update={"segment": {"day": str(_day(segment) + timedelta(weeks=weeks))}})
                for segment in now.segments
            ),
        }
    )
    assert assess_certainty(now) == assess_certainty(later)
    first, _ = judged(RULE, now)
    second, _ = judged(RULE, later, Platform(name="moon", title=PLATFORM.title))
    assert (first.status, first.note) == (second.status, second.note)


def _day(segment: Segment) -> date:
    return date.fromisoformat(segment.segment["day"] or "")


def test_misses_on_fewer_than_four_days_are_said_to_tell_little_of_other_days() -> None:
    """A hundred misses on three days of thirty are three witnesses."""
    made, _ = judged(RULE, store(*[(40, 60)] * 3, *[(0, 60)] * 27))
    assert (made.status, made.verdict_counts.defect_days) == ("watch", 3)
    assert str(made.note) == "over the limit, but all misses fall on 3 days, which says little about the other days"


@pytest.mark.parametrize("days", [16, 64])
def test_the_draws_are_those_of_numpys_frozen_stream(days: int) -> None:
    """Every version of numpy draws the same numbers, and so do we, without importing it."""
    drawn = numpy.random.RandomState(SEED).poisson(1.0, size=(days, RESAMPLES))
    ours = [array("Q", weight.to_bytes(8 * RESAMPLES, byteorder)).tolist() for weight in _draw_weights(days)]
    assert ours == drawn.tolist()


def test_draws_are_summed_without_running_into_each_other() -> None:
    """Also where the counts of a day are as large as a year of a large store's."""
    counts = [10**9 + place for place in range(16)]
    drawn = numpy.random.RandomState(SEED).poisson(1.0, size=(16, RESAMPLES))
    assert list(_sum_draws(_draw_weights(16), counts)) == (numpy.array(counts) @ drawn).tolist()
