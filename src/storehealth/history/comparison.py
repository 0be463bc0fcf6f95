"""Compares an audit with the runs before it, or two saved runs. Pure: the same runs always give the same comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from storehealth.catalogue.thresholds import Scoring
from storehealth.history.past import (
    DIGITS,
    JUDGED,
    DefectMarks,
    EarlierRun,
    EarlierRuns,
    TrendPoint,
    build_trend,
    classify_finding,
    classify_rows,
    compare_counts,
    compare_findings,
    describe_previous,
)
from storehealth.model import (
    AreaScore,
    Change,
    Driver,
    Finding,
    FindingComparison,
    FollowUp,
    PeriodCounts,
    PreviousRun,
    PublishedMeasurement,
    Recommendation,
    RowStates,
    RunComparison,
    RunSummary,
    Score,
    Trend,
    Window,
)
from storehealth.score.metrics import average_headline


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


MIN_DRIVER_SHARE = 0.3
"""Where one slice has at least this share of the misses, the advice is measured by that slice."""


@dataclass(frozen=True)
class IssuedAdvice:
    """An advice, and the run that gave it."""

    advice: Recommendation
    run: EarlierRun
    check_on: date


@dataclass
class PendingAdvice:
    """Advice whose check date has not come yet; advice that is repeated counts from when it was first given."""

    waiting: dict[str, IssuedAdvice] = field(default_factory=dict)

    def pop_due(self, as_of: datetime) -> list[IssuedAdvice]:
        """Remove and return the advice that is to be checked by ``as_of``."""
        due = [issued for issued in self.waiting.values() if issued.check_on <= as_of.date()]
        for issued in due:
            del self.waiting[issued.advice.id]
        return due

    def add(self, run: EarlierRun) -> None:
        """Add the advice of a run."""
        for advice in run.reported.recommendations:
            if advice.id not in self.waiting and advice.check_on is not None:
                self.waiting[advice.id] = IssuedAdvice(advice, run, advice.check_on)


def list_due_advice(past: EarlierRuns, as_of: datetime) -> list[IssuedAdvice]:
    """List advice whose check date has come since the previous run, in the order it was given."""
    pending = PendingAdvice()
    for run in past.recent:
        pending.pop_due(run.as_of)
        pending.add(run)
    return pending.pop_due(as_of)


def check_due_advice(
    past: EarlierRuns,
    findings: Sequence[Finding],
    measurements: Sequence[PublishedMeasurement],
    scoring: Scoring,
    as_of: datetime,
) -> tuple[FollowUp, ...]:
    """Measure the effect of every advice whose check date has come, by the counts of then and now."""
    checked = (_check_advice(issued, findings, measurements, scoring) for issued in list_due_advice(past, as_of))
    return tuple(followup for followup in checked if followup is not None)


def _check_advice(
    issued: IssuedAdvice, findings: Sequence[Finding], measurements: Sequence[PublishedMeasurement], scoring: Scoring
) -> FollowUp | None:
    before = next((found for code in issued.advice.findings if (found := issued.run.find_judged(code))), None)
    if before is None:  # its rules count something else by now
        return None
    now = next((finding for finding in findings if finding.code == before.code and finding.status in JUDGED), None)
    driver = _find_driver(before)
    then, after, change = (
        _compare_whole(before, now) if driver is None else _compare_slice(before, now, driver, measurements)
    )
    return FollowUp(
        id=issued.advice.id,
        name=issued.advice.name,
        given_on=issued.run.as_of.date(),
        check_on=issued.check_on,
        code=before.code,
        title=before.title,
        unit=before.unit if driver is None else "share",
        segment=driver.segment if driver else {},
        before=then,
        after=after,
        change=change,
        points=_compare_score(issued, findings, scoring),
    )


def _find_driver(finding: Finding) -> Driver | None:
    """Find the slice with most misses, if one stands out. A single day is none: it does not come again."""
    candidates = [
        driver
        for driver in finding.drivers
        if "day" not in driver.segment and driver.share_of_defects >= MIN_DRIVER_SHARE
    ]
    return max(candidates, key=lambda driver: driver.share_of_defects, default=None)


def _compare_whole(before: Finding, now: Finding | None) -> tuple[PeriodCounts, PeriodCounts | None, Change | None]:
    return _count_finding(before), _count_finding(now) if now else None, compare_findings(before, now) if now else None


def _count_finding(finding: Finding) -> PeriodCounts:
    return PeriodCounts(
        defects=finding.defects, judged=finding.judged, value=finding.value, days=count_days(finding.window)
    )


def _compare_slice(
    before: Finding, now: Finding | None, driver: Driver, measurements: Sequence[PublishedMeasurement]
) -> tuple[PeriodCounts, PeriodCounts | None, Change | None]:
    """Compare one slice then and now, as the share of good rows or, where more is worse, of bad ones."""
    matching = (
        measurement
        for measurement in measurements
        if measurement.code == before.code and measurement.segment == driver.segment
    )
    segment = next(matching, None) if now else None
    then = _count_slice((driver.defects, driver.judged), before)
    if segment is None or now is None or segment.judged == 0:
        return then, None, None
    counts = (segment.defects, segment.judged)
    return then, _count_slice(counts, now), compare_counts((driver.defects, driver.judged), counts)


def _count_slice(counts: tuple[int, int], finding: Finding) -> PeriodCounts:
    defects, judged = counts
    bad = defects / judged if judged else None
    good = None if bad is None else round(1 - bad, 12)  # 1 - 0.9 is 0.09999999999999998
    value = good if finding.unit == "share" and finding.higher_is == "better" else bad
    return PeriodCounts(defects=defects, judged=judged, value=value, days=count_days(finding.window))


def _compare_score(issued: IssuedAdvice, findings: Sequence[Finding], scoring: Scoring) -> float | None:
    """Return the score now, minus what it would be if the findings the advice was for still had their old figures."""
    values_then = {
        code: value
        for code in issued.advice.findings
        if (found := issued.run.find_judged(code)) is not None and (value := _figure_then(found)) is not None
        and any(finding.code == code and finding.scored and finding.status in JUDGED for finding in findings)
    }  # fmt: skip
    now, with_then = average_headline(findings, scoring).score, average_headline(findings, scoring, values_then).score
    return None if now is None or with_then is None or not values_then else round(now - with_then, DIGITS)


def _figure_then(finding: Finding) -> float | None:
    if finding.unit != "share":
        return finding.value
    return finding.defects / finding.judged if finding.judged else None


def count_days(window: Window) -> int | None:
    """Count the days of a period; None where it lacks an end."""
    return None if window.first is None or window.last is None else (window.last - window.first).days + 1
