"""Drafted layouts: valid at once, right where other layouts know the words, and silent about people."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from storehealth.catalogue import Catalogue
from storehealth.catalogue.layout import TABULAR_CONTAINERS, Layout
from storehealth.errors import FileRefused
from storehealth.intake.containers import HEAD_BYTES, Head, find_container
from storehealth.intake.draft import draft_layout, profile_sheet, try_layout
from storehealth.intake.encoding import decode_head
from storehealth.intake.guess import find_header, guess_columns, profile_columns
from storehealth.intake.read import connect
from storehealth.intake.recognise import match_header_words
from tests.effort import examples


def check_draft(text: str, top: list[list[str]], catalogue: Catalogue) -> Layout:
    """Load the layout of a draft, and check its example."""
    content = yaml.safe_load(text)
    layout = Layout.model_validate(content)
    (example,) = layout.examples
    trial = try_layout(layout, example.given, catalogue)
    assert len(trial.rejects) == example.rejected
    for table, rows in trial.tables.items():
        for row, expected in zip(rows, example.expect[table], strict=True):
            assert {name: plain(row[name]) for name in expected} == expected
    return layout


def plain(value: Any) -> Any:
    if hasattr(value, "strftime"):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return float(value) if hasattr(value, "as_tuple") else value


def table(text: str) -> list[list[str]]:
    """Records of a text in which | stands between cells."""
    return [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]


def columns(layout: Layout) -> dict[str, str]:
    return {key: column.headers[0] for key, column in layout.columns.items()}


def test_a_draft_holds_whatever_a_header_holds(shipped: Catalogue) -> None:
    """YAML refuses control characters that JSON leaves as they are."""
    odd = "x\x1b[31m\x9b\x85\u202e\ufeff\x7f"
    rows = [[f"A10{n}", f"2026-09-0{n} 08:00:00", f"{n}.50", odd] for n in range(1, 9)]
    top = [[f"Bestellnummer{odd}", "Angelegt am", f"Betrag{odd}", odd], *rows]
    text = draft_layout("my_shop", top, "delimited", shipped)
    assert not any(char in text for char in "\x1b\x9b\x85\u202e\x7f")
    check_draft(text, top, shipped)


def test_headers_that_other_layouts_know_or_nearly_know_are_mapped_by_name(shipped: Catalogue) -> None:
    """People's columns are not read; what is not taken is listed with what it holds."""
    top = table(
        """
        订单编号* | 下单时间(北京) | 订单状态 | 实付金额 | 收货人 | 联系电话 | 自编 | 快递单号
        3001 | 2026-09-01 08:00:00 | 已发货 | 12.50 | 王小明 | 13812345678 | 甲 | SF001
        3002 | 2026-09-02 08:00:00 | 飞走了 | 8.00 | 李丽华 | 13912345678 | 乙 | SF002
        """
    )
    text = draft_layout("my_shop", top, "delimited", shipped)
    layout = check_draft(text, top, shipped)
    found = columns(layout)
    assert found["order_id"] == "订单编号*"
    assert found["created_at"] == "下单时间(北京)"
    assert found["paid_amount"] == "实付金额"
    assert found["waybill_no"] == "快递单号"
    assert layout.columns["status"].words == {"已发货": "shipped"}
    assert re.search(r"^  status: .*# .*add to words what \"飞走了\" means", text, re.MULTILINE), (
        "an unknown word is no null"
    )
    assert "means: unpaid, paid, shipped" in text
    assert not {"收货人", "联系电话"} & set(found.values())
    assert '#   "自编" holds text' in text
    assert "王小明" not in text
    assert "1381234" not in text


