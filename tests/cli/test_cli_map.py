"""``map``: an unknown file becomes a layout that audits use, or it is said what has to be settled first."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

from storehealth.catalogue import load_catalogue
from storehealth.cli import main
from storehealth.commands.map import list_samples
from storehealth.intake.draft import profile_sheet
from storehealth.intake.guess import guess_columns

Run = Callable[..., Any]
NOON = datetime.fromisoformat("2026-10-01 12:00:00")
WORDS = {
    "order_id": [
        "Order Ref",
        "Sales Order No.",
        "系统订单号",
        "Nº de pedido",
        "Bestell-Nr",
        "Invoice No",
        "order code",
    ],
    "created_at": ["Placed on", "Order placed at", "订单生成时间", "Fecha del pedido", "Date of order", "Created on"],
    "shipped_at": ["Dispatched at", "Shipped on", "实际发货时间", "Fecha de envío", "Despatched date", "Sent on"],
    "paid_amount": ["Order total", "Grand Total (EUR)", "实收金额", "Importe total", "Order Amount", "Total paid"],
}
"""What people call the columns of orders; none of the whole headers is that of a known layout."""
FORMS = ["%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M", "%d.%m.%Y %H:%M", "%Y-%m-%dT%H:%M:%S+08:00"]


def write_orders(headers: list[str], form: str, delimiter: str = ",", count: int = 30) -> str:
    """Write orders, one every seven hours, shipped a day later."""
    lines = [delimiter.join(headers)]
    for number in range(count):
        at = NOON + timedelta(hours=7 * number)
        cells = [f"X-{10_000 + number}", f"{at:{form}}", f"{at + timedelta(days=1):{form}}", f"{number}.50"]
        lines.append(delimiter.join(cells))
    return "\n".join(lines) + "\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an empty settings file and an empty folder of exports; it is the current one."""
    (tmp_path / "exports").mkdir()
    (tmp_path / "storehealth.toml").write_text("", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read_layout(home: Path) -> dict[str, Any]:
    """The one layout that was written."""
    (path,) = (home / "storehealth.d" / "layouts").glob("*.yaml")
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


@examples(40)
@given(
    headers=st.tuples(*(st.sampled_from(words) for words in WORDS.values())),
    form=st.sampled_from(FORMS),
    delimiter=st.sampled_from([",", ";", "\t"]),
)
def test_orders_in_anybodys_words_are_mapped_and_audited(
    tmp_path_factory: pytest.TempPathFactory, headers: tuple[str, ...], form: str, delimiter: str
) -> None:
    """Every column lands where it belongs, and every row is kept."""
    home = tmp_path_factory.mktemp("map")
    (home / "exports").mkdir()
    (home / "storehealth.toml").write_text("", encoding="utf-8")
    file = home / "exports" / "orders of mine.csv"
    file.write_text(write_orders(list(headers), form, delimiter), encoding="utf-8")
    options = ["--config", str(home / "storehealth.toml"), "--state", str(home / "state")]
    assert main(["map", str(file), "--yes", "--silent", *options]) == 0
    layout = read_layout(home)
    assert {key: tuple(column["headers"]) for key, column in layout["columns"].items()} == {
        column: (header,) for column, header in zip(WORDS, headers, strict=True)
    }
    assert layout["feeds"] == ["orders"]


def test_what_was_mapped_is_used_by_every_audit_and_the_audit_says_so(run: Run, home: Path) -> None:
    """Without being named; the message of the unknown file leads to the command."""
    file = home / "exports" / "erp.csv"
    file.write_text(write_orders(["Order Ref", "Placed on", "Sent on", "Order total"], FORMS[0]), encoding="utf-8")
    refused = json.loads(run("inspect", "exports", "--format", "json").out)["sources"][0]["note"]["text"]
    assert "storehealth map erp.csv" in refused
    assert "Order Ref might be order_id" in refused
    mapped = run("map", "exports/erp.csv", "--yes")
    assert mapped.code == 0
    assert "30 of 30 rows" in mapped.out
    audited = run("audit", "exports", "--format", "json", "--no-history")
    (source,) = json.loads(audited.out)["sources"]
    assert (source["layout"], source["kept"]) == ("erp", 30)
    assert "erp" in audited.err
    assert "storehealth.d" in audited.err
    assert run("map", "exports/erp.csv", "--yes").code == 2


@pytest.mark.parametrize(
    ("header", "cells", "settled"),
    [
        ("Vermerk", ["Q-10001", "Q-10002", "Q-10003"], "Vermerk=order_id"),
        ("Stock thing", ["SKU-10001", "SKU-10001", "SKU-10002"], "Stock thing=order_id"),
    ],
)
def test_a_required_column_that_is_a_guess_is_asked_for_and_never_taken(
    run: Run, home: Path, header: str, cells: list[str], settled: str
) -> None:
    """``--yes`` names it; ``--column`` settles it."""
    rows = "".join(f"{cell},2026-10-0{number} 10:00:00,5.50\n" for number, cell in enumerate(cells, 1))
    (home / "exports" / "odd.csv").write_text(f"{header},Placed on,Order total\n{rows}", encoding="utf-8")
    refused = run("map", "exports/odd.csv", "--yes")
    assert refused.code == 2
    assert "order_id" in refused.err
    assert header in refused.err
    assert not (home / "storehealth.d").exists()
    assert run("map", "exports/odd.csv", "--yes", "--column", settled).code == 0
    assert read_layout(home)["columns"]["order_id"]["headers"] == [header]


def test_values_decide_against_a_header(run: Run, home: Path) -> None:
    """US states under "Order State" are no status, and are not read as one."""
    rows = "".join(
        f"X-{number},2026-10-0{number} 10:00:00,{state}\n" for number, state in enumerate(("Texas", "Ohio"), 1)
    )
    (home / "exports" / "us.csv").write_text(f"Order Ref,Placed on,Order State\n{rows}", encoding="utf-8")
    assert run("map", "exports/us.csv", "--yes").code == 0
    assert "status" not in read_layout(home)["columns"]


def test_words_far_below_the_top_are_translated_too(run: Run, home: Path) -> None:
    """The layout is tried on the whole file, and completed by what it did not understand."""
    rows = [f"X-{number},2026-10-01 10:00:00,{'已发货' if number < 80 else '待发货'}\n" for number in range(100)]
    (home / "exports" / "erp.csv").write_text("Order Ref,Placed on,状态\n" + "".join(rows), encoding="utf-8")
    assert run("map", "exports/erp.csv", "--yes").code == 0
    assert set(read_layout(home)["columns"]["status"]["words"]) == {"已发货", "待发货"}


def test_a_date_whose_order_nothing_settles_is_asked_for(run: Run, home: Path) -> None:
    """No day above 12 in the whole file; either option settles it."""
    rows = "".join(f"X-{number},0{number}/04/2026 10:00,5.50\n" for number in range(1, 6))
    (home / "exports" / "dates.csv").write_text(f"Order Ref,Placed on,Order total\n{rows}", encoding="utf-8")
    refused = run("map", "exports/dates.csv", "--yes")
    assert refused.code == 2
    assert "--date-order" in refused.err
    assert run("map", "exports/dates.csv", "--yes", "--date-format", "%m/%d/%Y %H:%M").code == 0
    assert read_layout(home)["columns"]["created_at"]["formats"] == ["%m/%d/%Y %H:%M"]


ORDERS = ["Belegnummer", "Auftragsdatum", "Zahlungseingang", "Versanddatum", "Auftragsstatus"]


def write_german_orders(form: str, per_day: int) -> str:
    """Twenty days of orders, many a day, each paid at once and shipped a day later."""
    lines = [",".join(ORDERS)]
    for number in range(20 * per_day):
        at = datetime.fromisoformat("2026-09-01") + timedelta(days=number // per_day, minutes=number % per_day)
        times = (at, at + timedelta(minutes=5), at + timedelta(days=1))
        lines.append(",".join([f"B-{10_000 + number}", *(f"{time:{form}}" for time in times), "Versandt"]))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "more", [(), ("Auftragsdatum=created_at",), ("Auftragsdatum=created_at", "Versanddatum=shipped_at")]
)
@pytest.mark.parametrize("form", ["%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %H:%M"])
def test_an_answer_costs_no_other_column_and_later_rows_settle_the_order_of_dates(
    run: Run, home: Path, more: tuple[str, ...], form: str
) -> None:
    """All columns say what the file holds; its first days may leave open what 09/01 means, the last ones do not."""
    Path("exports", "auftraege.csv").write_text(write_german_orders(form, per_day=60), encoding="utf-8")
    answers = [
        word for answer in ("Belegnummer=order_id", "Zahlungseingang=paid_at", *more) for word in ("--column", answer)
    ]
    assert run("map", "exports/auftraege.csv", "--yes", *answers).code == 0
    columns = read_layout(home)["columns"]
    assert {"order_id", "created_at", "paid_at", "shipped_at", "status"} <= columns.keys()
    result = run("audit", "exports", "--format", "json", "--fail-on", "never", "--state", home / "state")
    figures = json.loads(result.out)["figures"]
    assert (figures["orders"], figures["paid"]) == (1200, 1200)


def test_one_sheet_of_several_unknown_ones_is_named(run: Run, home: Path) -> None:
    """``book.xlsx#Sheet``."""
    lines = write_orders(["OrderRef", "PlacedOn", "SentOn", "OrderTotal"], "%Y-%m-%dT%H:%M:%S").split()
    with xlsxwriter.Workbook(home / "exports" / "book.xlsx") as book:
        for name in ("Orders", "Returns"):
            sheet = book.add_worksheet(name)
            for row, line in enumerate(lines):
                sheet.write_row(row, 0, line.split(","))
    refused = run("map", "exports/book.xlsx", "--yes")
    assert refused.code == 2
    assert "book.xlsx#Returns" in refused.err
    assert run("map", "exports/book.xlsx#Returns", "--yes").code == 0


@pytest.mark.parametrize(
    ("content", "words", "code"),
    [
        ("just\nwords\n", "header", 2), ("colour,shape\nred,12\nblue,13\n", "fits", 2), ("", "empty", 3),
        (bytes(range(256)) * 9, "encoding", 3), (None, "no file", 3),
    ],
)  # fmt: skip
def test_what_cannot_be_mapped_says_why(
    run: Run, home: Path, content: str | bytes | None, words: str, code: int
) -> None:
    """And writes nothing. A file that cannot be used has the code that it has in an audit."""
    if content is not None:
        (home / "exports" / "x.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    refused = run("map", "exports/x.csv", "--yes")
    assert refused.code == code
    assert words in refused.err
    assert not (home / "storehealth.d").exists()


def test_a_person_is_asked_column_by_column(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Enter takes the proposal, a name corrects it, - leaves the column out; an unknown name is asked again."""
    rows = write_orders(["Order Ref", "Placed on", "Sent on", "Order total"], FORMS[0])
    (home / "exports" / "erp.csv").write_text(rows, encoding="utf-8")

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal("\n\nnonsense\ncompleted_at\n-\n"))
    asked = run("map", "exports/erp.csv")
    assert asked.code == 0
    assert "X-10000" in asked.err
    assert "cancel_reason" in asked.err
    assert set(read_layout(home)["columns"]) == {"order_id", "created_at", "completed_at"}


def test_without_a_terminal_nothing_is_asked(run: Run, home: Path) -> None:
    """A pipe would wait for ever."""
    (home / "exports" / "erp.csv").write_text(write_orders(["Ref", "When", "Sent", "Sum"], FORMS[0]), encoding="utf-8")
    refused = run("map", "exports/erp.csv")
    assert refused.code == 2
    assert "--yes" in refused.err


def test_words_nobody_knows_are_named_with_their_rows_and_are_no_null(run: Run, home: Path) -> None:
    """What to write is said, and audits count the cells as not understood, instead of losing the unshipped orders."""
    states = ["Shipped", "Delivered", "On the shelf", "On the shelf", "Awaiting picker"]
    rows = "".join(f"R-{10_000 + n},{states[n % 5]},2026-10-{n % 28 + 1:02} 10:00:00\n" for n in range(50))
    (home / "exports" / "erp.csv").write_text(f"Ref No,State of order,Placed\n{rows}", encoding="utf-8")
    mapped = run("map", "exports/erp.csv", "--yes")
    assert mapped.code == 0
    assert "30 rows have words of unknown meaning" in mapped.out
    assert "On the shelf (20 rows) and Awaiting picker (10 rows)" in mapped.out
    assert read_layout(home)["columns"]["status"]["words"] == {"Shipped": "shipped", "Delivered": "delivered"}
    (source,) = json.loads(run("inspect", "exports", "--format", "json").out)["sources"]
    assert (source["kept"], source["rejected"]) == (50, 0)
    assert "30" in run("inspect", "exports").out.split("Could not be read")[1].split("×")[0]


NAMES = ["Anna Schmidt", "Bob O'Neill", "Chen Wei", "José García", "王丽华"]


@pytest.mark.parametrize("header", ["Customer", "Who", "Client Name", "Remarks", "buyer nick"])
def test_samples_show_nobody_s_name(header: str) -> None:
    """Whatever the column is called; times, amounts, ids and words of a vocabulary stay readable."""
    catalogue = load_catalogue()
    top = [["Order Ref", "Placed on", header, "Status", "Total"],
           *([f"A-{n:05}", f"0{n % 9 + 1}.10.2026 10:00", NAMES[n % 5], ["Shipped", "Odd"][n % 2], f"{n},50"]
             for n in range(30))]  # fmt: skip
    columns = {profile.header: profile for profile in profile_sheet(top)}
    fit = guess_columns(list(columns.values()), catalogue)
    assert fit is not None
    guesses = {guess.profile.header: guess for guess in fit.columns}
    shown = {name: list_samples(profile, guesses.get(name), catalogue) for name, profile in columns.items()}
    assert not [
        name for name in NAMES if any(part in " ".join(shown[header]) for part in name.split() if len(part) > 1)
    ]
    assert shown["Order Ref"][0] == "A-00000"
    assert shown["Placed on"][0] == "01.10.2026 10:00"
    assert shown["Status"] == ("Shipped", "Odd")
    assert shown["Total"][1] == "1,50"
