"""Builds the SQL that turns the text cells of a sheet into typed canonical columns, for one layout.

Each step is a SELECT around the one before and names only columns of that one, in this order: trim blanks, remove guards
against Excel, set blank cells to NULL and fill merged cells down, apply the layout's vocabulary, read typed values (kept
beside their texts), compute columns and list the cells that could not be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from storehealth.catalogue.layout import Layout, LayoutColumn
from storehealth.catalogue.table import SQL_TYPES, Table, TableColumn
from storehealth.catalogue.table import UNREAD as UNREAD_COLUMN
from storehealth.intake.cells import (
    NUMBERED,
    PLAIN_CELLS,
    REASONS,
    TIDY_STEPS,
    TIME_FORMATS,
    apply_words,
    has_month_names,
    has_steps,
    is_plain,
    keep_word,
    list_blank_words,
    list_time_parts,
    mark_steps,
    quote_literal,
    quote_name,
    read_plain_value,
    read_value,
    remove_guard,
    set_null,
    tidy_time,
)
from storehealth.intake.recognise import LayoutMatch

UNREAD, LOST, SKIPPED, PASSED, ODD = "__unread", "__lost", "__skipped", "__passed", "__odd"
NONE_UNREAD = "NULL::STRUCT(key VARCHAR, column_name VARCHAR, reason VARCHAR, value VARCHAR)[]"


class ReadingPlan(NamedTuple):
    """How to read one sheet: the layout that fits it, the tables that this layout feeds, and the store's zone.

    ``named_day``: the day in the file's name (ISO), for tables whose key has a time that the file lacks. ``from_pack``: the
    layout or a table comes from a pack, so its SQL runs under limits. ``free_times``: the file has times in other spellings
    than the quick ones, and ``date_order`` says what 03/04/2026 means in it; before the file is known, what the user said.
    """

    layout: Layout
    tables: Mapping[str, Table]
    match: LayoutMatch
    store_zone: str
    named_day: str | None = None
    from_pack: bool = False
    date_order: str | None = None
    free_times: bool = False
    latest: datetime | None = None
    """Events later than this have not happened, so such a time is a slip."""
    dotted: frozenset[str] = frozenset()
    """Layout columns with amounts in which a dot groups thousands."""
    plain: Mapping[str, str] = {}
    """Layout columns all of whose cells are taken to be plain (see :func:`storehealth.intake.cells.is_plain`), and how."""

    @property
    def main_table(self) -> Table:
        """The table that gets one row for each source row; the layout names it first."""
        return self.tables[self.layout.feeds[0]]

    def target_column(self, key: str) -> TableColumn:
        """The canonical column that a layout column fills; a plain text for the helper columns (``_name``)."""
        if key.startswith("_"):
            return TableColumn(type="text")
        table, _, column = key.rpartition(".")
        names = [table] if table else self.layout.feeds
        return next(self.tables[each].columns[column] for each in names if column in self.tables[each].columns)

    def has_column(self, table: str, column: str) -> bool:
        """Whether the sheet has, or the layout computes, a column of a table."""
        key = self.layout.find_column(table, column)
        return key is not None and (key in self.match.columns or self.layout.columns[key].sql is not None)

    def is_born(self, key: str) -> bool:
        """Whether a layout column is the time a row of some table begins with."""
        return key.rpartition(".")[2] in {self.tables[name].born for name in self.layout.feeds}

    def find_plain_columns(self, top: Iterable[Sequence[str]], typed: bool) -> dict[str, str]:
        """Find the layout columns whose cells in the first rows are plain, so that the others may be, and how they are.

        Args:
            top: Cells of the first rows.
            typed: Whether the rows are read by :func:`storehealth.intake.containers.delimited.select_rows`.
        """
        rows, found = list(top), dict[str, str]()
        for key, column, target in self.iterate_read_columns():
            if target.type not in PLAIN_CELLS or column.fill_down or len(self.list_places(key)) > 1:
                continue
            if column.words or column.contains or column.times or has_month_names(column):
                continue
            cells = [cell for row in rows for cell in row[self.match.columns[key] :][:1] if cell]
            patterns = self._list_patterns(key, typed and bool(cells))
            fitting = (each for each in patterns if all(re.fullmatch(each, cell, re.ASCII) for cell in cells))
            if pattern := next(fitting, None):
                found[key] = pattern
        return _unify_formats(found)

    def _list_patterns(self, key: str, typed: bool) -> Sequence[str]:
        """The patterns that the cells of a column may all have, the narrowest first."""
        kind = self.target_column(key).type
        patterns = PLAIN_CELLS[kind]
        if kind == "time" and not (typed and self._is_read_as_time_only(key)):
            return [pattern for pattern in patterns if pattern not in TIME_FORMATS]
        if kind == "id" and key not in self.id_keys:
            return [pattern for pattern in patterns if pattern != NUMBERED]
        return patterns

    def _is_read_as_time_only(self, key: str) -> bool:
        """Whether nothing looks at the text of a time: no other column, no word for none, no condition on rows."""
        name, place = key.rpartition(".")[2], self.match.columns[key]
        words = (*list_blank_words("time", self.layout.columns[key]), self.layout.skip or "", self.layout.only or "")
        is_shared = list(self.match.columns.values()).count(place) > 1
        return not is_shared and not any(re.search(rf"\b{name}\b|20\d\d", word) for word in words)

    @property
    def formats(self) -> dict[str, str]:
        """The layout columns of times that the reader of CSV makes of its cells, and how these are written."""
        return {key: TIME_FORMATS[pattern] for key, pattern in self.plain.items() if pattern in TIME_FORMATS}

    def without_plain(self, keys: Iterable[str]) -> ReadingPlan:
        """The plan to read these columns with every step."""
        return self._replace(plain={key: pattern for key, pattern in self.plain.items() if key not in keys})

    @property
    def id_keys(self) -> list[str]:
        """The layout columns of ids that are part of the main table's key."""
        table = self.main_table
        keys = (self.layout.find_column(table.name, key) for key in table.key if table.columns[key].type == "id")
        return [key for key in keys if key in self.match.columns]

    @property
    def later_times(self) -> list[str]:
        """The layout columns with times of what comes later in the life of a row, and may not have happened yet."""
        times = (key for key, _, target in self.iterate_read_columns() if target.type == "time")
        return [key for key in times if not self.is_born(key)]

    def list_places(self, key: str) -> list[tuple[str, int]]:
        """The cells of a row that may hold a layout column: a name for each in SQL, and its place in the sheet."""
        places = [self.match.columns[key], *(self.match.others or {}).get(key, ())]
        return [(quote_name(f"{key} {number}" if number else key), place) for number, place in enumerate(places)]

    @property
    def order_key(self) -> str:
        """The layout column with the number of the order."""
        return self.layout.find_column("orders", "order_id") or "order_id"

    def list_sources(self, key: str) -> list[str]:
        """The layout columns read from cells that the value of a layout column depends on."""
        sql = self.layout.columns[key].sql
        if sql is None:
            return [key] if key in self.match.columns else []
        words = set(re.findall(r"\w+(?:\.\w+)?", sql))
        return [other for other in self.match.columns if {other, other.rpartition(".")[2]} & words]

    def find_blamed_column(self, key: str) -> str:
        """The column of the main table to name where part of its key is missing: itself, or what it would be made of."""
        if self.has_column(self.main_table.name, key):
            return key
        made_of = re.findall(r"\w+", self.main_table.columns[key].otherwise or "")
        sources = (name for name in made_of if self.has_column(self.main_table.name, name))
        return next((name for name in sources if name not in self.main_table.key), key)

    @property
    def numbers_lines(self) -> bool:
        """Whether rows get their key from their place among their like, so that equal rows are two."""
        return any(
            "row_number(" in (self.main_table.columns[column].otherwise or "")
            and not self.has_column(self.main_table.name, column)
            for column in self.main_table.key
        )

    @property
    def filled_keys(self) -> list[str]:
        """Keys of the layout columns that have values for this sheet, read or computed."""
        return [key for key, column in self.layout.columns.items() if key in self.match.columns or column.sql]

    @property
    def fills_down(self) -> bool:
        """Whether cells take their value from a row above, so that the order of rows must be kept."""
        return any(self.layout.columns[key].fill_down for key in self.match.columns)

    def iterate_read_columns(self) -> Iterator[tuple[str, LayoutColumn, TableColumn]]:
        """The layout columns that are read from cells of this sheet."""
        for key in self.match.columns:
            yield key, self.layout.columns[key], self.target_column(key)


