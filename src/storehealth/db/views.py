"""Creates the views of ``views/*.sql``, stored as tables, each after those it reads.

Hides what was not known yet at ``as_of``: rows created later, and later events of earlier rows.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import partial

import duckdb

from storehealth.catalogue.files import describe_problem
from storehealth.catalogue.table import Table
from storehealth.catalogue.view import View
from storehealth.db import sql
from storehealth.db.errors import explain_sql_error
from storehealth.db.pool import Connections, run_parallel
from storehealth.errors import CatalogueError, OutOfMemory
from storehealth.support.message import Message, Name, message
from storehealth.support.sandbox import (
    MAX_QUERY_SECONDS,
    QueryMemoryError,
    QueryTimeoutError,
    grant_memory,
    limit_query,
)

NOT_THE_VIEWS_FAULT = (
    duckdb.InterruptException,
    duckdb.ConnectionException,
    duckdb.IOException,
    duckdb.InternalException,
)
CONTINUED = {
    "orders": (
        "SELECT order_id FROM lake.shipments WHERE order_id IS NOT NULL AND ("
        "greatest(shipped_at, waybill_uploaded_at, picked_up_at, first_hub_at, delivered_at) > {0} OR waybill_no IN"
        " (SELECT waybill_no FROM lake.scans WHERE scanned_at > {0} AND waybill_no IS NOT NULL))"
    ),
    "conversations": "SELECT conversation_id FROM lake.messages WHERE conversation_id IS NOT NULL AND sent_at > {0}",
}
"""SQL of the keys whose story went on after a moment in another table: parcels that moved, chats that were continued.

