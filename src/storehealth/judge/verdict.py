"""The verdict on one measurement, by section E.5 of the scoring method: fail, watch or pass, or the reason why there is none.

Rows that a table lacks are described, and a verdict holds only if it would stand had all of them failed. Muted findings are
marked, and mutes that match nothing reported; no figure changes by them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Literal, NamedTuple

from storehealth.catalogue import Catalogue
from storehealth.catalogue.mutes import Mute, MutesFile
from storehealth.catalogue.platform import Platform
from storehealth.catalogue.rule import Rule
from storehealth.catalogue.texts import name_table, to_message
from storehealth.catalogue.thresholds import Bounds, count_required_rows, count_rows, resolve_bounds
from storehealth.judge.certainty import Certainty, assess_certainty
from storehealth.model import (
    BandName,
    DataHole,
    Direction,
    Finding,
    Measurement,
    MuteMark,
    Segment,
    SliceVerdict,
    Status,
    Tally,
)
from storehealth.support.message import Message, Name, clauses, message, quantity
from storehealth.support.stats import Z_ONE_SIDED, wilson_interval

COUNTED_CAUSES = frozenset({"lost", "unread", "unsure"})
"""Holes whose rows are counted, not estimated."""
HOUR, DAY = 3600.0, 86400.0
SECONDS_PER_UNIT = {"seconds": 1.0, "hours": HOUR, "days": DAY}


@dataclass(frozen=True)
class ScaledFigure:
    """A figure with its interval, target and limit, all on a scale where less is better; infinite if unknown or growing."""

    point: float
    low: float
    high: float
    target: float
    limit: float
    low_by_rows: float
    """``low`` if all rows were independent."""


def scale_figure(rule: Rule, measurement: Measurement, bounds: Bounds, certainty: Certainty | None) -> ScaledFigure:
    """Put a measurement and its bounds on one scale.

    Shares are compared by one-sided 95 % bounds of the defect share, in which repeats of one customer on one day count
    once (``certainty``). The point stays the plain share, because a share past the limit is never a pass. Durations and
    numbers have no such formula; they use the two-sided 95 % interval of order statistics, which is more cautious. An end
    that too few values leave open is unknown and counts as infinitely far away. Where a high number is good, all signs
    are flipped.
    """
    if rule.measure.value is None:
        low, high = certainty.bounds if certainty else (0.0, 1.0)
        target, limit = (bounds.target, bounds.limit)
        if bounds.higher_is == "better":
            # rounded, because 1 - 0.96 is 0.040000000000000036
            target, limit = round(1 - target, 12), round(1 - limit, 12)
        defects, judged = measurement.tally.defects, measurement.tally.judged
        if defects:
            # with a target of zero a single defect misses it, even if resampling skips its day and gives 0
            low = max(low, math.ulp(0.0))
        return ScaledFigure(
            defects / judged, low, high, target, limit, wilson_interval(defects, judged, Z_ONE_SIDED)[0]
        )
    point = math.inf if measurement.value is None else measurement.value
    low = -math.inf if measurement.low is None else measurement.low
    high = math.inf if measurement.high is None else measurement.high
    if bounds.higher_is == "worse":
        return ScaledFigure(point, low, high, bounds.target, bounds.limit, low)
    return ScaledFigure(-point, -high, -low, -bounds.target, -bounds.limit, -high)


def decide_status(figure: ScaledFigure, entities: int, least_entities: int) -> tuple[Status, Message | None]:
    """Decide the status, and the note that explains it where needed; the first condition that holds wins.

    Args:
        figure: The figure and its bounds.
        entities: Distinct customers or orders among the defects.
        least_entities: Minimum of them for a fail.
    """
    if figure.low > figure.limit and entities >= least_entities:
        return "fail", None
    if figure.point > figure.limit:
        return "watch", _why_only_watched(figure, entities, least_entities)
    if figure.point > figure.target and figure.low > figure.target:
        return "watch", message("verdict.over_target")
    if figure.high <= figure.limit or figure.point <= figure.target:
        return "pass", None
    return "pass", message("verdict.uncertain_pass")


def _why_only_watched(figure: ScaledFigure, entities: int, least_entities: int) -> Message:
    if figure.low > figure.limit:
        return message("verdict.over_but_few", n=entities, least=least_entities)
    return message("verdict.over_in_bursts" if figure.low_by_rows > figure.limit else "verdict.over_by_chance")


def select_relevant_holes(holes: Iterable[DataHole], least_days: float) -> tuple[DataHole, ...]:
    """Select the holes that matter: a short table that covers at least this share of its days has none."""
    return tuple(hole for hole in holes if hole.cause != "short" or hole.count < least_days * hole.of)


def describe_holes(holes: Iterable[DataHole]) -> Message:
    """Describe what is missing in one sentence."""
    return clauses(dict.fromkeys(map(_describe_hole, holes)))


def count_missing_rows(holes: Iterable[DataHole]) -> int | None:
    """Count the rows that holes may have turned into defects; None if one of them cannot be counted."""
    counts = dict.fromkeys(COUNTED_CAUSES, 0)
    for hole in holes:
        if hole.cause not in COUNTED_CAUSES:
            return None
        counts[hole.cause] += hole.count
    return counts["lost"] + max(counts["unread"], counts["unsure"])  # an unread cell may make the same row unsure


def assume_worst(measurement: Measurement, holes: Sequence[DataHole]) -> Measurement | None:
    """Recount a measurement as if every missing row were a defect; None if their number cannot be estimated.

    Args:
        measurement: Of a rule that counts defects, not of one that summarises values.
        holes: Those that matter. Tables are assumed to lack different rows, so their shares add up.
    """
    shares = {hole.table: hole.share for hole in holes if hole.cause not in COUNTED_CAUSES}
    if any(share is None for share in shares.values()):
        return None
    missing_share = min(sum(share or 0.0 for share in shares.values()), 1.0)
    if missing_share >= 1:
        return None
    tally = measurement.tally
    assumed_defects = math.ceil(tally.judged * missing_share / (1 - missing_share))
    assumed_defects += count_missing_rows(hole for hole in holes if hole.cause in COUNTED_CAUSES) or 0
    return measurement.model_copy(update={"tally": tally.model_copy(update={"late": tally.late + assumed_defects})})


def _describe_hole(hole: DataHole) -> Message:
    return message(
        f"hole.{hole.cause}",
        n=hole.count,
        of=hole.of,
        table=name_table(hole.table),
        file=Name(hole.file or ""),
        first=hole.first or Name(""),
    )


def find_obstacles(case: RuleCase) -> Iterator[Message]:
    """Yield the reasons against a verdict, the strongest first; none where a verdict can be given."""
    measurement = case.measurement
    resolution = _find_required_resolution(case)
    if resolution is not None and measurement.resolution_seconds > resolution:
        step, limit = (quantity(seconds, "seconds") for seconds in (measurement.resolution_seconds, resolution))
        yield message("verdict.coarse", step=step, within=limit)
    judged = count_rows(case.rule, measurement.tally)
    required = count_required_rows(case.rule, case.bounds, case.catalogue.scoring)
    if judged == 0 and not sum(measurement.tally.model_dump().values()):
        yield message("verdict.no_rows")
    if judged < required:
        yield message("verdict.too_few", n=judged, least=required)
    least = (case.bounds.entities if case.bounds else None) or case.catalogue.scoring.least_entities
    if measurement.judged_entities is not None and measurement.judged_entities < least:
        # so few can never fail the store, so they must not give it the marks of a failure either
        yield message("verdict.few_entities", n=measurement.judged_entities, rows=judged, least=least)


def _find_required_resolution(case: RuleCase) -> float | None:
    """The resolution in seconds that the rule's times must have; None where times play no part.

    That is the rule's duration (looked up if it is a fact of the platform); a day where a promise names a day or a moment;
    the limit itself where the figure is a duration.
    """
    in_time, value = case.rule.measure.in_time, case.rule.measure.value
    if value is not None and value.unit in SECONDS_PER_UNIT and case.bounds is not None:
        return case.bounds.limit * SECONDS_PER_UNIT[value.unit]
    if in_time is None:
        return None
    if in_time.within is None:
        return DAY  # times known to the day alone are compared by day
    if not isinstance(in_time.within, str):
        return in_time.within
    fact = case.platform.facts.get(in_time.within)
    if fact is None or not isinstance(fact.value, int | float):
        return None
    return float(fact.value) or DAY  # zero: one deadline a day holds in its place


@dataclass(frozen=True)
class RuleCase:
    """One measurement with everything its verdict depends on."""

    rule: Rule
    measurement: Measurement
    bounds: Bounds | None
    catalogue: Catalogue
    platform: Platform

    @property
    def title(self) -> Message:
        """The rule's title."""
        return to_message(self.rule.title, f"rule.{self.rule.code}.title")

    @property
    def higher_is(self) -> Direction:
        """The rule's direction; a figure without limits counts good shares, or seconds of which less is better."""
        if self.bounds is not None:
            return self.bounds.higher_is
        return "better" if self.rule.measure.value is None else "worse"

    def name_band(self, value: float | None) -> BandName | None:
        """Name the platform's band of a value in the rule's own direction; None where it has none."""
        bands = self.bounds.bands if self.bounds else None
        return bands.name_band(value) if bands and value is not None else None

    @cached_property
    def certainty(self) -> Certainty | None:
        """The intervals of a share; None for durations and numbers, and without judged rows."""
        return None if self.rule.measure.value is not None else assess_certainty(self.measurement)

    @property
    def interval_kind(self) -> Literal["wilson", "day_blocks", "order_statistics"] | None:
        """The method behind the interval; a mean has none."""
        if self.rule.measure.value is not None:
            return None if self.measurement.low is None and self.measurement.high is None else "order_statistics"
        return self.certainty.kind if self.certainty else None


