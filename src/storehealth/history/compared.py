"""Compares an audit with the runs before it. Pure: the same runs always give the same comparison."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from storehealth.catalogue.scoring import Scoring
from storehealth.history.change import compare_findings, describe_previous
from storehealth.history.followups import check_due_advice
from storehealth.history.past import EarlierRuns
from storehealth.history.states import DefectMarks, classify_finding, classify_rows
from storehealth.history.trend import TrendPoint, build_trend
from storehealth.model import (
    AreaScore,
    Finding,
    FollowUp,
    PreviousRun,
    PublishedMeasurement,
    Score,
    Trend,
    Window,
)


@dataclass(frozen=True)
class CurrentAudit:
    """The current audit, as far as it is compared."""

    as_of: datetime | None
    window: Window
    findings: tuple[Finding, ...]
    total: Score
    areas: tuple[AreaScore, ...]
    measurements: tuple[PublishedMeasurement, ...]
    marks: DefectMarks = field(default_factory=lambda: DefectMarks({}, {}))


class HistoryComparison(NamedTuple):
    """The parts of a checkup that refer to earlier runs."""

    findings: tuple[Finding, ...]
    previous: PreviousRun | None = None
    trend: Trend | None = None
    followups: tuple[FollowUp, ...] = ()


def compare_with_history(past: EarlierRuns, now: CurrentAudit, scoring: Scoring) -> HistoryComparison:
    """Compare the current audit with earlier runs; without one, or without an as_of, nothing is compared."""
    if now.as_of is None:
        return HistoryComparison(now.findings)
    base, as_of = past.reference, now.as_of
    findings, previous = now.findings, None
    if base is not None:
        findings = tuple(_compare_finding(finding, past, now, as_of) for finding in now.findings)
        previous = describe_previous(base, now.findings, now.areas, now.window, scoring)
        previous = previous.model_copy(update={"baseline": past.baseline})
    return HistoryComparison(
        findings,
        previous,
        build_trend(past, TrendPoint(as_of, now.total, now.areas, now.findings)),
        check_due_advice(past, now.findings, now.measurements, scoring, as_of),
    )


def _compare_finding(finding: Finding, past: EarlierRuns, now: CurrentAudit, as_of: datetime) -> Finding:
    before = past.reference.find_judged(finding.code) if past.reference else None
    is_comparable = before is not None and (before.unit, before.higher_is) == (finding.unit, finding.higher_is)
    state, since = classify_finding(finding, past, as_of)
    return finding.model_copy(
        update={
            "previous": before.value if before is not None and is_comparable else None,
            "change": compare_findings(before, finding),
            "state": state,
            "since": since,
            "rows": classify_rows(finding.code, now.marks, past) if finding.status != "informative" else None,
        }
    )
