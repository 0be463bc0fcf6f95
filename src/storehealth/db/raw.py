"""Brings canonical rows into the database, unmerged: as views over the lake's Parquet files, or from memory.

Each relation ``raw.<table>`` has the table's columns, ``store_id``, ``source_file``, ``source_row``, and
``part_row``, which together with ``source_file`` identifies one row.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from storehealth.catalogue.table import UNREAD, Table
from storehealth.db import sql
from storehealth.errors import CatalogueError
from storehealth.model import Intake, StoredTable
from storehealth.support.message import Name, message

Filled = dict[tuple[str, str], int]
"""Number of values per source path and column of one table."""
MANY_FILES = 12
"""Files of one table beyond which its rows are copied into the database before they are read."""
MOST_STORED = 500_000
"""Rows of one table up to which they are, as its texts then need memory."""


def load_parquet(con: duckdb.DuckDBPyConnection, table: Table, parts: Sequence[StoredTable], store: str) -> Filled:
    """Create ``raw.<table>`` as a view over Parquet files, and count each column's values from the files' footers.

    Rows of many files are stored once: they are read a dozen times, and opening the files each time costs more.
    """
    counts = con.execute(
        f"SELECT file_name, path_in_schema, sum(num_values - coalesce(stats_null_count, 0))"
        f" FROM parquet_metadata({_paths(parts)}) GROUP BY ALL"
    ).fetchall()
    names = {path.partition(", ")[0] for _, path, _ in counts}  # a list column has a path: "unread, list, element"
    rows = build_parquet_query(table, parts, store, names)
    if len(parts) > MANY_FILES and sum(part.rows for part in parts) <= MOST_STORED:
        con.execute(f"CREATE TABLE raw.{table.name}_stored AS {rows}")
        rows = f"FROM raw.{table.name}_stored"
    con.execute(f"CREATE VIEW raw.{table.name} AS {rows}")
    sources = {str(part.parquet): part.source for part in parts}
    return {(sources[path], column): int(known) for path, column, known in counts}


def build_parquet_query(table: Table, parts: Sequence[StoredTable], store: str, names: Collection[str]) -> str:
    """A SELECT over these files with all columns of the table, of which the files have those with these names."""
    typed = {column: table.sql_type(column) for column in table.columns}
    typed |= {"source_row": "BIGINT", UNREAD: sql.ORIGIN[UNREAD]}
    cells = [
        f"{sql.quote_name(column) if column in names else 'NULL'}::{kind} AS {sql.quote_name(column)}"
        for column, kind in typed.items()
    ]
    file = f"{sql.quote_value(parts[0].source)}::{sql.SOURCE_PATH}"
    if len(parts) > 1:
        paths = sql.quote_value([part.source for part in parts])
        file = f"({paths}::{sql.SOURCE_PATH}[])[file_index::BIGINT + 1]"
    return (
        f"SELECT {', '.join(cells)}, {sql.quote_value(store)} AS store_id, {file} AS source_file, file_row_number AS part_row"
        f" FROM read_parquet({_paths(parts)}, union_by_name = true)"
    )


def list_values(parts: Sequence[StoredTable], column: str) -> set[str]:
    """List the distinct values of a column in Parquet files of one table; empty without files or without the column."""
    if not parts:
        return set()
    with duckdb.connect() as con:
        schema = con.execute(f"SELECT DISTINCT name FROM parquet_schema({_paths(parts)})").fetchall()
        if (column,) not in schema:
            return set()
        name = sql.quote_name(column)
        files = f"read_parquet({_paths(parts)}, union_by_name = true)"
        rows = con.execute(f"SELECT DISTINCT {name}::VARCHAR FROM {files} WHERE {name} IS NOT NULL").fetchall()
    return {value for (value,) in rows}


def _paths(parts: Iterable[StoredTable]) -> str:
    return sql.quote_value([str(part.parquet) for part in parts])


def load_rows(
    con: duckdb.DuckDBPyConnection, table: Table, rows: Sequence[Mapping[str, Any]], store: str
) -> tuple[list[StoredTable], Filled]:
    """Create ``raw.<table>`` from rows in memory. A column a row does not name is NULL, or the table's default.

    Rows may name their ``source_file`` and ``source_row``; otherwise they count as lines of ``<table>.csv``.

    Raises:
        CatalogueError: A row names a column that the table lacks.
    """
    typed = {column: table.sql_type(column) for column in table.columns} | sql.ORIGIN | {"part_row": "BIGINT"}
    unknown = {column for row in rows for column in row} - set(typed)
    if unknown:
        names = tuple(map(Name, sorted(unknown)))
        raise CatalogueError(message("db.no_column", table=Name(table.name), names=names))
    origin = {"store_id": store, "source_file": _default_file(table.name)}
    named = {*origin, "source_row", "part_row", *(column for row in rows for column in row)}
    full = [origin | {"source_row": number + 2, "part_row": number} | dict(row) for number, row in enumerate(rows)]
    cells = ", ".join(
        f"{f'(r->>{sql.quote_value(column)})' if column in named else 'NULL'}::{kind} AS {sql.quote_name(column)}"
        for column, kind in typed.items()
    )
    text = json.dumps(full, default=_text, ensure_ascii=False)
    values = f"SELECT {cells} FROM (SELECT unnest(?::JSON[]) AS r)"
    con.execute(f"CREATE TABLE raw.{table.name} AS SELECT * {_defaults(table)} FROM ({values})", [text])
    filled = named.union(name for name, column in table.columns.items() if column.otherwise)
    return _count_parts(con, table, [name for name in table.columns if name in filled])


def list_sources(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """The source files of rows in memory, by table: those they name, or the default."""
    paths = (row.get("source_file", _default_file(name)) for name, file_rows in rows.items() for row in file_rows)
    return [str(path) for path in paths if path is not None]


def _default_file(table: str) -> str:
    return f"{table}.csv"


def _defaults(table: Table) -> str:
    """The table's default values for NULLs, as a REPLACE clause."""
    cells = [
        f"coalesce({sql.quote_name(name)}, ({column.otherwise})::{table.sql_type(name)}) AS {sql.quote_name(name)}"
        for name, column in table.columns.items()
        if column.otherwise
    ]
    return f"REPLACE ({', '.join(cells)})" if cells else ""


