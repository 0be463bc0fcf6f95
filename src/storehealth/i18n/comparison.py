"""Phrases about a finding compared with earlier runs, and about two saved runs side by side."""

from __future__ import annotations

from collections.abc import Sequence

from storehealth.i18n import Words
from storehealth.i18n.values import DASH
from storehealth.model import (
    Change,
    Finding,
    FindingComparison,
    PeriodCounts,
    RunComparison,
    RunSummary,
    State,
    TrendEvent,
)

MOST_CODES = 4
"""Codes listed on the first screen before the rest is only counted."""


def describe_change(finding: Finding, words: Words) -> list[str]:
    """The previous figure, whether the difference is beyond noise, and how long the finding has existed."""
    was = finding.previous is not None
    moved = [words.say("screen.was", value=words.format_figure(finding.previous, finding.unit))] if was else []
    moved += [words.say(f"change.{_choose_change(finding.change, finding.state)}")] if finding.change else []
    parts = [words.say("history.clause").join(moved)] if moved else []
    if finding.state:
        day = finding.since.date() if finding.since else None
        parts.append(words.say(f"found.{finding.state}", day=words.format_day(day)))
    return parts


def _choose_change(change: Change, state: State | None) -> str:
    """The key of a change; where a verdict changed although the figure hardly did, one that says both."""
    if change == "within_noise" and state in ("new", "reappeared"):
        return "crossed"
    return "returned" if change == "within_noise" and state == "resolved" else change


def describe_rows(finding: Finding, words: Words) -> str | None:
    """What became of the customers or orders behind a finding; None where they are not tracked or there were none."""
    if finding.rows is None:
        return None
    counted = {name: number for name, number in finding.rows.model_dump().items() if number}
    if not counted:
        return None
    text = words.say("unit.comma").join(words.count(f"rows.{name}", number) for name, number in counted.items())
    return f"{words.say('history.rows')}{words.say('unit.colon')}{text}"


def format_signed(points: float, words: Words, digits: int = 1) -> str:
    """A difference with its sign; one that rounds to zero is a plain 0."""
    text = words.format_decimal(points, digits)
    return text if text in ("0", "—") or points < 0 else f"+{text}"


def list_codes(codes: Sequence[str], words: Words, most: int = MOST_CODES) -> str:
    """The first codes, and how many more there are."""
    text = " ".join(codes[:most])
    hidden = len(codes) - most
    return f"{text} {words.say('history.further', n=hidden)}" if hidden > 0 else text


def describe_event(event: TrendEvent, words: Words) -> str:
    """``promotion: Double 11 (2025-11-01 to 2025-11-11)``."""
    first, last = words.format_day(event.first), words.format_day(event.last)
    when = first if first == last else words.say("screen.window", first=first, last=last)
    kind = words.say(f"event.{event.kind}")
    named = f"{kind}{words.say('unit.colon')}{words.render(event.name)}" if event.name else kind
    return words.say("unit.brackets", what=named, inside=when)


ROWS = ("new", "persisting")
"""Row states that fingerprints alone can show; they cannot show whether the other rows were fixed."""


def name_series(line: RunSummary) -> tuple[str, ...]:
    """Store, platform and way of counting."""
    return tuple(part for part in (line.store, line.folder, line.platform, line.how) if part)


def has_changed(finding: FindingComparison) -> bool:
    """Whether the figure changed beyond noise or the verdict changed."""
    return finding.change in ("better", "worse") or finding.status_then != finding.status_now


def summarise_pair(comparison: RunComparison, words: Words) -> list[str]:
    """The scores then and now, what their difference is made of, and the areas."""
    then, now, change = comparison.first.score, comparison.second.score, comparison.previous.score_change
    moved = words.say("history.moved", then=words.format_decimal(then, 0), now=words.format_decimal(now, 0))
    if change is None:
        lines = [words.say("history.clause").join([moved, words.say("history.no_score")])]
    else:
        lines = [words.say("history.clause").join([moved, words.say(f"change.{change.change}")])]
        made_of = {
            name: format_signed(getattr(change, name), words) for name in ("points", "figures", "coverage", "rules")
        }
        lines.append(words.say("history.made_of", **made_of))
    areas = [
        f"{words.say(f'area.{area.id}')} {format_signed(area.points, words)}"
        for area in comparison.previous.areas
        if area.points is not None
    ]
    lines += [words.say("remembered.areas", areas=words.say("unit.comma").join(areas))] if areas else []
    lines += [words.say("history.rejudged")] if comparison.previous.rejudged else []
    return lines if comparison.previous.same_weekdays else [*lines, words.say("history.weekdays")]


def format_statuses(finding: FindingComparison, words: Words) -> str:
    """``fail → pass``, or the verdict where it is the same."""
    then, now = (
        words.say(f"status.{status}") if status else DASH for status in (finding.status_then, finding.status_now)
    )
    return now if then == now else words.say("history.arrow", then=then, now=now)


def format_difference(finding: FindingComparison, words: Words) -> str:
    """The figure then and now, each with its counts."""
    return words.say(
        "history.arrow",
        then=_format_counts(finding.before, finding, words),
        now=_format_counts(finding.after, finding, words),
    )


def _format_counts(counts: PeriodCounts | None, finding: FindingComparison, words: Words) -> str:
    if counts is None:
        return DASH
    value = words.format_figure(counts.value, finding.unit)
    key = "screen.missed" if finding.unit == "share" else "screen.over"
    text = words.say(key, defects=words.format_whole(counts.defects), judged=words.format_whole(counts.judged))
    return words.say("unit.brackets", what=value, inside=text)


def describe_comparison(finding: FindingComparison, words: Words) -> list[str]:
    """Whether that is a change, its state, and how many rows are new or still there."""
    parts = [words.say(f"change.{_choose_change(finding.change, finding.state)}")] if finding.change else []
    parts += [words.say(f"found.{finding.state}")] if finding.state in ("new", "reappeared", "resolved") else []
    if finding.rows:
        counted = {name: getattr(finding.rows, name) for name in ROWS}
        rows = [words.count(f"rows.{name}", number) for name, number in counted.items() if number]
        parts += (
            [f"{words.say('history.rows')}{words.say('unit.colon')}{words.say('unit.comma').join(rows)}"]
            if rows
            else []
        )
    return parts
