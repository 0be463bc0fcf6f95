"""Files that promise the impossible, or are damaged where it hurts: refused or read in bounded time and memory."""

from __future__ import annotations

import os
import re
import sys
import time
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from storehealth.catalogue import Catalogue
from storehealth.errors import FileRefused
from storehealth.intake import read_exports
from storehealth.intake.containers import workbook as guard
from storehealth.intake.containers.delimited import iter_lines
from storehealth.intake.containers.json_document import open_sheets as open_json
from storehealth.intake.containers.workbook import open_sheets
from storehealth.intake.draft import LayoutTrial, try_layout
from storehealth.intake.records import LONGEST
from storehealth.model import Intake
from storehealth.privacy import REMOVED, show_header
from tests.intake.conftest import rows

Take = Callable[..., Intake]
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
GOOD = "订单号,下单时间,金额\n1,2026-01-02 03:04:05,5\n2,2026-01-03 03:04:05,6\n"


def cell(reference: str, text: str) -> str:
    return f'<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>'


def line(number: int, texts: list[str]) -> str:
    cells = "".join(cell(f"{'ABC'[place]}{number}", text) for place, text in enumerate(texts))
    return f'<row r="{number}">{cells}</row>'


TABLE = "".join(line(number, text.split(",")) for number, text in enumerate(GOOD.splitlines(), 1))


def workbook(more: str = "", sheets: int = 1, before: str = "") -> bytes:
    """A workbook whose every sheet has three good rows and what else is given."""
    stream, ids = BytesIO(), range(1, sheets + 1)
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        names = "".join(f'<sheet name="S{i}" sheetId="{i}" r:id="r{i}"/>' for i in ids)
        archive.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{names}</sheets></workbook>'
        )
        links = "".join(
            f'<Relationship Id="r{i}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{i}.xml"/>' for i in ids
        )
        link = f'<Relationship Id="r1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
        archive.writestr("_rels/.rels", f'<Relationships xmlns="{PACKAGE}">{link}</Relationships>')
        archive.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{PACKAGE}">{links}</Relationships>')
        for i in ids:
            body = f'<worksheet xmlns="{MAIN}">{before}<sheetData>{TABLE}{more}</sheetData></worksheet>'
            archive.writestr(f"xl/worksheets/sheet{i}.xml", body)
    return stream.getvalue()


def refused(tmp_path: Path, content: bytes) -> str:
    """The id of the message with which a workbook is refused."""
    path = tmp_path / "x.xlsx"
    path.write_bytes(content)
    with pytest.raises(FileRefused) as raised:
        open_sheets(path, tmp_path, None)
    return raised.value.problem.id


@pytest.mark.parametrize(
    "reference", ["ZZZZZ3", "XFE3", "A1048577", "A4294967295", "A99999999999999999999", "ZZZZZZZZZZZZ9"]
)
def test_a_cell_outside_any_sheet_refuses_the_workbook(tmp_path: Path, reference: str) -> None:
    """Before the reader sees it: it would make a table up to there."""
    row = int(re.sub("[A-Z]", "", reference))
    assert refused(tmp_path, workbook(f'<row r="{row}">{cell(reference, "x")}</row>')) == "intake.impossible_cell"


@pytest.mark.parametrize("spelling", ["r='{}'", 'r = "{}"', '\nr\n=\n"{}"', "s='1' t = 'inlineStr' r=\t'{}'"])
def test_a_reference_is_found_however_xml_spells_it(tmp_path: Path, spelling: str) -> None:
    """Else the reader would make the table first."""
    text = f"<c {spelling.format('ZZZZZ3')}><is><t>x</t></is></c>"
    assert refused(tmp_path, workbook(f'<row r="3">{text}</row>')) == "intake.impossible_cell"
    row = f"<row {spelling.format(9999999)}><c><v>1</v></c></row>"
    assert refused(tmp_path, workbook(row)) == "intake.impossible_cell"


@pytest.mark.parametrize("reference", ["XFD1048576", "ZZ1048576", "XFD2000"])
def test_a_distant_cell_refuses_the_workbook(tmp_path: Path, reference: str) -> None:
    """It is possible; the table up to it would fill the memory."""
    row = int(re.sub("[A-Z]", "", reference))
    assert refused(tmp_path, workbook(f'<row r="{row}">{cell(reference, "x")}</row>')) == "intake.distant_cell"


