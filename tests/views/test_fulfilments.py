"""Orders: what left, what arrived, what was cancelled, and what the times cannot have been."""

from __future__ import annotations

from typing import Any

import pytest
from tests.views.conftest import Open, rows_of

ORDER = {
    "order_id": "o",
    "status": "paid",
    "created_at": "2026-03-01 09:00:00",
    "paid_at": "2026-03-01 10:00:00",
    "promised_ship_at": "2026-03-03 10:00:00",
}
VIEWS = ["fulfilments", "parcels"]
LAST = {"order_id": "end", "created_at": "2026-03-09 00:00:00"}


def parcel(waybill: str, **times: str) -> dict[str, Any]:
    """A parcel of the order; times as ``shipped="02 12:00"``: day of March and hour."""
    named = {"shipped": "shipped_at", "picked": "picked_up_at", "hub": "first_hub_at", "delivered": "delivered_at"}
    return {"waybill_no": waybill, "order_id": "o"} | {named[key]: f"2026-03-{at}:00" for key, at in times.items()}


def at(text: str | None) -> str | None:
    """``02 12:00`` as a full time."""
    return f"2026-03-{text}:00" if text else None


STATES: list[tuple[str, dict[str, Any], list[dict[str, Any]], dict[str, Any]]] = [
    (
        "scanned",
        {},
        [parcel("w", shipped="01 20:00", picked="02 12:00")],
        {
            "handed_over_at": at("02 12:00"),
            "handed_over_by": "scan",
            "ship_clock_stopped_at": at("02 12:00"),
            "parcels": 1,
        },
    ),
    ("clicked", {}, [parcel("w", shipped="01 20:00")], {"handed_over_at": at("01 20:00"), "handed_over_by": "click"}),
    (
        "clicked in the orders file",
        {"shipped_at": "2026-03-01 20:00:00"},
        [],
        {"handed_over_at": at("01 20:00"), "handed_over_by": "click", "parcels": 0},
    ),
    (
        "split, the last parcel counts",
        {},
        [parcel("w1", picked="02 12:00"), parcel("w2", picked="04 12:00")],
        {"handed_over_at": at("04 12:00"), "parcels": 2},
    ),
    (
        "split, one has no scan yet",
        {},
        [parcel("w1", picked="02 12:00"), parcel("w2", shipped="02 09:00")],
        {"handed_over_at": None, "picked_up_at": None, "handed_over_by": "scan"},
    ),
    (
        "split, one arrived without a scan",
        {},
        [parcel("w1", picked="02 12:00", delivered="03 08:00"), parcel("w2", delivered="03 09:00")],
        {"handed_over_at": at("03 09:00"), "delivered_at": at("03 09:00")},
    ),
    (
        "split, one is still on its way",
        {},
        [parcel("w1", picked="02 12:00", delivered="03 08:00"), parcel("w2", picked="02 12:00")],
        {"delivered_at": None, "handed_over_at": at("02 12:00")},
    ),
    ("nothing yet", {}, [], {"handed_over_at": None, "cancelled": False, "left_at_unknown_time": False, "paid": True}),
    (
        "left, nobody knows when",
        {"status": "completed"},
        [],
        {"left_at_unknown_time": True, "arrived_at_unknown_time": True},
    ),
    (
        "split and completed, one parcel has no scan at all",
        {"status": "completed"},
        [parcel("w1", picked="02 12:00"), parcel("w2", shipped="02 09:00")],
        {"handed_over_at": None, "left_at_unknown_time": True, "arrived_at_unknown_time": True},
    ),
    (
        "split and shipped, one parcel has no scan yet",
        {"status": "shipped"},
        [parcel("w1", picked="02 12:00"), parcel("w2", shipped="02 09:00")],
        {"handed_over_at": None, "left_at_unknown_time": False},
    ),
    (
        "cancelled before it left",
        {"status": "cancelled", "cancelled_at": "2026-03-02 00:00:00"},
        [],
        {"cancelled": True, "ship_clock_stopped_at": at("02 00:00"), "out_of_stock_cancel": False},
    ),
    ("cancelled, nobody knows when", {"status": "cancelled"}, [], {"cancelled": True, "ship_clock_stopped_at": None}),
    (
        "cancelled after it left",
        {"status": "cancelled", "cancelled_at": "2026-03-05 00:00:00"},
        [parcel("w", picked="02 12:00")],
        {"cancelled": True, "ship_clock_stopped_at": at("02 12:00")},
    ),
    (
        "cancelled for lack of stock",
        {"status": "cancelled", "cancelled_by": "seller", "cancel_reason": "out_of_stock"},
        [],
        {"out_of_stock_cancel": True, "cancelled_by": "seller", "paid": True},
    ),
    (
        "unpaid",
        {"status": "unpaid", "paid_at": None, "promised_ship_at": None},
        [],
        {"paid": False, "promised_ship_at": None, "at": at("01 09:00")},
    ),
    (
        "scanned before it was paid",
        {},
        [parcel("w", picked="01 09:30")],
        {"impossible": "scan_before_payment", "carrier_before_paid": True, "carrier_before_created": False},
    ),
    (
        "sent before it was ordered",
        {},
        [parcel("w", picked="01 08:30")],
        {"impossible": "handed_over_before_order", "carrier_before_created": True},
    ),
    (
        "arrived before it left",
        {},
        [parcel("w", picked="02 12:00", delivered="02 11:00")],
        {"impossible": "delivered_before_handed_over", "delivered_before_carrier": True},
    ),
    (
        "all is possible",
        {},
        [parcel("w", picked="02 12:00", delivered="03 11:00")],
        {"impossible": None, "delivered_before_carrier": False},
    ),
    ("an empty stand-in is no parcel", {}, [parcel("o")], {"parcels": 0, "handed_over_at": None}),
    (
        "a stand-in gives way to the waybill",
        {},
        [parcel("o", shipped="01 12:00"), parcel("w", picked="02 12:00")],
        {"parcels": 1, "handed_over_at": at("02 12:00")},
    ),
]