How such a row came to stand may be the outcome of that.
"""


def create_views(
    connections: Connections,
    views: Mapping[str, View],
    only: Iterable[str] | None = None,
    seconds: float = MAX_QUERY_SECONDS,
    foreign: Collection[str] = (),
) -> None:
    """Create all views that do not exist yet, or with ``only`` of the views named and those they read.

    Args:
        connections: Connections to the database with its canonical tables.
        views: All views.
        only: Names of the views wanted; default: all.
        seconds: Time limit of one view.
        foreign: Names of views from packs. If memory runs out they are blamed; otherwise the size of the files is.

    Raises:
        CatalogueError: A view's SQL is wrong or takes too long, or views depend on each other in a circle.
        OutOfMemory: A view needs more memory than it may use.
    """
    grant_memory(connections)
    existing = {name for (name,) in connections[0].execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    wanted = _in_order(views, views if only is None else only)
    _make(connections, [view for view in wanted if view.view not in existing], seconds, foreign)


def recreate_views(connections: Connections, views: Mapping[str, View], changed: str, but: Iterable[str] = ()) -> None:
    """Recreate one view and those that read it, directly or through others.

    Args:
        connections: Connections to the database with its views.
        views: All views.
        changed: The view whose rows have changed.
        but: Views that keep their rows.
    """
    stale: dict[str, View] = {}
    for view in _in_order(views, views):
        if view.view == changed or (stale.keys() & set(view.after) and view.view not in but):
            stale[view.view] = view
    for name in stale:
        connections[0].execute(f"DROP TABLE main.{name}")
    _make(connections, list(stale.values()), MAX_QUERY_SECONDS, ())


def define_views(con: duckdb.DuckDBPyConnection, views: Mapping[str, View]) -> None:
    """Create all views as real views, which store nothing: for tracing what reads what."""
    for view in _in_order(views, views):
        con.execute(f"CREATE VIEW main.{view.view} AS {view.sql.rstrip().rstrip(';')}")


def _make(connections: Connections, views: list[View], seconds: float, foreign: Collection[str]) -> None:
    jobs = {
        view.view: partial(_make_view, view=view, seconds=seconds, is_built_in=view.view not in foreign)
        for view in views
    }
    run_parallel(connections, jobs, {view.view: _dependencies(view, views[:place]) for place, view in enumerate(views)})


def _dependencies(view: View, before: Iterable[View]) -> list[str]:
    """The views before this one that it declares to read, and those its SQL names without declaring them."""
    named = set(re.findall(r"(?:\bFROM|\bJOIN|,)\s*\"?(\w+)", view.sql, re.IGNORECASE))
    return [other.view for other in before if other.view in named or other.view in view.after]


def _in_order(views: Mapping[str, View], wanted: Iterable[str]) -> list[View]:
    """The views wanted, and those they read, in an order in which they can be created."""
    order: dict[str, View] = {}

    def visit(view: View, path: tuple[str, ...]) -> None:
        if view.view in path:
            circle = Name(" → ".join((*path, view.view)))
            raise CatalogueError(message("sql.circle", names=circle))
        for name in view.after:
            if name not in views:
                problem = message("sql.no_view", name=Name(name))
                raise CatalogueError(describe_problem(f"{view.view}.sql: after", problem))
            visit(views[name], (*path, view.view))
        order.setdefault(view.view, view)

    for name in wanted:
        visit(views[name], ())
    return list(order.values())


def _make_view(con: duckdb.DuckDBPyConnection, view: View, seconds: float, is_built_in: bool) -> None:
    create = f"CREATE TABLE main.{view.view} AS {view.sql.rstrip().rstrip(';')}"
    try:
        statements = con.extract_statements(create)
        if [statement.type for statement in statements] != [duckdb.StatementType.CREATE]:
            raise _make_error(view, message("sql.one_select"))
        with limit_query(con, seconds):
            con.execute(statements[0])
    except QueryTimeoutError as error:
        raise _make_error(view, error.problem) from None
    except QueryMemoryError:
        raise OutOfMemory("" if is_built_in else f"{view.view}.sql") from None
    except NOT_THE_VIEWS_FAULT:
        raise
    except duckdb.Error as error:
        raise _make_error(view, explain_sql_error(error, view.sql)) from error


def _make_error(view: View, problem: Message) -> CatalogueError:
    return CatalogueError(describe_problem(f"{view.view}.sql", problem), message("sql.fix_view"))


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
    for name in sorted(later):
        latest = f"SELECT max(greatest({sql.quote_names(tables[name].events)})) FROM {name}"
        last = con.execute(latest).fetchall()[0][0]
        known |= {name: last} if last else {}
    return known


def list_affected(tables: Mapping[str, Table], ends: Mapping[str, datetime], as_of: datetime | None) -> list[str]:
    """Names of the tables from which ``as_of`` may hide something."""
    later = {table for table, end in ends.items() if as_of is not None and end > as_of}
    return [table.name for table in tables.values() if as_of and _is_affected(table, later)]


def _is_affected(table: Table, later: set[str]) -> bool:
    shown_elsewhere = bool(
        later & {"orders": {"shipments", "scans"}, "conversations": {"messages"}}.get(table.name, set())
    )
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
    if table.name in CONTINUED:
        undone += f" OR coalesce({table.key[0]} IN ({CONTINUED[table.name].format(moment)}), false)"
    cells += [
        f"CASE WHEN NOT ({undone}) THEN {sql.quote_name(name)} END AS {sql.quote_name(name)}" for name in table.final
    ]
    cells += [
        f"CASE WHEN coalesce(coalesce({sql.quote_names(column.follows)}) <= {moment}, NOT ({undone}))"
        f" THEN {sql.quote_name(name)} END AS {sql.quote_name(name)}"
        for name, column in table.columns.items()
        if column.follows
    ]
    born = ", ".join([*([sql.quote_name(table.born)] if table.born else []), f"least({', '.join(events)})"])
    return (
        f"SELECT * REPLACE ({', '.join(cells)}) FROM lake.{table.name}"
        f" WHERE coalesce({born}) IS NULL OR coalesce({born}) <= {moment}"
    )
