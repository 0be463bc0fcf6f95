"""``demo``: a first look without files of one's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., Any]


def test_the_made_up_store_is_copied_audited_and_not_remembered(run: Run, tmp_path: Path) -> None:
    result = run("demo", "--state", tmp_path / "state", "--lang", "es")
    assert result.code == 0, result.err
    assert sorted(path.name for path in (tmp_path / "storehealth-demo").iterdir())[:2] == [
        "aftersales.xlsx",
        "chat.log",
    ]
    assert "storehealth inspect storehealth-demo" in result.err
    assert "storehealth-demo-settings/storehealth.toml" in result.err
    assert {path.name for path in (tmp_path / "storehealth-demo-settings").iterdir()} >= {"roster.csv", "rewards.yaml"}
    assert b'lang="es"' in (tmp_path / "storehealth-demo.html").read_bytes()[:200]
    assert len(result.out.splitlines()) > 10
    assert run("history", "list", "--state", tmp_path / "state", "--format", "json").out.strip() == "[]"


def test_a_folder_with_files_of_the_user_s_own_is_left_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "orders.xlsx").write_text("mine", encoding="utf-8")
    result = run("demo", "mine")
    assert (result.code, result.out) == (2, "")
    assert "contains other files" in result.err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["orders.xlsx"]


def test_a_page_of_the_user_s_own_is_left_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "storehealth-demo.html").write_text("mine", encoding="utf-8")
    result = run("demo", "--state", tmp_path / "state")
    assert (result.code, result.out) == (2, "")
    assert (tmp_path / "storehealth-demo.html").read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "storehealth-demo").exists()
