"""Verdicts: what fails, is watched, passes, or cannot be judged."""

from __future__ import annotations

import math
from datetime import date

import pytest
from tests.made import ANSWERS, PLATFORM, SECONDS, SHIPPING, finding, judged, share, slices
from tests.measure.fakes import SAID, catalogue_of, rule_of

from storehealth.catalogue import load_catalogue
from storehealth.catalogue.layout import Layout
from storehealth.catalogue.platform import Platform
from storehealth.catalogue.texts import TextFinder
from storehealth.i18n import provide_texts, translate
from storehealth.judge.drivers import find_drivers
from storehealth.judge.verdict import assume_worst
from storehealth.model import DataHole, EvidenceRow, Measurement, MissingInputs, Segment, Tally, Window

VALUE = {"sql": "amount", "statistic": "median", "unit": "seconds"}


@pytest.mark.parametrize(
    ("defects", "total", "status"),
    [
        (3, 20, "fail"), (2, 20, "watch"), (5, 50, "fail"), (4, 50, "watch"), (8, 100, "fail"), (7, 100, "watch"),
        (13, 200, "fail"), (12, 200, "watch"), (23, 400, "fail"), (22, 400, "watch"), (51, 1000, "fail"),
        (50, 1000, "watch"),
    ],
)  # fmt: skip
def test_the_smallest_number_that_fails_a_limit_of_four_percent(defects, total, status) -> None:
    """One defect fewer is only watched."""
    assert finding(defects, total).status == status


@pytest.mark.parametrize(
    ("defects", "total", "status", "note"),
    [
        (0, 20, "pass", ""),
        (1, 100, "pass", ""),
        (40, 1000, "watch", "short of the target"),
        (2, 100, "pass", "too few rows to be sure"),
        (30, 1000, "watch", "short of the target"),
        (9, 200, "watch", "may be chance"),
    ],
)
def test_between_target_and_limit_certainty_decides(defects, total, status, note) -> None:
    """Surely above the target: watch. Perhaps: pass, with a note."""
    made = finding(defects, total)
    assert made.status == status
    assert note in str(made.note or "")


def test_shares_of_good_rows_are_judged_by_their_complement() -> None:
    """95 % and 80 % in time are 5 % and 20 % late; the figure itself is the good share."""
    made = finding(20, 100, ANSWERS)
    assert (made.value, made.target, made.limit, made.higher_is) == (0.8, 0.95, 0.80, "better")
    assert made.interval == pytest.approx((0.7112, 0.8666), abs=1e-3)
    assert made.status == "watch"
    assert finding(5, 100, ANSWERS).status == "pass"
    assert finding(40, 100, ANSWERS).status == "fail"


def test_a_fail_touches_three_customers() -> None:
    """Forty defects of two customers may be one quarrel."""
    rule = rule_of(good="ok", limits=SHIPPING)
    made, _ = judged(rule, share(40, 100, entities=2))
    assert made.status == "watch"
    assert "only 2 customers or orders" in str(made.note)
    assert judged(rule, share(40, 100, entities=3))[0].status == "fail"


def test_a_rule_may_ask_for_other_least_numbers() -> None:
    """Few warehouses, few SKUs."""
    rule = rule_of(good="ok", limits={**SHIPPING, "least": 5, "entities": 1})
    assert judged(rule, share(5, 5, entities=1))[0].status == "fail"


def test_too_few_rows_are_inconclusive() -> None:
    """19 of the 20 needed; the figure is shown all the same."""
    made, (open_one,) = judged(rule_of(good="ok", limits=SHIPPING), share(19, 19))
    assert (made.status, made.value, made.drivers) == ("inconclusive", 1.0, ())
    assert open_one.reason == made.note
    assert str(made.note) == "19 judged, 20 needed for a verdict"


def test_days_without_rows_are_inconclusive() -> None:
    """That is a hole in the data, not health."""
    made, _ = judged(rule_of(good="ok", limits=SHIPPING), share(0, 0))
    assert (made.status, made.value, str(made.note)) == ("inconclusive", None, "no rows in this period")


