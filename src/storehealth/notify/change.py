"""What is new in a checkup, against what people were told last. Pure."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import NamedTuple

from storehealth.model import Area, Checkup, Finding, Record
from storehealth.wording.phrases import band, by_urgency

UNKNOWN = ("inconclusive", "not_applicable")


class Told(Record):
    """What people know of a store: what was last told, brought up to date by every run."""

    score: float | None = None
    band: str | None = None
    failing: tuple[str, ...] = ()
    ever: tuple[str, ...] = ()
    """Codes that have failed at some time."""
    areas: tuple[Area, ...] = ()
    """Areas that had a score."""
    content: str = ""
    """Digest of what was last told; empty where nothing was."""
    at: datetime | None = None


class Changes(NamedTuple):
    """What differs from what people know."""

    new: tuple[Finding, ...]
    again: tuple[Finding, ...]
    still: tuple[Finding, ...]
    resolved: tuple[Finding, ...]
    lost: tuple[Area, ...]
    """Areas that could be judged and cannot any more."""
    gaps: tuple[str, ...]
    """Codes that failed and cannot be judged now: neither new nor resolved."""
    muted: int
    before: float | None
    first: bool
    band_before: str | None
    now: Told

    @property
    def any(self) -> bool:
        """Whether there is something people do not know yet; a first checkup tells what fails."""
        band_moved = not self.first and self.band_before != self.now.band
        return bool(self.new or self.again or self.resolved or self.lost or band_moved)

    @property
    def failing(self) -> tuple[Finding, ...]:
        """What fails now, the most urgent first."""
        return tuple(by_urgency((*self.new, *self.again, *self.still)))


def changes(told: Told | None, checkup: Checkup) -> Changes:
    """Compare a checkup with what was told.

    A finding that cannot be judged now is no change; when it fails again it is no news either. What is muted is left out.
    """
    known = told or Told()
    open_ones = [one for one in checkup.findings if one.muted is None]
    failing = [one for one in by_urgency(open_ones) if one.status == "fail"]
    judgeable = {one.code for one in checkup.findings if one.status not in UNKNOWN}
    unheard = [one for one in failing if one.code not in known.failing]
    judged = tuple(area.id for area in checkup.areas if area.score is not None)
    gaps = tuple(code for code in known.failing if code not in judgeable)
    score = checkup.score.value
    return Changes(
        new=tuple(one for one in unheard if not _again(one, known)),
        again=tuple(one for one in unheard if _again(one, known)),
        still=tuple(one for one in failing if one.code in known.failing),
        resolved=tuple(one for one in open_ones if one.code in known.failing and one.status in ("pass", "watch")),
        lost=tuple(area for area in known.areas if area not in judged),
        gaps=gaps,
        muted=sum(one.status == "fail" for one in checkup.findings) - len(failing),
        before=known.score,
        first=told is None,
        band_before=known.band,
        now=Told(
            score=score,
            band=None if score is None else band(score),
            failing=(*sorted(one.code for one in failing), *gaps),
            ever=tuple(sorted({*known.ever, *known.failing, *(one.code for one in failing)})),
            areas=judged,
        ),
    )


def content(found: Changes) -> str:
    """A digest that two checkups share where they would tell people the same: what fails, the band, what is not judged."""
    return digest(repr((sorted(one.code for one in found.failing), found.now.band, sorted(found.now.areas))))


def digest(text: str) -> str:
    """Tells one text from another."""
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=16).hexdigest()


def remembered(told: Told | None, found: Changes, at: datetime | None) -> Told:
    """What people know from now on.

    Args:
        told: What they knew.
        found: What is new.
        at: When they were told of it; None: they were not.
    """
    if at is not None:
        return found.now.model_copy(update={"content": content(found), "at": at})
    return found.now.model_copy(update={"content": told.content, "at": told.at} if told else {})


def _again(finding: Finding, known: Told) -> bool:
    return finding.code in known.ever or finding.state == "reappeared"
