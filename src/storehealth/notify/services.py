"""Sends one letter to one address, through Apprise. Imported late: it knows some hundred services."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

from storehealth.notify.addresses import Address
from storehealth.notify.message import Letter
from storehealth.privacy import redact

SECONDS = 20.0
"""Longest time one service may take."""
UNKNOWN = "Apprise does not know this kind of address"


class Answer(NamedTuple):
    """What a service said: its name, and why it did not take the letter."""

    name: str
    failure: str | None = None


def send(address: Address, letter: Letter) -> Answer:
    """Send a letter; whatever goes wrong is an answer."""
    try:
        service = _service(address)
        failure = UNKNOWN if service is None else _sent(service, address, letter)
    except Exception as error:  # noqa: BLE001 - any of a hundred services; the others shall get theirs
        failure = type(error).__name__
    return Answer(name_of(address), failure)


def _sent(service: Any, address: Address, letter: Letter) -> str | None:
    """Why a service did not take a letter; None where it did."""
    import apprise

    post = apprise.Apprise(asset=service.asset)
    post.add(service)
    return _failure(post.notify(letter.body, title=letter.title, body_format=apprise.NotifyFormat.TEXT), address)


def name_of(address: Address) -> str:
    """What a service is called; the address's scheme where Apprise does not know it."""
    scheme = address.url.partition("://")[0] if "://" in address.url else "?"
    return str(_service(address).service_name) if known(address) else scheme


def known(address: Address) -> bool:
    """Whether Apprise knows what to do with an address; nothing is sent."""
    try:
        return _service(address) is not None
    except Exception:  # noqa: BLE001 - whatever a service makes of an address
        return False


@cache
def _service(address: Address) -> Any:
    import apprise

    from storehealth.notify.strict import strict

    asset = apprise.AppriseAsset(
        app_id="storehealth", app_desc="storehealth", app_url="", storage_mode="memory", secure_logging=True,
        async_mode=False, service_timeout=SECONDS, allow_templates=False, image_url_mask=None, image_url_logo=None,
    )  # fmt: skip
    service = apprise.Apprise.instantiate(address.url, asset=asset)
    if service is None:
        return None
    service = strict(service)
    service.overflow_mode = apprise.OverflowMode.SPLIT
    return service


def _failure(result: Any, address: Address) -> str | None:
    """Why it was not taken; None where it was. ``?optional=yes`` in an address does not make a refusal a success."""
    attempts = [attempt for service in result for attempt in service.attempts]
    if attempts and attempts[-1]:
        return None
    said = [entry.message for entry in result.logs() if entry.level in ("WARNING", "ERROR")]
    if attempts and attempts[-1].status.name == "TIMEOUT":
        said.append("no answer in time")
    return _without(address.url, redact("; ".join(dict.fromkeys(said)) or "refused without a reason"))


def _without(url: str, text: str) -> str:
    """The text without any part of the address that could be a key."""
    parts = sorted({part for part in re.split(r"[/:@?&=#]+", url.partition("://")[2]) if len(part) > 3}, key=len)
    for part in reversed(parts):
        text = text.replace(part, "…")
    return text
