"""The settings of a store, as its owner may write them.

Describes mistakes in settings: place, key, what is allowed, the nearest name. Values are never quoted in full.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, Field, ValidationError, field_validator

from storehealth.catalogue.common import Duration, Fact, Language, StrictModel
from storehealth.privacy import holds_address

FILE_NAME = "storehealth.toml"
URLS_VARIABLE = "STOREHEALTH_NOTIFY_URLS"
HOURS = re.compile(r"([01]\d|2[0-4]):[0-5]\d-([01]\d|2[0-4]):[0-5]\d")
TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
VARIABLE = re.compile(r"[A-Za-z_]\w*")
Role = Literal["agent", "bot", "system", "customer"]
When = Literal["change", "fail", "always", "never"]


class NotifySettings(StrictModel):
    """Who is notified of a checkup, when, and in which language."""

    urls_file: Path | None = Field(
        default=None,
        description="File that only you can read (mode 0600) with the services' addresses, one Apprise URL per line.",
    )
    urls_env: tuple[str, ...] = Field(
        default=(URLS_VARIABLE,), description="Environment variables that hold addresses, separated by spaces."
    )
    when: When = Field(
        default="change",
        description="change: a finding starts or stops failing, the score's band changes, or an area can no longer be"
        " judged; fail: whenever something fails; always; never.",
    )
    digest: str | None = Field(
        default=None, description="A time of day such as 18:00, at which everything new is sent in one message."
    )
    quiet_hours: str | None = Field(
        default=None, description="Hours in which nothing is sent, such as 22:00-08:00; messages wait until they end."
    )
    suppress: Duration = Field(
        default=12 * 3600.0, ge=0, description="The same content is not sent again within this time, such as 12 h."
    )
    language: Language | None = Field(default=None, description="Language of messages. Default: the checkup's.")

    @field_validator("quiet_hours")
    @classmethod
    def _check_quiet_hours(cls, hours: str | None) -> str | None:
        if hours is not None and (not HOURS.fullmatch(hours) or hours[:5] == hours[6:]):
            raise ValueError(f"write quiet hours as 22:00-08:00, not {hours}")
        return hours

    @field_validator("digest")
    @classmethod
    def _check_digest(cls, time: str | None) -> str | None:
        if time is not None and not TIME.fullmatch(time):
            raise ValueError(f"write a time of day as 18:00, not {time}")
        return time

    @field_validator("urls_env")
    @classmethod
    def _check_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not all(VARIABLE.fullmatch(name) for name in names):
            raise ValueError("name environment variables, such as SHOP_WECOM_URL")
        return names


class Settings(StrictModel):
    """The settings of a store. Everything has a default, so no file is needed."""

    store: str | None = Field(default=None, description="Name printed on reports; default: the exports folder's name.")
    platform: str | None = Field(
        default=None, description="Marketplace whose limits and clocks apply; default: detected from the files."
    )
    timezone: str | None = Field(default=None, description="IANA zone of the store, such as Asia/Shanghai.")
    language: Language = Field(default="en", description="Language of screen and reports: en, zh, es.")
    hours: tuple[str, ...] | None = Field(
        default=None, description='Service hours, such as ["09:00-12:00", "13:00-23:00"].'
    )
    staff: dict[str, Role] = Field(default={}, description="Sender name in the chat log → role.")
    auto_replies: tuple[str, ...] = Field(
        default=(),
        description="Automatic replies of agents' accounts; also read from auto_replies.yaml in the same folder.",
    )
    deposit: dict[str, Any] = Field(
        default={}, description="Company and bank account, for the documents of refund-checklist."
    )
    notify: NotifySettings = Field(
        default=NotifySettings(), description="Who is notified of a checkup, when, and in which language."
    )

    @field_validator("timezone")
    @classmethod
    def _check_zone(cls, zone: str | None) -> str | None:
        if zone is not None and zone not in available_timezones():
            close = difflib.get_close_matches(zone, sorted(available_timezones()), n=1)
            raise ValueError(f"no such zone; nearest is {close[0]}" if close else "no such zone")
        return zone

    @field_validator("hours")
    @classmethod
    def _check_hours(cls, hours: tuple[str, ...] | None) -> tuple[str, ...] | None:
        wrong = [part for part in hours or () if not HOURS.fullmatch(part)]
        if wrong:
            raise ValueError(f"write hours as 09:00-23:00, not {', '.join(wrong)}")
        return hours

    @property
    def zone(self) -> ZoneInfo | None:
        """The store's time zone, where it is set."""
        return ZoneInfo(self.timezone) if self.timezone else None

    def list_facts(self) -> dict[str, Fact]:
        """Return the platform facts that the store sets for itself."""
        if self.hours is None:
            return {}
        own = Fact(value=self.hours, source=f"the store's own {FILE_NAME}", verified="official")
        return {"service_hours": own}


