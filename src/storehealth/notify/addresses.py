"""Where messages go: Apprise URLs from a file that only its owner can read, or from environment variables."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from storehealth.catalogue.files import NotUtf8Error, decode_utf8
from storehealth.privacy import load_installation_key
from storehealth.settings import NotifySettings
from storehealth.support.message import Message, Name, message
from storehealth.support.os_errors import describe_os_error

OTHERS_MODE = 0o077
NATIVE_URLS = (
    (re.compile(r"https://oapi\.dingtalk\.com/robot/send\?access_token=([\w-]+)"), r"dingtalk://\1/"),
    (re.compile(r"https://open\.feishu\.cn/open-apis/bot/v2/hook/([\w-]+)/?"), r"feishu://\1/"),
    (re.compile(r"https://open\.larksuite\.com/open-apis/bot/v2/hook/([\w-]+)/?"), r"lark://\1/"),
)
"""Webhooks as the services' own pages show them, which Apprise knows by another URL."""


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