def test_a_cell_in_the_last_row_does_not(take: Take) -> None:
    """Where a column was formatted down to the bottom; nor does a dimension that is wrong."""
    lines = f'<row r="1048576">{cell("A1048576", " ")}</row>'
    intake = take({"o.xlsx": workbook(lines, before='<dimension ref="A1:XFD1048576"/>')})
    assert [row["order_id"] for row in rows(intake.tables[0])] == ["1", "2"]


def test_what_unpacks_to_gigabytes_is_refused_by_its_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its ratio alone tells; nothing of it is unpacked."""
    monkeypatch.setattr(guard, "RATIO_FROM", 1 << 20)
    monkeypatch.setattr(guard, "_measure_sheet", lambda *_: pytest.fail("unpacked"))
    assert refused(tmp_path, workbook('<row r="4"></row>' * 200_000)) == "intake.too_large"


def test_a_workbook_of_very_many_sheets_is_refused(tmp_path: Path) -> None:
    """Each is a table to be recognised."""
    assert refused(tmp_path, workbook(sheets=guard.MOST_SHEETS + 1)) == "intake.many_sheets"


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux")
def test_a_reader_that_aborts_or_wants_too_much_costs_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the guard has overlooked."""
    monkeypatch.setattr(guard, "check_parts", lambda _: None)
    monkeypatch.setattr("storehealth.intake.containers.workbook.check_parts", lambda _: None)
    content = workbook(f'<row r="1048576">{cell("XFD1048576", "x")}</row>')
    assert refused(tmp_path, content) in ("intake.workbook_memory", "intake.broken_workbook")


