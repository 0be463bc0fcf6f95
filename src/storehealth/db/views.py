"""Creates the views of ``views/*.sql``, stored as tables, each after those it reads.

Hides what was not known yet at ``as_of``: rows created later, and later events of earlier rows.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
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
from storehealth.model import StoredTable
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
SCANNED = "waybill_no IN (SELECT waybill_no FROM raw.scans WHERE scanned_at > {0} AND waybill_no IS NOT NULL)"
CONTINUED = {
    "orders": {
        "shipments": "SELECT order_id FROM raw.shipments WHERE order_id IS NOT NULL AND ("
        "greatest(shipped_at, waybill_uploaded_at, picked_up_at, first_hub_at, delivered_at) > {0} OR {1})"
    },
    "conversations": {
        "messages": "SELECT conversation_id FROM raw.messages WHERE conversation_id IS NOT NULL AND sent_at > {0}"
    },
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
    wanted = _in_order(views, views if only is None else only)
    if not wanted:
        return
    grant_memory(connections)
    listed = "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database()"
    existing = {name for (name,) in connections[0].execute(listed).fetchall()}
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


def has_view(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Whether a view was created: only those are that a rule to be measured reads."""
    try:
        con.execute(f"SELECT 1 FROM main.{name} LIMIT 0")  # listing all tables takes four times as long
    except duckdb.CatalogException:
        return False
    return True


def hide_later_rows(
    con: duckdb.DuckDBPyConnection,
    tables: Mapping[str, Table],
    parts: Mapping[str, Sequence[StoredTable]],
    ends: Mapping[str, datetime],
    as_of: datetime | None,
) -> list[str]:
    """Create ``known.<table>`` of what the rows of ``raw.<table>`` told at ``as_of``, where that is less than all of it.

    Rows of one key are cut before they are combined: a parcel of later days lends its order nothing.

    Args:
        con: The database.
        tables: All canonical tables.
        parts: Table → the files that feed it.
        ends: Last event of each table that has events.
        as_of: The audit's moment; None where no row has a time.

    Returns:
        Names of the tables created.
    """
    con.execute("CREATE SCHEMA known")
    later = {table for table, end in ends.items() if as_of is not None and end > as_of}
    affected = [tables[name] for name in tables if name in parts and _is_affected(tables[name], later)]
    for table in affected:
        repeats = len(parts[table.name]) > 1 or any(part.distinct_keys < part.rows for part in parts[table.name])
        query = _hide_later(table, sql.quote_value(as_of), parts, repeats=repeats)
        con.execute(f"CREATE VIEW known.{table.name} AS {query}")
    return [table.name for table in affected]


def find_last_events(
    con: duckdb.DuckDBPyConnection,
    tables: Mapping[str, Table],
    ends: Mapping[str, datetime],
    as_of: datetime | None,
) -> dict[str, datetime]:
    """Last event of each table up to ``as_of``, from the last of all.

    Counted in the rows as exported: of two parcels of an order the combined row may keep only the earlier scan.
    """
    known = {table: end for table, end in ends.items() if as_of is None or end <= as_of}
    for name in sorted(ends.keys() - known):
        latest = f"SELECT max(greatest({sql.quote_names(tables[name].events)})) FROM known.{name}"
        last = con.execute(latest).fetchall()[0][0]
        known |= {name: last} if last else {}
    return known


def _is_affected(table: Table, later: set[str]) -> bool:
    shown_elsewhere = bool(
        later & {"orders": {"shipments", "scans"}, "conversations": {"messages"}}.get(table.name, set())
    )
    return table.name in later or shown_elsewhere or (bool(later) and not table.events)


def _hide_later(table: Table, moment: str, present: Collection[str], *, repeats: bool) -> str:
    """SELECT of a table's raw rows as they stood; ``repeats`` where several may have one key."""
    if not table.events:
        hidden = [f"coalesce({sql.quote_name(table.born)} <= {moment}, true)"] if table.born else []
        if "order_id" in table.columns and "orders" in present:
            unborn = f"SELECT order_id FROM raw.orders WHERE order_id IS NOT NULL GROUP BY 1 HAVING min(created_at) > {moment}"
            hidden.append(f"(order_id IS NULL OR order_id NOT IN ({unborn}))")
        return f"SELECT * FROM raw.{table.name}{' WHERE ' + ' AND '.join(hidden) if hidden else ''}"
    events = [sql.quote_name(column) for column in table.events]
    cells = [f"CASE WHEN {column} <= {moment} THEN {column} END AS {column}" for column in events]
    cells += [
        f"CASE WHEN NOT is_undone THEN {_fill_blank(table, name)} END AS {sql.quote_name(name)}" for name in table.final
    ]
    cells += [
        f"CASE WHEN coalesce(coalesce({sql.quote_names(column.follows)}) <= {moment}, NOT is_undone)"
        f" THEN {sql.quote_name(name)} END AS {sql.quote_name(name)}"
        for name, column in table.columns.items()
        if column.follows
    ]
    begins_at = _find_beginning(table, events, repeats=repeats)
    is_undone = _find_undone(table, events, moment, present, repeats=repeats)
    return (
        f"SELECT * EXCLUDE (begins_at, is_undone) REPLACE ({', '.join(cells)})"
        f" FROM (SELECT *, {begins_at} AS begins_at, {is_undone} AS is_undone"
        f" FROM raw.{table.name}{_name_key(table, repeats=repeats)})"
        f" WHERE begins_at IS NULL OR begins_at <= {moment}"
    )


def _fill_blank(table: Table, name: str) -> str:
    """A blank flag says no, other than one that is hidden."""
    column = sql.quote_name(name)
    return f"coalesce({column}, false)" if table.columns[name].type == "flag" else column


def _name_key(table: Table, *, repeats: bool) -> str:
    return f" WINDOW of_key AS (PARTITION BY {sql.quote_names(table.key)})" if repeats else ""


def _find_beginning(table: Table, events: Sequence[str], *, repeats: bool) -> str:
    """When a row began: its own first time, else that of the other rows of its key."""
    first = f"least({', '.join(events)})"
    born = [sql.quote_name(table.born)] if table.born else []
    own = [*born, first]
    if repeats:
        own = [cell for each in own for cell in (each, f"min({each}) OVER of_key")]
    return f"coalesce({', '.join(own)})"


def _find_undone(table: Table, events: Sequence[str], moment: str, present: Collection[str], *, repeats: bool) -> str:
    """Whether something happened later to the key of a row, as far as any table tells."""
    undone = " OR ".join(f"coalesce({column} > {moment}, false)" for column in events)
    if repeats:
        undone = f"bool_or({undone}) OVER of_key"
    for other, query in CONTINUED.get(table.name, {}).items():
        if other in present:
            scanned = SCANNED.format(moment) if "scans" in present else "false"
            undone += f" OR coalesce({table.key[0]} IN ({query.format(moment, scanned)}), false)"
    return undone
