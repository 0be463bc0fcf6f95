"""Phrases about files that were not used and rows that were rejected."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from storehealth.model import Checkup, Source
from storehealth.wording import Words

MOST_NAMED = 5
"""Files listed by name where there is no room for all."""


def group_refused(sources: Iterable[Source]) -> list[list[Source]]:
    """Files that were refused, grouped by reason."""
    groups: dict[str, list[Source]] = {}
    for source in sources:
        groups.setdefault(source.note, []).append(source)
    return list(groups.values())


def describe_refusal(members: Sequence[Source], words: Words) -> str:
    """Why they were refused."""
    return words.reason(members[0].note) if members[0].note else words.say("screen.no_reason")


def describe_refused(members: Sequence[Source], words: Words) -> str:
    """All files that were refused for one reason, by name."""
    paths = words.say("unit.comma").join(source.path for source in members)
    return words.say("screen.refused", n=len(members), path=paths, reason=describe_refusal(members, words))


def describe_rejected(checkup: Checkup, words: Words) -> str | None:
    """How many rows were rejected, and how to see which and why; None where none were."""
    number = sum(source.rejected for source in checkup.sources)
    return words.count("count.rejected_rows", number) if number else None
