"""What the tables lack: times truncated to minutes or days, days and hours without rows, and how much of a window is covered.

Also which columns the outcome of each rule depends on, through all views, filters, joins and macros. The database traces it:
over real views its planner drops every column that a query does not need, so whatever is still scanned is an input. The
result for the built-in rules is kept in ``rule_inputs.json`` (``scripts/make_docs.py`` writes it), because an audit has no
time to trace it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from storehealth.catalogue import Catalogue
from storehealth.catalogue.common import list_needed_tables, split_alternatives
from storehealth.catalogue.rule import Rule
from storehealth.catalogue.thresholds import resolve_bounds
from storehealth.db.store import open_store_of_views
from storehealth.db.views import has_view
from storehealth.measure.query import RuleQuery
from storehealth.measure.rule_sql import build_row_query
from storehealth.model import DataHole, Window
from storehealth.support.message import Message, message

if TYPE_CHECKING:
    from storehealth.db import Store

WHOLE_MINUTES = 0.99
"""Share of values on whole minutes from which seconds count as not recorded."""
Grain = dict[str, dict[str, tuple[int, int, int]]]
"""Table → column → (number of times, those on whole minutes, step in seconds)."""
FALLBACK = re.compile(r"coalesce\(\s*(\w+)\s*,[^()]*\)")
"""Of a ``coalesce`` only the first column counts: the others merely fill its gaps."""
KEPT = Path(__file__).parent.parent / "rule_inputs.json"
ONLY_PRUNING = "unused_columns"
"""The one optimizer that is left on: others would drop inputs that the facts of one platform make irrelevant."""
NO_INPUT = frozenset({"store_id", "source_file", "source_row", "unread"})


def read_grain(con: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> Grain:
    """Read the view ``time_grain``: figures per table and column; empty without that view."""
    grain: Grain = {}
    if "time_grain" not in catalogue.views:
        return grain
    rows = con.execute(
        'SELECT table_name, column_name, "values", whole_minutes, resolution_seconds::BIGINT '
        'FROM time_grain WHERE "values" > 0'
    ).fetchall()
    for table, column, *facts in rows:
        grain.setdefault(table, {})[column] = (facts[0], facts[1], facts[2])
    return grain


def find_resolution(query: RuleQuery, grain: Grain) -> int:
    """The coarsest step, in seconds, of the times a rule reads.

    These are the columns it names. Of a table of which it names none, because a view computed its times from several,
    all columns count together.
    """
    return max([1, *_steps(query, grain)])


def _steps(query: RuleQuery, grain: Grain) -> Iterator[int]:
    words = _extract_columns(query)
    for table in find_needed_tables(query, grain):
        columns = grain.get(table, {})
        yield from (step for column, (_, _, step) in columns.items() if column in words)
        values, whole = (sum(facts[place] for facts in columns.values()) for place in (0, 1))
        if values and whole / values >= WHOLE_MINUTES:
            yield max(60, min(step for _, _, step in columns.values()))


def _extract_columns(query: RuleQuery) -> set[str]:
    """Words of the SQL for start, end and due time of a rule, and the columns it needs."""
    measure = query.rule.measure
    texts = [measure.over if " " in measure.over.strip() else ""]
    if measure.in_time is not None:
        texts += [measure.in_time.from_ or "", measure.in_time.to, measure.in_time.by or measure.in_time.by_date or ""]
    if measure.value is not None:
        texts.append(measure.value.sql)
    texts += [part.partition(".")[2] for need in measure.needs for part in split_alternatives(need)]
    return set(re.findall(r"\w+", FALLBACK.sub(r"\1", " ".join(texts))))


def find_needed_tables(query: RuleQuery, filled: Grain | frozenset[str]) -> set[str]:
    """Tables that the rule and its views need or read; where the views name none, all tables of their group."""
    views = [query.catalogue.views[name] for name in query.views]
    named = [need for view in views for need in (*view.needs, *view.reads)]
    if not named:
        groups = {view.group for view in views}
        named = [table.name for table in query.catalogue.tables.values() if table.group in groups]
    return list_needed_tables((*named, *query.rule.measure.needs), filled)


@dataclass(frozen=True)
class TableDays:
    """The days of one table: the first and last, whether most of them have rows, and the gaps between them."""

    first: date
    last: date
    is_dense: bool
    missing: tuple[date, ...] = ()
    hours: tuple[tuple[date, int], ...] = ()
    rows: tuple[tuple[date, int, float], ...] = ()
    """Days with their number of rows, and the rows estimated to be missing from their gaps."""


@dataclass(frozen=True)
class TableGaps:
    """What the tables lack.

    Attributes:
        days: Days by table.
        cut: Truncated files as (table, file, first day, last day).
        today: The day of ``as_of``.
        lost: Rows by table that could not be read.
        unread: Rows by table and column whose cell could not be read.
    """

    days: dict[str, TableDays] = field(default_factory=dict)
    cut: tuple[tuple[str, str, date | None, date | None], ...] = ()
    today: date | None = None
    lost: dict[str, int] = field(default_factory=dict)
    unread: dict[str, dict[str, int]] = field(default_factory=dict)


def read_table_gaps(store: Store) -> TableGaps:
    """Read the views ``table_days`` and ``cut_files``; empty where they do not exist."""
    return TableGaps(
        _read_days(store),
        tuple(_cut(store.con)) if has_view(store.con, "cut_files") else (),
        _find_today(store),
        _count_lost(store.con) if has_view(store.con, "table_days") else {},
        _count_unread(store),
    )


def _find_today(store: Store) -> date | None:
    return store.as_of.date() if store.as_of else None


def _count_lost(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    query = """
        SELECT unnest(string_split(tables, ',')) AS table_name, sum(rejected)::BIGINT FROM files
        WHERE rejected > 0 AND layout IS NOT NULL GROUP BY 1
    """
    return dict(con.execute(query).fetchall())


def count_silent_chats(con: duckdb.DuckDBPyConnection, least: int) -> int:
    """Count the chats of a log in which nobody but customers ever wrote; 0 if they are fewer than ``least``."""
    if not has_view(con, "chat_messages"):
        return 0
    query = """
        SELECT count(DISTINCT session_id) FROM chat_messages WHERE role = 'customer'
        HAVING NOT EXISTS (FROM chat_messages WHERE role IN ('agent', 'bot'))
    """
    chats = sum(count for (count,) in con.execute(query).fetchall())
    return chats if chats >= least else 0


MIN_TEAM_ACCOUNTS, MIN_RETURNS = 20, 10
"""Accounts, and customers who came again, from which a log can show that it holds several teams."""
MAX_SHARED = 0.25
"""Share, of the customers whom chance would send to another account, above which the accounts are one team."""


def list_chat_warnings(con: duckdb.DuckDBPyConnection) -> list[Message]:
    """Say that a log was read as social, and that its accounts look like several teams; empty where neither is so."""
    if not has_view(con, "chat_channel"):
        return []
    named = "getvariable('channel') <> 'auto' OR recorded('messages.channel')"
    ((channel, is_named),) = con.execute(f"SELECT channel, {named} FROM chat_channel").fetchall()
    warnings = [message("measure.read_as_social")] if channel == "social" and not is_named else []
    return [*warnings, *(_find_separate_teams(con) if has_view(con, "turns") else ())]


PARCELS_QUERY = """
        SELECT max(coalesce(paid_at, created_at)),
               count(*) FILTER (promised_ship_at <= $end AND coalesce(handed_over_at, $end) > promised_ship_at),
               count(*) FILTER (promised_ship_at > $end AND promised_ship_at < getvariable('as_of') AND handed_over_at IS NULL)
        FROM fulfilments WHERE paid AND NOT cancelled AND NOT left_at_unknown_time
    """


def ask_about_parcels(store: Store) -> Message | None:
    """Ask whether the export or the shipping ended where parcels end more than a day before the orders; both readings.

    Either may be so, and nothing in the files tells which: then the orders due in between are late, or unknown.
    """
    ends = [store.table_ends[name] for name in ("shipments", "scans") if name in store.table_ends]
    if not ends or not has_view(store.con, "fulfilments"):
        return None
    ((ordered, late, more),) = store.con.execute(PARCELS_QUERY, {"end": max(ends)}).fetchall()
    if ordered is None or not more or ordered - max(ends) <= timedelta(days=1):
        return None
    return message("measure.parcels_end", parcels=max(ends), orders=ordered, late=late, all=late + more)


TEAMS_QUERY = """
        WITH served AS (SELECT customer_id, session_id, min(replied_by) AS account FROM turns
                        WHERE customer_id IS NOT NULL AND replied_by IS NOT NULL AND handled_by = 'human' GROUP BY ALL),
        again AS (SELECT customer_id, count(DISTINCT account) > 1 AS is_shared FROM served
                  GROUP BY customer_id HAVING count(*) > 1),
        shares AS (SELECT count(*) / sum(count(*)) OVER () AS share FROM served GROUP BY account)
        SELECT (SELECT count(*) FROM shares), (SELECT count(*) FROM again), (SELECT count(*) FROM again WHERE is_shared),
               1 - (SELECT sum(share * share) FROM shares)
    """


def _find_separate_teams(con: duckdb.DuckDBPyConnection) -> Iterator[Message]:
    """Accounts that never share a customer are separate teams, such as brands whose logs were combined.

    Customers who came again are counted: how many met another account, and how many would have by chance, given how much
    each account answers.
    """
    ((accounts, returned, shared, by_chance),) = con.execute(TEAMS_QUERY).fetchall()
    if accounts >= MIN_TEAM_ACCOUNTS and returned >= MIN_RETURNS and shared < MAX_SHARED * by_chance * returned:
        yield message("measure.several_teams", accounts=accounts, shared=shared, returned=returned)


def _count_unread(store: Store) -> dict[str, dict[str, int]]:
    """Rows by table and column; a table without any unread cell is absent."""
    tables = [name for name, rows in store.rows.items() if rows]
    counts = " UNION ALL ".join(
        f"SELECT '{table}' AS one, name, count(*) FROM (SELECT unnest(unread) AS name FROM {table} WHERE len(unread) > 0)"
        f" GROUP BY name"
        for table in tables
    )
    found: dict[str, dict[str, int]] = {}
    for table, name, rows in store.con.execute(counts).fetchall() if tables else ():
        found.setdefault(table, {})[name] = rows
    return dict(sorted(found.items(), key=lambda item: tables.index(item[0])))


def _read_days(store: Store) -> dict[str, TableDays]:
    return dict(_days(store.con)) if has_view(store.con, "table_days") else {}


def _days(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, TableDays]]:
    """Read the days of each table but stock: a stock snapshot is a state, so a day without one is not a gap."""
    query = """
        SELECT table_name, min(day), max(day), bool_or(is_dense), list(day ORDER BY day) FILTER (missing),
               list(row(day, missing_hours) ORDER BY day) FILTER (missing_hours > 0), list(row(day, rows, lost) ORDER BY day)
        FROM table_days WHERE table_name <> 'stock' GROUP BY table_name ORDER BY table_name
    """
    for table, first, last, dense, missing, hours, rows in con.execute(query).fetchall():
        yield (
            table,
            TableDays(
                first, last, dense, tuple(missing or ()), tuple(tuple(item) for item in hours or ()), tuple(rows)
            ),
        )


def _cut(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, str, date | None, date | None]]:
    query = """
        SELECT unnest(string_split(tables, ',')), path, "first"::DATE, "last"::DATE FROM cut_files WHERE is_cut ORDER BY ALL
    """
    yield from con.execute(query).fetchall()


def find_holes(
    query: RuleQuery, lacks: TableGaps, filled: Collection[str], inputs: Collection[str] | None = None
) -> tuple[DataHole, ...]:
    """The gaps, within a rule's window, of the tables it reads.

    Args:
        query: The rule's query.
        lacks: What the tables lack.
        filled: Names of tables and columns with values.
        inputs: Columns that the outcome depends on; None: any column of its tables may be one.
    """
    tables = sorted(find_needed_tables(query, frozenset(filled)))
    holes = [hole for table in tables for hole in _holes(table, query.window, lacks)]
    # rows that could not be read are mostly the bad ones, and nobody knows their time: they count in any window
    holes += [DataHole(table=table, cause="lost", count=lacks.lost[table]) for table in tables if table in lacks.lost]
    for table, columns in sorted(lacks.unread.items()):
        rows = [rows for name, rows in columns.items() if inputs is None or f"{table}.{name}" in inputs]
        if rows and (inputs is not None or table in tables):
            holes.append(DataHole(table=table, cause="unread", count=sum(rows)))
    return tuple(holes)


def _holes(table: str, window: Window, lacks: TableGaps) -> Iterator[DataHole]:
    for name, path, first, last in lacks.cut:
        if name == table and _overlaps(window, first, last):
            yield DataHole(table=table, cause="cut", count=1, file=path)
    days = lacks.days.get(table)
    if days is None:
        return
    missing = [day for day in days.missing if _overlaps(window, day, day)]
    if missing:
        yield DataHole(
            table=table, cause="days", count=len(missing), first=missing[0], share=_estimate_loss(days, window)
        )
    hours = [(day, count) for day, count in days.hours if _overlaps(window, day, day)]
    if hours:
        yield DataHole(
            table=table,
            cause="hours",
            count=sum(count for _, count in hours),
            first=hours[0][0],
            share=_estimate_loss(days, window),
        )
    covered_days, of = count_covered_days(days, window, lacks.today)
    if days.is_dense and covered_days + len(missing) < of:
        yield DataHole(table=table, cause="short", count=covered_days, of=of)


def _estimate_loss(days: TableDays, window: Window) -> float:
    """Estimated share of a table's rows in the window that is missing because of days and hours without rows."""
    inside = [(rows, lost) for day, rows, lost in days.rows if _overlaps(window, day, day)]
    present, lost = (float(sum(part)) for part in zip(*inside, strict=True))
    return round(lost / (present + lost), 6)


def _overlaps(window: Window, first: date | None, last: date | None) -> bool:
    after = window.last is not None and first is not None and first > window.last
    before = window.first is not None and last is not None and last < window.first
    return not (after or before)


def count_covered_days(days: TableDays, window: Window, today: date | None) -> tuple[int, int]:
    """Count the window's days that a table covers, and its days up to today; a window without ends is the table's own."""
    begin, end = window.first or days.first, window.last or days.last
    end = min(end, today) if today is not None else end
    of = (end - begin).days + 1
    inside = (min(end, days.last) - max(begin, days.first)).days + 1
    lacking = sum(1 for day in days.missing if begin <= day <= end)
    return max(0, inside - lacking) if days.is_dense else max(0, of), max(0, of)


def measure_coverage(store: Store, window: Window) -> dict[str, tuple[int, int]]:
    """Days of the window with data, and all its days, for each table that has rows on most days."""
    today = _find_today(store)
    return {
        table: count_covered_days(days, window, today) for table, days in _read_days(store).items() if days.is_dense
    }


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
    bare = rule.model_copy(update={"measure": measure, "advice": (), "causes": ()})
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
    """Columns (``orders.paid_at``) that a rule's outcome depends on; None if they were not traced, as for a pack's rule."""
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
