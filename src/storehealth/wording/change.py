"""Phrases about a finding compared with earlier runs."""

from __future__ import annotations

from collections.abc import Sequence

from storehealth.model import Finding, TrendEvent
from storehealth.wording import Words

MOST_CODES = 4
"""Codes listed on the first screen before the rest is only counted."""


def describe_change(finding: Finding, words: Words) -> list[str]:
    """The previous figure, whether the difference is beyond noise, and how long the finding has existed."""
    was = finding.previous is not None
    moved = [words.say("screen.was", value=words.format_figure(finding.previous, finding.unit))] if was else []
    moved += [words.say(f"change.{finding.change}")] if finding.change else []
    parts = [words.say("history.clause").join(moved)] if moved else []
    if finding.state:
        day = finding.since.date() if finding.since else None
        parts.append(words.say(f"found.{finding.state}", day=words.format_day(day)))
    return parts


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
    named = f"{kind}{words.say('unit.colon')}{event.name}" if event.name else kind
    return words.say("unit.brackets", what=named, inside=when)
