"""How many orders were paid in a window: platforms do not judge stores with fewer than a certain number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storehealth.measure.compile import build_window_condition
from storehealth.model import Window

if TYPE_CHECKING:
    from storehealth.db import Store

VIEW = "fulfilments"


def count_paid_orders(store: Store, window: Window) -> int | None:
    """Count the paid orders of a window, cancelled ones included; None where no file holds orders."""
    tables = store.con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", [VIEW]).fetchall()
    if "orders" not in store.filled or not tables:
        return None
    where = build_window_condition(window, '"at"')
    ((count,),) = store.con.execute(f"SELECT count(*) FILTER (paid) FROM {VIEW} WHERE {where}").fetchall()
    return int(count)
