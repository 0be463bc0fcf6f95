"""Each kind of service gets its own payload, over a real connection, and its refusals are read wherever they stand."""

from __future__ import annotations

from typing import Any

import pytest
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.feishu import NotifyFeishu
from apprise.plugins.lark import NotifyLark
from apprise.plugins.slack import NotifySlack
from apprise.plugins.wecombot import NotifyWeComBot

from storehealth.notify.apprise_plugins import DingTalk
from storehealth.notify.notice import Notice
from storehealth.notify.services import Address, _create_service, _to_native, send_notice
from tests.notify.conftest import Web

LETTER = Notice("茶馆：评分 59", "新增不合格：\n- LG05 …")
TOKEN = "a1b2c3d4" * 8
SERVICES = [
    ("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7xxx", NotifyWeComBot, "notify_url", "WeCom Bot"),
    (f"https://oapi.dingtalk.com/robot/send?access_token={TOKEN}", NotifyDingTalk, "notify_url", "DingTalk"),
    (f"dingtalk://SECabcdef0123@{TOKEN}/", NotifyDingTalk, "notify_url", "DingTalk"),
    ("https://open.feishu.cn/open-apis/bot/v2/hook/0a1b-2c3d", NotifyFeishu, "notify_url", "Feishu"),
    ("https://open.larksuite.com/open-apis/bot/v2/hook/0a1b-2c3d", NotifyLark, "notify_url", "Lark (Feishu)"),
    ("https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", NotifySlack, "webhook_url", "Slack"),
]  # fmt: skip


def taken(payload: dict[str, Any]) -> str:
    """The text in a payload, wherever a service has it."""
    text = payload.get("text") or payload.get("content") or payload.get("attachments")
    return str(text)


@pytest.fixture
def here(web: Web, monkeypatch: pytest.MonkeyPatch) -> Web:
    """The services' own hosts, answered by this machine."""
    _create_service.cache_clear()
    for kind in (NotifyWeComBot, NotifyDingTalk, NotifyFeishu):
        place = kind.notify_url.partition("://")[2].partition("/")[2]
        monkeypatch.setattr(kind, "notify_url", f"http://127.0.0.1:{web.port}/{place}")
    monkeypatch.setattr(NotifyLark, "notify_url", f"http://127.0.0.1:{web.port}/hook/")
    monkeypatch.setattr(NotifySlack, "webhook_url", f"http://127.0.0.1:{web.port}/services")
    return web


@pytest.mark.parametrize(("url", "kind", "_", "name"), SERVICES)
def test_a_service_gets_title_and_text(here: Web, url: str, kind: type, _: str, name: str) -> None:
    here.answer = "ok" if kind is NotifySlack else '{"errcode": 0, "code": 0, "errmsg": "ok"}'
    answer = send_notice(Address(_to_native(url), "x"), LETTER)
    assert (answer.name, answer.failure) == (name, None)
    (got,) = here.got
    assert "茶馆：评分 59" in str(got)
    assert "LG05" in taken(got)


@pytest.mark.parametrize(("url", "kind", "_", "name"), SERVICES)
def test_a_refusal_told_only_in_the_body_is_a_failure(here: Web, url: str, kind: type, _: str, name: str) -> None:
    """Answered with 200, as WeCom does to a wrong key and DingTalk to a missing keyword."""
    here.answer = '{"errcode": 93000, "code": 9499, "errmsg": "invalid webhook url"}'
    answer = send_notice(Address(_to_native(url), "x"), LETTER)
    assert answer.name == name
    assert answer.failure
    for secret in (TOKEN, "693a91f6", "0a1b", "SECabcdef", "TIiajkdn"):
        assert secret not in str(answer.failure)


def test_a_secret_signs_what_goes_to_dingtalk(here: Web) -> None:
    here.answer = '{"errcode": 0}'
    send_notice(Address(f"dingtalk://SECabcdef0123@{TOKEN}/", "x"), LETTER)
    assert "sign=" in here.paths[0]
    assert "timestamp=" in here.paths[0]
    assert type(_create_service(Address(f"dingtalk://SECabcdef0123@{TOKEN}/", "x"))) is DingTalk


@pytest.mark.parametrize(
    "url", ["gopher://x/5ecr3t", "no address at all", "wecombot://", "https://shop.example/5ecr3t"]
)
def test_what_is_no_address_is_a_failure_that_does_not_quote_it(url: str) -> None:
    answer = send_notice(Address(url, "x"), LETTER)
    assert answer.failure
    assert "5ecr3t" not in repr(answer)


def test_a_long_letter_is_split_and_not_cut(web: Web) -> None:
    web.answer = "ok"
    body = "\n".join(f"line {number} " + "x" * 60 for number in range(900))
    assert send_notice(Address(web.url(), "x"), Notice("t", body)).failure is None
    sent = "".join(got["message"] for got in web.got)
    assert all(f"line {number} " in sent for number in range(900))
