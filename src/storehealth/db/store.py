"""Opens the checkup's database over one store's rows, creates the views, and blocks access to everything else."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import duckdb

from storehealth.catalogue import Catalogue
from storehealth.catalogue.common import Fact, find_words
from storehealth.catalogue.platform import Platform
from storehealth.catalogue.table import Table
from storehealth.catalogue.view import OLD_BOT_POLICIES, View
from storehealth.db import raw, sql, view_inputs, views
from storehealth.db.merge import find_shops, merge_exports, name_shops
from storehealth.db.pool import FEW, Connections, count_connections, share_variables
from storehealth.db.views import create_views, define_views, recreate_views
from storehealth.errors import CatalogueError
from storehealth.model import Intake, StoredTable
from storehealth.support.message import Name, message
from storehealth.support.sandbox import MAX_QUERY_SECONDS, apply_thread_limit
from storehealth.support.service_hours import ClockChange

FACT_TABLES = ("files", "rejects")
"""Tables filled by intake itself: they are neither merged nor cut at ``as_of``."""
RECORDED_WORD = re.compile(r"recorded\('(\w+\.\w+=\w+)'\)")
TELL_NOTHING_OF_LATER_STEPS = frozenset({"reviews", "penalties", "receipts"})
"""Tables whose rows come days after the others of their group: that they reach further does not make an open row late."""
ONE_THREAD_BELOW = 100_000
"""Rows of all tables below which a query uses one thread."""
STORED_BELOW = 60_000
"""Rows of all tables below which the merged tables are stored: some forty queries are planned over each, and planning over
the views that lead to the files takes longer than the rows."""
PLAIN_BELOW = 12_000
"""Rows of all tables below which a query is planned without most of the optimizer: planning takes longer than the rows."""
NEEDED_OPTIMIZERS = ("expression_rewriter", "filter_pushdown", "deliminator")
"""What keeps joins and nested queries from comparing every row with every other."""
MEMORY = "1GB"
"""Default memory limit of the database; what does not fit goes to the scratch folder, at the same speed."""


@dataclass(frozen=True)
class StoreSettings:
    """What the checkup knows about a store from its settings. ``facts`` override the platform's, and those generic's.

    ``auto_replies`` are texts that agents' accounts send automatically; such messages count as a bot's.
    """

    store: str
    platform: Platform
    facts: Mapping[str, Fact] = field(default_factory=dict)
    zone: str = "UTC"
    as_of: datetime | None = None
    staff: Mapping[str, str] = field(default_factory=dict)
    memory: str | None = None
    auto_replies: tuple[str, ...] = ()
    seconds: float = MAX_QUERY_SECONDS
    """Time limit for creating one view."""


@dataclass
class Store:
    """The checkup's database; a context manager.

    Attributes:
        connections: Locked connections for parallel queries: they reach tables and views, and nothing outside the database.
        as_of: The audit's moment, naive, in the store's zone; None where no row has a time.
        ends: Last event up to ``as_of`` per group (chat, orders, aftersales, stock), of the tables that show its steps.
        rows: Rows of each canonical table.
        read: Tables that a file feeds; ``as_of`` may hide all their rows, which are in ``raw``.
        filled: ``orders`` for each table with rows, ``orders.paid_at`` for each column with a value.
        table_ends: Last event of each table up to ``as_of``.
        merged_away: Rows per source path (of the table its rows are counted in) that were merged into another row.
        auto_replies: Texts that the store's settings name as automatic.
        shops: Shop per source path, where several shops in the folder use the same order numbers.
        clock_changes: Of the store's zone, from the first event to ``as_of``.
    """

    connections: Connections
    as_of: datetime | None = None
    ends: dict[str, datetime] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    read: frozenset[str] = frozenset()
    filled: frozenset[str] = frozenset()
    table_ends: dict[str, datetime] = field(default_factory=dict)
    merged_away: dict[str, int] = field(default_factory=dict)
    auto_replies: tuple[str, ...] = ()
    shops: dict[str, str] = field(default_factory=dict)
    clock_changes: Sequence[ClockChange] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in reversed(self.connections):
            connection.close()

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The first of the connections."""
        return self.connections[0]

    def count_suspects_as_bots(self, views: Mapping[str, View]) -> int:
        """Count suspected automatic replies as bot messages: the chat views are recreated that way.

        Args:
            views: All views. ``auto_replies`` keeps its rows, so that the suspects stay listed.

        Returns:
            The number of suspected texts; without any, nothing changes.
        """
        suspects = self.con.execute("SELECT DISTINCT text FROM auto_replies WHERE is_suspect ORDER BY text").fetchall()
        if suspects:
            view_inputs.set_auto_replies(self.con, [*self.auto_replies, *(text for (text,) in suspects)])
            share_variables(self.connections)
            recreate_views(self.connections, views, "chat_messages", ("auto_replies",))
        return len(suspects)

    def find_query_problem(self, query: str) -> str | None:
        """Say why a query would not run, or None. It must be one SELECT; it is bound, not run."""
        try:
            statements = self.con.extract_statements(query)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                return "write one SELECT"
            self.con.execute(f"EXPLAIN {query}")
        except duckdb.Error as error:
            return str(error).split("\n", 1)[0]
        return None