def _unify_formats(plain: dict[str, str]) -> dict[str, str]:
    """Leave times in a further format to SQL: DuckDB takes one with a clock and one without for a file."""
    first = dict[bool, str]()
    return {
        key: pattern
        if pattern not in TIME_FORMATS or first.setdefault("%H" in TIME_FORMATS[pattern], pattern) == pattern
        else PLAIN_CELLS["time"][-1]
        for key, pattern in plain.items()
    }


def build_staging_sql(plan: ReadingPlan, body: str, marks: Sequence[str] = ()) -> str:
    """SQL for all layout columns, typed, with the cells that could not be read and whether the row is lost or skipped.

    Args:
        plan: Layout and sheet.
        body: SQL that selects the text columns c0, c1 …
        marks: Further columns of ``body`` that are kept, such as source_row.
    """
    row = list(marks)
    with_ends = _select(["*", *_select_ends(plan)], body)
    trimmed = _select([*row, *_trim(plan)], with_ends)
    unguarded = _select([*row, *_remove_guards(plan)], trimmed)
    nulled = _select([*row, *_set_nulls(plan)], unguarded)
    kinds = [SKIPPED, PASSED] if plan.layout.only else [SKIPPED]
    worded = _select([*row, *_apply_words(plan), *_mark_rows(plan)], nulled)
    if plan.free_times:
        worded = _split_times(plan, worded)
    flags = [name_word(key) for key in plan.later_times]
    typed = _select([*row, *_read_values(plan), *flags, *kinds], worded)
    if plan.layout.order_cells == "first_row":
        typed = _select([f"* REPLACE ({', '.join(_fill_orders(plan))})"], typed)
    odd = [ODD] if plan.plain else []
    return _select(
        [*row, *_read_columns(plan), *_compute_columns(plan), *_list_unread(plan), *flags, *kinds, *odd], typed
    )