def test_the_example_of_a_draft_has_the_values_of_the_file_but_for_personal_ones(shipped: Catalogue) -> None:
    """Times, amounts, words and flags as they are; a cell that could be a phone or a name is left out wherever it stands."""
    top = table(
        """
        order_id | created_at | status | paid_amount | locked | buyer_note
        A-1001 | 2026-09-01 08:00:00 | paid | 12.50 | yes | ring twice
        A-1002 | 2026-09-02 09:30:00 | 13812345678 | 8.00 | no |
        A-1003 | 2026-09-03 10:00:00 | shipped | 13912345678 | no |
        """
    )
    text = draft_layout("my_shop", top, "delimited", shipped)
    layout = check_draft(text, top, shipped)
    rows = layout.examples[0].expect["orders"]
    assert [row["created_at"] for row in rows] == ["2026-09-01 08:00:00", "2026-09-02 09:30:00", "2026-09-03 10:00:00"]
    assert [row.get("paid_amount") for row in rows] == [12.5, 8.0, None]
    assert [row.get("status") for row in rows] == ["paid", None, "shipped"]
    assert [row["locked"] for row in rows] == [True, False, False]
    assert set(layout.columns["status"].words) == {"paid", "shipped"}
    assert "1381234" not in text + layout.examples[0].given
    assert "1391234" not in text
    assert "ring twice" not in text


@pytest.mark.parametrize(
    ("cells", "is_drafted"),
    [(("yes", "no"), True), (("是", "否"), True), (("1", "0"), False), (("maybe", "later"), False), (("", ""), True)],
)
def test_a_flag_is_drafted_where_the_cells_say_yes_or_no(
    shipped: Catalogue, cells: tuple[str, str], is_drafted: bool
) -> None:
    """A column of that name without any value is taken as well; one with other values is not."""
    top = [
        ["order_id", "created_at", "locked"],
        *([f"A-100{number}", f"2026-09-0{number} 08:00:00", cell] for number, cell in enumerate(cells, 1)),
    ]
    layout = check_draft(draft_layout("my_shop", top, "delimited", shipped), top, shipped)
    assert ("locked" in layout.columns) is is_drafted


def test_times_in_another_order_are_read_and_marked(shipped: Catalogue) -> None:
    """A day above 12 decides; else the day is taken to come first."""
    top = table("Ref | When | Value\nA-1001 | 12/25/2026 1:02:03 PM | 5.10\nA-1002 | 01/02/2026 11:02:03 AM | 6.10")
    text = draft_layout("my_shop", top, "delimited", shipped)
    assert check_draft(text, top, shipped).columns["created_at"].formats == ("%m/%d/%Y %I:%M:%S %p",)
    assert "check: day and month" in text


def test_an_order_that_repeats_its_number_for_every_product_is_a_table_of_lines(shipped: Catalogue) -> None:
    """Rows are counted where they belong."""
    top = table(
        "Order ID | Created at | Lineitem sku | Lineitem quantity\n"
        "1001 | 2026-09-01 10:00:00 | K-1 | 1\n1001 | 2026-09-01 10:00:00 | K-2 | 2"
    )
    assert check_draft(draft_layout("my_shop", top, "delimited", shipped), top, shipped).feeds[0] == "order_lines"


def test_a_container_of_its_own_is_named(shipped: Catalogue) -> None:
    """Else the draft would not be tried on such files."""
    top = table("Ref | When | Value\nA-1001 | 2026-12-25 13:00 | 5.10")
    assert Layout.model_validate(yaml.safe_load(draft_layout("a", top, "odd", shipped))).containers == ("odd",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a | b\nc | d", "no row looks like a header"),
        ("2026-09-01 | 17\n2026-09-02 | 18", "no row looks like a header"),
        ("name | name\n1 | 2", "no row looks like a header"),
        ("colour | shape\nred | 12", "no table fits"),
        ("", "no row looks like a header"),
    ],
)
def test_a_table_without_header_id_or_time_is_refused(shipped: Catalogue, text: str, message: str) -> None:
    with pytest.raises(FileRefused, match=message):
        draft_layout("a", table(text), "delimited", shipped)


