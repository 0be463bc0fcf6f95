"""``storehealth history`` over runs that were remembered without an audit."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.history.conftest import SERIES, write
from tests.runs import gap, late

from storehealth.history import RunHistory, RunSeries
from storehealth.history.storage import FILE
from storehealth.model import RunComparison

Run = Callable[..., Any]
DAYS = ("2025-03-03", "2025-03-10", "2025-03-17", "2025-03-24")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Four runs of one store: late parcels go from 6 % to 1.5 %, and one run could not judge them."""
    folder = tmp_path / "state"
    folder.mkdir()
    for place, day in enumerate(DAYS):
        finding = gap(window=late(1, 9, day).window) if place == 1 else late(60 if place == 3 else 240, 4000, day)
        write(folder, day, finding, late(20, 4000, day, code="LG09"), run=f"2025040{place + 1}T000000Z-abc{place}00")
    return folder


def kept(home: Path) -> list[str]:
    return [line.as_of.date().isoformat() for line in RunHistory(home).list_runs()]


def test_runs_are_listed_by_store_with_their_scores(run: Run, home: Path) -> None:
    write(home, "2025-03-31", series=RunSeries("Other", "tmall", "window=7d"))
    shown = run("history", "list", "--state", home).out
    assert [line.split() for line in shown.splitlines() if line.startswith("  2025")][2:] == [
        ["20250402T000000Z-abc100", "2025-03-10", "23:00", "—", "0", "0"],
        ["20250403T000000Z-abc200", "2025-03-17", "23:00", "59", "E", "1", "0"],
        ["20250404T000000Z-abc300", "2025-03-24", "23:00", "90", "B", "0", "1"],
    ]
    assert "Tea House · jd\n" in shown
    assert "Other · tmall · window=7d\n" in shown


def test_the_list_as_json_is_one_document(run: Run, home: Path) -> None:
    found = json.loads(run("history", "list", "--format", "json", "--state", home, "--store", "Tea House").out)
    assert [line["as_of"][:10] for line in found] == list(DAYS)
    assert found[0]["fails"] == 1


def test_nothing_remembered_is_said_and_is_no_error(run: Run, tmp_path: Path) -> None:
    ended = run("history", "list", "--state", tmp_path)
    assert (ended.code, ended.out) == (0, "No runs are saved yet; `storehealth audit EXPORTS` saves one.\n")
    assert run("history", "list", "--state", tmp_path, "--format", "json").out == "[]\n"
    assert list(tmp_path.glob("*.sqlite")) == []


def test_a_look_at_a_time_of_which_the_files_hold_nothing_is_not_remembered(run: Run, tmp_path: Path) -> None:
    """A mistyped year would stand as the latest run for good."""
    exports = Path(__file__).parents[1] / "stores" / "small" / "exports"
    for as_of in ("2036-01-01", "2016-01-01"):
        assert run("audit", exports, "--as-of", as_of, "--window", "7d", "--state", tmp_path).code == 3
    assert "No runs are saved yet" in run("history", "list", "--state", tmp_path).out
    assert run("audit", exports, "--fail-on", "never", "--state", tmp_path).code == 0
    assert "No runs are saved yet" not in run("history", "list", "--state", tmp_path).out


def test_a_damaged_file_is_named_and_no_traceback(run: Run, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database" * 100)
    ended = run("history", "list", "--state", tmp_path)
    assert ended.code == 2
    assert "is damaged" in ended.err
    assert "It is kept as history.damaged-1.sqlite; a new file is created." in ended.err


@pytest.mark.parametrize("name", ["latest", "2025-03-24", "2025-03-24T23:00", "20250404", "20250404T000000Z-abc300"])
def test_a_run_is_shown_by_any_of_its_names(run: Run, home: Path, name: str) -> None:
    shown = run("history", "show", name, "--state", home).out
    assert "as of 2025-03-24 23:00" in shown


def test_a_run_is_shown_as_it_was_told(run: Run, home: Path) -> None:
    whole = json.loads(run("history", "show", "previous", "--format", "json", "--state", home).out)
    assert (whole["as_of"], whole["findings"][0]["defects"]) == ("2025-03-17T23:00:00", 240)


def test_a_run_is_judged_again_on_request(run: Run, home: Path) -> None:
    """The counts were taken for another question, so the rules of now have nothing to say of them."""
    whole = json.loads(run("history", "show", "latest", "--rejudge", "--format", "json", "--state", home).out)
    assert whole["score"]["value"] is None
    assert whole["findings"] == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("2020-01-01", "there is no such run"),
        ("2025", "several runs start with that"),
        ("nonsense", "there is no such run"),
    ],
)
def test_a_run_that_is_not_there_is_wrong_usage(run: Run, home: Path, name: str, message: str) -> None:
    ended = run("history", "show", name, "--state", home)
    assert ended.code == 2
    assert f"RUN {name}: {message}" in ended.err
    assert "storehealth history list" in ended.err