@dataclass
class _Parts:
    """The files that feed each table, the number of values in their columns, and the table a file is counted in."""

    parts: dict[str, list[StoredTable]] = field(default_factory=dict)
    filled: dict[str, raw.Filled] = field(default_factory=dict)
    counted: dict[str, str] = field(default_factory=dict)
    loose: set[str] = field(default_factory=set)

    def rank(self) -> dict[str, int]:
        """Rank each source path: the latest event in any of its tables first, then the later name."""
        last: dict[str, str] = {}
        for part in (part for parts in self.parts.values() for part in parts):
            last[part.source] = max(last.get(part.source, ""), part.last.isoformat() if part.last else "")
        order = sorted(last, key=lambda source: (last[source], source), reverse=True)
        return {source: place for place, source in enumerate(order)}

    def count_rows(self) -> int:
        """The rows of all files."""
        return sum(part.rows for parts in self.parts.values() for part in parts)

    def list_filled(self) -> Iterable[str]:
        """The tables with rows and columns with values: ``orders``, ``orders.paid_at``."""
        for table, filled in self.filled.items():
            yield table
            yield from (f"{table}.{column}" for (_, column), count in filled.items() if count)


ChooseViews = Callable[[Store], Iterable[str]]
"""Chooses the views that will be read, given the database without views."""


def open_store(
    intake: Intake,
    catalogue: Catalogue,
    settings: StoreSettings,
    scratch: Path,
    choose_views: ChooseViews | None = None,
) -> Store:
    """Open the database over the lake's files.

    Args:
        intake: The result of intake, with the paths of its Parquet files.
        catalogue: Tables, views, closers and the generic platform.
        settings: The store's settings.
        scratch: Folder for what does not fit into memory; the caller deletes it.
        choose_views: Only these views are created, and those they read. Views of packs may read others without saying
            so, so with one of them all are.

    Raises:
        CatalogueError: A view's SQL is wrong.
    """
    connections = _connect(scratch, settings, sum(part.rows for part in intake.tables))
    con = connections[0]
    stored = (*intake.tables, *intake.rejects)
    con.execute(
        sql.create_source_path_type([*(source.path for source in intake.sources), *(part.source for part in stored)])
    )
    inputs = _Parts()
    for name, table in catalogue.tables.items():
        parts = [part for part in intake.tables if part.table == name and part.rows]
        if parts and name not in FACT_TABLES:
            inputs.parts[name] = parts
            inputs.filled[name] = raw.load_parquet(con, table, parts, settings.store)
    shops = find_shops(con, inputs.filled.get("orders", {}))
    if shops:
        name_shops(con, (catalogue.tables[name] for name in inputs.parts), shops)
    raw.create_intake_tables(con, intake, catalogue.tables, settings.store)
    inputs.loose = set(FACT_TABLES)
    inputs.counted = {source.path: source.tables[0] for source in intake.sources if source.tables}
    store = _fill(connections, inputs, catalogue, settings)
    store.shops = shops
    _lock(con, [str(part.parquet) for part in stored])
    of_packs = _of_packs(catalogue)
    chosen = None if of_packs or choose_views is None else [*choose_views(store)]
    create_views(connections, catalogue.views, chosen, settings.seconds, of_packs)
    return store


