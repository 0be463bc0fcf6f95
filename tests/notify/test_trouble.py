"""That an audit could not be made is told once, in plain words, and that it works again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from storehealth.notify import announce, announce_failure
from storehealth.settings import Settings
from storehealth.support.message import Name, lines, message, verbatim
from tests.checkups import checkup
from tests.notify.conftest import NOON, hours
from tests.servers import Web

Asks = Callable[..., Settings]
EMPTY = lines([message("schedule.no_exports", path=Name("/srv/exports")), message("schedule.no_exports_hint")])


def test_a_trouble_is_told_once_until_its_reason_is_another(web: Web, asks: Asks, tmp_path: Path) -> None:
    settings = asks(web.url())
    outcomes = [
        announce_failure("tea", problem, settings, tmp_path, hours(24 * day)).outcome
        for day, problem in enumerate([EMPTY, EMPTY, verbatim("the disk is full"), EMPTY])
    ]
    assert outcomes == ["sent", "held_back", "sent", "sent"]
    assert web.got[0]["title"] == "tea: the audit failed"
    assert web.got[0]["message"].splitlines()[:2] == str(EMPTY).splitlines()


def test_that_it_works_again_is_told_once_and_then_a_trouble_is_news_again(
    web: Web, asks: Asks, tmp_path: Path
) -> None:
    settings = asks(web.url())
    announce(checkup(), settings, tmp_path, NOON, run="tea")
    announce_failure("tea", EMPTY, settings, tmp_path, hours(24))
    for day in (2, 3):
        announce(checkup(), settings, tmp_path, hours(24 * day), run="tea")
    announce_failure("tea", EMPTY, settings, tmp_path, hours(96))
    assert [request["title"] for request in web.got] == [
        "Tea House: score 59 E needs work",
        "tea: the audit failed",
        "tea: the audit works again",
        "tea: the audit failed",
    ]


def test_two_names_do_not_answer_for_each_other(web: Web, asks: Asks, tmp_path: Path) -> None:
    settings = asks(web.url())
    for name in ("tea", "coffee", "tea"):
        announce_failure(name, EMPTY, settings, tmp_path, NOON)
    announce(checkup(), settings, tmp_path, hours(1), run="coffee")
    assert announce_failure("tea", EMPTY, settings, tmp_path, hours(2)).outcome == "held_back"
    assert announce_failure("coffee", EMPTY, settings, tmp_path, hours(14)).outcome == "sent"


@pytest.mark.parametrize(("when", "told"), [("never", 0), ("change", 1), ("fail", 2), ("always", 2)])
def test_when_to_tell(web: Web, asks: Asks, tmp_path: Path, when: str, told: int) -> None:
    settings = asks(web.url(), when=when)
    for at in (0, 1, 24):
        announce_failure("tea", EMPTY, settings, tmp_path, hours(at))
    assert len(web.got) == told


def test_quiet_hours_hold_it_and_a_refusal_makes_it_wait(web: Web, asks: Asks, tmp_path: Path) -> None:
    quiet = asks(web.url(), zone="UTC", quiet_hours="11:00-13:00")
    assert announce_failure("tea", EMPTY, quiet, tmp_path, NOON).outcome == "queued"
    web.status = 500
    done = announce_failure("tea", EMPTY, quiet, tmp_path, hours(2))
    assert (done.waiting, done.has_failed) == (1, True)
    web.status = 200
    assert announce_failure("tea", EMPTY, quiet, tmp_path, hours(3)).letters == 1
    assert len(web.got) == 1


def test_it_speaks_the_language_of_messages_and_shows_nothing_personal_nor_any_key(
    web: Web, asks: Asks, tmp_path: Path
) -> None:
    settings = asks(web.url(), language="zh")
    announce_failure("茶", lines([EMPTY, verbatim(f"{web.url()} 13812345678 <b>@all</b>")]), settings, tmp_path, NOON)
    (got,) = web.got
    assert got["title"] == "茶：体检未能完成"
    assert got["message"].splitlines()[0] == "没有文件夹 /srv/exports"
    for secret in ("pa55w0rd", "5ecr3t", "13812345678", "<b>", "@all"):
        assert secret not in got["message"]
