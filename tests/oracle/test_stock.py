"""Rules over stock count what the second implementation counts: SKUs in demand, and orders that wait for stock."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from storehealth.db import StoreSettings, open_store_from_rows
from tests.effort import examples
from tests.oracle.test_orders import RANDOM_STORES, read_outcomes
from tests.views.test_fulfilments_property import BOOK

MONDAY = datetime.fromisoformat("2026-03-02 00:00")
SKUS = ("s0", "s1", "s2")
DEMAND, REPLENISH = timedelta(days=30), timedelta(days=7)
CODES = ("ST01", "ST04")

moments = st.builds(
    lambda hours: MONDAY + timedelta(hours=hours), st.sampled_from([-800, -48, 0, 1, 23, 24, 30, 47, 60])
)


@dataclass
class Snapshot:
    """How many pieces of a SKU a warehouse had at a moment."""

    sku: str
    warehouse: str
    at: datetime
    available: int


@dataclass
class Sale:
    """An order with its SKUs."""

    paid: datetime
    skus: list[str]
    status: str


snapshots = st.lists(
    st.builds(
        Snapshot, sku=st.sampled_from(SKUS), warehouse=st.sampled_from(["north", "south"]), at=moments,
        available=st.sampled_from([0, 0, 3]),
    ),
    min_size=1, max_size=8, unique_by=lambda snapshot: (snapshot.sku, snapshot.warehouse, snapshot.at),
)  # fmt: skip
sales = st.lists(
    st.builds(
        Sale, paid=moments, skus=st.lists(st.sampled_from([*SKUS, "unknown"]), min_size=1, max_size=3, unique=True),
        status=st.sampled_from(["paid", "paid", "completed", "cancelled"]),
    ),
    max_size=5,
)  # fmt: skip


def count_available(drawn: list[Snapshot]) -> dict[str, int]:
    """SKU → pieces, each warehouse by its own latest snapshot, whatever its day."""
    latest: dict[tuple[str, str], Snapshot] = {}
    for snapshot in drawn:
        key = (snapshot.sku, snapshot.warehouse)
        if key not in latest or latest[key].at < snapshot.at:
            latest[key] = snapshot
    found: Counter[str] = Counter()
    for (sku, _), snapshot in latest.items():
        found[sku] += snapshot.available
    return dict(found)


def judge_stock(drawn: list[Snapshot], sold: list[Sale]) -> dict[str, Counter[tuple[str, str]]]:
    """Rule → how many SKUs or orders have which outcome."""
    available = count_available(drawn)
    found: dict[str, Counter[tuple[str, str]]] = {code: Counter() for code in CODES}
    for sku, pieces in available.items():
        until = max(snapshot.at for snapshot in drawn if snapshot.sku == sku)
        times = [sale.paid for sale in sold if sku in sale.skus and sale.status != "cancelled"]
        wanted = any(
            until.date() - DEMAND <= at.date() <= until.date() for at in times
        )  # many snapshots have no time of day
        found["ST01"][sku, ("met" if pieces > 0 else "late") if wanted else "exempt"] += 1
    for number, sale in enumerate(sold):
        known = [available[sku] for sku in sale.skus if sku in available]
        outcome = "not_judgeable" if not known else "met" if min(known) > 0 else "late"
        found["ST04"][f"o{number}", outcome if sale.status == "paid" else "exempt"] += 1
    return found


def build_rows(drawn: list[Snapshot], sold: list[Sale]) -> dict[str, list[dict[str, Any]]]:
    """The tables of the store."""
    return {
        "stock": [
            {"sku_id": item.sku, "warehouse": item.warehouse, "taken_at": item.at, "available": item.available}
            for item in drawn
        ],
        "orders": [
            {"order_id": f"o{number}", "status": sale.status, "created_at": sale.paid, "paid_at": sale.paid}
            for number, sale in enumerate(sold)
        ],
        "order_lines": [
            {"order_id": f"o{number}", "line_id": sku, "sku_id": sku, "quantity": 1}
            for number, sale in enumerate(sold)
            for sku in sale.skus
        ],
    }


def compare(drawn: list[Snapshot], sold: list[Sale]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Rule → outcomes in the database, and by the second implementation."""
    settings = StoreSettings("shop", BOOK.platforms["generic"], BOOK.platforms["generic"].facts)
    views = ["sku_days", "fulfilments"]
    with open_store_from_rows(build_rows(drawn, sold), BOOK, settings, views) as store:
        rows = {code: read_outcomes(store, code) for code in CODES}
    latest = {key for key in rows["ST01"] if key[1] != "exempt"}
    found = {"ST01": Counter({key: rows["ST01"][key] for key in latest}), "ST04": rows["ST04"]}
    expected = judge_stock(drawn, sold)
    expected["ST01"] = Counter({key: count for key, count in expected["ST01"].items() if key[1] != "exempt"})
    return found, expected


@examples(200, **RANDOM_STORES)
@given(drawn=snapshots, sold=sales)
def test_stock_has_the_outcomes_of_the_second_implementation(drawn: list[Snapshot], sold: list[Sale]) -> None:
    found, expected = compare(drawn, sold)
    assert found == expected


def judge_cover(drawn: list[Snapshot], sold: list[Sale]) -> Counter[tuple[str, str]]:
    """ST03: SKUs in demand of which some are left; how long they last at the pace of the days there are, 30 at most."""
    found: Counter[tuple[str, str]] = Counter()
    first = min((sale.paid.date() for sale in sold if sale.status != "cancelled"), default=None)
    for sku, pieces in count_available(drawn).items():
        until = max(snapshot.at for snapshot in drawn if snapshot.sku == sku).date()
        days = [sale.paid.date() for sale in sold if sku in sale.skus and sale.status != "cancelled"]
        recent = [day for day in days if until - DEMAND <= day <= until]
        if pieces > 0 and recent and first is not None:
            span = min(DEMAND.days, (until - first).days + 1)
            found[sku, "met" if pieces / (len(recent) / span) >= REPLENISH.days else "late"] += 1
    return found


@examples(200, **RANDOM_STORES)
@given(drawn=snapshots, sold=sales)
def test_cover_has_the_outcomes_of_the_second_implementation(drawn: list[Snapshot], sold: list[Sale]) -> None:
    settings = StoreSettings("shop", BOOK.platforms["generic"], BOOK.platforms["generic"].facts)
    with open_store_from_rows(build_rows(drawn, sold), BOOK, settings, ["sku_days", "fulfilments"]) as store:
        rows = read_outcomes(store, "ST03")
    assert Counter({key: count for key, count in rows.items() if key[1] != "exempt"}) == judge_cover(drawn, sold)
