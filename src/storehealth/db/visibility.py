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


def list_affected(tables: Mapping[str, Table], ends: Mapping[str, datetime], as_of: datetime | None) -> list[str]:
    """Names of the tables from which ``as_of`` may hide something."""
    later = {table for table, end in ends.items() if as_of is not None and end > as_of}
    return [table.name for table in tables.values() if as_of and _is_affected(table, later)]


def _is_affected(table: Table, later: set[str]) -> bool:
    shown_elsewhere = table.name == "orders" and bool(later & {"shipments", "scans"})
    return table.name in later or shown_elsewhere or (bool(later) and not table.events)


def _hide_later(table: Table, as_of: datetime) -> str:
    moment = sql.quote_value(as_of)
    if not table.events:
        hidden = [f"coalesce({sql.quote_name(table.born)} <= {moment}, true)"] if table.born else []
        if "order_id" in table.columns:
            unborn = f"SELECT order_id FROM lake.orders WHERE created_at > {moment} AND order_id IS NOT NULL"
            hidden.append(f"(order_id IS NULL OR order_id NOT IN ({unborn}))")
        return f"SELECT * FROM lake.{table.name}{' WHERE ' + ' AND '.join(hidden) if hidden else ''}"
    events = [sql.quote_name(column) for column in table.events]
    cells = [f"CASE WHEN {column} <= {moment} THEN {column} END AS {column}" for column in events]
    undone = " OR ".join(f"coalesce({column} > {moment}, false)" for column in events)
    if table.name == "orders":
        undone += f" OR coalesce(order_id IN ({_moved_later(moment)}), false)"
    cells += [
        f"CASE WHEN NOT ({undone}) THEN {sql.quote_name(name)} END AS {sql.quote_name(name)}" for name in table.final
    ]
    born = ", ".join([*([sql.quote_name(table.born)] if table.born else []), f"least({', '.join(events)})"])
    return (
        f"SELECT * REPLACE ({', '.join(cells)}) FROM lake.{table.name}"
        f" WHERE coalesce({born}) IS NULL OR coalesce({born}) <= {moment}"
    )


def _moved_later(moment: str) -> str:
    """SQL of the orders whose parcels moved after a moment: their status may be the word for that."""
    parcel = "greatest(shipped_at, waybill_uploaded_at, picked_up_at, first_hub_at, delivered_at)"
    return (
        f"SELECT order_id FROM lake.shipments WHERE order_id IS NOT NULL AND ({parcel} > {moment}"
        f" OR waybill_no IN (SELECT waybill_no FROM lake.scans WHERE scanned_at > {moment} AND waybill_no IS NOT NULL))"
    )
