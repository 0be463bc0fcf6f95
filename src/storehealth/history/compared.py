"""Compares an audit with the runs before it. Pure: the same runs always give the same comparison."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from storehealth.catalogue.scoring import Scoring
from storehealth.history.change import change_of, previous_of
from storehealth.history.followups import follow_ups
from storehealth.history.past import Past
from storehealth.history.states import Seen, finding_state, row_states
from storehealth.history.trend import Point, trend_of
from storehealth.model import (
    AreaScore,
    Finding,
    FollowUp,
    Previous,
    PublishedMeasurement,
    Score,
    Trend,
    Window,
)


@dataclass(frozen=True)
class Present:
    """The current audit, as far as it is compared."""

    as_of: datetime | None
    window: Window
    findings: tuple[Finding, ...]
    total: Score
    areas: tuple[AreaScore, ...]
    measurements: tuple[PublishedMeasurement, ...]
    seen: Seen = field(default_factory=lambda: Seen({}, {}))


class Compared(NamedTuple):
    """The parts of a checkup that refer to earlier runs."""

    findings: tuple[Finding, ...]
    previous: Previous | None = None
    trend: Trend | None = None
    followups: tuple[FollowUp, ...] = ()


def compared(past: Past, now: Present, scoring: Scoring) -> Compared:
    """Compare the current audit with earlier runs; without one, or without an as_of, nothing is compared."""
    if now.as_of is None:
        return Compared(now.findings)
    base, as_of = past.base, now.as_of
    findings, previous = now.findings, None
    if base is not None:
        findings = tuple(_compare_finding(finding, past, now, as_of) for finding in now.findings)
        previous = previous_of(base, now.findings, now.areas, now.window, scoring)
        previous = previous.model_copy(update={"baseline": past.baseline})
    return Compared(
        findings,
        previous,
        trend_of(past, Point(as_of, now.total, now.areas, now.findings)),
        follow_ups(past, now.findings, now.measurements, scoring, as_of),
    )


def _compare_finding(finding: Finding, past: Past, now: Present, as_of: datetime) -> Finding:
    before = past.base.judged(finding.code) if past.base else None
    is_comparable = before is not None and (before.unit, before.higher_is) == (finding.unit, finding.higher_is)
    state, since = finding_state(finding, past, as_of)
    return finding.model_copy(
        update={
            "previous": before.value if before is not None and is_comparable else None,
            "change": change_of(before, finding),
            "state": state,
            "since": since,
            "rows": row_states(finding.code, now.seen, past) if finding.status != "informative" else None,
        }
    )
