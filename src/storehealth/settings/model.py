"""The settings of a store, as its owner may write them, and descriptions of mistakes in them.

A mistake is described by place, key, what is allowed and the nearest name. Values are never quoted in full.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, Field, ValidationError, field_validator, model_validator

from storehealth.catalogue.common import Duration, Fact, Language, StrictModel, ZoneName, parse_duration
from storehealth.catalogue.platform import OWN_SOURCE, PlatformLimit
from storehealth.privacy import holds_address
from storehealth.support.message import Message, Name, message
from storehealth.support.service_hours import find_unknown_country, parse_hours
from storehealth.support.validation import InvalidValue, describe_mistake

FILE_NAME = "storehealth.toml"
URLS_VARIABLE = "STOREHEALTH_NOTIFY_URLS"
HOURS = re.compile(r"([01]\d|2[0-4]):[0-5]\d-([01]\d|2[0-4]):[0-5]\d")
TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
VARIABLE = re.compile(r"[A-Za-z_]\w*")
CODE = re.compile(r"[A-Z]{2}\d{2}")
PERCENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*")
SOURCE = OWN_SOURCE
"""Source of facts and limits that the store sets for itself, as reports show it."""
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
    attach: bool = Field(
        default=False,
        description="Attach the HTML page where a service takes files, as mail does; personal data are masked in it as in"
        " every report. Otherwise the message names its path.",
    )

    @field_validator("quiet_hours")
    @classmethod
    def _check_quiet_hours(cls, hours: str | None) -> str | None:
        if hours is not None and (not HOURS.fullmatch(hours) or hours[:5] == hours[6:]):
            raise InvalidValue(message("settings.quiet_hours", text=Name(hours)))
        return hours

    @field_validator("digest")
    @classmethod
    def _check_digest(cls, time: str | None) -> str | None:
        if time is not None and not TIME.fullmatch(time):
            raise InvalidValue(message("settings.digest", text=Name(time)))
        return time

    @field_validator("urls_env")
    @classmethod
    def _check_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not all(VARIABLE.fullmatch(name) for name in names):
            raise InvalidValue(message("settings.variables"))
        return names


def _parse_limit(value: Any) -> Any:
    """Read ``4%`` as 0.04, and a duration as seconds; other values are left to pydantic."""
    if not isinstance(value, str):
        return value
    percent = PERCENT.fullmatch(value)
    try:
        return float(percent[1]) / 100 if percent else parse_duration(value)
    except ValueError:
        raise InvalidValue(message("settings.limit_value", text=Name(value))) from None


LimitValue = Annotated[float, BeforeValidator(_parse_limit, json_schema_input_type=float | str)]


class StoreLimit(StrictModel):
    """A limit of the store's own for one rule, in the rule's direction and unit."""

    limit: LimitValue | None = Field(default=None, description="Where the rule fails, such as 4% or 30 s.")
    target: LimitValue | None = Field(default=None, description="What passes. Default: the platform's or rule's own.")
    by: dict[str, dict[str, LimitValue]] = Field(
        default={},
        description="Limits of single slices: a column the rule is sliced by, such as warehouse, channel or weekday (1-7), "
        "and the limit of each of its values.",
    )

    @model_validator(mode="after")
    def _check_any(self) -> StoreLimit:
        if self.limit is None and not self.by:
            raise InvalidValue(message("settings.limit_missing"))
        return self


class HasBounds(Protocol):
    """A target and a limit, whoever sets them."""

    @property
    def target(self) -> float:
        """What passes."""

    @property
    def limit(self) -> float:
        """What fails."""


class Settings(StrictModel):
    """The settings of a store. Everything has a default, so no file is needed."""

    store: str | None = Field(default=None, description="Name printed on reports; default: the exports folder's name.")
    platform: str | None = Field(
        default=None, description="Marketplace whose limits and clocks apply; default: detected from the files."
    )
    site: str | None = Field(
        default=None,
        description="Country or market of the platform, such as MX or US. Default: detected from the files.",
    )
    timezone: ZoneName | None = Field(default=None, description="IANA zone of the store, such as Asia/Shanghai.")
    language: Language = Field(default="en", description="Language of screen and reports: en, zh, es.")
    hours: tuple[str, ...] | None = Field(
        default=None,
        description='Service hours, such as ["09:00-23:00"] or ["Mon-Fri 09:00-18:00", "Sat 10:00-14:00"].',
    )
    channel: str | None = Field(
        default=None,
        description="Channel of all conversations: chat, mail, ticket, social. Mail, tickets and social networks are judged by"
        " hours, not by seconds. Default: as the files say.",
    )
    holidays: tuple[str, ...] = Field(
        default=(),
        description='Countries by ISO code, such as "CN", on whose holidays nobody is on duty. Hours of holidays, if any, are'
        ' written as "holidays 10:00-16:00".',
    )
    limits: dict[str, StoreLimit] = Field(
        default={},
        description='Limits of your own by rule code, such as LG01 = "3%" or CS01 = {target = 0.95, limit = 0.9}; of single'
        ' slices, by a column the rule is sliced by: [limits.LG05.by.warehouse], then WH2 = "8%".',
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

    @field_validator("hours")
    @classmethod
    def _check_hours(cls, hours: tuple[str, ...] | None) -> tuple[str, ...] | None:
        try:
            parse_hours(hours or ())
        except ValueError as error:
            raise InvalidValue(message("settings.hours", text=Name(str(error)))) from None
        return hours

    @field_validator("holidays", mode="before")
    @classmethod
    def _split_holidays(cls, codes: Any) -> Any:
        return tuple(codes.replace(",", " ").split()) if isinstance(codes, str) else codes

    @field_validator("holidays")
    @classmethod
    def _check_holidays(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        unknown = find_unknown_country(codes) if codes else None
        if unknown:
            raise InvalidValue(message("settings.country", code=Name(unknown)))
        return codes

    @field_validator("limits", mode="before")
    @classmethod
    def _read_limits(cls, limits: Any) -> Any:
        """Read ``LG01 = 0.03`` as ``LG01 = {limit = 0.03}``."""
        if not isinstance(limits, dict):
            return limits
        wrong = next((code for code in limits if not CODE.fullmatch(str(code))), None)
        if wrong is not None:
            raise InvalidValue(message("settings.limit_code", code=Name(wrong)))
        return {code: value if isinstance(value, dict) else {"limit": value} for code, value in limits.items()}

    @property
    def zone(self) -> ZoneInfo | None:
        """The store's time zone, where it is set."""
        return ZoneInfo(self.timezone) if self.timezone else None

    def list_facts(self) -> dict[str, Fact]:
        """Return the platform facts that the store sets for itself."""
        facts = {"service_hours": self.hours, "holidays": self.holidays or None, "channel": self.channel}
        return {
            name: Fact(value=value, source=SOURCE, verified="official")
            for name, value in facts.items()
            if value is not None
        }

    def list_limits(self, defaults: Mapping[str, HasBounds]) -> dict[str, PlatformLimit]:
        """Return the limits that the store sets for itself.

        Args:
            defaults: The limits that hold otherwise, by code: they give the target where the store sets none. A target is
                never laxer than the limit, whichever direction the rule has.
        """
        return {
            code: _to_platform_limit(limits.limit, limits.target, defaults.get(code))
            for code, limits in self.limits.items()
            if limits.limit is not None
        }

    def list_slice_limits(self) -> dict[str, dict[str, dict[str, float]]]:
        """Return the limits of single slices, by code, dimension and value."""
        return {code: limits.by for code, limits in self.limits.items() if limits.by}


