"""Recommendations: actions ranked by expected gain, and the texts that say where the misses are and what is assumed.

Pure: the gain of an action is the score recomputed with the defects it would avoid taken out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple

from storehealth.catalogue import Catalogue
from storehealth.catalogue.rule import Advice, Rule
from storehealth.catalogue.texts import name_dimension, to_message
from storehealth.catalogue.thresholds import Scoring
from storehealth.catalogue.view import View
from storehealth.model import AreaScore, Driver, Finding, FollowUp, Measurement, Recommendation, Score, Severity
from storehealth.score.metrics import AreaGain, average_headline, find_largest_gain
from storehealth.support.message import Message, Name, message, quantity, sentences
from storehealth.support.stats import bonferroni_z, two_proportion_z

REVIEW_AFTER = timedelta(days=14)
EFFORT_RANK = {"low": 0, "medium": 1, "high": 2}
NEARLY_ALL_SHARE = 0.9
"""An action that reaches a smaller share of the misses does not show where they all are: it may not reach those."""
MIN_REACHED, MIN_REACHED_SHARE = 3, 0.05
"""Misses, and share of them, that an action must reach to come first."""
MIN_COMPARED = 20
"""Judged rows that a slice, and all others together, need to be compared."""
MAX_AGE = timedelta(days=365)
"""Misses older than this do not decide what comes first."""
MAX_PLACES = 2
NON_RECURRING_UNITS = ("day", "topic", "sku")
"""Entities that do not recur every week, so they get no weekly figure."""
MIN_WEEKLY_DAYS, MAX_WEEKLY_DAYS = 7, 92
"""Days of data that allow a weekly figure: fewer make it a guess, and over more it describes no actual week."""
MAX_NAMED_SLICES = 3
MIN_NAMED_SHARE = 0.2
"""Share of the misses that the slices named with an action must hold in total."""


class RemovedShare(NamedTuple):
    """The share of the misses reached that an action removes, what that rests on, and the sentence that says so."""

    share: float
    basis: Literal["assumed", "slices", "history"]
    says: Message


@dataclass(frozen=True)
class Effect:
    """What one advice would do to one finding: the defects it reaches, and the value afterwards."""

    rule: Rule
    advice: Advice
    finding: Finding
    measurement: Measurement
    reached: int
    value_after: float | None
    share: RemovedShare

    @property
    def avoided(self) -> float:
        """Defects expected to disappear."""
        return self.reached * self.share.share


def advise(
    findings: Iterable[Finding],
    measurements: Iterable[Measurement],
    catalogue: Catalogue,
    platform: str,
    as_of: datetime | None,
    followups: Iterable[FollowUp] = (),
    figures: Mapping[str, Message | None] | None = None,
) -> tuple[Recommendation, ...]:
    """Recommend actions for findings that fail or need watching: largest expected gain first, then least effort.

    An action for rows that prove a wrong comes first, else the best one for the area named in the headline. Without gains,
    grave faults come before all else, such as what to export again.

    The gain of an action is the headline (before any cap) without the share of defects its advice is assumed to remove,
    minus the headline now. An advice id under several findings is one action, tried on all of them at once. Gains of
    several actions do not add up. There is no gain where the headline is withheld or the findings carry no weight.

    Args:
        findings: All verdicts.
        measurements: Their measurements; they hold the defects each advice reaches.
        catalogue: Rules and scoring constants.
        platform: Name of the store's; advice for others is left out.
        as_of: The action is due for review two weeks after this day.
        followups: What earlier advice did: the same action is expected to do as much again.
        figures: Advice by id → where the store's own figures say it would help, such as the faster carrier of a lane.
    """
    findings = tuple(findings)
    check_on = as_of.date() + REVIEW_AFTER if as_of is not None else None
    candidates = [
        (_build_recommendation(effects, findings, catalogue, platform, check_on, figures or {}), effects)
        for effects in _collect_effects(findings, measurements, catalogue, platform, tuple(followups)).values()
    ]
    ranked = sorted(candidates, key=lambda pair: _sort_key(*pair))
    actions = _lead_with_worst_area(ranked, findings, catalogue.scoring, as_of)
    return tuple(_lead_with_proof(actions, {action.id: effects for action, effects in ranked}))


def _lead_with_proof(
    actions: Sequence[Recommendation], effects: Mapping[str, Sequence[Effect]]
) -> Iterator[Recommendation]:
    """Put the action with most rows that prove a wrong first, and say so."""
    proofs = {action.id: sum(map(_count_proofs, effects[action.id])) for action in actions}
    first = max(actions, key=lambda action: proofs[action.id], default=None)
    if first is None or not proofs[first.id]:
        yield from actions
        return
    yield first.model_copy(update={"aside": message("advice.proof", n=proofs[first.id])})
    yield from (action.model_copy(update={"aside": None}) for action in actions if action is not first)


def _count_proofs(effect: Effect) -> int:
    figures = (figure for figure in effect.measurement.beside if figure.name == effect.advice.proof)
    return sum(figure.defects or 0 for figure in figures)


def _lead_with_worst_area(
    ranked: list[tuple[Recommendation, list[Effect]]],
    findings: Sequence[Finding],
    scoring: Scoring,
    as_of: datetime | None,
) -> list[Recommendation]:
    """Put the best action for the area that the headline names first, or say at the first one why it is not.

    Actions that reach few rows, or rows that are a year old, do not lead.
    """
    gain = find_largest_gain(findings, scoring)
    codes = {finding.code for finding in findings if gain is not None and finding.area == gain.area and finding.scored}
    leading = [pair for pair in ranked if _may_lead(pair[1], as_of)] + [
        pair for pair in ranked if not _may_lead(pair[1], as_of)
    ]
    for pair in leading:
        if codes.intersection(pair[0].findings) and _may_lead(pair[1], as_of):
            leading.remove(pair)
            return [pair[0], *(other for other, _ in leading)]
    actions = [action for action, _ in leading]
    if gain is None or not actions or codes.intersection(actions[0].findings):
        return actions
    aside = message("advice.not_the_worst_area", area=message(f"area.{gain.area}"))
    return [actions[0].model_copy(update={"aside": aside}), *actions[1:]]


def _may_lead(effects: Sequence[Effect], as_of: datetime | None) -> bool:
    """Whether an action reaches enough of the misses, and recent ones, to stand first."""
    return any(
        effect.reached >= max(MIN_REACHED, MIN_REACHED_SHARE * effect.finding.defects)
        and _is_recent(effect.measurement, as_of)
        for effect in effects
    )


def _is_recent(measurement: Measurement, as_of: datetime | None) -> bool:
    """Whether the last day with a defect is less than a year old; without days it counts as recent."""
    days = [day for segment in measurement.segments if (day := segment.segment.get("day")) and segment.tally.defects]
    return as_of is None or not days or date.fromisoformat(max(days)) > as_of.date() - MAX_AGE


def _is_serious(effects: Sequence[Effect]) -> bool:
    """Whether the rows there are show a grave fault, which better files would not undo."""
    return any(
        effect.finding.status == "fail"
        and effect.finding.area != "data_quality"
        and effect.finding.severity in ("critical", "high")
        for effect in effects
    )


def _sort_key(recommendation: Recommendation, effects: Sequence[Effect]) -> tuple[bool, float, int, float, str]:
    return (
        not _is_serious(effects) and recommendation.gain_points is None,  # what is wrong comes before what to export
        -(recommendation.gain_points or 0.0),
        EFFORT_RANK[recommendation.effort],
        -sum(effect.avoided for effect in effects),
        recommendation.id,
    )


def _collect_effects(
    findings: Sequence[Finding],
    measurements: Iterable[Measurement],
    catalogue: Catalogue,
    platform: str,
    followups: Sequence[FollowUp],
) -> dict[str, list[Effect]]:
    """Collect the effects that reach any defect, by advice id."""
    by_code = {measurement.code: measurement for measurement in measurements}
    effects: dict[str, list[Effect]] = {}
    for finding in findings:
        if finding.status not in ("fail", "watch") or finding.code not in by_code:
            continue
        measurement, rule = by_code[finding.code], catalogue.rules[finding.code]
        reach_by_advice = {reach.advice: reach for reach in measurement.mended}
        for advice in rule.advice:
            reach = reach_by_advice.get(advice.id)
            if advice.only_on and platform not in advice.only_on:
                continue
            if reach is None or not reach.defects:
                continue
            share = _find_removed_share(advice, finding, measurement, reach.defects, followups)
            if share.share <= 0:
                continue
            after = (
                reach.value_after if rule.measure.value else _remaining_share(measurement, reach.defects * share.share)
            )
            effect = Effect(rule, advice, finding, measurement, reach.defects, after, share)
            effects.setdefault(advice.id, []).append(effect)
    return effects


def _find_removed_share(
    advice: Advice, finding: Finding, measurement: Measurement, reached: int, followups: Sequence[FollowUp]
) -> RemovedShare:
    """What the same action did here before, else what comparable slices achieve, else the assumed share."""
    assumed = message("advice.assumption", n=reached, share=quantity(advice.removes, "share"))
    if finding.unit != "share":
        return RemovedShare(advice.removes, "assumed", assumed)
    return (
        _find_share_in_history(advice, finding, reached, followups)
        or _find_share_in_slices(advice, measurement, reached)
        or RemovedShare(advice.removes, "assumed", assumed)
    )


def _find_share_in_history(
    advice: Advice, finding: Finding, reached: int, followups: Sequence[FollowUp]
) -> RemovedShare | None:
    """The share by which the misses fell after the same action; none where they did not fall beyond chance.

    That they did not may mean that nobody acted, or that something else got worse: it proves nothing against the action.
    """
    for followup in followups:
        before, after = followup.before, followup.after
        same = (followup.id, followup.code, followup.unit) == (advice.id, finding.code, "share")
        if not same or after is None or followup.change != "better" or not before.defects:
            continue
        then, now = before.defects / before.judged, after.defects / after.judged if after.judged else 0.0
        share = 1 - now / then
        counts = {
            "before": before.defects,
            "before_of": before.judged,
            "after": after.defects,
            "after_of": after.judged,
        }
        says = message("advice.as_before", n=reached, share=quantity(share, "share"), day=followup.given_on, **counts)
        return RemovedShare(share, "history", says)
    return None


def _find_share_in_slices(advice: Advice, measurement: Measurement, reached: int) -> RemovedShare | None:
    """The misses of slices that stand out, beyond what the other slices of the same dimension have."""
    if advice.compares is None:
        return None
    by_value = {
        value: segment.tally
        for segment in measurement.segments
        if (value := segment.segment.get(advice.compares)) is not None and segment.tally.judged >= MIN_COMPARED
    }
    defects, judged = sum(t.defects for t in by_value.values()), sum(t.judged for t in by_value.values())
    bound = bonferroni_z(len(by_value))
    bad = {
        value: tally
        for value, tally in by_value.items()
        if two_proportion_z(tally.defects, tally.judged, defects - tally.defects, judged - tally.judged) > bound
    }
    others = judged - sum(tally.judged for tally in bad.values())
    if not bad or others < MIN_COMPARED:
        return None
    rate = (defects - sum(tally.defects for tally in bad.values())) / others
    excess = sum(tally.defects - tally.judged * rate for tally in bad.values())
    where = tuple(_describe_place(advice.compares, value) for value in bad)
    says = message("advice.as_others", where=where, rate=quantity(rate, "share"), n=others, avoided=round(excess))
    return RemovedShare(min(1.0, excess / reached), "slices", says)


def _remaining_share(measurement: Measurement, avoided: float) -> float:
    """Defect share once some defects are avoided; the number of judged rows stays."""
    return max(0.0, measurement.tally.defects - avoided) / measurement.tally.judged


def _build_recommendation(
    effects: Sequence[Effect],
    findings: Sequence[Finding],
    catalogue: Catalogue,
    platform: str,
    check_on: date | None,
    figures: Mapping[str, Message | None],
) -> Recommendation:
    gain = _estimate_gain(findings, catalogue, effects)
    main = max(effects, key=lambda effect: (_estimate_gain(findings, catalogue, [effect]) or 0.0, effect.avoided))
    where = figures.get(main.advice.id) or _locate_misses(effects, main)
    place = f"rule.{main.rule.code}.advice.{main.advice.id}"
    action = _describe_action(main.advice, place, platform)
    return Recommendation(
        id=main.advice.id,
        name=to_message(main.advice.name, f"{place}.name"),
        where=where,
        text=message("advice.action_and_places", action=action, places=where) if where else action,
        notes=_customer_message(main.advice.id, catalogue),
        findings=tuple(effect.finding.code for effect in effects),
        effort=main.advice.effort,
        gain_points=None if gain is None else round(gain, 2),
        gain_units=describe_gain(main.rule, catalogue.views, main.measurement, main.avoided),
        assumption=main.share.says,
        basis=main.share.basis,
        check_on=check_on,
    )


def _describe_action(advice: Advice, place: str, platform: str) -> Message:
    """Who does what by when, with what is particular to the platform."""
    action = to_message(advice.do, f"{place}.do")
    if platform not in advice.do_on:
        return action
    return sentences((action, to_message(advice.do_on[platform], f"{place}.do_on.{platform}")))


def _locate_misses(effects: Sequence[Effect], main: Effect) -> Message | None:
    """Describe where most misses are if the action reaches nearly all of them; else the slices the advice names itself.

    The rule that the action helps most is described if it can be, since the place is named with its code.
    """
    by_worth = sorted(effects, key=lambda effect: (effect is not main, -effect.reached / effect.finding.defects))
    wide = (effect for effect in by_worth if effect.reached >= NEARLY_ALL_SHARE * effect.finding.defects)
    places = (
        *(describe_places(effect.finding) for effect in wide),
        *(describe_named_slices(effect.advice.names, effect.measurement) for effect in by_worth if effect.advice.names),
    )
    return next(filter(None, places), None)


def _customer_message(advice: str, catalogue: Catalogue) -> dict[str, str]:
    """The message to customers that belongs to an action, by language; only one of the rules with the action holds it."""
    notes = (
        advice_entry.note
        for rule in catalogue.rules.values()
        for advice_entry in rule.advice
        if advice_entry.id == advice and advice_entry.note
    )
    note = next(notes, None)
    return note.model_dump() if note else {}


def _estimate_gain(findings: Sequence[Finding], catalogue: Catalogue, effects: Iterable[Effect]) -> float | None:
    """Points by which the uncapped headline would rise; None where it has no value or the findings no weight in it."""
    replacements: Mapping[str, float] = {
        effect.finding.code: effect.value_after
        for effect in effects
        if effect.finding.scored and effect.value_after is not None
    }
    now = average_headline(findings, catalogue.scoring).score
    then = average_headline(findings, catalogue.scoring, replacements).score
    if now is None or then is None or not replacements:
        return None
    return max(0.0, then - now)


def compose_headline(
    score: Score,
    areas: Sequence[AreaScore],
    findings: Iterable[Finding],
    scoring: Scoring,
    usable: bool = True,
) -> Message:
    """Compose one plain sentence: where the store loses most, and its score with that area at its targets.

    The sentence names the areas it rests on if some are missing, and says so if no file was ``usable``.
    """
    if not usable:
        return message("headline.sentence", body=message("headline.none_usable"))
    findings = tuple(findings)
    if score.value is None:
        return message("headline.sentence", body=_compose_withheld(score, findings))
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


SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "info")


def _compose_withheld(score: Score, findings: Sequence[Finding]) -> Message:
    """Why there is no score, and what fails nevertheless: the most severe, scored before unscored."""
    share = quantity(score.coverage, "share")
    failing = [finding for finding in findings if finding.status == "fail" and finding.area != "data_quality"]
    if not failing:
        return message("headline.withheld", share=share)
    worst = min(failing, key=lambda finding: (not finding.scored, SEVERITIES.index(finding.severity), finding.code))
    counts = (
        message("headline.missed", defects=worst.defects, judged=worst.judged) if worst.unit == "share" else Name("")
    )
    return message("headline.withheld_but_fails", share=share, code=Name(worst.code), title=worst.title, counts=counts)


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
    unit = _entity_unit(rule, views)
    weekly = weekly and unit not in NON_RECURRING_UNITS
    number = max(1, round(entities * 7 / days if weekly else entities))
    entity = message(f"unit_of.{unit}", n=number)
    if unit in NON_RECURRING_UNITS:
        return message("advice.so_many", n=number, what=entity)
    return message("advice.week" if weekly else "advice.in_all", n=number, what=entity)


def _entity_unit(rule: Rule, views: Mapping[str, View]) -> str:
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
