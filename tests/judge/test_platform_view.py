"""The platform compares bare rates; margins are counted in whole rows and hold exactly."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.checkups import checkup
from tests.made import ANSWERS, PLATFORM, SECONDS, SHIPPING, judged, share
from tests.measure.fakes import SAID, catalogue_of, rule_of

from storehealth.audit import AuditRequest, audit
from storehealth.catalogue.platform import OWN_SOURCE, Platform, PlatformLimit
from storehealth.i18n import Words
from storehealth.i18n.findings import format_bounds
from storehealth.i18n.limits import describe_limit, describe_margin, describe_money, is_within_reach, summarise_limits
from storehealth.judge import judge
from storehealth.judge.platform_view import compare_with_platform, compute_margin
from storehealth.model import Measurement, MoneyAtRisk, PlatformLine, Segment, Tally, UsualWindow, Window

FOUR = Fraction(4, 100)
lines = st.fractions(0, Fraction(99, 100), max_denominator=1000)
counts = st.tuples(st.integers(0, 500), st.integers(0, 500)).map(lambda pair: (min(pair), max(pair)))


def seen(measured: Measurement, limits=SHIPPING, own=None, facts=None, orders=None, **rule) -> PlatformLine:
    """The line of one rule on a platform whose limit is the rule's own."""
    one = rule_of(**(rule or {"good": "ok"}), limits=limits)
    limit = {"target": limits["target"], "limit": limits["limit"], "source": "a page", "verified": "official"}
    platform = Platform.model_validate(
        {"name": "made", "title": SAID, "limits": {"CS01": own or limit}, "facts": facts or {}}
    )
    (line,) = compare_with_platform([measured], catalogue_of(one), platform, orders)
    return line


@given(counts, lines)
def test_a_margin_is_the_largest_number_that_still_fits(pair, line: Fraction) -> None:
    """So many more misses keep the limit, one more breaks it; past it, so many fewer keep it, one less would not do."""
    defects, judged_rows = pair
    left = compute_margin(defects, judged_rows, line)
    if defects <= line * judged_rows:
        assert defects + left <= line * (judged_rows + left)
        assert defects + left + 1 > line * (judged_rows + left + 1)
    else:
        assert defects + left <= line * judged_rows < defects + left + 1


@pytest.mark.parametrize(
    ("defects", "total", "expected", "over"),
    [
        (9, 200, -1, True),
        (8, 200, 0, False),
        (0, 200, 8, False),
        (1, 25, 0, False),
        (2, 25, -1, True),
        (40, 1000, 0, False),
    ],
)
def test_four_percent_in_orders(defects, total, expected, over) -> None:
    """9 of 200 is over Amazon's line although chance could explain it; exactly on the line is within it."""
    line = seen(share(defects, total))
    assert (line.margin, line.over) == (expected, over)


@pytest.mark.parametrize("limit", [0.9, 0.7, 0.85, 0.95, 0.99, 0.96])
def test_limits_are_read_as_they_are_written(limit) -> None:
    """1 - 0.9 is a tenth, not a tenth and a bit: 10 of 100 are within."""
    defects = round((1 - limit) * 1000)
    line = seen(share(defects, 1000), {"target": 0.999, "limit": limit, "higher_is": "better"})
    assert (line.over, line.margin) == (False, 0)


def test_a_platforms_line_does_not_wait_for_certainty() -> None:
    """9 of 200: the verdict only watches, the platform counts it; the bare share stands in the rule's direction."""
    finding, _ = judged(rule_of(good="ok", limits=SHIPPING), share(9, 200))
    assert (finding.status, seen(share(9, 200)).over) == ("watch", True)
    line = seen(share(30, 100), ANSWERS)
    assert (line.value, line.limit, line.higher_is, line.margin) == (0.7, 0.8, "better", -10)


def test_repeats_of_one_customer_count_for_the_platform() -> None:
    """Only the verdict leaves them out."""
    assert seen(share(9, 200, entities=2, repeats={"2026-03-02": 7})).defects == 9


def test_stretched_days_are_not_the_platforms() -> None:
    """It goes on judging its own window, however few rows that has."""
    usual = UsualWindow(
        window=Window(first=date(2026, 3, 2), last=date(2026, 3, 31)), tally=Tally(met=8, late=2), value=0.2
    )
    line = seen(share(2, 90, usual=usual))
    assert (line.defects, line.judged, line.window, line.over) == (2, 10, usual.window, True)


def test_what_is_open_may_still_be_missed() -> None:
    """Three open ones would make 7 of 103."""
    assert seen(share(4, 100, tally=Tally(met=96, late=4, undecided=3))).at_worst == pytest.approx(7 / 103)
    assert seen(share(4, 100)).at_worst is None


