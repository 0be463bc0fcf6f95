"""What becomes of each oddity that exports are known for. The files are in ``tests/files``, named after it."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from storehealth.catalogue import Catalogue
from storehealth.intake import IntakeOptions, read_exports
from storehealth.model import Intake, Source
from tests.intake.conftest import rows
from tests.intake.test_workbook import book

FILES = Path(__file__).parent.parent / "files"
Read = Callable[..., tuple[Source, dict[str, list[dict[str, Any]]]]]


@pytest.fixture
def read(tmp_path: Path, shipped: Catalogue) -> Read:
    """Takes in one file with the shipped layouts; gives its source, and its tables by name."""

    def run(name: str, zone: str = "Asia/Shanghai", **options: Any) -> tuple[Source, dict[str, list[dict[str, Any]]]]:
        intake = read_exports(FILES / name, shipped, tmp_path / "lake", IntakeOptions(zone=zone, **options))
        return intake.sources[0], {table.table: rows(table) for table in intake.tables}

    return run


PLAIN = {
    "utf_8_with_byte_order_mark.csv": ("delimited", "utf-8-sig"),
    "gbk_with_crlf.csv": ("delimited", "gb18030"),
    "utf_16_le_with_tabs.xls": ("delimited", "utf-16-le"),
    "header_on_row_2.csv": ("delimited", "utf-8"),
    "header_on_row_3.csv": ("delimited", "utf-8"),
    "header_on_row_30.csv": ("delimited", "utf-8"),
    "semicolons.csv": ("delimited", "utf-8"),
    "tabs.txt": ("delimited", "utf-8"),
    "tabs_under_the_name_of_a_workbook.xls": ("delimited", "gb18030"),
    "page_under_the_name_of_a_workbook.xls": ("html_table", "gb18030"),
}
"""Files with the same two orders."""


@pytest.mark.parametrize("name", PLAIN)
def test_the_same_two_orders_are_read_whatever_they_wear(read: Read, name: str) -> None:
    """Encoding, line ends, what stands between cells, titles above, the file's name."""
    source, tables = read(name)
    assert (source.container, source.encoding, source.layout) == (*PLAIN[name], "jd_orders")
    assert (source.rows, source.kept, source.rejected) == (2, 2, 0)
    found = [(one["order_id"], one["status"], str(one["paid_at"]), str(one["paid_amount"])) for one in tables["orders"]]
    assert found == [
        ("300000000001", "completed", "2026-10-01 09:01:00", "39.90"),
        ("300000000002", "paid", "2026-10-02 09:01:00", "79.80"),
    ]


def test_signs_of_four_bytes_are_read(read: Read) -> None:
    """They are in GB18030 and not in GBK."""
    source, tables = read("gb18030_with_rare_signs.csv")
    assert (source.encoding, len(tables["orders"])) == ("gb18030", 3)


def test_utf_16_without_a_mark_is_read(read: Read) -> None:
    """Commas and digits have a NUL on one side, which no other text has."""
    name = "utf_16_le_without_byte_order_mark.csv"
    source = read(name)[0]
    assert (source.kept, source.encoding) == (2, "utf-16-le")
    assert read(name, encodings={"*.csv": "utf-16-le"})[0].kept == 2


def test_guards_around_ids_are_taken_off(read: Read) -> None:
    """And leading zeros stay."""
    lines = read("formula_guards_apostrophes_and_tabs_around_ids.csv")[1]["order_lines"]
    assert [(one["order_id"], one["sku_id"]) for one in lines] == [
        ("300000000001", "100012345678"),
        ("300000000002", "0012"),
    ]


def test_line_breaks_inside_quotes_are_text(read: Read) -> None:
    """And the rows below keep their lines."""
    source, tables = read("line_breaks_inside_quotes.csv")
    assert [(one["source_row"], one["buyer_note"]) for one in tables["orders"]] == [(2, "尽快\n发货"), (4, None)]
    assert source.rejected == 0


def test_blanks_of_all_kinds_and_full_width_digits_do_not_matter(read: Read) -> None:
    """In headers and in cells."""
    order = read("blanks_of_all_kinds_and_full_width_digits.csv")[1]["orders"][0]
    assert (order["order_id"], str(order["created_at"]), str(order["paid_amount"]), order["status"]) == (
        "300000000001", "2026-10-01 09:00:00", "39.90", "completed",
    )  # fmt: skip