def test_a_rule_nothing_falls_under_does_not_apply() -> None:
    """All rows are exempt: a shop without pre-sales is not unhealthy."""
    made, _ = judged(rule_of(good="ok", limits=SHIPPING), share(0, 0, tally=Tally(exempt=500)))
    assert made.status == "not_applicable"


@pytest.mark.parametrize(
    "tally",
    [Tally(exempt=5, undecided=3), Tally(exempt=5, not_judgeable=3), Tally(undecided=3), Tally(exempt=5, met=1)],
)
def test_a_rule_applies_where_any_row_falls_under_it(tally: Tally) -> None:
    """Also where it is not known yet, or cannot be known, what becomes of that row."""
    made, _ = judged(rule_of(good="ok", limits=SHIPPING), share(0, tally.met, tally=tally))
    assert made.status == "inconclusive"
    assert made.note is not None
    assert made.note.id != "verdict.nothing_applies"


def test_missing_data_name_what_to_export() -> None:
    """The platform's own menus; where it has none, the plain tables'."""
    column = {"headers": ["a"]}
    common = {"title": SAID, "feeds": ["orders"], "examples": [{"given": "", "expect": {}}], "source": "made up"}

    def layout(name: str, platform: str | None, menu: str, key: str = "paid_at") -> Layout:
        texts = {"en": menu, "zh": menu, "es": menu}
        return Layout.model_validate(
            {"name": name, "platform": platform, "export_from": texts, "columns": {key: column}, **common}
        )

    layouts = {
        "made_orders": layout("made_orders", "made", "Orders → Export"),
        "made_short": layout("made_short", "made", "Orders → Short list", key="order_id"),
        "other": layout("other", "other", "Elsewhere"),
        "generic_orders": layout("generic_orders", None, "Any table of orders"),
    }
    rule = rule_of(good="ok", limits=SHIPPING)
    nothing = share(0, 0, missing=MissingInputs(needs=("orders.paid_at",)))
    made, (open_one,) = judged(rule, nothing, layouts=layouts)
    assert (made.status, made.value) == ("not_applicable", None)
    assert (open_one.needs, tuple(map(str, open_one.how_to_export))) == (("orders.paid_at",), ("Orders → Export",))
    assert str(open_one.reason) == "no file gives orders (paid_at)"
    either = share(0, 0, missing=MissingInputs(needs=("scans.event|orders.paid_at",)))
    made, (open_one,) = judged(rule, either, layouts=layouts)
    assert str(made.note) == "no file gives carrier scans (event) or orders (paid_at)"
    assert tuple(map(str, open_one.how_to_export)) == ("Orders → Export",)
    elsewhere = PLATFORM.model_copy(update={"name": "nowhere"})
    (generic,) = judged(rule, nothing, elsewhere, layouts=layouts)[1][0].how_to_export
    assert str(generic) == "Any table of orders"


@pytest.mark.parametrize(("within", "status"), [("30 s", "inconclusive"), ("60 s", "fail"), ("quick", "inconclusive")])
def test_coarse_times_judge_no_short_limit(within, status) -> None:
    """Times on whole minutes cannot tell 30 s from 50 s, whether the limit is a number or the platform's fact."""
    fact = {"value": "10 s", "source": "made up", "verified": "assumed"}
    platform = Platform.model_validate({"name": "made", "title": SAID, "facts": {"quick": fact}})
    rule = rule_of(in_time={"from": "begun", "to": "done", "within": within}, limits=SHIPPING)
    made, _ = judged(rule, share(50, 100, resolution_seconds=60), platform)
    assert made.status == status
    assert ("too coarse" in str(made.note)) == (status == "inconclusive")


def test_a_platform_sets_its_own_limit() -> None:
    """With its source; the rule's direction stays."""
    limit = {"target": 0.5, "limit": 0.9, "source": "the platform's page", "verified": "official"}
    platform = Platform.model_validate({"name": "made", "title": SAID, "limits": {"CS01": limit}})
    made, _ = judged(rule_of(good="ok", limits=SHIPPING), share(50, 100), platform)
    assert (made.status, made.target, made.limit, made.limit_source.verified) == ("pass", 0.5, 0.9, "official")


