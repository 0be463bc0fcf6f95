"""New, persisting, resolved, reappeared: of findings by their verdicts, of rows by their fingerprints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from storehealth.history.past import EarlierRuns
from storehealth.model import Finding, RowStates, State, Status

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
    """Return :func:`state_of` a finding among the runs it is compared with."""
    before = [
        PastVerdict(run.as_of, LEVELS.get(earlier.status))
        for run in past.reference_runs
        for earlier in run.findings
        if earlier.code == finding.code
    ]
    return classify_state(before, PastVerdict(as_of, LEVELS.get(finding.status)))


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
