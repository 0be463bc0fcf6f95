"""Merges overlapping exports: one row per key, that of the more recent export.

Rows of one file with the same key are lines of one thing (an order): each column says how they are combined. Between
files, the export with the latest event wins, then the later file name; never the file's own date. A column that the
winning file does not have at all (another kind of export) is taken from the next file. Only rows whose key occurs twice
are touched: they are set aside in ``lake.<table>_again``, combined per file in ``lake.<table>_files`` and collapsed into
``lake.<table>_once``. Files whose times do not overlap are not compared.

Several shops in one folder are told apart where their order numbers repeat: two exports are of different shops if the same
order number has another internal id, another shop, or nearly always another day of creation in each. Their order numbers
then carry the shop's name, in every table that such a file feeds, and ``store_id`` is that name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

import duckdb

from storehealth.catalogue.table import COMBINED_UNREAD, UNREAD, Table
from storehealth.db import sql
from storehealth.db.raw import Filled
from storehealth.model import StoredTable

UPDATED = frozenset({"status", *sql.ORIGIN})
"""Columns that may change between two exports without a conflict."""
MARKS = ("internal_id", "shop")
"""Columns of orders that tell shops apart."""
ANY_ZONE = 26 * 3600
"""Seconds by which two exports of one order may differ in when it was created: zones from -12 to +14 hours."""
LEAST_APART, NEARLY_ALL = 3, 0.8
"""Orders of one number, created at two times, from which two files are of two shops; and their share of those they share."""
SEPARATOR = " · "


def merge_exports(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    parts: Sequence[StoredTable],
    filled: Filled,
    rank: Mapping[str, int],
    schema: str = "raw",
) -> dict[str, int]:
    """Create ``lake.<table>`` from the rows of the files, and record conflicts.

    Args:
        con: The database; table ``conflicts`` exists.
        table: The canonical table.
        parts: The files that feed it, none empty.
        filled: Number of values per source path and column.
        rank: Rank of each source path; 0 wins over all others.
        schema: ``raw``, or ``known`` where only some of the rows were there at ``as_of``.

    Returns:
        Rows per source path that are merged into a row of another file.
    """
    overlapping = _find_overlaps(table, parts, filled)
    columns = [*table.columns, *sql.ORIGIN]
    if not overlapping:
        con.execute(f"CREATE VIEW lake.{table.name} AS SELECT {sql.quote_names(columns)} FROM {schema}.{table.name}")
        return {}
    _set_aside(con, table, overlapping, rank, schema)
    _collapse(con, table, _providers(table, overlapping, filled))
    con.execute(
        f"CREATE VIEW lake.{table.name} AS SELECT {sql.quote_names(columns)} FROM {schema}.{table.name}"
        f" ANTI JOIN lake.{table.name}_again USING (source_file, part_row)"
        f" UNION ALL SELECT {sql.quote_names(columns)} FROM lake.{table.name}_once"
    )
    _note_conflicts(con, table)
    dropped = con.execute(
        f"SELECT a.source_file, count(*) FROM lake.{table.name}_again a JOIN lake.{table.name}_once b"
        f" ON {_same_key(table)} WHERE a.source_file <> b.source_file GROUP BY 1"
    ).fetchall()
    return {source: count for source, count in dropped if count}


def _find_overlaps(table: Table, parts: Sequence[StoredTable], filled: Filled) -> list[StoredTable]:
    """The files that may hold a key twice, within one file or between several."""
    if not table.key:
        return []
    timeless = [part for part in parts if not _is_dated(table, part, filled)] if len(parts) > 1 else []
    if timeless:
        return list(parts)
    doubtful = {part.source for part in parts if part.distinct_keys < part.rows}
    reach: StoredTable | None = None
    for part in sorted(parts, key=lambda part: str(part.first)):
        if reach and part.first and reach.last and part.first <= reach.last:
            doubtful |= {part.source, reach.source}
        if reach is None or not reach.last or (part.last and part.last > reach.last):
            reach = part
    return [part for part in parts if part.source in doubtful]


def _is_dated(table: Table, part: StoredTable, filled: Filled) -> bool:
    """Whether every row of a file has the first event of this table's rows."""
    return bool(table.born and part.first and part.last) and filled.get((part.source, table.born or ""), 0) >= part.rows


def _providers(table: Table, parts: Sequence[StoredTable], filled: Filled) -> dict[str, list[str]]:
    """For each column that only some files have: those that have it."""
    found = {}
    for column in table.columns:
        providers = [part.source for part in parts if filled.get((part.source, column), 0)]
        if 0 < len(providers) < len(parts):
            found[column] = providers
    return found


def _set_aside(
    con: duckdb.DuckDBPyConnection, table: Table, parts: Sequence[StoredTable], rank: Mapping[str, int], schema: str
) -> None:
    order = sorted((part.source for part in parts), key=lambda source: rank[source])
    place = _look_up(con, {source: number for number, source in enumerate(order, 1)})
    key = f"hash({sql.quote_names(table.key)})"
    con.execute(
        f"CREATE TABLE lake.{table.name}_again AS SELECT *, {place} AS rank"
        f" FROM {schema}.{table.name} WHERE {place} IS NOT NULL AND {key} IN (SELECT {key}"
        f" FROM {schema}.{table.name} WHERE {place} IS NOT NULL GROUP BY 1 HAVING count(*) > 1)"
    )


