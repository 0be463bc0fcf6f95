"""How sure figures are: intervals of shares whose rows are not independent, and how a checkup says it was made.

Bursts and outages put many defects into one chat or one day. Wilson's interval treats every row as an independent
observation and is then too narrow. So repeats of one customer count once a day, and whole days are resampled.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from math import exp
from random import Random
from sys import byteorder
from typing import Literal, Protocol

from storehealth.catalogue import Catalogue
from storehealth.catalogue.common import Fact, cite
from storehealth.catalogue.platform import Platform
from storehealth.catalogue.texts import to_message
from storehealth.catalogue.thresholds import INFORMATIVE_FACTS, find_fact_readers
from storehealth.model import Measurement, MethodNote, PublishedMeasurement, TableEnd, VerdictCounts
from storehealth.support.message import Message, Name, message
from storehealth.support.stats import Z_ONE_SIDED, wilson_interval

Interval = tuple[float, float]
RESAMPLES = 1000
MIN_RESAMPLED_DAYS = 14
"""Minimum days with judged rows for resampling whole days."""
TWO_SIDED, ONE_SIDED = 0.025, 0.05
SEED = 1
"""One for all: a seed made of dates would let the same store, a few weeks later, fail or pass by luck."""
FEW_DAYS = 4
"""Defects on fewer days than this say little about other days, whatever their number."""
SCORING_MINIMUMS = ("least_judged", "least_entities", "least_days", "least_coverage", "least_coverage_for_grade")


@dataclass(frozen=True)
class Certainty:
    """Intervals of a defect share: the published one, and the bounds that the verdict uses.

    ``interval`` is two-sided 95 %, of the plain counts; ``bounds`` are one-sided 95 % each, of ``counts``.
    """

    interval: Interval
    kind: Literal["wilson", "day_blocks"]
    bounds: Interval
    counts: VerdictCounts


@dataclass(frozen=True)
class DayCounts:
    """Counts of one day: defects, defects that repeat an earlier one of the same entity, and judged rows."""

    defects: int
    repeats: int
    judged: int


def assess_certainty(measurement: Measurement) -> Certainty | None:
    """Compute the intervals of a defect share; None without judged rows.

    Args:
        measurement: Of a rule that counts a share. Its days are drawn by their order alone: neither the calendar, the
            platform, the order of rows nor repeated files change the draws, and no count enters, so that the same store a
            few weeks later gets the same verdict, and fewer defects never look worse.
    """
    defects, judged, repeats = measurement.tally.defects, measurement.tally.judged, sum(measurement.repeats.values())
    if judged == 0:
        return None
    days = _count_days(measurement)
    defect_days = sum(day.defects > 0 for day in days)
    counts = VerdictCounts(defects=defects - repeats, judged=judged - repeats, days=len(days), defect_days=defect_days)
    plain, deduplicated = wilson_interval(defects, judged), wilson_interval(counts.defects, counts.judged, Z_ONE_SIDED)
    if len(days) < MIN_RESAMPLED_DAYS or defects in (0, judged):
        return Certainty(plain, "wilson", deduplicated, counts)
    weights = _draw_weights(_round_up_to_power_of_two(len(days)))
    wide = _widen(plain, _resample_ends(weights, days, TWO_SIDED, once=False))
    bounds = _widen(deduplicated, _resample_ends(weights, days, ONE_SIDED, once=True))
    return Certainty(wide, "wilson" if wide == plain else "day_blocks", bounds, counts)


def _widen(first: Interval, second: Interval) -> Interval:
    return min(first[0], second[0]), max(first[1], second[1])


def _count_days(measurement: Measurement) -> list[DayCounts]:
    """Counts of each day with judged rows, in order; rows without a day form one day."""
    tallies = {
        segment.segment["day"]: segment.tally
        for segment in measurement.segments
        if "day" in segment.segment and segment.tally.judged
    }
    return [
        DayCounts(tally.defects, measurement.repeats.get(day or "", 0), tally.judged)
        for day, tally in sorted(tallies.items(), key=lambda item: item[0] or "")
    ]


def _resample_ends(weights: Sequence[int], days: list[DayCounts], beyond: float, once: bool) -> Interval:
    """Resample whole days and return the shares that cut off ``beyond`` of the draws at either end."""
    excluded = [day.repeats if once else 0 for day in days]
    defects = _sum_draws(weights, [day.defects - repeats for day, repeats in zip(days, excluded, strict=True)])
    judged = _sum_draws(weights, [day.judged - repeats for day, repeats in zip(days, excluded, strict=True)])
    shares = sorted(part / whole for part, whole in zip(defects, judged, strict=True) if whole)
    tail = int(len(shares) * beyond)
    return shares[tail - 1], shares[-tail]


def _sum_draws(weights: Sequence[int], counts: Sequence[int]) -> array[int]:
    """The sum of the days' counts in each draw; all draws are added at once, each in its own 64 bits of a long number."""
    total = sum(weight * count for weight, count in zip(weights, counts, strict=False))
    return array("Q", total.to_bytes(8 * RESAMPLES, byteorder))


