"""How the text of a cell is read, by the kind of its column."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import pytest

from storehealth.intake.draft import LayoutTrial
from tests.intake.conftest import LINES, ORDERS, layout

Attempt = Callable[..., LayoutTrial]


def order(attempt: Attempt, header: str, cell: str, zone: str | None = None) -> LayoutTrial:
    """Read one order with one more cell. Tabs separate the cells, so that commas stay inside them."""
    names = ["订单号", "下单时间", *([header] if header not in ("订单号", "下单时间") else [])]
    cells = {"订单号": "1001", "下单时间": "2026-01-02 03:04:05"} | {header: cell}
    return attempt(ORDERS, "\t".join(names) + "\n" + "\t".join(cells[name] for name in names) + "\n", zone)


@pytest.mark.parametrize(
    ("cell", "time"),
    [
        ("2026-01-02 03:04:05", "2026-01-02 03:04:05"),
        ("2026-01-02T03:04:05", "2026-01-02 03:04:05"),
        ("2026-01-02 03:04:05.250", "2026-01-02 03:04:05.250000"),
        ("2016/5/23 22:02", "2016-05-23 22:02:00"),
        ("2016/2/2 16:34:16", "2016-02-02 16:34:16"),
        ("2026-01-02", "2026-01-02 00:00:00"),
        ("２０２６-０１-０２", "2026-01-02 00:00:00"),
        ("2026年1月2日 3:04:05", "2026-01-02 03:04:05"),
        ("2026年01月02日", "2026-01-02 00:00:00"),
        ("20260102", "2026-01-02 00:00:00"),
        ("20260102030405", "2026-01-02 03:04:05"),
        ("45000.5", "2023-03-15 12:00:00"),
        ("1767323045", "2026-01-02 11:04:05"),
        ("1767323045000", "2026-01-02 11:04:05"),
        ("2026-01-02T03:04:05Z", "2026-01-02 11:04:05"),
        ("2026-01-02 03:04:05 +0900", "2026-01-02 02:04:05"),
        ("2026-01-02T03:04:05+09:00", "2026-01-02 02:04:05"),
        ("2026-01-02 03:04:05-05", "2026-01-02 16:04:05"),
    ],
)
def test_a_time_is_read_in_the_stores_zone(attempt: Attempt, cell: str, time: str) -> None:
    """Shanghai is eight hours ahead of UTC; only times with an offset, and epoch times, are converted."""
    assert order(attempt, "下单时间", cell).tables["orders"][0]["created_at"] == datetime.fromisoformat(time)


def test_times_of_a_layout_in_another_zone_are_converted_to_the_stores(attempt: Attempt) -> None:
    """03:04 in Shanghai is 20:04 of the day before in Berlin, in winter."""
    found = order(attempt, "下单时间", "2026-01-02 03:04:05", "Europe/Berlin").tables["orders"][0]["created_at"]
    assert found == datetime.fromisoformat("2026-01-01 20:04:05")


@pytest.mark.parametrize("cell", ["tomorrow", "2026-02-30", "2026-01-02 03:04 XM", "infinity", "2026-01-02 25:00:00"])
def test_a_time_that_cannot_be_read_costs_the_row(attempt: Attempt, cell: str) -> None:
    """Nothing is guessed, not even where DuckDB itself would accept the text."""
    trial = order(attempt, "下单时间", cell)
    assert (trial.kept, trial.rejected) == (0, 1)
    assert trial.rejects == [
        {"line": 2, "column_name": "下单时间", "value": cell, "reason": "reject.time", "row_lost": True}
    ]


def test_own_formats_of_a_column_are_used(attempt: Attempt) -> None:
    """Month first, and the month by name."""
    column = {"headers": ["Sale Date"], "required": True, "formats": ["%b-%d-%y", "%m/%d/%y"]}
    etsy = layout("etsy", ["orders"], {"order_id": {"headers": ["Order ID"]}, "created_at": column})
    trial = attempt(etsy, "Sale Date,Order ID\nJul-10-26,1\n07/10/26,2\n")
    assert {row["created_at"] for row in trial.tables["orders"]} == {datetime.fromisoformat("2026-07-10")}


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("10-Dez-25", "2025-12-10"),
        ("10-Mrz-25", "2025-03-10"),
        ("10-März-25", "2025-03-10"),
        ("10-Dec-25", "2025-12-10"),
        ("10-december-25", "2025-12-10"),
        ("10-ago-25", "2025-08-10"),
        ("10-juil-25", "2025-07-10"),
        ("5 de enero de 2026 14:30 hs.", "2026-01-05 14:30"),
        ("15 de setembro de 2025 08:05 hs.", "2025-09-15 08:05"),
    ],
)
def test_months_are_read_by_their_names_in_several_languages(attempt: Attempt, cell: str, day: str) -> None:
    """Whole or short."""
    column = {"headers": ["Date"], "required": True, "formats": ["%d-%b-%y", "%d de %b de %Y %H:%M hs."]}
    shop = layout("shop", ["orders"], {"order_id": {"headers": ["Order ID"]}, "created_at": column})
    trial = attempt(shop, f"Date,Order ID\n{cell},1\nno day,2\n")
    assert [row["created_at"] for row in trial.tables["orders"]] == [datetime.fromisoformat(day)]
    assert [reject["value"] for reject in trial.rejects] == ["no day"]


def test_merged_cells_are_filled_down(attempt: Attempt) -> None:
    """Only in the columns that say so, and never upwards."""
    columns = {
        "order_id": {"headers": ["订单号"], "required": True, "fill_down": True},
        "sku_id": {"headers": ["SKU"], "required": True},
        "quantity": {"headers": ["数量"]},
    }
    trial = attempt(layout("lines", ["order_lines"], columns), "订单号,SKU,数量\n,z,1\n1,a,2\n,b,\n2,c,1\n-,d,1\n")
    found = [
        (row["source_row"], row["order_id"], row["sku_id"], row["quantity"]) for row in trial.tables["order_lines"]
    ]
    assert found == [(3, "1", "a", 2), (4, "1", "b", None), (5, "2", "c", 1), (6, "2", "d", 1)]
    assert [reject["line"] for reject in trial.rejects] == [2]


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        ("1234.5", "1234.50"),
        ("￥1,234.50", "1234.50"),
        ("¥12", "12.00"),
        ("12元", "12.00"),
        ("$ 1,234", "1234.00"),
        ("116,99 €", "116.99"),
        ("1.234,50", "1234.50"),
        ("12,5", "12.50"),
        ("12.50(PHP)", "12.50"),
        ("R$ 9.90", "9.90"),
        ("-5.00", "-5.00"),
        ("１２．５", "12.50"),
        ("12.340000000001", "12.34"),
    ],
)
def test_money_is_read_with_currency_and_thousands_marks(attempt: Attempt, cell: str, amount: str) -> None:
    """Currency before or behind, thousands separators, decimal commas."""
    assert order(attempt, "金额", cell).tables["orders"][0]["paid_amount"] == Decimal(amount)


@pytest.mark.parametrize("cell", ["-", "--", "null", "NULL", "暂无", "-999", "N/A", "", "  ", "\u3000"])
def test_a_cell_without_a_value_is_null_and_not_reported(attempt: Attempt, cell: str) -> None:
    """A missing value is NULL, never 0."""
    trial = order(attempt, "金额", cell)
    assert trial.tables["orders"][0]["paid_amount"] is None
    assert trial.rejects == []


@pytest.mark.parametrize("cell", ["abc", "1,2,3", "12 apples"])
def test_an_unreadable_amount_is_listed_and_the_row_kept(attempt: Attempt, cell: str) -> None:
    """Without its amount, the order is still known."""
    trial = order(attempt, "金额", cell)
    assert (trial.kept, trial.rejected) == (1, 0)
    assert [(reject["column_name"], reject["value"], reject["row_lost"]) for reject in trial.rejects] == [
        ("金额", cell, False)
    ]


@pytest.mark.parametrize(
    ("cell", "order_id"),
    [
        ('="300000000001"', "300000000001"),
        ("'300000000001", "300000000001"),
        ("3000\r", "3000"),
        ("\u00a03000\u3000", "3000"),
        ("\ufeff3000", "3000"),
        ("１２３", "123"),
        ("0012", "0012"),
        ("123456.0", "123456"),
        ("1E5-RED", "1E5-RED"),
    ],
)
def test_an_id_keeps_its_characters(attempt: Attempt, cell: str, order_id: str) -> None:
    """Guards and blanks are removed; leading zeros stay."""
    quoted = '"' + cell.replace('"', '""') + '"'
    assert order(attempt, "订单号", quoted).tables["orders"][0]["order_id"] == order_id


@pytest.mark.parametrize("cell", ["1.23E+17", "1.2E17", "1E+11", "3,00000000001E+11"])
def test_an_id_whose_digits_are_gone_is_refused(attempt: Attempt, cell: str) -> None:
    """In Excel's notation, a million ids look the same."""
    trial = order(attempt, "订单号", cell)
    assert trial.tables["orders"] == []
    assert "reject.digits" in trial.rejects[0]["reason"]


