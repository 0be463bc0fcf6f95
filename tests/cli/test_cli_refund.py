"""``storehealth refund-checklist`` as a merchant types it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from icalendar import Calendar

from storehealth.cli import main

ORDERS = """order_id,status,created_at,paid_at,completed_at,buyer_id
1001,completed,2026-01-02 10:00:00,2026-01-02 10:01:00,2026-01-09 10:00:00,buyer-anna
1002,shipped,2026-01-03 10:00:00,2026-01-03 10:01:00,,buyer-bert
"""


class Ran(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run refund-checklist in an empty folder, with a state folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))

    def call(*words: str) -> Ran:
        code = main(["refund-checklist", *words])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return call


def exports(folder: Path) -> Path:
    exports_folder = folder / "exports"
    exports_folder.mkdir()
    (exports_folder / "orders.csv").write_text(ORDERS, encoding="utf-8")
    return exports_folder


def test_alone_it_prints_jds_list_and_writes_nothing(run: Run, tmp_path: Path) -> None:
    ran = run("--today", "2026-03-01", "--state", "state")
    assert ran.code == 0
    assert ran.out.startswith(
        "JD.com: getting the store's deposit back\nAs of 2026-03-01\nNext: Take every product off sale"
    )
    assert list(tmp_path.rglob("*.sqlite")) == []


def test_options_stand_on_either_side_of_a_command(run: Run) -> None:
    assert (
        run("mark", "receipt", "done", "--on", "2026-03-01", "--today", "2026-03-02", "--dossier", "m.sqlite").code == 0
    )
    assert run("--dossier", "m.sqlite", "--today", "2026-03-02", "mark", "agreement", "done").code == 0
    assert run("--dossier=m.sqlite", "--today=2026-03-02", "undo").out.startswith("undone: 2  2026-03-02  agreement")


def test_exports_are_read_wherever_the_options_stand(run: Run, tmp_path: Path) -> None:
    folder = str(exports(tmp_path))
    for words in ((folder, "--format", "json"), ("--format", "json", folder)):
        ran = run(*words, "--today", "2026-03-01", "--platform", "jd")
        assert ran.code == 1, ran.err
        answers = {answer["question"]: answer for answer in json.loads(ran.out)["answers"]}
        assert answers["unfinished_orders"]["by_state"] == {"shipped": 1}
        assert answers["unfinished_orders"]["rows"][0]["file"] == "orders.csv"
        assert answers["unfinished_orders"]["rows"][0]["line"] == 3
        assert answers["refund_date"]["earliest"] == "2026-04-09"
        assert answers["open_cases"]["state"] == "unknown"
        assert "buyer-" not in ran.out


def test_nothing_is_written_into_the_exports(run: Run, tmp_path: Path) -> None:
    folder = exports(tmp_path)
    assert run(str(folder), "-o", f"html={folder}/x.html").code == 2
    run(str(folder), "--today", "2026-03-01")
    assert [path.name for path in folder.iterdir()] == ["orders.csv"]


def test_a_misspelt_command_names_the_nearest_and_a_missing_folder_is_no_data(run: Run) -> None:
    ran = run("makr", "receipt", "done")
    assert ran.code == 2
    assert "Did you mean mark?" in ran.err
    assert run("no-such-folder").code == 3


def test_a_folder_named_like_a_command_is_reached_by_its_path(run: Run, tmp_path: Path) -> None:
    exports(tmp_path).rename(tmp_path / "mark")
    assert run("./mark", "--today", "2026-03-01", "-q").code == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("mark", "receit", "done"), "Did you mean receipt?"),
        (("mark", "receipt", "finished"), "Choose one of: done, open, waiting"),
        (("mark", "receipt", "done", "--on", "2099-01-01"), "is in the future"),
        (("mark", "receipt", "done", "--on", "01/03/2026"), "is not a date"),
        (("mark", "receipt", "done", "--on", "2026-02-30"), "no day '2026-02-30' in the calendar"),
        (("deadline", "receipt", "2001-01-01"), "is in the past"),
        (("log", "  "), "nothing to log"),
        (("attach", "receipt", "none.pdf"), "cannot be attached"),
        (("undo",), "nothing to undo"),
        (("--platform", "jdd"), "Did you mean jd?"),
        (("--format", "xml"), "no output format xml"),
        (("-o", "html"), "has no path"),
        (("-o", "html=no/such/x.html"), "does not exist"),
        (("-o", "json=-", "-o", "ics=-"), "Two documents would go to stdout"),
        (("--lang", "fr"), "Unknown value 'fr' for --lang"),
        (("papers", "applicaton"), "Did you mean application?"),
        (("papers", "--out", "file"), "is not a folder"),
        (("papers", "--platform", "douyin"), "done online"),
        (("papers", "lost-receipt", "--platform", "douyin"), "do not count for the refund"),
        (("-o", "csv=rows.csv"), "CSV lists rows of the exports"),
        (("papers", "cover", "--platform", "douyin"), "no papers to mail"),
        (("one", "two"), "Unexpected argument"),
    ],
)
def test_bad_input_is_explained_in_plain_words_and_writes_no_dossier(
    run: Run, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    (tmp_path / "file").touch()
    ran = run(*words)
    assert ran.code == 2
    assert message in ran.err
    assert list(tmp_path.rglob("*.sqlite")) == []


def test_days_are_read_as_people_write_them(run: Run) -> None:
    for item, day in (
        ("stop_selling", "2026/3/1"),
        ("receipt", "2026年3月1日"),
        ("agreement", "20260301"),
        ("enclosures", "yesterday"),
    ):
        assert (
            " 2026-03-01 "
            in run("mark", item, "done", "--on", day, "--today", "2026-03-02", "--dossier", "m.sqlite").out
        )


def test_overdue_leaves_with_1_and_writing_an_entry_with_0(run: Run) -> None:
    for item in ("receipt", "agreement", "mail"):
        run("mark", item, "done", "--today", "2026-03-01")
    assert run("--today", "2026-03-08").code == 0
    assert run("--today", "2026-03-09").code == 1
    assert run("log", "they have it", "--item", "receipt_review", "--today", "2026-03-20").code == 0


def test_the_outputs_are_written_whole_and_named_on_stderr(run: Run, tmp_path: Path) -> None:
    ran = run(
        "--today",
        "2026-03-01",
        "-o",
        "html=a.html",
        "-o",
        "ics=a.ics",
        "-o",
        "md=a.md",
        "-o",
        "json=a.json",
        "-o",
        "text=a.txt",
    )
    assert ran.code == 0
    assert ran.err.count("wrote ") == 5
    Calendar.from_ical((tmp_path / "a.ics").read_bytes())
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["platform"] == "jd"
    assert sorted(path.suffix for path in tmp_path.glob("*a.*")) == [".html", ".ics", ".json", ".md", ".txt"]


def test_one_document_on_stdout_and_nothing_else(run: Run) -> None:
    for words in (("--format", "json"), ("-o", "json=-")):
        ran = run("--today", "2026-03-01", *words)
        assert json.loads(ran.out)["as_of"] == "2026-03-01"


def test_the_dossier_says_whose_it_is_and_the_list_follows(run: Run) -> None:
    run(
        "mark",
        "identity",
        "done",
        "--platform",
        "douyin",
        "--store",
        "Moss",
        "--dossier",
        "m.sqlite",
        "--today",
        "2026-03-01",
    )
    ran = run("--dossier", "m.sqlite", "--today", "2026-03-01", "--lang", "zh")
    assert ran.out.startswith("抖店：商家退店与保证金退还\n店铺：Moss · 截至 2026-03-01")
    other = run("--dossier", "m.sqlite", "--platform", "jd")
    assert other.code == 2
    assert "belongs to store 'Moss' on douyin" in other.err


def test_each_store_has_its_own_dossier_and_a_nameless_one_is_pointed_at(run: Run, tmp_path: Path) -> None:
    run("mark", "receipt", "done", "--state", "s", "--today", "2026-03-01")
    ran = run("--store", "Fern & Co", "--state", "s", "--today", "2026-03-01")
    assert "was started without a store name" in ran.out
    run("mark", "receipt", "done", "--state", "s", "--today", "2026-03-01", "--store", "Fern & Co")
    assert sorted(path.name for path in (tmp_path / "s" / "deposit").glob("*.sqlite")) == [
        "jd-Fern-Co.sqlite",
        "jd.sqlite",
    ]


def test_a_damaged_dossier_leaves_with_2_and_stays_as_it_is(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "m.sqlite"
    for item in ("receipt", "agreement"):
        run("mark", item, "done", "--dossier", "m.sqlite", "--today", "2026-03-01")
    path.write_bytes(b"Dear diary\n" * 100)
    before = path.read_bytes()
    for words in ((), ("mark", "mail", "done"), ("undo",)):
        ran = run(*words, "--dossier", "m.sqlite", "--today", "2026-03-01")
        assert ran.code == 2
        assert "m.sqlite is damaged" in ran.err
    assert path.read_bytes() == before


def test_an_exported_dossier_is_handed_on_and_continued(run: Run, tmp_path: Path) -> None:
    run("mark", "receipt", "done", "--dossier", "m.sqlite", "--today", "2026-03-01", "--note", "原件")
    ran = run("export", "--dossier", "m.sqlite")
    assert [json.loads(line)["did"] for line in ran.out.splitlines()] == ["begin", "mark"]
    (tmp_path / "case.jsonl").write_text(ran.out, encoding="utf-8")
    assert run("mark", "agreement", "done", "--dossier", "case.jsonl", "--today", "2026-03-02").code == 0
    log = json.loads(run("--dossier", "case.jsonl", "--today", "2026-03-02", "--format", "json").out)["log"]
    assert [line["item"] for line in log] == ["receipt", "agreement"]
    assert (tmp_path / "case.jsonl").read_text(encoding="utf-8") == ran.out


def test_papers_are_filled_from_the_settings_and_never_written_over(run: Run, tmp_path: Path) -> None:
    (tmp_path / "storehealth.toml").write_text(
        'store = "Fern"\n[deposit]\ncompany = "Fern Ltd"\naccount = "001"\n', encoding="utf-8"
    )
    ran = run("papers", "--lang", "en", "--today", "2026-03-01")
    assert ran.code == 0
    assert ran.out.split() == ["jd-application-en.docx", "jd-application-en.md", "jd-cover-en.docx", "jd-cover-en.md"]
    assert "left blank:" in ran.err
    text = (tmp_path / "jd-application-en.md").read_text(encoding="utf-8")
    assert "We, Fern Ltd (registration number ________ ), have run the store Fern" in text
    assert run("papers", "--lang", "en").code == 2
    assert run("papers", "--lang", "en", "--force").code == 0


def test_papers_are_in_the_language_of_the_platforms_desks_unless_another_is_given(run: Run) -> None:
    assert run("papers", "lost-receipt", "--format", "md").out.split() == ["jd-lost-receipt-zh.md"]
    assert run("papers", "--platform", "generic", "--format", "docx").out.split() == [
        "generic-application-en.docx",
        "generic-cover-en.docx",
    ]


def test_a_mistake_in_the_settings_is_reported_with_its_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "storehealth.toml").write_text('[deposit]\ncompny = "Fern Ltd"\n', encoding="utf-8")
    ran = run()
    assert ran.code == 2
    assert "storehealth.toml:2: deposit.compny: there is no such setting; the nearest is company" in ran.err


def test_own_numbers_replace_the_checklists(run: Run, tmp_path: Path) -> None:
    (tmp_path / "storehealth.toml").write_text("[deposit]\nafter_sales_days = 30\nchase_every = 3\n", encoding="utf-8")
    ran = run(str(exports(tmp_path)), "--format", "json", "--today", "2026-02-01")
    answers = {answer["question"]: answer for answer in json.loads(ran.out)["answers"]}
    assert answers["refund_date"]["earliest"] == "2026-02-08"
    for item in ("receipt", "agreement", "mail"):
        run("mark", item, "done", "--today", "2026-03-01")
    assert json.loads(run("--format", "json", "--today", "2026-03-02").out)["next_chase"] == "2026-03-04"


def test_no_colour_and_no_box_where_there_is_no_terminal(run: Run) -> None:
    out = run("--today", "2026-03-01", "--details", "--ascii").out
    assert out.isascii()
    assert "\x1b" not in out
    assert not any(line.endswith(" ") for line in out.splitlines())


def test_the_help_of_every_command_has_an_example(run: Run) -> None:
    for name in ("mark", "log", "attach", "deadline", "papers"):
        assert "storehealth refund-checklist" in run(name, "--help").out.replace("\n", " ")
    assert "mark mail done --on 2026-03-05" in run("--help").out


def test_a_case_without_exports_loads_no_database() -> None:
    """It is called often, and from shell prompts and scripts."""
    code = (
        "import sys\nfrom storehealth.cli import main\nmain(['refund-checklist', '-q', '--platform', 'jd'])\n"
        "print([name for name in ('duckdb', 'pandas', 'docx', 'icalendar', 'storehealth.intake') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"