def list_odd_columns(plan: ReadingPlan, bits: int) -> list[str]:
    """The columns taken to be plain of which a cell is not, from all values of :data:`ODD` together."""
    return [key for place, key in enumerate(sorted(plan.plain)) if bits >> place & 1]


def _mark_odd(plan: ReadingPlan) -> str:
    """SQL of one bit for each column taken to be plain: whether its cell is not."""
    tests = []
    for place, (key, pattern) in enumerate(sorted(plan.plain.items())):
        cell = f"c{plan.match.columns[key]}"
        plain = is_plain(cell, plan.target_column(key).type, plan.layout.columns[key], pattern)
        empty = "" if key in plan.formats else f"{cell} = '' OR "
        tests.append(f"(CASE WHEN {empty}{plain} THEN 0 WHEN {cell} IS NULL THEN 0 ELSE {1 << place} END)::BIGINT")
    return f"{' | '.join(tests)} AS {ODD}"


def _split_times(plan: ReadingPlan, source: str) -> str:
    """Add the parts of each time that is in no quick spelling."""
    times = _list_free_times(plan)
    if not times:
        return source
    for step in range(TIDY_STEPS):
        tidy = [
            f"{tidy_time(_tidy_column(key) if step else quote_name(key), step)} AS {_tidy_column(key)}" for key in times
        ]
        source = _select([f"* REPLACE ({', '.join(tidy)})"] if step else ["*", *tidy], source)
    parts = (f"{list_time_parts(_tidy_column(key), plan.date_order)} AS {_parts_column(key)}" for key in times)
    return _select(["*", *parts], source)


def _list_free_times(plan: ReadingPlan) -> list[str]:
    """The columns of times that may be in a spelling that is not quick."""
    if not plan.free_times:
        return []
    return [key for key, _, target in plan.iterate_read_columns() if target.type == "time" and key not in plan.plain]


