"""The store's settings: ``storehealth.toml``, read and validated, with every mistake reported at once."""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import Field, ValidationError, field_validator

from storehealth.catalogue.common import Fact, Language, Strict
from storehealth.catalogue.files import read_yaml
from storehealth.errors import UsageError

FILE_NAME = "storehealth.toml"
AUTO_REPLIES = "auto_replies.yaml"
HOURS = re.compile(r"([01]\d|2[0-4]):[0-5]\d-([01]\d|2[0-4]):[0-5]\d")
Role = Literal["agent", "bot", "system", "customer"]


class Settings(Strict):
    """What a store's owner sets. Everything has a default, so no file is needed."""

    store: str | None = Field(default=None, description="Name printed on reports; default: the exports folder's name.")
    platform: str | None = None
    timezone: str | None = Field(default=None, description="IANA zone of the store, such as Asia/Shanghai.")
    language: Language = "en"
    hours: tuple[str, ...] | None = Field(
        default=None, description='Service hours, such as ["09:00-12:00", "13:00-23:00"].'
    )
    staff: dict[str, Role] = Field(default={}, description="Sender name in the chat log → role.")
    auto_replies: tuple[str, ...] = Field(
        default=(), description="Texts that agents' accounts send by themselves; also from auto_replies.yaml beside it."
    )
    deposit: dict[str, Any] = Field(default={}, description="Company and account, for refund-checklist's papers.")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, zone: str | None) -> str | None:
        if zone is not None and zone not in available_timezones():
            close = difflib.get_close_matches(zone, sorted(available_timezones()), n=1)
            raise ValueError(f"no such zone{f'; nearest is {close[0]}' if close else ''}")
        return zone

    @field_validator("hours")
    @classmethod
    def _well_formed_hours(cls, hours: tuple[str, ...] | None) -> tuple[str, ...] | None:
        wrong = [part for part in hours or () if not HOURS.fullmatch(part)]
        if wrong:
            raise ValueError(f"write hours as 09:00-23:00, not {', '.join(wrong)}")
        return hours

    @property
    def zone(self) -> ZoneInfo | None:
        """The store's zone, where it is set."""
        return ZoneInfo(self.timezone) if self.timezone else None

    def facts(self) -> dict[str, Fact]:
        """Platform facts that the store sets for itself."""
        if self.hours is None:
            return {}
        own = Fact(value=self.hours, source=f"the store's own {FILE_NAME}", verified="official")
        return {"service_hours": own}


def read_settings(path: Path | None, folder: Path | None = None) -> Settings:
    """Settings from ``path``, else from ``storehealth.toml`` in ``folder`` (default: the current one), else defaults.

    The texts of an ``auto_replies.yaml`` beside it are added.

    Raises:
        UsageError: A file is missing, not TOML or YAML, or has mistakes; the message lists all of them.
    """
    default = (folder or Path.cwd()) / FILE_NAME
    settings = _read(path or default) if path or default.is_file() else Settings()
    texts = _auto_replies((path or default).parent / AUTO_REPLIES)
    return settings.model_copy(update={"auto_replies": (*settings.auto_replies, *texts)}) if texts else settings


def _auto_replies(path: Path) -> tuple[str, ...]:
    """The texts of a list in YAML; none where there is no such file."""
    if not path.is_file():
        return ()
    try:
        texts = read_yaml(path) or []
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid YAML: {' '.join(str(error).split())}", "Mend the line named.") from None
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise UsageError(f"{path} is no list of texts", "Write one text per line, each after a dash, in quotes.")
    return tuple(texts)


def _read(path: Path) -> Settings:
    """The settings of one file."""
    try:
        return Settings.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise UsageError(f"{path} does not exist", "Give --config the path of a storehealth.toml.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}", "Mend the line named.") from None
    except ValidationError as error:
        problems = "\n".join(_explain(path, item) for item in error.errors(include_url=False))
        raise UsageError(problems, "Mend the settings named above.") from None


def _explain(path: Path, item: Any) -> str:
    where = [str(part) for part in item["loc"]]
    message = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        close = difflib.get_close_matches(where[-1], list(Settings.model_fields), n=1)
        message = "no such setting" + (f"; nearest is {close[0]}" if close else "")
    return f"{path.name}:{_line(path, where)}: {'.'.join(where)}: {message}"


def _line(path: Path, where: list[str]) -> int:
    """Line of a setting: the first that begins with one of its keys, innermost first."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for key in reversed(where):
        pattern = re.compile(rf"\s*(\[\s*)?[\"']?{re.escape(key)}[\"']?\s*[\]=.]")
        found = next((number for number, line in enumerate(lines, 1) if pattern.match(line)), None)
        if found:
            return found
    return 1
