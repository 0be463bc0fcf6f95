"""Reads one recognised sheet into Parquet files, one per canonical table, and lists the cells and rows it could not read.

Where several shops in one file use the same order numbers, the shop's column tells them apart.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from weakref import WeakKeyDictionary

import duckdb

from storehealth.catalogue.table import COMBINED_UNREAD, Table
from storehealth.catalogue.table import UNREAD as UNREAD_COLUMN
from storehealth.intake.cells import MACROS, quote_literal, quote_name, select_macros, split_macros
from storehealth.intake.containers import Body, Damage, Sheet
from storehealth.intake.normalise import (
    LOST,
    ODD,
    PASSED,
    UNREAD,
    ReadingPlan,
    build_staging_sql,
    build_table_sql,
    list_odd_columns,
    list_required_keys,
    name_word,
)
from storehealth.intake.pack_sql import limit_pack_sql
from storehealth.intake.sheet_checks import (
    decide_amounts,
    decide_times,
    find_left_out,
    refuse_mixed_shops,
    refuse_rounded_ids,
    unread_future_times,
)
from storehealth.privacy import scrub
from storehealth.support.message import Name, dump_message, load_message, message
from storehealth.support.sandbox import apply_thread_limit

LONGEST_VALUE = 2000
INSERTED = 50_000
"""Damaged lines listed at a time."""
LONGEST_WORD = 40
Con = duckdb.DuckDBPyConnection
_DEFINED: WeakKeyDictionary[Con, set[str]] = WeakKeyDictionary()
"""Names of the macros that each connection has."""
SEPARATOR = " · "


class TableFacts(NamedTuple):
    """What was written of one table. ``first`` and ``last`` are the times of its first and last event."""

    rows: int
    distinct_keys: int
    first: datetime | None = None
    last: datetime | None = None


class SheetOutcome(NamedTuple):
    """Where a sheet's rows went: ``rows = kept + duplicates + rejected``.

    ``listed`` counts the entries in rejects.parquet. ``unfit``, a dumped message, says why no row was kept. ``passed``
    counts rows of another kind, such as ordinary payments in a fund journal; they are in no other count. ``blanks``: by header
    of a time, how many cells say in words that there is none, and the commonest of these words.
    """

    rows: int
    kept: int
    duplicates: int
    rejected: int
    listed: int
    tables: dict[str, TableFacts]
    unfit: str = ""
    passed: int = 0
    blanks: list[tuple[str, int, list[str]]] = []


def connect(memory: str | None, scratch: Path, whole: bool = True) -> Con:
    """Open an in-memory database with the macros of ``*.sql``.

    Args:
        memory: Its limit.
        scratch: Where it may spill to disk.
        whole: Whether to define all macros; :func:`read_sheet` defines those it needs.
    """
    con = duckdb.connect(config={"memory_limit": memory or "1GB", "temp_directory": str(scratch)})
    apply_thread_limit(con)
    con.execute("SET TimeZone = 'UTC'")
    con.execute("SET enable_progress_bar = false")
    # Else `lower(t) IN (…)` becomes a join over every row, even the many that an earlier CASE branch decides.
    con.execute("SET disabled_optimizers = 'in_clause'")
    define_macros(con, MACROS if whole else "trim_blanks")
    return con


def define_macros(con: Con, sql: str) -> None:
    """Define the macros that an SQL text calls and the connection lacks: all of them take longer than a small file."""
    macros, known = split_macros(MACROS), _DEFINED.setdefault(con, set())
    lacking = [name for name in select_macros(macros, sql) if name not in known]
    if lacking:
        con.execute("".join(macros[name] for name in lacking))
        known.update(lacking)


def read_sheet(con: Con, plan: ReadingPlan, sheet: Sheet, folder: Path) -> SheetOutcome:
    """Read a sheet and write ``<table>.parquet`` for each table it feeds, and ``rejects.parquet``, into a folder.

    Raises:
        duckdb.Error: The layout's own SQL does not fit its columns.
        CatalogueError: SQL of a pack ran too long.
        OutOfMemory: SQL of a pack asked for more memory than is allowed.
    """
    body = _stage(con, plan, sheet)
    with limit_pack_sql(con, plan):
        outcome = _write_staged(con, plan, body, folder)
        if _ends_later(outcome, plan.latest) and unread_future_times(con, plan):
            _define_kept(con)
            return _write_staged(con, plan, body, folder)
        return outcome


def _ends_later(outcome: SheetOutcome, latest: datetime | None) -> bool:
    return latest is not None and any(facts.last and facts.last > latest for facts in outcome.tables.values())


def _write_staged(con: Con, plan: ReadingPlan, body: Body, folder: Path) -> SheetOutcome:
    """Sort out the rows that :func:`_stage` has read, and write the rest."""
    con.execute("CREATE OR REPLACE TEMP TABLE gone (source_row BIGINT)")
    con.execute(
        "CREATE OR REPLACE TEMP TABLE rejects"
        " (line BIGINT, column_name VARCHAR, value VARCHAR, reason VARCHAR, row_lost BOOLEAN)"
    )
    con.execute("INSERT INTO rejects SELECT *, false FROM unclear_amounts")
    rows, unfit = _reject_unfit(con, body)
    duplicates, unique = _drop_duplicates(con, plan)
    tables, missing = _write_tables(con, plan, folder, unique)
    if not _has_unique_orders(plan, tables):
        refuse_mixed_shops(con, plan)
    damaged = sum(damage.lost for damage in body.damages)
    kept = rows - unfit - duplicates - missing
    reading = SheetOutcome(
        rows + damaged, kept, duplicates, unfit + missing + damaged, _write_rejects(con, folder), tables,
        blanks=_count_blank_words(con, plan),
    )  # fmt: skip
    if not kept:
        reading = reading._replace(unfit=_explain_nothing_kept(con, plan))
    if plan.layout.only:
        reading = reading._replace(passed=_fetch_number(con, f"SELECT count(*) FROM staged WHERE {PASSED}"))
    return reading


def _has_unique_orders(plan: ReadingPlan, tables: dict[str, TableFacts]) -> bool:
    """Whether no order number can stand in two rows."""
    main = tables[plan.main_table.name]
    return "orders" not in tables or (plan.main_table.name == "orders" and main.distinct_keys == main.rows)


def _stage(con: Con, plan: ReadingPlan, sheet: Sheet) -> Body:
    """Fill the table ``staged`` and define the view ``numbered``, the staged rows with their source rows.

    The quick reader skips damaged lines silently, so where rows are missing, the sheet is read again record by record.
    """
    free_tail = _has_free_tail(plan)
    body = sheet.read_body(plan.match.first, plan.match.width, careful=plan.fills_down, free_tail=free_tail)
    if body.first_line is not None and plan.layout.order_cells == "first_row":
        # Filling the rows of an order changes their order, so their numbers are taken before.
        body = body._replace(sql=_number_rows(body), first_line=None)
    plan = plan._replace(plain=plan.find_plain_columns(record.cells for record in sheet.top[plan.match.first :]))
    body = _fill_staged(con, plan, sheet, body)
    odd = _find_odd_columns(con, plan)
    if odd:  # of these columns every cell is read with care; of the others none needs it
        plan = plan._replace(plain=plan.plain - odd)
        body = _fill_staged(con, plan, sheet, body)
    refuse_rounded_ids(con, plan)
    decided = decide_times(con, decide_amounts(con, plan, sheet.top, body))
    if decided is not plan:
        body = _fill_staged(con, decided, sheet, body)
    row = "source_row" if body.first_line is None else f"rowid + {body.first_line} AS source_row"
    star = "* EXCLUDE (source_row)" if body.first_line is None else "*"
    tests = [f"NOT {PASSED}"] if plan.layout.only else []
    if _find_blank(con, plan, body):
        tests.append("source_row NOT IN (SELECT source_row FROM blank)")
    if find_left_out(con, plan, body):
        tests.append("source_row NOT IN (SELECT source_row FROM left_out)")
    where = f"WHERE {' AND '.join(tests)}" if tests else ""
    star += name_shops(con, plan)
    con.execute(f"CREATE OR REPLACE TEMP VIEW numbered AS SELECT * FROM (SELECT {row}, {star} FROM staged) {where}")
    _define_kept(con)
    return body


def _fill_staged(con: Con, plan: ReadingPlan, sheet: Sheet, body: Body) -> Body:
    """Fill the table ``staged`` from a body, or from one read record by record where the quick one does not add up."""
    try:
        count = _fill(con, plan, body)
    except (duckdb.InvalidInputException, duckdb.NotImplementedException):  # the second: of lines that are too long
        count = None
        if body.expected is None:
            raise
    if body.expected is not None and count != body.expected:
        body = sheet.read_body(plan.match.first, plan.match.width, careful=True, free_tail=_has_free_tail(plan))
        _fill(con, plan, body)
    return body


def _find_odd_columns(con: Con, plan: ReadingPlan) -> frozenset[str]:
    """The columns taken to be plain of which some cell is not."""
    if not plan.plain:
        return frozenset()
    return list_odd_columns(plan, _fetch_number(con, f"SELECT coalesce(bit_or({ODD}), 0) FROM staged"))


def _has_free_tail(plan: ReadingPlan) -> bool:
    """Whether the last column is read as a text."""
    last = [key for key, place in plan.match.columns.items() if place == plan.match.width - 1]
    return any(plan.target_column(key).type == "text" for key in last)


def _number_rows(body: Body) -> str:
    return f"SELECT row_number() OVER () + {(body.first_line or 1) - 1} AS source_row, * FROM ({body.sql})"


def _find_blank(con: Con, plan: ReadingPlan, body: Body) -> bool:
    """Fill the table ``blank`` with rows without any text, as Excel leaves them below a table: they do not count as rows.

    All cells of the file are searched only if some row has no text in the columns that are read.
    """
    cells = [key for key in plan.match.columns if not plan.layout.columns[key].fill_down]
    no_text = " AND ".join([*(f"{quote_name(key)} IS NULL" for key in cells), f"{UNREAD} IS NULL"])
    if not _fetch_number(con, f"SELECT count(*) FROM staged WHERE {no_text}"):
        return False
    texts = f"concat({', '.join(f'c{place}' for place in range(plan.match.width))})"
    numbered = body.sql if body.first_line is None else _number_rows(body)
    return bool(
        _fetch_number(
            con,
            f"CREATE OR REPLACE TEMP TABLE blank AS SELECT source_row FROM ({numbered}) WHERE trim_blanks({texts}) = ''",
        )
    )


def _fill(con: Con, plan: ReadingPlan, body: Body) -> int:
    """Fill the table ``staged``; give its number of rows."""
    sql = build_staging_sql(plan, body.sql, numbered=body.first_line is None)
    define_macros(con, sql)
    with limit_pack_sql(con, plan):
        return _fetch_number(con, f"CREATE OR REPLACE TEMP TABLE staged AS {sql}")


def _define_kept(con: Con, *conditions: str) -> None:
    """Define the view ``kept``: the rows that are neither rejected nor repeated, as far as is known by now."""
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    con.execute(f"CREATE OR REPLACE TEMP VIEW kept AS SELECT * FROM numbered {where}")


def _reject_unfit(con: Con, body: Body) -> tuple[int, int]:
    """List damaged lines, total rows and unreadable cells; give the number of staged rows and of those lost by this."""
    _insert_damages(con, body.damages)
    con.execute("INSERT INTO rejects SELECT source_row, NULL, NULL, reason, false FROM left_out")
    rows, lost, unread = con.execute(
        f"SELECT count(*), count(*) FILTER ({LOST}), count({UNREAD}) FROM numbered"
    ).fetchall()[0]
    if unread:
        con.execute(
            f"INSERT INTO rejects SELECT source_row, cell.column_name, cell.value[:{LONGEST_VALUE}], cell.reason, {LOST}"
            f" FROM (SELECT source_row, {LOST}, unnest({UNREAD}) AS cell FROM numbered)"
        )
    if lost:
        con.execute(f"INSERT INTO gone SELECT source_row FROM numbered WHERE {LOST}")
        _define_kept(con, f"NOT {LOST}")
    return rows, lost


def _insert_damages(con: Con, damages: Sequence[Damage]) -> None:
    """List damaged lines, many at a time: there may be as many as the file has lines."""
    for start in range(0, len(damages), INSERTED):
        some = damages[start : start + INSERTED]
        values = [damage.value[:LONGEST_VALUE] for damage in some]
        con.execute(
            "INSERT INTO rejects SELECT unnest(?::BIGINT[]), NULL, unnest(?::VARCHAR[]), unnest(?::VARCHAR[]),"
            " unnest(?::BOOLEAN[])",
            [[damage.line for damage in some], values, [d.reason for d in some], [d.lost for d in some]],
        )


def _drop_duplicates(con: Con, plan: ReadingPlan) -> tuple[int, bool]:
    """Keep the first of each set of rows that are equal in every column.

    Returns:
        The number of the rows dropped, and whether the key of the counted table is in the file and unique.
    """
    rows = _fetch_number(con, "SELECT count(*) FROM kept")
    if plan.numbers_lines:
        return 0, False
    columns = ", ".join(map(quote_name, plan.filled_keys))
    keys = [plan.layout.find_column(plan.main_table.name, key) for key in plan.main_table.key]
    key_columns = [key for key in keys if key in plan.filled_keys]
    # Counting distinct keys is much cheaper than distinct rows, and distinct keys prove distinct rows.
    for distinct in (key_columns, plan.filled_keys):
        if (
            distinct
            and _fetch_number(con, f"SELECT count(DISTINCT hash({', '.join(map(quote_name, distinct))})) FROM kept")
            == rows
        ):
            return 0, distinct is key_columns and len(key_columns) == len(keys)
    repeats = _fetch_number(
        con,
        f"""CREATE OR REPLACE TEMP TABLE repeats AS
        SELECT source_row FROM kept
        WHERE hash({columns}) IN (SELECT hash({columns}) FROM kept GROUP BY 1 HAVING count(*) > 1)
        QUALIFY row_number() OVER (PARTITION BY {columns} ORDER BY source_row) > 1""",
    )
    con.execute("INSERT INTO gone FROM repeats")
    _define_kept(con, "source_row NOT IN (SELECT source_row FROM gone)")
    return repeats, False


def _write_tables(con: Con, plan: ReadingPlan, folder: Path, unique: bool) -> tuple[dict[str, TableFacts], int]:
    """Write every table of the layout; give their facts, and the number of rows lost because part of the key is missing."""
    kept = _fetch_number(con, "SELECT count(*) FROM kept")
    counted = build_table_sql(plan, plan.main_table, "kept")
    keys = list_required_keys(plan, plan.main_table)
    complete = " AND ".join(f"{quote_name(key)} IS NOT NULL" for key in keys) or "true"
    rows = f"SELECT * FROM ({counted}) WHERE {complete}"
    tables = {plan.main_table.name: _write(con, plan.main_table, rows, folder, unique)}
    incomplete = kept - tables[plan.main_table.name].rows
    missing = _reject_missing(con, plan, counted, keys) if incomplete else 0
    for other in plan.layout.feeds[1:]:
        table = plan.tables[other]
        tables[other] = _write(con, table, _one_per_key(con, plan, table), folder, unique=True)
    return tables, missing


def _reject_missing(con: Con, plan: ReadingPlan, counted: str, keys: list[str]) -> int:
    """Reject the rows whose key is incomplete and that no other table takes: a row without an item still has its order.

    They are listed once for each part of the key that is missing.
    """
    others = [
        f"SELECT source_row FROM ({_select_rows(plan, plan.tables[other])})" for other in plan.layout.feeds[1:]
    ] or ["SELECT NULL::BIGINT AS source_row WHERE false"]
    any_missing = " OR ".join(f"{quote_name(key)} IS NULL" for key in keys)
    lost = _fetch_number(
        con,
        f"CREATE OR REPLACE TEMP TABLE keyless AS SELECT * FROM ({counted}) ANTI JOIN ({' UNION ALL '.join(others)})"
        f" USING (source_row) WHERE {any_missing}",
    )
    for key in keys:
        blamed = plan.find_blamed_column(key)
        header = plan.match.headers.get(plan.layout.find_column(plan.main_table.name, blamed) or "", blamed)
        con.execute(
            f"INSERT INTO rejects SELECT source_row, ?, NULL, ?, true FROM keyless WHERE {quote_name(key)} IS NULL",
            [header, dump_message(message("reject.missing", column=Name(blamed)))],
        )
    con.execute("INSERT INTO gone SELECT source_row FROM keyless")
    _define_kept(con, "source_row NOT IN (SELECT source_row FROM gone)")
    return lost


def _select_rows(plan: ReadingPlan, table: Table) -> str:
    """SQL for the rows of a further table, not yet combined."""
    return f"SELECT * FROM ({build_table_sql(plan, table, 'kept')}) WHERE {_require_content(plan, table)}"


def _one_per_key(con: Con, plan: ReadingPlan, table: Table) -> str:
    """SQL for one row per key of a further table, its columns combined as the table declares."""
    rows = _select_rows(plan, table)
    keys = ", ".join(map(quote_name, table.key))
    count, distinct = con.execute(f"SELECT count(*), count(DISTINCT hash({keys})) FROM ({rows})").fetchall()[0]
    if count == distinct:
        return rows
    combined = [
        f"{table.combine_sql(column)} AS {quote_name(column)}" for column in table.columns if column not in table.key
    ]
    others = ", ".join([*combined, f"{COMBINED_UNREAD} AS {UNREAD_COLUMN}"])
    ordered = ", ".join([*map(quote_name, table.columns), UNREAD_COLUMN])
    grouped = f"SELECT min(source_row) AS source_row, {keys}, {others} FROM ({rows}) GROUP BY {keys}"
    return f"SELECT source_row, {ordered} FROM ({grouped})"


def _require_content(plan: ReadingPlan, table: Table) -> str:
    """SQL condition for rows worth writing: the key is complete and, if part of it is made up, another column has a value."""
    tests = [f"{quote_name(key)} IS NOT NULL" for key in list_required_keys(plan, table)]
    if any(table.columns[key].otherwise and not plan.has_column(table.name, key) for key in table.key):
        free = [column for column in table.columns if column not in table.key and plan.has_column(table.name, column)]
        tests.append(f"({' OR '.join(f'{quote_name(column)} IS NOT NULL' for column in free) or 'false'})")
    return " AND ".join(tests) or "true"


def _write(con: Con, table: Table, rows: str, folder: Path, unique: bool) -> TableFacts:
    """Write a table; ``unique``: its keys are known not to repeat, so they need no counting."""
    path = folder / f"{table.name}.parquet"
    count = _fetch_number(con, f"COPY ({rows}) TO {quote_literal(str(path))} (FORMAT parquet, COMPRESSION zstd)")
    keys = ", ".join(map(quote_name, table.key))
    first = ", ".join(f"min({quote_name(column)})" for column in table.events) or "NULL::TIMESTAMP"
    last = ", ".join(f"max({quote_name(column)})" for column in table.events) or "NULL::TIMESTAMP"
    distinct = "count(*)" if unique else f"count(DISTINCT hash({keys}))"
    facts = f"SELECT {distinct}, least({first}), greatest({last}) FROM {quote_literal(str(path))}"
    return TableFacts(count, *con.execute(facts).fetchall()[0])


def _explain_nothing_kept(con: Con, plan: ReadingPlan) -> str:
    """The reason that cost most rows. Empty where the sheet had only total rows."""
    commonest = con.execute(
        "SELECT column_name, reason, count(*), min(value) FROM rejects WHERE row_lost GROUP BY 1, 2"
        " ORDER BY 3 DESC, 1, 2 LIMIT 1"
    ).fetchone()
    if commonest is None:
        return ""
    column, reason, count, value = commonest
    why = load_message(reason)
    if column and value and re.search(r"\d", value):  # a text without digits may be anybody's name
        why = message("reject.in_column", column=Name(column), value=Name(scrub(value[:LONGEST_WORD])), reason=why)
    elif column:
        why = message("reject.in_column_bare", column=Name(column), reason=why)
    return dump_message(message("rows.none_read", layout=Name(plan.layout.name), reason=why, n=count))


def _write_rejects(con: Con, folder: Path) -> int:
    path = folder / "rejects.parquet"
    return _fetch_number(
        con,
        f"COPY (SELECT * FROM rejects ORDER BY ALL) TO {quote_literal(str(path))} (FORMAT parquet, COMPRESSION zstd)",
    )


def _count_blank_words(con: Con, plan: ReadingPlan) -> list[tuple[str, int, list[str]]]:
    keys = plan.later_times
    if not keys:
        return []
    counts = con.execute(f"SELECT {', '.join(f'count({name_word(key)})' for key in keys)} FROM numbered").fetchall()[0]
    found = []
    for key, count in zip(keys, counts, strict=True):
        if count:
            word = f"{name_word(key)}[:{LONGEST_WORD}]"
            common = (
                f"SELECT {word} FROM numbered GROUP BY 1 HAVING {word} IS NOT NULL ORDER BY count(*) DESC, 1 LIMIT 3"
            )
            words = [scrub(text) for (text,) in con.execute(common).fetchall()]
            found.append((plan.match.headers[key], count, words))
    return found


def _fetch_number(con: Con, sql: str) -> int:
    return int(con.execute(sql).fetchall()[0][0])


def name_shops(con: duckdb.DuckDBPyConnection, plan: ReadingPlan) -> str:
    """SQL that adds the shop to the order numbers of ``staged``, if any is of two; ``db.merge`` does so between files."""
    keys = {name: plan.layout.find_column("orders", name) for name in ("shop", "internal_id", "created_at")}
    read = {name: quote_name(key) for name, key in keys.items() if key in plan.match.columns}
    if plan.order_key not in plan.match.columns:
        return ""
    order = quote_name(plan.order_key)
    at = read.get("created_at", "NULL::TIMESTAMP")
    # lines may have numbers of their own; orders of two shops have two times
    further = {"shop": "", "internal_id": f" AND max({at}) - min({at}) > INTERVAL 1 HOUR"}
    for name, also in [(read[mark], also) for mark, also in further.items() if mark in read]:
        shared = f"SELECT {order} FROM staged GROUP BY {order} HAVING min({name}) <> max({name}){also} LIMIT 1"
        if con.execute(shared).fetchall():
            return f" REPLACE (coalesce({order} || {quote_literal(SEPARATOR)} || {name}, {order}) AS {order})"
    return ""
