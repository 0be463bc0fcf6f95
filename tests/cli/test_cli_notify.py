"""``notify`` and ``audit --notify`` over real servers: who is told, who is not, and that no key is ever shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.checkups import checkup
from tests.cli.conftest import Faked
from tests.servers import Mails, Web, mails, web

from storehealth.model import RunOutcome

__all__ = ["mails", "web"]
Run = Callable[..., Any]
KEYS = ("5ecr3t", "pa55w0rd")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the tests Apprise's pause between two messages to one service."""
    from apprise.plugins import NotifyBase

    monkeypatch.setattr(NotifyBase, "request_rate_per_sec", 0)


@pytest.fixture
def told(tmp_path: Path) -> Callable[..., None]:
    """Write ``storehealth.toml`` and the addresses beside it."""

    def write(*urls: str, mode: int = 0o600, **keys: str) -> None:
        path = tmp_path / "notify.urls"
        path.write_text("# addresses\n" + "".join(f"{url}\n" for url in urls), encoding="utf-8")
        path.chmod(mode)
        lines = ["[notify]", 'urls_file = "notify.urls"', *(f"{key} = {value}" for key, value in keys.items())]
        (tmp_path / "storehealth.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    return write


def mail_to(mails: Mails) -> str:
    return f"mailto://127.0.0.1:{mails.port}/?smtp=127.0.0.1&from=shop@shop.example&to=boss@shop.example"


def shows_no_key(ended: Any, *folders: Path) -> None:
    """Neither on a stream nor in any file of a folder."""
    kept = "".join(
        path.read_text(encoding="utf-8", errors="replace")
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file()
    )
    assert not [key for key in KEYS if key in ended.out + ended.err + kept]


# -- notify test -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "title"),
    [("en", "storehealth test message"), ("zh", "storehealth 测试消息"), ("es", "Mensaje de prueba de storehealth")],
)
def test_a_test_message_reaches_every_service_and_each_is_named(
    run: Run, told: Callable[..., None], web: Web, mails: Mails, language: str, title: str
) -> None:
    told(web.url(), mail_to(mails))
    ended = run("notify", "test", "--lang", language)
    assert (ended.code, ended.err) == (0, "")
    assert [line.count("notify.urls:") for line in ended.out.splitlines()] == [1, 1]
    assert web.got[0]["title"] == title
    assert mails.got[0]["subject"] == title
    shows_no_key(ended)


def test_one_that_does_not_arrive_is_four_and_the_other_arrives(
    run: Run, told: Callable[..., None], web: Web, mails: Mails
) -> None:
    web.status = 403
    told(web.url(), mail_to(mails))
    ended = run("notify", "test")
    assert ended.code == 4
    assert "JSON (notify.urls:2) did not accept the message" in ended.err
    assert "403" in ended.err
    assert "(notify.urls:3)" in ended.out
    assert len(mails.got) == 1
    shows_no_key(ended)


def test_a_dry_run_shows_the_message_and_who_would_get_it(run: Run, told: Callable[..., None], web: Web) -> None:
    told(web.url())
    ended = run("notify", "test", "--dry-run")
    assert ended.code == 0
    assert "JSON (notify.urls:2)" in ended.out
    assert web.paths == []
    shows_no_key(ended)


# -- what stands in the way is said before anything is sent -------------------------------------------------------


def test_a_file_that_others_may_read_is_refused(run: Run, told: Callable[..., None], web: Web) -> None:
    told(web.url(), mode=0o644)
    ended = run("notify", "test")
    assert ended.code == 2
    assert "chmod 600" in ended.err
    assert web.paths == []
    shows_no_key(ended)


@pytest.mark.parametrize(
    "url", ["slakc://5ecr3t/pa55w0rd", "https//user:pa55w0rd@example.com/5ecr3t", "wecombot://", "5ecr3t"]
)
def test_an_address_that_is_none_is_named_by_its_line_alone(run: Run, told: Callable[..., None], url: str) -> None:
    told(url)
    ended = run("notify", "test")
    assert ended.code == 2
    assert "notify.urls:2" in ended.err
    shows_no_key(ended)


