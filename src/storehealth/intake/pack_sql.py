"""Checks and limits for the SQL in a pack's layouts and tables: each is one expression over a row's columns.

Intake's database may read files, so SQL of a pack must not be able to name one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

import duckdb

from storehealth.catalogue import Catalogue
from storehealth.catalogue.files import describe_problem, locate_key
from storehealth.catalogue.lineage import LITERAL, PLAIN, TOLD, UNKNOWN, Lineage, combine
from storehealth.errors import CatalogueError, OutOfMemory
from storehealth.intake.normalise import ReadingPlan
from storehealth.support.message import Message, Name, lines, message
from storehealth.support.sandbox import (
    MAX_QUERY_SECONDS,
    SQL_TEXT_ERRORS,
    QueryMemoryError,
    QueryTimeoutError,
    limit_query,
)

ROW_COLUMNS = ("source_row", "source_file", "store_id")
"""Columns that every row has."""


class SqlExpression(NamedTuple):
    """An SQL expression and its place: ``kind`` (folder) and ``name`` of its file, and the key in it."""

    kind: str
    name: str
    key: str
    sql: str


def list_expressions(catalogue: Catalogue) -> Iterator[SqlExpression]:
    """Every SQL expression of layouts and tables, those built in included."""
    for name, layout in catalogue.layouts.items():
        by_key = [(f"columns.{key}.sql", column.sql) for key, column in layout.columns.items()]
        by_key += [("skip", layout.skip), ("only", layout.only)]
        yield from (SqlExpression("layouts", name, key, sql) for key, sql in by_key if sql)
    for name, table in catalogue.tables.items():
        for key, column in table.columns.items():
            if column.otherwise:
                yield SqlExpression("tables", name, f"columns.{key}.otherwise", column.otherwise)


def check_pack_sql(catalogue: Catalogue) -> None:
    """Refuse a pack whose SQL is anything but single expressions.

    Raises:
        CatalogueError: Lists every other piece of SQL, one line each.
    """
    from_packs = [piece for piece in list_expressions(catalogue) if catalogue.is_from_pack(piece.kind, piece.name)]
    if not from_packs:
        return
    with duckdb.connect() as con:
        wrong = [piece for piece in from_packs if not is_expression(con, piece.sql)]
        _refuse(catalogue, wrong, message("sql.one_expression"), message("sql.no_select"))
        showing = [piece for piece in from_packs if shows_personal_values(catalogue, con, piece)]
        _refuse(catalogue, showing, message("sql.personal_cell"), message("sql.personal_cell_hint"))


def _refuse(catalogue: Catalogue, wrong: Sequence[SqlExpression], problem: Message, hint: Message) -> None:
    places = [locate_key(catalogue.paths[f"{found.kind}/{found.name}"], found.key) for found in wrong]
    if places:
        raise CatalogueError(lines(describe_problem(place, problem) for place in places), hint)


def shows_personal_values(catalogue: Catalogue, con: duckdb.DuckDBPyConnection, found: SqlExpression) -> bool:
    """Whether an expression fills a column that is shown from one that is not, or from what cannot be followed.

    The helper columns of a layout (``_name``) are what the layout takes them for, as all of its columns are.
    """
    if not found.key.startswith("columns."):
        return False
    lineage, filled = Lineage(catalogue, con, ""), found.key.removeprefix("columns.").rpartition(".")[0]
    columns = _classify_columns(lineage, catalogue, found)
    kind = columns.pop(filled)
    if kind == TOLD:  # searched for personal values wherever it is shown, so it may hold what others of its kind hold
        columns = {name: UNKNOWN if held == TOLD else held for name, held in columns.items()}
    traced = lineage.trace_cells(found.sql, columns | dict.fromkeys(ROW_COLUMNS, PLAIN))
    return kind in (PLAIN, UNKNOWN, TOLD) and traced not in (PLAIN, UNKNOWN, LITERAL)


def _classify_columns(lineage: Lineage, catalogue: Catalogue, found: SqlExpression) -> dict[str, str]:
    """The kinds of the columns that an expression is over."""
    if found.kind == "tables":
        return {name: lineage.classify_column(found.name, name) for name in catalogue.tables[found.name].columns}
    layout = catalogue.layouts[found.name]
    return {name: _classify(lineage, catalogue, layout.feeds, name) for name in layout.columns}


def _classify(lineage: Lineage, catalogue: Catalogue, tables: Sequence[str], name: str) -> str:
    """The kind of a layout's column: of the canonical columns it fills, the one that is least shown."""
    owner, _, column = name.rpartition(".")
    owners = [owner] if owner else [table for table in tables if column in catalogue.tables[table].columns]
    kinds = [lineage.classify_column(table, column) for table in owners]
    return combine(kinds) if kinds else UNKNOWN


def is_expression(con: duckdb.DuckDBPyConnection, sql: str) -> bool:
    """Whether SQL is a single expression without a query, table or file in it. It is parsed, never run."""
    plain = _drop_select_list(_parse_select(con, "SELECT (1)"))
    # Twice, as a comment at the end of the expression could swallow the closing bracket on its line.
    trees = [_parse_select(con, f"SELECT ({sql}{end})") for end in ("", "\n")]
    return all(tree is not None and _drop_select_list(tree) == plain and not _has_subquery(tree) for tree in trees)


def _parse_select(con: duckdb.DuckDBPyConnection, query: str) -> Any:
    """DuckDB's syntax tree of one SELECT; None where the text is not exactly one."""
    ((text,),) = con.execute("SELECT json_serialize_sql(?::VARCHAR)", [query]).fetchall()
    tree = json.loads(text)
    return None if tree["error"] or len(tree["statements"]) != 1 else tree["statements"][0]["node"]


def _drop_select_list(node: Any) -> Any:
    """All of a SELECT but the selected expressions, and how many of these there are."""
    return {key: part for key, part in node.items() if key != "select_list"}, len(node.get("select_list", ()))


def _has_subquery(part: Any) -> bool:
    """Whether there is a query anywhere inside a part of a syntax tree."""
    if isinstance(part, list):
        return any(map(_has_subquery, part))
    return isinstance(part, dict) and (part.get("class") == "SUBQUERY" or any(map(_has_subquery, part.values())))


@contextmanager
def limit_pack_sql(con: duckdb.DuckDBPyConnection, plan: ReadingPlan) -> Iterator[None]:
    """Hold SQL of a pack to the time and memory that rules of a pack may take. Built-in SQL runs without limits.

    Raises:
        CatalogueError: The SQL ran too long, or does not fit the columns.
        OutOfMemory: The SQL asked for more memory than is allowed.
    """
    name = f"{plan.layout.name}.yaml"
    try:
        with limit_query(con, MAX_QUERY_SECONDS, anew=True) if plan.from_pack else nullcontext():
            yield
    except QueryTimeoutError as error:
        raise CatalogueError(describe_problem(name, error.problem), message("sql.fix_layout")) from None
    except QueryMemoryError:
        raise OutOfMemory(name) from None
    except SQL_TEXT_ERRORS as error:
        if not plan.from_pack:
            raise
        reason = str(error).partition("\n")[0]
        problem = message("sql.misfit", text=Name(reason))
        raise CatalogueError(describe_problem(name, problem), message("sql.fix_layout")) from None
