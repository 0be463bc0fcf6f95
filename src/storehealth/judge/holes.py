"""Describes the rows that a table lacks, and works out how bad a figure could be if all of them had failed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from storehealth.model import DataHole, Measurement
from storehealth.wording import Words


def select_relevant_holes(holes: Iterable[DataHole], least_days: float) -> tuple[DataHole, ...]:
    """Select the holes that matter: a short table that covers at least this share of its days has none."""
    return tuple(hole for hole in holes if hole.cause != "short" or hole.count < least_days * hole.of)


def describe_holes(holes: Iterable[DataHole], words: Words) -> str:
    """Describe what is missing in one sentence; empty where nothing is."""
    return words.say("unit.semicolon").join(dict.fromkeys(_describe_hole(hole, words) for hole in holes))


def assume_worst(measurement: Measurement, holes: Sequence[DataHole]) -> Measurement | None:
    """Recount a measurement as if every missing row were a defect; None if their number cannot be estimated.

    Args:
        measurement: Of a rule that counts defects, not of one that summarises values.
        holes: Those that matter. Tables are assumed to lack different rows, so their shares add up.
    """
    shares = {hole.table: hole.share for hole in holes}
    if any(hole.share is None for hole in holes):
        return None
    missing_share = min(sum(share or 0.0 for share in shares.values()), 1.0)
    if missing_share >= 1:
        return None
    tally = measurement.tally
    assumed_defects = math.ceil(tally.judged * missing_share / (1 - missing_share))
    return measurement.model_copy(update={"tally": tally.model_copy(update={"late": tally.late + assumed_defects})})


def _describe_hole(hole: DataHole, words: Words) -> str:
    first = words.format_day(hole.first) if hole.first else ""
    return words.say(
        f"hole.{hole.cause}",
        n=hole.count,
        of=hole.of,
        table=words.name_table(hole.table),
        file=hole.file or "",
        first=first,
    )
