"""Services that answer "200 OK" to what they refuse, and say so only in the body: a refusal has to be a failure.

Apprise reads the body of Feishu, Lark and Slack; of WeCom and DingTalk it takes every 200 for success.
"""

from __future__ import annotations

from typing import Any

import requests
from apprise import NotifyFormat, NotifyType
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.wecombot import NotifyWeComBot


class WeCom(NotifyWeComBot):
    """WeCom's group robot."""

    def send(
        self,
        body: str,
        title: str = "",
        notify_type: NotifyType = NotifyType.INFO,  # noqa: ARG002 - Apprise's signature
        body_format: NotifyFormat | None = None,  # noqa: ARG002
        **_: Any,
    ) -> bool:
        """Send it; False with a warning in the log where WeCom does not take it."""
        text = f"{title}\n{body}" if title else body
        return _posted(self, self.api_url, {"msgtype": "text", "text": {"content": text}})


class DingTalk(NotifyDingTalk):
    """DingTalk's group robot."""

    def send(
        self,
        body: str,
        title: str = "",
        notify_type: NotifyType = NotifyType.INFO,  # noqa: ARG002 - Apprise's signature
        body_format: NotifyFormat | None = None,  # noqa: ARG002
        **_: Any,
    ) -> bool:
        """Send it, signed where the address has a secret; False with a warning where DingTalk does not take it."""
        text = f"{title}\n{body}" if title else body
        stamp, signature = self.get_signature() if self.secret else (None, None)
        signed = {"timestamp": stamp, "sign": signature} if signature else None
        payload = {"msgtype": "text", "text": {"content": text}, "at": {"atMobiles": self.targets, "isAtAll": False}}
        return _posted(self, self.notify_url.format(token=self.token), payload, signed)


def strict(service: Any) -> Any:
    """The service, or its kind here that reads the answer."""
    for lenient, own in ((NotifyWeComBot, WeCom), (NotifyDingTalk, DingTalk)):
        if type(service) is lenient:
            return own(**{**lenient.parse_url(service.url()), "asset": service.asset})
    return service


def _posted(service: Any, url: str, payload: dict[str, Any], params: dict[str, Any] | None = None) -> bool:
    service.throttle()
    try:
        answer = requests.post(
            url, json=payload, params=params, timeout=service.request_timeout, verify=service.verify_certificate
        )
    except requests.RequestException as error:
        service.logger.warning("no connection: %s", type(error).__name__)
        return False
    if answer.status_code != requests.codes.ok:
        service.logger.warning("answered with error=%s", answer.status_code)
        return False
    return _taken(service, answer)


def _taken(service: Any, answer: requests.Response) -> bool:
    """Whether the body says that it was taken."""
    try:
        said = answer.json()
    except ValueError:
        said = None
    code = said.get("errcode") if isinstance(said, dict) else None
    if code == 0:
        return True
    reason = str(said.get("errmsg", ""))[:200] if isinstance(said, dict) else "no JSON"
    service.logger.warning("refused: errcode=%s %s", code, reason)
    return False
