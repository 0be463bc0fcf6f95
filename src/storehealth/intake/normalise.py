"""Builds the SQL that turns a sheet's text into typed canonical columns, for one layout.

Each step is a SELECT around the one before, and names only columns of it: *bare* and *opened* (cells without blanks and
guards), *told* (what they say), *worded* (the layout's vocabulary), *typed* (values, beside their texts), *staged*
(computed columns, and what could not be read).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from storehealth.catalogue.layout import Layout, LayoutColumn
from storehealth.catalogue.table import SQL_TYPES, Table, TableColumn
from storehealth.intake.cells import REASONS, mapped, month_named, name, opened, quoted, read, told
from storehealth.intake.recognise import Match

UNREAD, LOST, SKIPPED, PASSED = "__unread", "__lost", "__skipped", "__passed"
NONE_UNREAD = "NULL::STRUCT(column_name VARCHAR, value VARCHAR, reason VARCHAR)[]"


class Plan(NamedTuple):
    """A layout matched to one sheet, the tables it feeds, and the zones.

    ``named_day`` is the day in the file's name (ISO), for tables keyed by a time that the file lacks. ``foreign``: the layout
    or a table is a pack's.
    """

    layout: Layout
    tables: Mapping[str, Table]
    match: Match
    store_zone: str
    named_day: str | None = None
    foreign: bool = False

    @property
    def counted(self) -> Table:
        """The table whose rows are the source rows."""
        return self.tables[self.layout.feeds[0]]

    def target(self, key: str) -> TableColumn:
        """The canonical column that a layout column fills; any text where it fills none."""
        if key.startswith("_"):
            return TableColumn(type="text")
        table, _, column = key.rpartition(".")
        fed = [table] if table else self.layout.feeds
        return next(self.tables[one].columns[column] for one in fed if column in self.tables[one].columns)

    def given(self, table: str, column: str) -> bool:
        """Whether the sheet holds, or the layout computes, a column of a table."""
        key = self.layout.column_for(table, column)
        return key is not None and (key in self.match.columns or self.layout.columns[key].sql is not None)

    @property
    def filled(self) -> list[str]:
        """The layout columns that this sheet gives a value to, read or computed."""
        return [key for key, column in self.layout.columns.items() if key in self.match.columns or column.sql]

    @property
    def fills_down(self) -> bool:
        """Whether a row depends on those above it, so that their order must be known."""
        return any(self.layout.columns[key].fill_down for key in self.match.columns)

    def read_columns(self) -> Iterator[tuple[str, LayoutColumn, TableColumn]]:
        """The layout columns that are read from cells of this sheet."""
        for key in self.match.columns:
            yield key, self.layout.columns[key], self.target(key)


def staged(plan: Plan, body: str, numbered: bool) -> str:
    """SELECT of all columns of the layout, typed, and whether a row is lost or skipped.

    Args:
        plan: Layout and sheet.
        body: SELECT of the text columns c0 …
        numbered: Whether ``body`` has a column source_row.
    """
    row = ["source_row"] if numbered else []
    ends = _select(["*", *_ends(plan)], body)
    bare = _select([*row, *_bare(plan)], ends)
    opened = _select([*row, *_opened(plan)], bare)
    said = _select([*row, *_told(plan)], opened)
    marks = [SKIPPED, PASSED] if plan.layout.only else [SKIPPED]
    worded = _select([*row, *_worded(plan), *_marks(plan)], said)
    typed = _select([*row, *_typed(plan), *marks], worded)
    return _select([*row, *_own_columns(plan), *_computed(plan), *_problems(plan), *marks], typed)


def _marks(plan: Plan) -> Iterator[str]:
    """Whether a row is a total row or such, and whether it is none of the layout's concern."""
    yield f"coalesce(({_with_own_names(plan, plan.layout.skip or 'false')}), false) AS {SKIPPED}"
    if plan.layout.only:
        yield f"NOT coalesce(({_with_own_names(plan, plan.layout.only)}), false) AS {PASSED}"


def _select(columns: list[str], source: str) -> str:
    return f"SELECT {', '.join(columns)}\nFROM ({source})"


def _ends(plan: Plan) -> Iterator[str]:
    """The first and the last character of each cell that is used."""
    return (f"c{place}[1] AS a{place}, c{place}[-1] AS z{place}" for place in sorted(set(plan.match.columns.values())))


def _bare(plan: Plan) -> Iterator[str]:
    return (f"bare(c{place}, a{place}, z{place}) AS {name(key)}" for key, place in plan.match.columns.items())


def _opened(plan: Plan) -> Iterator[str]:
    for key, _, target in plan.read_columns():
        yield f"{opened(name(key), target.type)} AS {name(key)}"


def _told(plan: Plan) -> Iterator[str]:
    for key, column, target in plan.read_columns():
        said = told(name(key), target.type, column)
        if column.fill_down:
            said = f"last_value({said} IGNORE NULLS) OVER (ORDER BY source_row ROWS UNBOUNDED PRECEDING)"
        yield f"{said} AS {name(key)}"
        if column.words or column.contains:
            yield f"lower({name(key)}) AS {_lower(key)}"
    for key in plan.layout.columns:
        if key not in plan.match.columns:
            yield f"NULL::VARCHAR AS {name(key)}"


