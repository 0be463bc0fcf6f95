"""The score: anchored, monotone, and never 0 or 100 for want of data."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.made import ANSWERS, SECONDS, finding
from tests.measure.fakes import SCORING

from storehealth.i18n import translate
from storehealth.model import LimitSource
from storehealth.score import score_findings
from storehealth.score.metrics import find_largest_gain, score_finding, score_metrics
from storehealth.support.stats import score_curve

AREAS = ("logistics", "customer_service", "stock", "aftersales")
counts = st.tuples(st.integers(20, 2000), st.floats(0, 1)).map(lambda pair: (int(pair[0] * pair[1]), pair[0]))


def at(points: float, area: str, code: str, **changes):
    """A passing finding whose metric score is close to so many points."""
    defects = min(range(1001), key=lambda k: abs(100 * score_curve(k / 1000, 0.01, 0.04) - points))
    return finding(defects, 1000, area=area, code=code, **{"status": "pass", **changes})


def interval(defects: int, total: int) -> tuple[float, float, float]:
    (metric,) = score_metrics([finding(defects, total, status="pass")], SCORING)
    return tuple(round(100 * value) for value in (metric.score, metric.low, metric.high))


@pytest.mark.parametrize(
    ("defects", "total", "expected"), [(1, 10, (20, 2, 77)), (9, 200, (46, 25, 68)), (30, 600, (42, 30, 55))]
)
def test_a_score_says_how_sure_it_is(defects, total, expected) -> None:
    """Ten orders are worth nothing, and the range shows it."""
    assert interval(defects, total) == expected


@pytest.mark.parametrize(("limits", "worse"), [(ANSWERS, {"value": None}), (SECONDS, {"unit": "seconds"})])
def test_target_and_limit_are_90_and_50(limits, worse) -> None:
    """Whichever direction is good."""
    unit = worse.get("unit", "share")
    target, limit = (1 - limits["target"], 1 - limits["limit"]) if unit == "share" else (20, 60)
    one = finding(1, 20, limits, unit=unit)
    assert score_finding(one, target) == pytest.approx(0.9, abs=1e-9)
    assert score_finding(one, limit) == pytest.approx(0.5, abs=1e-9)


def test_numbers_of_which_more_is_better_have_the_same_anchors() -> None:
    """Days of cover: 30 wanted, 7 the limit."""
    one = finding(1, 20, unit="days", higher_is="better", target=30.0, limit=7.0, value=30.0, interval=(20.0, None))
    assert score_finding(one) == pytest.approx(0.9, abs=1e-9)
    assert score_finding(one, 7) == pytest.approx(0.5, abs=1e-9)
    assert score_finding(one, 0) == 0
    (metric,) = score_metrics([one.model_copy(update={"status": "pass"})], SCORING)
    assert (metric.high, metric.low < 0.9) == (1, True)


def test_a_figure_that_still_grows_scores_nothing() -> None:
    """Its value is None, and that means never."""
    one = finding(30, 60, SECONDS, unit="seconds", value=None, interval=(100.0, None), status="fail")
    assert score_finding(one) == 0


def test_the_headline_weighs_areas_not_rules() -> None:
    """Ten more rules in one area do not make it more important."""
    few = [at(60, "logistics", "LG01"), at(90, "customer_service", "CS01")]
    many = few + [at(60, "logistics", f"LG{n}") for n in range(10, 20)]
    value = score_findings(few, SCORING)[0].value
    assert value == pytest.approx((0.35 * 60 + 0.25 * 90) / 0.6, abs=0.3)
    assert score_findings(many, SCORING)[0].value == pytest.approx(value)


def test_severity_weighs_inside_an_area() -> None:
    """Critical 10, low 1, info nothing."""
    found = [at(50, "stock", "ST01"), at(97, "stock", "ST02", severity="low"), at(15, "stock", "ST03", severity="info")]
    (area,) = [area for area in score_findings(found, SCORING)[1] if area.score is not None]
    parts = [100 * metric.score for metric in score_metrics(found, SCORING)]
    assert area.score == pytest.approx((10 * parts[0] + parts[1]) / 11, abs=0.01)
    assert (area.id, area.worst) == ("stock", "ST01")


def test_nothing_judged_is_no_score() -> None:
    """Neither 0 nor 100, for the headline and for each area."""
    for found in ([], [finding(1, 100, status="not_applicable")], [finding(1, 100, status="inconclusive")]):
        total, areas = score_findings(found, SCORING)
        assert (total.value, total.uncapped, total.low, total.grade, total.coverage) == (None, None, None, None, 0)
        assert [(area.id, area.score, area.coverage) for area in areas] == [(area, None, 0) for area in AREAS]


def test_what_does_not_apply_leaves_silently() -> None:
    """Same score, full coverage; weights of the other areas fill its place."""
    found = [at(60, "logistics", "LG01"), at(90, "stock", "ST01")]
    gone = finding(90, 100, area="aftersales", code="AS01", status="not_applicable")
    assert score_findings([*found, gone], SCORING) == score_findings(found, SCORING)
    assert score_findings(found, SCORING)[0].coverage == 1


def test_what_should_have_been_judged_lowers_coverage() -> None:
    """Two of three weights: a score, no grade. One of two: none."""
    unclear = [finding(1, 100, area="logistics", code=f"LG{n}", status="inconclusive") for n in (7, 8)]
    two = [at(95, "logistics", "LG01"), at(95, "logistics", "LG02")]
    total, areas = score_findings([*two, unclear[0]], SCORING)
    assert total.coverage == pytest.approx(2 / 3)
    assert (total.grade, total.value is None) == (None, False)
    total, areas = score_findings([two[0], unclear[0]], SCORING)
    assert (total.value, areas[0].score, areas[0].coverage) == (None, None, 0.5)


def test_an_area_that_is_withheld_counts_as_not_covered() -> None:
    """Stock alone carries the headline, with 0.20 of 0.55: too little."""
    unclear = finding(1, 100, area="logistics", code="LG07", status="inconclusive")
    total, _ = score_findings([at(95, "stock", "ST01"), unclear], SCORING)
    assert total.coverage == pytest.approx(0.2 / 0.55)
    assert total.value is None


@pytest.mark.parametrize(("severity", "cap"), [("critical", 59), ("high", 79), ("medium", None)])
def test_a_failing_finding_caps_the_headline(severity, cap) -> None:
    """A disaster cannot be averaged away; the reason is named."""
    found = [at(97, area, code) for area, code in zip(AREAS, ("LG01", "CS01", "ST01", "AS01"), strict=True)]
    bad = finding(24, 400, area="logistics", code="LG05", severity=severity)
    total, _ = score_findings([*found, bad], SCORING)
    assert total.uncapped > 79
    if cap is None:
        assert (total.value, total.cap_reason) == (total.uncapped, None)
    else:
        assert (total.value, str(total.cap_reason)) == (cap, f"LG05 fails ({severity})")
        assert total.low <= total.value <= total.high == cap


def test_the_lowest_cap_holds_and_names_all_of_its_kind() -> None:
    """Two critical ones, in the reader's language; the high one is not the reason."""
    found = [at(97, area, code) for area, code in zip(AREAS, ("LG01", "CS01", "ST01", "AS01"), strict=True)]
    bad = [finding(24, 400, code=code, area="stock", severity=kind) for code, kind in
           (("ST02", "high"), ("ST03", "critical"), ("ST04", "critical"))]  # fmt: skip
    total, _ = score_findings([*found, *bad], SCORING)
    assert (total.value, translate(total.cap_reason, "zh")) == (59, "ST03、ST04 不合格（严重）")