def test_stars_and_blanks_in_headers_do_not_matter(read: Read) -> None:
    """Nor does case."""
    source, tables = read("header_with_stars_and_blanks.csv")
    assert source.layout == "shopee_orders"
    assert tables["shipments"][0]["waybill_no"] == "PH0001"


def test_money_is_read_in_every_dress_and_nothing_is_no_zero(read: Read) -> None:
    """Signs, thousands; and six ways to say nothing."""
    source, tables = read("money_in_every_dress.csv")
    amounts = [str(one["paid_amount"]) for one in sorted(tables["orders"], key=lambda one: one["source_row"])]
    assert amounts == ["39.90", "1039.90", "39.90", "1039.90", *["None"] * 6, "1039.90"]
    assert source.rejected == 0


def test_shares_are_fractions(read: Read) -> None:
    """Percent or not; -999 is no figure."""
    tables = read("shares_as_percent_and_fraction.csv")[1]
    assert [one["reply_30s_rate"] for one in tables["agent_days"]] == [0.985, 0.985, None, 0.985]
    assert tables["agent_days"][3]["average_reply_seconds"] is None


def test_ids_in_scientific_notation_are_refused(read: Read, tmp_path: Path, shipped: Catalogue) -> None:
    """Their digits are gone; the reason says so."""
    source, _ = read("ids_in_scientific_notation.csv")
    assert (source.kept, source.rejected) == (1, 2)
    rejects = rows(read_exports(FILES / "ids_in_scientific_notation.csv", shipped, tmp_path / "lake").rejects[0])
    assert all(one["reason"] == "reject.digits" for one in rejects)


def test_times_are_read_in_every_dress(read: Read) -> None:
    """All but one are the same moment: Excel's serial day, seconds and milliseconds since 1970, offsets."""
    times = [one["created_at"] for one in read("times_in_every_dress.csv")[1]["orders"]]
    expected = [datetime(2026, 1, 2, 3, 4, 5)] * 10  # noqa: DTZ001
    expected[2], expected[3] = datetime(2026, 1, 2, 3, 4), datetime(2016, 2, 2, 16, 34, 16)  # noqa: DTZ001
    assert times == expected


def test_days_that_do_not_exist_cost_their_rows(read: Read) -> None:
    """No time is guessed."""
    source, _ = read("times_that_are_none.csv")
    assert (source.kept, source.rejected) == (1, 2)


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("month_before_day.csv", "2026-01-31 00:00:00"),
        ("months_by_name.csv", "2026-07-10 00:00:00"),
        ("months_by_german_name_with_semicolons.csv", "2025-12-10 00:00:00"),
        ("times_with_offset.csv", "2024-01-01 09:00:00"),
    ],
)
def test_times_of_other_countries_are_read(read: Read, name: str, day: str) -> None:
    """As their layouts say; an offset moves a time into the store's zone."""
    assert str(read(name)[1]["orders"][0]["created_at"]) == day


def test_of_two_header_rows_the_names_count(read: Read) -> None:
    """The first row has the names of groups."""
    case = read("two_header_rows.csv")[1]["aftersales"][0]
    assert (case["case_id"], str(case["reviewed_at"])) == ("2000000001", "2026-10-05 12:00:00")


def test_a_header_below_row_thirty_is_not_looked_for(read: Read) -> None:
    """The file is not recognised, and says so."""
    assert "not recognised" in str(read("header_on_row_31.csv")[0].note)


def test_a_description_row_is_left_out(read: Read) -> None:
    """And counted."""
    source, _ = read("description_row_under_the_header.csv")
    assert (source.kept, source.rejected) == (1, 1)


def test_totals_and_means_are_left_out_wherever_they_stand(read: Read) -> None:
    """Above and below."""
    source, tables = read("totals_and_means_above_and_below.csv")
    assert (source.rows, source.kept, source.rejected) == (1, 1, 0)
    assert tables["agent_days"][0]["agent_id"] == "demo-小禾"


def test_blank_rows_and_rows_of_empty_cells_are_no_rows(read: Read) -> None:
    """Lines stay those of the file."""
    source, tables = read("blank_rows_between.csv")
    assert [one["source_row"] for one in tables["orders"]] == [3, 6]
    assert (source.rows, source.kept, source.rejected) == (2, 2, 0)


