"""Several shops in one folder: order numbers that repeat are told apart, and nothing of two shops is merged."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.db.conftest import OpenFiles
from tests.views.conftest import rows_of

from storehealth.db import raw


@pytest.fixture(autouse=True, params=[0, raw.MANY_FILES], ids=["rows stored", "files read"])
def _many_files(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether or not the files are so many that their rows are stored before they are read."""
    monkeypatch.setattr(raw, "MANY_FILES", request.param)


def order(number: int, **more: Any) -> dict[str, Any]:
    return {"order_id": f"#{number}", "created_at": f"2026-03-{number:02} 10:00:00", "kind": "normal"} | more


def orders(first: int, count: int, **marks: str) -> list[dict[str, Any]]:
    """Orders of a shop: {} in a mark is the order's number."""
    return [
        order(number, **{mark: text.format(number) for mark, text in marks.items()})
        for number in range(first, first + count)
    ]


def line(number: int, sku: str) -> dict[str, Any]:
    return {"order_id": f"#{number}", "line_id": f"{sku}/1", "sku_id": sku}


@pytest.mark.parametrize("mark", ["internal_id", "shop"])
def test_equal_numbers_of_two_shops_are_two_orders(open_files: OpenFiles, mark: str) -> None:
    """Each file's items stay with its own orders; the shops are named after their files, or by their own names."""
    texts = {"internal_id": ("9{}", "8{}"), "shop": ("Alpha", "Beta")}[mark]
    files = {
        "export a.csv": {"orders": orders(1, 5, **{mark: texts[0]}), "order_lines": [line(1, "mug")]},
        "export b.csv": {"orders": orders(1, 5, **{mark: texts[1]}), "order_lines": [line(1, "hat")]},
    }
    names = {"internal_id": ["export a", "export b"], "shop": ["Alpha", "Beta"]}[mark]
    with open_files(files) as store:
        assert (store.rows["orders"], store.rows["order_lines"], store.merged_away) == (10, 2, {})
        assert store.shops == dict(zip(files, names, strict=True))
        joined = rows_of(
            store, "SELECT sku_id, store_id FROM orders JOIN order_lines USING (order_id, store_id) ORDER BY 1"
        )
        assert [(row["sku_id"], row["store_id"]) for row in joined] == [("hat", names[1]), ("mug", names[0])]
        assert rows_of(store, "FROM conflicts") == []


def test_two_exports_of_one_shop_are_merged_beside_another_shop(open_files: OpenFiles) -> None:
    """An order that both have, with the same id, makes them one."""
    files = {
        "a1.csv": {"orders": orders(1, 5, internal_id="9{}")},
        "a2.csv": {"orders": orders(4, 5, internal_id="9{}")},
        "b.csv": {"orders": orders(1, 8, internal_id="8{}")},
    }
    with open_files(files) as store:
        assert store.rows["orders"] == 16
        assert store.merged_away == {"a1.csv": 2}
        assert store.shops == {"a1.csv": "a1", "a2.csv": "a1", "b.csv": "b"}


def test_one_shop_stays_as_it_is(open_files: OpenFiles) -> None:
    """Overlapping exports of one shop, and a file without any mark."""
    files = {
        "a1.csv": {"orders": orders(1, 5, internal_id="9{}")},
        "a2.csv": {"orders": orders(4, 5, internal_id="9{}")},
        "c.csv": {"orders": orders(1, 3)},
    }
    with open_files(files) as store:
        assert (store.rows["orders"], store.shops) == (8, {})
        assert {row["order_id"] for row in rows_of(store, "FROM orders")} == {f"#{number}" for number in range(1, 9)}


def test_a_parcel_named_after_its_order_is_told_apart_as_well(open_files: OpenFiles) -> None:
    parcel = {"waybill_no": "#1", "order_id": "#1", "shipped_at": "2026-03-02 10:00:00"}
    files = {f"{name}.csv": {"orders": orders(1, 2, shop=name), "shipments": [parcel]} for name in ("north", "south")}
    with open_files(files) as store:
        found = rows_of(store, "SELECT waybill_no, order_id FROM parcels ORDER BY 1")
        assert [(row["waybill_no"], row["order_id"]) for row in found] == [("#1 · north",) * 2, ("#1 · south",) * 2]


@pytest.mark.parametrize(("days", "shops"), [(0, 1), (1, 1), (2, 2), (40, 2)])
def test_numbers_that_were_given_on_other_days_are_of_two_shops(open_files: OpenFiles, days: int, shops: int) -> None:
    """No column names a shop; exports of one shop agree on when an order was created, but for the zone."""
    first = datetime(2026, 3, 1, 10) + timedelta(days=days)  # noqa: DTZ001
    later = [order(number) | {"created_at": f"{first + timedelta(days=number - 1)}"} for number in range(1, 9)]
    with open_files({"a.csv": {"orders": orders(1, 8)}, "b.csv": {"orders": later}}) as store:
        assert store.rows["orders"] == 8 * shops
        assert store.shops == ({"a.csv": "a", "b.csv": "b"} if shops == 2 else {})


def test_one_order_of_another_day_is_a_conflict_and_no_shop(open_files: OpenFiles) -> None:
    edited = [*orders(1, 7), order(8) | {"created_at": "2026-01-01 10:00:00"}]
    with open_files({"a.csv": {"orders": orders(1, 8)}, "b.csv": {"orders": edited}}) as store:
        assert (store.rows["orders"], store.shops) == (8, {})