def test_a_score_below_the_cap_has_no_reason() -> None:
    """The cap does not bind."""
    total, _ = score_findings([finding(200, 400)], SCORING)
    assert total.cap_reason is None
    assert total.value == total.uncapped < 59


def test_unscored_findings_change_nothing() -> None:
    """Neither a figure that is only shown, nor a rule without weight, nor an area that is not scored."""
    found = [at(80, "stock", "ST01")]
    more = [
        finding(90, 100, code="CS02", scored=False),
        finding(90, 100, code="TM01", area="team"),
        finding(90, 100, code="CS03", status="informative"),
        finding(90, 100, code="CS04", severity="info"),
    ]
    assert score_findings([*found, *more], SCORING) == score_findings(found, SCORING)


@pytest.mark.parametrize(
    ("points", "grade"), [(97, "A"), (90.5, "A"), (85, "B"), (75, "C"), (65, "D"), (55, "E"), (30, "F")]
)
def test_grades(points, grade) -> None:
    """In steps of ten."""
    assert score_findings([at(points, "stock", "ST01")], SCORING)[0].grade == grade


@settings(deadline=None)
@given(st.lists(counts, min_size=1, max_size=6), st.integers(0, 5), st.integers(1, 500))
def test_fewer_defects_never_lower_the_score(found, which: int, fewer: int) -> None:
    """In any finding, the others as they are; statuses held so that no cap moves."""
    which %= len(found)
    findings = [finding(k, n, code=f"LG{i:02}", area=AREAS[i % 4], status="pass") for i, (k, n) in enumerate(found)]
    k, n = found[which]
    better = list(findings)
    better[which] = finding(max(0, k - fewer), n, code=f"LG{which:02}", area=AREAS[which % 4], status="pass")
    before, after = score_findings(findings, SCORING)[0], score_findings(better, SCORING)[0]
    assert after.value >= before.value