def _mark_rows(plan: ReadingPlan) -> Iterator[str]:
    """Whether a row is a total row or the like, and whether it is of another kind than the layout reads."""
    yield f"coalesce(({_with_own_names(plan, plan.layout.skip or 'false')}), false) AS {SKIPPED}"
    if plan.layout.only:
        yield f"NOT coalesce(({_with_own_names(plan, plan.layout.only)}), false) AS {PASSED}"


def _select(columns: list[str], source: str) -> str:
    return f"SELECT {', '.join(columns)}\nFROM ({source})"


def _select_ends(plan: ReadingPlan) -> Iterator[str]:
    """The last character of each cell that is read, which shows together with its beginning whether it needs trimming."""
    careful = (key for key in plan.match.columns if key not in plan.plain)
    places = sorted({place for key in careful for _, place in plan.list_places(key)})
    return (f"c{place}[-1] AS last{place}" for place in places)


def _trim(plan: ReadingPlan) -> Iterator[str]:
    for key in plan.match.columns:
        for name, place in plan.list_places(key):
            is_plain_cell = key in plan.plain
            yield (f"c{place}" if is_plain_cell else f"without_blanks(c{place}, last{place})") + f" AS {name}"
    if plan.plain:
        yield _mark_odd(plan)


def _remove_guards(plan: ReadingPlan) -> Iterator[str]:
    for key, _, target in plan.iterate_read_columns():
        for name, _ in plan.list_places(key):
            yield name if key in plan.plain else f"{remove_guard(name, target.type)} AS {name}"
    yield from _pass_odd(plan)


def _set_nulls(plan: ReadingPlan) -> Iterator[str]:
    """Cells without a value as NULL, merged cells filled down, and columns that the sheet lacks, as NULL."""
    for key, column, target in plan.iterate_read_columns():
        later = target.type == "time" and not plan.is_born(key)
        if key in plan.plain:
            name = quote_name(key)
            yield from [f"NULL::VARCHAR AS {name_word(key)}"] if later else []
            yield name if key in plan.formats else f"CASE WHEN {name} = '' THEN NULL ELSE {name} END AS {name}"
            continue
        if later:
            words = ", ".join(keep_word(name) for name, _ in plan.list_places(key))
            yield f"coalesce({words}, NULL) AS {name_word(key)}"
        texts = [set_null(name, target.type, column, later) for name, _ in plan.list_places(key)]
        # Cell by cell: where the first of several headers is blank in a row, the next one counts.
        text = f"coalesce({', '.join(texts)})" if len(texts) > 1 else texts[0]
        if column.fill_down:
            text = f"last_value({text} IGNORE NULLS) OVER (ORDER BY source_row ROWS UNBOUNDED PRECEDING)"
        yield f"{text} AS {quote_name(key)}"
        if column.words or column.contains:
            # A column of its own, as each of many comparisons would otherwise compute it again. Not of the name: in the
            # same SELECT that is the cell under the first header, blank or not.
            yield f"lower({text}) AS {_lower_column(key)}"
        if has_steps(column):
            yield f"{mark_steps(f'lower({text})')} AS {_steps_column(key)}"
    for key in plan.layout.columns:
        if key not in plan.match.columns:
            yield f"NULL::VARCHAR AS {quote_name(key)}"
    yield from _pass_odd(plan)


def _pass_odd(plan: ReadingPlan) -> list[str]:
    return [ODD] if plan.plain else []


def _apply_words(plan: ReadingPlan) -> Iterator[str]:
    later = set(plan.later_times)
    for key, column, _ in plan.iterate_read_columns():
        if key in later:
            yield f"CASE WHEN {quote_name(key)} IS NULL THEN {name_word(key)} END AS {name_word(key)}"
        yield f"{quote_name(key)} AS {_text_column(key)}"
        if column.words or column.contains:
            yield f"{apply_words(quote_name(key), _lower_column(key), _steps_column(key), column)} AS {quote_name(key)}"
        else:
            yield (
                f"with_english_month({quote_name(key)}) AS {quote_name(key)}"
                if has_month_names(column)
                else quote_name(key)
            )
    yield from _pass_odd(plan)