@pytest.mark.parametrize(("value", "over"), [(60, False), (60.1, True), (float("inf"), True), (None, False)])
def test_durations_have_no_margin_in_rows(value, over) -> None:
    """A mean or a median against its limit; one that still grows is past any."""
    mean = {"sql": "amount", "statistic": "mean", "unit": "seconds"}
    line = seen(share(5, 50, value=value), SECONDS, value=mean)
    assert (line.over, line.margin, line.at_worst) == (over, None, None)
    assert line.value == (value if value != float("inf") else None)


def test_only_the_platforms_own_limits_are_shown() -> None:
    """Not this project's choices, and nothing without rows."""
    rule = rule_of(good="ok", limits=SHIPPING)
    assert compare_with_platform([share(9, 200)], catalogue_of(rule), PLATFORM, None) == ()
    limited = PLATFORM.model_copy(update={"limits": {"CS01": object()}})
    assert compare_with_platform([share(0, 0)], catalogue_of(rule_of(good="ok")), limited, None) == ()


FACT = {"least_orders": {"value": 30, "source": "a page", "verified": "official"}}


@pytest.mark.parametrize(
    ("orders", "message"),
    [
        (30, None),
        (29, "judges stores with 30 orders or more; 29 were paid"),
        (None, "the platform judges stores with 30 orders or more"),
    ],
)
def test_a_platforms_least_number_is_named_where_it_is_not_reached(orders, message) -> None:
    """Whose store is below it, or may be."""
    line = seen(share(9, 200), facts=FACT, orders=orders)
    assert (line.least.orders, line.least.counted) == (30, orders)
    reported = "  ".join(describe_limit(line, Words("en")))
    assert (message in reported) if message else "judges from" not in reported


@pytest.mark.parametrize(
    ("language", "over", "room", "none"),
    [
        ("en", "1 fewer missed question would have kept it", "room for 6 more missed questions",
         "one more miss exceeds it"),
        ("zh", "少 1 次提问未达标即可守住", "再有 6 次提问未达标仍在限内，再多即超限", "再有一项未达标即超限"),
        ("es", "con 1 pregunta menos con fallo se habría respetado", "caben 6 preguntas más con fallo; el siguiente lo rompe",
         "el próximo fallo lo rompe"),
    ],
)  # fmt: skip
def test_margins_are_said_in_rows(language, over, room, none) -> None:
    """In each language, of what a row is."""
    texts = [
        describe_margin(seen(share(k, 200)).model_copy(update={"counts": "question"}), Words(language))
        for k in (9, 2, 8)
    ]
    assert texts == [over, room, none]


@pytest.mark.parametrize(("defects", "near"), [(9, False), (8, True), (6, True), (5, False)])
def test_a_limit_is_within_reach_of_one_row_in_a_hundred(defects, near) -> None:
    """Of 200 judged, two more misses; a limit that is broken is out of reach."""
    assert is_within_reach(seen(share(defects, 200))) is near


def test_the_screen_names_what_is_broken_or_near() -> None:
    """And nothing where all limits are kept with ease."""

    def brief(*defects: int) -> str | None:
        found = tuple(seen(share(k, 200)).model_copy(update={"code": f"LG0{i}"}) for i, k in enumerate(defects, 1))
        return summarise_limits(checkup().model_copy(update={"platform_view": found}), Words("en"))

    assert brief(1, 2) is None
    assert (
        "LG01 must be ≤4%: 2 too many missed rows; LG02 must be ≤4%: one more miss exceeds it; "
        "LG03 must be ≤4%: room for 2 more missed rows"
    ) in (brief(10, 8, 6) or "")
    assert brief(10, 10, 10, 10, 10, 10).endswith("and 2 more")


@pytest.mark.parametrize(
    ("low", "high", "orders", "without", "message"),
    [
        (12, 30, 3, 0, "12–30 CNY for 3 orders, if all are claimed (unverified)"),
        (
            12,
            12,
            1,
            2,
            "12 CNY for 1 order, if claimed; 2 orders without a known price are not included (unverified)",
        ),
        (0, 0, 0, 2, "2 orders without a known price are not included (unverified)"),
    ],
)
def test_money_is_a_range_with_what_is_not_in_it(low, high, orders, without, message) -> None:
    """One number where both ends are one; never a sum of nothing."""
    money = MoneyAtRisk(
        low=low,
        high=high,
        currency="CNY",
        orders=orders,
        without_amount=without,
        source="a page",
        verified="unverified",
    )
    assert describe_money(money, Words("en")) == message