def test_between_stores_nobody_guesses(run: Run, home: Path) -> None:
    write(home, "2025-03-31", series=RunSeries("Other", "jd"), run="other")
    ended = run("history", "show", "latest", "--state", home)
    assert ended.code == 2
    assert "RUN latest could be any of: Other · jd; Tea House · jd" in ended.err
    assert "as of 2025-03-31" in run("history", "show", "latest", "--state", home, "--store", "Other").out


def test_an_unknown_store_is_named(run: Run, home: Path) -> None:
    ended = run("history", "list", "--store", "Nobody", "--state", home)
    assert (ended.code, "no saved run matches Nobody" in ended.err) == (2, True)


def compared(run: Run, home: Path, *names: str) -> RunComparison:
    return RunComparison.model_validate_json(run("history", "compare", *names, "--format", "json", "--state", home).out)


def told_by_rules_of_now(home: Path) -> None:
    """Pretend that the rules have not changed since, so that the findings stand as they were told."""
    from storehealth.catalogue import load_catalogue
    from storehealth.commands.prepare import resolve_platform
    from storehealth.history.storage import digest_basis
    from storehealth.settings import Settings

    catalogue = load_catalogue()
    now = digest_basis(catalogue, resolve_platform("jd", Settings(), catalogue, None))
    with sqlite3.connect(home / FILE) as con:
        con.execute("UPDATE runs SET basis = ?", (now,))


def test_two_runs_stand_side_by_side_the_earlier_first(run: Run, home: Path) -> None:
    told_by_rules_of_now(home)
    both = [compared(run, home, *names) for names in ((), ("latest", "previous"), ("2025-03-17", "2025-03-24"))]
    assert both[0] == both[1] == both[2]
    finding = next(found for found in both[0].findings if found.code == "LG05")
    assert (finding.status_then, finding.status_now, finding.change, finding.state) == (
        "fail",
        "watch",
        "better",
        "persisting",
    )
    assert (finding.before.defects, finding.after.defects) == (240, 60)
    assert both[0].previous.score_change.change == "better"


def test_the_comparison_keeps_to_its_published_schema(run: Run, home: Path) -> None:
    told_by_rules_of_now(home)
    schema = Path(__file__).parents[2] / "docs" / "comparison.schema.json"
    found = json.loads(run("history", "compare", "--format", "json", "--state", home).out)
    jsonschema.validate(found, json.loads(schema.read_text(encoding="utf-8")))


def test_what_could_not_be_judged_then_has_no_counts_no_change_and_no_state(run: Run, home: Path) -> None:
    told_by_rules_of_now(home)
    (finding,) = (found for found in compared(run, home, DAYS[1], DAYS[2]).findings if found.code == "LG05")
    assert (finding.status_then, finding.before, finding.change, finding.state) == ("inconclusive", None, None, None)
    assert finding.after.judged == 4000


def test_the_comparison_names_what_has_changed_and_counts_the_rest(run: Run, home: Path) -> None:
    told_by_rules_of_now(home)
    shown = " ".join(run("history", "compare", "--state", home).out.split())
    assert "score 59 → 90, better beyond noise" in shown
    assert "LG05 Parcels leave in time fail → watch 6% (240 of 4,000 missed) → 1.5% (60 of 4,000 missed)" in shown
    assert "1 finding has not changed beyond noise, see --details" in shown
    assert "LG09" not in shown
    assert "LG09" in run("history", "compare", "--details", "--state", home).out


