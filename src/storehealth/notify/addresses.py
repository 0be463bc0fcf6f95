"""Where letters go: Apprise URLs from a file that only its owner can read, or from environment variables."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from storehealth.catalogue.files import NotUtf8, utf8
from storehealth.privacy import installation_key
from storehealth.settings import Notify
from storehealth.wording import Words

OTHERS = 0o077
NATIVE = (
    (re.compile(r"https://oapi\.dingtalk\.com/robot/send\?access_token=([\w-]+)"), r"dingtalk://\1/"),
    (re.compile(r"https://open\.feishu\.cn/open-apis/bot/v2/hook/([\w-]+)/?"), r"feishu://\1/"),
    (re.compile(r"https://open\.larksuite\.com/open-apis/bot/v2/hook/([\w-]+)/?"), r"lark://\1/"),
)
"""Webhooks as the services' own pages show them, where Apprise knows them under another name."""


@dataclass(frozen=True)
class Address:
    """Where letters go. ``url`` may hold a key: it is shown nowhere, not even in ``repr``."""

    url: str = field(repr=False)
    place: str
    """Where it is written: ``notify.urls:2`` or ``$SHOP_URL``."""

    @property
    def mark(self) -> str:
        """Tells one address from another without giving it away."""
        return hashlib.blake2b(self.url.encode(), key=installation_key()[:64], digest_size=8).hexdigest()


class Addresses(NamedTuple):
    """What was found, and what stands in the way."""

    found: tuple[Address, ...]
    problems: tuple[str, ...]


def read_addresses(notify: Notify, words: Words) -> Addresses:
    """All addresses the settings name; a file that others may read is refused."""
    found: list[Address] = []
    problems: list[str] = []
    for source in (_of_file(notify.urls_file, words) if notify.urls_file else (), _of_environment(notify, words)):
        for one in source:
            if isinstance(one, Address):
                found += [] if any(one.url == other.url for other in found) else [one]
            else:
                problems.append(one)
    if not found and not problems:
        problems.append(words.say("notify.no_address"))
    return Addresses(tuple(found), tuple(problems))


def open_to_others(path: Path) -> bool:
    """Whether anybody but its owner may read or write a file; where the system knows no owners, nobody may."""
    return os.name == "posix" and bool(path.stat().st_mode & OTHERS)


def _of_file(path: Path, words: Words) -> Iterator[Address | str]:
    try:
        if open_to_others(path):
            yield words.say("notify.file_open", path=path)
            return
        lines = utf8(path.read_bytes()).splitlines()
    except OSError as error:
        yield words.say("notify.file_unread", path=path, reason=words.reason(error.strerror or type(error).__name__))
        return
    except NotUtf8 as error:
        yield words.error(f"{path} {error}")
        return
    written = [(number, line.strip()) for number, line in enumerate(lines, 1)]
    told = [(number, line) for number, line in written if line and not line.startswith("#")]
    if not told:
        yield words.say("notify.file_empty", path=path)
    yield from (Address(_known(line), f"{path.name}:{number}") for number, line in told)


def _of_environment(notify: Notify, words: Words) -> Iterator[Address | str]:
    """Addresses in variables; one that the settings name themselves has to be set."""
    for name in notify.urls_env:
        value = os.environ.get(name, "").split()
        if not value and "urls_env" in notify.model_fields_set:
            yield words.say("notify.variable_unset", name=name)
        yield from (Address(_known(url), f"${name}") for url in value)


def _known(url: str) -> str:
    for pattern, instead in NATIVE:
        if pattern.fullmatch(url):
            return pattern.sub(instead, url)
    return url
