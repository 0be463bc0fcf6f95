"""The sentences of advice: the headline, where the misses are, and what an action avoids a week."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from storehealth.catalogue.rule import Rule
from storehealth.catalogue.texts import name_dimension
from storehealth.catalogue.thresholds import Scoring
from storehealth.catalogue.view import View
from storehealth.model import AreaScore, Driver, Finding, Measurement, Recommendation, Score, Severity
from storehealth.score.metrics import AreaGain, find_largest_gain
from storehealth.support.message import Message, Name, message, quantity, sentences
from storehealth.support.stats import bonferroni_z, two_proportion_z

SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "info")
MAX_PLACES = 2
NON_RECURRING_UNITS = ("day", "topic", "sku")
"""Entities that do not recur every week, so they get no weekly figure."""
MIN_WEEKLY_DAYS, MAX_WEEKLY_DAYS = 7, 92
"""Days of data that allow a weekly figure: fewer make it a guess, and over more it describes no actual week."""
MAX_NAMED_SLICES = 3
MIN_NAMED_SHARE = 0.2
"""Share of the misses that the slices named with an action must hold in total."""


def compose_headline(
    score: Score,
    areas: Sequence[AreaScore],
    findings: Iterable[Finding],
    scoring: Scoring,
    usable: bool = True,
    proven: Collection[str] = (),
) -> Message:
    """Compose one plain sentence: where the store loses most, and its score with that area at its targets.

    The sentence names the areas it rests on if some are missing, and says so if no file was ``usable``. Without a score it
    names the worst failure, one that is ``proven`` by rows before all others.
    """
    if not usable:
        return message("headline.sentence", body=message("headline.none_usable"))
    findings = tuple(findings)
    if score.value is None:
        return message("headline.sentence", body=_compose_withheld(score, findings, proven))
    scored_areas = [area for area in areas if area.score is not None]
    gain = find_largest_gain(findings, scoring)
    body = _add_lowest(_compose_body(score, gain, findings), gain, scored_areas)
    if len(scored_areas) == len(areas):
        return message("headline.sentence", body=body)
    names = tuple(message("headline.area", name=message(f"area.{area.id}")) for area in scored_areas)
    return message("headline.partial", body=body, areas=names)


def add_question(headline: Message, question: Message) -> Message:
    """Put a question about the files behind the headline, which then no longer says that all is on target."""
    body = headline.values.get("body")
    if isinstance(body, Message) and body.id == "headline.fine":
        body = message("headline.fine_but_ends", **body.values)
        headline = message(headline.id, **{**headline.values, "body": body})
    return sentences((headline, question))


def compose_unscored(reason: Message, findings: Iterable[Finding], proven: Collection[str] = ()) -> Message:
    """Compose the sentence of a store of which nothing counts towards a score: what fails nevertheless, then why."""
    worst = _find_worst_failure(findings, proven)
    body = reason if worst is None else message("headline.fails_unscored", reason=reason, **_describe_failure(worst))
    return message("headline.sentence", body=body)


def list_proven(advice: Iterable[Recommendation]) -> frozenset[str]:
    """List the codes of the findings in which rows prove a wrong, by the action that comes first for it."""
    return frozenset(
        code for action in advice if action.aside and action.aside.id == "advice.proof" for code in action.findings
    )


def _compose_withheld(score: Score, findings: Sequence[Finding], proven: Collection[str]) -> Message:
    """Why there is no score, and what fails nevertheless."""
    share = quantity(score.coverage, "share")
    worst = _find_worst_failure(findings, proven)
    if worst is None:
        return message("headline.withheld", share=share)
    return message("headline.withheld_but_fails", share=share, **_describe_failure(worst))


def _find_worst_failure(findings: Iterable[Finding], proven: Collection[str]) -> Finding | None:
    """What rows prove before what they suggest, then the most severe, scored before unscored."""
    failing = [finding for finding in findings if finding.status == "fail" and finding.area != "data_quality"]
    return min(
        failing,
        key=lambda finding: (
            finding.code not in proven, not finding.scored, SEVERITIES.index(finding.severity), finding.code,
        ),
        default=None,
    )  # fmt: skip


def _describe_failure(worst: Finding) -> dict[str, Any]:
    counts = (
        message("headline.missed", defects=worst.defects, judged=worst.judged) if worst.unit == "share" else Name("")
    )
    return {"code": Name(worst.code), "title": worst.title, "counts": counts}


def _add_lowest(body: Message, gain: AreaGain | None, scored_areas: Sequence[AreaScore]) -> Message:
    """Say which area scores lowest where that is not the one that costs most points."""
    if gain is None or not scored_areas or body.id == "headline.nothing_fails":
        return body
    lowest = min(scored_areas, key=lambda area: area.score or 0.0)
    area_score = next((area.score for area in scored_areas if area.id == gain.area), None)
    if area_score is None or round(lowest.score or 0.0) >= round(area_score):
        return body
    return message("headline.not_lowest", body=body, area=message(f"area.{lowest.id}"), score=lowest.score or 0.0)


def _compose_body(score: Score, gain: AreaGain | None, findings: Sequence[Finding]) -> Message:
    before = score.value or 0.0
    if gain is None:
        return _compose_on_target(before, findings)
    if not gain.held_by and not any(finding.status in ("fail", "watch") or finding.withdrawn for finding in findings):
        return message("headline.nothing_fails", score=before)
    area, points = message(f"area.{gain.area}"), round(gain.uncapped - (score.uncapped or 0.0))
    if gain.held_by:
        codes = tuple(map(Name, gain.held_by))
        return message(
            "headline.held",
            area=area,
            n=points,
            codes=codes,
            before=before,
            after=gain.value,
            uncapped=gain.uncapped,
        )
    if round(gain.value) > round(before):
        return message("headline.gain", area=area, n=points, before=before, after=gain.value)
    return message("headline.loses", area=area)


def _compose_on_target(score: float, findings: Sequence[Finding]) -> Message:
    """All that is scored is on target; "on target" without a "but" only where nothing fails, is withdrawn or lost."""
    failing = tuple(Name(finding.code) for finding in findings if finding.status == "fail")
    if failing:
        return message("headline.fine_but_fails", n=len(failing), score=score, codes=failing)
    withdrawn = tuple(Name(finding.code) for finding in findings if finding.withdrawn)
    if withdrawn:
        return message("headline.fine_but_withdrawn", n=len(withdrawn), score=score, codes=withdrawn)
    if any(finding.id == "rejects" and finding.status == "watch" for finding in findings):
        return message("headline.fine_but_lost", score=score)
    return message("headline.fine", score=score)


class _Place(NamedTuple):
    """Where misses are: their share of all misses, and the share of all rows that is there."""

    where: Message
    share: float
    rows: float

    def describe(self) -> Message:
        """``20–21 h: 60% of the misses, 13% of all rows``: where most rows are, most misses are as well."""
        share, rows = (quantity(round(part, 2), "share") for part in (self.share, self.rows))
        return message("advice.driver", where=self.where, share=share, rows=rows)


def describe_places(finding: Finding) -> Message | None:
    """Where most of a finding's misses are: at most two slices, the largest first; None where nothing stands out."""
    places = sorted(_iterate_places(finding.drivers, finding.judged), key=lambda place: -place.share)
    parts = tuple(place.describe() for place in places[:MAX_PLACES])
    return message("advice.places", code=Name(finding.code), parts=parts) if parts else None