@pytest.mark.parametrize(
    ("change", "parcels", "expected"), [state[1:] for state in STATES], ids=[state[0] for state in STATES]
)
def test_states_of_an_order(
    open_rows: Open, change: dict[str, Any], parcels: list[dict[str, Any]], expected: dict[str, Any]
) -> None:
    """Each state of an order gives the times and flags its rules judge by."""
    store = open_rows({"orders": [ORDER | change, LAST], "shipments": parcels}, views=["fulfilments"])
    (order,) = rows_of(store, "FROM fulfilments WHERE order_id = 'o'")
    shown = {
        name: str(order[name]) if (name.endswith("_at") and order[name]) or name == "at" else order[name]
        for name in expected
    }
    assert shown == expected


def test_of_several_promises_the_earliest_counts(open_rows: Open) -> None:
    """The order's own, or one of its lines'."""
    lines = [
        {"order_id": "o", "sku_id": sku, "promised_ship_at": f"2026-03-{day} 00:00:00"}
        for sku, day in (("a", "04"), ("b", "02"))
    ]
    (order,) = rows_of(open_rows({"orders": [ORDER], "order_lines": lines}), "FROM fulfilments")
    assert (str(order["promised_ship_at"]), order["skus"]) == ("2026-03-02 00:00:00", 2)


@pytest.mark.parametrize(
    ("kind", "expected"), [("normal", "2026-03-03 10:00:00"), ("presale", "None"), ("custom", "None")]
)
def test_the_platforms_promise_holds_for_normal_orders_only(open_rows: Open, kind: str, expected: str) -> None:
    """Without a promise of its own an order in stock is due when the platform says; presale and custom ones are not."""
    order = ORDER | {"promised_ship_at": None, "kind": kind}
    (found,) = rows_of(open_rows({"orders": [order]}, platform="jd"), "FROM fulfilments")
    assert str(found["promised_ship_at"]) == expected


def test_lines_and_parcels_do_not_multiply_orders(open_rows: Open) -> None:
    """Two lines and three parcels are still one order with its dearest item; gifts do not stand for it."""
    lines = [
        {"order_id": "o", "sku_id": "cheap", "unit_price": 5, "quantity": 1},
        {"order_id": "o", "sku_id": "dear", "unit_price": 4, "quantity": 3},
        {"order_id": "o", "sku_id": "gift", "unit_price": 99, "quantity": 1, "is_gift": True},
    ]
    parcels = [parcel(waybill, picked="02 12:00") for waybill in ("w1", "w2", "w3")]
    (order,) = rows_of(open_rows({"orders": [ORDER], "order_lines": lines, "shipments": parcels}), "FROM fulfilments")
    assert (order["sku_id"], order["skus"], order["parcels"]) == ("dear", 3, 3)


def test_orders_known_from_lines_or_parcels_alone_are_there(open_rows: Open) -> None:
    """An order that the orders file lacks is listed; a parcel proves that it was paid."""
    store = open_rows(
        {
            "order_lines": [{"order_id": "lines", "sku_id": "a"}],
            "shipments": [{"order_id": "sent", "waybill_no": "w", "picked_up_at": "2026-03-02 12:00:00"}],
        }
    )
    found = rows_of(store, "SELECT order_id, paid, parcels, source_file FROM fulfilments ORDER BY order_id")
    assert [tuple(row.values()) for row in found] == [
        ("lines", False, 0, "order_lines.csv"),
        ("sent", True, 1, "shipments.csv"),
    ]


def test_scans_stand_in_for_times_the_waybill_lacks(open_rows: Open) -> None:
    """First pick-up, first hub and last delivery scan of the waybill."""
    scans = [
        {"waybill_no": "w", "scanned_at": f"2026-03-0{day} 08:00:00", "event": event}
        for day, event in ((3, "picked_up"), (2, "picked_up"), (4, "hub"), (5, "delivered"), (6, "delivered"))
    ]
    store = open_rows({"shipments": [parcel("w", shipped="01 20:00")], "scans": scans})
    (found,) = rows_of(store, "SELECT picked_up_at, first_hub_at, delivered_at FROM parcels")
    assert [str(value)[8:10] for value in found.values()] == ["02", "04", "06"]
