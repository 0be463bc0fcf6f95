"""Service hours: several a day, over midnight, and none at all."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.effort import examples
from tests.views.conftest import Open

from storehealth.db.view_inputs import DAY, SLOW_CHANNEL, create_clock, list_spells, parse_service_hours
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


ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Africa/Casablanca",
    "Asia/Shanghai",
)
HOUR = st.datetimes(datetime.fromisoformat("2016-01-01"), datetime.fromisoformat("2019-12-31"))


@given(st.sampled_from(ZONES), HOUR, st.timedeltas(timedelta(0), timedelta(days=400)))
@examples(400)
def test_elapsed_is_real_time_wherever_the_wall_says_which(zone: str, since: datetime, span: timedelta) -> None:
    """Times that a clock change skips or repeats are left out: the wall does not say which moment they are."""
    wall = [since.replace(microsecond=0), (since + span).replace(microsecond=0)]
    assume(all(is_unambiguous(moment, zone) for moment in wall))
    real = [moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for moment in wall]
    with duckdb.connect() as con:
        create_clock(con, zone, wall[0], wall[1])
        ((seconds,),) = con.execute("SELECT elapsed(?::TIMESTAMP, ?::TIMESTAMP)", wall).fetchall()
    assert seconds == (real[1] - real[0]).total_seconds()


def is_unambiguous(moment: datetime, zone: str) -> bool:
    offsets = {moment.replace(tzinfo=ZoneInfo(zone), fold=fold).utcoffset() for fold in (0, 1)}
    return len(offsets) == 1


OVER_A_CHANGE = [
    ("America/New_York", "2026-03-08 01:59:50", "2026-03-08 03:00:10", 20),
    ("Europe/Berlin", "2026-03-29 01:59:50", "2026-03-29 03:00:10", 20),
    ("America/New_York", "2026-11-01 00:59:50", "2026-11-01 02:00:10", 7220),
    ("Europe/Berlin", "2026-10-25 01:59:50", "2026-10-25 03:00:10", 7220),
]
"""Zone, two times on either side of a change of its clocks, and the real seconds between them."""


@pytest.mark.parametrize(
    ("zone", "since", "until", "seconds"),
    [
        *OVER_A_CHANGE,
        ("Europe/Berlin", "2026-10-25 02:10:00", "2026-10-25 02:10:20", 20),
        ("Asia/Shanghai", "2026-03-29 01:59:50", "2026-03-29 03:00:10", 3620),
    ],
)
def test_a_wait_over_a_clock_change_takes_the_time_it_took(zone: str, since: str, until: str, seconds: int) -> None:
    with duckdb.connect() as con:
        create_clock(con, zone, datetime.fromisoformat("2026-01-01"), datetime.fromisoformat("2026-12-31"))
        ((found,),) = con.execute("SELECT elapsed(?::TIMESTAMP, ?::TIMESTAMP)", [since, until]).fetchall()
    assert found == seconds


@pytest.mark.parametrize(
    ("zone", "asked", "answered", "real"),
    OVER_A_CHANGE,
)
def test_chats_over_a_clock_change_wait_real_seconds(
    open_rows: Open, zone: str, asked: str, answered: str, real: int
) -> None:
    rows = [
        {"conversation_id": "c", "sender_id": role, "sender_role": role, "sent_at": at, "text": "yes?"}
        for role, at in (("customer", asked), ("agent", answered))
    ]
    for hours in ((), ("00:00-24:00",)):
        store = open_rows({"messages": rows}, zone=zone, views=["turns"], service_hours=hours, reply_clock="clip")
        ((wall, waited),) = store.con.execute("SELECT wall_seconds, wait_seconds FROM turns").fetchall()
        assert (wall, min(waited, real)) == (real, waited)


NAMES = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), "zh": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
    "es": ("lun", "mar", "mié", "jue", "vie", "sáb", "dom"),
    "long": ("Monday", "tuesday", "Wednesday", "THURSDAY", "friday", "Saturday", "sunday"),
}  # fmt: skip
DASHES = {"en": "-", "zh": "至", "es": " – ", "long": "~"}
CLOSED_IN_2026 = ("01-01", "01-02", "02-16", "02-23", "04-06", "05-01", "05-05", "06-19", "09-25", "10-01", "10-07")
WORKED_IN_2026 = ("01-04", "02-14", "02-28", "05-09", "09-20", "10-10")
"""By the notice of the State Council: first and last weekdays off of each holiday, and weekends worked in exchange."""
spells = st.lists(st.tuples(st.integers(0, 11), st.integers(12, 24)), max_size=2)


@examples(60)
@given(
    blocks=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), spells), min_size=1, max_size=3),
    language=st.sampled_from(sorted(NAMES)), day=st.dates(date(2026, 1, 1), date(2026, 12, 31)),
)  # fmt: skip
def test_hours_of_a_week_are_what_its_blocks_say(
    blocks: list[tuple[int, int, list[tuple[int, int]]]], language: str, day: date
) -> None:
    """In any spelling, from one day to another even over the weekend, with several periods a day or none."""
    names, texts, expected = NAMES[language], [], set[int]()
    for first, last, periods in blocks:
        days = names[first] if first == last else f"{names[first]}{DASHES[language]}{names[last]}"
        texts += [f"{days} {opens:02}:00-{closes:02}:00" for opens, closes in periods]
        if (day.weekday() - first) % 7 <= (last - first) % 7:
            expected |= {hour for opens, closes in periods for hour in range(opens, closes)}
    assume(texts)
    joined = list_spells(day, parse_service_hours(texts))
    assert {hour for hour in range(24) if any(a <= hour * 3600 < b for a, b in joined)} == expected


@pytest.mark.parametrize("day", [*CLOSED_IN_2026, *WORKED_IN_2026])
@pytest.mark.parametrize("on_holidays", [(), ("holidays 12:00-16:00",)])
def test_holidays_and_make_up_days_of_a_year(day: str, on_holidays: tuple[str, ...]) -> None:
    """A store that is shut at weekends opens on those that are worked, with Monday's hours."""
    hours = parse_service_hours(("Mon-Fri 09:00-18:00", "Mon 19:00-20:00", *on_holidays), ("CN",))
    worked, off = ((32400, 64800), (68400, 72000)), ((43200, 57600),) if on_holidays else ()
    assert list_spells(date.fromisoformat(f"2026-{day}"), hours) == (worked if day in WORKED_IN_2026 else off)


SLOW = (
    "Email|e-mail|Outbound Email|Portal|Web form|contact_form|Contact-Form|Feedback Widget|help-center|API|SMS|Phone|Voice"
    "|twitter_dm|工单|电话|表单|Teléfono|Kontaktformular"
)
LIVE = (
    "chat|Live Chat|messenger|WhatsApp|web|Web widget|iPhone app|app|platform|京麦|旺旺|LINE|rapid|wechat|Shopee Chat"
)


@pytest.mark.parametrize(("names", "expected"), [(SLOW, True), (LIVE, False)])
def test_channels_without_a_customer_at_the_screen_are_known_by_name(names: str, expected: bool) -> None:
    """As help desks name them: such conversations are judged by hours, not by the seconds of live chat."""
    with duckdb.connect() as con:
        found = {
            name: con.execute(f"SELECT {SLOW_CHANNEL} FROM (SELECT ? AS name)", [name]).fetchone()
            for name in names.split("|")
        }
    assert {name for name, row in found.items() if row != (expected,)} == set()
