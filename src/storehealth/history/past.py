"""What is known of earlier runs, as the pure comparisons need it.

New, persisting, resolved, reappeared: of findings by their verdicts, of rows by their fingerprints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from storehealth.model import AreaScore, Checkup, Finding, RowStates, Score, State, Status, TrendEvent

JUDGED = ("pass", "watch", "fail", "informative")
"""Statuses of findings with a figure that may be compared."""


@dataclass(frozen=True)
class EarlierRun:
    """One earlier run.

    Attributes:
        told: The checkup as it was reported then, without rows and measurements.
        findings: Its counts judged by today's rules; the findings of that day where the rules are the same.
        total: The score of these findings.
        areas: The areas' scores from these findings.
        rejudged: Whether the rules have changed since.
        marks: Fingerprints of its defects by rule, each with its day number; empty where none are kept.
    """

    reported: Checkup
    findings: tuple[Finding, ...]
    total: Score
    areas: tuple[AreaScore, ...]
    is_rejudged: bool
    marks: Mapping[str, Mapping[int, int]]

    @property
    def as_of(self) -> datetime:
        """The moment the run speaks of; a run without one is never remembered."""
        return self.reported.as_of or datetime.min  # noqa: DTZ901 - naive, like all times of the store

    def find_judged(self, code: str) -> Finding | None:
        """Return the finding of a rule, if it has a figure."""
        return next((finding for finding in self.findings if finding.code == code and finding.status in JUDGED), None)


@dataclass(frozen=True)
class EarlierRuns:
    """Earlier runs of one store, oldest first.

    Attributes:
        lately: Those before the current audit, for the trend.
        against: Those up to the one it is compared with, which is the last; differs from ``lately`` for a baseline.
        baseline: Whether a baseline was asked for.
        events: What may explain a step in the trend.
    """

    recent: tuple[EarlierRun, ...] = ()
    reference_runs: tuple[EarlierRun, ...] = ()
    baseline: bool = False
    events: tuple[TrendEvent, ...] = ()

    @property
    def reference(self) -> EarlierRun | None:
        """The run that is compared with."""
        return self.reference_runs[-1] if self.reference_runs else None

    def split_marks(self, code: str) -> tuple[Mapping[int, int] | None, list[Mapping[int, int]]]:
        """Return the fingerprints of the latest run that has any for a rule, and those of the runs before it."""
        followed = [run.marks[code] for run in reversed(self.reference_runs) if code in run.marks]
        return (followed[0], followed[1:]) if followed else (None, [])

    def list_older_marks(self) -> dict[str, list[Mapping[int, int]]]:
        """Return, by rule, the fingerprints of the runs before the one that :meth:`marks` returns, latest first."""
        return {code: self.split_marks(code)[1] for code in self.list_latest_marks()}

    def list_latest_marks(self) -> dict[str, Mapping[int, int]]:
        """Return, by rule, the fingerprints that the current defects are compared with."""
        codes = dict.fromkeys(code for run in self.reference_runs for code in run.marks)
        return {code: latest for code in codes for latest, _ in [self.split_marks(code)] if latest is not None}


LEVELS: dict[Status, int] = {"pass": 0, "watch": 1, "fail": 2}
"""Other statuses are no verdicts: such a run is a gap, neither good nor bad."""


class DefectMarks(NamedTuple):
    """Fingerprints of the current audit by rule: of its defects, and of earlier defects that have been fixed."""

    current: Mapping[str, Mapping[int, int]]
    fixed: Mapping[str, frozenset[int]]


class PastVerdict(NamedTuple):
    """How bad a finding was in a run; ``level`` is None where it could not be judged."""

    at: datetime
    level: int | None


def classify_state(before: Sequence[PastVerdict], now: PastVerdict) -> tuple[State | None, datetime | None]:
    """Return a finding's state and the as_of that began it; None for a finding that passes, as it did last time.

    A finding counts as present in a run where it was at least as bad as it is now: one that was on watch and fails
    now is new. Runs that could not judge it are skipped.

    Args:
        before: Earlier runs, oldest first.
        now: The current run.
    """
    judged = [verdict for verdict in before if verdict.level is not None]
    if now.level is None:
        return None, None
    if now.level == 0:
        return ("resolved", now.at) if judged and judged[-1].level else (None, None)
    was_as_bad = [(verdict.level or 0) >= now.level for verdict in judged]
    if not any(was_as_bad):
        return "new", now.at
    if not was_as_bad[-1]:
        return "reappeared", now.at
    start = len(was_as_bad) - next(
        (back for back, verdict in enumerate(reversed(was_as_bad)) if not verdict), len(was_as_bad)
    )
    return "persisting", judged[start].at


def classify_finding(finding: Finding, past: EarlierRuns, as_of: datetime) -> tuple[State | None, datetime | None]:
    """Return :func:`classify_state` of a finding among the runs it is compared with.

    A finding that passes although its figure got worse, because limits or the number of rows changed, is not resolved.
    """
    before = [
        PastVerdict(run.as_of, LEVELS.get(earlier.status))
        for run in past.reference_runs
        for earlier in run.findings
        if earlier.code == finding.code
    ]
    state, since = classify_state(before, PastVerdict(as_of, LEVELS.get(finding.status)))
    earlier_finding = past.reference.find_judged(finding.code) if past.reference else None
    return (None, None) if state == "resolved" and has_worsened(earlier_finding, finding) else (state, since)


def has_worsened(before: Finding | None, after: Finding) -> bool:
    """Whether a figure moved in the wrong direction, be it within noise; False where the two cannot be compared."""
    if before is None or before.value is None or after.value is None:
        return False
    if (before.unit, before.higher_is) != (after.unit, after.higher_is):
        return False
    return after.value < before.value if after.higher_is == "better" else after.value > before.value


def classify_rows(code: str, seen: DefectMarks, past: EarlierRuns) -> RowStates | None:
    """Count a rule's new defects, and what became of earlier ones; None where its rows have no fingerprints."""
    now, (latest, older) = seen.current.get(code), past.split_marks(code)
    if now is None or latest is None:
        return None
    added, fixed = now.keys() - latest.keys(), seen.fixed.get(code, frozenset())
    returned = {mark for mark in added if any(mark in marks for marks in older)}
    return RowStates(
        new=len(added) - len(returned),
        persisting=len(now.keys() & latest.keys()),
        reappeared=len(returned),
        resolved=len(fixed),
        gone=len(latest.keys() - now.keys() - fixed),
    )
