"""Workbooks, as Excel writes them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from io import BytesIO

import pytest
import xlsxwriter
import xlwt

from storehealth.model import Intake
from tests.intake.conftest import rows

Take = Callable[..., Intake]
HEADER = ["订单号", "下单时间", "金额"]


def book(sheets: dict[str, list[list[object]]]) -> bytes:
    """A workbook with typed cells."""
    stream = BytesIO()
    with xlsxwriter.Workbook(stream, {"default_date_format": "yyyy-mm-dd hh:mm:ss"}) as workbook:
        for name, lines in sheets.items():
            sheet = workbook.add_worksheet(name)
            for row, cells in enumerate(lines):
                sheet.write_row(row, 0, cells)
    return stream.getvalue()


def test_cells_become_text_and_rows_keep_excels_numbers(take: Take) -> None:
    """A title, a blank row, a date cell, a whole number."""
    lines = [
        ["报表"],
        [],
        HEADER,
        [1001, datetime.fromisoformat("2026-01-02 03:04:05"), 12.5],
        ["1002", "2026-01-03", 7],
    ]
    intake = take({"orders.xlsx": book({"Sheet1": lines})})
    assert [(row["source_row"], row["order_id"], str(row["created_at"])) for row in rows(intake.tables[0])] == [
        (4, "1001", "2026-01-02 03:04:05"),
        (5, "1002", "2026-01-03 00:00:00"),
    ]
    assert intake.sources[0].path == "orders.xlsx"
    assert intake.sources[0].container == "workbook"


def test_an_id_that_excel_keeps_as_a_number_too_long_for_it_is_refused(take: Take) -> None:
    """Its last digits are already zeros."""
    lines = [HEADER, [300000000001234567, "2026-01-02", 1], [2**53 - 1, "2026-01-02", 1]]
    intake = take({"orders.xlsx": book({"Sheet1": lines})})
    assert [row["order_id"] for row in rows(intake.tables[0])] == [str(2**53 - 1)]
    assert "reject.digits" in str(rows(intake.rejects[0])[0]["reason"])


def test_every_sheet_is_a_source(take: Take) -> None:
    """Sheets without cells are passed over, unknown ones noted."""
    lines = [HEADER, ["1", "2026-01-02", 1]]
    intake = take({"all.xlsx": book({"订单": lines, "说明": [["read me"]], "Sheet3": []})})
    assert [(source.path, source.layout) for source in intake.sources] == [
        ("all.xlsx#订单", "shop_orders"),
        ("all.xlsx#说明", None),
    ]


def test_old_workbooks_are_read(take: Take) -> None:
    """XLS."""
    workbook, stream = xlwt.Workbook(), BytesIO()
    sheet = workbook.add_sheet("1")
    for row, cells in enumerate([HEADER, ["1", "2026-01-02", 1.5]]):
        for column, cell in enumerate(cells):
            sheet.write(row, column, cell)
    workbook.save(stream)
    assert take({"old.xls": stream.getvalue()}).tables[0].rows == 1


def write_merged_xlsx() -> bytes:
    stream = BytesIO()
    with xlsxwriter.Workbook(stream) as workbook:
        sheet = workbook.add_worksheet()
        sheet.merge_range(0, 0, 0, 2, "十月订单")
        sheet.write_row(1, 0, HEADER)
        sheet.merge_range(2, 0, 4, 0, "1001")
        for row in (2, 3, 4):
            sheet.write_row(row, 1, ["2026-01-02", row])
        sheet.write_row(5, 0, ["1002", "2026-01-03", 7])
        sheet.merge_range(8, 5, 9, 6, "")
    return stream.getvalue()


def write_merged_xls() -> bytes:
    stream, workbook = BytesIO(), xlwt.Workbook()
    sheet = workbook.add_sheet("1")
    sheet.write_merge(0, 0, 0, 2, "十月订单")
    sheet.write_merge(2, 4, 0, 0, "1001")
    for row, cells in ((1, HEADER), (5, ["1002", "2026-01-03", 7])):
        for column, cell in enumerate(cells):
            sheet.write(row, column, cell)
    for row in (2, 3, 4):
        sheet.write(row, 1, "2026-01-02")
        sheet.write(row, 2, row)
    workbook.save(stream)
    return stream.getvalue()


@pytest.mark.parametrize(("name", "write"), [("a.xlsx", write_merged_xlsx), ("b.xls", write_merged_xls)])
def test_a_cell_merged_downwards_stands_in_each_of_its_rows(take: Take, name: str, write: Callable[[], bytes]) -> None:
    """As ERPs merge an order over its items; a title merged sideways is no row."""
    intake = take({name: write()})
    source = intake.sources[0]
    assert (source.rows, source.kept, source.rejected) == (4, 4, 0)
    assert [row["order_id"] for row in rows(intake.tables[0])] == ["1001", "1001", "1001", "1002"]


def test_a_day_without_a_time_and_a_sheet_that_is_a_chart_are_read_as_they_are_shown(take: Take) -> None:
    """The day begins at midnight; a chart has no cells."""
    stream = BytesIO()
    with xlsxwriter.Workbook(stream, {"default_date_format": "yyyy-mm-dd"}) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, HEADER)
        sheet.write_row(1, 0, ["1", date(2026, 1, 2), 1.5])
        workbook.add_chartsheet()
    intake = take({"a.xlsx": stream.getvalue()})
    assert [str(row["created_at"]) for row in rows(intake.tables[0])] == ["2026-01-02 00:00:00"]


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_workbook_is_refused(take: Take, share: float) -> None:
    """Cut in a download."""
    whole = book({"1": [HEADER, *([str(n), "2026-01-02", n] for n in range(50))]})
    intake = take({"cut.xlsx": whole[: int(len(whole) * share)], "good.xlsx": whole})
    assert "cut off or broken" in str(intake.sources[0].note)
    assert intake.sources[1].kept == 50


def test_a_protected_workbook_is_refused(take: Take) -> None:
    """It is an OLE file that holds an encrypted package."""
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 600
    assert "password" in str(take({"secret.xlsx": data}).sources[0].note)
