"""Kinds of cells that products write each in their own way: internal notes, and one value under any of several headers."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehealth.catalogue import Catalogue
from storehealth.catalogue.layout import LayoutColumn
from storehealth.intake.cells import DONE, apply_words, denies_itself, mark_steps
from storehealth.intake.draft import LayoutTrial, try_layout
from tests.effort import examples
from tests.intake.conftest import layout

Attempt = Callable[..., LayoutTrial]
MARKS = {
    "private": ("true", "false"), "is_private": ("1", "0"), "Internal": ("yes", "no"), "is_internal": ("TRUE", "FALSE"),
    "internal note": ("Y", "N"), "public": ("false", "true"), "is_public": ("0", "1"), "visible_to_customer": ("no", "yes"),
    "message_type": ("private_note", "outgoing"), "part_type": ("note", "comment"), "type": ("internal note", "message"),
    "visibility": ("private", "public"), "audience": ("Agents only", "everybody"), "comment type": ("Internal", "Public"),
    "消息类型": ("内部备注", "文本"), "是否内部": ("是", "否"), "tipo": ("Nota interna", "mensaje"),
}  # fmt: skip
"""Header of a column that marks internal notes → what it says of a note, and of any other message."""


@pytest.mark.parametrize("header", MARKS)
def test_an_internal_note_is_known_by_any_products_mark(shipped: Catalogue, header: str) -> None:
    """It is from an agent, and it is no answer."""
    note, plain = MARKS[header]
    rows = [("customer", "ana", plain), ("agent", "bo", note), ("agent", "bo", plain)]
    lines = [f"c1,2026-10-05 10:00:0{place},{role},{who},{mark},text" for place, (role, who, mark) in enumerate(rows)]
    text = f"conversation_id,sent_at,sender_role,sender_id,{header},text\n" + "\n".join(lines) + "\n"
    trial = try_layout(shipped.layouts["generic_messages"], text, shipped)
    assert [row["sender_role"] for row in trial.tables["messages"]] == ["customer", "note", "agent"]


SEVERAL = layout(
    "several",
    ["orders"],
    {
        "order_id": {"headers": ["order", "id"], "required": True},
        "shipped_at": {"headers": ["sent", "fulfilled", "ship date"]},
        "paid_amount": {"headers": ["paid", "total"]},
        "status": {"headers": ["state", "status"], "words": {"gone": "shipped", "here": "paid"}},
    },
)
CELLS = {
    "sent": "2026-10-01 10:00:00", "fulfilled": "2026-10-02 10:00:00", "ship date": "2026-10-03 10:00:00",
    "paid": "5.00", "total": "7.00", "state": "gone", "status": "here",
}  # fmt: skip
BLANK = st.sampled_from(["", " ", "-", "N/A", "\u00a0"])


@examples(40)
@given(
    headers=st.permutations(sorted(CELLS)),
    rows=st.lists(st.lists(st.none() | BLANK, min_size=len(CELLS), max_size=len(CELLS)), min_size=1, max_size=6),
)
def test_the_first_header_that_has_a_value_in_a_row_counts(
    attempt: Attempt, headers: list[str], rows: list[list[str | None]]
) -> None:
    """Cell by cell, in the layout's order of headers, wherever their columns stand."""
    lines = [",".join([f"A{n}", *(CELLS[h] if cell is None else cell for h, cell in zip(headers, row, strict=True))])
             for n, row in enumerate(rows)]  # fmt: skip
    trial = attempt(SEVERAL, ",".join(["order", *headers]) + "\n" + "\n".join(lines) + "\n")
    for row, order in zip(rows, trial.tables["orders"], strict=True):
        held = {header for header, cell in zip(headers, row, strict=True) if cell is None}

        def first(*names: str, held: set[str] = held) -> str | None:
            return next((CELLS[name] for name in names if name in held), None)

        shipped_at, paid = order["shipped_at"], order["paid_amount"]
        assert (shipped_at and str(shipped_at)) == first("sent", "fulfilled", "ship date")
        assert (paid and str(paid)) == first("paid", "total")
        assert order["status"] == {"gone": "shipped", "here": "paid", None: None}[first("state", "status")]


