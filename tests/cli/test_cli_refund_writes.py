"""What the commands write, and what they say about it."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from tests.cli.test_cli_refund import Run, exports, run

__all__ = ["run"]


def test_drafts_are_the_owners_alone_and_the_folder_is_made(run: Run, tmp_path: Path) -> None:
    assert run("papers", "cover", "--out", "drafts/here", "--platform", "jd").code == 0
    drafts = list((tmp_path / "drafts" / "here").iterdir())
    assert len(drafts) == 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in drafts} == {0o600}


def test_control_characters_of_a_note_do_not_reach_the_terminal(run: Run) -> None:
    ran = run("log", "red \x1b[31m alarm", "--dossier", "m.jsonl", "--today", "2026-03-01")
    assert "\x1b" not in ran.out + ran.err
    assert "\x1b" not in run("undo", "--dossier", "m.jsonl", "--today", "2026-03-01").out


def test_remarks_of_mark_speak_the_language_asked_for(run: Run) -> None:
    common = ("--dossier", "m.jsonl", "--lang", "zh", "--platform", "jd")
    run("mark", "closing_notice", "waiting", "--today", "2026-03-01", *common)
    ran = run("mark", "closing_notice", "done", "--today", "2026-03-02", *common)
    assert "closing_notice 的期限至 2026-03-31 届满（转引）" in ran.err


def test_applying_while_the_notice_runs_is_remarked_on(run: Run) -> None:
    common = ("--dossier", "m.jsonl", "--platform", "douyin")
    run("mark", "closing_notice", "waiting", "--today", "2026-08-01", *common)
    ran = run("mark", "apply_exit", "done", "--today", "2026-08-10", *common)
    assert "the period of closing_notice runs until 2026-08-31 (official)" in ran.err


def test_every_row_is_written_as_csv(run: Run, tmp_path: Path) -> None:
    assert run(str(exports(tmp_path)), "-o", "csv=rows.csv", "--today", "2026-03-01", "--platform", "jd").code == 1
    assert len((tmp_path / "rows.csv").read_text(encoding="utf-8-sig").splitlines()) == 2


def test_an_empty_calendar_is_reported(run: Run) -> None:
    assert "there are no dates at present" in run("-o", "ics=a.ics", "--today", "2026-03-01", "-q").err


def test_a_command_that_is_also_a_folder_says_how_to_reach_the_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mark").mkdir()
    ran = run("mark", "receipt", "done", "--dossier", "m.jsonl", "--today", "2026-03-01")
    assert ran.code == 0
    assert "write ./mark" in ran.err


def test_a_format_that_holds_no_warnings_leaves_them_on_stderr(run: Run, tmp_path: Path) -> None:
    ran = run(str(exports(tmp_path)), "--format", "csv", "--today", "2026-03-01", "--platform", "jd")
    assert "days ago" in ran.err
    assert "days ago" not in ran.out


MISTAKES = [
    ("mark", "recipt", "done"),
    ("mark", "receipt", "done", "--on", "2026-02-30"),
    ("mark", "receipt", "done", "--on", "soon"),
    ("mark", "receipt", "done", "--on", "2026-04-01"),
    ("mark", "agreement", "done", "--on", "2026-02-01"),
    ("mark", "mail", "done", "--on", "2026-02-01"),
    ("log", " "),
    ("attach", "receipt", "missing.pdf"),
    ("deadline", "agreement_review", "2026-01-05"),
    ("deadline", "agreement", "2026-05-05"),
    ("papers", "--platform", "douyin"),
    ("papers", "--out", "file"),
    ("--format", "pdfs"),
    ("--dossier", "changed.jsonl"),
    ("--dossier", "other.jsonl"),
    ("--dossier", "database.sqlite"),
    ("-o", "html"),
    ("-o", "html=x", "-o", "markdown=x"),
]


@pytest.mark.parametrize("language", ["zh", "es"])
@pytest.mark.parametrize("words", MISTAKES, ids=" ".join)
def test_a_mistake_is_explained_in_the_language_asked_for(
    run: Run, tmp_path: Path, words: tuple[str, ...], language: str
) -> None:
    """Each was in English, whatever --lang asked for."""
    clock = ("--today", "2026-03-01", "--platform", "jd")
    for item in ("agreement", "mail"):
        run("mark", item, "done", "--on", "2026-02-10", *clock, "--dossier", "d.sqlite")
    lines = run("export", *clock, "--dossier", "d.sqlite").out
    (tmp_path / "changed.jsonl").write_text(lines.replace('"n": 2', '"n": 7'), encoding="utf-8")
    (tmp_path / "other.jsonl").write_text("a shopping list\n", encoding="utf-8")
    with closing(sqlite3.connect(tmp_path / "database.sqlite")) as con:
        con.execute("CREATE TABLE t (x)")
    (tmp_path / "file").write_text("", encoding="utf-8")
    arguments = words if "--dossier" in words else (*words, "--dossier", "d.sqlite")
    arguments = arguments if "--platform" in words else (*arguments, "--platform", "jd")
    english = run(*arguments, "--today", "2026-03-01")
    translated = run(*arguments, "--today", "2026-03-01", "--lang", language)
    assert (english.code, translated.code) == (2, 2)
    lines = list(zip(english.err.splitlines(), translated.err.splitlines(), strict=True))
    assert len(lines) == 2
    assert not [line for line, other in lines if line == other]
