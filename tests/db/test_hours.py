"""Service hours: several a day, over midnight, and none at all."""

from __future__ import annotations

import itertools
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples
from tests.views.conftest import Open

from storehealth.db.view_inputs import DAY, list_spells, parse_service_hours
from storehealth.errors import UsageError

MONDAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ((), ((0, DAY),)),
        (("09:00-23:00",), ((32400, 82800),)),
        (("09:00-12:00", "13:00-23:00"), ((32400, 43200), (46800, 82800))),
        (("22:00-02:00",), ((0, 7200), (79200, DAY))),
        (("00:00-24:00",), ((0, DAY),)),
        (("09:00-12:00", "11:00-14:00"), ((32400, 50400),)),
        (("20:00-20:00",), ((0, DAY),)),
    ],
    ids=["always open", "one spell", "lunch break", "over midnight", "whole day", "overlapping", "round the clock"],
)
def test_what_is_open_on_a_day(hours: tuple[str, ...], expected: tuple[tuple[int, int], ...]) -> None:
    """A spell over midnight belongs to the day it begins on, and its rest is open on the next."""
    assert list_spells(MONDAY, parse_service_hours(hours)) == expected


@pytest.mark.parametrize("text", ["nine to five", "09:00", "25:00-26:00", "09:60-10:00", ""])
def test_other_texts_are_refused(text: str) -> None:
    """The message shows how hours are written."""
    with pytest.raises(UsageError, match="is not valid as service hours"):
        parse_service_hours([text])


minutes = st.integers(0, 1439)


@examples(60)
@given(st.lists(st.tuples(minutes, minutes), min_size=1, max_size=4))
def test_a_minute_is_open_when_any_spell_covers_it(pairs: list[tuple[int, int]]) -> None:
    """Joined spells are in order, apart, and cover exactly what the hours cover."""
    hours = [f"{a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for a, b in pairs]
    joined = list_spells(MONDAY, parse_service_hours(hours))
    assert all(first[1] < second[0] for first, second in itertools.pairwise(joined))
    for minute in range(0, 1440, 7):
        wanted = any((a <= minute < b) if a < b else (minute >= a or minute < b) for a, b in pairs)
        assert any(opens <= minute * 60 < closes for opens, closes in joined) == wanted


def test_sql_looks_open_time_up(open_rows: Open) -> None:
    """Half-open: open at the first second of a spell, closed at the last."""
    rows = {
        "messages": [{"conversation_id": "c", "sent_at": "2026-03-02 23:30:00", "sender_role": "customer", "text": "?"}]
    }
    store = open_rows(rows, service_hours=("22:00-02:00",))
    asked = [f"is_open(spells, TIMESTAMP '2026-03-02 {at}')" for at in ("21:59:59", "22:00:00", "01:59:59", "02:00:00")]
    assert store.con.execute(f"SELECT {', '.join(asked)} FROM service_days WHERE day = '2026-03-02'").fetchall() == [
        (False, True, True, False)
    ]


def test_weekdays_and_holidays_reach_sql(open_rows: Open) -> None:
    """Friday 2026-05-01 is Labour Day; Saturday 2026-05-09 is worked in exchange."""
    rows = {
        "messages": [
            {"conversation_id": "c", "sent_at": f"{day} 12:00:00", "sender_role": "customer", "text": "?"}
            for day in ("2026-04-30", "2026-05-10")
        ]
    }
    store = open_rows(rows, service_hours=("Mon-Fri 09:00-18:00",), holidays=("CN",))
    noon = "is_open(spells, day::TIMESTAMP + INTERVAL 12 HOUR)"
    opened = dict(store.con.execute(f"SELECT day::VARCHAR, {noon} FROM service_days").fetchall())
    assert [day for day, is_open in opened.items() if is_open] == [
        "2026-04-30", "2026-05-06", "2026-05-07", "2026-05-08", "2026-05-09",
    ]  # fmt: skip
