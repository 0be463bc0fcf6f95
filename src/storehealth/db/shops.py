"""Tells several shops in one folder apart where their order numbers repeat: their rows must never be merged.

Two exports are of different shops if the same order number has another internal id, or another shop, in each. Their order
numbers then carry the shop's name, in every table that such a file feeds, and ``store_id`` is that name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

import duckdb

from storehealth.catalogue.table import Table
from storehealth.db import sql
from storehealth.db.raw import Filled

MARKS = ("internal_id", "shop")
"""Columns of orders that tell shops apart."""
SEPARATOR = " · "


def find_shops(con: duckdb.DuckDBPyConnection, filled: Filled) -> dict[str, str]:
    """Name the shop of each file whose order numbers another shop uses as well; empty where there is but one shop.

    Args:
        con: The database; ``raw.orders`` exists.
        filled: Number of values per source path and column of orders.
    """
    marked = sorted({source for (source, column), count in filled.items() if column in MARKS and count})
    if len(marked) < 2:
        return {}
    differs, agrees = (
        f"coalesce({' OR '.join(f'a.{mark} {operator} b.{mark}' for mark in MARKS)}, false)" for operator in ("<>", "=")
    )
    rows = f"SELECT DISTINCT source_file, order_id, {', '.join(MARKS)} FROM raw.orders"
    pairs = con.execute(
        f"WITH o AS ({rows}) SELECT a.source_file, b.source_file, count_if({differs}) > count_if({agrees} AND NOT {differs})"
        " FROM o a JOIN o b USING (order_id) WHERE a.source_file < b.source_file GROUP BY 1, 2"
    ).fetchall()
    if not any(other for _, _, other in pairs):
        return {}
    groups = _group(marked, [(a, b) for a, b, other in pairs if not other])
    torn = {source for a, b, other in pairs if other for source in (a, b)}
    return _label(con, [group for group in groups if torn & set(group)])


def _group(sources: Iterable[str], same: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Files joined by an order that both have, of one shop."""
    group = {source: {source} for source in sources}
    for a, b in same:
        joined = group.setdefault(a, {a}) | group.setdefault(b, {b})
        group |= dict.fromkeys(joined, joined)
    return [sorted(members) for members in {id(members): members for members in group.values()}.values()]


def _label(con: duckdb.DuckDBPyConnection, groups: list[list[str]]) -> dict[str, str]:
    """The shop's own name where each group has one of its own, else the name of its first file."""
    named = {
        str(source): shop
        for source, shop in con.execute("SELECT source_file, min(shop) FROM raw.orders GROUP BY 1").fetchall()
    }
    shops = [{named.get(source) for source in group} for group in groups]
    distinct = len({tuple(found) for found in shops}) == len(groups)
    labels: dict[str, str] = {}
    for group, found in zip(groups, shops, strict=True):
        own = next(iter(found)) if distinct and len(found) == 1 else None
        labels |= dict.fromkeys(group, own or PurePosixPath(group[0]).stem)
    return labels


def name_shops(con: duckdb.DuckDBPyConnection, tables: Iterable[Table], shops: Mapping[str, str]) -> None:
    """Add the shop to the order numbers in ``raw``, and to the ids that intake made of them."""
    labels = " ".join(f"WHEN {sql.quote_value(source)} THEN {sql.quote_value(shop)}" for source, shop in shops.items())
    shop = f"CASE source_file::VARCHAR {labels} END"
    for table in tables:
        if "order_id" not in table.columns:
            continue
        ids = [key for key in table.key if key != "order_id" and table.columns[key].type == "id"]
        made = [
            f"CASE WHEN {shop} IS NOT NULL AND ({name} = order_id OR starts_with({name}, order_id || '/'))"
            f" THEN {name} || {sql.quote_value(SEPARATOR)} || {shop} ELSE {name} END AS {name}"
            for name in map(sql.quote_name, ids)
        ]
        cells = [
            f"coalesce(order_id || {sql.quote_value(SEPARATOR)} || {shop}, order_id) AS order_id",
            f"coalesce({shop}, store_id) AS store_id",
            *made,
        ]
        con.execute(f"ALTER VIEW raw.{table.name} RENAME TO {table.name}_unnamed")
        con.execute(
            f"CREATE VIEW raw.{table.name} AS SELECT * REPLACE ({', '.join(cells)}) FROM raw.{table.name}_unnamed"
        )