def _read_values(plan: ReadingPlan) -> Iterator[str]:
    """The typed value of each cell beside its text, which is reported where the value cannot be read."""
    zones = (plan.layout.zone or plan.store_zone, plan.store_zone)
    for key, column, target in plan.iterate_read_columns():
        yield _text_column(key)
        if key in plan.plain:
            yield f"{read_plain_value(quote_name(key), target, zones)} AS {quote_name(key)}"
            continue
        parts = _parts_column(key) if plan.free_times and target.type == "time" else None
        text = quote_name(key)
        if key in plan.dotted:
            text = f"replace(replace({text}, '.', ''), ',', '.')"
        yield f"{read_value(text, target, column, zones, parts)} AS {quote_name(key)}"
    for key, column in plan.layout.columns.items():
        if key not in plan.match.columns and column.sql is None:
            yield f"NULL::{SQL_TYPES[plan.target_column(key).type]} AS {quote_name(key)}"
    yield from _pass_odd(plan)


def _fill_orders(plan: ReadingPlan) -> Iterator[str]:
    """The cells of an order that only one of its rows has, for all of its rows. Cells of the item stay as they are."""
    order = quote_name(plan.order_key)
    for key in plan.match.columns:
        own = {target.partition(".")[0] for target in plan.layout.list_targets(key, plan.tables)} == {"order_lines"}
        if key != plan.order_key and not own:
            name = quote_name(key)
            yield f"coalesce({name}, max({name}) OVER (PARTITION BY {order})) AS {name}"


def _read_columns(plan: ReadingPlan) -> Iterator[str]:
    # A column that is computed as well as read is left to `_compute_columns`.
    return (
        quote_name(key) for key, column in plan.layout.columns.items() if key in plan.match.columns and not column.sql
    )


def _compute_columns(plan: ReadingPlan) -> Iterator[str]:
    for key, column in plan.layout.columns.items():
        if column.sql is not None:
            expression, sql_type = _with_own_names(plan, column.sql), SQL_TYPES[plan.target_column(key).type]
            yield f"TRY_CAST(({expression}) AS {sql_type}) AS {quote_name(key)}"


def _with_own_names(plan: ReadingPlan, sql: str) -> str:
    """Replace ``orders.paid_at``, and ``paid_at`` where only that can be meant, by the quoted layout column."""
    for key in plan.layout.columns:
        table, _, column = key.rpartition(".")
        if table:
            sql = re.sub(rf"(?<![\w\".]){table}\.{column}(?!\w)", quote_name(key), sql)
            if column not in plan.layout.columns:
                sql = re.sub(rf"(?<![\w\".]){column}(?![\w\".(])", quote_name(key), sql)
    return sql


def _list_unread(plan: ReadingPlan) -> Iterator[str]:
    """The cells of a row that could not be read, and whether the row is lost with them."""
    unreadable = {
        key: f"({_text_column(key)} IS NOT NULL AND {quote_name(key)} IS NULL)"
        for key, _, target in plan.iterate_read_columns()
        if not (key in plan.formats or (key in plan.plain and target.type == "id"))  # these are their own values
    }
    cells = ", ".join(f"CASE WHEN {test} THEN {_describe_cell(plan, key)} END" for key, test in unreadable.items())
    unread = f"list_filter([{cells}], lambda cell: cell IS NOT NULL)" if cells else NONE_UNREAD
    fatal = [test for key, test in unreadable.items() if is_fatal(plan, key)]
    yield f"CASE WHEN {_join_or(unreadable.values())} THEN {unread} ELSE {NONE_UNREAD} END AS {UNREAD}"
    yield f"{_join_or(fatal)} AS {LOST}"


def _describe_cell(plan: ReadingPlan, key: str) -> str:
    header, reason = plan.match.headers[key], REASONS[plan.target_column(key).type]
    facts = {"key": key, "column_name": header, "reason": reason}
    literals = ", ".join(f"'{name}': {quote_literal(text)}" for name, text in facts.items())
    return f"{{{literals}, 'value': {_text_column(key)}}}"


