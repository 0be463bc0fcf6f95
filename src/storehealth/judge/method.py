"""Parts of the checkup that document how it was made: table ends, counts per slice, the method."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from storehealth.catalogue import Catalogue
from storehealth.catalogue.common import Fact, cite
from storehealth.catalogue.facts import INFORMATIVE_FACTS, find_fact_readers
from storehealth.catalogue.platform import Platform
from storehealth.catalogue.texts import to_message
from storehealth.judge.certainty import MIN_RESAMPLED_DAYS, RESAMPLES
from storehealth.model import Measurement, MethodNote, PublishedMeasurement, TableEnd
from storehealth.support.message import Message, Name, message

SCORING_MINIMUMS = ("least_judged", "least_entities", "least_days", "least_coverage", "least_coverage_for_grade")


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