@pytest.mark.parametrize(
    ("cell", "flag"),
    [("是", True), ("否", False), ("Yes", True), ("no", False), ("1", True), ("Sí", True), ("N", False)],
)
def test_flags_are_read_in_three_languages(attempt: Attempt, cell: str, flag: bool) -> None:
    """Yes and no in Chinese, English and Spanish."""
    assert order(attempt, "锁定", cell).tables["orders"][0]["locked"] is flag


@pytest.mark.parametrize(
    ("cell", "status"), [("完成", "completed"), ("买家已取消了", "cancelled"), ("Shipped", "shipped"), ("无", None)]
)
def test_a_word_is_looked_up_whole_then_by_its_parts_then_as_a_canonical_word(
    attempt: Attempt, cell: str, status: str | None
) -> None:
    """A word that the layout maps to nothing is NULL and not reported."""
    trial = order(attempt, "状态", cell)
    assert trial.tables["orders"][0]["status"] == status
    assert trial.rejects == []


def test_an_unknown_word_is_listed(attempt: Attempt) -> None:
    """The row is kept."""
    trial = order(attempt, "状态", "飞走了")
    assert [(reject["value"], reject["row_lost"]) for reject in trial.rejects] == [("飞走了", False)]


@pytest.mark.parametrize(("cell", "share"), [("98.5%", 0.985), ("0.985", 0.985), ("98.5", 0.985), ("100%", 1.0)])
def test_shares_are_fractions(attempt: Attempt, cell: str, share: float) -> None:
    """Whether written as percent, as a fraction, or as a number up to 100."""
    columns = {"date": {"headers": ["日期"]}, "agent_id": {"headers": ["客服"]}, "reply_30s_rate": {"headers": ["率"]}}
    trial = attempt(layout("days", ["agent_days"], columns), f"日期,客服,率\n2026-01-02,amy,{cell}\n")
    assert trial.tables["agent_days"][0]["reply_30s_rate"] == share