DENIALS = {
    "latin": [
        "not {}", "Not yet {}", "un{}", "to be {}", "Waiting to be {}", "never {}", "{} requested", "pending {}", "no {}",
        "no ha sido {}", "Aún no {}", "não {}", "ainda não {}", "partially {}", "nicht {}", "pas encore {}", "belum {}",
        "NOT_{}", "assumed: not {}", "{} denied",
    ],
    "other": [
        "未{}", "尚未{}", "没有{}", "等待{}", "即将{}", "请准备{}", "{}异常", "部分{}", "无法{}", "待{}",
    ],
}  # fmt: skip
"""How a text says that a step was not taken, or not yet, or not wholly; the step's word stands in the braces."""
AFFIRMED = {
    "latin": ["{}", "ALREADY {}", "{} — not paid", "{}, awaiting review", "unpaid, {}", "order_{}"],
    "other": ["{}", "已{}", "未付款，{}", "{}，待评价", "客户{}"],
}
WORDS_OF_STEPS = {"unpaid", "paid", "open", "returned", "delivering", "hub", *DONE}
STEPS = ("orders.status", "aftersales.status", "scans.event")


def read_words(column: LayoutColumn, texts: list[str]) -> list[tuple[str, str]]:
    """Each text and the word that a layout column understands it as."""
    lower = "SELECT text, lower(text) AS low FROM (SELECT unnest(?) AS text)"
    marked = f"SELECT text, low, {mark_steps('low')} AS steps FROM ({lower})"
    return duckdb.execute(
        f"SELECT text, {apply_words('text', 'low', 'steps', column)} FROM ({marked})", [texts]
    ).fetchall()


def list_step_columns(catalogue: Catalogue) -> list[tuple[str, LayoutColumn]]:
    """The columns of the shipped layouts that know a step by a word inside a text."""
    keys = [(each, each.find_column(*step.split("."))) for each in catalogue.layouts.values() for step in STEPS
            if step.partition(".")[0] in each.feeds]  # fmt: skip
    found = [(each.name, each.columns[key]) for each, key in keys if key]
    return [(name, column) for name, column in found if DONE & set(column.contains.values())]


