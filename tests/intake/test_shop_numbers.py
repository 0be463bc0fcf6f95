"""Several shops in one file: equal order numbers are orders of their own, told apart by the shop's column."""

from __future__ import annotations

from collections.abc import Callable

from storehealth.intake.draft import LayoutTrial
from tests.intake.conftest import layout

Attempt = Callable[..., LayoutTrial]
SHOPS = layout(
    "shops",
    ["order_lines", "orders"],
    {
        "order_id": {"headers": ["order"], "required": True},
        "sku_id": {"headers": ["sku"]},
        "orders.shop": {"headers": ["shop"]},
        "paid_amount": {"headers": ["amount"]},
    },
)


def test_equal_numbers_of_two_shops_are_two_orders(attempt: Attempt) -> None:
    """All orders of the file carry their shop then, so that later files of it join."""
    trial = attempt(SHOPS, "order,sku,shop,amount\n1,a,north,5\n1,b,south,7\n2,a,north,9\n3,a,,4\n")
    orders = {row["order_id"]: row["paid_amount"] for row in trial.tables["orders"]}
    assert orders == {"1 · north": 5, "1 · south": 7, "2 · north": 9, "3": 4}
    assert [row["order_id"] for row in trial.tables["order_lines"]] == ["1 · north", "1 · south", "2 · north", "3"]


def test_numbers_of_one_shop_each_stay_as_they_are(attempt: Attempt) -> None:
    trial = attempt(SHOPS, "order,sku,shop,amount\n1,a,north,5\n1,b,north,5\n2,a,south,9\n")
    assert [row["order_id"] for row in trial.tables["orders"]] == ["1", "2"]