def test_a_reader_that_does_not_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the time that a file of its size may take."""
    program = tmp_path / "endless.py"
    program.write_text("while True: pass\n", encoding="utf-8")
    monkeypatch.setattr(guard, "PROGRAM", program)
    monkeypatch.setattr(guard, "SECONDS", 0.3)
    assert refused(tmp_path, workbook()) == "intake.workbook_too_long"


# -- names -------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_are_not_utf8_are_shown_escaped_and_the_files_are_read(tmp_path: Path, catalogue: Catalogue) -> None:
    """As GBK zips leave them that were unpacked on Linux: files and folders."""
    folder = tmp_path / "exports"
    inside = os.fsencode(folder) + b"/\xb6\xa9"
    Path(os.fsdecode(inside)).mkdir(parents=True)
    for name, number in ((b"\xb5\xa5.csv", 1), (b"\xb5\xa5 2.csv", 2)):
        Path(os.fsdecode(inside + b"/" + name)).write_text(GOOD.replace("\n1,", f"\n{number}1,"), encoding="utf-8")
    for _ in range(2):  # the second time from the lake
        intake = read_exports(folder, catalogue, tmp_path / "lake")
        assert [source.path for source in intake.sources] == [r"\xb6\xa9/\xb5\xa5 2.csv", r"\xb6\xa9/\xb5\xa5.csv"]
        assert [source.kept for source in intake.sources] == [2, 2]
        intake.model_dump_json()


# -- text --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", range(3))
def test_a_file_that_ends_lines_with_cr_may_hold_one_lf(take: Take, place: int) -> None:
    """Wherever a tool put it."""
    lines = [f"{number},2026-01-0{number} 03:04:05,5" for number in range(1, 7)]
    ends = ["\r"] * 6
    ends[place + 1] = "\n"
    text = "订单号,下单时间,金额\r" + "".join(map("".join, zip(lines, ends, strict=True)))
    assert take({"o.csv": text}).tables[0].rows == 6


def test_a_cr_file_may_end_its_header_with_lf(take: Take) -> None:
    """As where the header was written by another program than the rows."""
    rows_of_old_macs = "\r".join(f"{n},2026-01-02,d" for n in range(9))
    intake = take({"o.csv": f"Order,Created,Note\n{rows_of_old_macs}"})
    assert (intake.sources[0].rows, intake.sources[0].kept) == (9, 9)


@pytest.mark.parametrize("others", [0, 1, 9])
def test_a_half_of_a_surrogate_pair_costs_a_cell_of_a_table(take: Take, others: int) -> None:
    """Also where nothing else in the file is beyond ASCII."""
    lines = "".join(f"{n},2026-01-03,d\n" for n in range(others))
    text = f"Order,Created,Note\nx,2026-01-02,ab\ud83d\n{lines}"
    intake = take({"o.csv": text.encode("utf-8", "surrogatepass")})
    assert (intake.sources[0].encoding, intake.sources[0].kept) == ("utf-8", others + 1)


def test_a_cell_may_hold_a_cr(take: Take) -> None:
    """Where lines end with LF."""
    text = 'Order,Created,Note\n1,2026-01-02,"a\rb\rc"\n2,2026-01-03,d\n'
    assert take({"o.csv": text}).tables[0].rows == 2


@pytest.mark.parametrize("name", ["o.jsonl", "o.json"])
def test_half_a_surrogate_pair_costs_one_character(take: Take, name: str) -> None:
    """A program has cut an emoji; the file is read."""
    objects = [
        f'{{"Order": "{number}", "Created": "2026-01-02", "Note": "{note}"}}'
        for number, note in ((1, "ab\\ud83d"), (2, "c"))
    ]
    intake = take({name: "\n".join(objects) if name == "o.jsonl" else f'{{"data": [{",".join(objects)}]}}'})
    assert [row["buyer_note"] for row in rows(intake.tables[0])] == ["ab\ufffd", "c"]


def test_a_long_line_is_one_lost_row(tmp_path: Path) -> None:
    """It is never held as a whole."""
    path = tmp_path / "x.csv"
    path.write_text("a,b\n" + "x" * (2 * LONGEST + 5) + "\n1,2\n", encoding="utf-8")
    lines = list(iter_lines(path))
    assert [(number, len(text)) for number, text in lines] == [(1, 3), (2, LONGEST + 2), (3, 3)]


def test_a_header_wider_than_a_sheet_of_excel_is_refused(take: Take) -> None:
    """Such a table is none."""
    wide = ",".join(f"c{number}" for number in range(16_385))
    intake = take({"o.csv": f"{wide}\n"})
    assert intake.sources[0].note is not None
    assert "16,384" in str(intake.sources[0].note)


def test_tens_of_thousands_of_damaged_lines_are_listed_at_once(take: Take) -> None:
    """One by one they took minutes."""
    damaged = "".join(f'{number},"x" y,2\n' for number in range(40_000))
    began = time.process_time()
    intake = take({"o.csv": GOOD + damaged})
    assert time.process_time() - began < 15
    assert (intake.sources[0].rows, intake.sources[0].kept, intake.sources[0].rejected) == (40_002, 2, 40_000)
    assert intake.rejects[0].rows == 40_000


@pytest.mark.parametrize(
    ("text", "problem"), [('{"a":' * 500 + "1" + "}" * 500, "intake.too_deep"), ("[" * 5000, "intake.no_list")]
)
def test_deep_json_is_refused_in_plain_words(tmp_path: Path, text: str, problem: str) -> None:
    """Not with the name of an exception."""
    path = tmp_path / "x.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FileRefused) as raised:
        open_json(path, tmp_path, None)
    assert raised.value.problem.id == problem


def test_an_object_that_is_too_deep_costs_its_row(take: Take) -> None:
    """The others are read."""
    deep = '{"a":' * 300 + "1" + "}" * 300
    lines = [
        '{"Order": "1", "Created": "2026-01-02"}',
        f'{{"Order": "2", "Created": {deep}}}',
        '{"Order": "3", "Created": "2026-01-03"}',
    ]
    source = take({"o.jsonl": "\n".join(lines)}).sources[0]
    assert (source.rows, source.kept, source.rejected) == (3, 2, 1)


@pytest.mark.parametrize("cell", ["王小明\n13812345678", "a\r\nb", "x\ry"])
def test_a_header_cell_with_a_line_end_is_not_shown(cell: str) -> None:
    """It may be a cell of the body, with somebody's address."""
    assert show_header(cell) == REMOVED
    assert show_header(" Order  no\n") == "Order no"