@settings(deadline=None)
@given(st.lists(counts, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_findings_changes_nothing(found, chance) -> None:
    """But which of two equal ones is named the worst."""
    findings = [finding(k, n, code=f"LG{i:02}", area=AREAS[i % 4]) for i, (k, n) in enumerate(found)]
    mixed = list(findings)
    chance.shuffle(mixed)
    one, other = score_findings(findings, SCORING)[0], score_findings(mixed, SCORING)[0]
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))


@settings(deadline=None)
@given(counts)
def test_a_passing_low_rule_moves_the_headline_by_no_more_than_its_weight(pair) -> None:
    """One eleventh of its area."""
    found = [finding(*pair, area="logistics", status="pass"), at(60, "stock", "ST01")]
    extra = finding(0, 100, area="logistics", code="LG99", severity="low", status="pass")
    before, after = score_findings(found, SCORING)[0].value, score_findings([*found, extra], SCORING)[0].value
    assert 0 <= round(after - before, 2) <= 100 * (0.35 / 0.55) / 11 + 0.01


@settings(deadline=None)
@given(st.lists(counts, min_size=1, max_size=6))
def test_a_range_holds_its_score(found) -> None:
    """And stays between 0 and 100."""
    findings = [finding(k, n, code=f"LG{i:02}", area=AREAS[i % 4]) for i, (k, n) in enumerate(found)]
    total, areas = score_findings(findings, SCORING)
    for one, value in [(total, total.value), *[(area, area.score) for area in areas if area.score is not None]]:
        assert 0 <= one.low <= value <= one.high <= 100


def test_many_unsure_metrics_are_surer_together() -> None:
    """Their errors are taken as independent: two equal ones shrink the range by the root of two."""
    one = score_findings([finding(9, 200, status="pass")], SCORING)[1][1]
    two = score_findings([finding(9, 200, code=code, status="pass") for code in ("CS01", "CS02")], SCORING)[1][1]
    assert two.score - two.low == pytest.approx((one.score - one.low) / 2**0.5, abs=0.02)


def test_a_stored_checkup_scores_the_same() -> None:
    """Findings that went through JSON keep all that the score needs, infinities included."""
    grown = finding(30, 60, SECONDS, code="AS01", unit="seconds", value=None, interval=(100.0, None), status="fail")
    findings = [finding(9, 200), finding(3, 400, ANSWERS, code="CS02"), grown]
    again = [type(one).model_validate_json(one.model_dump_json(by_alias=True)) for one in findings]
    assert score_findings(again, SCORING) == score_findings(findings, SCORING)


def test_each_area_says_what_it_costs_and_the_headline_names_the_dearest() -> None:
    """Points the headline would gain with the area at its targets."""
    shipping = finding(200, 1000, code="LG05", area="logistics", status="fail", severity="critical")
    chats = finding(45, 1000, code="CS01", area="customer_service", status="watch", severity="critical")
    total, areas = score_findings([shipping, chats], SCORING)
    costs = {area.id: area.loses for area in areas if area.loses is not None}
    assert costs.keys() == {"logistics", "customer_service"}
    assert max(costs, key=lambda area: costs[area]) == find_largest_gain([shipping, chats], SCORING).area == "logistics"
    assert costs["logistics"] == pytest.approx(
        find_largest_gain([shipping, chats], SCORING).uncapped - total.uncapped, abs=0.01
    )


@pytest.mark.parametrize(
    ("verified", "assumed"), [("official", False), ("code", False), ("third-party", True), ("assumed", True)]
)
def test_a_grade_that_only_unconfirmed_limits_give_says_so(verified: str, assumed: bool) -> None:
    source = LimitSource(source="somewhere", verified=verified)
    failing = finding(400, 1000, status="fail", limit_source=source)
    assert score_findings([failing], SCORING)[0].by_assumed_limits is assumed
    confirmed = finding(
        400, 1000, code="CS02", status="fail", limit_source=LimitSource(source="x", verified="official")
    )
    assert score_findings([failing, confirmed], SCORING)[0].by_assumed_limits is False
