"""The inspect command: what it says of columns, rows, duplicates, rejects and strangers, and what it writes."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import pytest

from storehealth.db.source_rows import HEADER

Run = Callable[..., Any]
SCHEMA = Path(__file__).parents[2] / "docs" / "inspection.schema.json"
ORDERS = """order_id,status,created_at,paid_amount,buyer_id,receiver
O-1,paid,2026-09-01 08:00:00,12.00,tb_ana,Ana López
O-2,paid,2026-09-02 08:00:00,5.00,tb_bob,Bob
O-2,paid,2026-09-02 08:00:00,5.00,tb_bob,Bob
O-3,posted,2026-09-03 08:00:00,much,tb_cid,Cid
O-4,paid,yesterday,1.00,tb_cid,Cid
O-5,2026-09-05,paid
"""
LATER = """order_id,status,created_at,paid_amount,buyer_id
O-2,shipped,2026-09-02 08:00:00,5.00,tb_bob
O-6,paid,2026-09-04 08:00:00,7.00,tb_dan
"""
STRANGER = """Vorgang;Angelegt am;Wert;Ansprechpartner
A-10001;01.09.2026 08:12;39,90;Anna Schmidt
A-10002;02.09.2026 09:30;129,00;Jörg Meier
"""

NOT_A_TIME = (
    "not a date and time in any known order; write it like 2026-04-25 14:30, or leave the cell blank if it has "
    "not happened"
)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Two overlapping exports, and a file of a kind nobody knows."""
    folder = tmp_path / "shop"
    folder.mkdir()
    for name, text in {"orders.csv": ORDERS, "later.csv": LATER, "stranger.csv": STRANGER}.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def sources(run: Run, shop: Path) -> dict[str, Any]:
    """The inspection as JSON, by file."""
    whole = json.loads(run("inspect", shop, "--format", "json").out)
    jsonschema.validate(whole, json.loads(SCHEMA.read_text(encoding="utf-8")))
    return {source["path"]: source for source in whole["sources"]}


def test_columns_read_and_ignored_are_listed(sources: dict[str, Any]) -> None:
    """Each with the canonical columns it fills."""
    read = {column["header"]: column["fills"] for column in sources["orders.csv"]["columns"]}
    assert read["order_id"] == ["orders.order_id"]
    assert read["buyer_id"] == ["orders.buyer_id"]
    assert sources["orders.csv"]["unread"] == ["receiver"]
    assert sources["later.csv"]["unread"] == []


def test_both_kinds_of_duplicates_are_counted_and_every_row_accounted_for(sources: dict[str, Any]) -> None:
    """One repeats in its file; one of the two exports' rows of O-2 stands for the other."""
    orders = sources["orders.csv"]
    assert (orders["rows"], orders["kept"], orders["rejected"]) == (6, 2, 2)
    assert (orders["duplicates_within"], orders["duplicates_across"], orders["duplicates"]) == (1, 1, 2)
    assert all(file["rows"] == file["kept"] + file["duplicates"] + file["rejected"] for file in sources.values())
    assert (orders["first"], orders["last"]) == ("2026-09-01T08:00:00", "2026-09-03T08:00:00")


def test_rejects_are_grouped_by_reason_and_column_with_their_first_lines(sources: dict[str, Any]) -> None:
    """A reject that cost its row is counted separately from one that cost only the cell."""
    groups = {
        (group["column"], group["reason"]["text"].split(";")[0]): group for group in sources["orders.csv"]["rejects"]
    }
    amount = groups["paid_amount", "not an amount of money"]
    assert amount["reason"]["id"] == "reject.money"
    assert "write it like 1234.50" in amount["reason"]["text"]
    assert (amount["count"], amount["rows_lost"], amount["lines"], amount["values"]) == (1, 0, [5], ["xxxx"])
    assert groups["created_at", "not a date and time in any known order"]["rows_lost"] == 1
    assert groups[None, "too few columns: 3 instead of 6"]["lines"] == [7]