def build_case(measurement: Measurement, catalogue: Catalogue, platform: Platform) -> RuleCase:
    """Combine a measurement with its rule and the limits in force."""
    rule = catalogue.rules[measurement.code]
    return RuleCase(rule, measurement, resolve_bounds(rule, platform.limits), catalogue, platform)


class MuteContext(NamedTuple):
    """The mutes and exemptions, and what judging a slice needs."""

    mutes: MutesFile
    catalogue: Catalogue
    platform: Platform


def apply_mutes(
    findings: Sequence[Finding],
    measurements: Iterable[Measurement],
    context: MuteContext,
    as_of: datetime | None,
) -> tuple[tuple[Finding, ...], tuple[Message, ...]]:
    """Mark muted findings.

    Args:
        findings: All verdicts; status and figures do not change.
        measurements: Their measurements.
        context: The mutes, and what judging a slice needs.
        as_of: Its day decides which mutes are in force; without it, none is.

    Returns:
        The findings, failing and watched ones marked where a mute is in force; and a warning for each mute that has
        ended, has not begun or hides nothing, for each exemption that matches no row, and for each view called by its
        old name.
    """
    by_code = {measurement.code: measurement for measurement in measurements}
    marks: dict[str, MuteMark] = {}
    warnings: list[Message] = []
    for entry in context.mutes.mutes if as_of else ():
        finding = next((finding for finding in findings if finding.code == entry.code), None)
        unused = _find_unused_reason(
            entry, finding, by_code.get(entry.code), context, as_of.date() if as_of else date.min
        )
        if unused is None:
            marks.setdefault(
                entry.code, MuteMark(reason=entry.reason, owner=entry.owner, until=entry.until, segment=entry.segment)
            )
        else:
            warnings.append(_describe_mute(entry, unused))
    marked = tuple(
        finding.model_copy(update={"muted": marks[finding.code]}) if finding.code in marks else finding
        for finding in findings
    )
    old = (*context.catalogue.old_names, *context.mutes.old_names)
    renamed = (message("mutes.old_view", place=Name(name.file), old=Name(name.old), new=Name(name.new)) for name in old)
    return marked, (*warnings, *_find_unused_exemptions(by_code, context), *renamed)


