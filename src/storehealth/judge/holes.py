"""Says what a table lacks, and whether that is enough to take a verdict back."""

from __future__ import annotations

from collections.abc import Iterable

from storehealth.model import Hole
from storehealth.wording import Words


def hole_note(holes: Iterable[Hole], least_days: float, words: Words) -> str:
    """What lacks, in one sentence; empty where nothing does, or a table covers at least this share of its days."""
    told = [_told(hole, words) for hole in holes if hole.cause != "short" or hole.count < least_days * hole.of]
    return words.say("unit.semicolon").join(dict.fromkeys(told))


def _told(hole: Hole, words: Words) -> str:
    first = words.day(hole.first) if hole.first else ""
    return words.say(
        f"hole.{hole.cause}", n=hole.count, of=hole.of, table=words.table(hole.table), file=hole.file or "", first=first
    )
