"""An advice is looked at again by the first audit on or after its day, once, by the counts of then and now."""

from __future__ import annotations

import pytest

from storehealth.history import EarlierRun
from storehealth.model import FollowUp, PeriodCounts
from tests.made import SECONDS
from tests.runs import advice, against, counted, driver, gap, late, past_run, present, runs

GIVEN = "2025-03-17"


def given(*findings: object, day: str = GIVEN, **changes: object) -> EarlierRun:
    """A run that advised to keep the cut-off, to be looked at on 2025-03-31 unless said."""
    return past_run(day, *(findings or (late(240, 4000, day),)), recommendations=(advice(**changes),))


def followed(*past: EarlierRun, day: str = "2025-03-31", **changes: object) -> tuple[FollowUp, ...]:
    return against(runs(*past), present(day, late(60, 4000, day), **changes)).followups


@pytest.mark.parametrize(("day", "told"), [("2025-03-30", 0), ("2025-03-31", 1), ("2025-04-20", 1)])
def test_it_is_told_from_its_day_on(day: str, told: int) -> None:
    assert len(followed(given(), day=day)) == told


def test_it_is_told_once() -> None:
    assert followed(given(), past_run("2025-04-02", late(60, 4000)), day="2025-04-09") == ()


def test_advice_that_is_repeated_counts_from_when_it_was_first_given() -> None:
    again = past_run("2025-03-24", late(236, 4000), recommendations=(advice(check_on="2025-04-07"),))
    (followup,) = followed(given(), again)
    assert (str(followup.given_on), str(followup.check_on), followup.before.defects) == (GIVEN, "2025-03-31", 240)


def test_advice_given_anew_once_it_was_told_waits_for_its_own_day() -> None:
    again = past_run("2025-04-01", late(236, 4000), recommendations=(advice(check_on="2025-04-15"),))
    assert followed(given(), again, day="2025-04-08") == ()
    (followup,) = followed(given(), again, day="2025-04-15")
    assert str(followup.given_on) == "2025-04-01"


def test_the_figures_are_those_of_then_and_now() -> None:
    (followup,) = followed(given())
    assert (followup.code, followup.unit, followup.segment, followup.change) == ("LG05", "share", {}, "better")
    assert followup.before == PeriodCounts(defects=240, judged=4000, value=0.06, days=30)
    assert followup.after == PeriodCounts(defects=60, judged=4000, value=0.015, days=30)
    assert followup.points == pytest.approx(81.8 - 35.4, abs=0.1)


def test_where_most_misses_were_in_one_slice_that_slice_is_looked_at() -> None:
    before = late(240, 4000, drivers=(driver(77, 400, 0.32), driver(150, 900, 0.62, carrier="SF")))
    counts = (counted(3, 500), counted(140, 910, carrier="SF"))
    (followup,) = followed(given(before), counts=counts)
    assert followup.segment == {"carrier": "SF"}
    assert followup.after is not None
    assert (followup.before.defects, followup.before.judged, followup.after.defects, followup.after.judged) == (
        150,
        900,
        140,
        910,
    )
    assert followup.change == "within_noise"


@pytest.mark.parametrize("other", [driver(77, 400, 0.29), driver(200, 300, 0.9, day="2025-03-08")])
def test_a_small_slice_and_a_single_day_are_none_to_look_at(other: object) -> None:
    (followup,) = followed(given(late(240, 4000, drivers=(other,))))
    assert followup.segment == {}


@pytest.mark.parametrize("counts", [(), (counted(0, 0),)])
def test_a_slice_that_is_not_there_any_more_has_no_figure(counts: tuple[object, ...]) -> None:
    (followup,) = followed(given(late(240, 4000, drivers=(driver(77, 400),))), counts=counts)
    assert (followup.after, followup.change) == (None, None)


def test_a_finding_that_can_no_longer_be_judged_has_no_figure_either() -> None:
    (followup,) = against(runs(given()), present("2025-03-31", gap())).followups
    assert (followup.after, followup.change, followup.points) == (None, None, None)


def test_a_rule_that_is_gone_tells_nothing() -> None:
    assert against(runs(given(code="XX99")), present("2025-03-31", late(60, 4000))).followups == ()


def test_advice_without_a_day_is_not_followed() -> None:
    run = past_run(GIVEN, late(240, 4000), recommendations=(advice().model_copy(update={"check_on": None}),))
    assert followed(run) == ()


def test_a_duration_is_compared_as_one() -> None:
    def slow(value: float, low: float, high: float) -> object:
        return late(5, 40, limits=SECONDS, unit="seconds", value=value, interval=(low, high))

    (followup,) = against(runs(given(slow(90, 80, 99))), present("2025-03-31", slow(30, 20, 40))).followups
    assert followup.after is not None
    assert (followup.unit, followup.before.value, followup.after.value, followup.change) == (
        "seconds",
        90,
        30,
        "better",
    )