@pytest.mark.parametrize("key", ["urls", "url", "webhook"])
def test_an_address_in_the_settings_themselves_is_refused_and_not_quoted(
    run: Run, tmp_path: Path, web: Web, key: str
) -> None:
    (tmp_path / "storehealth.toml").write_text(f'[notify]\n{key} = "{web.url()}"\n', encoding="utf-8")
    ended = run("notify", "test")
    assert ended.code == 2
    assert web.paths == []
    shows_no_key(ended)


def test_an_address_on_the_command_line_is_not_quoted_back(run: Run, web: Web) -> None:
    for words in (("notify", "test", web.url()), ("audit", web.url()), ("notify", "send", "--config", web.url())):
        ended = run(*words)
        assert ended.code in (2, 3)
        shows_no_key(ended)


def test_addresses_may_stand_in_the_environment(run: Run, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOREHEALTH_NOTIFY_URLS", web.url())
    ended = run("notify", "test")
    assert (ended.code, len(web.got)) == (0, 1)
    assert "$STOREHEALTH_NOTIFY_URLS" in ended.out
    shows_no_key(ended)


def test_nobody_to_tell_is_wrong_usage(run: Run) -> None:
    assert run("notify", "test").code == 2


# -- audit --notify and notify send ------------------------------------------------------------------------------


def test_an_audit_tells_only_of_changes(
    faked: Faked, run: Run, exports: Path, told: Callable[..., None], web: Web
) -> None:
    told(web.url())
    for _ in range(2):
        assert run("audit", exports, "--notify", "-s").code == 1
    assert len(web.got) == 1
    mended = tuple(finding.model_copy(update={"status": "pass"}) for finding in checkup().findings)
    faked.checkup = checkup(findings=mended, outcome=RunOutcome(exit_code=0, reasons=()))
    assert run("audit", exports, "--notify", "-s").code == 0
    assert len(web.got) == 2
    assert "No longer fails: LG05" in web.got[1]["message"]


def test_what_waits_is_sent_on_demand_and_quiet_hours_count_only_when_asked(
    faked: Faked, run: Run, exports: Path, told: Callable[..., None], web: Web, tmp_path: Path
) -> None:
    told(web.url(), digest='"00:00"', quiet_hours='"00:00-23:59"')
    state = tmp_path / "state"
    ended = run("audit", exports, "--notify", "--state", state)
    assert (ended.code, web.got) == (1, [])
    assert len(list((state / "outbox").iterdir())) == 1
    assert run("notify", "send", "--when-due", "--state", state).code == 0
    assert web.got == []
    ended = run("notify", "send", "--state", state)
    assert (ended.code, len(web.got)) == (0, 1)
    assert list((state / "outbox").glob("*.json")) == []
    assert run("notify", "send", "--state", state).code == 0
    assert len(web.got) == 1


def test_a_service_that_is_down_leaves_no_key_in_any_log_or_report(
    faked: Faked, run: Run, exports: Path, told: Callable[..., None], web: Web, tmp_path: Path
) -> None:
    web.status, web.answer = 500, f"no: {web.url()}"
    told(web.url())
    state = tmp_path / "state"
    ended = run("audit", exports, "--notify", "-v", "--state", state, "-o", "json=run.json", "-o", "markdown=run.md")
    assert ended.code == 4
    shows_no_key(ended, state)
    assert not [key for key in KEYS if key in (tmp_path / "run.json").read_text(encoding="utf-8")]
    assert not [key for key in KEYS if key in (tmp_path / "run.md").read_text(encoding="utf-8")]
    assert run("notify", "send", "--state", state).code == 4
    web.status = 200
    assert (run("notify", "send", "--state", state).code, len(web.got)) == (0, 1)


def test_a_dry_run_alone_is_wrong_usage(faked: Faked, run: Run, exports: Path) -> None:
    ended = run("audit", exports, "--dry-run")
    assert (ended.code, "--dry-run needs --notify" in ended.err) == (2, True)
