"""Ranks what to do by what it is expected to bring. Pure: the score is computed again with fewer defects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from storehealth.advise.words import assumption, gain_units, named, places, text
from storehealth.catalogue import Catalogue
from storehealth.catalogue.common import Language
from storehealth.catalogue.rule import Advice, Rule
from storehealth.catalogue.scoring import Scoring
from storehealth.model import Area, AreaScore, Finding, Measurement, Recommendation, Score
from storehealth.points import headline_mean, most_to_gain
from storehealth.wording import Words

CHECK_AFTER = timedelta(days=14)
EFFORT = {"low": 0, "medium": 1, "high": 2}
NEARLY_ALL = 0.9
"""An action that reaches fewer of the misses is not told where all of them are: it may not reach those."""
FIRST_ONES = 3
"""So many actions are seen at a glance."""


@dataclass(frozen=True)
class Effect:
    """What one advice would do to one finding: defects it reaches, and the finding's value afterwards."""

    rule: Rule
    advice: Advice
    finding: Finding
    measured: Measurement
    reached: int
    value_after: float | None

    @property
    def spared(self) -> float:
        """Defects expected to go."""
        return self.reached * self.advice.removes


def advise(
    findings: Iterable[Finding],
    measured: Iterable[Measurement],
    catalogue: Catalogue,
    language: Language,
    as_of: datetime | None,
) -> tuple[Recommendation, ...]:
    """What to do about findings that fail or need watching, the largest expected gain first, then the least effort.

    The best action for the area that the headline names stands among the first three.

    The gain of an action is the headline (before any cap) with the share of defects gone that its advice assumes,
    less the headline now. An advice id that stands under several findings is one action, tried on all of them at
    once. Gains of several actions do not add. No gain is given where the headline is withheld or the findings have
    no weight in it.

    Args:
        findings: All verdicts.
        measured: Their measurements; the defects each advice reaches come from here.
        catalogue: Rules and scoring constants.
        language: Of the texts.
        as_of: Two weeks after its day the action is to be looked at again.
    """
    findings = tuple(findings)
    check_on = as_of.date() + CHECK_AFTER if as_of is not None else None
    made = [
        (_recommendation(effects, findings, catalogue, Words(language), check_on), effects)
        for effects in _effects(findings, measured, catalogue).values()
    ]
    ranked = [one for one, _ in sorted(made, key=lambda pair: _rank(*pair))]
    return tuple(_with_the_worst_area(ranked, findings, catalogue.scoring))


def _with_the_worst_area(
    ranked: list[Recommendation], findings: Sequence[Finding], scoring: Scoring
) -> list[Recommendation]:
    """The ranking, with the best action for the area the headline names among the first ones."""
    best = most_to_gain(findings, scoring)
    codes = {one.code for one in findings if best is not None and one.area == best.area and one.scored}
    place = next((place for place, one in enumerate(ranked) if codes.intersection(one.findings)), 0)
    if place >= FIRST_ONES:
        ranked.insert(FIRST_ONES - 1, ranked.pop(place))
    return ranked


def _rank(one: Recommendation, effects: Sequence[Effect]) -> tuple[float, int, float, str]:
    return -(one.gain_points or 0.0), EFFORT[one.effort], -sum(effect.spared for effect in effects), one.id


def _effects(
    findings: Sequence[Finding], measured: Iterable[Measurement], catalogue: Catalogue
) -> dict[str, list[Effect]]:
    """Effects that reach any defect, by advice id."""
    by_code = {one.code: one for one in measured}
    found: dict[str, list[Effect]] = {}
    for finding in findings:
        if finding.status not in ("fail", "watch") or finding.code not in by_code:
            continue
        one, rule = by_code[finding.code], catalogue.rules[finding.code]
        mended = {part.advice: part for part in one.mended}
        for advice in rule.advice:
            part = mended.get(advice.id)
            if part is not None and part.defects * advice.removes > 0:
                after = part.value_after if rule.measure.value else _share_after(one, part.defects * advice.removes)
                found.setdefault(advice.id, []).append(Effect(rule, advice, finding, one, part.defects, after))
    return found


