"""Hides what was not known yet at ``as_of``: rows created later, and later events of earlier rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import duckdb

from storehealth.catalogue.table import Table
from storehealth.db import sql


def create_visible_tables(
    con: duckdb.DuckDBPyConnection, tables: Mapping[str, Table], ends: Mapping[str, datetime], as_of: datetime | None
) -> dict[str, datetime]:
    """Create ``main.<table>`` from ``lake.<table>`` for every table.

    Args:
        con: The database.
        tables: All canonical tables.
        ends: Last event of each table that has events.
        as_of: The audit's moment; None where no row has a time.

    Returns:
        Last event of each table up to ``as_of``.
    """
    later = {table for table, end in ends.items() if as_of is not None and end > as_of}
    known = {table: end for table, end in ends.items() if table not in later}
    views = [
        f"CREATE VIEW main.{table.name} AS "
        + (_hide_later(table, as_of) if as_of and _is_affected(table, later) else f"SELECT * FROM lake.{table.name}")
        for table in tables.values()
    ]
    con.execute(";".join(views))
    for name in later:
        latest = f"SELECT max(greatest({sql.quote_names(tables[name].events)})) FROM {name}"
        last = con.execute(latest).fetchall()[0][0]
        known |= {name: last} if last else {}
    return known


def _is_affected(table: Table, later: set[str]) -> bool:
    return table.name in later or ("orders" in later and not table.events)


def _hide_later(table: Table, as_of: datetime) -> str:
    moment = sql.quote_value(as_of)
    if not table.events:
        unborn = f"SELECT order_id FROM lake.orders WHERE created_at > {moment} AND order_id IS NOT NULL"
        hide = f" WHERE order_id IS NULL OR order_id NOT IN ({unborn})" if "order_id" in table.columns else ""
        return f"SELECT * FROM lake.{table.name}{hide}"
    events = [sql.quote_name(column) for column in table.events]
    cells = [f"CASE WHEN {column} <= {moment} THEN {column} END AS {column}" for column in events]
    if "status" in table.columns:
        undone = " OR ".join(f"{column} > {moment}" for column in events)
        cells.append(f"CASE WHEN NOT coalesce({undone}, false) THEN status END AS status")
    born = ", ".join([*([sql.quote_name(table.born)] if table.born else []), f"least({', '.join(events)})"])
    return (
        f"SELECT * REPLACE ({', '.join(cells)}) FROM lake.{table.name}"
        f" WHERE coalesce({born}) IS NULL OR coalesce({born}) <= {moment}"
    )