def find_as_of(parts: Iterable[StoredTable], as_of: datetime | None = None) -> datetime | None:
    """The moment of an audit: the one asked for, else the last event in any table; None where no row has a time."""
    known = (part.last for part in parts if part.rows and part.table not in FACT_TABLES)
    return as_of or max((last for last in known if last), default=None)


def open_store_from_rows(
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    catalogue: Catalogue,
    settings: StoreSettings,
    views: Iterable[str] | None = None,
) -> Store:
    """Open the database over rows in memory.

    Args:
        rows: Table → its rows; columns a row does not name are NULL.
        catalogue: Tables, views, closers and the generic platform.
        settings: The store's settings.
        views: Create only these views and those they read; default: all.

    Raises:
        CatalogueError: A table or column does not exist, a value does not fit, or a view's SQL is wrong.
    """
    unknown = set(rows) - set(catalogue.tables)
    if unknown:
        raise CatalogueError(message("db.no_table", names=tuple(map(Name, sorted(unknown)))))
    connections = _connect(None, settings)
    con = connections[0]
    con.execute(sql.create_source_path_type(raw.list_sources(rows)))
    inputs = _Parts()
    for name, table in catalogue.tables.items():
        if not rows.get(name):
            continue
        try:
            parts, filled = raw.load_rows(con, table, rows[name], settings.store)
        except duckdb.Error as error:
            raise CatalogueError(message("db.rows_of", table=Name(name), text=Name(error))) from None
        inputs.filled[name] = filled
        if name in FACT_TABLES:
            inputs.loose.add(name)
        else:
            inputs.parts[name] = parts
    inputs.counted = {part.source: name for name, parts in inputs.parts.items() for part in parts}
    store = _fill(connections, inputs, catalogue, settings)
    _lock(con, [])
    create_views(connections, catalogue.views, views, settings.seconds, _of_packs(catalogue))
    return store


def open_store_of_views(catalogue: Catalogue) -> Store:
    """Open a database without rows whose tables are tables and whose views are views, to see what reads what.

    Raises:
        duckdb.Error: A view's SQL is wrong.
    """
    generic = catalogue.platforms["generic"]
    settings = StoreSettings(store="", platform=generic, facts=generic.facts)
    connections = _connect(None, settings)
    con = connections[0]
    con.execute(sql.create_source_path_type([]))
    store = _fill(connections, _Parts(), catalogue, settings)
    define_views(con, catalogue.views)
    return store


def _connect(scratch: Path | None, settings: StoreSettings, rows: int = 0) -> Connections:
    """Connect to a database in memory, or for many rows in the scratch folder, where compression saves five sixths.

    There are several connections unless no scratch folder is given (rows in memory are few).

    The temporary directory stays accessible when everything else is locked, so it is the scratch folder or none.
    """
    path = str(scratch / f"{uuid.uuid4().hex}.duckdb") if scratch and rows >= FEW else ":memory:"
    number = count_connections(rows) if scratch else 1
    con = duckdb.connect(path, config={"threads": 1} if rows < ONE_THREAD_BELOW else {})
    if rows >= ONE_THREAD_BELOW:
        apply_thread_limit(con)
        # each connection runs queries on a thread of its own, beside those of the database: more than cores cost time
        ((threads,),) = con.execute("SELECT current_setting('threads')").fetchall()
        con.execute(f"SET threads = {max(threads - number + 1, 1)}")
    con.execute(f"SET temp_directory = {sql.quote_value(str(scratch or ''))}")
    con.execute("SET preserve_insertion_order = false")
    if rows < PLAIN_BELOW:
        con.execute(f"SET disabled_optimizers = {sql.quote_value(_list_other_optimizers(con))}")
    connections = [con, *(con.cursor() for _ in range(number - 1))]
    for connection in connections:
        # a bar would be drawn on stdout, into the middle of a JSON document
        connection.execute("SET enable_progress_bar = false; SET parquet_metadata_cache = true")
    con.execute(f"SET memory_limit = {sql.quote_value(settings.memory or MEMORY)}")
    _create_schemas(con)
    return connections


