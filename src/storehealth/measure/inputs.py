"""Which columns of the canonical tables the outcome of each rule depends on, through all views, filters, joins and macros.

Traced by the database itself: over views that are real views, its planner drops every column that a query does not need,
so whatever is still scanned is an input. The result for the built-in rules is kept in ``rule_inputs.json``
(``scripts/make_docs.py`` writes it), because an audit has no time to trace it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from storehealth.catalogue import Catalogue
from storehealth.catalogue.common import split_alternatives
from storehealth.catalogue.rule import Rule
from storehealth.catalogue.thresholds import resolve_bounds
from storehealth.db.store import open_store_of_views
from storehealth.measure.rule_sql import build_row_query
from storehealth.model import Window

KEPT = Path(__file__).parent.parent / "rule_inputs.json"
ONLY_PRUNING = "unused_columns"
"""The one optimizer that is left on: others would drop inputs that the facts of one platform make irrelevant."""
NO_INPUT = frozenset({"store_id", "source_file", "source_row", "unread"})


def trace_inputs(catalogue: Catalogue, rules: Iterable[Rule]) -> dict[str, dict[str, list[str]]]:
    """Trace the inputs of rules: code → table → columns, sorted.

    Raises:
        CatalogueError: A view's SQL is wrong.
        duckdb.Error: A rule's SQL is wrong.
    """
    with open_store_of_views(catalogue) as store:
        names = [name for (name,) in store.con.execute("SELECT name FROM duckdb_optimizers()").fetchall()]
        others = ",".join(name for name in names if name != ONLY_PRUNING)
        store.con.execute(f"SET disabled_optimizers = '{others}'")
        return {rule.code: _trace(store.con, rule, catalogue) for rule in rules}


def _trace(con: duckdb.DuckDBPyConnection, rule: Rule, catalogue: Catalogue) -> dict[str, list[str]]:
    # dimensions, evidence and advice decide no outcome, and their sub-queries would count as inputs
    measure = rule.measure.model_copy(update={"by": (), "evidence": (), "beside": (), "worst": None, "basis": {}})
    bare = rule.model_copy(update={"measure": measure, "advice": ()})
    rows = build_row_query(bare, resolve_bounds(rule, {}), Window())
    needed = "_outcome, _at, _stat" if measure.value else "_outcome, _at"
    ((_, plan),) = con.execute(f"EXPLAIN (FORMAT json) SELECT {needed} FROM ({rows})").fetchall()
    found: dict[str, set[str]] = {}
    for table, columns in _list_scans(json.loads(plan)):
        if table in catalogue.tables:
            found.setdefault(table, set()).update(set(columns) & catalogue.tables[table].columns.keys())
    return {table: sorted(columns) for table, columns in sorted(found.items())}


def _list_scans(plan: Any) -> Iterator[tuple[str, list[str]]]:
    for node in plan if isinstance(plan, list) else [plan]:
        info = node.get("extra_info", {})
        if "Table" in info:
            columns = info.get("Projections") or []
            yield info["Table"].rpartition(".")[2], [columns] if isinstance(columns, str) else columns
        yield from _list_scans(node.get("children", []))


@cache
def read_kept_inputs() -> Mapping[str, Mapping[str, list[str]]]:
    """The inputs of the built-in rules, as they were traced when this version was built."""
    content: dict[str, dict[str, list[str]]] = json.loads(KEPT.read_text(encoding="utf-8"))
    return content


def list_inputs(rule: Rule, catalogue: Catalogue, views: Iterable[str]) -> frozenset[str] | None:
    """Columns (``orders.paid_at``) that a rule's outcome depends on; None if nobody traced them, as of a pack's rule."""
    from_pack = catalogue.is_from_pack("rules", rule.id) or any(catalogue.is_from_pack("views", view) for view in views)
    kept = None if from_pack else read_kept_inputs().get(rule.code)
    if kept is None:
        return None
    return frozenset(f"{table}.{column}" for table, columns in kept.items() for column in columns)


def list_unrecorded(rule: Rule, inputs: Collection[str] | None, filled: Collection[str]) -> tuple[str, ...]:
    """Inputs in which no file has any value, of tables that have rows; those the rule requires are not among them."""
    required = {part for need in rule.measure.needs for part in split_alternatives(need) if "|" not in need}
    return tuple(
        sorted(
            column
            for column in inputs or ()
            if column not in filled and column not in required and column.partition(".")[0] in filled
        )
    )


def list_used_alternatives(needs: Iterable[str], filled: Collection[str]) -> tuple[str, ...]:
    """Of needs that several columns meet, the columns used, joined by ``|``, where not all of them are recorded."""
    found = []
    for need in needs:
        parts = split_alternatives(need)
        used = [part for part in parts if part in filled]
        if 0 < len(used) < len(parts):
            found.append("|".join(used))
    return tuple(dict.fromkeys(found))
