"""Creates the views of ``views/*.sql``, stored as tables, each after those it reads."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import partial

import duckdb

from storehealth.catalogue.files import describe_problem
from storehealth.catalogue.view import View
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


def create_views(
    hands: Connections,
    views: Mapping[str, View],
    only: Iterable[str] | None = None,
    seconds: float = MAX_QUERY_SECONDS,
    foreign: Collection[str] = (),
) -> None:
    """Run the SQL of all views, or with ``only`` of the views named and those they read.

    Args:
        hands: Connections to the database with its canonical tables.
        views: All views.
        only: Names of the views wanted; default: all.
        seconds: Time limit of one view.
        foreign: Names of views from packs. If memory runs out they are blamed; otherwise the size of the files is.

    Raises:
        CatalogueError: A view's SQL is wrong or takes too long, or views depend on each other in a circle.
        OutOfMemory: A view needs more memory than it may use.
    """
    grant_memory(hands)
    _make(hands, _in_order(views, views if only is None else only), seconds, foreign)


def recreate_views(hands: Connections, views: Mapping[str, View], changed: str, but: Iterable[str] = ()) -> None:
    """Recreate one view and those that read it, directly or through others.

    Args:
        hands: Connections to the database with its views.
        views: All views.
        changed: The view whose rows have changed.
        but: Views that keep their rows.
    """
    stale: dict[str, View] = {}
    for view in _in_order(views, views):
        if view.view == changed or (stale.keys() & set(view.after) and view.view not in but):
            stale[view.view] = view
    for name in stale:
        hands[0].execute(f"DROP TABLE main.{name}")
    _make(hands, list(stale.values()), MAX_QUERY_SECONDS, ())


def define_views(con: duckdb.DuckDBPyConnection, views: Mapping[str, View]) -> None:
    """Create all views as real views, which store nothing: for tracing what reads what."""
    for view in _in_order(views, views):
        con.execute(f"CREATE VIEW main.{view.view} AS {view.sql.rstrip().rstrip(';')}")


def _make(hands: Connections, views: list[View], seconds: float, foreign: Collection[str]) -> None:
    jobs = {view.view: partial(_make_view, view=view, seconds=seconds, own=view.view not in foreign) for view in views}
    run_parallel(hands, jobs, {view.view: _dependencies(view, views[:place]) for place, view in enumerate(views)})


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


def _make_view(con: duckdb.DuckDBPyConnection, view: View, seconds: float, own: bool) -> None:
    create = f"CREATE TABLE main.{view.view} AS {view.sql.rstrip().rstrip(';')}"
    try:
        statements = con.extract_statements(create)
        if [statement.type for statement in statements] != [duckdb.StatementType.CREATE]:
            raise _make_error(view, message("sql.one_select"))
        with limit_query(con, seconds):
            con.execute(create)
    except QueryTimeoutError as error:
        raise _make_error(view, error.problem) from None
    except QueryMemoryError:
        raise OutOfMemory("" if own else f"{view.view}.sql") from None
    except NOT_THE_VIEWS_FAULT:
        raise
    except duckdb.Error as error:
        raise _make_error(view, explain_sql_error(error, view.sql)) from error


def _make_error(view: View, problem: Message) -> CatalogueError:
    return CatalogueError(describe_problem(f"{view.view}.sql", problem), message("sql.fix_view"))
