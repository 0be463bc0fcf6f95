"""Reads many small files of one layout and one header together: planning the SQL for one takes far longer than its rows.

Each step of :mod:`storehealth.intake.read` is done once for all of them, by file. Files that need more than that (rows
that are lost, repeated or no records, amounts or ids in doubt, a damaged line) are left out, and are read one by one.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import duckdb

from storehealth.catalogue.table import UNREAD as UNREAD_COLUMN
from storehealth.catalogue.table import Table
from storehealth.intake.cells import quote_literal, quote_name
from storehealth.intake.containers import Damage, RowsFile, Sheet
from storehealth.intake.containers.delimited import build_csv_query
from storehealth.intake.normalise import (
    UNREAD,
    ReadingPlan,
    build_staging_sql,
    build_table_sql,
    list_required_keys,
    list_stored_columns,
)
from storehealth.intake.read import (
    LONGEST_VALUE,
    Con,
    RowTally,
    SheetOutcome,
    TableFacts,
    combine_rows,
    count_blank_words,
    count_keys,
    count_odd_rows,
    define_macros,
    ends_later,
    has_free_tail,
    has_unique_orders,
    list_shop_tests,
    require_content,
)
from storehealth.intake.records import has_width
from storehealth.intake.sheet_checks import decide_times_by_file, find_mixed_shops, may_be_grouped

FILE = "__file"
MARKS = (FILE, "source_row")
MOST_BYTES = 128 << 10
"""Size of a file from which its rows take longer than the planning of its SQL."""
MOST_FILES = 100
"""Files read together: as many as DuckDB writes to at a time."""
FEWEST = 4
"""Files from which reading them together is quicker."""


class SmallSheet(NamedTuple):
    """A sheet of a small file, and how it is to be read."""

    plan: ReadingPlan
    sheet: Sheet


def group_alike(sheets: Mapping[str, SmallSheet]) -> Iterator[list[str]]:
    """Yield the keys of sheets that can be read together: same layout, same header, same day in the names of the files."""
    groups = defaultdict[str, list[str]](list)
    for key, (plan, _) in sheets.items():
        if not (plan.from_pack or plan.layout.only):
            groups[repr((plan.layout.name, plan.match, plan.named_day))].append(key)
    for keys in groups.values():
        for start in range(0, len(keys), MOST_FILES):
            if len(keys) - start >= FEWEST:
                yield keys[start : start + MOST_FILES]


def read_small_sheets(con: Con, sheets: Sequence[SmallSheet], folder: Path) -> dict[int, SheetOutcome]:
    """Read sheets that are alike; write ``folder/__file=N/<table>0.parquet`` for each table that sheet *N* feeds.

    Args:
        con: The database of :func:`storehealth.intake.read.connect`.
        sheets: Of one layout and one header.
        folder: Where the tables are written.

    Returns:
        The outcome by place in ``sheets``; of those that must be read one by one there is none.
    """
    batch, outcomes = _Batch(con, sheets[0].plan, folder), dict[int, SheetOutcome]()
    parts = defaultdict[str, list[str]](list)
    for number, (plan, sheet) in enumerate(sheets):
        delimiter, rows, damages = _load_rows(plan, sheet)
        parts[delimiter] += [f"{number}{delimiter}{row}" for row in rows]
        batch.damages[number] = damages
    for delimiter, rows in parts.items():
        outcomes |= batch.read(rows, delimiter)
    for number in outcomes:
        for path in (folder / f"{FILE}={number}").iterdir():
            path.rename(path.with_name(f"{path.name.partition('.')[0]}.parquet"))
    return outcomes


GROUPED_DIGITS = re.compile(r"\d\.\d{3}(?![\d:])|\"[^\",]*\d,\d")
GROUPED_OR_COMMA = re.compile(r"\d\.\d{3}(?![\d:])|\d,\d")
"""What may be an amount with groups of digits: a comma between digits counts only where it does not end a cell."""


def _is_doubtful(plan: ReadingPlan, sheet: Sheet, money: Sequence[str]) -> bool:
    return any(may_be_grouped(sheet.top[plan.match.first :], plan.match.columns[key]) for key in money)


def _load_rows(plan: ReadingPlan, sheet: Sheet) -> tuple[str, list[str], Sequence[Damage]]:
    """The delimiter, the rows of a file, each after its number, and its damages; no rows where any needs a closer look."""
    money = [key for key, _, target in plan.iterate_read_columns() if target.type == "money"]
    body = sheet.read_body(plan.match.first, plan.match.width, careful=plan.fills_down, free_tail=has_free_tail(plan))
    if body.rows is None or body.rows.path.stat().st_size > MOST_BYTES:
        return ",", [], ()
    rows = list(_number_rows(body.rows, plan.match.width))
    whole = [row for row in rows if row is not None]
    is_whole = len(whole) == len(rows) and body.expected in (None, len(rows))
    grouped = GROUPED_DIGITS if body.rows.delimiter == "," else GROUPED_OR_COMMA
    if money and any(map(grouped.search, whole)) and _is_doubtful(plan, sheet, money):
        return ",", [], ()
    return body.rows.delimiter, whole if is_whole else [], body.damages


def _number_rows(rows: RowsFile, width: int) -> Iterator[str | None]:
    """The rows of a file as text, each after its number; None for one that the quick reader might read otherwise."""
    with rows.path.open(encoding="utf-8-sig", newline="") as stream:
        if rows.begin is None:
            yield from (_join_cells(cells) if len(cells) == width + 1 else None for cells in csv.reader(stream))
            return
        lines = stream.read().split("\n")
    for number, line in enumerate(lines[rows.begin - 1 : None if lines[-1] else -1], rows.begin):
        text = line.removesuffix("\r")
        yield f"{number}{rows.delimiter}{text}" if _is_row(text, rows.delimiter, width) else None


def _join_cells(cells: Sequence[str]) -> str | None:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return None if "\r" in line.getvalue() else line.getvalue()


def _is_row(line: str, delimiter: str, width: int) -> bool:
    """Whether a line is a row by itself, and not part of one."""
    if "\r" in line or not line.strip():
        return False
    return has_width(line, delimiter, width) if '"' in line else line.count(delimiter) == width - 1


class _Batch:
    """Files that are read together, by :data:`FILE`."""

    def __init__(self, con: Con, plan: ReadingPlan, folder: Path) -> None:
        self.con, self.plan, self.folder = con, plan, folder
        self.damages = dict[int, Sequence[Damage]]()

    def read(self, rows: Sequence[str], delimiter: str) -> dict[int, SheetOutcome]:
        """Read all rows of all files, those whose times are in other spellings a second time."""
        path, width = self.folder / "rows.csv", self.plan.match.width
        path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8", newline="")
        cells = ", ".join(f"c{place + 2} AS c{place}" for place in range(width))
        lines = build_csv_query(path, width + len(MARKS), delimiter)
        body = f"SELECT c0::BIGINT AS {FILE}, c1::BIGINT AS source_row, {cells} FROM ({lines})"
        try:
            if self._stage(self.plan, body) != len(rows):
                return {}
        except (duckdb.InvalidInputException, duckdb.NotImplementedException):
            return {}
        tallies = count_odd_rows(self.con, self.plan, FILE)
        unread = any(tally.unread for tally in tallies.values())
        plans = decide_times_by_file(self.con, self.plan, FILE) if unread else {}
        outcomes = self._write(self.plan, {number: tallies[number] for number in tallies.keys() - plans.keys()})
        for order in {plan.date_order for plan in plans.values() if plan}:
            plan = self.plan._replace(free_times=True, date_order=order)
            files = [number for number, decided in plans.items() if decided and decided.date_order == order]
            self._stage(plan, f"SELECT * FROM ({body}) WHERE {_list_files(files)}")
            outcomes |= self._write(plan, count_odd_rows(self.con, plan, FILE))
        return outcomes

    def _stage(self, plan: ReadingPlan, body: str) -> int:
        sql = _separate_files(build_staging_sql(plan, body, MARKS))
        define_macros(self.con, sql)
        ((count,),) = self.con.execute(f"CREATE OR REPLACE TEMP TABLE staged AS {sql}").fetchall()
        return int(count)

    def _write(self, plan: ReadingPlan, tallies: Mapping[int, RowTally]) -> dict[int, SheetOutcome]:
        """Write the tables of the staged files of which every row is kept."""
        files = {number for number, tally in tallies.items() if _is_ordinary(tally)} - self._find_shops(plan)
        files -= self._find_repeats(plan, files)
        tables = dict[str, dict[int, TableFacts]]()
        for name in plan.layout.feeds:
            tables[name] = self._collect(plan, plan.tables[name], files)
            if name == plan.main_table.name:
                files = {
                    number
                    for number in files & tables[name].keys()
                    if tables[name][number].rows == tallies[number].rows
                }
        files -= self._find_mixed_shops(plan, tables, files)
        own = {number: [parts[number] for parts in tables.values() if number in parts] for number in files}
        files -= {number for number in files if ends_later(own[number], plan.latest)}
        if not files:
            return {}
        for name in plan.layout.feeds:
            columns = ", ".join(map(quote_name, [*MARKS, *list_stored_columns(plan, plan.tables[name]), UNREAD_COLUMN]))
            self._copy(f"SELECT {columns} FROM {_name_table(name)}", name, files)
        listed = self._copy_rejects({number for number in files if tallies[number].unread or self.damages[number]})
        with_words = {number for number in files if tallies[number].words}
        worded = f"(SELECT * FROM staged WHERE {_list_files(with_words)})"
        words = count_blank_words(self.con, plan, worded, FILE) if with_words else {}
        outcomes = dict[int, SheetOutcome]()
        for number in files:
            rows, lost = tallies[number].rows, sum(damage.lost for damage in self.damages[number])
            facts = {name: parts.get(number, TableFacts(0, 0)) for name, parts in tables.items()}
            outcomes[number] = SheetOutcome(
                rows + lost, rows, 0, lost, listed.get(number, 0), facts, blanks=words.get(number, [])
            )
        return outcomes

    def _select_files(self, sql: str) -> set[int]:
        return {number for (number,) in self.con.execute(sql).fetchall()}

    def _find_shops(self, plan: ReadingPlan) -> set[int]:
        """The files in which an order number may be of two shops."""
        return {number for _, shared in list_shop_tests(plan, FILE) for number in self._select_files(shared)}

    def _find_repeats(self, plan: ReadingPlan, files: Iterable[int]) -> set[int]:
        """The files in which a row is repeated; define the view ``kept``, the rows of the others."""
        repeats = set[int]()
        if not plan.numbers_lines:
            columns = ", ".join(map(quote_name, plan.filled_keys))
            repeats = self._select_files(
                f"SELECT {FILE} FROM staged GROUP BY 1 HAVING count(*) > count(DISTINCT hash({columns}))"
            )
        condition = _list_files(set(files) - repeats)
        self.con.execute(f"CREATE OR REPLACE TEMP VIEW kept AS SELECT * FROM staged WHERE {condition}")
        return repeats

    def _collect(self, plan: ReadingPlan, table: Table, files: Iterable[int]) -> dict[int, TableFacts]:
        """Fill a table with what ``kept`` has for it; return its facts by file."""
        rows = _separate_files(build_table_sql(plan, table, "kept", MARKS))
        name = _name_table(table.name)
        if table is plan.main_table:
            complete = " AND ".join(f"{quote_name(key)} IS NOT NULL" for key in list_required_keys(plan, table))
            self.con.execute(
                f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM ({rows}) WHERE {complete or 'true'}"
            )
        else:
            rows = f"SELECT * FROM ({rows}) WHERE {require_content(plan, table)} AND {_list_files(files)}"
            self.con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {rows}")
            self._combine(table, name)
        facts = f"SELECT {FILE}, count(*), {count_keys(table, table.columns)} FROM {name} GROUP BY 1"
        return {number: TableFacts(*values) for number, *values in self.con.execute(facts).fetchall()}

    def _combine(self, table: Table, name: str) -> None:
        keys = ", ".join(map(quote_name, table.key))
        several = f"SELECT {FILE} FROM {name} GROUP BY 1 HAVING count(*) > count(DISTINCT hash({keys}))"
        files = self._select_files(several)
        if files:
            combined = combine_rows(table, f"SELECT * FROM {name} WHERE {_list_files(files)}", [FILE])
            rows = f"SELECT * FROM {name} WHERE NOT {_list_files(files)} UNION ALL {combined}"
            self.con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {rows}")

    def _find_mixed_shops(
        self, plan: ReadingPlan, tables: Mapping[str, Mapping[int, TableFacts]], files: Iterable[int]
    ) -> set[int]:
        doubtful = [
            number
            for number in files
            if not has_unique_orders(plan, {name: facts[number] for name, facts in tables.items() if number in facts})
        ]
        return set(find_mixed_shops(self.con, plan, FILE)) if doubtful else set()

    def _copy(self, rows: str, name: str, files: Iterable[int], order: str = f"{FILE}, source_row") -> None:
        self.con.execute(
            f"COPY (SELECT * FROM ({rows}) WHERE {_list_files(files)} ORDER BY {order})"
            f" TO {quote_literal(str(self.folder))} (FORMAT parquet, COMPRESSION zstd, PARTITION_BY ({FILE}),"
            f" OVERWRITE_OR_IGNORE, FILENAME_PATTERN {quote_literal(f'{name}.')})"
        )

    def _copy_rejects(self, files: Iterable[int]) -> dict[int, int]:
        """Write the cells that could not be read and the damages; return their number by file."""
        if not files:
            return {}
        cells = f"SELECT {FILE}, source_row, unnest({UNREAD}) AS cell FROM staged WHERE {_list_files(files)}"
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE rejects AS SELECT {FILE}, source_row AS line, cell.column_name,"
            f" cell.value[:{LONGEST_VALUE}] AS value, cell.reason, false AS row_lost FROM ({cells})"
        )
        damages = [(number, damage) for number in files for damage in self.damages[number]]
        if damages:
            columns = [
                [number for number, _ in damages],
                *([damage[place] for _, damage in damages] for place in range(len(Damage._fields))),
            ]
            self.con.execute(
                "INSERT INTO rejects SELECT unnest(?::BIGINT[]), unnest(?::BIGINT[]), NULL,"
                f" unnest(?::VARCHAR[])[:{LONGEST_VALUE}], unnest(?::VARCHAR[]), unnest(?::BOOLEAN[])",
                columns,
            )
        self._copy("FROM rejects", "rejects", files, "ALL")
        return dict(self.con.execute(f"SELECT {FILE}, count(*) FROM rejects GROUP BY 1").fetchall())


def _is_ordinary(tally: RowTally) -> bool:
    """Whether every row is a record, and no id is in doubt."""
    return not any((tally.lost, tally.skipped, tally.strange, tally.bare, tally.rounded))


def _name_table(name: str) -> str:
    return quote_name(f"batch {name}")


def _separate_files(sql: str) -> str:
    """Let each window of an SQL text be of one file."""
    return re.sub(
        r"(?i)\bOVER \((PARTITION BY )?", lambda found: f"OVER (PARTITION BY {FILE}{', ' if found[1] else ' '}", sql
    )


def _list_files(files: Iterable[int]) -> str:
    """SQL condition: a row is of one of these files."""
    return f"{FILE} IN ({', '.join(map(str, sorted(files))) or 'NULL'})"
