"""Reasons against a verdict although there are limits: times too coarse, no rows, or too few."""

from __future__ import annotations

from collections.abc import Iterator

from storehealth.enough import count_required_rows, count_rows
from storehealth.judge.case import RuleCase

HOUR, DAY = 3600.0, 86400.0
SECONDS_PER_UNIT = {"seconds": 1.0, "hours": HOUR, "days": DAY}


def find_obstacles(case: RuleCase) -> Iterator[str]:
    """Yield the reasons against a verdict, the strongest first; none where a verdict can be given."""
    measurement, words = case.measurement, case.words
    resolution = _find_required_resolution(case)
    if resolution is not None and measurement.resolution_seconds > resolution:
        step, limit = (
            words.format_figure(seconds, "seconds") for seconds in (measurement.resolution_seconds, resolution)
        )
        yield words.say("verdict.coarse", step=step, within=limit)
    judged, required = (
        count_rows(case.rule, measurement.tally),
        count_required_rows(case.rule, case.bounds, case.catalogue.scoring),
    )
    if judged == 0 and not sum(measurement.tally.model_dump().values()):
        yield words.say("verdict.no_rows")
    if judged < required:
        yield words.say("verdict.too_few", n=judged, least=required)


def _find_required_resolution(case: RuleCase) -> float | None:
    """The resolution in seconds that the rule's times must have; None where times play no part.

    That is the rule's duration (looked up if it is a fact of the platform); a day where days are compared; an hour where
    a promise names a moment; the limit itself where the figure is a duration.
    """
    in_time, value = case.rule.measure.in_time, case.rule.measure.value
    if value is not None and value.unit in SECONDS_PER_UNIT and case.bounds is not None:
        return case.bounds.limit * SECONDS_PER_UNIT[value.unit]
    if in_time is None:
        return None
    if in_time.within is None:
        return DAY if in_time.by_date is not None else HOUR
    if not isinstance(in_time.within, str):
        return in_time.within
    fact = case.platform.facts.get(in_time.within)
    return float(fact.value) if fact is not None and isinstance(fact.value, int | float) else None
