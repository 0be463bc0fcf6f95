"""How sure a platform's number is, and since when it holds: said the same way wherever one is shown."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from storehealth.wording import Words

UNSURE = ("third-party", "unverified", "assumed")


class Sourced(Protocol):
    """What tells where a number comes from."""

    @property
    def verified(self) -> str: ...  # noqa: D102 - see LimitSource

    @property
    def effective_from(self) -> date | None: ...  # noqa: D102


def mark(verified: str, words: Words) -> str:
    """What says that nobody has confirmed a number; empty where somebody has."""
    return words.say(f"verified.{verified}") if verified in UNSURE else ""


def marked(text: str, verified: str, words: Words) -> str:
    """A number as text, with its mark in brackets."""
    said = mark(verified, words)
    return words.say("unit.brackets", what=text, inside=said) if said else text


def since(source: Sourced, words: Words) -> str:
    """From which day a number holds, or that this is not known; nothing for a choice of storehealth's own."""
    if source.effective_from:
        return words.say("screen.from_day", day=words.day(source.effective_from))
    return "" if source.verified == "assumed" else words.say("screen.from_unknown")


def sureness(source: Sourced, words: Words) -> str:
    """Both in one: ``third-party, unconfirmed, from 2021-01-01``."""
    said = (words.say(f"verified.{source.verified}"), since(source, words))
    return words.say("unit.comma").join(part for part in said if part)
