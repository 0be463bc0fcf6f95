"""The settings of a store, as its owner may write them."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, field_validator

from storehealth.catalogue.common import Duration, Fact, Language, StrictModel

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
