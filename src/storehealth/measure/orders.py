"""How many orders were paid in a window: platforms judge from a least number on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storehealth.measure.compile import in_window
from storehealth.model import Window

if TYPE_CHECKING:
    from storehealth.db import Store

VIEW = "fulfilments"


def orders_paid(store: Store, window: Window) -> int | None:
    """Paid orders of a window, cancelled ones included; None where no file gives orders."""
    made = store.con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", [VIEW]).fetchall()
    if "orders" not in store.filled or not made:
        return None
    where = in_window(window, '"at"')
    ((count,),) = store.con.execute(f"SELECT count(*) FILTER (paid) FROM {VIEW} WHERE {where}").fetchall()
    return int(count)
