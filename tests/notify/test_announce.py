"""People are told what changed, once, at a civil hour; what a service refuses waits and is sent by the next run."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from storehealth.catalogue import load_catalogue
from storehealth.catalogue.texts import TextFinder, to_message
from storehealth.i18n import provide_texts
from storehealth.model import Checkup, Score
from storehealth.notify import announce, send_waiting
from storehealth.settings import Settings
from storehealth.support.message import message
from tests.checkups import checkup, finding, reply_finding
from tests.notify.conftest import NOON, Mails, Web, hours

Asks = Callable[..., Settings]
CAPPED = Score(value=59, uncapped=69.2, low=55, high=63.5, grade="E", coverage=0.91)


def fine(**changes: Any) -> Checkup:
    """The same store with nothing failing, in the same band."""
    given = {"findings": (reply_finding(status="pass"), finding(status="pass")), "score": CAPPED}
    return checkup(**(given | changes))


def waiting(state: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted((state / "outbox").glob("*.json"))]


def test_the_first_checkup_tells_what_fails(web: Web, asks: Asks, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    done = announce(checkup(), asks(web.url()), tmp_path / "state", NOON, [report])
    assert (done.outcome, done.failures, done.waiting, done.letters) == ("sent", (), 0, 1)
    assert [*map(str, done.services)] == ["JSON (notify.urls:1)"]
    (got,) = web.got
    assert got["title"] == "Tea House: score 59 E needs work"
    assert got["message"].splitlines() == [
        "Shipping loses most: 112 of 1,808 orders left late; an earlier cut-off would bring about 5 points.",
        "Fails now:",
        "- LG05 Orders reach the carrier by the promised time: 93.8% (limit ≥96%, unverified)",
        "Do first: Keep the cut-off (+5.4 points)",
        "as of 2025-03-31 23:59",
        f"Report: {report}",
    ]


def test_only_changes_are_told(web: Web, asks: Asks, tmp_path: Path) -> None:
    settings, bad, good = asks(web.url()), checkup(), fine()
    outcomes = [
        announce(checkup_of_day, settings, tmp_path, hours(24 * day)).outcome
        for day, checkup_of_day in enumerate(
            [bad, bad, good, good, bad, fine(findings=(finding(status="inconclusive"),)), bad]
        )
    ]
    assert outcomes == ["sent", "held_back", "sent", "held_back", "sent", "held_back", "held_back"]
    assert "No longer fails: LG05" in web.got[1]["message"]
    assert "Fails again:" in web.got[2]["message"]


def test_a_new_band_and_an_area_out_of_sight_are_changes(web: Web, asks: Asks, tmp_path: Path) -> None:
    settings = asks(web.url())
    announce(fine(), settings, tmp_path, NOON)
    assert web.got == []
    announce(fine(score=CAPPED.model_copy(update={"value": 49.0})), settings, tmp_path, hours(1))
    assert web.got[-1]["title"] == "Tea House: score 49 E poor (was 59)"
    blind = tuple(area.model_copy(update={"score": None} if area.id == "aftersales" else {}) for area in fine().areas)
    announce(fine(score=CAPPED.model_copy(update={"value": 49.0}), areas=blind), settings, tmp_path, hours(2))
    assert "Can no longer be judged: After-sales" in web.got[-1]["message"]


@pytest.mark.parametrize(("when", "told"), [("never", 0), ("change", 1), ("fail", 2), ("always", 3)])
def test_when_to_tell(web: Web, asks: Asks, tmp_path: Path, when: str, told: int) -> None:
    settings = asks(web.url(), when=when, suppress=0)
    announce(fine(), settings, tmp_path, NOON)
    for count in (1, 2):
        announce(checkup(), settings, tmp_path, hours(count))
    assert len(web.got) == told


def test_the_same_is_not_told_twice_within_the_time(web: Web, asks: Asks, tmp_path: Path) -> None:
    settings = asks(web.url(), when="always")
    outcomes = [announce(checkup(), settings, tmp_path, hours(at)).outcome for at in (0, 11.9, 12, 13)]
    assert outcomes == ["sent", "held_back", "sent", "held_back"]
    other = checkup(findings=(*checkup().findings, finding(code="LG02")))
    assert announce(other, settings, tmp_path, hours(14)).outcome == "sent"


@pytest.mark.parametrize("fault", ["500", "refused", "timeout", "no such host"])
def test_what_a_service_refuses_waits_and_goes_out_at_the_next_run(
    web: Web, asks: Asks, tmp_path: Path, fault: str
) -> None:
    url = web.url()
    if fault == "500":
        web.status = 500
    elif fault == "refused":
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            url = f"json://127.0.0.1:{taken.getsockname()[1]}/5ecr3t"
    elif fault == "timeout":
        web.delay, url = 1.5, web.url() + "?rto=0.3&cto=0.3"
    else:
        url = "json://no-such-host.invalid/5ecr3t"
    done = announce(checkup(), asks(url), tmp_path, NOON)
    assert (done.outcome, done.waiting, done.has_failed) == ("queued", 1, True)
    assert "JSON (notify.urls:1) did not accept the message" in str(done.failures[0])
    assert "5ecr3t" not in repr(done)
    assert "pa55w0rd" not in repr(done)
    assert [message["tries"] for message in waiting(tmp_path)] == [1]

    web.status, web.delay = 200, 0.0
    web.got.clear()
    done = announce(checkup(), asks(web.url()), tmp_path, hours(1))
    assert (done.outcome, done.failures, done.waiting, done.letters) == ("sent", (), 0, 1)
    assert len(web.got) == 1


def test_one_service_s_refusal_does_not_keep_it_from_the_others_nor_double_it(
    web: Web, mails: Mails, asks: Asks, tmp_path: Path
) -> None:
    mail = f"mailto://127.0.0.1:{mails.port}/?smtp=127.0.0.1&from=shop@shop.example&to=boss@shop.example"
    web.status = 503
    done = announce(checkup(), asks(web.url(), mail), tmp_path, NOON)
    assert (done.outcome, [*map(str, done.services)]) == ("queued", ["E-Mail (notify.urls:2)"])
    web.status = 200
    announce(checkup(), asks(web.url(), mail), tmp_path, hours(1))
    assert (len(web.got), len(mails.got)) == (1, 1)
    (got,) = mails.got
    assert got["subject"] == "Tea House: score 59 E needs work"
    assert "LG05" in got.get_content()  # type: ignore[attr-defined]


def test_the_page_goes_along_where_the_settings_ask(mails: Mails, asks: Asks, tmp_path: Path) -> None:
    page, table = tmp_path / "audit.html", tmp_path / "audit.xlsx"
    page.write_text("<p>82 B</p>", encoding="utf-8")
    table.write_bytes(b"PK")
    mail = f"mailto://127.0.0.1:{mails.port}/?smtp=127.0.0.1&from=shop@shop.example&to=boss@shop.example"
    for state, attach in (("without", False), ("with", True)):
        done = announce(checkup(), asks(mail, attach=attach), tmp_path / state, NOON, [table, page])
        assert (done.outcome, done.failures) == ("sent", ())
    without, with_page = mails.got
    assert [part.get_filename() for part in without.walk() if part.get_filename()] == []
    (sent,) = [part for part in with_page.walk() if part.get_filename()]
    assert (sent.get_filename(), sent.get_payload(decode=True)) == ("audit.html", page.read_bytes())


def test_a_page_that_is_gone_when_its_message_is_sent_is_left_out(mails: Mails, asks: Asks, tmp_path: Path) -> None:
    page = tmp_path / "audit.html"
    page.write_text("<p>82 B</p>", encoding="utf-8")
    mail = f"mailto://127.0.0.1:{mails.port}/?smtp=127.0.0.1&from=shop@shop.example&to=boss@shop.example"
    night = asks(mail, attach=True, quiet_hours="10:00-14:00")
    assert announce(checkup(), night, tmp_path / "state", NOON, [page]).outcome == "queued"
    page.unlink()
    assert send_waiting(night, tmp_path / "state", hours(3)).outcome == "sent"
    (got,) = mails.got
    assert str(page) in got.get_content()  # type: ignore[attr-defined]


def test_an_address_that_was_mended_gets_what_waited(web: Web, asks: Asks, tmp_path: Path) -> None:
    web.status = 404
    announce(checkup(), asks(web.url("/mistyped")), tmp_path, NOON)
    web.status = 200
    done = send_waiting(asks(web.url("/right")), tmp_path, hours(1))
    assert (done.outcome, done.letters, web.paths[-1]) == ("sent", 1, "/right")


def test_quiet_hours_span_midnight_in_the_store_s_zone(web: Web, asks: Asks, tmp_path: Path) -> None:
    settings = asks(web.url(), zone="Asia/Shanghai", quiet_hours="22:00-08:00")
    night = datetime(2025, 4, 1, 15, 30, tzinfo=UTC)  # 23:30 in Shanghai
    done = announce(checkup(), settings, tmp_path, night)
    assert (done.outcome, done.has_failed, done.waiting) == ("queued", False, 1)
    assert [*map(str, done.reasons)] == ["quiet hours until 08:00"]
    assert announce(checkup(), settings, tmp_path, night + timedelta(hours=8)).waiting == 1  # 07:30
    assert web.got == []
    done = announce(checkup(), settings, tmp_path, night + timedelta(hours=8.5))  # 08:00
    assert (done.outcome, done.waiting, len(web.got)) == ("sent", 0, 1)


def test_a_digest_tells_of_several_stores_and_runs_in_one_message(web: Web, asks: Asks, tmp_path: Path) -> None:
    settings = asks(web.url(), zone="UTC", digest="18:00")
    announce(checkup(store="A"), settings, tmp_path, NOON)
    announce(checkup(store="B"), settings, tmp_path, hours(1))
    later = announce(fine(store="A"), settings, tmp_path, hours(5.9))
    assert (later.outcome, later.waiting) == ("queued", 3)
    assert "18:00" in str(later.reasons[0])
    done = announce(fine(store="C"), settings, tmp_path, hours(6))
    assert (done.outcome, done.letters, done.waiting) == ("sent", 3, 0)
    (got,) = web.got
    assert got["title"] == "2 stores, 3 messages"
    text = got["message"]
    assert text.count("No longer fails: LG05") == text.count("Fails now:") == 1
    assert "earlier, 2025-04-01 12:00 UTC: A: score 59" in text


def test_two_runs_at_once_tell_it_once(web: Web, asks: Asks, tmp_path: Path) -> None:
    settings, done = asks(web.url()), []
    web.delay = 0.2
    runs = [
        threading.Thread(target=lambda: done.append(announce(checkup(), settings, tmp_path, NOON))) for _ in range(3)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert sorted(delivery.outcome for delivery in done) == ["held_back", "held_back", "sent"]
    assert (len(web.got), waiting(tmp_path)) == (1, [])


def test_two_processes_at_once_lose_no_store(web: Web, asks: Asks, tmp_path: Path) -> None:
    settings = asks(web.url())
    script = (
        "import sys; from pathlib import Path; from tests.checkups import checkup; from tests.notify.conftest import NOON;"
        "from storehealth.notify import announce; from storehealth.settings import Settings;"
        "settings = Settings.model_validate({'notify': {'urls_file': sys.argv[2]}});"
        "done = announce(checkup(store=sys.argv[1]), settings, Path(sys.argv[3]), NOON); sys.exit(done.outcome != 'sent')"
    )
    given = (str(settings.notify.urls_file), str(tmp_path / "state"))
    root = Path(__file__).parents[2]
    place = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), *filter(None, sys.path)])}
    runs = [subprocess.Popen([sys.executable, "-c", script, store, *given], env=place, cwd=root) for store in "AB"]
    assert [run.wait(60) for run in runs] == [0, 0]
    assert sorted(got["title"][0] for got in web.got) == ["A", "B"]
    assert set(json.loads((tmp_path / "state" / "notify.json").read_text())) == {"jd/A", "jd/B"}


def test_a_file_of_addresses_that_others_may_read_is_refused_and_the_message_waits(
    web: Web, asks: Asks, tmp_path: Path
) -> None:
    settings = asks(web.url())
    assert settings.notify.urls_file is not None
    settings.notify.urls_file.chmod(0o644)
    done = announce(checkup(), settings, tmp_path, NOON)
    assert (done.outcome, done.has_failed, web.got) == ("queued", True, [])
    assert "chmod 600" in str(done.failures[0])


def test_addresses_in_the_environment(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_HOOKS", f"{web.url('/a')} {web.url('/b')}")
    settings = Settings.model_validate({"notify": {"urls_env": ["SHOP_HOOKS", "OTHER_HOOK"]}})
    done = announce(checkup(), settings, tmp_path, NOON)
    assert [*map(str, done.failures)] == ["the environment variable OTHER_HOOK is not set"]
    assert [*map(str, done.services)] == ["JSON ($SHOP_HOOKS)", "JSON ($SHOP_HOOKS)"]
    monkeypatch.setenv("OTHER_HOOK", web.url("/c"))
    assert send_waiting(settings, tmp_path, NOON).waiting == 0
    assert web.paths == ["/a", "/b", "/c"]


def test_nobody_to_tell_is_a_failure_and_not_silence(tmp_path: Path) -> None:
    done = announce(checkup(), Settings(), tmp_path, NOON)
    assert (done.outcome, done.waiting) == ("queued", 1)
    assert "no address is set" in str(done.failures[0])


def test_optional_in_an_address_makes_no_refusal_a_success(web: Web, asks: Asks, tmp_path: Path) -> None:
    web.status = 500
    assert announce(checkup(), asks(web.url() + "?optional=yes"), tmp_path, NOON).has_failed


def test_a_state_folder_that_takes_nothing_is_told(web: Web, asks: Asks, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = announce(checkup(), asks(web.url()), tmp_path / "file", NOON)
    assert done.has_failed
    assert web.got == []


def test_a_damaged_memory_tells_all_anew(web: Web, asks: Asks, tmp_path: Path) -> None:
    (tmp_path / "notify.json").write_text('{"jd/Tea House": {"score": "x"', encoding="utf-8")
    assert announce(checkup(), asks(web.url()), tmp_path, NOON).outcome == "sent"


def test_what_was_refused_for_two_weeks_is_given_up_and_that_is_told(web: Web, asks: Asks, tmp_path: Path) -> None:
    web.status = 500
    announce(checkup(), asks(web.url()), tmp_path, NOON)
    done = announce(checkup(), asks(web.url()), tmp_path, hours(24 * 15))
    assert [*map(str, done.failures)] == ["1 message was refused for two weeks and dropped"]
    assert done.waiting == 0


def test_what_is_kept_is_its_owner_s_alone_and_holds_no_address(web: Web, asks: Asks, tmp_path: Path) -> None:
    web.status = 500
    announce(checkup(), asks(web.url()), tmp_path / "state", NOON)
    kept = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert len(kept) >= 2
    for path in kept:
        assert path.stat().st_mode & 0o077 == 0, path
        assert b"5ecr3t" not in path.read_bytes()
        assert b"127.0.0.1" not in path.read_bytes()


def test_the_language_of_messages_may_differ_from_the_checkup_s(web: Web, asks: Asks, tmp_path: Path) -> None:
    catalogue = load_catalogue()
    rule = catalogue.rules["LG05"]
    provide_texts(TextFinder(catalogue))
    said = {
        "findings": (finding(title=to_message(rule.title, "rule.LG05.title")),),
        "headline": message("headline.none_usable"),
        "recommendations": (),
    }
    announce(checkup(**said), asks(web.url(), language="zh"), tmp_path, NOON)
    assert web.got[0]["title"] == "Tea House：评分 59 E 有待改进"
    assert "LG05 订单在承诺发货时间前完成揽收：93.8%（限值 ≥96%、未核实）" in web.got[0]["message"]
    assert rule.title.en not in web.got[0]["message"]