@pytest.mark.parametrize(
    ("more", "sure"), [({"assumed": True}, "assumed"), ({"source": "a page"}, "unverified"), ({}, "assumed")]
)
def test_a_rules_own_limit_says_how_sure_it_is(more, sure) -> None:
    """Without a word on where it comes from, it is assumed."""
    made, _ = judged(rule_of(good="ok", limits={**SHIPPING, **more}), share(0, 20))
    assert made.limit_source.verified == sure


def test_a_rule_without_limits_only_shows_a_figure() -> None:
    """Even one that would be alarming."""
    made, open_ones = judged(rule_of(good="ok"), share(90, 100))
    assert (made.status, made.value, made.target, open_ones) == ("informative", pytest.approx(0.1), None, ())


def test_a_mean_has_no_verdict() -> None:
    """It stands beside the platform's limit."""
    rule = rule_of(value={**VALUE, "statistic": "mean"}, limits=SECONDS)
    made, _ = judged(rule, share(0, 50, value=400.0, low=None, high=None))
    assert (made.status, made.value, made.limit, made.unit) == ("informative", 400, 60, "seconds")


@pytest.mark.parametrize(
    ("value", "low", "high", "status"),
    [
        (90, 61, 120, "fail"), (90, 60, 120, "watch"), (50, 30, 70, "watch"), (50, 15, 70, "pass"),
        (50, 15, 60, "pass"), (19, 10, 90, "pass"),
    ],
)  # fmt: skip
def test_durations_are_judged_by_their_interval(value, low, high, status) -> None:
    """The interval read off the sorted values takes the place of Wilson's."""
    made, _ = judged(rule_of(value=VALUE, limits=SECONDS), share(30, 60, value=value, low=low, high=high))
    assert made.status == status
    assert made.interval == (low, high)


def test_where_a_high_number_is_good_all_signs_turn() -> None:
    """Days of cover: 3 are too few, 40 are fine."""
    limits = {"target": 30, "limit": 7, "higher_is": "better"}
    rule = rule_of(value={**VALUE, "unit": "days"}, limits=limits)
    assert judged(rule, share(30, 60, value=3, low=2, high=6))[0].status == "fail"
    assert judged(rule, share(30, 60, value=40, low=31, high=50))[0].status == "pass"
    assert judged(rule, share(30, 60, value=20, low=15, high=25))[0].status == "watch"


def test_a_median_that_is_still_growing_fails_without_a_number() -> None:
    """More than half are open beyond the limit."""
    measured = share(30, 60, value=math.inf, low=100.0, high=math.inf)
    made, _ = judged(rule_of(value=VALUE, limits=SECONDS), measured)
    assert (made.status, made.value, made.interval) == ("fail", None, (100.0, None))
    assert "still open" in str(made.note)


@pytest.mark.parametrize(("statistic", "least"), [("median", 6), ("p90", 36)])
def test_quantiles_need_enough_values(statistic, least) -> None:
    """Open rows count among them."""
    rule = rule_of(value={**VALUE, "statistic": statistic}, limits=SECONDS)

    def status(values: int) -> str:
        tally = Tally(met=values - 1, undecided=1)
        return judged(rule, share(0, values, tally=tally, value=1.0, low=1.0, high=1.0))[0].status

    assert (status(least - 1), status(least)) == ("inconclusive", "pass")


def test_what_drives_the_defects_is_named() -> None:
    """Two hours hold two thirds of the misses; the agents do not differ."""
    hours = slices("hour", _20=(40, 100), _21=(35, 100), _10=(15, 200), _11=(14, 200), _12=(3, 10))
    agents = slices("agent_id", amy=(53, 305), bob=(54, 305))
    made, _ = judged(rule_of(good="ok", limits=SHIPPING), share(107, 610, segments=(*hours, *agents)))
    assert [driver.segment for driver in made.drivers] == [{"hour": "20"}, {"hour": "21"}]
    assert made.drivers[0].share_of_defects == pytest.approx(40 / 107)


