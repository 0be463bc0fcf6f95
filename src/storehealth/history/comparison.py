"""Compares an audit with the runs before it, or two saved runs. Pure: the same runs always give the same comparison."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from storehealth.catalogue.thresholds import Scoring
from storehealth.history.followups import check_due_advice, count_days
from storehealth.history.past import (
    JUDGED,
    DefectMarks,
    EarlierRun,
    EarlierRuns,
    TrendPoint,
    build_trend,
    classify_finding,
    classify_rows,
    compare_findings,
    describe_previous,
)
from storehealth.model import (
    AreaScore,
    Finding,
    FindingComparison,
    FollowUp,
    PeriodCounts,
    PreviousRun,
    PublishedMeasurement,
    RowStates,
    RunComparison,
    RunSummary,
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


def compare_runs(
    runs: tuple[EarlierRun, EarlierRun], lines: tuple[RunSummary, RunSummary], scoring: Scoring
) -> RunComparison:
    """Compare two runs, for every rule that at least one of them could judge.

    Args:
        runs: Judged by the same rules.
        lines: A summary line of each.
        scoring: The score's constants.
    """
    first, second = runs
    before, after = ({finding.code: finding for finding in run.findings} for run in runs)
    same_store = lines[0].store == lines[1].store and lines[0].folder == lines[1].folder
    findings = [
        _compare_pair(before.get(code), after.get(code), runs, same_store)
        for code in dict.fromkeys([*after, *before])
        if _is_judged(before.get(code)) or _is_judged(after.get(code))
    ]
    return RunComparison(
        first=lines[0],
        second=lines[1],
        previous=describe_previous(first, second.findings, second.areas, second.reported.window, scoring),
        findings=tuple(findings),
    )


def _is_judged(finding: Finding | None) -> bool:
    return finding is not None and finding.status in JUDGED


def _compare_pair(
    before: Finding | None, after: Finding | None, runs: tuple[EarlierRun, EarlierRun], same_store: bool
) -> FindingComparison:
    first, second = runs
    either = after or before
    if either is None:
        raise ValueError("a finding of neither run")
    past = EarlierRuns(reference_runs=(first,))
    return FindingComparison(
        code=either.code,
        title=either.title,
        area=either.area,
        unit=either.unit,
        status_then=before.status if before else None,
        status_now=after.status if after else None,
        before=_to_counts(before),
        after=_to_counts(after),
        change=compare_findings(before, after) if after else None,
        state=classify_finding(after, past, second.as_of)[0] if after and _is_judged(before) else None,
        rows=_compare_rows(either.code, past, second) if same_store else None,
    )


def _to_counts(finding: Finding | None) -> PeriodCounts | None:
    """Return the counts of a finding; None where it could not be judged, which is not the same as counts of 0."""
    if finding is None or finding.status not in JUDGED:
        return None
    return PeriodCounts(
        defects=finding.defects, judged=finding.judged, value=finding.value, days=count_days(finding.window)
    )


def _compare_rows(code: str, past: EarlierRuns, now: EarlierRun) -> RowStates | None:
    """Compare rows by their fingerprints.

    ``resolved`` stays unknown: fingerprints cannot tell a row that was fixed from one that has left the files.
    """
    states = classify_rows(code, DefectMarks(now.marks, {}), past)
    return states.model_copy(update={"resolved": None}) if states else None
