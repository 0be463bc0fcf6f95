"""Apprise plugins for services that answer "200 OK" even when they refuse a message, and say so only in the body.

Apprise reads the body for Feishu, Lark and Slack, but treats every 200 of WeCom and DingTalk as success.
"""

from __future__ import annotations

from typing import Any

import requests
from apprise import NotifyFormat, NotifyType
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.wecombot import NotifyWeComBot

from storehealth.notify.services import remove_secrets
from storehealth.privacy import redact
from storehealth.support.message import Message, Name, message, verbatim


class WeCom(NotifyWeComBot):
    """WeCom's group bot."""

    def send(
        self,
        body: str,
        title: str = "",
        notify_type: NotifyType = NotifyType.INFO,  # noqa: ARG002 - Apprise's signature
        body_format: NotifyFormat | None = None,  # noqa: ARG002
        **_: Any,
    ) -> bool:
        """Send a message; return False, with a warning in the log, where WeCom refuses it."""
        text = f"{title}\n{body}" if title else body
        return _post_json(self, self.api_url, {"msgtype": "text", "text": {"content": text}})


class DingTalk(NotifyDingTalk):
    """DingTalk's group bot."""

    def send(
        self,
        body: str,
        title: str = "",
        notify_type: NotifyType = NotifyType.INFO,  # noqa: ARG002 - Apprise's signature
        body_format: NotifyFormat | None = None,  # noqa: ARG002
        **_: Any,
    ) -> bool:
        """Send a message, signed if the address has a secret; return False, with a warning, where DingTalk refuses it."""
        text = f"{title}\n{body}" if title else body
        stamp, signature = self.get_signature() if self.secret else (None, None)
        signed = {"timestamp": stamp, "sign": signature} if signature else None
        payload = {"msgtype": "text", "text": {"content": text}, "at": {"atMobiles": self.targets, "isAtAll": False}}
        return _post_json(self, self.notify_url.format(token=self.token), payload, signed)


def replace_lenient(service: Any) -> Any:
    """Replace a WeCom or DingTalk service by the plugin here that reads the answer; return others unchanged."""
    for lenient, replacement in ((NotifyWeComBot, WeCom), (NotifyDingTalk, DingTalk)):
        if type(service) is lenient:
            return replacement(**{**lenient.parse_url(service.url()), "asset": service.asset})
    return service


def _post_json(service: Any, url: str, payload: dict[str, Any], params: dict[str, Any] | None = None) -> bool:
    service.problem = None
    service.throttle()
    try:
        answer = requests.post(
            url, json=payload, params=params, timeout=service.request_timeout, verify=service.verify_certificate
        )
    except requests.RequestException as error:
        return _refuse(service, message("notify.no_connection", error=Name(type(error).__name__)))
    if answer.status_code != requests.codes.ok:
        return _refuse(service, message("notify.http_error", code=answer.status_code))
    return _is_accepted(service, answer)


def _is_accepted(service: Any, answer: requests.Response) -> bool:
    """Whether the body says that the message was accepted."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    code = body.get("errcode") if isinstance(body, dict) else None
    if code == 0:
        return True
    reason = message("notify.no_json")
    if isinstance(body, dict):
        text = redact(str(body.get("errmsg", ""))[:200])
        reason = verbatim(remove_secrets(service.url(), text))  # the service's words may quote the address
    return _refuse(service, message("notify.refused", code=Name(str(code)), reason=reason))


def _refuse(service: Any, problem: Message) -> bool:
    """Leave the reason on the service, for the sender to report; return False, as Apprise wants it."""
    service.problem = problem
    return False