def test_the_row_of_a_package_gives_its_items_what_they_lack(read: Read) -> None:
    """And is no item itself."""
    source, tables = read("package_row_above_its_items.csv")
    assert [(one["order_id"], one["sku_id"]) for one in tables["order_lines"]] == [
        ("2000000000000002", "A"),
        ("2000000000000002", "B"),
        ("2000000000000003", "B"),
    ]
    assert [str(one["created_at"])[:10] for one in tables["orders"]] == ["2026-01-06", "2026-01-07"]
    assert (source.rows, source.rejected) == (3, 0)


def test_cells_of_the_order_on_its_first_row_are_enough(read: Read) -> None:
    """The rows below are items of the same order."""
    source, tables = read("order_cells_on_the_first_row_only.csv")
    assert (source.kept, len(tables["order_lines"]), len(tables["orders"])) == (2, 2, 1)
    assert str(tables["orders"][0]["paid_amount"]) == "38.80"


def test_amounts_of_an_order_that_repeat_count_once(read: Read) -> None:
    """Two items, one order."""
    tables = read("order_amount_repeated_on_each_item.csv")[1]
    assert [str(one["paid_amount"]) for one in tables["orders"]] == ["118.90"]
    assert len(tables["order_lines"]) == 2


def test_only_the_robot_is_certain_from_a_log(read: Read) -> None:
    """Masked customers and agents are told apart from all files together."""
    messages = read("robot_and_masked_customer.log")[1]["messages"]
    assert [one["sender_role"] for one in messages] == ["unknown", "bot", "unknown"]


def test_names_phones_and_addresses_are_never_read(read: Read, tmp_path: Path) -> None:
    """No layout lists them, so no file of the lake holds them."""
    tables = read("names_phones_and_addresses.csv")[1]
    kept = repr(tables)
    assert "300000000001" in kept
    assert not [private for private in ("王小明", "13800138000", "鼓楼", "wang@") if private in kept]


def test_several_files_of_one_period_are_all_read_and_say_what_they_cover(tmp_path: Path, shipped: Catalogue) -> None:
    """Merging their rows is for the views; how far each reaches is told."""
    (tmp_path / "in").mkdir()
    for name in ("first_half_of_october.csv", "october.csv"):
        (tmp_path / "in" / name).write_bytes((FILES / name).read_bytes())
    intake: Intake = read_exports(tmp_path / "in", shipped, tmp_path / "lake")
    assert [(one.kept, str(one.first)[:10], str(one.last)[:10]) for one in intake.sources] == [
        (2, "2026-10-01", "2026-10-02"),
        (3, "2026-10-01", "2026-10-20"),
    ]


def test_an_archive_of_logs_is_read(tmp_path: Path, shipped: Catalogue) -> None:
    """As the chat tool packs them."""
    with zipfile.ZipFile(tmp_path / "chat.zip", "w") as archive:
        archive.write(FILES / "robot_and_masked_customer.log", "2026/10/1.txt")
    source = read_exports(tmp_path / "chat.zip", shipped, tmp_path / "lake").sources[0]
    assert (source.path, source.layout, source.kept) == ("chat.zip/2026/10/1.txt", "jd_chat_log", 3)


def test_dates_of_excel_are_read_as_dates_and_as_serial_days(tmp_path: Path, shipped: Catalogue) -> None:
    """A workbook may have either."""
    header = ["订单号", "商品ID", "订购数量", "下单时间"]
    moment = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001
    lines = [
        header,
        ["1", "1000", 1, moment],
        ["2", "1000", 1, 46024.12783564815],
        ["3", "1000", 1, "2026/1/2 3:04:05"],
    ]
    (tmp_path / "orders.xlsx").write_bytes(book({"1": lines}))
    intake = read_exports(tmp_path / "orders.xlsx", shipped, tmp_path / "lake")
    orders = next(table for table in intake.tables if table.table == "orders")
    assert [one["created_at"] for one in rows(orders)] == [moment] * 3


def test_every_file_is_used_by_a_test() -> None:
    """A fixture nobody reads proves nothing."""
    text = Path(__file__).read_text(encoding="utf-8")
    assert not [path.name for path in FILES.iterdir() if f'"{path.name}"' not in text]
