"""``fleet audit``: each store as by an audit of its own."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from storehealth.cli import main
from storehealth.fleet.run import read_run
from tests.fleet.conftest import write_orders

RUN = re.compile(rb"\d{8}T\d{6}Z-[0-9a-f]{6}")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``stores.toml``: two stores, the second with settings and mutes of its own, and one that is gone."""
    place = tmp_path_factory.mktemp("fleet")
    write_orders(place / "tea", 12, late=5)
    write_orders(place / "shoes/exports", 3)
    (place / "shoes/storehealth.toml").write_text('platform = "jd"\nlimits = {LG01 = "9%"}\n', encoding="utf-8")
    (place / "shoes/mutes.yaml").write_text(
        "mutes: [{code: LG01, reason: known, owner: me, since: 2026-03-01, until: 2026-05-01}]\n", encoding="utf-8"
    )
    (place / "stores.toml").write_text(
        '[[store]]\nname = "tea"\nexports = "tea"\nlanguage = "es"\nzone = "Europe/Madrid"\nplatform = "amazon"\n'
        'owner = "Ana"\n[[store]]\nname = "shoes"\nexports = "shoes"\n[[store]]\nname = "gone"\nexports = "gone"\n',
        encoding="utf-8",
    )
    return place


def run_fleet(fleet: Path, state: Path, capfd: Any, *more: str) -> tuple[int, dict[str, dict[str, Any]]]:
    code = main(["fleet", "audit", str(fleet), "--state", str(state), "--format", "json", "--fail-on", "never", *more])
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    return code, {line["name"]: line for line in lines}


def read_reports(folder: Path) -> dict[str, bytes]:
    """The reports of a run without its id and its moments."""
    contents = {path.name: path.read_bytes() for path in folder.iterdir()}
    checkup = json.loads(contents["checkup.json"])
    at = checkup["run"]["started_at"].encode()
    contents = {name: RUN.sub(b"RUN", content).replace(at, b"AT") for name, content in contents.items()}
    contents["metrics.prom"] = re.sub(
        rb"_(run|success)_timestamp_seconds(.*) \S+\n", rb"_\1\2\n", contents["metrics.prom"]
    )
    contents["report.md"] = re.sub(rb"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d", b"AT", contents["report.md"])
    return contents


def test_the_lines_are_in_the_language_of_the_run(fleet: Path, tmp_path: Path, capfd: Any) -> None:
    """Titles of findings are texts of rule files, which the process that prints the lines has to read, too."""
    _, results = run_fleet(fleet, tmp_path / "state", capfd, "--lang", "zh")
    titles = [finding["title"]["text"] for finding in results["shoes"]["brief"]["findings"]]
    assert titles
    assert [title for title in titles if title.isascii()] == []


def test_the_reports_are_those_of_single_audits_byte_by_byte(
    fleet: Path, tmp_path: Path, capfd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, results = run_fleet(fleet, tmp_path / "state", capfd)
    assert code == 3
    assert {name: result["status"] for name, result in results.items()} == {
        "tea": "done", "shoes": "done", "gone": "failed",
    }  # fmt: skip
    monkeypatch.chdir(fleet / "shoes")
    single = tmp_path / "single"
    monkeypatch.setenv("STOREHEALTH_STORE", "shoes")
    main(
        [
            "audit",
            str(fleet / "shoes/exports"),
            "--cron",
            "--name",
            "shoes",
            "--state",
            str(single),
            "--fail-on",
            "never",
        ]
    )
    (alone,) = (path for path in (single / "runs/shoes").iterdir() if path.is_dir())
    own, others = read_reports(Path(results["shoes"]["folder"])), read_reports(alone)
    assert {"checkup.json", "report.md", "metrics.prom", "COMPLETE"} <= own.keys() <= others.keys()
    assert own == {name: others[name] for name in own}
    state = tmp_path / "state/stores/shoes"
    assert {path.name for path in state.iterdir()} - {"fleet.json"} == {
        path.name for path in single.iterdir() if path.name != "logs"
    }
    run = read_run(tmp_path / "state", "fleet")
    assert run is not None
    assert [result.name for result in run.results] == ["gone", "shoes", "tea"]
    brief = run.results[2].brief
    assert brief is not None
    assert (brief.language, brief.timezone, brief.platform, brief.orders) == ("es", "Europe/Madrid", "amazon", 12)
    # again: only what has changed, and what has no result
    write_orders(fleet / "tea", 13, late=5)
    code, results = run_fleet(fleet, tmp_path / "state", capfd, "--changed")
    assert {name: result["status"] for name, result in results.items()} == {
        "tea": "done", "shoes": "unchanged", "gone": "failed",
    }  # fmt: skip
    assert results["shoes"]["brief"]["run"] == Path(results["shoes"]["folder"]).name
