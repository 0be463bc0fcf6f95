"""What must hold of a score whatever the store: E.8 of the method, over rows, files and whole runs."""

from __future__ import annotations

import csv
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.effort import examples
from tests.made import SECONDS, SHIPPING, finding
from tests.measure.fakes import SCORING, measured, rule_of

from storehealth.audit import AuditRequest, audit
from storehealth.catalogue import load_catalogue
from storehealth.errors import ExitCode
from storehealth.model import Checkup, Finding, Measurement
from storehealth.output.terminal import DisplayOptions, render
from storehealth.score import rebuild_scoring, rescore_checkup, score_findings

STORE = Path(__file__).parents[1] / "stores" / "small" / "exports"
SAMPLES = Path(__file__).parents[2] / "sample_exports"
RULE = rule_of(good="ok", limits=SHIPPING, when="agent_id IS DISTINCT FROM 'away'")
row = st.fixed_dictionaries(
    {
        "ok": st.sampled_from([True, True, False, None]),
        "entity": st.sampled_from(["ana", "bob", "cid", "dee", None]),
        "at": st.integers(1, 28).map(lambda day: f"2026-03-{day:02} 10:00:00"),
    }
)
rows = st.lists(row, max_size=40)


def small(folder: Path, state: Path) -> Checkup:
    return audit(folder, AuditRequest(state=state, platform="generic", window="all"))


def figures(made: Checkup) -> list[tuple[object, ...]]:
    """All that a reader compares: verdicts with their counts, intervals and drivers, and the score."""
    return [
        (made.score, made.areas, made.headline),
        *[
            (one.code, one.status, one.value, one.counts, one.interval, one.verdict_counts, one.drivers, one.note)
            for one in made.findings
            if one.area != "data_quality"
        ],
    ]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Checkup:
    return small(STORE, tmp_path_factory.mktemp("state"))


def shuffled(folder: Path) -> None:
    """The rows of every file in another order."""
    for path in STORE.iterdir():
        header, *body = csv.reader(path.read_text(encoding="utf-8").splitlines(keepends=True))
        random.Random(7).shuffle(body)  # noqa: S311 - an order, no secret
        with (folder / path.name).open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows([header, *body])


def twice(folder: Path) -> None:
    """Every file also under another name."""
    for path in STORE.iterdir():
        shutil.copy(path, folder / path.name)
        shutil.copy(path, folder / f"copy of {path.name}")


@pytest.mark.parametrize("write", [shuffled, twice])
def test_neither_the_order_of_rows_nor_a_file_given_twice_changes_anything(
    plain: Checkup, tmp_path: Path, write: Callable[[Path], None]
) -> None:
    """Counts, intervals with their draws, verdicts, drivers and score."""
    (tmp_path / "exports").mkdir()
    write(tmp_path / "exports")
    assert figures(small(tmp_path / "exports", tmp_path / "state")) == figures(plain)


@examples(25)
@given(rows, st.randoms(use_true_random=False))
def test_rows_in_another_order_are_measured_alike(found, chance) -> None:
    """Each row keeps its place in its file."""
    numbered = [{**one, "source_row": number} for number, one in enumerate(found, 1)]
    mixed = list(numbered)
    chance.shuffle(mixed)
    assert measured(RULE, *mixed) == measured(RULE, *numbered)


@examples(25)
@given(rows, st.lists(row, min_size=1, max_size=20))
def test_exempt_rows_vanish_from_both_sides(found, away) -> None:
    """They are counted as exempt, and nothing else changes."""
    exempt = [{**one, "agent_id": "away"} for one in away]

    def without(one: Measurement) -> tuple[object, ...]:
        tally = one.tally.model_copy(update={"exempt": 0})
        days = [part for part in one.segments if part.tally.judged]
        return (
            tally,
            one.value,
            one.low,
            one.high,
            one.entities,
            one.repeats,
            [(part.segment, part.tally.defects, part.tally.judged) for part in days],
        )

    few, many = measured(RULE, *found), measured(RULE, *found, *exempt)
    assert without(many) == without(few)
    assert many.tally.exempt == few.tally.exempt + len(away)


MARKS = {
    "note": "left alone until April", "previous": 0.5, "change": "worse", "title": "another", "why": "another",
    "drivers": (), "evidence": {"count": 0}, "money_at_risk": None,
}  # fmt: skip


@pytest.mark.parametrize("mark", MARKS)
def test_marks_on_a_finding_leave_the_score_alone(mark) -> None:
    """A note, a comparison, a word of the owner: only counts, limits, severity and status weigh."""
    found = [finding(24, 400, code="LG05", area="logistics"), finding(3, 400, code="CS01"), finding(1, 10, code="ST01")]
    marked = [Finding.model_validate({**one.model_dump(), mark: MARKS[mark]}) for one in found]
    assert score_findings(marked, SCORING) == score_findings(found, SCORING)


@settings(deadline=None)
@given(st.lists(st.integers(1, 600), min_size=1, max_size=4), st.integers(0, 3), st.integers(0, 400))
def test_a_faster_median_never_lowers_the_score(seconds, which: int, faster: int) -> None:
    """In any of several durations, the others as they are."""

    def store(values: list[int]) -> list[Finding]:
        return [
            finding(5, 60, SECONDS, code=f"AS0{i}", unit="seconds", value=float(value), status="pass",
                    interval=(value * 0.8, value * 1.2), area=("stock", "aftersales")[i % 2])
            for i, value in enumerate(values)
        ]  # fmt: skip

    which %= len(seconds)
    quicker = [max(1, value - faster) if i == which else value for i, value in enumerate(seconds)]
    assert score_findings(store(quicker), SCORING)[0].value >= score_findings(store(seconds), SCORING)[0].value


@pytest.mark.parametrize("exports", [STORE, SAMPLES], ids=["small", "sample"])
def test_a_stored_run_scores_itself_again(exports: Path, tmp_path: Path) -> None:
    """From its JSON alone: no catalogue, no store, no data file."""
    made = audit(exports, AuditRequest(state=tmp_path))
    again = Checkup.model_validate_json(made.model_dump_json(by_alias=True))
    assert rescore_checkup(again) == (made.score, made.areas)


def test_the_constants_of_a_run_are_those_of_the_catalogue(plain: Checkup) -> None:
    """All of them, or a stored run would be scored by other ones."""
    assert rebuild_scoring(plain.method.constants) == load_catalogue().scoring


@pytest.mark.parametrize("rows_of", [0, 1])
def test_nothing_to_judge_is_no_score(tmp_path: Path, rows_of: int) -> None:
    """An order list with a header alone, or with one order: a dash and exit code 3, never 0 or 100."""
    (tmp_path / "exports").mkdir()
    lines = ["order_id,status,created_at,paid_at", *["o1,paid,2026-03-01 09:00,2026-03-01 09:01"] * rows_of]
    (tmp_path / "exports" / "orders.csv").write_text("\n".join(lines) + "\n")
    made = small(tmp_path / "exports", tmp_path / "state")
    assert (made.score.value, made.score.uncapped, made.outcome.exit_code) == (None, None, ExitCode.NO_DATA)
    shown = render(made, DisplayOptions())
    assert "Score —" in shown
    assert "100 " not in shown
