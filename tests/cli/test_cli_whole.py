"""The commands over real files, with nothing standing in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

RULES: tuple[str, ...] = ()
Run = Callable[..., Any]
ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "sample_exports"


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Two exports, one of them twice, and a file that is no table."""
    folder = tmp_path / "三月 exports"
    folder.mkdir()
    for name in ("stock.csv", "aftersales.xlsx"):
        shutil.copy(SAMPLE / name, folder / name)
    (folder / "readme.pdf").write_bytes(b"%PDF-1.4 \x00\xff")
    return folder


def test_inspect_accounts_for_every_row_of_every_file(run: Run, mixed: Path) -> None:
    ended = run("inspect", mixed, "--format", "json")
    sources = {source["path"].partition("#")[0]: source for source in json.loads(ended.out)["sources"]}
    assert ended.code == 0
    assert set(sources) == {"stock.csv", "aftersales.xlsx", "readme.pdf"}
    assert all(file["rows"] == file["kept"] + file["duplicates"] + file["rejected"] for file in sources.values())
    assert (sources["stock.csv"]["layout"], sources["stock.csv"]["encoding"]) == ("jd_stock", "gb18030")
    assert sources["readme.pdf"]["layout"] is None


@pytest.mark.parametrize(("language", "word"), [("en", "not used"), ("zh", "未采用"), ("es", "no usado")])
def test_inspect_names_each_file_and_what_became_of_it(run: Run, mixed: Path, language: str, word: str) -> None:
    shown = run("inspect", mixed, "--lang", language).out
    assert "✓ stock.csv  jd_stock  delimited  gb18030" in shown
    assert f"✗ {word}  readme.pdf" in shown


def test_inspect_quietly_shows_only_what_was_refused(run: Run, mixed: Path) -> None:
    shown = run("inspect", mixed, "-q").out
    assert "readme.pdf" in shown
    assert "stock.csv" not in shown


def test_a_folder_without_a_usable_file_is_three(run: Run, mixed: Path) -> None:
    (mixed / "stock.csv").unlink()
    (mixed / "aftersales.xlsx").unlink()
    ended = run("inspect", mixed)
    assert ended.code == 3
    assert "No file could be used." in ended.out


@pytest.mark.parametrize("command", ["audit", "inspect"])
def test_a_folder_that_is_not_there_is_three_with_a_hint(run: Run, tmp_path: Path, command: str) -> None:
    ended = run(command, tmp_path / "nowhere")
    assert (ended.code, ended.out) == (3, "")
    assert len(ended.err.splitlines()) == 2


def test_an_audit_from_files_to_a_valid_document(run: Run, mixed: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in mixed.iterdir()}
    report = tmp_path / "report.md"
    ended = run("audit", mixed, "--format", "json", "-o", f"md={report}", "--fail-on", "never", "--lang", "zh")
    whole = json.loads(ended.out)
    jsonschema.validate(whole, json.loads((ROOT / "docs" / "checkup.schema.json").read_text(encoding="utf-8")))
    assert (ended.code, whole["language"], whole["platform"]) == (0, "zh", "jd")
    assert report.read_text(encoding="utf-8").startswith("# 店铺体检：")
    assert {path.name: path.read_bytes() for path in mixed.iterdir()} == before


def test_a_moment_before_all_data_is_three_and_names_the_days_held(run: Run, mixed: Path) -> None:
    ended = run("audit", mixed, "--as-of", "2020-01-01", "--fail-on", "never")
    assert ended.code == 3
    assert "the files cover 2026-09-01 to 2026-10-15" in ended.err
    assert "Nothing fails" not in ended.out


def test_too_little_memory_gives_no_score_from_the_files_that_fitted(run: Run, tmp_path: Path) -> None:
    ended = run("inspect", SAMPLE / "waybills.csv", "--memory", "4MB", "--no-cache")
    assert (ended.code, ended.out) == (2, "")
    assert "Not enough memory" in ended.err


@pytest.mark.parametrize(
    ("language", "expected", "export"),
    [
        ("en", "No file could be used", "What to export next"),
        ("zh", "没有可用的文件", "建议补充导出"),
        ("es", "No se pudo usar ningún archivo", "Qué exportar ahora"),
    ],
)
def test_where_no_file_could_be_used_the_files_come_first(
    run: Run, tmp_path: Path, language: str, expected: str, export: str
) -> None:
    """The first line sent the reader to what is missing; why the file at hand was not used stood at the very end."""
    (tmp_path / "orders.csv").write_bytes(b"")
    ended = run("audit", tmp_path, "--platform", "jd", "--lang", language)
    assert ended.code == 3
    assert ended.out.startswith(expected)
    assert 0 < ended.out.index("orders.csv") < ended.out.index(export)


def test_files_that_begin_after_the_audit_s_moment_are_named_with_their_days(run: Run, tmp_path: Path) -> None:
    """They were exported: nobody is told to do that again."""
    folder = tmp_path / "store"
    folder.mkdir()
    (folder / "orders.csv").write_text("order_id,created_at\n1,2026-09-01 08:00:00\n", encoding="utf-8")
    (folder / "cases.csv").write_text(
        "case_id,applied_at\n7,2026-09-11 08:00:00\n8,2026-09-13 08:00\n", encoding="utf-8"
    )
    output = run("audit", folder, "--as-of", "2026-09-05", "--format", "json", "--state", tmp_path / "st").out
    found = json.loads(output)
    expected = "after-sales cases: the files cover 2026-09-11 to 2026-09-13, nothing up to 2026-09-05 23:59"
    assert [warning["text"] for warning in found["warnings"]] == [expected]
    assert not [wanted for wanted in found["exports_wanted"] if "aftersales" in wanted["tables"]]
    not_judged = [rule for rule in found["not_judged"] if rule["code"] == "AS06"]
    assert [rule["how_to_export"] for rule in not_judged] == [[]]
    before = json.loads(
        run("audit", folder, "--as-of", "2020-01-01", "--format", "json", "--state", tmp_path / "st").out
    )
    assert before["headline"]["text"].startswith(
        "Nothing could be judged as of 2020-01-01 23:59: the files cover 2026-09-01 to"
    )
    assert before["warnings"] == []
    tables = {table for wanted in before["exports_wanted"] if not wanted["headers"] for table in wanted["tables"]}
    assert not tables & {"orders", "aftersales"}
