"""Two remembered runs side by side."""

from __future__ import annotations

from storehealth.catalogue.scoring import Scoring
from storehealth.history.change import change_of, previous_of
from storehealth.history.followups import days_of
from storehealth.history.past import JUDGED, Past, PastRun
from storehealth.history.states import Seen, finding_state, row_states
from storehealth.model import ComparedFinding, Comparison, CountsThen, Finding, RowStates, RunLine


def side_by_side(runs: tuple[PastRun, PastRun], lines: tuple[RunLine, RunLine], scoring: Scoring) -> Comparison:
    """What has changed from one run to another, of every rule that one of them could judge.

    Args:
        runs: Judged by the same rules.
        lines: The same two in a line each.
        scoring: The score's constants.
    """
    first, second = runs
    then, now = ({one.code: one for one in run.findings} for run in runs)
    same_store = lines[0].store == lines[1].store and lines[0].folder == lines[1].folder
    found = [
        _compared(then.get(code), now.get(code), runs, same_store)
        for code in dict.fromkeys([*now, *then])
        if _judged(then.get(code)) or _judged(now.get(code))
    ]
    return Comparison(
        first=lines[0],
        second=lines[1],
        previous=previous_of(first, second.findings, second.areas, second.told.window, scoring),
        findings=tuple(found),
    )


def _judged(finding: Finding | None) -> bool:
    return finding is not None and finding.status in JUDGED


def _compared(
    then: Finding | None, now: Finding | None, runs: tuple[PastRun, PastRun], same_store: bool
) -> ComparedFinding:
    first, second = runs
    one = now or then
    if one is None:
        raise ValueError("a finding of neither run")
    past = Past(against=(first,))
    return ComparedFinding(
        code=one.code,
        title=one.title,
        area=one.area,
        unit=one.unit,
        status_then=then.status if then else None,
        status_now=now.status if now else None,
        before=_counts(then),
        after=_counts(now),
        change=change_of(then, now) if now else None,
        state=finding_state(now, past, second.as_of)[0] if now and _judged(then) else None,
        rows=_rows(one.code, past, second) if same_store else None,
    )


def _counts(finding: Finding | None) -> CountsThen | None:
    """None where it could not be judged: no counts, not counts of 0."""
    if finding is None or finding.status not in JUDGED:
        return None
    return CountsThen(defects=finding.defects, judged=finding.judged, value=finding.value, days=days_of(finding.window))


def _rows(code: str, past: Past, now: PastRun) -> RowStates | None:
    """By fingerprints alone: whether a row that is no miss any more was mended or left the files, nobody can say."""
    states = row_states(code, Seen(now.marks, {}), past)
    return states.model_copy(update={"resolved": None}) if states else None