# -- chat logs ---------------------------------------------------------------------------------------------------

BEGIN = "/*****************以下为一通会话************************************/\n"
END = "/*****************会话结束*****************/\n"
ANA = f"{BEGIN}ana 2026-09-01 10:00:00\n"


def read_log(catalogue: Catalogue, text: str) -> LayoutTrial:
    return try_layout(catalogue.layouts["jd_chat_log"], text, catalogue)


@pytest.mark.parametrize(
    "damaged",
    ["2026-09-01 10:0x:20", "2026-09-01 10:00", "2026-09-0110:00:20", "2026/09/01 10:00:20", "2O26-09-01 10:00:20",
     "2026-09-01 10:00:20Z", "\ufffd026-09-01 10:00:20", "2026-09-01  10:00:20"],
)  # fmt: skip
@pytest.mark.parametrize("glue", [" ", ""])
def test_a_head_with_a_damaged_time_is_a_rejected_row(shipped: Catalogue, damaged: str, glue: str) -> None:
    """And with it the lines below it: they are no text of the message above."""
    head = f"ana{glue}{damaged}\n"
    text = f"{ANA}hello\namy 2026-09-01 10:00:10\nhi\n{head}lost\namy 2026-09-01 10:01:00\nbye\n{END}"
    trial = read_log(shipped, text)
    assert [row["text"] for row in trial.tables["messages"]] == ["hello", "hi", "bye"]
    assert [(reject["line"], reject["reason"]) for reject in trial.rejects] == [(6, "reject.damaged_time")]
    assert (trial.rows, trial.kept) == (4, 3)


@pytest.mark.parametrize(
    "text", ["发货时间 2026-09-01 10:00", "amy 13812345678", "ana 订单 2026-09-01", "10:00 - 2026"]
)
def test_a_text_with_a_time_is_a_text(shipped: Catalogue, text: str) -> None:
    """Nobody of that name writes in the log, or it is no time."""
    trial = read_log(shipped, f"{BEGIN}ana 2026-09-01 10:00:00\n{text}\namy 2026-09-01 10:00:10\nhi\n{END}")
    assert [row["text"] for row in trial.tables["messages"]] == [text, "hi"]


def test_a_message_of_millions_of_lines_is_one_lost_row(shipped: Catalogue) -> None:
    """In time that grows with its length."""
    began = time.process_time()
    trial = read_log(shipped, f"{ANA}" + "hello\n" * 400_000 + f"amy 2026-09-01 10:00:10\nhi\n{END}")
    assert time.process_time() - began < 20
    assert [row["text"] for row in trial.tables["messages"]] == ["hi"]
    assert len(trial.rejects) == 1


def test_a_head_of_wangwang_with_a_damaged_time_is_a_rejected_row(shipped: Catalogue) -> None:
    """As in JD's log."""
    text = "ana(2026-09-01 10:00:00):  hello\namy(2026-09-01 1O:00:10):  lost\nmore\nana(2026-09-01 10:00:20):  bye\n"
    layout = shipped.layouts["taobao_chat_log"]
    trial = try_layout(layout, text, shipped)
    assert [row["text"] for row in trial.tables["messages"]] == ["hello", "bye"]
    assert [reject["line"] for reject in trial.rejects] == [2]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems make no such folders")
def test_a_path_longer_than_the_system_takes_costs_what_is_below(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folders a thousand deep, as a backup that holds itself; what lies above is read."""
    exports = tmp_path / "exports"
    exports.mkdir()
    (exports / "top.csv").write_text(GOOD, encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.chdir(exports)
        for _ in range(100):  # each step by itself is short enough
            Path("d" * 50).mkdir()
            patch.chdir("d" * 50)
        Path("deep.csv").write_text(GOOD, encoding="utf-8")
    intake = read_exports(exports, catalogue, tmp_path / "lake")
    assert [(source.path, source.kept) for source in intake.sources if source.kept] == [("top.csv", 2)]
    assert {source.note.id for source in intake.sources if source.note} == {"intake.cannot_open"}