def _iterate_places(drivers: Sequence[Driver], judged: int) -> Iterator[_Place]:
    """Yield the places of slices; consecutive hours form one place."""
    by_hour = {int(driver.segment["hour"] or 0): driver for driver in drivers if "hour" in driver.segment}
    for run in _group_consecutive(sorted(by_hour)):
        hours = [by_hour[hour] for hour in run]
        share, rows = sum(driver.share_of_defects for driver in hours), sum(driver.judged for driver in hours) / judged
        yield _Place(message("advice.hours", first=run[0], last=run[-1] + 1), share, rows)
    for driver in drivers:
        for name, value in driver.segment.items():
            if name != "hour" and value is not None:
                yield _Place(_name_place(name, value, driver), driver.share_of_defects, driver.judged / judged)


def _name_place(name: str, value: str, driver: Driver) -> Message:
    """A slice, and those of other dimensions with the same rows."""
    also = tuple(
        _describe_place(other, label) for same in driver.same_rows for other, label in same.items() if label is not None
    )
    where = _describe_place(name, value)
    return message("advice.same_rows", where=where, also=also) if also else where


def _group_consecutive(hours: Sequence[int]) -> Iterator[list[int]]:
    run: list[int] = []
    for hour in hours:
        if run and hour != run[-1] + 1:
            yield run
            run = []
        run.append(hour)
    if run:
        yield run


