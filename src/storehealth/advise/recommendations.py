"""Recommendations: actions ranked by expected gain, and what each rests on.

Pure: the gain of an action is the score recomputed with the defects it would avoid taken out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple

from storehealth.advise.wording import (
    _describe_place,
    describe_gain,
    describe_named_slices,
    describe_places,
)
from storehealth.catalogue import Catalogue
from storehealth.catalogue.rule import Advice, Rule
from storehealth.catalogue.texts import to_message
from storehealth.catalogue.thresholds import Scoring
from storehealth.model import Finding, FollowUp, Measurement, Recommendation
from storehealth.score.metrics import average_headline, find_largest_gain
from storehealth.support.message import Message, message, quantity, sentences
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
                reach.value_after
                if rule.measure.value
                else _compute_remaining_share(measurement, reach.defects * share.share)
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


def _compute_remaining_share(measurement: Measurement, avoided: float) -> float:
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
    main = max(
        effects,
        key=lambda effect: (
            _estimate_gain(findings, catalogue, [effect]) or 0.0,
            effect.finding.scored and effect.finding.status == "fail",  # without points, what the headline may name
            effect.avoided,
        ),
    )
    where = figures.get(main.advice.id) or _locate_misses(effects, main)
    place = f"rule.{main.rule.code}.advice.{main.advice.id}"
    action = _describe_action(main.advice, place, platform)
    return Recommendation(
        id=main.advice.id,
        name=to_message(main.advice.name, f"{place}.name"),
        where=where,
        text=message("advice.action_and_places", action=action, places=where) if where else action,
        notes=_translate_customer_message(main.advice.id, catalogue),
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


def _translate_customer_message(advice: str, catalogue: Catalogue) -> dict[str, str]:
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