def _round_up_to_power_of_two(days: int) -> int:
    """Round up to a power of two, so that rules with about as many days share their (cached) draws."""
    return 1 << (days - 1).bit_length()


@lru_cache(maxsize=4)
def _draw_weights(days: int) -> tuple[int, ...]:
    """How often each draw includes each day: the Poisson bootstrap, with mean one for every day.

    For many days it approximates drawing with replacement, and the weights of the first days do not depend on how many
    follow. The numbers are those of ``numpy.random.RandomState(SEED).poisson(1.0, (days, RESAMPLES))``, whose stream is
    frozen; drawing them here spares the import of numpy, which takes longer.

    Returns:
        For each day one number that holds the weight in each draw, 64 bits each; see :func:`_sum_draws`.
    """
    uniform, least = _seed_generator(SEED).random, exp(-1.0)
    found = []
    for _ in range(days):
        weights = array("Q", bytes(8 * RESAMPLES))
        for draw in range(RESAMPLES):
            product = uniform()
            while product > least:
                weights[draw] += 1
                product *= uniform()
        found.append(int.from_bytes(weights.tobytes(), byteorder))
    return tuple(found)


def _seed_generator(seed: int) -> Random:
    """Python's own Mersenne twister, seeded as numpy's RandomState seeds it."""
    words = [seed]
    for place in range(1, 624):
        words.append((1812433253 * (words[-1] ^ (words[-1] >> 30)) + place) & 0xFFFFFFFF)
    generator = Random()  # noqa: S311 - of draws, not of secrets
    generator.setstate((3, (*words, len(words)), None))
    return generator


class DatedTables(Protocol):
    """The part of an open store that tells where its tables end; this module never touches the database."""

    @property
    def as_of(self) -> datetime | None:
        """The moment of the audit."""

    @property
    def table_ends(self) -> Mapping[str, datetime]:
        """The last event of each table."""


def summarise_table_ends(store: DatedTables, covered: Mapping[str, tuple[int, int]]) -> dict[str, TableEnd]:
    """Where each table ends, and how many days of the window it covers."""
    if store.as_of is None:
        return {}
    return {
        table: TableEnd(
            last=last, age_hours=round((store.as_of - last).total_seconds() / 3600, 2), days=days, of_days=of_days
        )
        for table, last in sorted(store.table_ends.items())
        for days, of_days in [covered.get(table, (None, None))]
    }


def publish_measurements(measurements: Iterable[Measurement]) -> tuple[PublishedMeasurement, ...]:
    """Counts per rule and slice, from which a later run can judge this one again."""
    return tuple(
        PublishedMeasurement(
            code=measurement.code,
            segment=segment.segment,
            value=segment.value,
            defects=segment.tally.defects,
            judged=segment.tally.judged,
            undecided=segment.tally.undecided,
        )
        for measurement in measurements
        for segment in measurement.segments
    )


def describe_method(catalogue: Catalogue, platform: Platform) -> MethodNote:
    """How the figures were made: the scoring constants, and the platform's facts that any view or rule reads."""
    scoring = catalogue.scoring
    constants = {f"weight.{area}": weight for area, weight in scoring.area_weights.items()}
    constants |= {f"severity.{severity}": weight for severity, weight in scoring.severity_weights.items()}
    constants |= {f"cap.{severity}": cap for severity, cap in scoring.caps.items()}
    constants |= {f"grade.{grade}": least for grade, least in scoring.grades.items()}
    constants |= {name: getattr(scoring, name) for name in SCORING_MINIMUMS}
    constants |= {"least_days_drawn": MIN_RESAMPLED_DAYS, "draws_of_days": RESAMPLES}
    shown = {
        name: ", ".join(fact.value) if isinstance(fact.value, tuple) else fact.value
        for name, fact in platform.facts.items()
    }
    read_facts = find_fact_readers(catalogue.views, catalogue.rules.values())
    place = f"platform.{catalogue.find_notes_key(platform)}"
    return MethodNote(
        rules_digest=catalogue.compute_digest("rules"),
        constants=constants,
        facts={
            name: message(
                "method.fact",
                value=Name(str(shown[name])),
                source=cite(fact.source),
                certainty=_describe_certainty(fact),
            )
            for name, fact in sorted(platform.facts.items())
            if name in read_facts or name in INFORMATIVE_FACTS
        },
        caveats=(
            *(to_message(note, f"{place}.{number}") for number, note in enumerate(platform.notes)),
            message("verdict.method", days=MIN_RESAMPLED_DAYS, draws=RESAMPLES),
        ),
    )


def _describe_certainty(fact: Fact) -> Message:
    """How well a fact is confirmed, and since when it holds."""
    confirmed = message(f"verified.{fact.verified}")
    if fact.effective_from is not None:
        return message("method.certainty", parts=(confirmed, message("screen.from_day", day=fact.effective_from)))
    if fact.verified == "assumed":
        return confirmed
    return message("method.certainty", parts=(confirmed, message("screen.from_unknown")))
