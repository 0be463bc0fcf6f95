"""The managers' tools on the command line: text, documents, files, exit codes, and what is remembered."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import openpyxl
import pytest

Run = Callable[..., Any]
DOCS = Path(__file__).parents[2] / "docs"
COMMANDS = {"today": "today", "due": "today", "scorecard": "scorecard", "staffing": "staffing", "carriers": "carriers",
            "phrases": "phrases"}  # fmt: skip
LATE = "2026-01-05 10:00:00"
RULES = ()  # tools read views that the few rules of other modules do not


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A small shop: two open orders, forty answered questions, parcels of one carrier."""
    folder = tmp_path / "shop"
    folder.mkdir()
    orders = ["order_id,status,created_at,paid_at,promised_ship_at,shipped_at"]
    orders += [f"o{n},paid,2026-01-05 09:00:00,2026-01-05 09:00:00,2026-01-06 0{n}:00:00," for n in (1, 2)]
    orders += [f"o{n},shipped,{LATE},{LATE},2026-01-06 10:00:00,2026-01-05 12:00:00" for n in range(3, 40)]
    chats = ["conversation_id,message_id,sent_at,sender_role,sender_id,text"]
    for n in range(40):
        at = f"2026-01-05 {9 + n // 10:02d}:{n % 10:02d}"
        chats += [f"c{n},q,{at}:00,customer,u{n},what size is it?", f"c{n},a,{at}:20,agent,amy,it is {n} cm"]
    parcels = ["waybill_no,order_id,carrier,warehouse,picked_up_at,delivered_at"]
    parcels += [f"w{n},o{n},SF,east,2026-01-05 12:00:00,2026-01-06 12:00:00" for n in range(3, 40)]
    parcels += ["w99,o99,SF,east,2026-01-20 12:00:00,2026-01-21 12:00:00"]
    for name, lines in (("orders", orders), ("chats", chats), ("parcels", parcels)):
        (folder / f"{name}.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_every_tool_prints_one_document_and_writes_every_face(
    command: str, run: Run, shop: Path, tmp_path: Path
) -> None:
    """Valid by its schema; the files are those of the record."""
    state, files = tmp_path / "state", [tmp_path / f"out.{name}" for name in ("xlsx", "html", "csv")]
    targets = [word for file in files for word in ("-o", f"{file.suffix[1:]}={file}")]
    result = run(command, shop, "--format", "json", "--state", state, "--as-of", "2026-01-21 12:00", *targets)
    assert result.code == 0, result.err
    schema = json.loads((DOCS / f"{COMMANDS[command]}.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(result.out), schema)
    assert all(file.stat().st_size > 100 or command == "phrases" for file in files)


@pytest.mark.parametrize("command", ["today", "scorecard"])
@pytest.mark.parametrize("language", ["zh", "es"])
def test_text_is_of_one_language(command: str, language: str, run: Run, shop: Path, tmp_path: Path) -> None:
    """And nothing else than the table and its notes goes to stdout."""
    result = run(command, shop, "--lang", language, "--state", tmp_path / "state")
    assert result.code == 0
    assert "Agents" not in result.out
    assert "Totals" not in result.out


def test_since_last_shows_what_is_new(run: Run, shop: Path, tmp_path: Path) -> None:
    """Nothing, when nothing has changed; then the one order that has come."""
    words = (shop, "--state", tmp_path / "state", "--as-of", "2026-01-06 12:00", "--format", "json")
    first = json.loads(run("today", *words).out)
    assert {item["what"] for item in first["items"]} == {"o1", "o2"}
    assert json.loads(run("today", *words, "--since", "last").out)["items"] == []
    with (shop / "orders.csv").open("a", encoding="utf-8") as stream:
        stream.write("\no77,paid,2026-01-05 09:00:00,2026-01-05 09:00:00,2026-01-06 09:00:00,")
    new = json.loads(run("due", *words, "--since", "last").out)["items"]
    assert [item["what"] for item in new] == ["o77"]


def test_texts_are_never_remembered(run: Run, shop: Path, tmp_path: Path) -> None:
    """The state folder holds no customer's or agent's words."""
    run("phrases", shop, "--state", tmp_path / "state", "--texts")
    kept = list((tmp_path / "state" / "tools").glob("*")) if (tmp_path / "state" / "tools").is_dir() else []
    assert kept == []
    assert run("phrases", shop, "--state", tmp_path / "state").code == 0
    assert [file.name.partition("-")[0] for file in (tmp_path / "state" / "tools").glob("*")] == ["phrases"]


def test_without_usable_data_the_code_says_so(run: Run, shop: Path, tmp_path: Path) -> None:
    """And the text names the columns that are needed."""
    (shop / "chats.csv").unlink()
    result = run("scorecard", shop, "--state", tmp_path / "state")
    assert result.code == 3
    assert "messages" in result.out


@pytest.mark.parametrize(
    "words",
    [("--only", "deadline"), ("--since", "first"), ("--format", "xlsx"), ("-o", "pdf=x.pdf"), ("-o", "csv=shop/x.csv")],
)
def test_wrong_words_are_refused_before_the_work(words: tuple[str, str], run: Run, shop: Path) -> None:
    """With code 2; nothing is written into the exports."""
    assert run("today", shop, *words).code == 2
    assert sorted(path.name for path in shop.iterdir()) == ["chats.csv", "orders.csv", "parcels.csv"]


def test_a_report_is_composed_with_blocks_and_sheets_that_a_plain_one_lacks(
    run: Run, shop: Path, tmp_path: Path
) -> None:
    """And a saved checkup carries them, so that it can be converted into another language later."""
    files = {name: tmp_path / f"r.{name}" for name in ("html", "xlsx", "json")}
    words = [word for name, path in files.items() for word in ("-o", f"{name}={path}")]
    assert run("report", shop, *words, "--with", "scorecard,staffing", "--state", tmp_path / "state").code == 0
    saved = json.loads(files["json"].read_text(encoding="utf-8"))
    assert [block["tool"] for block in saved["tools"]] == ["scorecard", "staffing"]
    assert "Proposed shifts" in files["html"].read_text(encoding="utf-8")
    names = openpyxl.load_workbook(files["xlsx"]).sheetnames
    assert {"Scorecard", "Staffing"} <= set(names)
    assert run("convert", files["json"], "-o", f"html={tmp_path / 'zh.html'}", "--lang", "zh").code == 0
    assert "建议班次" in (tmp_path / "zh.html").read_text(encoding="utf-8")
    assert run("report", shop, "-o", f"json={files['json']}", "--state", tmp_path / "state").code == 0
    assert json.loads(files["json"].read_text(encoding="utf-8"))["tools"] == []


@pytest.mark.parametrize(("names", "code"), [("staffings", 2), ("all,scorecard", 2)])
def test_tools_of_a_report_are_known_ones(names: str, code: int, run: Run, shop: Path, tmp_path: Path) -> None:
    """With the nearest name."""
    assert run("report", shop, "-o", f"json={tmp_path / 'r.json'}", "--with", names).code == code


def test_a_saved_run_has_no_database_for_tools(run: Run, tmp_path: Path) -> None:
    """It says so before anything is written."""
    assert run("report", "latest", "-o", f"json={tmp_path / 'r.json'}", "--with", "all").code == 2
