"""What the files leave open is asked, with both readings: did the export end, or the shipping?"""

from __future__ import annotations

from typing import Any

import pytest

from storehealth.advise import add_question
from storehealth.catalogue import load_catalogue
from storehealth.catalogue.rule import RuleExample
from storehealth.commands.rule_tests import open_example
from storehealth.measure.completeness import ask_about_parcels
from storehealth.support.message import message


def order(number: int, day: int, promised: int, **more: str) -> dict[str, Any]:
    paid, due = f"2026-03-{day:02d} 09:00:00", f"2026-03-{promised:02d} 09:00:00"
    status = {"order_id": f"o{number}", "status": "paid", "created_at": paid, "paid_at": paid}
    return status | {"promised_ship_at": due} | more


def parcel(number: int, day: int) -> dict[str, Any]:
    return {"waybill_no": f"w{number}", "order_id": f"o{number}", "picked_up_at": f"2026-03-{day:02d} 18:00:00"}


def ask(orders: list[dict[str, Any]], shipments: list[dict[str, Any]]) -> str | None:
    rule = load_catalogue().rules["LG05"]
    given = {"orders": tuple(orders), "shipments": tuple(shipments)}
    example = RuleExample.model_validate({"given": given, "expect": {"status": "pass"}})
    with open_example(rule, example, load_catalogue()) as store:
        question = ask_about_parcels(store)
    return str(question) if question else None


def test_parcels_that_end_before_the_orders_are_asked_about() -> None:
    """One is late either way; the two due in between are late only if the shipping ended."""
    orders = [order(1, 1, 2), order(2, 5, 6), order(3, 6, 7), order(4, 9, 12)]
    assert ask(orders, [parcel(1, 3)]) == (
        "Parcels end on 2026-03-03 18:00, orders on 2026-03-09 09:00: did the export end, or the shipping? "
        "Late orders if the export did: 1; if the shipping did: 3."
    )


@pytest.mark.parametrize(
    ("orders", "shipments"),
    [
        ([order(1, 1, 2), order(2, 3, 4)], [parcel(1, 3)]),
        ([order(1, 1, 2), order(2, 9, 12)], [parcel(1, 3)]),
        ([order(1, 1, 2), order(2, 5, 6)], []),
    ],
    ids=["they end together", "nothing was due in between", "no parcels at all"],
)
def test_there_is_no_question_without_a_doubt(orders: list[dict[str, Any]], shipments: list[dict[str, Any]]) -> None:
    """Neither where they end within a day of each other nor where no order hangs on it."""
    assert ask(orders, shipments) is None


def test_nothing_is_on_target_while_the_question_stands() -> None:
    """The headline says that the files end too early."""
    fine = message("headline.sentence", body=message("headline.fine", score=92.0))
    asked = str(add_question(fine, message("measure.read_as_social")))
    assert "on target" not in asked
    assert "they end too early to be sure" in asked
