"""Several shops in one file: equal order numbers are orders of their own, told apart by the shop's column."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from storehealth.errors import FileRefused
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


UNNAMED = layout(
    "unnamed",
    ["orders"],
    {
        "order_id": {"headers": ["order"], "required": True},
        "internal_id": {"headers": ["id"]},
        "buyer_id": {"headers": ["buyer"]},
        "created_at": {"headers": ["created"]},
        "paid_amount": {"headers": ["amount"]},
    },
)


def write_two_shops(count: int, marked: bool, same_buyer: bool = False, same_time: bool = False) -> str:
    """Orders of two shops that both count from 1001; ``marked``: the platform's own number differs."""
    rows = []
    for shop in range(2):
        for number in range(count):
            day = 1 if same_time else 1 + 9 * shop
            buyer = f"b{number}" if same_buyer else f"b{number}s{shop}"
            own = f"{shop}{number}" if marked else ""
            rows.append(f"{1001 + number},{own},{buyer},2026-10-{day:02} 10:00:00,{shop + 5}")
    return "order,id,buyer,created,amount\n" + "\n".join(rows) + "\n"


@pytest.mark.parametrize("count", [3, 40])
def test_two_shops_that_nothing_tells_apart_are_refused(attempt: Attempt, count: int) -> None:
    """Two buyers at two times are two orders: neither may take the other's times. Both rows are named."""
    with pytest.raises(FileRefused) as refused:
        attempt(UNNAMED, write_two_shops(count, marked=False))
    assert refused.value.problem.values["n"] == count
    assert (refused.value.problem.values["first"], refused.value.problem.values["second"]) == (2, count + 2)


def test_the_platforms_own_numbers_tell_shops_apart(attempt: Attempt) -> None:
    trial = attempt(UNNAMED, write_two_shops(4, marked=True))
    assert len(trial.tables["orders"]) == trial.kept == 8


@pytest.mark.parametrize(("same_buyer", "same_time"), [(True, False), (False, True), (True, True)])
def test_lines_of_one_order_are_no_two_shops(attempt: Attempt, same_buyer: bool, same_time: bool) -> None:
    """One buyer pays twice, or a gift goes to another: the lines stay those of one order."""
    trial = attempt(UNNAMED, write_two_shops(9, marked=False, same_buyer=same_buyer, same_time=same_time))
    assert {row["order_id"] for row in trial.tables["orders"]} == {str(1001 + number) for number in range(9)}
