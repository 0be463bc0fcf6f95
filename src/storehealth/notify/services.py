"""Sends one message to one address through Apprise, which is imported late: it loads some hundred services.

Addresses are Apprise URLs from a file that only its owner can read, or from environment variables.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from storehealth.catalogue.files import NotUtf8Error, decode_utf8
from storehealth.notify.notice import Notice
from storehealth.privacy import load_installation_key, redact
from storehealth.settings import NotifySettings
from storehealth.support.atomic_files import describe_os_error
from storehealth.support.message import Message, Name, clauses, message, verbatim

TIMEOUT_SECONDS = 20.0
"""Longest time one service may take."""
OTHERS_MODE = 0o077
NATIVE_URLS = (
    (re.compile(r"https://oapi\.dingtalk\.com/robot/send\?access_token=([\w-]+)"), r"dingtalk://\1/"),
    (re.compile(r"https://open\.feishu\.cn/open-apis/bot/v2/hook/([\w-]+)/?"), r"feishu://\1/"),
    (re.compile(r"https://open\.larksuite\.com/open-apis/bot/v2/hook/([\w-]+)/?"), r"lark://\1/"),
)
"""Webhooks as the services' own pages show them, which Apprise knows by another URL."""


class ServiceAnswer(NamedTuple):
    """A service's name, and why it did not accept the message."""

    name: str
    failure: Message | None = None


def send_notice(address: Address, notice: Notice) -> ServiceAnswer:
    """Send a message; whatever goes wrong is returned, never raised."""
    try:
        service = _create_service(address)
        failure = message("notify.unsupported") if service is None else _post(service, address, notice)
    except Exception as error:  # noqa: BLE001 - third-party code of any service; the other addresses must still get theirs
        failure = verbatim(type(error).__name__)
    return ServiceAnswer(find_service_name(address), failure)


def _post(service: Any, address: Address, notice: Notice) -> Message | None:
    """Send through a service; return why it was refused, None where it was accepted."""
    import apprise

    client = apprise.Apprise(asset=service.asset)
    client.add(service)
    files = [file for file in notice.files if service.attachment_support and Path(file).is_file()]
    result = client.notify(notice.body, title=notice.title, body_format=apprise.NotifyFormat.TEXT, attach=files or None)
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


@dataclass(frozen=True)
class Address:
    """Where messages go. ``url`` may contain a secret: it is never shown, not even in ``repr``."""

    url: str = field(repr=False)
    place: str
    """Where the address was read: ``notify.urls:2`` or ``$SHOP_URL``."""

    @property
    def mark(self) -> str:
        """A digest that tells addresses apart without revealing them."""
        return hashlib.blake2b(self.url.encode(), key=load_installation_key()[:64], digest_size=8).hexdigest()


class Addresses(NamedTuple):
    """The addresses, and what is wrong with others."""

    usable: tuple[Address, ...]
    problems: tuple[Message, ...]


def read_addresses(notify: NotifySettings) -> Addresses:
    """Read all addresses that the settings name; a file that other users can read is refused."""
    addresses: list[Address] = []
    problems: list[Message] = []
    for source in (_read_file(notify.urls_file) if notify.urls_file else (), _read_environment(notify)):
        for item in source:
            if isinstance(item, Address):
                addresses += [] if any(item.url == other.url for other in addresses) else [item]
            else:
                problems.append(item)
    if not addresses and not problems:
        problems.append(message("notify.no_address"))
    return Addresses(tuple(addresses), tuple(problems))


def is_open_to_others(path: Path) -> bool:
    """Whether anybody but its owner may read or write a file; False on systems without POSIX modes."""
    return os.name == "posix" and bool(path.stat().st_mode & OTHERS_MODE)


def _read_file(path: Path) -> Iterator[Address | Message]:
    try:
        if is_open_to_others(path):
            yield message("notify.file_open", path=Name(str(path)))
            return
        lines = decode_utf8(path.read_bytes()).splitlines()
    except OSError as error:
        yield message("notify.file_unread", path=Name(str(path)), reason=describe_os_error(error))
        return
    except NotUtf8Error as error:
        yield message("settings.not_utf8", path=Name(str(path)), problem=error.problem)
        return
    numbered = [(number, line.strip()) for number, line in enumerate(lines, 1)]
    entries = [(number, line) for number, line in numbered if line and not line.startswith("#")]
    if not entries:
        yield message("notify.file_empty", path=Name(str(path)))
    yield from (Address(_to_native(line), f"{path.name}:{number}") for number, line in entries)


def _read_environment(notify: NotifySettings) -> Iterator[Address | Message]:
    """Yield the addresses in variables; a variable that the settings name explicitly must be set."""
    for name in notify.urls_env:
        urls = os.environ.get(name, "").split()
        if not urls and "urls_env" in notify.model_fields_set:
            yield message("notify.variable_unset", name=Name(name))
        yield from (Address(_to_native(url), f"${name}") for url in urls)


def _to_native(url: str) -> str:
    for pattern, replacement in NATIVE_URLS:
        if pattern.fullmatch(url):
            return pattern.sub(replacement, url)
    return url


def remove_secrets(url: str, text: str) -> str:
    """Remove every part of an address that could be a secret from a text."""
    parts = sorted({part for part in re.split(r"[/:@?&=#]+", url.partition("://")[2]) if len(part) > 3}, key=len)
    for part in reversed(parts):
        text = text.replace(part, "…")
    return text
