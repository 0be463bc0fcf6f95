"""A letter is short, plain, and names nobody; when to send it is a matter of clocks."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from storehealth.i18n import LANGUAGES, Words
from storehealth.model import Driver
from storehealth.notify.notice import MAX_LENGTH, KnownState, compare_checkup, to_plain_line, write_notice
from storehealth.notify.outbox import find_next_time, is_quiet
from tests.checkups import NASTY, TODO, checkup, finding, reply_finding


@given(text=some.text(max_size=600))
def test_no_text_is_markup_a_mention_or_a_link(text: str) -> None:
    said = to_plain_line(text)
    assert not set("<>@`*[]|~#\n\r\x1b") & set(said)
    assert "://" not in said
    assert len(said) <= MAX_LENGTH


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_letter_has_few_lines_whatever_fails(language: str) -> None:
    many = tuple(finding(code=f"LG{number:02d}") for number in range(40))
    result = checkup(findings=many, language=language)
    said = write_notice(result, compare_checkup(None, result), Words(language), ())
    assert len(said.body.splitlines()) <= 15
    assert "35" in said.body


def test_hostile_and_personal_texts_are_defused() -> None:
    slip = f"{NASTY} 收货人：王小明，13812345678"
    result = checkup(store=NASTY, findings=(finding(title=slip),), headline=f"<at user_id='all'></at> {slip}")
    said = write_notice(result, compare_checkup(None, result), Words("en"), ())
    text = f"{said.title}\n{said.body}"
    for bad in ("<", ">", "@", "13812345678", "王小明", "\x1b", "\u202e", "http://"):
        assert bad not in text


def test_agents_are_not_named() -> None:
    """Neither as the slice where misses pile up, nor in the first action, whose text may say where."""
    driver = Driver(segment={"agent_id": "店小二-07"}, defects=9, judged=10, share_of_defects=0.9)
    action = TODO[0].model_copy(update={"where": "90%: agent 店小二-07", "text": "Train 店小二-07"})
    unnamed = action.model_copy(update={"name": ""})
    for first in (action, unnamed):
        result = checkup(findings=(reply_finding(status="fail", drivers=(driver,)),), recommendations=(first,))
        assert "店小二-07" not in write_notice(result, compare_checkup(None, result), Words("en"), ()).body


def test_what_was_and_is_no_longer_judged_is_neither_news_nor_mended() -> None:
    told = KnownState(failing=("LG05",), ever=("LG05",), score=59, band="fair", areas=("logistics",))
    found = compare_checkup(told, checkup(findings=(finding(status="not_applicable"),)))
    assert (found.new, found.again, found.resolved, found.gaps) == ((), (), (), ("LG05",))
    assert found.now.failing == ("LG05",)
    assert compare_checkup(found.now, checkup()).still[0].code == "LG05"


@given(start=some.times(), length=some.integers(1, 23 * 60), at=some.times())
def test_quiet_hours_are_a_span_of_the_clock(start: time, length: int, at: time) -> None:
    begin = datetime(2025, 1, 1, start.hour, start.minute)  # noqa: DTZ001
    end = begin + timedelta(minutes=length)
    now = datetime(2025, 1, 1, at.hour, at.minute)  # noqa: DTZ001
    expected = any(begin <= now + timedelta(days=days) < end for days in (0, 1))
    assert is_quiet(f"{begin:%H:%M}-{end:%H:%M}", at) is expected


@given(
    hour=some.integers(0, 23), minute=some.integers(0, 59), after=some.datetimes(timezones=some.just(ZoneInfo("UTC")))
)
def test_the_next_time_a_clock_shows_an_hour(hour: int, minute: int, after: datetime) -> None:
    if after.year > 9000:
        return
    found = find_next_time(f"{hour:02d}:{minute:02d}", after)
    assert timedelta(0) <= found - after < timedelta(days=1)
    assert (found.hour, found.minute) == (hour, minute)