def test_the_sample_store_against_amazon(tmp_path: Path) -> None:
    """278 late of 1,880: 203 fewer would have kept 4 %."""
    made = audit(Path(__file__).parents[2] / "sample_exports", AuditRequest(state=tmp_path, platform="amazon"))
    line = next(one for one in made.platform_view if one.code == "LG05")
    late = next(one for one in made.findings if one.code == "LG05")
    assert (line.code, line.defects, line.judged, line.counts) == ("LG05", late.defects, late.judged, "order")
    assert line.defects + line.margin == line.judged * 4 // 100


def platform_with(own: float | None = None, slices: dict[str, dict[str, float]] | None = None) -> Platform:
    """A platform that allows 4 %, and a store with limits of its own."""
    limit = {"target": 0.01, "limit": 0.04, "source": "a page", "verified": "official"}
    made = Platform.model_validate({"name": "made", "title": SAID, "limits": {"CS01": limit}})
    stricter = {"target": 0.01, "limit": own or 0.04, "source": OWN_SOURCE, "verified": "official"}
    limits = {"CS01": PlatformLimit.model_validate(stricter)} if own else made.limits
    return made.model_copy(
        update={"limits": limits, "replaced_limits": made.limits, "slice_limits": {"CS01": slices} if slices else {}}
    )


def test_a_limit_of_the_stores_own_is_not_the_platforms() -> None:
    """3 % is over the store's own 2 %, and within the platform's 4 %; each is shown as what it is."""
    rule, measured = rule_of(good="ok", limits=SHIPPING), share(60, 2000)
    platform = platform_with(own=0.02)
    (finding,), _ = judge([measured], catalogue_of(rule), platform)
    (line,) = compare_with_platform([measured], catalogue_of(rule), platform, None)
    assert (finding.status, finding.limit, finding.limit_source and finding.limit_source.own) == ("fail", 0.02, True)
    assert (line.limit, line.over, line.limit_source.own) == (0.04, False, False)
    assert "the store's own" in " ".join(format_bounds(finding, Words("en")))


def test_a_slice_is_held_to_the_stores_own_limit_for_it() -> None:
    """One warehouse may miss a tenth; the other may not miss so much; one nobody knows is not judged."""
    parts = (
        Segment(segment={"warehouse": "W1"}, tally=Tally(met=180, late=20), value=0.1),
        Segment(segment={"warehouse": "W2"}, tally=Tally(met=180, late=20), value=0.1),
    )
    limits = {"warehouse": {"W1": 0.1, "W2": 0.05, "W3": 0.05}}
    rule, measured = rule_of(good="ok", limits=SHIPPING), share(40, 400, segments=parts)
    (finding,), _ = judge([measured], catalogue_of(rule), platform_with(slices=limits))
    verdicts = {part.segment["warehouse"]: part.status for part in finding.own_slices}
    assert verdicts == {"W1": "pass", "W2": "fail", "W3": "inconclusive"}


def days(*counts: tuple[int, int]) -> tuple[Segment, ...]:
    """Defects and judged rows of the days of a window from 1 March on."""
    return tuple(
        Segment(segment={"day": f"2026-03-{day:02d}"}, tally=Tally(met=judged - defects, late=defects))
        for day, (defects, judged) in enumerate(counts, 1)
    )


def test_a_week_ahead_the_misses_of_the_first_week_are_gone() -> None:
    """Of 30 days, 23 stay; as many rows as in the last week are added: 23 misses of 300, 12 allowed."""
    window = Window(first=date(2026, 3, 1), last=date(2026, 3, 30))
    measured = share(30, 300, segments=days(*[(1, 10)] * 30), window=window)
    ahead = seen(measured).projection
    assert ahead is not None
    assert (ahead.on, ahead.certain, ahead.judged, ahead.room) == (date(2026, 4, 6), 23, 300, -11)
    assert (ahead.best, ahead.at_pace) == (pytest.approx(23 / 300), pytest.approx(0.1))


def test_the_room_left_a_week_ahead_is_the_largest_that_fits() -> None:
    """Seven more late orders until 4 %."""
    window = Window(first=date(2026, 3, 1), last=date(2026, 3, 30))
    measured = share(5, 300, segments=days(*[(0, 10)] * 25, *[(1, 10)] * 5), window=window)
    ahead = seen(measured).projection
    assert ahead is not None
    assert (ahead.certain, ahead.room) == (5, 7)


def test_without_two_weeks_nothing_is_projected() -> None:
    """Nor over all days, whose window does not move."""
    short = Window(first=date(2026, 3, 1), last=date(2026, 3, 10))
    assert seen(share(5, 100, segments=days(*[(1, 10)] * 5), window=short)).projection is None
    assert seen(share(5, 100, segments=days(*[(1, 10)] * 5), window=Window())).projection is None