def test_times_of_a_layout_column_multiplies_a_number(attempt: Attempt) -> None:
    """Such as 60, to turn minutes into seconds."""
    columns = {"started_at": {"headers": ["开始"]}, "duration_seconds": {"headers": ["分钟"], "times": 60}}
    trial = attempt(layout("talks", ["conversations"], columns), "开始,分钟\n2026-01-02,1.5\n")
    assert trial.tables["conversations"][0]["duration_seconds"] == 90


def test_total_rows_are_left_out_and_are_no_lost_rows(attempt: Attempt) -> None:
    """They are listed, and in no count."""
    trial = attempt(ORDERS, "订单号,下单时间,金额\n1,2026-01-02,5\n总计,,5\n")
    assert (trial.rows, trial.kept, trial.rejected) == (1, 1, 0)
    assert [(reject["reason"], reject["row_lost"]) for reject in trial.rejects] == [("reject.total", False)]


def test_a_row_without_its_key_is_rejected(attempt: Attempt) -> None:
    """The reject names the header as it is in the file."""
    trial = attempt(ORDERS, "订单号,下单时间,金额\n,2026-01-02,5\n2,2026-01-02,5\n")
    assert (trial.rows, trial.kept, trial.rejected) == (2, 1, 1)
    assert trial.rejects[0] | {"value": None} == {
        "line": 2, "column_name": "订单号", "value": None, "reason": 'reject.missing {"column": "order_id"}', "row_lost": True,
    }  # fmt: skip


def test_amounts_of_an_order_that_repeat_on_each_line_count_once(attempt: Attempt) -> None:
    """Lines are counted; the order gets its first value that is not empty."""
    given = "订单号,SKU,数量,应付金额,买家,快递\n1,a,1,118.90,,\n1,b,2,118.90,ann,\n2,a,1,5.00,bob,SF\n"
    trial = attempt(LINES, given)
    assert (trial.rows, trial.kept) == (3, 3)
    assert [(row["order_id"], row["paid_amount"], row["buyer_id"]) for row in trial.tables["orders"]] == [
        ("1", Decimal("118.90"), "ann"),
        ("2", Decimal("5.00"), "bob"),
    ]
    assert [row["line_id"] for row in trial.tables["order_lines"]] == ["a/1", "b/1", "a/1"]