def _find_unused_reason(
    entry: Mute, finding: Finding | None, measurement: Measurement | None, context: MuteContext, today: date
) -> str | None:
    """Find out why a mute has no effect; None if it has one."""
    if entry.until < today:
        return "ended"
    if entry.since > today:
        return "ahead"
    if finding is None or measurement is None or finding.status not in ("fail", "watch"):
        return "hides_nothing"
    return "rest_too" if entry.segment and not _is_rest_passing(entry, measurement, context) else None


def _is_rest_passing(entry: Mute, measurement: Measurement, context: MuteContext) -> bool:
    """Whether the rows outside the slice pass, or are too few to judge."""
    rule = context.catalogue.rules[entry.code]
    bounds = resolve_bounds(rule, context.platform.limits)
    slices = [segment for segment in measurement.segments if segment.segment == entry.segment]
    if not slices or bounds is None:
        return False
    tally, muted_tally = measurement.tally, slices[0].tally
    rest = tally.model_copy(update={name: count - getattr(muted_tally, name) for name, count in tally})
    if rest.judged < max(1, count_required_rows(rule, bounds, context.catalogue.scoring)):
        return True
    # repeats are known per day, not per slice; without them the interval treats rows as independent
    remainder = measurement.model_copy(update={"tally": rest, "segments": (), "repeats": {}})
    figure = scale_figure(rule, remainder, bounds, assess_certainty(remainder))
    # the remaining defects' entities are not counted separately, so the minimum of distinct ones is waived
    return decide_status(figure, entities=1, least_entities=0)[0] == "pass"


