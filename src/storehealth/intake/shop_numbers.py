"""Tells the orders of several shops in one file apart: by the shop's column, where shops use the same order numbers."""

from __future__ import annotations

import duckdb

from storehealth.intake.cells import quote_literal, quote_name
from storehealth.intake.normalise import ReadingPlan

SEPARATOR = " · "


def name_shops(con: duckdb.DuckDBPyConnection, plan: ReadingPlan) -> str:
    """SQL that adds the shop to the order numbers of the table ``staged``; empty where no number is of two shops.

    Between files the same is done once all have been read, see ``storehealth.db.shops``.
    """
    shop = plan.layout.find_column("orders", "shop")
    if shop not in plan.match.columns or plan.order_key not in plan.match.columns:
        return ""
    order, name = quote_name(plan.order_key), quote_name(str(shop))
    shared = f"SELECT {order} FROM staged GROUP BY {order} HAVING min({name}) <> max({name}) LIMIT 1"
    if not con.execute(shared).fetchall():
        return ""
    return f" REPLACE (coalesce({order} || {quote_literal(SEPARATOR)} || {name}, {order}) AS {order})"