def describe_named_slices(dimension: str, measurement: Measurement) -> Message | None:
    """Name the few slices of a dimension that hold most of the misses.

    None where they hold few, or no larger share of the misses than of all rows, as far as chance allows to tell.
    """
    tally = measurement.tally
    with_defects = [
        segment
        for segment in measurement.segments
        if segment.segment.get(dimension) is not None and segment.tally.defects
    ]
    top = sorted(with_defects, key=lambda segment: (-segment.tally.defects, segment.segment[dimension] or ""))[
        :MAX_NAMED_SLICES
    ]
    defects, judged = sum(segment.tally.defects for segment in top), sum(segment.tally.judged for segment in top)
    share = defects / tally.defects if tally.defects else 0.0
    if share < MIN_NAMED_SHARE or len(with_defects) == len(top):
        return None
    # the largest of many slices always stand out a little, so the bound allows for all that could have been chosen
    if two_proportion_z(defects, judged, tally.defects - defects, tally.judged - judged) <= bonferroni_z(
        len(with_defects)
    ):
        return None
    drivers = [Driver(segment=segment.segment, defects=segment.tally.defects, judged=segment.tally.judged,
                      share_of_defects=segment.tally.defects / tally.defects) for segment in top]  # fmt: skip
    where = tuple(place.where for place in _iterate_places(drivers, tally.judged))
    place = _Place(message("advice.several", where=where), share, judged / tally.judged)
    return message("advice.places", code=Name(measurement.code), parts=(place.describe(),))


def _describe_place(name: str, value: str) -> Message:
    if name == "weekday":
        return message(f"weekday.{value}")
    dimension = name_dimension(name)
    if value == "true":
        return dimension
    return message("advice.slice", name=dimension, value=message("advice.is_not") if value == "false" else Name(value))


def describe_gain(rule: Rule, views: Mapping[str, View], measurement: Measurement, avoided: float) -> Message:
    """Misses avoided, in customers or orders a week; in total where the days allow no weekly figure, or it is below one."""
    entities = avoided * measurement.entities / measurement.tally.defects if measurement.tally.defects else 0.0
    days = _count_days(measurement)
    weekly = MIN_WEEKLY_DAYS <= days <= MAX_WEEKLY_DAYS and round(entities * 7 / days) >= 1
    unit = _choose_unit(rule, views)
    weekly = weekly and unit not in NON_RECURRING_UNITS
    number = max(1, round(entities * 7 / days if weekly else entities))
    entity = message(f"unit_of.{unit}", n=number)
    if unit in NON_RECURRING_UNITS:
        return message("advice.so_many", n=number, what=entity)
    return message("advice.week" if weekly else "advice.in_all", n=number, what=entity)


def _choose_unit(rule: Rule, views: Mapping[str, View]) -> str:
    """The unit of the rule's entities, from the first view it names that states one."""
    words = re.findall(r"\w+", rule.measure.over) if rule.measure.entity == "entity" else []
    return next((views[word].entity for word in words if word in views and views[word].entity != "row"), "row")


def _count_days(measurement: Measurement) -> int:
    """Days the measurement spans: its window, or if that is open-ended, its first day with rows to its last."""
    window = measurement.window
    if window.first is not None and window.last is not None:
        return (window.last - window.first).days + 1
    days = [date.fromisoformat(day) for segment in measurement.segments if (day := segment.segment.get("day"))]
    return (max(days) - min(days)).days + 1 if days else 1