def test_the_preview_shows_canonical_rows_with_people_masked(sources: dict[str, Any]) -> None:
    """Three rows by default; columns without a value are left out."""
    (preview,) = sources["orders.csv"]["preview"]
    assert (preview["table"], preview["total"], len(preview["rows"])) == ("orders", 3, 3)
    first = preview["rows"][0]
    assert (first["order_id"], first["paid_amount"], first["created_at"]) == ("O-1", 12.0, "2026-09-01 08:00:00")
    assert first["buyer_id"].startswith("buyer-")
    assert "warehouse" not in first


def test_an_unknown_file_is_shown_with_its_headers_and_the_nearest_layout(
    run: Run, sources: dict[str, Any], shop: Path
) -> None:
    """So that the user sees what is missing."""
    assert sources["stranger.csv"]["unread"] == ["Vorgang", "Angelegt am", "Wert", "Ansprechpartner"]
    assert sources["stranger.csv"]["nearest"] is None
    (shop / "near.csv").write_text("order_id,paid_at\nO-1,2026-09-01 08:00:00\n", encoding="utf-8")
    whole = json.loads(run("inspect", shop / "near.csv", "--format", "json").out)
    assert "created_at" in whole["sources"][0]["nearest"]["missing"]
    assert "order_id" in whole["sources"][0]["nearest"]["found"]


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ("not read and never shown", "First rows of orders (showing 1 of 3)", "not a date and time", "line 6")),
        (
            "zh",
            (
                "不读取也不显示",
                "订单的前几行（显示 3 中的 1 条）",
                "不是时间",
                "第 6 行",
                "列数不足：只有 3 列，应为 6 列",
            ),
        ),
        (
            "es",
            (
                "no se lee ni se muestra",
                "Primeras filas de pedidos (se muestran 1 de 3)",
                "no es una fecha",
                "faltan columnas: 3 en lugar de 6",
            ),
        ),
    ],
)
def test_the_screen_says_it_in_three_languages(run: Run, shop: Path, language: str, expected: tuple[str, ...]) -> None:
    shown = " ".join(run("inspect", shop, "--preview", 1, "--lang", language).out.split())
    assert [text for text in expected if text not in shown] == []


def test_without_a_preview_no_rows_are_shown(run: Run, shop: Path) -> None:
    assert "First rows" not in run("inspect", shop, "--preview", 0).out
    assert run("inspect", shop, "--preview", -1).code == 2


