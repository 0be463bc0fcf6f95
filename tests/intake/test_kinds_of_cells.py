"""Kinds of cells that products write each in their own way: internal notes, and one value under any of several headers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehealth.catalogue import Catalogue
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