FREE_TEXTS = ("deposit", "auto_replies", "store", "staff")
"""Settings whose texts may hold anything, addresses too."""
Leaves = Callable[[Mapping[str, Any]], Iterable[tuple[tuple[str, ...], Any]]]


def explain_problems(
    error: ValidationError, model: type[BaseModel], places: Mapping[str, str], handled: Collection[str]
) -> Iterator[str]:
    """Describe each mistake in a line.

    Args:
        error: What validation found.
        model: The record that was validated.
        places: Dotted key → file and line, or variable.
        handled: Keys that have been reported already.
    """
    for item in error.errors(include_url=False):
        keys = [str(part) for part in item["loc"]]
        if ".".join(keys) not in handled:
            yield f"{_find_place(keys, places)}: {'.'.join(keys)}: {_describe(item, model, keys)}"


def _find_place(keys: Sequence[str], places: Mapping[str, str]) -> str:
    """Return the place of a value, else of the first one inside it, or around it."""
    for length in range(len(keys), 0, -1):
        key = ".".join(keys[:length])
        nearby = [place for other, place in places.items() if other == key or other.startswith(f"{key}.")]
        if nearby:
            return nearby[0]
    return "settings"


def _describe(item: Any, model: type[BaseModel], keys: list[str]) -> str:
    message = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        close = difflib.get_close_matches(keys[-1], _list_fields(model, keys[:-1]), n=1)
        return f"no such setting; nearest is {close[0]}" if close else "no such setting"
    if item["type"] == "literal_error":
        allowed = re.findall(r"'([^']+)'", item["ctx"]["expected"])
        close = difflib.get_close_matches(str(item["input"]), allowed, n=1)
        return f"Input should be {item['ctx']['expected']}" + (f"; nearest is {close[0]}" if close else "")
    return message


def _list_fields(model: type[BaseModel], keys: Sequence[str]) -> list[str]:
    """List the keys that a table may have."""
    for key in keys:
        inner = model.model_fields[key].annotation if key in model.model_fields else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return list(model.model_fields)


def find_addresses(values: Mapping[str, Any], leaves: Leaves) -> list[tuple[str, ...]]:
    """List the keys whose value holds an address. Addresses may contain secrets, so they are not allowed in settings."""
    return [keys for keys, value in leaves(values) if keys[0] not in FREE_TEXTS and holds_address(str(value))]


def find_line(path: Path, keys: Sequence[str]) -> int:
    """Find the line of a setting: its key below its table's header, else the first line that begins with one of its keys."""
    lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    table = ".".join(keys[:-1])
    start = next((number for number, line in enumerate(lines) if _header(line) == table), 0) if table else 0
    for key in reversed(keys):
        pattern = re.compile(rf"\s*(\[\s*)?[\"']?{re.escape(key)}[\"']?\s*[\]=.]")
        for first in (start, 0):
            found = next((n for n, line in enumerate(lines[first:], first + 1) if pattern.match(line)), None)
            if found:
                return found
    return 1


def _header(line: str) -> str | None:
    match = re.match(r"\s*\[\s*([^\]]+?)\s*\]", line)
    return re.sub(r"[\"'\s]", "", match[1]) if match else None
