"""The exit code of an audit, reason by reason."""

# ruff: noqa: DTZ001 - below the command line, times are naive and in the zone of the store

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from storehealth.catalogue import load_catalogue
from storehealth.errors import UsageError
from storehealth.model import AreaScore, EvidenceSummary, Finding, OutcomeCounts, Score, Source, Window
from storehealth.score.exit_status import (
    check_fail_on,
    decide_exit,
    explain_missing_verdicts,
    has_verdict,
    list_incomplete_data,
)
from storehealth.support.message import verbatim

AREAS = {name: table.area for name, table in load_catalogue().tables.items()}
READ = Source(path="orders.csv", layout="generic_orders")
REFUSED = Source(path="photo.csv", note="this is a PNG picture")
HALF = Score(value=55, uncapped=55, low=50, high=60, grade="E", coverage=1)


def finding(status: str, **more: Any) -> Finding:
    counts = OutcomeCounts(met=0, late=0, overdue=0, undecided=0, not_judgeable=0, exempt=0)
    base: dict[str, Any] = {
        "code": "LG05", "id": "x", "title": "t", "why": "w", "area": "logistics", "severity": "critical", "scored": True,
        "status": status, "value": None, "higher_is": "better", "unit": "share", "counts": counts, "defects": 0,
        "judged": 0, "undecided": 0, "interval": (None, None), "target": None, "limit": None, "limit_source": None,
        "window": Window(), "evidence": EvidenceSummary(count=0),
    }  # fmt: skip
    return Finding.model_validate(base | more)


@pytest.mark.parametrize(
    ("statuses", "fail_on", "code"),
    [
        (["pass"], "fail", 0),
        (["watch"], "fail", 0),
        (["watch"], "watch", 1),
        (["fail"], "fail", 1),
        (["fail"], "new", 1),
        (["fail"], "never", 0),
        (["pass"], "score<60", 1),
        (["fail"], "score<50", 0),
        (["inconclusive", "not_applicable", "informative"], "watch", 0),
    ],
)
def test_findings_at_or_above_the_level_exit_with_1(statuses: list[str], fail_on: str, code: int) -> None:
    """The level is the reader's choice; never the score itself."""
    assert decide_exit([finding(status) for status in statuses], HALF, [READ], fail_on, []).exit_code == code


def test_missing_data_outrank_findings_and_both_are_listed() -> None:
    """3 before 1."""
    made = decide_exit([finding("fail")], HALF, [READ, REFUSED], "fail", [verbatim("photo.csv was not used")])
    assert (made.exit_code, len(made.reasons)) == (3, 2)


def test_no_usable_file_exits_with_3() -> None:
    """An audit of nothing is no clean bill of health."""
    assert decide_exit([], HALF, [REFUSED], "never", []).exit_code == 3


def test_strict_data_objects_to_refused_files_and_inconclusive_areas() -> None:
    """An area counts as inconclusive when its score had to be withheld for want of data."""
    areas = [AreaScore(id="logistics", score=None, coverage=0.0), AreaScore(id="stock", score=90, coverage=1.0)]
    message = list_incomplete_data([READ, REFUSED], areas, [finding("inconclusive")])
    assert list(map(str, message)) == ["photo.csv was not used: this is a PNG picture", "Shipping: inconclusive"]


EMPTY = Score(value=None, uncapped=None, low=None, high=None, grade=None, coverage=0.0)
MARCH = Source(
    path="orders.csv", layout="generic_orders", first=datetime(2026, 3, 1, 9), last=datetime(2026, 3, 31, 20)
)


def test_nothing_judged_exits_with_3_and_says_which_days_the_files_hold() -> None:
    """Nobody is told that all is well because nothing was looked at."""
    message = explain_missing_verdicts([finding("inconclusive")], EMPTY, [MARCH], datetime(2020, 1, 1), AREAS)
    assert str(message) == "nothing could be judged as of 2020-01-01 00:00: the files cover 2026-03-01 to 2026-03-31"
    assert decide_exit([finding("inconclusive")], EMPTY, [MARCH], "never", [message]).exit_code == 3


def test_nothing_judged_names_the_reason_that_most_rules_give() -> None:
    """Few rows, missing exports and the like."""
    notes = ["3 judged, 20 needed for a verdict"] * 2 + ["no rows in this period"]
    found = [finding("inconclusive", note=verbatim(note)) for note in notes]
    found += [finding("not_applicable", note=verbatim("no file gives stock"))] * 5
    message = explain_missing_verdicts(found, EMPTY, [MARCH], datetime(2026, 3, 31, 20), AREAS)
    assert str(message) == "no rule that counts towards the score could be judged: 3 judged, 20 needed for a verdict"


@pytest.mark.parametrize(
    ("tables", "reason"),
    [
        (("shipments",), "no file gives orders"),
        (("stock",), "no file gives order lines"),
        (("orders", "shipments"), "no file gives cases"),
    ],
)
def test_a_folder_with_one_kind_of_file_is_told_what_that_kind_lacks(tables: tuple[str, ...], reason: str) -> None:
    """Not which other export would serve most rules."""
    notes = {
        "logistics": "no file gives orders",
        "stock": "no file gives order lines",
        "aftersales": "no file gives cases",
    }
    found = [finding("not_applicable", area=area, note=verbatim(note)) for area, note in notes.items()]
    found += [found[-1]] * 3
    source = MARCH.model_copy(update={"tables": tables})
    message = explain_missing_verdicts(found, EMPTY, [source], datetime(2026, 3, 31, 20), AREAS)
    assert str(message) == f"no rule that counts towards the score could be judged: {reason}"


def test_where_an_area_was_judged_in_part_the_reason_is_of_that_area() -> None:
    """Nor is "0 judged" said beside a verdict."""
    found = [finding("fail", area="aftersales"), finding("inconclusive", area="aftersales", note=verbatim("0 judged"))]
    found += [finding("not_applicable", area="aftersales", note=verbatim("no file gives orders"))]
    found += [finding("not_applicable", area="stock", note=verbatim("no file gives stock"))] * 3
    message = explain_missing_verdicts(found, EMPTY, [MARCH], datetime(2026, 3, 31, 20), AREAS)
    assert str(message) == "too little of every area could be judged for a score: no file gives orders"


def test_too_little_of_every_area_is_not_called_nothing() -> None:
    """A failing rule among many unclear ones stands beside the reason."""
    found = [finding("fail"), finding("inconclusive", note=verbatim("no rows in this period"))]
    message = explain_missing_verdicts(found, EMPTY, [MARCH], datetime(2026, 3, 31, 20), AREAS)
    assert str(message) == "too little of every area could be judged for a score: no rows in this period"
    assert has_verdict(found)
    assert not has_verdict(found[1:])


def test_as_soon_as_something_is_judged_there_is_no_such_reason() -> None:
    """Little is not nothing."""
    assert explain_missing_verdicts([finding("pass")], HALF, [MARCH], datetime(2026, 3, 31, 20), AREAS) is None


def test_an_unknown_level_names_the_nearest() -> None:
    """Typing mistakes are not taken for a level."""
    with pytest.raises(UsageError) as caught:
        check_fail_on("wach")
    assert "watch" in caught.value.hint