def _look_up(con: duckdb.DuckDBPyConnection, values: Mapping[str, int | bool]) -> str:
    """SQL for the value of a row's file, or NULL: by its number, as looking for its name among thousands takes too long."""
    ((sources,),) = con.execute(f"SELECT enum_range(NULL::{sql.SOURCE_PATH})").fetchall()
    return f"{sql.quote_value([values.get(source) for source in sources])}[enum_code(source_file)::BIGINT + 1]"


def _collapse(con: duckdb.DuckDBPyConnection, table: Table, providers: Mapping[str, list[str]]) -> None:
    """Within a file values are combined as the table declares; between files the winner's value counts, even if NULL."""
    keys = sql.quote_names(table.key)
    columns = [name for name in (*table.columns, *sql.ORIGIN) if name not in table.key and name != "source_file"]
    inside = ", ".join(f"{_combine(table, column)} AS {sql.quote_name(column)}" for column in columns)
    con.execute(
        f"CREATE TABLE lake.{table.name}_files AS SELECT {keys}, rank, source_file, min(part_row) AS part_row, {inside}"
        f" FROM lake.{table.name}_again GROUP BY {keys}, rank, source_file"
    )
    across = []
    for column in ("source_file", "part_row", *columns):
        having = f" FILTER ({_look_up(con, dict.fromkeys(providers[column], True))})" if column in providers else ""
        across.append(f"arg_min_null({sql.quote_name(column)}, rank){having} AS {sql.quote_name(column)}")
    con.execute(
        f"CREATE TABLE lake.{table.name}_once AS SELECT {keys}, {', '.join(across)}"
        f" FROM lake.{table.name}_files GROUP BY {keys}"
    )


def _combine(table: Table, column: str) -> str:
    """SQL aggregate of one column over the rows that a file has for one key."""
    if column == UNREAD:
        return COMBINED_UNREAD
    if column in sql.ORIGIN:
        return f"min({sql.quote_name(column)})"
    return table.combine_sql(column)


