"""Marks findings that somebody answers for, and says which lines of ``mutes.yaml`` are in vain. No figure moves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import NamedTuple

from storehealth.catalogue import Catalogue
from storehealth.catalogue.common import Language
from storehealth.catalogue.mutes import Mute, Mutes
from storehealth.catalogue.platform import Platform
from storehealth.enough import least_rows
from storehealth.judge.independence import surety
from storehealth.judge.verdict import standing, weigh
from storehealth.limits import bounds_for
from storehealth.model import Finding, Measurement, Muted
from storehealth.wording import Words


class Known(NamedTuple):
    """What is muted and taken out, and what slices are judged by."""

    mutes: Mutes
    catalogue: Catalogue
    platform: Platform


def mute(
    findings: Sequence[Finding],
    measured: Iterable[Measurement],
    known: Known,
    as_of: datetime | None,
    language: Language,
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Mark what is muted.

    Args:
        findings: All verdicts; status and figures stay as they are.
        measured: Their measurements.
        known: The mutes, and what slices are judged by.
        as_of: Its day decides whether a mute holds; without one, none does.
        language: Of the warnings.

    Returns:
        The findings, failing and watched ones marked where a mute holds; and a line for each mute that has ended, has
        not begun or hides nothing, for each exemption that takes no row, and for each view called by its old name.
    """
    by_code, words = {one.code: one for one in measured}, Words(language)
    marks: dict[str, Muted] = {}
    said: list[str] = []
    for one in known.mutes.mutes if as_of else ():
        finding = next((each for each in findings if each.code == one.code), None)
        why = _in_vain(one, finding, by_code.get(one.code), known, as_of.date() if as_of else date.min)
        if why is None:
            marks.setdefault(one.code, Muted(reason=one.reason, owner=one.owner, until=one.until, segment=one.segment))
        else:
            said.append(_told(one, why, words))
    marked = tuple(one.model_copy(update={"muted": marks[one.code]}) if one.code in marks else one for one in findings)
    old = (*known.catalogue.old_names, *known.mutes.old_names)
    renamed = (words.say("mutes.old_view", place=name.file, old=name.old, new=name.new) for name in old)
    return marked, (*said, *_takes_nothing(by_code, known, words), *renamed)


def _in_vain(one: Mute, finding: Finding | None, measured: Measurement | None, known: Known, today: date) -> str | None:
    """Why a mute hides nothing; None where it does."""
    if one.until < today:
        return "ended"
    if one.since > today:
        return "ahead"
    if finding is None or measured is None or finding.status not in ("fail", "watch"):
        return "hides_nothing"
    return "rest_too" if one.segment and not _rest_passes(one, measured, known) else None


def _rest_passes(one: Mute, measured: Measurement, known: Known) -> bool:
    """Whether all rows but the slice's pass, or are too few to be judged."""
    rule = known.catalogue.rules[one.code]
    bounds = bounds_for(rule, known.platform.limits)
    slices = [each for each in measured.segments if each.segment == one.segment]
    if not slices or bounds is None:
        return False
    tally, out = measured.tally, slices[0].tally
    rest = tally.model_copy(update={name: count - getattr(out, name) for name, count in tally})
    if rest.judged < max(1, least_rows(rule, bounds, known.catalogue.scoring)):
        return True
    left = measured.model_copy(update={"tally": rest, "segments": (), "repeats": {}})
    figure = standing(rule, left, bounds, surety(left, known.platform.name))
    return weigh(figure, entities=1, least_entities=0)[0] == "pass"


def _told(one: Mute, why: str, words: Words) -> str:
    segment = ", ".join(f"{name}={value}" for name, value in one.segment.items())
    day = words.day(one.since if why == "ahead" else one.until)
    return words.say(f"mutes.{why}", code=one.code, owner=one.owner, day=day, segment=segment)


def _takes_nothing(by_code: dict[str, Measurement], known: Known, words: Words) -> Iterator[str]:
    """Exemptions without a row, as far as there is anything they could take a row from."""
    taken = {(code, each.reason) for code, one in by_code.items() for each in one.exempted}
    for one in known.mutes.exempt:
        rules = [rule.code for rule in known.catalogue.rules.values() if one.concerns(rule)]
        if not any((code, one.reason) in taken for code in rules):
            yield words.say("mutes.takes_nothing", place=one.place, reason=one.reason)
