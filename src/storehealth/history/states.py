"""New, persisting, resolved, reappeared: of findings by their verdicts, of rows by their fingerprints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from storehealth.history.past import Past
from storehealth.model import Finding, RowStates, State, Status

LEVELS: dict[Status, int] = {"pass": 0, "watch": 1, "fail": 2}
"""Other statuses are no verdict: such a run is a gap, neither good nor bad."""


class Seen(NamedTuple):
    """Fingerprints of the audit at hand, by rule: of its defects, and earlier ones that are no defect any more."""

    found: Mapping[str, Mapping[int, int]]
    mended: Mapping[str, frozenset[int]]


class Verdict(NamedTuple):
    """How bad a finding was at a run; None where it could not be judged."""

    at: datetime
    level: int | None


def state_of(before: Sequence[Verdict], now: Verdict) -> tuple[State | None, datetime | None]:
    """The state of a finding and the as_of it began with; None for one that is well and was so last time.

    A finding counts as there in a run where it was at least as bad as it is now: one that only needed watching and
    fails now is new. Runs that could not judge it do not count.

    Args:
        before: Earlier runs, oldest first.
        now: This one.
    """
    known = [one for one in before if one.level is not None]
    if now.level is None:
        return None, None
    if now.level == 0:
        return ("resolved", now.at) if known and known[-1].level else (None, None)
    there = [(one.level or 0) >= now.level for one in known]
    if not any(there):
        return "new", now.at
    if not there[-1]:
        return "reappeared", now.at
    begun = len(there) - next((back for back, one in enumerate(reversed(there)) if not one), len(there))
    return "persisting", known[begun].at


def finding_state(finding: Finding, past: Past, as_of: datetime) -> tuple[State | None, datetime | None]:
    """The same of a finding among the runs it is compared with."""
    before = [
        Verdict(run.as_of, LEVELS.get(one.status))
        for run in past.against
        for one in run.findings
        if one.code == finding.code
    ]
    return state_of(before, Verdict(as_of, LEVELS.get(finding.status)))


def row_states(code: str, seen: Seen, past: Past) -> RowStates | None:
    """How many of a rule's defects are new, and what became of the earlier ones; None where they are not followed."""
    now, (latest, older) = seen.found.get(code), past.marks_of(code)
    if now is None or latest is None:
        return None
    fresh, mended = now.keys() - latest.keys(), seen.mended.get(code, frozenset())
    back = {mark for mark in fresh if any(mark in one for one in older)}
    return RowStates(
        new=len(fresh) - len(back),
        persisting=len(now.keys() & latest.keys()),
        reappeared=len(back),
        resolved=len(mended),
        gone=len(latest.keys() - now.keys() - mended),
    )
