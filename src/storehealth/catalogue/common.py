"""Types that several kinds of data file share: texts in three languages, durations, sourced facts, and needs.

A need is what a view or rule cannot do without: a table (``messages``), a column (``orders.paid_at``), a word that some row
must have (``orders.status=cancelled``), or one of several (``a|b.c``).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import date
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints, WithJsonSchema

from storehealth.support.message import Language as Language
from storehealth.support.message import Message, Name, localize, message, space_scripts, verbatim
from storehealth.support.validation import InvalidValue, with_nearest

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
NonEmptyText = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


def check_zone(zone: str) -> str:
    """Return the name of a time zone that is known here.

    Raises:
        InvalidValue: Naming the nearest one.
    """
    if zone not in available_timezones():
        raise InvalidValue(with_nearest(message("settings.zone"), zone, sorted(available_timezones())))
    return zone


ZoneName = Annotated[str, AfterValidator(check_zone)]
"""IANA name of a time zone, such as Asia/Shanghai."""
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
        return space_scripts(self.zh) if language == "zh" else str(getattr(self, language))


def parse_duration(value: Any) -> Any:
    """Turn ``30 s``, ``3 min``, ``24 h`` or ``7 d`` into seconds; numbers pass unchanged."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|min|h|d)\s*", value)
    if match is None:
        raise InvalidValue(message("catalogue.duration", value=Name(value)))
    return float(match[1]) * SECONDS_PER_UNIT[match[2]]


DURATION_SCHEMA: dict[str, Any] = {
    "anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*(s|min|h|d)\s*$"}],
    "description": "Seconds, or written as 30 s, 3 min, 24 h or 7 d.",
}
"""JSON Schema of a duration: data files may write it as text."""
Duration = Annotated[float, BeforeValidator(parse_duration), WithJsonSchema(DURATION_SCHEMA, mode="validation")]


def cite(source: str | LocalizedText) -> Message:
    """Where something was read: the title of a document as it is, or a sentence of ours in the reader's language."""
    return verbatim(source) if isinstance(source, str) else localize(source.en, source.zh, source.es)


class SourcedModel(StrictModel):
    """A fact about the outside world: its source, the day it takes effect, and how well it is confirmed."""

    source: NonEmptyText | LocalizedText
    effective_from: date | None = None
    verified: Verification


class Fact(SourcedModel):
    """One number, word or list that a platform sets, such as its service hours.

    Durations are written ``10 min`` and reach SQL as seconds through ``getvariable('<name>')``.
    """

    value: bool | Duration | str | tuple[str, ...]
    note: LocalizedText | str = ""


def split_alternatives(need: str) -> tuple[str, ...]:
    """Split a need into the tables or columns any one of which meets it, best first."""
    return tuple(part.strip() for part in need.split("|"))


def find_unmet_needs(needs: Iterable[str], filled: Collection[str]) -> tuple[str, ...]:
    """The needs without any alternative in ``filled`` (``orders``, ``orders.paid_at`` …), each once, in order."""
    return tuple(need for need in dict.fromkeys(needs) if not any(part in filled for part in split_alternatives(need)))


def find_words(needs: Iterable[str]) -> dict[str, dict[str, None]]:
    """The words that needs ask for, by column: ``orders.status`` → ``cancelled``."""
    words: dict[str, dict[str, None]] = {}
    for column, sign, word in (part.partition("=") for need in needs for part in split_alternatives(need)):
        if sign:
            words.setdefault(column, {})[word] = None
    return words


def strip_word(need: str) -> str:
    """The table or column of a need that asks for a word in it; any other need as it is."""
    return need.partition("=")[0]


def list_needed_tables(needs: Iterable[str], filled: Collection[str]) -> set[str]:
    """The tables that meet the needs: of several alternatives the first one available, else the first."""
    tables = set()
    for need in needs:
        candidates = [part.partition(".")[0] for part in split_alternatives(need)]
        tables.add(next((table for table in candidates if table in filled), candidates[0]))
    return tables
