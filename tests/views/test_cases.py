"""After-sales cases: when they ended, and how long they waited for the merchant."""

from __future__ import annotations

from typing import Any

import pytest
from tests.views.conftest import Open, rows_of

HOUR = 3600
LAST = {"case_id": "end", "applied_at": "2026-03-11 00:00:00", "status": "open"}


def case(**days: Any) -> dict[str, Any]:
    """A return applied for on 1 March; other times as days of March."""
    times = {name: f"2026-03-{day:02} 00:00:00" if isinstance(day, int) else day for name, day in days.items()}
    return {"case_id": "c", "kind": "return", "status": "open", "applied_at": "2026-03-01 00:00:00"} | times


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            case(reviewed_at=2, received_at=6, refunded_at=7, status="closed"),
            {"merchant_seconds": 48 * HOUR, "total_seconds": 144 * HOUR},
        ),
        (
            case(kind="refund_only", reviewed_at=2, refunded_at=4, status="closed"),
            {"merchant_seconds": 72 * HOUR, "is_open": False},
        ),
        (case(), {"merchant_seconds": 240 * HOUR, "waits_for_merchant": True, "is_open": True}),
        (case(first_reviewed_at=2), {"merchant_seconds": 24 * HOUR, "waits_for_merchant": False, "is_open": True}),
        (case(first_reviewed_at=2, received_at=9), {"merchant_seconds": 72 * HOUR, "waits_for_merchant": True}),
        (
            case(first_reviewed_at=3, reviewed_at=5, status="closed"),
            {"total_seconds": 96 * HOUR, "ended_at_unknown_time": False},
        ),
        (case(status="cancelled"), {"merchant_seconds": None, "is_open": False, "ended_at_unknown_time": True}),
        (case(processed_at=3), {"is_open": False, "total_seconds": 48 * HOUR}),
    ],
    ids=[
        "goods came back",
        "no goods",
        "nothing yet",
        "customer's turn",
        "goods are here",
        "refused",
        "withdrawn",
        "processed",
    ],
)
def test_states_of_a_case(open_rows: Open, row: dict[str, Any], expected: dict[str, Any]) -> None:
    """Time in which the customer's parcel is awaited is not the merchant's."""
    store = open_rows({"aftersales": [row, LAST]}, views=["cases"])
    (found,) = rows_of(store, "FROM cases WHERE case_id = 'c'")
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("applied", "counts_from"),
    [
        ("2026-03-04 22:59:59", "2026-03-04 22:59:59"),
        ("2026-03-04 23:00:00", "2026-03-05 08:00:00"),
        ("2026-03-05 07:59:59", "2026-03-05 08:00:00"),
        ("2026-03-05 08:00:00", "2026-03-05 08:00:00"),
        ("2026-02-28 23:30:00", "2026-03-01 08:00:00"),
    ],
    ids=["before the night", "its first second", "its last", "morning", "over the month's end"],
)
def test_a_request_made_at_night_counts_from_the_morning(open_rows: Open, applied: str, counts_from: str) -> None:
    """Where the platform has such a night; elsewhere from the request."""
    rows = {"aftersales": [case(applied_at=applied), LAST]}
    for night, expected in ((("23:00-08:00",), counts_from), ((), applied)):
        store = open_rows(rows, views=["cases"], review_night=night)
        assert rows_of(store, "SELECT review_from::VARCHAR AS t FROM cases WHERE case_id = 'c'") == [{"t": expected}]


def test_a_night_may_lie_within_one_day(open_rows: Open) -> None:
    """From midnight to six."""
    rows = {"aftersales": [case(applied_at="2026-03-04 05:59:59"), LAST]}
    store = open_rows(rows, views=["cases"], review_night=("00:00-06:00",))
    assert rows_of(store, "SELECT hour(review_from) AS h FROM cases WHERE case_id = 'c'") == [{"h": 6}]
