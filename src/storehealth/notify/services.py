"""Sends one message to one address through Apprise, which is imported late: it loads some hundred services."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from storehealth.notify.addresses import Address, remove_secrets
from storehealth.notify.notice import Notice
from storehealth.privacy import redact
from storehealth.support.message import Message, clauses, message, verbatim

TIMEOUT_SECONDS = 20.0
"""Longest time one service may take."""


class ServiceAnswer(NamedTuple):
    """A service's name, and why it did not accept the message."""

    name: str
    failure: Message | None = None


def send_notice(address: Address, letter: Notice) -> ServiceAnswer:
    """Send a message; whatever goes wrong is returned, never raised."""
    try:
        service = _create_service(address)
        failure = message("notify.unsupported") if service is None else _post(service, address, letter)
    except Exception as error:  # noqa: BLE001 - third-party code of any service; the other addresses must still get theirs
        failure = verbatim(type(error).__name__)
    return ServiceAnswer(find_service_name(address), failure)


def _post(service: Any, address: Address, letter: Notice) -> Message | None:
    """Send through a service; return why it was refused, None where it was accepted."""
    import apprise

    client = apprise.Apprise(asset=service.asset)
    client.add(service)
    result = client.notify(letter.body, title=letter.title, body_format=apprise.NotifyFormat.TEXT)
    return _find_failure(result, address, getattr(service, "problem", None))


def find_service_name(address: Address) -> str:
    """Return a service's name; the address's scheme where Apprise does not know it."""
    scheme = address.url.partition("://")[0] if "://" in address.url else "?"
    return str(_create_service(address).service_name) if is_supported(address) else scheme


def is_supported(address: Address) -> bool:
    """Whether Apprise supports an address; nothing is sent."""
    try:
        return _create_service(address) is not None
    except Exception:  # noqa: BLE001 - third-party parsers may raise anything
        return False


@cache
def _create_service(address: Address) -> Any:
    import apprise

    from storehealth.notify.apprise_plugins import replace_lenient

    asset = apprise.AppriseAsset(
        app_id="storehealth", app_desc="storehealth", app_url="", storage_mode="memory", secure_logging=True,
        async_mode=False, service_timeout=TIMEOUT_SECONDS, allow_templates=False, image_url_mask=None, image_url_logo=None,
    )  # fmt: skip
    service = apprise.Apprise.instantiate(address.url, asset=asset)
    if service is None:
        return None
    service = replace_lenient(service)  # WeCom and DingTalk answer 200 to what they refuse
    service.overflow_mode = apprise.OverflowMode.SPLIT
    return service


def _find_failure(result: Any, address: Address, problem: Message | None) -> Message | None:
    """Return why a message was refused; None where it was accepted.

    Attempts are looked at one by one, since ``?optional=yes`` in an address would make Apprise report a success.

    Args:
        result: Apprise's.
        address: Where it was sent.
        problem: What one of our own plugins found.
    """
    attempts = [attempt for service in result for attempt in service.attempts]
    if attempts and attempts[-1]:
        return None
    if problem is not None:
        return problem
    warnings = dict.fromkeys(entry.message for entry in result.logs() if entry.level in ("WARNING", "ERROR"))
    reasons = [verbatim(remove_secrets(address.url, redact(warning))) for warning in warnings]
    if attempts and attempts[-1].status.name == "TIMEOUT":
        reasons.append(message("notify.no_answer"))
    return clauses(reasons) if reasons else message("notify.no_reason")
