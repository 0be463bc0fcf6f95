"""Marks muted findings and reports entries of ``mutes.yaml`` that match nothing. No figure changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import NamedTuple

from storehealth.catalogue import Catalogue
from storehealth.catalogue.mutes import Mute, MutesFile
from storehealth.catalogue.platform import Platform
from storehealth.catalogue.thresholds import count_required_rows, resolve_bounds
from storehealth.judge.certainty import assess_certainty
from storehealth.judge.verdict import decide_status, scale_figure
from storehealth.model import Finding, Measurement, MuteMark
from storehealth.support.message import Message, Name, message


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