def test_a_word_for_a_step_does_not_count_where_the_text_denies_it(shipped: Catalogue) -> None:
    """Every layout, every word, twenty denials: "Unshipped" is not shipped, nor is 未签收 delivered, nor "assigned" signed."""
    wrong = []
    for name, column in list_step_columns(shipped):
        for part, meaning in column.contains.items():
            if meaning not in DONE or denies_itself(part.lower()) or part.startswith("已") or part.endswith("-"):
                continue
            script = "latin" if re.match(r"[a-zà-ɏḀ-ỿ]", part.lower()) else "other"
            denied = [text.format(part) for text in DENIALS[script]]
            affirmed = [text.format(part) for text in AFFIRMED[script]]
            wrong += [(name, text) for text, word in read_words(column, denied) if word == meaning]
            wrong += [(name, text) for text, word in read_words(column, affirmed) if word not in WORDS_OF_STEPS]
    assert wrong == []


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("lazada_orders", "Unshipped", None), ("shopee_orders", "Undelivered", None), ("jd_orders", "申请取消", None),
        ("tiktok_orders", "Not shipped", None), ("tiktok_orders", "Cancellation requested", None),
        ("woocommerce_orders", "Not completed", None), ("mercado_libre_sales", "Tu comprador solicita cancelar", None),
        ("mercado_libre_sales", "No entregado", "shipped"), ("mercado_libre_sales", "No enviado", None),
        ("mercado_libre_sales", "Paquete cancelado por Mercado Libre", "cancelled"),
        ("mercado_libre_sales", "Devolución en camino", "completed"), ("mercado_libre_sales", "Reclamo abierto", None),
        ("mercado_libre_sales", "Etiqueta lista para imprimir", "paid"), ("shopee_orders", "不成立", "cancelled"),
        ("taobao_orders", "卖家已发货，等待买家确认", "shipped"), ("jd_orders", "(删除)等待出库", "cancelled"),
        ("amazon_all_orders", "Shipped - Rejected by Buyer", "shipped"), ("amazon_all_orders", "Unshipped", "paid"),
        ("jd_orders", "取消申请中", None), ("pdd_orders", "未付款，已取消", "unpaid"),
    ],
)  # fmt: skip
def test_the_words_of_real_exports(shipped: Catalogue, name: str, text: str, word: str | None) -> None:
    """What is not understood stays unread, so that no order is judged by it."""
    column = shipped.layouts[name].columns["status"]
    assert read_words(column, [text]) == [(text, word or text)]


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("Courier assigned", "other"), ("Undelivered", "other"), ("Awaiting pickup", "other"), ("No entregado", "other"),
        ("Pickup scheduled", "other"), ("Delivered to neighbour", "delivered"), ("Picked up by courier", "picked_up"),
        ("Entregado", "delivered"), ("等待快递员揽收", "other"), ("已揽收", "picked_up"), ("本人签收", "delivered"),
        ("正在派送，请您准备签收", "delivering"),
    ],
)  # fmt: skip
def test_the_words_of_scans(shipped: Catalogue, text: str, event: str) -> None:
    """A parcel that waits for its courier was not picked up."""
    given_text = f"waybill_no,scanned_at,event\nW1,2026-10-01 10:00:00,{text}\n"
    trial = try_layout(shipped.layouts["generic_scans"], given_text, shipped)
    assert [row["event"] for row in trial.tables["scans"]] == [event]


ROLES = {
    "customer": ["customer", "end user", "buyer", "visitor", "cliente", "客户", "顾客", "买家", "Kunde", "shopper"],
    "agent": ["agent", "admin", "staff", "operator", "agente", "客服", "商家", "Mitarbeiterin", "teammate", "support"],
    "bot": ["bot", "robot"],
}
CASH = ["cash on delivery", "COD", "C.O.D.", "pay on delivery", "货到付款", "cash on collection"]


def write_in_another_case(random: Random, word: str) -> str:
    """A word as another export writes it: another case, and other blanks around it."""
    cased = random.choice([str, str.upper, str.title, str.lower])(word)
    return random.choice(["{}", " {}", "{} ", "\t{}", "{}\u00a0"]).format(cased)


@examples(200)
@given(st.randoms(use_true_random=False))
def test_words_of_roles_and_of_cash_on_delivery_mean_the_same_in_any_case(shipped: Catalogue, random: Random) -> None:
    """Ten rows each, of words and spellings drawn at random."""
    drawn = [
        (role, write_in_another_case(random, random.choice(words))) for role, words in ROLES.items() for _ in range(4)
    ]
    lines = [f"c1,2026-10-05 10:00:{place:02},{word},u{place},hi" for place, (_, word) in enumerate(drawn)]
    text = "conversation_id,sent_at,sender_role,sender_id,text\n" + "\n".join(lines) + "\n"
    trial = try_layout(shipped.layouts["generic_messages"], text, shipped)
    assert [row["sender_role"] for row in trial.tables["messages"]] == [role for role, _ in drawn]
    words = [write_in_another_case(random, random.choice(CASH)) for _ in range(10)]
    lines = [f"A{place},2026-10-05 10:00:00,{word}" for place, word in enumerate(words)]
    text = "order_id,created_at,payment_method\n" + "\n".join(lines) + "\n"
    trial = try_layout(shipped.layouts["generic_orders"], text, shipped)
    assert [row["payment"] for row in trial.tables["orders"]] == ["cod"] * 10
