"""The commands of fleets, with audits given beforehand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from storehealth.cli import main
from storehealth.fleet import pool
from storehealth.fleet.work import StoreTask
from storehealth.model.fleet import StoreResult
from storehealth.schedule import RunFolders
from storehealth.schedule.schedules import hold_lock
from tests.fleet.test_report import store


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of three stores, one of which gives no result."""

    def run(tasks: Iterable[StoreTask], *_: Any) -> Iterator[StoreResult]:
        for task in tasks:
            made = store(task.name)
            yield made.model_copy(update={"status": "timeout", "exit_code": 70}) if task.name == "slow" else made

    monkeypatch.setattr(pool, "run_tasks", run)
    for name in ("a", "b", "slow"):
        (tmp_path / "stores" / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_main(capfd: Any, *arguments: str) -> tuple[int, str, str]:
    code = main([*arguments, "--state", "state"])
    streams = capfd.readouterr()
    return code, streams.out, streams.err


def test_people_get_a_page_and_programs_a_line_per_store(place: Path, capfd: Any) -> None:
    code, out, err = run_main(capfd, "fleet", "audit", "stores", "-o", "html=f.html", "-o", "xlsx=f.xlsx")
    assert code == 70
    assert "League" in out
    assert "slow: took too long" in err
    assert (place / "f.html").stat().st_size > 1000
    code, out, err = run_main(capfd, "fleet", "audit", "stores", "--format", "json", "--lang", "zh")
    assert [json.loads(line)["name"] for line in out.splitlines()] == ["a", "b", "slow"]
    code, out, _ = run_main(capfd, "fleet", "report", "--format", "json", "--lang", "es")
    assert code == 0
    assert (json.loads(out)["language"], json.loads(out)["stores"]) == ("es", 3)


def test_a_schedule_runs_a_fleet_silently_and_status_shows_it(place: Path, capfd: Any) -> None:
    words = ("schedule", "add", "shops", "stores", "--fleet", "--changed", "--daily", "06:00", "--no-install")
    assert run_main(capfd, *words)[0] == 0
    code, out, err = run_main(capfd, "schedule", "run", "shops")
    assert (code, out) == (70, "")
    assert err.startswith("storehealth: slow")
    assert len(err.splitlines()) == 1
    code, out, _ = run_main(capfd, "status")
    assert code == 1
    assert "3 stores" in out
    code, out, _ = run_main(capfd, "status", "--format", "json")
    assert json.loads(out)["fleets"][0]["failed"] == ["slow"]


def test_one_message_for_the_whole_fleet(place: Path, capfd: Any) -> None:
    code, _, err = run_main(capfd, "fleet", "audit", "stores", "--notify", "--dry-run", "--silent")
    assert code == 70
    assert "fleet: 3 stores" in err


def test_another_run_of_the_fleet_is_waited_for(place: Path, capfd: Any) -> None:
    with hold_lock(RunFolders(place / "state", "fleet").folder, 0):
        assert run_main(capfd, "fleet", "audit", "stores")[0] == 75


@pytest.mark.parametrize(
    "words",
    [
        ("fleet", "report"),
        ("fleet", "audit", "nowhere.toml"),
        ("fleet", "audit", "stores", "--timeout", "soon"),
        ("fleet", "audit", "stores", "--name", "a/b"),
        ("fleet", "audit", "stores", "--scheduler", "tcp://127.0.0.1:1"),
        ("fleet", "audit", "stores", "--states", "s3://x"),
        ("fleet", "audit", "stores", "--with", "papyrus"),
        ("fleet", "audit", "stores", "-o", "html=stores/x.html"),
        ("schedule", "add", "x", "stores", "--fleet", "--platform", "jd", "--daily", "06:00", "--no-install"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_audited(words: tuple[str, ...], place: Path, capfd: Any) -> None:
    assert run_main(capfd, *words)[0] == 2