def test_one_csv_comes_from_stdin(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In whatever encoding; nothing of it is left in the folder."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(ORDERS.encode("gb18030"))))
    result = run("inspect", "-", "--format", "json")
    (source,) = json.loads(result.out)["sources"]
    assert (result.code, source["path"], source["layout"], source["rows"]) == (0, "stdin.csv", "generic_orders", 6)
    assert list(tmp_path.glob("*.csv")) == []


# -- rejects -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["audit", "inspect"])
def test_rejects_go_to_a_file_with_the_columns_of_duckdb_s(run: Run, shop: Path, tmp_path: Path, command: str) -> None:
    """Line by line, values masked, and NULL where nothing is known."""
    assert "wrote rejects.csv" in run(command, shop, "-o", "rejects=rejects.csv").err
    with (tmp_path / "rejects.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["line"] for row in rows] == ["5", "5", "6", "7"]
    cell = next(row for row in rows if row["column_name"] == "created_at")
    assert cell == {
        "file": "orders.csv", "line": "6", "line_byte_position": "", "byte_position": "", "column_idx": "3",
        "column_name": "created_at", "error_type": "CAST", "csv_line": "", "error_message": f"created_at: {NOT_A_TIME}",
        "reason": NOT_A_TIME, "value": "xxxxxxxxx", "row_lost": "True",
    }  # fmt: skip
    assert (rows[-1]["error_type"], rows[-1]["csv_line"], rows[-1]["value"]) == (
        "MISSING COLUMNS",
        "x-9,9999-99-99,xxxx",
        "",
    )


def test_the_columns_are_duckdb_s_own() -> None:
    """But for its numbers of scan and file."""
    with duckdb.connect() as con:
        con.execute("FROM read_csv('/dev/null', columns={'a': 'INT'}, store_rejects=true)")
        own = [column[0] for column in con.execute("FROM reject_errors").description]
    assert ("file", *own[2:], "reason", "value", "row_lost") == HEADER


def test_rejects_take_the_place_of_the_text_on_stdout(run: Run, shop: Path) -> None:
    result = run("inspect", shop, "-o", "rejects=-")
    assert result.out.splitlines()[0].startswith("file,line,")
    assert run("audit", shop, "-o", "rejects=-", "--fail-on", "never").out == result.out


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("-o", "rejects"), "has no path"),
        (("-o", "rejects=shop/r.csv"), "inside the exports folder"),
        (("-o", "rejects=nowhere/r.csv"), "does not exist"),
        (("-o", "rejects=a.csv", "-o", "rejects=b.csv"), "given twice"),
        (("-o", "rejects=-", "--format", "json"), "Two documents"),
        (("-o", "rejects=-", "-o", "json=-"), "Two documents"),
        (("-o", "rejects=a", "-o", "json=./a"), "Two outputs would be written to"),
        (("-o", "jsn=a.json"), "Did you mean json?"),
        (("-o", "evidence=e"), "Unknown value 'evidence' for -o"),
        (("--unmask",), "only on a terminal"),
    ],
)
def test_a_wrong_output_of_inspect_is_refused_before_any_work(
    run: Run, shop: Path, options: tuple[str, ...], expected: str
) -> None:
    result = run("inspect", "shop", *options)
    assert (result.code, result.out) == (2, "")
    assert expected in result.err


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("-o", "evidence=-"), "cannot go to stdout"),
        (("-o", "evidence=shop"), "inside the exports folder"),
        (("-o", "evidence=shop/evidence"), "inside the exports folder"),
        (("-o", "evidence=a_file"), "is a file"),
        (("-o", "evidence="), "has no path"),
        (("-o", "rejects=-", "-o", "json=-"), "Two documents"),
        (("--unmask",), "only on a terminal"),
    ],
)
def test_a_wrong_output_of_audit_is_refused_before_any_work(
    run: Run, shop: Path, tmp_path: Path, options: tuple[str, ...], expected: str
) -> None:
    (tmp_path / "a_file").write_text("", encoding="utf-8")
    result = run("audit", "shop", *options)
    assert (result.code, result.out) == (2, "")
    assert expected in result.err


def test_a_disk_that_is_full_is_four_and_the_screen_is_shown_all_the_same(
    run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storehealth.db import source_rows

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(source_rows, "write_csv", full)
    result = run("inspect", shop, "-o", "rejects=rejects.csv")
    assert (result.code, "orders.csv" in result.out) == (4, True)
    assert "rejects.csv could not be written: No space left on device" in result.err


def test_the_inspection_goes_to_a_file_as_well(run: Run, shop: Path, tmp_path: Path) -> None:
    run("inspect", shop, "-o", "json=inspection.json")
    assert json.loads((tmp_path / "inspection.json").read_text(encoding="utf-8"))["zone"] == "UTC"


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
def test_a_person_at_a_terminal_may_see_what_stands_there(shop: Path, tmp_path: Path) -> None:
    """And not together with a file."""
    own, theirs = os.openpty()
    command = [
        sys.executable,
        "-m",
        "storehealth",
        "inspect",
        str(shop),
        "--unmask",
        "--state",
        str(tmp_path / "state"),
    ]
    kept = {"stdin": theirs, "stdout": theirs, "stderr": subprocess.PIPE, "env": os.environ | {"COLUMNS": "200"}}
    done = subprocess.run(command, **kept, timeout=60)
    os.set_blocking(own, False)
    shown = os.read(own, 1 << 16).decode()
    refused = subprocess.run([*command, "-o", "rejects=r.csv"], **kept, timeout=60)
    assert (done.returncode, "buyer_id=tb_ana" in shown, "buyer-" in shown) == (0, True, False)
    assert (refused.returncode, b"contradict" in refused.stderr) == (2, True)