def test_slices_that_are_small_empty_or_everything_drive_nothing() -> None:
    """19 rows, no agent at all, or all rows."""
    parts = (
        *slices("sku_id", small=(19, 19)),
        *slices("warehouse", only=(40, 400)),
        *[one.model_copy(update={"segment": {"agent_id": None}}) for one in slices("agent_id", x=(40, 40))],
    )
    assert judged(rule_of(good="ok", limits=SHIPPING), share(40, 400, segments=parts))[0].drivers == ()


@pytest.mark.parametrize(("bad_days", "named"), [(1, 1), (3, 3), (4, 0)])
def test_days_are_named_only_where_few_stand_out(bad_days, named) -> None:
    """Many bad days are no incident."""
    days = slices("day", **{f"2026-03-{day:02}": (60, 100) if day <= bad_days else (1, 100) for day in range(1, 31)})
    total = sum(one.tally.defects for one in days)
    made, _ = judged(rule_of(good="ok", limits=SHIPPING), share(total, 3000, segments=days))
    assert len(made.drivers) == named


def over_months(months: int, bad: int) -> tuple[Segment, ...]:
    """Twelve days of each of so many months, ten rows a day; four misses on each day of the bad one."""
    return slices("day", **{
        f"2026-{month:02}-{day:02}": (4 if month == bad else 1 - day % 2, 10)
        for month in range(1, months + 1) for day in range(1, 13)
    })  # fmt: skip


@pytest.mark.parametrize(
    ("months", "month", "by", "named"),
    [(6, 3, (), ["2026-03"]), (4, 3, (), ["2026-03"]), (3, 3, (), []), (6, 0, (), []), (6, 3, ("sku_id",), []),
     (6, 3, ("sku_id", "day"), ["2026-03"])],
    ids=["half a year", "four months", "a season is too short", "even", "what is open has no day of its own", "dated"],
)  # fmt: skip
def test_a_bad_month_is_named_where_its_days_are_too_small(
    months: int, month: int, by: tuple[str, ...], named: list[str]
) -> None:
    """Ten rows a day are no slice; a hundred and twenty a month are."""
    parts = over_months(months, month)
    total = sum(one.tally.defects for one in parts)
    made, _ = judged(rule_of(good="ok", limits=SHIPPING, by=by), share(total, 120 * months, segments=parts))
    assert [driver.segment["month"] for driver in made.drivers] == named


def test_a_month_that_is_bad_through_one_day_is_not_named() -> None:
    """The day is."""
    days = {f"2026-{month:02}-{day:02}": (1, 30) for month in range(1, 6) for day in range(1, 11)}
    parts = slices("day", **days | {"2026-03-05": (30, 30)})
    total = sum(one.tally.defects for one in parts)
    made, _ = judged(rule_of(good="ok", limits=SHIPPING), share(total, 1500, segments=parts))
    assert [driver.segment for driver in made.drivers] == [{"day": "2026-03-05"}]


def test_no_more_than_five_drivers() -> None:
    """Those with most excess first."""
    skus = slices("sku_id", **{f"s{n}": (50 + n, 100) for n in range(6)}, rest=(1, 9000))
    total = sum(one.tally.defects for one in skus)
    made, _ = judged(rule_of(good="ok", limits=SHIPPING), share(total, 9600, segments=skus))
    assert [driver.segment["sku_id"] for driver in made.drivers] == ["s5", "s4", "s3", "s2", "s1"]


@pytest.mark.parametrize(("language", "message"), [("zh", "说"), ("es", "dicho")])
def test_verdicts_speak_the_readers_language(language, message) -> None:
    """Title, why and note."""
    made, _ = judged(rule_of(good="ok", limits=SHIPPING), share(9, 200))
    provide_texts(TextFinder(catalogue_of(rule_of(good="ok", limits=SHIPPING))))
    assert (translate(made.title, language), translate(made.why, language)) == (message, message)
    assert "chance" not in translate(made.note, language)


def test_the_catalogue_decides_the_least_number() -> None:
    """It is a choice, kept in scoring.yaml."""
    rule = rule_of(good="ok", limits=SHIPPING)
    scoring = catalogue_of(rule).scoring.model_copy(update={"least_judged": 5})
    assert judged(rule, share(5, 5), scoring=scoring)[0].status == "fail"