def is_fatal(plan: ReadingPlan, key: str) -> bool:
    """Whether a row is lost where this cell cannot be read."""
    table, _, column = key.rpartition(".")
    in_key = table in ("", plan.main_table.name) and column in plan.main_table.key
    # A layout requires some headers only because they tell it apart; a parcel that has not left has no readable time yet.
    later = plan.target_column(key).type == "time" and not plan.is_born(key)
    required = plan.layout.columns[key].required and not later
    return (in_key and not plan.main_table.columns[column].optional) or required


def _join_or(tests: Iterable[str]) -> str:
    return " OR ".join(tests) or "false"


def name_word(key: str) -> str:
    """The column with the text of a cell of times that says that there is none, such as "Not shipped"."""
    return quote_name(f"word {key}")


def _text_column(key: str) -> str:
    return quote_name(f"text {key}")


def _tidy_column(key: str) -> str:
    return quote_name(f"tidy {key}")


def _parts_column(key: str) -> str:
    return quote_name(f"parts {key}")


def _lower_column(key: str) -> str:
    return quote_name(f"lower {key}")


def _steps_column(key: str) -> str:
    return quote_name(f"steps {key}")


def build_table_sql(plan: ReadingPlan, table: Table, source: str, marks: Sequence[str] = ("source_row",)) -> str:
    """SQL for the rows of a canonical table, one per source row; cells without a value get the table's ``otherwise``.

    The column ``unread`` names the columns whose cells could not be read, and those computed from such cells.

    Args:
        plan: Layout and sheet.
        table: A table that the layout feeds.
        source: Name of a relation with ``marks`` and the layout columns.
        marks: Columns that say where a row comes from.
    """
    values = [f"{_select_value(plan, table, column)} AS {quote_name(column)}" for column in table.columns]
    completed = [
        f"coalesce({quote_name(column)}, ({target.otherwise}))::{SQL_TYPES[target.type]} AS {quote_name(column)}"
        if target.otherwise
        else quote_name(column)
        for column, target in table.columns.items()
    ]
    unread = f"{_list_unread_columns(plan, table)} AS {UNREAD_COLUMN}"
    return _select([*marks, *completed, UNREAD_COLUMN], f"SELECT {', '.join([*marks, *values, unread])} FROM {source}")


def _list_unread_columns(plan: ReadingPlan, table: Table) -> str:
    cells = []
    for column in table.columns:
        key = plan.layout.find_column(table.name, column)
        if key is not None and (sources := plan.list_sources(key)):
            literals = ", ".join(map(quote_literal, sources))
            cells.append(f"CASE WHEN list_has_any(keys, [{literals}]) THEN {quote_literal(column)} END")
    if not cells:
        return "NULL::VARCHAR[]"
    # In one lambda, as DuckDB would write out the list of keys for every column.
    named = f"lambda keys: list_filter([{', '.join(cells)}], lambda name: name IS NOT NULL)"
    keys = f"[list_transform({UNREAD}, lambda cell: cell.key)]"
    return f"CASE WHEN {UNREAD} IS NOT NULL THEN nullif(list_transform({keys}, {named})[1], []) END"


def _select_value(plan: ReadingPlan, table: Table, column: str) -> str:
    key, kind = plan.layout.find_column(table.name, column), table.columns[column].type
    if plan.has_column(table.name, column):
        return f"TRY_CAST({quote_name(str(key))} AS {SQL_TYPES[kind]})"
    if kind == "time" and column in table.key and plan.named_day:
        return f"TIMESTAMP {quote_literal(plan.named_day)}"
    return f"NULL::{SQL_TYPES[kind]}"


def list_stored_columns(plan: ReadingPlan, table: Table) -> list[str]:
    """The columns of a table that are stored of a sheet: its key, and those that can have a value."""
    return [
        column
        for column, target in table.columns.items()
        if column in table.key or target.otherwise or plan.has_column(table.name, column)
    ]


def list_required_keys(plan: ReadingPlan, table: Table) -> list[str]:
    """Key columns that no row of a table may lack: those that the sheet has or that ``otherwise`` makes up.

    A key column of plain text, such as a warehouse, may be empty.
    """
    return [
        column
        for column in table.key
        if table.columns[column].type != "text"
        and not table.columns[column].optional
        and (plan.has_column(table.name, column) or table.columns[column].otherwise is not None)
    ]