def test_the_header_is_found_below_titles_and_not_among_people() -> None:
    """A first row of data is nobody's header: it may be a name and a phone."""
    assert find_header([["Export of September"], ["Order", "When"], ["1", "2026-09-01"]]) == 1
    assert find_header([["王小明", "13812345678", "2026-09-01"], ["李丽华", "13912345678", "2026-09-02"]]) is None
    assert find_header([]) is None


def test_columns_are_profiled_by_their_cells(tmp_path: Path) -> None:
    """By the same SQL that reads them later."""
    top = table(
        "id | when | sum | yes | said | none\n"
        "A-1001 | 2026-09-01 | 1,5 | 是 | 好的，谢谢 |\nA-1002 | 2026-09-02 | 2,5 | 否 | 再见 |"
    )
    with connect(None, tmp_path) as con:
        found = profile_columns(con, top, 0)
    assert [column.kind for column in found] == ["ids", "times", "numbers", "yes or no", "text", "nothing"]


KNOWN = ("jd_orders", "taobao_orders", "shopify_orders", "jd_stock", "jd_sessions", "taobao_refunds", "generic_reviews")


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_format_is_drafted_as_it_was_written(shipped: Catalogue, tmp_path: Path, name: str) -> None:
    """Where all headers are known, nearly every column lands where a person put it."""
    known = shipped.layouts[name]
    assert known.containers[: len(TABULAR_CONTAINERS)] == TABULAR_CONTAINERS
    path = tmp_path / "given.txt"
    path.write_text(known.examples[0].given, encoding="utf-8", newline="")
    data = path.read_bytes()[:HEAD_BYTES]
    top = [
        list(record.cells)
        for record in find_container(Head(path, data, decode_head(data))).open_sheets(path, tmp_path, None)[0].top
    ]
    layout = check_draft(draft_layout("again", top, "delimited", shipped), top, shipped)
    written = {key.rpartition(".")[2]: column.headers for key, column in known.columns.items() if column.headers}
    right = [key for key, header in columns(layout).items() if header in written.get(key, ())]
    assert layout.feeds[0] == known.feeds[0]
    assert len(right) >= 0.6 * len(layout.columns)


CELL = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["2026-09-01 10:00:00", "A-1001", "12,50", "是", "13812345678", '"', "a,b", "=1", "null", "'", "{x}", "#", ": "]
)


@examples(25)
@given(st.lists(st.lists(CELL, min_size=3, max_size=5), min_size=2, max_size=6))
def test_any_table_is_drafted_validly_or_refused(shipped: Catalogue, rows: list[list[str]]) -> None:
    """Whatever stands in headers and cells, the YAML can be read and its example holds."""
    top = [
        ["Order No.", "Ordered at", "Note: #1", "a\"b'", "{c}"],
        ["A-1001", "2026-09-01 10:00:00", "", "", ""],
        *rows,
    ]
    try:
        text = draft_layout("any", top, "delimited", shipped)
    except FileRefused:
        return
    Layout.model_validate(yaml.safe_load(text))