def _to_platform_limit(limit: float, target: float | None, default: HasBounds | None) -> PlatformLimit:
    if target is None and default is not None:
        # moved past a target that lies between: the rule's direction is that from its limit to its target
        is_higher_better = default.target > default.limit
        target = (max if is_higher_better else min)(default.target, limit)
    return PlatformLimit(
        target=limit if target is None else target, limit=limit, source=OWN_SOURCE, verified="official"
    )


FREE_TEXTS = ("deposit", "auto_replies", "store", "staff")
"""Settings whose texts may hold anything, addresses too."""
Leaves = Callable[[Mapping[str, Any]], Iterable[tuple[tuple[str, ...], Any]]]


def explain_problems(
    error: ValidationError, model: type[BaseModel], places: Mapping[str, Message], handled: Collection[str]
) -> Iterator[Message]:
    """Describe each mistake in a line.

    Args:
        error: What validation found.
        model: The record that was validated.
        places: Dotted key → file and line, or variable.
        handled: Keys that have been reported already.
    """
    for item in error.errors(include_url=False):
        keys = [str(part) for part in item["loc"]]
        key = ".".join(keys)
        if key not in handled:
            what = describe_mistake(item, _list_fields(model, keys[:-1]))
            yield message("settings.problem", place=_find_place(keys, places), key=Name(key), what=what)


def _find_place(keys: Sequence[str], places: Mapping[str, Message]) -> Message:
    """Return the place of a value, else of the first one inside it, or around it."""
    for length in range(len(keys), 0, -1):
        key = ".".join(keys[:length])
        nearby = [place for other, place in places.items() if other == key or other.startswith(f"{key}.")]
        if nearby:
            return nearby[0]
    return message("settings.somewhere")


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
    start = next((number for number, line in enumerate(lines) if _parse_header(line) == table), 0) if table else 0
    for key in reversed(keys):
        pattern = re.compile(rf"\s*(\[\s*)?[\"']?{re.escape(key)}[\"']?\s*[\]=.]")
        for first in (start, 0):
            line_number = next((n for n, line in enumerate(lines[first:], first + 1) if pattern.match(line)), None)
            if line_number:
                return line_number
    return 1


def _parse_header(line: str) -> str | None:
    match = re.match(r"\s*\[\s*([^\]]+?)\s*\]", line)
    return re.sub(r"[\"'\s]", "", match[1]) if match else None
