"""How a finding stands against earlier runs, in a few words."""

from __future__ import annotations

from collections.abc import Sequence

from storehealth.model import Event, Finding
from storehealth.wording import Words

NAMED = 4
"""Codes named on the first screen before the rest is counted."""


def since_then(finding: Finding, words: Words) -> list[str]:
    """What it was, whether that is a change, and how long it has been so."""
    was = finding.previous is not None
    moved = [words.say("screen.was", value=words.figure(finding.previous, finding.unit))] if was else []
    moved += [words.say(f"change.{finding.change}")] if finding.change else []
    said = [words.say("history.clause").join(moved)] if moved else []
    if finding.state:
        day = finding.since.date() if finding.since else None
        said.append(words.say(f"found.{finding.state}", day=words.day(day)))
    return said


def rows_then(finding: Finding, words: Words) -> str | None:
    """What became of the customers or orders behind it; None where they are not followed, or there never were any."""
    if finding.rows is None:
        return None
    counted = {name: number for name, number in finding.rows.model_dump().items() if number}
    if not counted:
        return None
    said = words.say("unit.comma").join(words.count(f"rows.{name}", number) for name, number in counted.items())
    return f"{words.say('history.rows')}{words.say('unit.colon')}{said}"


def signed(points: float, words: Words, digits: int = 1) -> str:
    """A difference with its sign; one too small to be written is plain 0."""
    text = words.decimal(points, digits)
    return text if text in ("0", "—") or points < 0 else f"+{text}"


def codes_text(codes: Sequence[str], words: Words, most: int = NAMED) -> str:
    """So many codes, and how many more there are."""
    said = " ".join(codes[:most])
    hidden = len(codes) - most
    return f"{said} {words.say('history.further', n=hidden)}" if hidden > 0 else said


def event_text(event: Event, words: Words) -> str:
    """``promotion: Double 11 (2025-11-01 to 2025-11-11)``."""
    first, last = words.day(event.first), words.day(event.last)
    when = first if first == last else words.say("screen.window", first=first, last=last)
    kind = words.say(f"event.{event.kind}")
    named = f"{kind}{words.say('unit.colon')}{event.name}" if event.name else kind
    return words.say("unit.brackets", what=named, inside=when)