def test_a_row_with_a_made_up_key_is_written_only_if_another_column_has_a_value(attempt: Attempt) -> None:
    """Order 1 has empty shipping columns, so no parcel; order 2 has a carrier, and its own id as waybill number."""
    trial = attempt(LINES, "订单号,SKU,数量,应付金额,买家,快递\n1,a,1,118.90,,\n2,a,1,5.00,bob,SF\n")
    assert [(row["waybill_no"], row["carrier"]) for row in trial.tables["shipments"]] == [("2", "SF")]


def test_equal_lines_of_one_order_are_two_lines(attempt: Attempt) -> None:
    """A file without line numbers repeats a line for each piece sold. Numbers follow the content, not the place."""
    lines = ["1,a,1", "1,a,2", "1,a,1"]
    for order in itertools.permutations(lines):
        trial = attempt(LINES, "\n".join(["订单号,SKU,数量", *order, ""]))
        assert (trial.rows, trial.kept, trial.duplicates) == (3, 3, 0)
        found = {(row["line_id"], row["quantity"]) for row in trial.tables["order_lines"]}
        assert found == {("a/1", 2), ("a/2", 1), ("a/3", 1)}


def test_a_line_without_an_item_still_gives_its_order(attempt: Attempt) -> None:
    """It is kept, though it is no line; a row without an order either is lost."""
    trial = attempt(LINES, "订单号,SKU,数量,应付金额\n1,,,118.90\n1,a,1,\n,,3,\n")
    assert (trial.rows, trial.kept, trial.rejected) == (3, 2, 1)
    assert [row["sku_id"] for row in trial.tables["order_lines"]] == ["a"]
    assert [row["paid_amount"] for row in trial.tables["orders"]] == [Decimal("118.90")]


def test_columns_with_an_underscore_are_seen_by_sql_alone(attempt: Attempt) -> None:
    """Such as two counts that give a share."""
    columns = {
        "date": {"headers": ["日期"]},
        "agent_id": {"headers": ["客服"]},
        "_good": {"headers": ["好评"]},
        "_bad": {"headers": ["差评"]},
        "satisfaction_rate": {"sql": "_good::DOUBLE / (_good::DOUBLE + _bad::DOUBLE)"},
    }
    trial = attempt(layout("days", ["agent_days"], columns), "日期,客服,好评,差评\n2026-01-02,amy,3,1\n")
    assert trial.tables["agent_days"][0]["satisfaction_rate"] == 0.75
    assert "_good" not in trial.tables["agent_days"][0]


def test_rows_of_another_kind_are_ignored_and_not_counted(attempt: Attempt) -> None:
    """Line numbers stay those of the file."""
    columns = {
        "entry_id": {"headers": ["流水号"], "required": True},
        "booked_at": {"headers": ["时间"]},
        "kind": {"headers": ["备注"]},
    }
    journal = layout("journal", ["penalties"], columns, only="contains(kind, '赔付')", skip="entry_id = '合计'")
    given = "流水号,时间,备注\n1,2026-01-02,货款\n2,2026-01-02,赔付\n3,x,货款\n4,2026-01-02,缺货赔付\n合计,,赔付\n"
    trial = attempt(journal, given)
    assert [(row["source_row"], row["entry_id"]) for row in trial.tables["penalties"]] == [(3, "2"), (5, "4")]
    assert (trial.rows, trial.kept, trial.rejected, len(trial.rejects)) == (2, 2, 0, 1)


@pytest.mark.parametrize("mark", "\u200e\u200f\u202a\u202c\u202d\u2066\u2069\u2060\u200b\ufeff")
def test_marks_of_writing_direction_around_a_cell_or_header_do_not_matter(attempt: Attempt, mark: str) -> None:
    """Text copied on Windows or from a right-to-left page is often wrapped in these invisible characters."""
    names, cells = ("订单号", "下单时间", "状态"), ("1001", "2026-01-02 03:04:05", "完成")
    text = "\n".join("\t".join(f"{mark}{cell}{mark}" for cell in line) for line in (names, cells))
    (found,) = attempt(ORDERS, text + "\n").tables["orders"]
    assert (found["order_id"], str(found["created_at"]), found["status"]) == (
        "1001",
        "2026-01-02 03:04:05",
        "completed",
    )
