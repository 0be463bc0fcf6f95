"""Pieces of SQL text: quoted names and values, column lists of canonical tables."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from storehealth.catalogue.table import Table

SOURCE_PATH = "source_path"
"""Type of a row's file: an enum ordered by name. Sorting and joining texts instead would take a fifth of an audit."""
OUTCOME = "row_outcome"
"""Type of a row's outcome: an enum, since grouping by a text takes half as long again."""
OUTCOMES = ("met", "late", "overdue", "undecided", "not_judgeable", "exempt")
"""The order counts, as conditions are ranges: defects are ``late`` to ``overdue``; what is judged ends there."""
ORIGIN = {"store_id": "VARCHAR", "source_file": SOURCE_PATH, "source_row": "BIGINT", "unread": "VARCHAR[]"}
"""Columns every canonical table has besides its own. ``unread`` names the columns whose cell could not be read."""


def quote_name(text: str) -> str:
    """A quoted identifier."""
    return '"' + text.replace('"', '""') + '"'


def quote_value(item: object) -> str:
    """A literal. Lists become lists; times are naive."""
    if item is None:
        return "NULL"
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, int | float):
        return repr(item)
    if isinstance(item, datetime):
        return f"TIMESTAMP '{item.isoformat(' ')}'"
    if isinstance(item, date):
        return f"DATE '{item.isoformat()}'"
    if isinstance(item, list | tuple):
        return f"[{', '.join(map(quote_value, item))}]" if item else "[]::VARCHAR[]"
    return "'" + str(item).replace("'", "''") + "'"


def create_source_path_type(paths: Iterable[str]) -> str:
    """The statement that creates type :data:`SOURCE_PATH`."""
    return f"CREATE TYPE {SOURCE_PATH} AS ENUM ({', '.join(map(quote_value, sorted(set(paths))))})"


def create_outcome_type() -> str:
    """The statement that creates type :data:`OUTCOME`."""
    return f"CREATE TYPE {OUTCOME} AS ENUM ({', '.join(map(quote_value, OUTCOMES))})"


def quote_names(columns: Iterable[str], before: str = "") -> str:
    """Quoted identifiers, comma-separated, each after ``before``."""
    return ", ".join(before + quote_name(column) for column in columns)


def select_no_rows(table: Table) -> str:
    """A SELECT that returns no rows, with the columns of a canonical table."""
    return (
        "SELECT "
        + ", ".join(f"NULL::{kind} AS {quote_name(column)}" for column, kind in _type_columns(table).items())
        + " WHERE false"
    )


def create_empty_table(table: Table) -> str:
    """The statement that creates a canonical table without rows."""
    columns = ", ".join(f"{quote_name(column)} {kind}" for column, kind in _type_columns(table).items())
    return f"CREATE TABLE main.{table.name} ({columns})"


def _type_columns(table: Table) -> dict[str, str]:
    return {column: table.sql_type(column) for column in table.columns} | ORIGIN
