"""Reads one recognised sheet into Parquet files, one per canonical table, and lists the cells and rows it could not read.

Where several shops in one file use the same order numbers, the shop's column tells them apart.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple
from weakref import WeakKeyDictionary

import duckdb

from storehealth.catalogue.table import COMBINED_UNREAD, Table
from storehealth.catalogue.table import UNREAD as UNREAD_COLUMN
from storehealth.intake.cells import MACROS, quote_literal, quote_name, select_macros, split_macros
from storehealth.intake.containers import TOP_RECORDS, Body, Damage, Sheet
from storehealth.intake.containers.delimited import read_as_timed, select_rows
from storehealth.intake.normalise import (
    LOST,
    ODD,
    PASSED,
    SKIPPED,
    UNREAD,
    ReadingPlan,
    build_staging_sql,
    build_table_sql,
    list_odd_columns,
    list_required_keys,
    list_stored_columns,
    name_word,
)
from storehealth.intake.pack_sql import limit_pack_sql
from storehealth.intake.sheet_checks import (
    LEFT_OUT,
    Unclear,
    decide_amounts,
    decide_times,
    find_left_out,
    is_odd_id,
    may_be_rounded,
    refuse_mixed_shops,
    refuse_rounded_ids,
    unread_future_times,
)
from storehealth.privacy import scrub
from storehealth.support.message import Name, dump_message, load_message, message
from storehealth.support.sandbox import apply_thread_limit

STORED = (
    "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, PARQUET_VERSION v2"
    ", DICTIONARY_SIZE_LIMIT 8000, WRITE_BLOOM_FILTER false"
)
"""How rows are stored: delta encodings take a fifth less time and space than those of version 1 at the usual level, and
larger dictionaries cost more to build than they spare whoever reads them."""
LONGEST_VALUE = 2000
INSERTED = 50_000
"""Damaged lines listed at a time."""
LONGEST_WORD = 40
MOST_WORDS = 3
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


class RowTally(NamedTuple):
    """How many rows of ``staged`` there are, and how many of them need more than to be written.

    ``odd``: a bit for each column taken to be plain in which a cell is not. ``unread`` have a cell that could not be read,
    ``lost`` cannot be kept, ``skipped`` and ``strange`` may be no records, ``bare`` have nothing in the columns that are read,
    ``words`` counts texts instead of times, and ``rounded`` is whether ids may have lost digits.
    """

    rows: int = 0
    odd: int = 0
    unread: int = 0
    lost: int = 0
    skipped: int = 0
    strange: int = 0
    bare: int = 0
    rounded: bool = False
    words: int = 0


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
    body, unclear = _stage(con, plan, sheet)
    with limit_pack_sql(con, plan):
        outcome = _write_staged(con, plan, body, unclear, folder)
        if ends_later(outcome.tables.values(), plan.latest) and unread_future_times(con, plan):
            _define_kept(con)
            return _write_staged(con, plan, body, unclear, folder)
        return outcome


def ends_later(tables: Iterable[TableFacts], latest: datetime | None) -> bool:
    """Whether some table has an event after a moment."""
    return latest is not None and any(facts.last and facts.last > latest for facts in tables)


def _write_staged(con: Con, plan: ReadingPlan, body: Body, unclear: Sequence[Unclear], folder: Path) -> SheetOutcome:
    """Sort out the rows that :func:`_stage` has read, and write the rest."""
    con.execute("CREATE OR REPLACE TEMP TABLE gone (source_row BIGINT)")
    con.execute(
        "CREATE OR REPLACE TEMP TABLE rejects"
        " (line BIGINT, column_name VARCHAR, value VARCHAR, reason VARCHAR, row_lost BOOLEAN)"
    )
    for amount in unclear:
        con.execute("INSERT INTO rejects VALUES (?, ?, ?, ?, false)", amount)
    rows, unfit = _reject_unfit(con, body)
    duplicates, unique = _drop_duplicates(con, plan, rows - unfit)
    tables, missing = _write_tables(con, plan, folder, unique, rows - unfit - duplicates)
    if not has_unique_orders(plan, tables):
        refuse_mixed_shops(con, plan)
    damaged = sum(damage.lost for damage in body.damages)
    kept = rows - unfit - duplicates - missing
    reading = SheetOutcome(
        rows + damaged, kept, duplicates, unfit + missing + damaged, _write_rejects(con, folder), tables,
        blanks=count_blank_words(con, plan).get(0, []),
    )  # fmt: skip
    if not kept:
        reading = reading._replace(unfit=_explain_nothing_kept(con, plan))
    if plan.layout.only:
        reading = reading._replace(passed=_fetch_number(con, f"SELECT count(*) FROM staged WHERE {PASSED}"))
    return reading


def has_unique_orders(plan: ReadingPlan, tables: dict[str, TableFacts]) -> bool:
    """Whether no order number can stand in two rows."""
    main = tables[plan.main_table.name]
    return "orders" not in tables or (plan.main_table.name == "orders" and main.distinct_keys == main.rows)


def _stage(con: Con, plan: ReadingPlan, sheet: Sheet) -> tuple[Body, list[Unclear]]:
    """Fill the table ``staged`` and define the view ``numbered``, the staged rows with their source rows.

    The quick reader skips damaged lines silently, so where rows are missing, the sheet is read again record by record.
    """
    free_tail = has_free_tail(plan)
    body = sheet.read_body(plan.match.first, plan.match.width, careful=plan.fills_down, free_tail=free_tail)
    if body.first_line is not None and plan.layout.order_cells == "first_row":
        # Filling the rows of an order changes their order, so their numbers are taken before.
        body = body._replace(sql=_number_rows(body), first_line=None, rows=None)
    plan = plan._replace(plain=plan.find_plain_columns(_list_samples(plan, sheet, body), typed=body.rows is not None))
    plan, body = _fill_staged(con, plan, sheet, body)
    tally = count_odd_rows(con, plan).get(0, RowTally())
    if tally.odd:  # of these columns every cell is read with care; of the others none needs it
        plan, body = _fill_staged(con, plan.without_plain(list_odd_columns(plan, tally.odd)), sheet, body)
        tally = count_odd_rows(con, plan).get(0, RowTally())
    if tally.rounded:
        refuse_rounded_ids(con, plan)
    decided, unclear = decide_amounts(con, plan, sheet.top, body)
    if tally.unread:
        decided = decide_times(con, decided)
    if decided is not plan:
        decided, body = _fill_staged(con, decided, sheet, body)
        tally = count_odd_rows(con, decided).get(0, RowTally())
    _define_numbered(con, plan, body, tally)
    return body, unclear


def _list_samples(plan: ReadingPlan, sheet: Sheet, body: Body) -> list[Sequence[str]]:
    """The first rows of a sheet; those of a chat log are known only when all of it has been read."""
    samples = list[Sequence[str]](record.cells for record in sheet.top[plan.match.first :])
    if not samples and body.rows and body.rows.begin is None:
        with body.rows.path.open(encoding="utf-8", newline="") as stream:
            samples += [cells[1:] for cells in islice(csv.reader(line[:LONGEST_VALUE] for line in stream), TOP_RECORDS)]
    return samples


def _define_numbered(con: Con, plan: ReadingPlan, body: Body, tally: RowTally) -> None:
    """Define the view ``numbered`` over the rows that are records, and ``kept`` over the same."""
    row = "source_row" if body.first_line is None else f"rowid + {body.first_line} AS source_row"
    star = "* EXCLUDE (source_row)" if body.first_line is None else "*"
    tests = [f"NOT {PASSED}"] if plan.layout.only else []
    if tally.bare and _find_blank(con, plan, body):
        tests.append("source_row NOT IN (SELECT source_row FROM blank)")
    con.execute(LEFT_OUT)
    if (tally.skipped or tally.strange) and find_left_out(con, plan, body):
        tests.append("source_row NOT IN (SELECT source_row FROM left_out)")
    where = f"WHERE {' AND '.join(tests)}" if tests else ""
    star += name_shops(con, plan)
    con.execute(f"CREATE OR REPLACE TEMP VIEW numbered AS SELECT * FROM (SELECT {row}, {star} FROM staged) {where}")
    _define_kept(con)


def count_odd_rows(con: Con, plan: ReadingPlan, file: str = "0") -> dict[int, RowTally]:
    """Count the rows of ``staged`` that need care, by file where a column tells files apart."""
    tests = [LOST, SKIPPED, f"NOT {SKIPPED} AND ({LOST} OR {is_odd_id(plan)})", _is_bare(plan)]
    odd = f"coalesce(bit_or({ODD}), 0)" if plan.plain else "0"
    words = " + ".join(f"count({name_word(key)})" for key in plan.later_times) or "0"
    counts = ", ".join(f"count_if({test})" for test in tests)
    sql = f"SELECT {file}, count(*), {odd}, count({UNREAD}), {counts}, {may_be_rounded(plan)}, {words} FROM staged GROUP BY 1"
    return {number: RowTally(*counts) for number, *counts in con.execute(sql).fetchall()}


def _is_bare(plan: ReadingPlan) -> str:
    """SQL condition: a row has no text in the columns that are read."""
    cells = [quote_name(key) for key in plan.match.columns if not plan.layout.columns[key].fill_down]
    first, *others = [*cells, UNREAD]
    # CASE, as the further tests of AND would be computed for every row.
    return (
        f"CASE WHEN {first} IS NULL THEN {' AND '.join(f'{cell} IS NULL' for cell in others) or 'true'} ELSE false END"
    )


def _fill_staged(con: Con, plan: ReadingPlan, sheet: Sheet, body: Body) -> tuple[ReadingPlan, Body]:
    """Fill the table ``staged`` from a body, or from one read record by record where the quick one does not add up.

    Returns:
        The plan without the columns of times in which one is written differently, and the body.
    """
    try:
        count = _fill(con, plan, body)
    except duckdb.ConversionException as error:
        odd = _find_odd_time(plan, body, str(error))
        if not odd:
            raise
        return _fill_staged(con, plan.without_plain(odd), sheet, body)
    except (duckdb.InvalidInputException, duckdb.NotImplementedException):  # the second: of lines that are too long
        count = None
        if body.expected is None:
            raise
    if body.expected is not None and count != body.expected:
        body = sheet.read_body(plan.match.first, plan.match.width, careful=True, free_tail=has_free_tail(plan))
        return _fill_staged(con, plan, sheet, body)
    return plan, read_as_timed(body, plan.match.width) if plan.formats else body


def _find_odd_time(plan: ReadingPlan, body: Body, error: str) -> list[str]:
    """The column of times that DuckDB could not read, by its error; all of them where that names none."""
    shift = body.rows is not None and body.rows.begin is None
    found = re.search(r'column "c(\d+)"', error)
    named = [key for key in plan.formats if found and plan.match.columns[key] + shift == int(found[1])]
    return named or list(plan.formats)


def has_free_tail(plan: ReadingPlan) -> bool:
    """Whether the last column is read as a text."""
    last = [key for key, place in plan.match.columns.items() if place == plan.match.width - 1]
    return any(plan.target_column(key).type == "text" for key in last)


def _number_rows(body: Body) -> str:
    return f"SELECT row_number() OVER () + {(body.first_line or 1) - 1} AS source_row, * FROM ({body.sql})"


def _find_blank(con: Con, plan: ReadingPlan, body: Body) -> bool:
    """Fill the table ``blank`` with rows without any text, as Excel leaves them below a table: they do not count as rows."""
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
    formats = {plan.match.columns[key]: form for key, form in plan.formats.items()}
    source = select_rows(body.rows, plan.match.width, formats) if formats and body.rows else body.sql
    sql = build_staging_sql(plan, source, ["source_row"] if body.first_line is None else [])
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


def _drop_duplicates(con: Con, plan: ReadingPlan, rows: int) -> tuple[int, bool]:
    """Keep the first of each set of rows, of so many in ``kept``, that are equal in every column.

    Returns:
        The number of the rows dropped, and whether the key of the counted table is in the file and unique.
    """
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


def _write_tables(
    con: Con, plan: ReadingPlan, folder: Path, unique: bool, kept: int
) -> tuple[dict[str, TableFacts], int]:
    """Write every table of the layout; give their facts, and the number of rows lost because part of the key is missing."""
    counted = build_table_sql(plan, plan.main_table, "kept")
    keys = list_required_keys(plan, plan.main_table)
    complete = " AND ".join(f"{quote_name(key)} IS NOT NULL" for key in keys) or "true"
    rows = f"SELECT * FROM ({counted}) WHERE {complete}"
    tables = {plan.main_table.name: _write(con, plan, plan.main_table, rows, folder, unique)}
    incomplete = kept - tables[plan.main_table.name].rows
    missing = _reject_missing(con, plan, counted, keys) if incomplete else 0
    for other in plan.layout.feeds[1:]:
        table = plan.tables[other]
        tables[other] = _write(con, plan, table, _one_per_key(con, plan, table), folder, unique=True)
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
    return f"SELECT * FROM ({build_table_sql(plan, table, 'kept')}) WHERE {require_content(plan, table)}"


def _one_per_key(con: Con, plan: ReadingPlan, table: Table) -> str:
    """SQL for one row per key of a further table, its columns combined as the table declares."""
    rows = _select_rows(plan, table)
    keys = ", ".join(map(quote_name, table.key))
    count, distinct = con.execute(f"SELECT count(*), count(DISTINCT hash({keys})) FROM ({rows})").fetchall()[0]
    if count == distinct:
        return rows
    return combine_rows(table, rows)


def combine_rows(table: Table, rows: str, marks: Sequence[str] = ()) -> str:
    """SQL that combines the rows of a key as the table declares; ``marks`` are further columns of the key."""
    combined = [
        f"{table.combine_sql(column)} AS {quote_name(column)}" for column in table.columns if column not in table.key
    ]
    others = ", ".join([*combined, f"{COMBINED_UNREAD} AS {UNREAD_COLUMN}"])
    ordered = ", ".join([*marks, "source_row", *map(quote_name, table.columns), UNREAD_COLUMN])
    keys = ", ".join([*marks, *map(quote_name, table.key)])
    return (
        f"SELECT {ordered} FROM (SELECT min(source_row) AS source_row, {keys}, {others} FROM ({rows}) GROUP BY {keys})"
    )


def require_content(plan: ReadingPlan, table: Table) -> str:
    """SQL condition for rows worth writing: the key is complete and, if part of it is made up, another column has a value."""
    tests = [f"{quote_name(key)} IS NOT NULL" for key in list_required_keys(plan, table)]
    if any(table.columns[key].otherwise and not plan.has_column(table.name, key) for key in table.key):
        free = [column for column in table.columns if column not in table.key and plan.has_column(table.name, column)]
        tests.append(f"({' OR '.join(f'{quote_name(column)} IS NOT NULL' for column in free) or 'false'})")
    return " AND ".join(tests) or "true"


def _write(con: Con, plan: ReadingPlan, table: Table, rows: str, folder: Path, unique: bool) -> TableFacts:
    """Write a table; ``unique``: its keys are known not to repeat, so they need no counting."""
    path = folder / f"{table.name}.parquet"
    columns = list_stored_columns(plan, table)
    names = ", ".join(["source_row", *map(quote_name, columns), UNREAD_COLUMN])
    count = _fetch_number(con, f"COPY (SELECT {names} FROM ({rows})) TO {quote_literal(str(path))} ({STORED})")
    facts = f"SELECT {count_keys(table, columns, unique)} FROM {quote_literal(str(path))}"
    return TableFacts(count, *con.execute(facts).fetchall()[0])


def count_keys(table: Table, columns: Iterable[str], unique: bool = False) -> str:
    """SQL columns: how many keys, and the first and the last event, of a relation with these columns."""
    keys = ", ".join(map(quote_name, table.key))
    events = [quote_name(column) for column in table.events if column in columns]
    first = ", ".join(f"min({event})" for event in events) or "NULL::TIMESTAMP"
    last = ", ".join(f"max({event})" for event in events) or "NULL::TIMESTAMP"
    distinct = "count(*)" if unique else f"count(DISTINCT hash({keys}))"
    return f"{distinct}, least({first}), greatest({last})"


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
    """Write the rejects, if there are any."""
    if not _fetch_number(con, "SELECT count(*) FROM rejects"):
        return 0
    path = folder / "rejects.parquet"
    return _fetch_number(
        con,
        f"COPY (SELECT * FROM rejects ORDER BY ALL) TO {quote_literal(str(path))} (FORMAT parquet, COMPRESSION zstd)",
    )


def count_blank_words(
    con: Con, plan: ReadingPlan, rows: str = "numbered", file: str = "0"
) -> dict[int, list[tuple[str, int, list[str]]]]:
    """Count the words that stand for a time, by file; see :attr:`SheetOutcome.blanks`. Each header counts once."""
    keys = {plan.match.headers[key]: key for key in reversed(plan.later_times)}
    found = defaultdict[int, list[tuple[str, int, list[str]]]](list)
    for header, key in reversed(keys.items()):
        word, counts = f"{name_word(key)}[:{LONGEST_WORD}]", defaultdict[int, dict[str, int]](dict)
        sql = f"SELECT {file}, {word}, count(*) FROM {rows} WHERE {name_word(key)} IS NOT NULL GROUP BY ALL"
        for number, text, count in con.execute(sql).fetchall():
            counts[number][text] = count
        for number, words in counts.items():
            common = sorted(words, key=lambda text: (-words[text], text))[:MOST_WORDS]
            found[number].append((header, sum(words.values()), list(map(scrub, common))))
    return found


def _fetch_number(con: Con, sql: str) -> int:
    return int(con.execute(sql).fetchall()[0][0])


def name_shops(con: duckdb.DuckDBPyConnection, plan: ReadingPlan) -> str:
    """SQL that adds the shop to the order numbers of ``staged``, if any is of two; ``db.merge`` does so between files."""
    for name, shared in list_shop_tests(plan):
        if con.execute(f"{shared} LIMIT 1").fetchall():
            order = quote_name(plan.order_key)
            return f" REPLACE (coalesce({order} || {quote_literal(SEPARATOR)} || {name}, {order}) AS {order})"
    return ""


def list_shop_tests(plan: ReadingPlan, file: str = "0") -> list[tuple[str, str]]:
    """The columns that may name an order's shop, and for each the SQL of the files in which an order number has two shops."""
    keys = {name: plan.layout.find_column("orders", name) for name in ("shop", "internal_id", "created_at")}
    read = {name: quote_name(key) for name, key in keys.items() if key in plan.match.columns}
    if plan.order_key not in plan.match.columns:
        return []
    order = quote_name(plan.order_key)
    at = read.get("created_at", "NULL::TIMESTAMP")
    # lines may have numbers of their own; orders of two shops have two times
    further = {"shop": "", "internal_id": f" AND max({at}) - min({at}) > INTERVAL 1 HOUR"}
    shared = f"SELECT {file} FROM staged GROUP BY {'' if file == '0' else f'{file}, '}{order}"
    return [
        (read[mark], f"{shared} HAVING min({read[mark]}) <> max({read[mark]}){also}")
        for mark, also in further.items()
        if mark in read
    ]
