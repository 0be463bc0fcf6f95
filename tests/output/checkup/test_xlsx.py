"""The workbook holds what the JSON holds, number by number, and nothing that a spreadsheet would run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import zipfile
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from openpyxl import load_workbook
from python_calamine import CalamineWorkbook
from tests.checkups import NASTY, breakdowns, checkup, finding, row

from storehealth.audit import AuditRequest, audit
from storehealth.model import Checkup, EvidenceSummary, MissCause, MuteMark, PublishedMeasurement, Source
from storehealth.output.checkup import CHECKUP_FORMATS, _workbook, xlsx
from storehealth.output.checkup.json import render as render_json
from storehealth.support.message import verbatim

OFFICE = shutil.which("soffice") or ""
needs_office = pytest.mark.skipif(
    not OFFICE and os.environ.get("STOREHEALTH_REQUIRE_OFFICE") != "1",
    reason="no LibreOffice is installed (STOREHEALTH_REQUIRE_OFFICE=1 makes this a failure)",
)
SHEETS = {
    "en": [
        "Summary",
        "Actions",
        "Findings",
        "Causes",
        "Evidence",
        "Agents",
        "Hours",
        "Orders",
        "After-sales",
        "Files",
        "Rejects",
        "Method",
    ],
    "zh": ["摘要", "待办", "问题", "原因", "证据", "客服", "时段", "订单", "售后", "文件", "拒收", "方法"],
    "es": [
        "Resumen",
        "Acciones",
        "Hallazgos",
        "Causas",
        "Evidencia",
        "Agentes",
        "Horas",
        "Pedidos",
        "Posventa",
        "Archivos",
        "Rechazos",
        "Método",
    ],
}
Table = list[list[Any]]


def read(made: Checkup) -> dict[str, Table]:
    """All sheets, by name, as another library reads them."""
    book = CalamineWorkbook.from_filelike(BytesIO(xlsx.render(made)))
    return {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}


def records(table: Table) -> list[dict[str, Any]]:
    """The rows of a sheet by header; empty cells are None."""
    header, *rows = table
    return [
        {name: None if cell == "" else cell for name, cell in zip(header, cells, strict=True)}
        for cells in rows
        if any(cell != "" for cell in cells)
    ]


@pytest.mark.parametrize("language", ["en", "zh", "es"])
def test_the_sheets_are_named_in_the_language_of_the_checkup(language: str) -> None:
    assert list(read(checkup(language=language))) == SHEETS[language]


def test_numbers_of_findings_are_those_of_the_json() -> None:
    made = checkup()
    published = json.loads(render_json(made))["findings"]
    shown = records(read(made)["Findings"])
    assert [line["Code"] for line in shown] == [one["code"] for one in published]
    for line, one in zip(shown, published, strict=True):
        low, high = one["interval"]
        expected = (
            one["value"],
            one["target"],
            one["limit"],
            low,
            high,
            one["defects"],
            one["judged"],
            one["undecided"],
        )
        names = ("Value", "Target", "Limit", "At least", "At most", "Misses", "Judged", "Still open")
        assert tuple(line[name] for name in names) == expected, one["code"]
        assert line["Exempt"] == one["counts"]["exempt"]
        assert line["Rule"] == one["title"]["text"]


def test_numbers_of_the_summary_are_those_of_the_json() -> None:
    made = checkup()
    published = json.loads(render_json(made))
    table = read(made)["Summary"]
    assert table[0][0] == published["headline"]["text"]
    pairs = {line[0]: line[1] for line in table[2:12]}
    assert (pairs["Score"], pairs["At least"], pairs["At most"]) == (59, 55, 63.5)
    assert pairs["Weight judged"] == published["score"]["coverage"]
    assert pairs["As of"] == datetime.fromisoformat("2025-03-31T23:59")
    areas = records(table[13:18])
    assert [line["Score"] for line in areas] == [one["score"] for one in published["areas"]]
    assert [line["Points lost"] for line in areas] == [one["loses"] for one in published["areas"]]
    worst = {one["code"]: one for one in published["findings"]}
    for line, one in zip(areas, published["areas"], strict=True):
        finding_of_area = worst.get(one["worst"], {"title": {"text": None}, "value": None})
        assert (line["Rule"], line["Value"]) == (finding_of_area["title"]["text"], finding_of_area["value"])


def test_the_first_sheet_says_what_to_do_first_and_what_it_brings() -> None:
    made = checkup()
    shown = [(line[3], line[7], line[9] or None) for line in read(made)["Summary"][3 : 3 + len(made.recommendations)]]
    assert shown == [(str(one.name or one.text), str(one.gain_units), one.gain_points) for one in made.recommendations]


def test_the_first_sheet_has_no_action_that_helps_only_what_is_muted() -> None:
    """As the screen and the page."""
    mute = MuteMark(reason="known", owner="Li", until=date(2025, 6, 1))
    made = checkup(
        findings=[part.model_copy(update={"muted": mute}) for part in checkup().findings if part.code == "LG05"]
    )
    assert [line[3] for line in read(made)["Summary"][3:5]] == ["Add one agent Monday to Friday, 20:00 to 22:00", ""]


def test_each_row_behind_a_finding_has_its_own_line_with_a_time_and_text_ids() -> None:
    details = {"paid_at": "2025-03-04 15:00:30", "said_at": "noon", "hours_late": 3.5, "note": None}
    rows = EvidenceSummary(count=1, rows=(row(1, entity="0012300000000000000045", details=details),))
    (line,) = records(read(checkup(findings=(finding(evidence=rows),)))["Evidence"])
    assert line["Order, chat or case"] == "0012300000000000000045"
    assert line["Time"] == datetime.fromisoformat("2025-03-04T15:01")
    assert (line["File"], line["Line"], line["hours_late"], line["note"]) == ("orders.csv", 11, 3.5, None)
    assert (line["paid_at"], line["said_at"]) == (datetime.fromisoformat("2025-03-04T15:00:30"), "noon")


def test_actions_leave_columns_for_owner_due_and_progress() -> None:
    made = checkup()
    shown = records(read(made)["Actions"])
    assert len(shown) == len(made.recommendations)
    assert [line["Gain in points (estimate)"] for line in shown] == [one.gain_points for one in made.recommendations]
    assert all(line[name] is None for line in shown for name in ("Owner", "Due", "Progress"))


def test_slices_stand_on_the_sheet_of_their_kind() -> None:
    slices = tuple(
        PublishedMeasurement(code=code, segment={by: value}, value=share, defects=1, judged=4, undecided=2)
        for code, by, value, share in (
            ("LG05", "warehouse", "WH2", 0.25), ("LG05", "hour", "9", 0.5), ("LG05", "weekday", "7", 0.75),
            ("CS01", "agent_id", "=demo", 0.125), ("AS02", "reason", "坏了", 3600.0),
        )
    )  # fmt: skip
    sheets = read(checkup(measurements=slices))
    (agent,) = records(sheets["Agents"])
    assert (agent["Code"], agent["Of"], agent["Share of misses, or value"]) == ("CS01", "=demo", 0.125)
    assert [line["Of"] for line in records(sheets["Orders"])] == ["WH2"]
    assert [line["Share of misses, or value"] for line in records(sheets["After-sales"])] == [3600.0]
    header, line = sheets["Hours"][:2]
    assert (line[header.index("9:00")], line[-1], line[header.index("8:00")]) == (0.5, 0.75, "")


def test_files_add_up() -> None:
    for line in records(read(checkup())["Files"]):
        assert line["Rows"] == line["Kept"] + line["Duplicates"] + line["Rejected"]


def test_what_could_not_be_read_is_listed_by_file_reason_and_column() -> None:
    made = checkup(breakdowns=breakdowns(item="下单时间"))
    groups = made.breakdowns.rejects if made.breakdowns else ()
    shown = records(read(made)["Rejects"])
    assert [(line["File"], line["column"], line["unread"], line["rows lost"]) for line in shown] == [
        (group.file, group.column, group.count, group.rows_lost) for group in groups
    ]
    assert [line["first lines"] for line in shown] == ["7, 9", "12"]


def test_every_number_of_a_whole_checkup_is_in_the_workbook(tmp_path: Path) -> None:
    exports = Path(__file__).parents[2] / "stores" / "small" / "exports"
    made = audit(exports, AuditRequest(state=tmp_path, platform="generic", window="all", breakdowns=True))
    published, sheets = json.loads(render_json(made)), read(made)
    rows = [
        (finding["code"], row["entity"], row["line"], *(v for v in row["details"].values() if is_number(v)))
        for finding in published["findings"]
        for row in finding["evidence"]["rows"]
    ]
    shown = [
        (
            line["Code"],
            line["Order, chat or case"],
            line["Line"],
            *(line[name] for name in line if is_number(line[name]) and name != "Line"),
        )
        for line in records(sheets["Evidence"])
    ]
    assert [(*row[:3], *sorted(row[3:])) for row in shown] == [(*row[:3], *sorted(row[3:])) for row in rows]
    slices = sorted(
        (line["Code"], line["Misses"], line["Judged"], line["Still open"], to_cell(line["Share of misses, or value"]))
        for sheet in ("Agents", "Orders", "After-sales")
        for line in records(sheets[sheet])
    )
    titles = {finding["code"]: finding["area"] for finding in published["findings"]}
    expected = []
    for cut in published["measurements"]:
        has_time = bool(set(cut["segment"]) & set(xlsx.TIME_DIMENSIONS))
        is_of_area = titles.get(cut["code"]) in ("logistics", "aftersales") and not has_time
        sheets_with_it = bool(set(cut["segment"]) & set(xlsx.AGENT_DIMENSIONS)) + is_of_area
        row = (cut["code"], cut["defects"], cut["judged"], cut["undecided"], to_cell(cut["value"]))
        expected += [row] * sheets_with_it
    assert slices == sorted(expected)
    assert [
        (line["Rows"], line["Kept"], line["Duplicates"], line["Rejected"]) for line in records(sheets["Files"])
    ] == [(source["rows"], source["kept"], source["duplicates"], source["rejected"]) for source in published["sources"]]


def to_cell(value: float | None) -> float:
    """A number to the 15 digits a workbook keeps; -1 for none, so that rows can be sorted."""
    return -1.0 if value is None else float(f"{value:.15g}")


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", "\n=", "＝", "＋", "－", "＠"])
def test_no_text_of_strangers_is_a_formula_a_link_or_a_number(start: str) -> None:
    text = f"{start}1+HYPERLINK(http://evil.example)"
    rows = EvidenceSummary(count=1, rows=(row(1, file=text, entity=text, details={text: text}),))
    content = xlsx.render(
        checkup(store=text, findings=(finding(evidence=rows, note=text),), sources=(Source(path=text, note=text),))
    )
    with zipfile.ZipFile(BytesIO(content)) as parts:
        sheets = [parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/worksheets/sheet")]
        styles = parts.read("xl/styles.xml").decode()
        assert not [name for name in parts.namelist() if "vba" in name.lower() or "external" in name.lower()]
    assert not any(re.search(r"<f[ >]|<hyperlink", sheet) for sheet in sheets)
    assert 'quotePrefix="1"' in styles


def test_hostile_and_endless_texts_fit_into_cells() -> None:
    rows = EvidenceSummary(count=1, rows=(row(1, entity=NASTY, details={"said": "长" * 1_000_000}),))
    (line,) = records(read(checkup(store=NASTY, findings=(finding(evidence=rows),)))["Evidence"])
    assert "\x1b" not in line["Order, chat or case"]
    assert "<script>alert(1)</script>" in line["Order, chat or case"]
    assert len(line["said"]) == _workbook.MAX_TEXT


def test_every_part_is_well_formed_whatever_strangers_wrote() -> None:
    nasty = NASTY + "\x00\x0b\ufffe\udc80"
    rows = EvidenceSummary(count=1, rows=(row(1, file=nasty, entity=nasty, details={nasty: nasty}),))
    made = checkup(store=nasty, headline=nasty, findings=(finding(title=nasty, note=nasty, evidence=rows),))
    with zipfile.ZipFile(BytesIO(xlsx.render(made))) as parts:
        for name in parts.namelist():
            if name.endswith((".xml", ".rels")):
                etree.fromstring(parts.read(name))


def test_more_rows_than_a_sheet_holds_go_on_a_second_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_workbook, "MAX_ROWS", 10)
    sheets = read(checkup(findings=(finding(),)))
    assert [name for name in sheets if name.startswith("Evidence")] == ["Evidence", "Evidence 2", "Evidence 3"]
    assert sum(len(records(sheets[name])) for name in sheets if name.startswith("Evidence")) == 25


def test_figures_without_an_end_leave_their_cell_empty() -> None:
    endless = finding(code="AS02", unit="seconds", value=float("inf"), interval=(1.0, float("inf")))
    (line,) = records(read(checkup(findings=(endless,)))["Findings"])
    assert (line["Value"], line["At least"], line["At most"]) == (None, 1.0, None)


def test_excel_is_another_name_for_it() -> None:
    assert CHECKUP_FORMATS.find("excel") is CHECKUP_FORMATS.find("xlsx")


def list_numbers(table: Table) -> list[list[float]]:
    """The numbers of each row; days are no numbers."""
    return [[cell for cell in cells if isinstance(cell, int | float)] for cells in table[1:]]


def test_numbers_of_the_further_tables_are_those_of_the_json() -> None:
    made = checkup(breakdowns=breakdowns())
    sheets, published = read(made), json.loads(render_json(made))["breakdowns"]
    asked = [cell for cell in published["hours"] if cell["questions"]]
    expected = [
        [cell["hour"], cell["questions"], cell["met"], cell["missed"], cell["missed"] / (cell["met"] + cell["missed"]),
         cell["agents"], cell["agents_needed"]]
        for cell in asked
    ]  # fmt: skip
    assert list_numbers(sheets["Week"]) == expected
    steps = sorted(published["order_steps"], key=lambda step: step["by"] != "all")
    assert list_numbers(sheets["Order steps"])[: len(steps)] == [
        [step["orders"], step["median_hours"], step["p90_hours"]] for step in steps
    ]
    gaps = records(sheets["Stockouts"])
    assert [(line["Days"], line["Units missed (estimate)"]) for line in gaps] == [
        (gap["days"], gap["units_missed"]) for gap in published["stock_gaps"]
    ]
    assert [str(line["Out since"]) for line in gaps] == [gap["first"] for gap in published["stock_gaps"]]
    cases = records(sheets["Case steps"])[1:]
    assert [(line["Cases"], line["Median hours"], line["90% within (hours)"]) for line in cases] == [
        (step["cases"], step["median_hours"], step["p90_hours"]) for step in published["case_steps"]
    ]
    assert list_numbers(sheets["Replies"]) == [
        [agent["days"], agent["answered"], agent["missed"], agent["median_seconds"], agent["p90_seconds"]]
        for agent in published["agents"]
    ]


def test_charts_are_excels_own_and_the_progress_is_chosen_from_a_list() -> None:
    book = load_workbook(BytesIO(xlsx.render(checkup(breakdowns=breakdowns()))))
    assert {name for name in book.sheetnames if book[name]._charts} >= {"Summary", "Order steps", "Case steps"}
    (choice,) = book["Actions"].data_validations.dataValidation
    assert choice.formula1 == '"open,in progress,done"'
    assert all(book[name].freeze_panes for name in ("Actions", "Findings", "Evidence", "Week", "Method"))


@needs_office
def test_an_office_program_opens_it_and_reads_the_same_cells(tmp_path: Path) -> None:
    made = checkup(store=NASTY, breakdowns=breakdowns(NASTY, NASTY))
    own = read(made)
    (tmp_path / "book.xlsx").write_bytes(xlsx.render(made))
    command = [OFFICE, "--headless", f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--convert-to", "ods"]
    subprocess.run(
        [*command, "--outdir", str(tmp_path), str(tmp_path / "book.xlsx")], check=True, capture_output=True, timeout=180
    )
    book = CalamineWorkbook.from_path(tmp_path / "book.ods")
    assert book.sheet_names == list(own)
    for name, table in own.items():
        shown = book.get_sheet_by_name(name).to_python()
        for line, other in zip(table, shown, strict=False):
            for cell, again in zip(line, other, strict=False):
                if isinstance(cell, float):
                    assert again == pytest.approx(cell), (name, line)
                elif isinstance(cell, str):
                    assert str(again).split() == cell.split() or not cell, (name, line)


def test_each_cause_of_a_finding_has_a_row_with_its_slice_and_share() -> None:
    causes = (
        MissCause(id="place", name=verbatim("this warehouse"), segment={"warehouse": "W1"}, misses=30, share=0.75),
        MissCause(id="unexplained", name=verbatim("unexplained"), misses=10, share=0.25),
    )
    lines = records(read(checkup(findings=(finding(causes=causes),)))["Causes"])
    assert [(line["Cause"], line["Of"], line["Misses"]) for line in lines] == [
        ("this warehouse", "W1", 30),
        ("unexplained", None, 10),
    ]
