"""Service hours by weekday and holiday, in the spellings people use."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

from storehealth.support.service_hours import DAY, parse_hours

MONDAY = date(2025, 3, 3)
WEEK = [MONDAY + timedelta(days=number) for number in range(7)]
NINE_TO_SIX = (9 * 3600, 18 * 3600)
TEN_TO_TWO = (10 * 3600, 14 * 3600)


@pytest.mark.parametrize(
    "texts",
    [
        ["Mon-Fri 09:00-18:00", "Sat 10:00-14:00"],
        ["mon - fri: 9:00 - 18:00", "saturday 10:00-14:00"],
        ["Monday, Tue, Wed, Thu, Fri 09:00–18:00", "Sat 10:00-14:00"],
        ["周一至周五 09:00-18:00", "周六 10:00-14:00"],
        ["星期一到星期五 09:00至18:00", "星期六 10:00-14:00"],
        ["lun-vie 09:00-18:00", "sáb 10:00-14:00"],
        ["Sat 10:00-14:00", "Mon-Fri 09:00-18:00"],
    ],
)
def test_days_are_read_in_three_languages_and_any_order(texts: list[str]) -> None:
    hours = parse_hours(texts)
    assert [hours.list_starting(day) for day in WEEK] == [(NINE_TO_SIX,)] * 5 + [(TEN_TO_TWO,), ()]


def test_several_spells_a_day_may_follow_each_other_or_stand_apart() -> None:
    together, apart = parse_hours(["Mon 09:00-12:00, 13:00-18:00"]), parse_hours(["Mon 09:00-12:00", "Mon 13:00-18:00"])
    assert together == apart
    assert together.list_starting(MONDAY) == ((9 * 3600, 12 * 3600), (13 * 3600, 18 * 3600))


def test_a_range_of_days_may_span_the_weekend_and_a_spell_midnight() -> None:
    hours = parse_hours(["Fri-Mon 22:00-02:00"])
    assert [bool(hours.list_starting(day)) for day in WEEK] == [True, False, False, False, True, True, True]
    assert hours.list_starting(MONDAY) == ((22 * 3600, DAY + 2 * 3600),)


def test_without_hours_a_store_is_always_open_on_holidays_too() -> None:
    new_year = date(2025, 1, 1)
    assert parse_hours([], ["CN"]).list_starting(new_year) == ((0, DAY),)


def test_a_store_is_closed_on_holidays_unless_it_says_otherwise() -> None:
    national_day, day_before = date(2025, 10, 1), date(2025, 9, 30)
    plain = parse_hours(["09:00-18:00"], ["CN"])
    assert (plain.list_starting(day_before), plain.list_starting(national_day)) == ((NINE_TO_SIX,), ())
    own = parse_hours(["09:00-18:00", "holidays 10:00-14:00"], ["CN"])
    assert (own.list_starting(day_before), own.list_starting(national_day)) == ((NINE_TO_SIX,), (TEN_TO_TWO,))
    assert parse_hours(["09:00-18:00"]).list_starting(national_day) == (NINE_TO_SIX,)


def test_a_weekend_day_worked_in_exchange_has_the_hours_of_a_work_day() -> None:
    """2025-09-28, a Sunday, was worked for the National Day holidays; the Sunday before was not."""
    hours = parse_hours(["Mon-Fri 09:00-18:00"], ["CN"])
    assert hours.list_starting(date(2025, 9, 28)) == (NINE_TO_SIX,)
    assert hours.list_starting(date(2025, 9, 21)) == ()


@pytest.mark.parametrize(
    "text",
    ["", "9-23", "nine to five", "Mon", "Mon 09:00", "Mun 09:00-18:00", "Mon-Wed-Fri 09:00-18:00", "25:00-26:00",
     "09:60-10:00", "Mon 09:00-18:00 or so", "holidays-Mon 09:00-18:00"],
)  # fmt: skip
def test_what_is_not_of_this_form_is_refused_by_its_text(text: str) -> None:
    with pytest.raises(ValueError, match=r".*") as caught:
        parse_hours(["09:00-18:00", text])
    assert caught.value.args == (text,)


@examples(60)
@given(
    st.dictionaries(st.integers(0, 6), st.tuples(st.integers(0, 23), st.integers(0, 23)), min_size=1),
    st.integers(0, 400),
)
def test_each_day_has_the_spell_that_was_written_for_its_weekday(
    spells: dict[int, tuple[int, int]], offset: int
) -> None:
    names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    hours = parse_hours([f"{names[day]} {opens:02}:00-{closes:02}:00" for day, (opens, closes) in spells.items()])
    day = MONDAY + timedelta(days=offset)
    if day.weekday() not in spells:
        assert hours.list_starting(day) == ()
        return
    opens, closes = spells[day.weekday()]
    assert hours.list_starting(day) == ((opens * 3600, (closes if closes > opens else closes + 24) * 3600),)