@pytest.mark.parametrize(("language", "words"), [("zh", "好转（非偶然）"), ("es", "mejora más allá del azar")])
def test_the_comparison_speaks_three_languages(run: Run, home: Path, language: str, words: str) -> None:
    told_by_rules_of_now(home)
    assert words in run("history", "compare", "--lang", language, "--state", home).out


def test_a_run_is_not_compared_with_itself(run: Run, home: Path) -> None:
    ended = run("history", "compare", "latest", "2025-03-24", "--state", home)
    assert (ended.code, "A and B are the same run" in ended.err) == (2, True)


def test_pruning_lists_first_and_forgets_on_yes(run: Run, home: Path) -> None:
    ended = run("history", "prune", "--last", "2", "--state", home)
    assert "2 runs would be deleted. Add --yes to delete them." in ended.out
    assert kept(home) == list(DAYS)
    ended = run("history", "prune", "--last", "2", "--yes", "--state", home)
    assert "2 runs deleted." in ended.out
    assert kept(home) == list(DAYS[2:])


def test_all_runs_are_exported_as_json_lines_and_a_broken_one_costs_only_itself(run: Run, home: Path) -> None:
    write(home, "2025-03-31", series=RunSeries("Other", "tmall"), run="other")
    with sqlite3.connect(home / FILE) as con:
        con.execute("UPDATE runs SET checkup = 'x' WHERE as_of LIKE ?", (f"{DAYS[0]}%",))
    ended = run("history", "export", "--state", home)
    records = [json.loads(line) for line in ended.out.splitlines()]
    assert [record["as_of"][:10] for record in records] == ["2025-03-31", *DAYS[1:]]
    assert {record["checkup"]["run"]["id"] == record["run"] for record in records} == {True}
    assert records[-1]["checkup"]["findings"][0]["code"] == "LG05"
    assert (ended.code, "The result of a saved run cannot be read" in ended.err) == (0, True)
    only = run("history", "export", "--state", home, "--platform", "tmall").out
    assert [json.loads(line)["run"] for line in only.splitlines()] == ["other"]


def test_pruning_by_age_keeps_the_latest_of_every_store(run: Run, home: Path) -> None:
    write(home, "2025-01-01", series=RunSeries("Other", "jd"), run="other")
    assert run("history", "prune", "--keep", "1d", "--yes", "--state", home).code == 0
    assert kept(home) == ["2025-01-01", DAYS[-1]]


def test_young_runs_are_kept(run: Run, home: Path) -> None:
    """Age counts from when a run was made, not from its as_of."""
    with sqlite3.connect(home / FILE) as con:
        con.execute("UPDATE runs SET made_at = ?", ((datetime.now(UTC) - timedelta(days=2)).isoformat(),))
    assert run("history", "prune", "--keep", "3d", "--yes", "--state", home).out == "Nothing to delete.\n"
    assert kept(home) == list(DAYS)


def test_pruning_tells_a_script_what_went(run: Run, home: Path) -> None:
    found = json.loads(run("history", "prune", "--last", "3", "--yes", "--format", "json", "--state", home).out)
    assert (found["forgotten"], [line["as_of"][:10] for line in found["runs"]]) == (True, [DAYS[0]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "which runs to keep is missing"),
        (("--keep", "a year"), "invalid --keep 'a year'"),
        (("--last", "0"), "--last"),
    ],
)
def test_pruning_without_a_measure_is_wrong_usage(run: Run, home: Path, options: tuple[str, ...], message: str) -> None:
    ended = run("history", "prune", *options, "--yes", "--state", home)
    assert (ended.code, message in ended.err) == (2, True)
    assert kept(home) == list(DAYS)


def test_the_file_gets_smaller(run: Run, home: Path) -> None:
    for number in range(1, 29):
        write(home, f"2025-02-{number:02d}", marks={"LG05": dict.fromkeys(range(5000), 9000)})
    before = (home / FILE).stat().st_size
    run("history", "prune", "--last", "1", "--yes", "--state", home)
    assert (home / FILE).stat().st_size < before / 4
    assert RunHistory(home).list_before(SERIES, datetime(2026, 1, 1))  # noqa: DTZ001 - naive, as all times of the store