def _create_schemas(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(sql.create_outcome_type())
    con.execute("CREATE SCHEMA raw")
    con.execute("CREATE SCHEMA lake")
    con.execute(
        "CREATE TABLE conflicts (table_name VARCHAR, key VARCHAR, column_name VARCHAR, file VARCHAR, line BIGINT,"
        " kept VARCHAR, other_file VARCHAR, other_line BIGINT, other VARCHAR)"
    )


def _list_other_optimizers(con: duckdb.DuckDBPyConnection) -> str:
    names = (name for (name,) in con.execute("SELECT name FROM duckdb_optimizers()").fetchall())
    return ",".join(name for name in names if name not in NEEDED_OPTIMIZERS)


def _fill(connections: Connections, inputs: _Parts, catalogue: Catalogue, settings: StoreSettings) -> Store:
    """Create everything between the rows in ``raw`` and the views: merged tables, variables, helper tables."""
    con, rank = connections[0], inputs.rank()
    store = Store(
        connections,
        read=frozenset(inputs.parts),
        filled=frozenset(inputs.list_filled()),
        auto_replies=settings.auto_replies,
    )
    ends = {
        name: max(part.last for part in parts if part.last) for name, parts in inputs.parts.items() if _has_times(parts)
    }
    store.as_of = find_as_of((part for parts in inputs.parts.values() for part in parts), settings.as_of)
    cut = views.hide_later_rows(con, catalogue.tables, inputs.parts, ends, store.as_of)
    for name, parts in inputs.parts.items():
        filled = raw.count_filled(con, catalogue.tables[name], "known") if name in cut else inputs.filled[name]
        schema = "known" if name in cut else "raw"
        dropped = merge_exports(con, catalogue.tables[name], parts, filled, rank, schema)
        store.merged_away |= {path: count for path, count in dropped.items() if inputs.counted.get(path) == name}
    kind = "TABLE" if inputs.count_rows() < STORED_BELOW else "VIEW"
    con.execute(";".join(_create_table(table, inputs, kind) for table in catalogue.tables.values()))
    store.table_ends = views.find_last_events(con, catalogue.tables, ends, store.as_of)
    for name in cut:
        store.filled = _recount_filled(con, catalogue.tables[name], store.filled)
    store.filled -= frozenset(_find_defaults(con, catalogue.tables, store.filled))
    store.filled |= frozenset(_find_needed_words(con, catalogue, store.filled))
    store.ends = _find_group_ends(catalogue.tables, store.table_ends)
    step_ends = _find_step_ends(store.ends, store.table_ends, store.filled)
    store.rows = dict.fromkeys(catalogue.tables, 0) | _count_rows(con, [*inputs.parts, *inputs.loose])
    facts = _facts(catalogue, settings)
    view_inputs.set_variables(con, store.as_of, store.ends | step_ends, facts, store.filled, cut)
    view_inputs.create_night_macros(con, facts)
    view_inputs.create_staff(con, settings.staff, catalogue.closers, settings.auto_replies)
    first = _find_first(part for parts in inputs.parts.values() for part in parts)
    store.clock_changes = view_inputs.create_clock(con, settings.zone, first, store.as_of)
    chats = [part for name, parts in inputs.parts.items() if catalogue.tables[name].group == "chat" for part in parts]
    view_inputs.create_service_hours(con, facts, _find_first(chats) or store.as_of, store.as_of, store.clock_changes)
    share_variables(connections)
    return store


def _find_first(parts: Iterable[StoredTable]) -> datetime | None:
    return min((part.first for part in parts if part.first), default=None)


def _count_rows(con: duckdb.DuckDBPyConnection, tables: Sequence[str]) -> dict[str, int]:
    if not tables:
        return {}
    (counts,) = con.execute(f"SELECT {', '.join(f'(SELECT count(*) FROM {name})' for name in tables)}").fetchall()
    return dict(zip(tables, counts, strict=True))


def _find_defaults(
    con: duckdb.DuckDBPyConnection, tables: Mapping[str, Table], filled: Collection[str]
) -> Iterable[str]:
    """Columns that hold nothing but the table's own default word: no file has recorded them."""
    for table in tables.values():
        for name, column in table.columns.items():
            word = column.otherwise or ""
            if f"{table.name}.{name}" in filled and word.startswith("'") and word.endswith("'"):
                others = f"SELECT 1 FROM {table.name} WHERE {sql.quote_name(name)} <> {word} LIMIT 1"
                if not con.execute(others).fetchall():
                    yield f"{table.name}.{name}"


def _find_needed_words(con: duckdb.DuckDBPyConnection, catalogue: Catalogue, filled: Collection[str]) -> Iterable[str]:
    """The words that a rule needs, or a view asks for, where some row has one: ``orders.status=cancelled``."""
    needs = [need for rule in catalogue.rules.values() for need in rule.measure.needs]
    needs += [word for view in catalogue.views.values() for word in RECORDED_WORD.findall(view.sql)]
    for column, words in find_words(needs).items():
        table, _, name = column.partition(".")
        if column in filled:
            has_words = ", ".join(f"bool_or({sql.quote_name(name)} = {sql.quote_value(word)})" for word in words)
            (found,) = con.execute(f"SELECT {has_words} FROM {table}").fetchall()
            yield from (f"{column}={word}" for word, has_word in zip(words, found, strict=True) if has_word)


def _recount_filled(con: duckdb.DuckDBPyConnection, table: Table, filled: frozenset[str]) -> frozenset[str]:
    """What has values, with one table counted as it was known at ``as_of``."""
    known_columns = [name for name in table.columns if f"{table.name}.{name}" in filled]
    if not known_columns:
        return filled
    counts = ", ".join(f"count({sql.quote_name(name)})" for name in known_columns)
    (known,) = con.execute(f"SELECT {counts} FROM known.{table.name}").fetchall()
    emptied = {f"{table.name}.{name}" for name, count in zip(known_columns, known, strict=True) if not count}
    return filled - (emptied if any(known) else {*emptied, table.name})


def _find_group_ends(tables: Mapping[str, Table], table_ends: Mapping[str, datetime]) -> dict[str, datetime]:
    """The last event of each group, of the tables that would show its steps."""
    ends: dict[str, datetime] = {}
    for name, end in table_ends.items():
        if name not in TELL_NOTHING_OF_LATER_STEPS:
            group = tables[name].group
            ends[group] = max(end, ends.get(group, end))
    return ends


def _find_step_ends(
    ends: Mapping[str, datetime], table_ends: Mapping[str, datetime], filled: Collection[str]
) -> dict[str, datetime]:
    """Up to when the files would show each step of an order: that it left, and that it arrived."""
    orders = ends.get("orders")
    parcels = max((table_ends[name] for name in ("shipments", "scans") if name in table_ends), default=orders)
    shows_shipping = {"orders.shipped_at", "orders.status"} & set(filled)
    steps = {
        "parcels": parcels,
        "ship": orders if shows_shipping else parcels,
        "delivery": orders if {"orders.status", "orders.completed_at"} & set(filled) else parcels,
    }
    return {step: end for step, end in steps.items() if end is not None}


def _has_times(parts: Sequence[StoredTable]) -> bool:
    return any(part.last for part in parts)


def _create_table(table: Table, inputs: _Parts, kind: str) -> str:
    """SQL of a canonical table: of merged rows, of intake's own, or without rows where no file feeds it."""
    if table.name in inputs.parts:
        return f"CREATE {kind} main.{table.name} AS FROM lake.{table.name}"
    if table.name in inputs.loose:
        columns = sql.quote_names([*table.columns, *sql.ORIGIN])
        return f"CREATE {kind} main.{table.name} AS SELECT {columns} FROM raw.{table.name}"
    return sql.create_empty_table(table)


def _facts(catalogue: Catalogue, settings: StoreSettings) -> dict[str, Fact]:
    generic = catalogue.platforms.get("generic", settings.platform)
    facts = {**generic.facts, **settings.platform.facts, **settings.facts}
    policy = facts.get("bot_policy")
    if policy is not None and policy.value in OLD_BOT_POLICIES:
        facts["bot_policy"] = policy.model_copy(update={"value": OLD_BOT_POLICIES[policy.value]})
    return facts


def _of_packs(catalogue: Catalogue) -> frozenset[str]:
    return frozenset(name for name in catalogue.views if catalogue.is_from_pack("views", name))


def _lock(con: duckdb.DuckDBPyConnection, files: list[str]) -> None:
    """Restrict the database to the named files; afterwards no setting can change that."""
    con.execute("SET autoinstall_known_extensions = false")
    con.execute("SET autoload_known_extensions = false")
    con.execute(f"SET allowed_paths = {sql.quote_value(files)}")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")