def _describe_mute(entry: Mute, reason: str) -> Message:
    segment = ", ".join(f"{name}={value}" for name, value in entry.segment.items())
    day = entry.since if reason == "ahead" else entry.until
    return message(f"mutes.{reason}", code=Name(entry.code), owner=Name(entry.owner), day=day, segment=Name(segment))


def _find_unused_exemptions(by_code: dict[str, Measurement], context: MuteContext) -> Iterator[Message]:
    """Warn of exemptions that match no row of any rule they apply to."""
    used = {(code, exempted.reason) for code, measurement in by_code.items() for exempted in measurement.exempted}
    for exemption in context.mutes.exempt:
        rules = [rule.code for rule in context.catalogue.rules.values() if exemption.applies_to(rule)]
        if not any((code, exemption.describe()) in used for code in rules):
            yield message("mutes.takes_nothing", place=Name(exemption.place), reason=Name(exemption.reason))


def judge_slices(case: RuleCase) -> tuple[SliceVerdict, ...]:
    """Judge the slices for which the store has set limits, by the same bounds as the whole."""
    limits = case.platform.slice_limits.get(case.rule.code, {})
    by_slice = {
        (name, value): segment for segment in case.measurement.segments for name, value in segment.segment.items()
    }
    return tuple(
        _judge_slice(case, {name: value}, limit, by_slice.get((name, value)))
        for name, by_value in limits.items()
        for value, limit in by_value.items()
    )


def _judge_slice(case: RuleCase, key: dict[str, str], limit: float, segment: Segment | None) -> SliceVerdict:
    tally = segment.tally if segment else Tally()
    is_share = case.rule.measure.value is None
    value = segment.value if segment else None
    if is_share and value is not None and case.higher_is == "better":
        value = 1 - value
    status: Literal["pass", "watch", "fail", "inconclusive"] = "inconclusive"
    if value is not None and count_rows(case.rule, tally) >= case.catalogue.scoring.least_judged:
        beyond = value < limit if case.higher_is == "better" else value > limit
        line = round(1 - limit, 12) if case.higher_is == "better" else limit
        is_sure = is_share and wilson_interval(tally.defects, tally.judged, Z_ONE_SIDED)[0] > line
        status = "fail" if beyond and is_sure else "watch" if beyond else "pass"
    return SliceVerdict(
        segment=key, limit=limit, value=value, defects=tally.defects, judged=tally.judged, status=status
    )
