"""Types that several kinds of data file share: texts in three languages, durations, sourced facts."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, WithJsonSchema

Language = Literal["en", "zh", "es"]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
NonEmptyText = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Verification = Literal["official", "code", "third-party", "unverified", "assumed"]

SECONDS_PER_UNIT = {"s": 1, "min": 60, "h": 3600, "d": 86400}


class StrictModel(BaseModel):
    """Base of every record read from a data file: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LocalizedText(StrictModel):
    """A sentence in English, Chinese and Spanish."""

    en: NonEmptyText
    zh: NonEmptyText
    es: NonEmptyText

    def in_language(self, language: Language) -> str:
        """The sentence in one language."""
        return str(getattr(self, language))


def parse_duration(value: Any) -> Any:
    """Turn ``30 s``, ``3 min``, ``24 h`` or ``7 d`` into seconds; numbers pass unchanged."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|min|h|d)\s*", value)
    if match is None:
        raise ValueError(f"{value!r} is no duration; write 30 s, 3 min, 24 h or 7 d")
    return float(match[1]) * SECONDS_PER_UNIT[match[2]]


DURATION_SCHEMA: dict[str, Any] = {
    "anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*(s|min|h|d)\s*$"}],
    "description": "Seconds, or written as 30 s, 3 min, 24 h or 7 d.",
}
"""JSON Schema of a duration: data files may write it as text."""
Duration = Annotated[float, BeforeValidator(parse_duration), WithJsonSchema(DURATION_SCHEMA, mode="validation")]


class SourcedModel(StrictModel):
    """A fact about the outside world: its source, the day it takes effect, and how well it is confirmed."""

    source: NonEmptyText
    effective_from: date | None = None
    verified: Verification


class Fact(SourcedModel):
    """One number, word or list that a platform sets, such as its service hours.

    Durations are written ``10 min`` and reach SQL as seconds through ``getvariable('<name>')``.
    """

    value: bool | Duration | str | tuple[str, ...]
    note: str = ""