def _worded(plan: Plan) -> Iterator[str]:
    for key, column, _ in plan.read_columns():
        yield f"{name(key)} AS {_text(key)}"
        if column.words or column.contains:
            yield f"{mapped(name(key), _lower(key), column)} AS {name(key)}"
        else:
            yield f"with_english_month({name(key)}) AS {name(key)}" if month_named(column) else name(key)


def _typed(plan: Plan) -> Iterator[str]:
    zones = (plan.layout.zone or plan.store_zone, plan.store_zone)
    for key, column, target in plan.read_columns():
        yield _text(key)
        yield f"{read(name(key), target, column, zones)} AS {name(key)}"
    for key, column in plan.layout.columns.items():
        if key not in plan.match.columns and column.sql is None:
            yield f"NULL::{SQL_TYPES[plan.target(key).type]} AS {name(key)}"


def _own_columns(plan: Plan) -> Iterator[str]:
    return (name(key) for key, column in plan.layout.columns.items() if key in plan.match.columns and not column.sql)


def _computed(plan: Plan) -> Iterator[str]:
    for key, column in plan.layout.columns.items():
        if column.sql is not None:
            yield f"TRY_CAST(({_with_own_names(plan, column.sql)}) AS {SQL_TYPES[plan.target(key).type]}) AS {name(key)}"


def _with_own_names(plan: Plan, sql: str) -> str:
    """Write ``orders.paid_at``, and ``paid_at`` where only that is meant, as the name of the layout's column."""
    for key in plan.layout.columns:
        table, _, column = key.rpartition(".")
        if table:
            sql = re.sub(rf"(?<![\w\".]){table}\.{column}(?!\w)", name(key), sql)
            if column not in plan.layout.columns:
                sql = re.sub(rf"(?<![\w\".]){column}(?![\w\".(])", name(key), sql)
    return sql


def _problems(plan: Plan) -> Iterator[str]:
    """What could not be read in a row, and whether that costs the row."""
    unreadable = {key: f"({_text(key)} IS NOT NULL AND {name(key)} IS NULL)" for key in plan.match.columns}
    cells = ", ".join(
        f"CASE WHEN {test} THEN {{'column_name': {quoted(plan.match.headers[key])}, 'value': {_text(key)},"
        f" 'reason': {quoted(REASONS[plan.target(key).type])}}} END"
        for key, test in unreadable.items()
    )
    listed = f"list_filter([{cells}], lambda one: one IS NOT NULL)" if cells else NONE_UNREAD
    fatal = [test for key, test in unreadable.items() if _is_fatal(plan, key)]
    yield f"CASE WHEN {_any(unreadable.values())} THEN {listed} ELSE {NONE_UNREAD} END AS {UNREAD}"
    yield f"{_any(fatal)} AS {LOST}"


def _is_fatal(plan: Plan, key: str) -> bool:
    column = key.rpartition(".")[2]
    in_a_key = any(column in plan.tables[table].key for table in plan.layout.feeds)
    return in_a_key or plan.layout.columns[key].required or plan.target(key).type in ("id", "time")


def _any(tests: Iterable[str]) -> str:
    return " OR ".join(tests) or "false"


def _text(key: str) -> str:
    return name(f"text {key}")


def _lower(key: str) -> str:
    return name(f"lower {key}")


def rows_of(plan: Plan, table: Table, source: str) -> str:
    """SELECT of a canonical table's rows, one per source row, with what its columns hold otherwise.

    Args:
        plan: Layout and sheet.
        table: A table that the layout feeds.
        source: Relation with source_row and the layout's columns.
    """
    own = [f"{_value(plan, table, column)} AS {name(column)}" for column in table.columns]
    filled = [
        f"coalesce({name(column)}, ({target.otherwise}))::{SQL_TYPES[target.type]} AS {name(column)}"
        if target.otherwise
        else name(column)
        for column, target in table.columns.items()
    ]
    return _select(["source_row", *filled], f"SELECT source_row, {', '.join(own)} FROM {source}")


def _value(plan: Plan, table: Table, column: str) -> str:
    key, kind = plan.layout.column_for(table.name, column), table.columns[column].type
    if plan.given(table.name, column):
        return f"TRY_CAST({name(str(key))} AS {SQL_TYPES[kind]})"
    if kind == "time" and column in table.key and plan.named_day:
        return f"TIMESTAMP {quoted(plan.named_day)}"
    return f"NULL::{SQL_TYPES[kind]}"


def demanded(plan: Plan, table: Table) -> list[str]:
    """Parts of a table's key that each of its rows must have: those the sheet gives or that can be made up.

    A part that is plain text, such as a warehouse, may be missing.
    """
    return [
        column
        for column in table.key
        if table.columns[column].type != "text"
        and (plan.given(table.name, column) or table.columns[column].otherwise is not None)
    ]
