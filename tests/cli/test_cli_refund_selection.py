"""Which dossier is meant: an entry never lands in another case, and no case is lost from sight."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.test_cli_refund import Run, exports, run

__all__ = ["run"]


def begin(run: Run, *words: str) -> None:
    assert run("mark", "receipt", "done", "--today", "2026-03-01", "--state", "s", "--platform", "jd", *words).code == 0


def douyin(run: Run, *words: str) -> None:
    ran = run("mark", "identity", "done", "--today", "2026-03-01", "--state", "s", "--platform", "douyin", *words)
    assert ran.code == 0


def shelf(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "s" / "deposit").glob("*.sqlite"))


def test_a_store_named_in_the_settings_later_uses_the_dossier_started_without_one(run: Run, tmp_path: Path) -> None:
    begin(run)
    (tmp_path / "storehealth.toml").write_text('store = "Fern"\nplatform = "jd"\n', encoding="utf-8")
    ran = run("--state", "s", "--today", "2026-03-02", "--format", "json")
    status = json.loads(ran.out)
    assert (status["store"], len(status["log"])) == ("Fern", 1)
    assert "is used for Fern" in status["warnings"][0]["text"]
    assert run("mark", "agreement", "done", "--state", "s", "--today", "2026-03-02").code == 0
    assert shelf(tmp_path) == ["jd.sqlite"]


def test_the_suggested_way_to_continue_a_nameless_dossier_works(run: Run, tmp_path: Path) -> None:
    begin(run)
    told = run("--store", "Fern", "--state", "s", "--today", "2026-03-02", "--platform", "jd", "-q").err
    assert "give --dossier" in told
    path = told.split("give --dossier ")[1].split()[0]
    ran = run("mark", "agreement", "done", "--store", "Fern", "--dossier", path, "--today", "2026-03-02")
    assert ran.code == 0, ran.err
    assert shelf(tmp_path) == ["jd.sqlite"]


def test_a_store_that_leaves_the_settings_keeps_its_only_dossier(run: Run, tmp_path: Path) -> None:
    begin(run, "--store", "Fern")
    status = json.loads(run("--state", "s", "--today", "2026-03-02", "--format", "json").out)
    assert (status["store"], len(status["log"])) == ("Fern", 1)
    assert shelf(tmp_path) == ["jd-Fern.sqlite"]


def test_the_only_dossier_there_is_says_which_platform_is_meant(run: Run, tmp_path: Path) -> None:
    douyin(run)
    ran = run("mark", "closing_notice", "waiting", "--today", "2026-03-02", "--state", "s")
    assert ran.code == 0
    assert run("--state", "s", "--today", "2026-03-02").out.startswith("Douyin")
    assert shelf(tmp_path) == ["douyin.sqlite"]


def test_of_several_dossiers_none_is_guessed_and_nothing_is_written(run: Run, tmp_path: Path) -> None:
    douyin(run, "--store", "Fern")
    begin(run, "--store", "Fern")
    begin(run, "--store", "Moss")
    before = {path: path.read_bytes() for path in (tmp_path / "s" / "deposit").iterdir()}
    for words in (("mark", "closing_notice", "waiting"), ("undo",), ()):
        ran = run(*words, "--today", "2026-03-02", "--state", "s")
        assert ran.code == 2
        assert "Several dossiers could be meant: douyin 'Fern', jd 'Fern', jd 'Moss'" in ran.err
    assert run("--store", "Fern", "--state", "s").code == 2
    assert run("--store", "Moss", "--state", "s", "--today", "2026-03-02").code == 0
    assert run("--platform", "douyin", "--state", "s", "--today", "2026-03-02").code == 0
    assert {path: path.read_bytes() for path in (tmp_path / "s" / "deposit").iterdir()} == before


def test_exports_that_name_their_platform_settle_which_dossier_is_meant(run: Run, tmp_path: Path) -> None:
    douyin(run)
    begin(run)
    folder = str(exports(tmp_path))
    assert run(folder, "--state", "s", "--today", "2026-03-02").code == 2
    assert run(folder, "--state", "s", "--today", "2026-03-02", "--platform", "jd").code == 1


def test_jd_by_default_is_reported_on_the_first_entry_and_not_again(run: Run) -> None:
    first = run("mark", "receipt", "done", "--today", "2026-03-01", "--state", "s")
    assert "no platform was named: this is the jd checklist" in first.err
    second = run("mark", "agreement", "done", "--today", "2026-03-01", "--state", "s")
    assert "no platform was named" not in second.err


@pytest.mark.parametrize("name", ["text", "json", "markdown", "html"])
def test_a_file_that_could_not_be_used_is_warned_of_in_every_format(run: Run, tmp_path: Path, name: str) -> None:
    folder = exports(tmp_path)
    (folder / "bills.csv").write_text("what,ever\n1,2\n", encoding="utf-8")
    ran = run(str(folder), "--today", "2026-03-01", "--platform", "jd", "--format", name)
    assert "bills.csv was not used" in ran.out.replace("\\", "")


def test_warnings_are_printed_under_quiet_too(run: Run, tmp_path: Path) -> None:
    folder = exports(tmp_path)
    (folder / "bills.csv").write_text("what,ever\n1,2\n", encoding="utf-8")
    ran = run(str(folder), "--today", "2026-03-01", "--platform", "jd", "-q")
    assert "bills.csv was not used" in ran.err
    assert "days ago" in ran.err
