"""Two remembered runs side by side."""

from __future__ import annotations

from storehealth.catalogue.scoring import Scoring
from storehealth.history.change import compare_findings, describe_previous
from storehealth.history.followups import count_days
from storehealth.history.past import JUDGED, EarlierRun, EarlierRuns
from storehealth.history.states import DefectMarks, classify_finding, classify_rows
from storehealth.model import Finding, FindingComparison, PeriodCounts, RowStates, RunComparison, RunSummary


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