PRODUCTS = {
    "Tiendanube": (
        'Número de orden;Email;Fecha;"Estado de la orden";Total;DNI / CUIT;"Fecha de pago";'
        '"Nombre del producto";"Cantidad del producto";SKU\n'
        '6070;a@x.com;"28/10/2026 22:57:28";Abierta;79767.7;33710892399;28/10/2026;Cepillo;1;cep-1\n'
        "6070;a@x.com;;;;;;Serum;2;ser-1\n"
        '6071;b@x.com;"29/10/2026 10:00:00";Abierta;50.5;33710892390;29/10/2026;Serum;1;ser-1\n',
        {"order_id": "Número de orden", "created_at": "Fecha", "paid_amount": "Total", "paid_at": "Fecha de pago",
         "item_name": "Nombre del producto", "quantity": "Cantidad del producto", "sku_id": "SKU"},
    ),
    "PrestaShop": (
        "ID;Référence;Client;Total;État;Date\n1;XKBKN01;Anna;24,50 €;Livré;13/09/2026 08:12:33\n"
        "2;XKBKN02;Li;9,50 €;Annulé;14/09/2026 08:12:33\n",
        {"order_id": "ID", "created_at": "Date", "paid_amount": "Total", "status": "État"},
    ),
    "Loop": (
        "RMA,Order,SKU,Return reason,Date requested,Date received,Date refunded,Refund amount\n"
        "R1,1001,S1,Too small,13/09/2026,19/09/2026,20/09/2026,19.99\nR2,1002,S1,Broken,14/09/2026,20/09/2026,,9.99\n",
        {"case_id": "RMA", "order_id": "Order", "sku_id": "SKU", "reason": "Return reason", "applied_at": "Date requested",
         "received_at": "Date received", "refunded_at": "Date refunded", "refund_amount": "Refund amount"},
    ),
    "Squarespace": (
        "Order ID,Fulfillment Status,Total,Fulfilled at,Created at,Paid at,Lineitem quantity,Lineitem name,Lineitem sku\n"
        "1,FULFILLED,20.00,2026-09-14 08:00:00 -0400,2026-09-13 08:00:00 -0400,2026-09-13 08:00:00 -0400,1,Mug,SQ1\n"
        "2,PENDING,21.00,,2026-09-14 08:00:00 -0400,2026-09-14 08:00:00 -0400,1,Mug,SQ1\n",
        {"order_id": "Order ID", "status": "Fulfillment Status", "paid_amount": "Total", "shipped_at": "Fulfilled at",
         "created_at": "Created at", "paid_at": "Paid at", "quantity": "Lineitem quantity", "item_name": "Lineitem name",
         "sku_id": "Lineitem sku"},
    ),
    "Ozon": (
        "Номер заказа;Принят в обработку;Дата отгрузки;Фактическая дата передачи в доставку;"
        "Название товара;Артикул;Количество\n"
        "20001;2026-09-13 08:00:00;2026-09-15 08:00:00;2026-09-14 08:00:00;Кружка;M1;1\n"
        "20002;2026-09-14 08:00:00;2026-09-16 08:00:00;;Кружка;M1;2\n",
        {"order_id": "Номер заказа", "created_at": "Принят в обработку", "item_name": "Название товара", "sku_id": "Артикул",
         "shipped_at": "Фактическая дата передачи в доставку", "quantity": "Количество"},
    ),
    "a help desk": (
        "Conversation,Author Type,Date,Message\nc1,customer,13/09/2026 08:12 AM,Hi\nc1,staff,13/09/2026 08:19 AM,Hello\n",
        {"conversation_id": "Conversation", "sent_at": "Date", "text": "Message"},
    ),
    "a stock tool": (
        "Item code,Description,Location,On hand,Allocated,Snapshot\n"
        "S1,Mug,Main,12,1,2026-10-01 06:00\nS2,Cup,Main,0,0,2026-10-01 06:00\n",
        {"sku_id": "Item code", "item_name": "Description", "warehouse": "Location", "available": "On hand",
         "reserved": "Allocated", "taken_at": "Snapshot"},
    ),
}  # fmt: skip
"""What products export, in their own words, and what its columns are."""


@pytest.mark.parametrize("product", PRODUCTS)
def test_the_columns_of_real_products_are_told(product: str, shipped: Catalogue) -> None:
    """Each in its place, and a buyer's tax number is no order's."""
    text, expected = PRODUCTS[product]
    records = list(csv.reader(text.splitlines(), delimiter=";" if ";" in text.splitlines()[0] else ","))
    fit = guess_columns(profile_sheet(records), shipped)
    assert fit is not None
    found = {guess.column: guess.profile.header for guess in fit.columns}
    assert {column: found.get(column) for column in expected} == expected
    assert "DNI / CUIT" not in found.values()