def _share_after(measured: Measurement, spared: float) -> float:
    """Defect share once some defects are done in time; as many rows are judged as before."""
    return max(0.0, measured.tally.defects - spared) / measured.tally.judged


def _recommendation(
    effects: Sequence[Effect], findings: Sequence[Finding], catalogue: Catalogue, words: Words, check_on: date | None
) -> Recommendation:
    gain = _gain(findings, catalogue, effects)
    main = max(effects, key=lambda effect: (_gain(findings, catalogue, [effect]) or 0.0, effect.spared))
    where = _where(effects, words)
    return Recommendation(
        id=main.advice.id,
        name=main.advice.name.in_language(words.language),
        where=where,
        text=text(main.advice, where, words),
        notes=_notes(main.advice.id, catalogue),
        findings=tuple(effect.finding.code for effect in effects),
        effort=main.advice.effort,
        gain_points=None if gain is None else round(gain, 2),
        gain_units=gain_units(main.rule, main.measured, main.spared, words),
        assumption=assumption(main.reached, main.advice.removes, words),
        check_on=check_on,
    )


def _where(effects: Sequence[Effect], words: Words) -> str:
    """Where most of the misses are, of an action that reaches nearly all of them; else the slices that it names itself."""
    widest = max(effects, key=lambda effect: effect.reached / effect.finding.defects)
    said = places(widest.finding, words) if widest.reached >= NEARLY_ALL * widest.finding.defects else ""
    named_ones = (named(one.advice.names, one.measured, words) for one in effects if one.advice.names)
    return said or next(filter(None, named_ones), "")


def _notes(advice: str, catalogue: Catalogue) -> dict[str, str]:
    """The message that belongs to an action, by language; it is written under one of the rules that have the action."""
    found = (one.note for rule in catalogue.rules.values() for one in rule.advice if one.id == advice and one.note)
    note = next(found, None)
    return note.model_dump() if note else {}


def _gain(findings: Sequence[Finding], catalogue: Catalogue, effects: Iterable[Effect]) -> float | None:
    """Points the headline would rise by, uncapped; None where it has no value or the findings have no weight in it."""
    instead: Mapping[str, float] = {
        effect.finding.code: effect.value_after
        for effect in effects
        if effect.finding.scored and effect.value_after is not None
    }
    now = headline_mean(findings, catalogue.scoring).score
    then = headline_mean(findings, catalogue.scoring, instead).score
    if now is None or then is None or not instead:
        return None
    return max(0.0, then - now)


def headline(
    score: Score,
    areas: Sequence[AreaScore],
    findings: Iterable[Finding],
    scoring: Scoring,
    language: Language,
    usable: bool = True,
) -> str:
    """One plain sentence: where the store loses most, and where it would stand with that area at its targets.

    The sentence says which areas it rests on where some are missing, and that no file was ``usable`` if none was.
    """
    words = Words(language)
    if not usable:
        return words.say("headline.whole", said=words.say("headline.none_usable"))
    if score.value is None:
        withheld = words.say("headline.withheld", share=words.figure(score.coverage, "share"))
        return words.say("headline.whole", said=withheld)
    told = [area for area in areas if area.score is not None]
    said = _said(score, tuple(findings), scoring, words)
    if len(told) == len(areas):
        return words.say("headline.whole", said=said)
    names = words.say("unit.comma").join(_area(area.id, words) for area in told)
    return words.say("headline.whole_only", said=said, only=words.say("headline.only", areas=names))


def _said(score: Score, findings: Sequence[Finding], scoring: Scoring, words: Words) -> str:
    best, before = most_to_gain(findings, scoring), score.value or 0.0
    if best is None:
        return words.say("headline.fine", score=words.decimal(before, 0))
    loses = words.say("headline.loses", area=_area(best.area, words))
    figures = {"before": words.decimal(before, 0), "after": words.decimal(best.value, 0)}
    if best.held_by:
        codes = words.say("unit.comma").join(best.held_by)
        return loses + words.say("headline.held", codes=codes, uncapped=words.decimal(best.uncapped, 0), **figures)
    return loses + (words.say("headline.gain", **figures) if round(best.value) > round(before) else "")


def _area(area: Area, words: Words) -> str:
    name = words.say(f"area.{area}")
    return name.lower() if words.language != "zh" else name