def sliced(name: str, **counts: tuple[int, int]) -> tuple[Segment, ...]:
    """Slices of one dimension: value → (defects, judged)."""
    return tuple(
        Segment(segment={name: value}, tally=Tally(met=judged - late, late=late))
        for value, (late, judged) in counts.items()
    )


def test_a_weekday_that_stands_out_through_one_day_gives_way_to_the_day() -> None:
    """A promotion on one Friday says nothing of Fridays."""
    days = sliced(
        "day", **{"2026-09-25": (80, 100), "2026-09-18": (2, 100), "2026-09-21": (2, 100), "2026-09-22": (2, 100)}
    )
    weekdays = sliced("weekday", **{"5": (82, 200), "1": (2, 100), "2": (2, 100)})
    measured = Measurement(
        code="LG05", window=Window(), tally=Tally(met=314, late=86), segments=(*weekdays, *days), value=0.215
    )
    assert [driver.segment for driver in find_drivers(measured)] == [{"day": "2026-09-25"}]


def test_one_cause_under_two_names_is_named_once() -> None:
    """The warehouse with the only packer is the packer."""
    parts = (*sliced("warehouse", WH2=(100, 200), WH1=(4, 300)), *sliced("handled_by", zhang=(99, 199), li=(5, 301)))
    measured = Measurement(code="LG05", window=Window(), tally=Tally(met=396, late=104), segments=parts, value=0.208)
    assert [driver.segment for driver in find_drivers(measured)] == [{"warehouse": "WH2"}]


def test_a_handful_of_defects_makes_no_hour_a_cause() -> None:
    """Six of them always fall on some weekday."""
    parts = sliced("weekday", **{"5": (6, 100), "1": (0, 900)})
    measured = Measurement(code="LG09", window=Window(), tally=Tally(met=994, late=6), segments=parts, value=0.006)
    assert find_drivers(measured) == ()


@pytest.mark.parametrize(
    ("measured", "limits", "step", "status"),
    [
        ({"in_time": {"to": "done", "by": "promise"}}, SHIPPING, 60, "fail"),
        ({"in_time": {"to": "done", "by": "promise"}}, SHIPPING, 86400, "fail"),
        ({"in_time": {"to": "done", "by_date": "promise"}}, SHIPPING, 86400, "fail"),
        ({"value": {"sql": "x", "statistic": "median", "unit": "hours"}}, SECONDS, 3600, "fail"),
        ({"value": {"sql": "x", "statistic": "median", "unit": "seconds"}}, SECONDS, 86400, "inconclusive"),
    ],
)
def test_times_must_be_finer_than_what_they_are_held_against(
    measured: dict[str, object], limits: dict[str, object], step: int, status: str
) -> None:
    """A promise is judged by whole days too (measure leaves out equal ones); a duration by what is finer than its limit."""
    one = share(50, 100, resolution_seconds=step)
    if "value" in measured:
        one = one.model_copy(update={"value": 90.0, "low": 80.0, "high": 99.0})
    made, _ = judged(rule_of(limits=limits, **measured), one)
    assert made.status == status


GAP = DataHole(table="messages", cause="days", count=2, first=date(2026, 3, 11))


@pytest.mark.parametrize(
    ("hole", "note"),
    [
        (GAP, "2 days that usually have chat messages have none (first 2026-03-11)"),
        (
            GAP.model_copy(update={"cause": "hours"}),
            "2 hours that usually have chat messages have none (first on 2026-03-11)",
        ),
        (DataHole(table="orders", cause="cut", count=1, file="a.csv"), "a.csv ends exactly at a row limit"),
        (DataHole(table="orders", cause="short", count=23, of=30), "only 23 of 30 days have orders"),
    ],
)
def test_where_data_lack_nothing_is_called_good(hole: DataHole, note: str) -> None:
    """What lacks may be the bad part: pass and watch become inconclusive, with the cause."""
    rule = rule_of(good="ok", limits=SHIPPING)
    for defects in (0, 4):
        made, (open_one,) = judged(rule, share(defects, 100, holes=(hole,)))
        assert made.status == "inconclusive"
        assert str(made.note).startswith(note)
        assert open_one.reason == made.note


