"""How certain a platform's number is and since when it holds, worded the same wherever it is shown."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from storehealth.wording import Words

UNSURE = ("third-party", "unverified", "assumed")


class DatedSource(Protocol):
    """Anything that records where a number comes from."""

    @property
    def verified(self) -> str: ...  # noqa: D102 - see LimitSource

    @property
    def effective_from(self) -> date | None: ...  # noqa: D102


def format_doubt(verified: str, words: Words) -> str:
    """The mark of an unconfirmed number; empty where it is confirmed."""
    return words.say(f"verified.{verified}") if verified in UNSURE else ""


def mark_doubt(text: str, verified: str, words: Words) -> str:
    """A number as text, with its mark in brackets."""
    sentence = format_doubt(verified, words)
    return words.say("unit.brackets", what=text, inside=sentence) if sentence else text


def describe_since(source: DatedSource, words: Words) -> str:
    """Since which day a number holds, or that this is unknown; empty for storehealth's own assumptions."""
    if source.effective_from:
        return words.say("screen.from_day", day=words.format_day(source.effective_from))
    return "" if source.verified == "assumed" else words.say("screen.from_unknown")


def describe_certainty(source: DatedSource, words: Words) -> str:
    """Certainty and date: ``third-party, unconfirmed, from 2021-01-01``."""
    parts = (words.say(f"verified.{source.verified}"), describe_since(source, words))
    return words.say("unit.comma").join(part for part in parts if part)
