"""New, persisting, resolved, reappeared: of findings by their verdicts, of rows by their fingerprints."""

from __future__ import annotations

import pytest

from storehealth.history import DefectMarks
from storehealth.history.past import LEVELS, PastVerdict, classify_state
from storehealth.model import RowStates
from tests.runs import against, at, gap, late, past_run, present, runs

DAYS = ("2025-03-03", "2025-03-10", "2025-03-17", "2025-03-24")
NOW = "2025-03-31"
SIGNS = {"p": "pass", "w": "watch", "f": "fail", "?": "inconclusive", "-": "not_applicable", "i": "informative"}


@pytest.mark.parametrize(
    ("before", "now", "state", "since"),
    [
        ("pppp", "f", "new", NOW),
        ("pppw", "f", "new", NOW),
        ("pfpp", "f", "reappeared", NOW),
        ("pffp", "w", "reappeared", NOW),
        ("pfff", "f", "persisting", DAYS[1]),
        ("ffff", "f", "persisting", DAYS[0]),
        ("fpff", "f", "persisting", DAYS[2]),
        ("pfff", "w", "persisting", DAYS[1]),
        ("pfff", "p", "resolved", NOW),
        ("pffp", "p", None, None),
        ("pppp", "p", None, None),
        ("pff?", "f", "persisting", DAYS[1]),
        ("pf-?", "p", "resolved", NOW),
        ("????", "f", "new", NOW),
        ("????", "p", None, None),
        ("ffff", "?", None, None),
        ("ffff", "i", None, None),
    ],
)
def test_a_finding_s_state_follows_from_its_verdicts(
    before: str, now: str, state: str | None, since: str | None
) -> None:
    """``?`` could not be judged: a gap, neither good nor bad."""
    known = [PastVerdict(at(day), LEVELS.get(SIGNS[sign])) for day, sign in zip(DAYS, before, strict=True)]
    assert classify_state(known, PastVerdict(at(NOW), LEVELS.get(SIGNS[now]))) == (state, at(since) if since else None)


def test_a_rule_that_no_run_knew_is_new() -> None:
    (found,) = against(runs(past_run(DAYS[3], late(60, 4000))), present(NOW, late(400, 4000, code="LG09"))).findings
    assert (found.state, found.since, found.previous, found.change) == ("new", at(NOW), None, None)


LAX = {"target": 0.05, "limit": 0.08, "higher_is": "worse"}


@pytest.mark.parametrize(
    ("defects", "state"),
    [(240, None), (200, None), (161, None), (160, "resolved"), (159, "resolved"), (40, "resolved")],
)
def test_what_passes_by_laxer_limits_is_not_resolved_unless_its_figure_is_no_worse(
    defects: int, state: str | None
) -> None:
    """4 % was on watch; by today's limits up to 5 % passes."""
    past = runs(past_run(DAYS[3], late(160, 4000)))
    assert past.recent[0].findings[0].status != "pass"
    (found,) = against(past, present(NOW, late(defects, 4800 if defects == 240 else 4000, limits=LAX))).findings
    assert found.status == "pass"
    assert found.state == state


def rows(now: dict[int, int], mended: set[int], *before: dict[int, int]) -> RowStates | None:
    past = runs(*(past_run(day, late(60, 4000), marks={"LG05": own}) for day, own in zip(DAYS, before, strict=False)))
    seen = DefectMarks({"LG05": now}, {"LG05": frozenset(mended)})
    return against(past, present(NOW, late(60, 4000), seen=seen)).findings[0].rows


def test_rows_are_told_apart_by_their_fingerprints() -> None:
    """1 stays, 2 was mended, 3 left the days looked at, 4 is back from two runs ago, 5 was never seen."""
    found = rows({1: 9, 4: 9, 5: 9}, {2}, {4: 1}, {1: 2, 2: 2, 3: 2})
    assert found == RowStates(new=1, persisting=1, reappeared=1, resolved=1, gone=1)


def test_every_row_of_then_and_now_is_in_one_state() -> None:
    found = rows(
        dict.fromkeys(range(60), 9), {70, 71}, dict.fromkeys(range(10, 20), 1), dict.fromkeys(range(50, 90), 2)
    )
    assert found is not None
    assert found.new + found.persisting + found.reappeared == 60
    assert found.persisting + (found.resolved or 0) + found.gone == 40


def test_rows_that_are_not_followed_have_no_states() -> None:
    past = runs(past_run(DAYS[3], late(60, 4000)))
    assert against(past, present(NOW, late(60, 4000), seen=DefectMarks({"LG05": {1: 9}}, {}))).findings[0].rows is None


def test_a_run_that_did_not_follow_the_rows_is_passed_over() -> None:
    past = runs(past_run(DAYS[2], late(60, 4000), marks={"LG05": {1: 9}}), past_run(DAYS[3], gap()))
    found = against(past, present(NOW, late(60, 4000), seen=DefectMarks({"LG05": {1: 9, 2: 9}}, {}))).findings[0].rows
    assert found == RowStates(new=1, persisting=1, reappeared=0, resolved=0, gone=0)