@pytest.mark.parametrize(
    ("defects", "total", "lost", "status"),
    [
        (0, 400, 0.005, "pass"),  # 3 more of 403: below the target of 1 %
        (0, 400, 0.03, "inconclusive"),  # 13 more of 413: above it beyond chance
        (0, 400, 1.0, "inconclusive"),  # nothing is there to go by
        (10, 400, 0.001, "watch"),  # one more changes nothing
        (10, 400, 0.05, "inconclusive"),  # 22 more of 422 would be over the limit
    ],
)
def test_a_verdict_stands_where_all_that_lacks_could_not_change_it(
    defects: int, total: int, lost: float, status: str
) -> None:
    """Every row that lacks is taken for a defect."""
    hole = GAP.model_copy(update={"share": lost})
    made, _ = judged(rule_of(good="ok", limits=SHIPPING), share(defects, total, holes=(hole,)))
    assert made.status == status
    assert str(made.note).startswith("the verdict holds even if") == (status != "inconclusive")


def test_the_shares_of_several_tables_add_up_and_those_of_one_do_not() -> None:
    """Days and hours of one table share one estimate; a file that was cut has none."""
    days, hours = (GAP.model_copy(update={"cause": cause, "share": 0.02}) for cause in ("days", "hours"))
    whole = share(0, 400)
    assert assume_worst(whole, (days, hours)).tally.late == 9  # type: ignore[union-attr]
    other = days.model_copy(update={"table": "orders"})
    assert assume_worst(whole, (days, other)).tally.late == 17  # type: ignore[union-attr]
    assert assume_worst(whole, (days, DataHole(table="orders", cause="cut", count=1, file="a.csv"))) is None


def test_what_fails_on_the_rows_there_are_fails() -> None:
    """Missing rows cannot mend the misses that are there; the note tells both."""
    made, open_ones = judged(rule_of(good="ok", limits=SHIPPING), share(50, 100, holes=(GAP,)))
    assert (made.status, open_ones) == ("fail", ())
    assert str(made.note).startswith(
        "fails on the available rows, although 2 days that usually have chat messages have none "
    )


def test_a_table_may_lack_a_few_days_at_the_ends() -> None:
    """From four days in five a verdict is given."""
    made, _ = judged(
        rule_of(good="ok", limits=SHIPPING),
        share(0, 100, holes=(DataHole(table="orders", cause="short", count=24, of=30),)),
    )
    assert made.status == "pass"


def test_figures_about_the_export_itself_are_not_taken_back() -> None:
    """DQ01 is sure that days lack."""
    rule = rule_of(good="ok", limits=SHIPPING).model_copy(update={"area": "data_quality", "scored": False})
    assert judged(rule, share(0, 100, holes=(GAP,)))[0].status == "pass"


def test_rows_of_so_few_customers_that_none_could_fail_give_no_verdict_on_misses() -> None:
    """Else the store would get the marks of a failure, and no finding that fails."""
    rule = rule_of(good="ok", limits=ANSWERS)
    found, (open_one,) = judged(rule, share(60, 60, entities=1, judged_entities=1))
    assert (found.status, found.note and found.note.id) == ("inconclusive", "verdict.few_entities")
    assert open_one.code == rule.code
    assert judged(rule, share(20, 600, entities=2, judged_entities=90))[0].status == "pass"


def test_what_one_defect_is_stands_in_place_of_how_sure_it_is() -> None:
    """A file that lost rows is a fact and no sample; of many, three are named."""
    rows = [
        EvidenceRow(file=None, line=None, entity=None, at=None, outcome="late",
                    details={"path": f"{name}.csv", "rejected": 8, "rows": 400})
        for name in "abcde"
    ]  # fmt: skip
    rule = load_catalogue().rules["DQ02"]
    provide_texts(TextFinder(load_catalogue()))
    for count, more in ((1, ""), (5, "; and 2 more")):
        found, _ = judged(rule, share(count, count, code="DQ02", evidence=tuple(rows[:count])))
        text = translate(found.note, "en") if found.note else ""
        assert found.status in ("watch", "fail")
        assert text.startswith("8 of 400 rows of a.csv could not be read")
        assert text.endswith(more)
        assert "chance" not in text