def _text(item: Any) -> str:
    return item.isoformat(" ") if isinstance(item, datetime) else str(item)


def _count_parts(
    con: duckdb.DuckDBPyConnection, table: Table, columns: Sequence[str]
) -> tuple[list[StoredTable], Filled]:
    """What intake would know about these rows, per file: counts, distinct keys, first and last event.

    Args:
        con: The database, with the rows in ``raw``.
        table: The canonical table.
        columns: The columns that may have values.
    """
    keys = f"count(DISTINCT row({sql.quote_names(table.key)}))"
    first, last = (_extreme(table, side) for side in ("least", "greatest"))
    known = "".join(f", count({sql.quote_name(column)})" for column in columns)
    parts: list[StoredTable] = []
    filled: Filled = {}
    query = f"SELECT source_file, count(*), {keys}, min({first}), max({last}){known} FROM raw.{table.name}"
    for source, rows, distinct, begin, end, *counts in con.execute(f"{query} GROUP BY 1 ORDER BY 1").fetchall():
        kept = {"rows": rows, "distinct_keys": distinct, "first": begin, "last": end}
        parts.append(StoredTable(table=table.name, source=source, parquet=Path(source), **kept))
        filled |= {(source, column): count for column, count in zip(columns, counts, strict=True)}
    return parts, filled


def count_filled(con: duckdb.DuckDBPyConnection, table: Table, schema: str) -> Filled:
    """Number of values per source path and column of ``<schema>.<table>``."""
    known = ", ".join(f"count({sql.quote_name(column)})" for column in table.columns)
    counts = con.execute(f"SELECT source_file, {known} FROM {schema}.{table.name} GROUP BY 1").fetchall()
    return {(source, name): count for source, *row in counts for name, count in zip(table.columns, row, strict=True)}


def _extreme(table: Table, side: str) -> str:
    return f"{side}({sql.quote_names(table.events)})" if table.events else "NULL::TIMESTAMP"


def create_intake_tables(
    con: duckdb.DuckDBPyConnection, intake: Intake, tables: Mapping[str, Table], store: str
) -> None:
    """Create ``raw.files`` and ``raw.rejects`` from intake's report on its own work."""
    lines = [source.model_dump(mode="json", include=set(tables["files"].columns)) for source in intake.sources]
    columns = [
        line | {"source_file": line["path"], "source_row": None, "tables": ",".join(line["tables"])} for line in lines
    ]
    load_rows(con, tables["files"], columns, store)
    rejects = [part for part in intake.rejects if part.rows]
    if not rejects:
        con.execute(f"CREATE VIEW raw.rejects AS {sql.select_no_rows(tables['rejects'])}")
        return
    schema = con.execute(f"SELECT DISTINCT name FROM parquet_schema({_paths(rejects)})").fetchall()
    query = build_parquet_query(tables["rejects"], rejects, store, {name for (name,) in schema})
    con.execute(f"CREATE VIEW raw.rejects_read AS {query}")
    con.execute(
        "CREATE VIEW raw.rejects AS SELECT * EXCLUDE (part_row)"
        " REPLACE (source_file AS file, line AS source_row) FROM raw.rejects_read"
    )
