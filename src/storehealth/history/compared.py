"""An audit held against the runs before it: pure, so that the same two runs always compare alike."""

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
    """The audit at hand, as far as it is compared."""

    as_of: datetime | None
    window: Window
    findings: tuple[Finding, ...]
    total: Score
    areas: tuple[AreaScore, ...]
    measurements: tuple[PublishedMeasurement, ...]
    seen: Seen = field(default_factory=lambda: Seen({}, {}))


class Compared(NamedTuple):
    """The parts of a checkup that speak of earlier runs."""

    findings: tuple[Finding, ...]
    previous: Previous | None = None
    trend: Trend | None = None
    followups: tuple[FollowUp, ...] = ()


def compared(past: Past, now: Present, scoring: Scoring) -> Compared:
    """What has changed. Without an earlier run, and without an as_of, nothing is said."""
    if now.as_of is None:
        return Compared(now.findings)
    base, at = past.base, now.as_of
    findings, previous = now.findings, None
    if base is not None:
        findings = tuple(_against(one, past, now, at) for one in now.findings)
        previous = previous_of(base, now.findings, now.areas, now.window, scoring)
        previous = previous.model_copy(update={"baseline": past.baseline})
    return Compared(
        findings,
        previous,
        trend_of(past, Point(at, now.total, now.areas, now.findings)),
        follow_ups(past, now.findings, now.measurements, scoring, at),
    )


def _against(finding: Finding, past: Past, now: Present, at: datetime) -> Finding:
    before = past.base.judged(finding.code) if past.base else None
    same = before is not None and (before.unit, before.higher_is) == (finding.unit, finding.higher_is)
    state, since = finding_state(finding, past, at)
    return finding.model_copy(
        update={
            "previous": before.value if before is not None and same else None,
            "change": change_of(before, finding),
            "state": state,
            "since": since,
            "rows": row_states(finding.code, now.seen, past) if finding.status != "informative" else None,
        }
    )
