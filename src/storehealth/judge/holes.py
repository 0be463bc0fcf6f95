"""Says what a table lacks, and how bad a figure could be if all of that were bad."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from storehealth.model import Hole, Measurement
from storehealth.wording import Words


def telling(holes: Iterable[Hole], least_days: float) -> tuple[Hole, ...]:
    """The holes that count: all but of tables that cover at least this share of their days."""
    return tuple(hole for hole in holes if hole.cause != "short" or hole.count < least_days * hole.of)


def hole_note(holes: Iterable[Hole], words: Words) -> str:
    """What lacks, in one sentence; empty where nothing does."""
    return words.say("unit.semicolon").join(dict.fromkeys(_told(hole, words) for hole in holes))


def at_worst(measured: Measurement, holes: Sequence[Hole]) -> Measurement | None:
    """The measurement if every row that lacks were a defect; None where it cannot be told how many do.

    Args:
        measured: Of a rule that counts defects, not of one that sums up values.
        holes: Those that count. Tables are taken to lack different rows: their shares add up.
    """
    shares = {hole.table: hole.share for hole in holes}
    if any(hole.share is None for hole in holes):
        return None
    lost = min(sum(share or 0.0 for share in shares.values()), 1.0)
    if lost >= 1:
        return None
    tally = measured.tally
    more = math.ceil(tally.judged * lost / (1 - lost))
    return measured.model_copy(update={"tally": tally.model_copy(update={"late": tally.late + more})})


def _told(hole: Hole, words: Words) -> str:
    first = words.day(hole.first) if hole.first else ""
    return words.say(
        f"hole.{hole.cause}", n=hole.count, of=hole.of, table=words.table(hole.table), file=hole.file or "", first=first
    )