def test_times_on_the_first_row_of_an_order_only_are_seen(shipped: Catalogue) -> None:
    """Else an order of two lines would never have been shipped."""
    text, _ = PRODUCTS["Tiendanube"]
    records = list(csv.reader(text.splitlines(), delimiter=";"))
    assert "order_cells: first_row" in draft_layout("tn", records, "delimited", shipped)
    whole = [row if row[2] else [*row[:2], "28/10/2026 22:57:28", *row[3:]] for row in records]
    assert "order_cells" not in draft_layout("tn", whole, "delimited", shipped)


DAYS = [f"2026-09-{day:02}" for day in range(1, 29)]
PLANNED = ["Delivery Date", "delivery date", "Fecha de entrega", "Data de entrega", "Delivery time", "Liefertermin",
           "Arrival date", "送达日期", "Delivery", "Data di consegna"]  # fmt: skip


def draft_with_dates(header: str, blanks: str, states: list[str], catalogue: Catalogue) -> Layout:
    """The layout drafted for orders with a column of dates, blank in orders of one state."""
    rows = [
        [f"W{n:05}", day, "" if states[n % len(states)] == blanks else day, states[n % len(states)]]
        for n, day in enumerate(DAYS)
    ]
    top = [["Order#", "Order Date", header, "Status"], *rows]
    return Layout.model_validate(yaml.safe_load(draft_layout("shop", top, "delimited", catalogue)))


@pytest.mark.parametrize("header", PLANNED)
def test_a_date_of_delivery_in_an_order_that_was_cancelled_is_a_promise(shipped: Catalogue, header: str) -> None:
    """Nobody delivers a cancelled order; where only arrived orders have the date, it is the day they arrived."""
    planned = columns(draft_with_dates(header, "-", ["Shipped", "Delivered", "Cancelled"], shipped))
    assert header not in [
        name for key, name in planned.items() if key.endswith("delivered_at") and "promised" not in key
    ]
    arrived = columns(draft_with_dates("Delivered at", "Shipped", ["Shipped", "Delivered"], shipped))
    assert arrived.get("delivered_at") or arrived.get("shipments.delivered_at")


def test_a_list_of_parcels_needs_no_order_number(shipped: Catalogue) -> None:
    """Its weights are none, though each differs; the number of the parcel suffices."""
    head = ["shipment_id", "ship_date", "carrier", "promised_date", "delivered_date", "weight_lb", "cost_usd"]
    rows = [
        [f"S{n:05}", day, "UPS", day, day, f"{1451.8 + 7 * n:.1f}", f"{22.37 + n:.2f}"] for n, day in enumerate(DAYS)
    ]
    layout = Layout.model_validate(yaml.safe_load(draft_layout("parcels", [head, *rows], "delimited", shipped)))
    found = columns(layout)
    assert (layout.feeds, found["waybill_no"], found["promised_delivery_at"]) == (
        ("shipments",),
        head[0],
        "promised_date",
    )
    assert "order_id" not in found


def damage_accents(text: str) -> list[str]:
    """How programs damage letters with accents."""
    return [
        text.encode().decode("cp1252", "ignore"), text.encode().decode("latin-1"), text.encode("ascii", "replace").decode(),
        text.encode("latin-1").decode("utf-8", "replace"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("Número de orden", "order_id"), ("Número de pedido", "order_id"), ("Código do pedido", "order_id"),
        ("Data de criação", "created_at"), ("Fecha de creación", "created_at"), ("Date d'expédition", "shipped_at"),
        ("Fecha de envío", "shipped_at"), ("Date limite d'expédition", "promised_ship_at"),
        ("Fecha límite de envío", "promised_ship_at"), ("Data máxima de envio", "promised_ship_at"),
    ],
)  # fmt: skip
def test_a_header_is_known_whose_accents_were_damaged(header: str, column: str) -> None:
    """By reading UTF-8 as Windows-1252, or by writing a question mark for what a program could not write."""
    known = match_header_words(header)
    for spelling in damage_accents(header):
        assert known <= match_header_words(spelling), spelling
    assert column in known