def _note_conflicts(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Record pairs of differing values of one key, with file and row number; a status may change without a conflict."""
    columns = [column for column in table.columns if column not in table.key and column not in UPDATED]
    if not columns:
        return
    _note_contradictions(con, table, [column for column in columns if table.columns[column].combine == "equal"])
    con.execute(
        f"INSERT INTO conflicts SELECT DISTINCT {sql.quote_value(table.name)}, key, x.name, file, line, x.value, other_file,"
        f" other_line, x.other_value FROM (SELECT {_key_text(table, 'a.')} AS key,"
        " a.source_file AS file, a.source_row AS line, b.source_file AS other_file, b.source_row AS other_line,"
        f" {_unnest_pairs(table, columns)} AS x FROM lake.{table.name}_once a JOIN lake.{table.name}_files b"
        f" ON {_same_key(table)} WHERE a.source_file <> b.source_file)"
    )


def _note_contradictions(con: duckdb.DuckDBPyConnection, table: Table, columns: Sequence[str]) -> None:
    """Record rows of one file that have the same key and differ in columns that must be equal."""
    differ = " OR ".join(f"min({name}) <> max({name})" for name in map(sql.quote_name, columns))
    if not columns:
        return
    keys = sql.quote_names(table.key)
    con.execute(
        f"CREATE TEMP TABLE contradictory AS SELECT {keys}, source_file FROM lake.{table.name}_again"
        f" GROUP BY {keys}, source_file HAVING {differ}"
    )
    # a is the combined row; the line named for its value is the first that holds it
    present = ", ".join(f"(c.{name} = a.{name})" for name in map(sql.quote_name, columns))
    places = "{" + ", ".join(f"{sql.quote_value(column)}: {number}" for number, column in enumerate(columns, 1)) + "}"
    con.execute(
        f"INSERT INTO conflicts SELECT {sql.quote_value(table.name)}, key, x.name, file, min(line), x.value, file,"
        f" other_line, x.other_value FROM (SELECT {_key_text(table, 'a.')} AS key, a.source_file AS file,"
        f" c.source_row AS line, b.source_row AS other_line, [{present}] AS held, {_unnest_pairs(table, columns)} AS x"
        f" FROM contradictory k JOIN lake.{table.name}_files a"
        f" ON {_same_key(table, 'k', 'a')} AND k.source_file = a.source_file"
        f" JOIN lake.{table.name}_again b ON {_same_key(table)} AND b.source_file = a.source_file"
        f" JOIN lake.{table.name}_again c ON {_same_key(table, 'a', 'c')} AND c.source_file = a.source_file)"
        f" WHERE held[(MAP {places})[x.name]] GROUP BY ALL"
    )
    con.execute("DROP TABLE contradictory")


def _key_text(table: Table, prefix: str) -> str:
    return f"concat_ws(' / ', {sql.quote_names(table.key, prefix)})"


def _same_key(table: Table, one: str = "a", other: str = "b") -> str:
    names = map(sql.quote_name, table.key)
    return " AND ".join(f"{one}.{name} IS NOT DISTINCT FROM {other}.{name}" for name in names)


def _unnest_pairs(table: Table, columns: Sequence[str]) -> str:
    return f"unnest(list_filter([{', '.join(_pair(table, column) for column in columns)}], lambda x: x.differs))"


def _pair(table: Table, column: str) -> str:
    """SQL of one column's two values as a struct; of personal ones only the first character."""
    ours, theirs = (f"{side}.{sql.quote_name(column)}" for side in ("a", "b"))
    shown = "left({}::VARCHAR, 1) || '***'" if table.columns[column].personal else "{}::VARCHAR"
    return (
        f"{{'name': {sql.quote_value(column)}, 'value': {shown.format(ours)}, 'other_value': {shown.format(theirs)},"
        f" 'differs': coalesce({ours} <> {theirs}, false)}}"
    )


def find_shops(con: duckdb.DuckDBPyConnection, filled: Filled) -> dict[str, str]:
    """Name the shop of each file whose order numbers another shop uses as well; empty where there is but one shop.

    Args:
        con: The database; ``raw.orders`` exists.
        filled: Number of values per source path and column of orders.
    """
    marked = sorted(
        {source for (source, column), count in filled.items() if column in (*MARKS, "created_at") and count}
    )
    if len(marked) < 2:
        return {}
    differs, agrees = (
        f"coalesce({' OR '.join(f'a.{mark} {operator} b.{mark}' for mark in MARKS)}, false)" for operator in ("<>", "=")
    )
    rows = f"SELECT DISTINCT source_file, order_id, created_at, {', '.join(MARKS)} FROM raw.orders"
    apart = f"count_if(NOT {agrees} AND NOT {differs} AND abs(epoch(a.created_at) - epoch(b.created_at)) > {ANY_ZONE})"
    pairs = con.execute(
        f"WITH o AS ({rows}) SELECT a.source_file, b.source_file, count_if({differs}) > count_if({agrees} AND NOT {differs})"
        f" OR {apart} >= {LEAST_APART} AND {apart} >= {NEARLY_ALL} * count(*)"
        " FROM o a JOIN o b USING (order_id) WHERE a.source_file < b.source_file GROUP BY 1, 2"
    ).fetchall()
    if not any(other for _, _, other in pairs):
        return {}
    groups = _group(marked, [(a, b) for a, b, other in pairs if not other])
    torn = {source for a, b, other in pairs if other for source in (a, b)}
    return _label(con, [group for group in groups if torn & set(group)])


def _group(sources: Iterable[str], same: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Groups of files of one shop: files that share an order."""
    group = {source: {source} for source in sources}
    for a, b in same:
        joined = group.setdefault(a, {a}) | group.setdefault(b, {b})
        group |= dict.fromkeys(joined, joined)
    return [sorted(members) for members in {id(members): members for members in group.values()}.values()]


def _label(con: duckdb.DuckDBPyConnection, groups: list[list[str]]) -> dict[str, str]:
    """The shop's name if each group has exactly one and they differ, else the name of its first file."""
    named = {
        str(source): shop
        for source, shop in con.execute("SELECT source_file, min(shop) FROM raw.orders GROUP BY 1").fetchall()
    }
    shops = [{named.get(source) for source in group} for group in groups]
    distinct = len({tuple(found) for found in shops}) == len(groups)
    labels: dict[str, str] = {}
    for group, found in zip(groups, shops, strict=True):
        shop_name = next(iter(found)) if distinct and len(found) == 1 else None
        labels |= dict.fromkeys(group, shop_name or PurePosixPath(group[0]).stem)
    return labels


def name_shops(con: duckdb.DuckDBPyConnection, tables: Iterable[Table], shops: Mapping[str, str]) -> None:
    """Add the shop to the order numbers in ``raw``, and to the ids that intake made of them."""
    labels = " ".join(f"WHEN {sql.quote_value(source)} THEN {sql.quote_value(shop)}" for source, shop in shops.items())
    shop = f"CASE source_file::VARCHAR {labels} END"
    for table in tables:
        if "order_id" not in table.columns:
            continue
        ids = [key for key in table.key if key != "order_id" and table.columns[key].type == "id"]
        names = [
            f"CASE WHEN {shop} IS NOT NULL AND ({name} = order_id OR starts_with({name}, order_id || '/'))"
            f" THEN {name} || {sql.quote_value(SEPARATOR)} || {shop} ELSE {name} END AS {name}"
            for name in map(sql.quote_name, ids)
        ]
        cells = [
            f"coalesce(order_id || {sql.quote_value(SEPARATOR)} || {shop}, order_id) AS order_id",
            f"coalesce({shop}, store_id) AS store_id",
            *names,
        ]
        con.execute(f"ALTER VIEW raw.{table.name} RENAME TO {table.name}_unnamed")
        con.execute(
            f"CREATE VIEW raw.{table.name} AS SELECT * REPLACE ({', '.join(cells)}) FROM raw.{table.name}_unnamed"
        )
