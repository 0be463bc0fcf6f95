"""Stock, warehouses, people's days, and what the tables themselves look like."""

from __future__ import annotations

from typing import Any

import pytest
from tests.views.conftest import Open, rows_of

VIEWS = ["person_days", "sku_days", "table_days", "time_grain", "warehouse_days"]


def bought(number: int, day: int, quantity: int = 1, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A paid order of SKU a and its line."""
    paid = f"2026-03-{day:02} 10:00:00"
    order = {
        "order_id": f"o{number}",
        "created_at": paid,
        "paid_at": paid,
        "status": "paid",
        "warehouse": "north",
    } | more
    return order, {"order_id": f"o{number}", "sku_id": "a", "quantity": quantity}


def test_cover_is_stock_over_the_pace_of_the_days_there_are(open_rows: Open) -> None:
    """Ten days of sales make a pace of ten days, not of thirty; cancelled orders are no demand."""
    pairs = [bought(number, number, 2) for number in range(1, 11)] + [bought(99, 5, 50, status="cancelled")]
    stock = [
        {"sku_id": "a", "warehouse": place, "taken_at": f"2026-03-{day} 23:00:00", "available": left}
        for place, day, left in (("north", "09", 100), ("north", "10", 5), ("south", "10", 3))
    ]
    stock.append({"sku_id": "b", "warehouse": "north", "taken_at": "2026-03-10 23:00:00", "available": 0})
    store = open_rows({"orders": [o for o, _ in pairs], "order_lines": [line for _, line in pairs], "stock": stock})
    early, late = rows_of(store, "FROM sku_days WHERE sku_id = 'a' ORDER BY day")
    assert (early["sold"], early["is_latest"], late["is_latest"]) == (18, False, True)
    assert (late["available"], late["sold"], late["pace_per_day"], late["cover_days"], late["in_demand"]) == (
        8,
        20,
        2,
        4,
        True,
    )
    (unsold,) = rows_of(store, "FROM sku_days WHERE sku_id = 'b'")
    assert (unsold["cover_days"], unsold["in_demand"], unsold["sold"]) == (None, False, 0)


def test_demand_looks_back_only_so_far(open_rows: Open) -> None:
    """With demand_days of three, what was sold four days before counts no more."""
    pairs = [bought(1, 1, 7), bought(2, 8, 1), bought(3, 9, 1)]
    stock = [{"sku_id": "a", "taken_at": "2026-03-10 01:00:00", "available": 4}]
    rows = {"orders": [o for o, _ in pairs], "order_lines": [line for _, line in pairs], "stock": stock}
    (found,) = rows_of(open_rows(rows, demand_days=3 * 86400.0), "FROM sku_days")
    assert (found["sold"], found["cover_days"]) == (2, 6)


def test_a_backlog_grows_until_it_is_worked_off(open_rows: Open) -> None:
    """Paid and not handed over by midnight waits; a cancelled order waits no longer."""
    pairs = [bought(number, 1) for number in range(4)] + [
        bought(9, 2, status="cancelled", cancelled_at="2026-03-03 00:00:00")
    ]
    sent = [
        {"waybill_no": f"w{number}", "order_id": f"o{number}", "picked_up_at": f"2026-03-{day:02} 09:00:00"}
        for number, day in ((0, 2), (1, 3), (2, 3), (3, 4))
    ]
    store = open_rows({"orders": [order for order, _ in pairs], "shipments": sent})
    days = rows_of(store, "SELECT arrived, handed_over, backlog FROM warehouse_days ORDER BY day")
    assert [tuple(day.values()) for day in days] == [(4, 0, 4), (1, 1, 4), (0, 2, 1), (0, 1, 0)]


def test_one_person_at_three_jobs_in_a_day(open_rows: Open) -> None:
    """Chat, after-sales and dispatch under one name on one day."""
    day = "2026-03-02"
    store = open_rows(
        {
            "messages": [
                {"conversation_id": "c", "sent_at": f"{day} 10:00:00", "sender_role": "agent", "sender_id": "lin"}
            ],
            "aftersales": [
                {
                    "case_id": "k",
                    "kind": "refund_only",
                    "applied_at": f"{day} 08:00:00",
                    "handler_id": "lin",
                    "processed_at": f"{day} 14:00:00",
                }
            ],
            "shipments": [
                {"waybill_no": "w", "order_id": "o", "handled_by": handler, "shipped_at": f"{day} 15:00:00"}
                for handler in ("lin",)
            ],
        }
    )
    (found,) = rows_of(store, "FROM person_days")
    assert (
        found["person"],
        found["roles"],
        found["chats"],
        found["cases"],
        found["parcels"],
        found["handling_hours"],
    ) == ("lin", 3, 1, 1, 1, 6)


@pytest.mark.parametrize(("a_day", "missing"), [(6, []), (7, ["2026-03-11"])])
def test_a_day_without_rows_where_there_are_usually_some_is_missing(
    open_rows: Open, a_day: int, missing: list[str]
) -> None:
    """Weekdays are compared with the same weekday; a shop that rests on Sundays misses nothing then.

    Over 28 days a silent one is told from chance where ``ln(20 * 28)``, 6.3 rows, are usual.
    """
    days = [day for day in range(2, 30) if day != 11 and (day - 1) % 7]
    orders = [
        {"order_id": f"o{day}-{number}", "created_at": f"2026-03-{day:02} 10:00:00"}
        for day in days
        for number in range(a_day)
    ]
    store = open_rows({"orders": orders})
    assert [str(row["day"]) for row in rows_of(store, "FROM table_days WHERE missing")] == missing


def test_times_of_whole_minutes_are_coarse(open_rows: Open) -> None:
    """Sixty seconds where every time is a whole minute, a day where all are midnights; one odd second in ten is fine."""
    orders = [
        {
            "order_id": f"o{n}",
            "created_at": f"2026-03-{n:02} 10:{n}:00",
            "paid_at": f"2026-03-{n:02}",
            "shipped_at": f"2026-03-{n:02} 11:00:0{n % 2}",
        }
        for n in range(10, 22)
    ]
    found = rows_of(open_rows({"orders": orders}), "SELECT column_name, resolution_seconds FROM time_grain")
    assert {row["column_name"]: row["resolution_seconds"] for row in found} == {
        "created_at": 60,
        "paid_at": 86400,
        "shipped_at": 1,
    }


GRAINED = {
    "messages": ("sent_at",),
    "conversations": ("started_at", "first_reply_at"),
    "orders": ("created_at", "paid_at", "shipped_at"),
    "shipments": ("shipped_at", "picked_up_at", "delivered_at"),
    "aftersales": ("applied_at", "first_reviewed_at", "processed_at"),
}
KEYS = {"messages": "message_id", "conversations": "conversation_id", "orders": "order_id", "shipments": "waybill_no",
        "aftersales": "case_id"}  # fmt: skip
OF_GRAIN = {86400: "2026-03-{:02} 00:00:00", 60: "2026-03-{:02} 10:07:00", 1: "2026-03-{0:02} 10:07:{0:02}"}


@pytest.mark.parametrize(("table", "column"), [(table, column) for table, names in GRAINED.items() for column in names])
def test_each_time_column_has_a_grain_of_its_own(open_rows: Open, table: str, column: str) -> None:
    """Whatever the other columns of the table are like."""
    for seconds, text in OF_GRAIN.items():
        other = OF_GRAIN[1 if seconds == 86400 else 86400]
        rows = [
            {KEYS[table]: f"k{day}", **{name: other.format(day) for name in GRAINED[table]}, column: text.format(day)}
            for day in range(10, 22)
        ]
        rows = [
            row | ({"sender_role": "customer", "conversation_id": "c"} if table == "messages" else {}) for row in rows
        ]
        found = rows_of(
            open_rows({table: rows}, views=["time_grain"]), "SELECT column_name, resolution_seconds FROM time_grain"
        )
        assert {row["column_name"]: row["resolution_seconds"] for row in found}[column] == seconds
