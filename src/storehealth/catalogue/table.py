"""Canonical tables: ``tables/*.yaml``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from storehealth.catalogue.common import Identifier, LocalizedText, NonEmptyText, StrictModel
from storehealth.model import Area
from storehealth.support.message import Name, message
from storehealth.support.validation import InvalidValue

Kind = Literal["id", "text", "word", "time", "money", "number", "integer", "flag", "share"]
Group = Literal["chat", "orders", "aftersales", "stock", "intake"]

SQL_TYPES: dict[Kind, str] = {
    "id": "VARCHAR",
    "text": "VARCHAR",
    "word": "VARCHAR",
    "time": "TIMESTAMP",
    "money": "DECIMAL(18,2)",
    "number": "DOUBLE",
    "integer": "BIGINT",
    "flag": "BOOLEAN",
    "share": "DOUBLE",
}


Combine = Literal["equal", "earliest", "latest", "every", "total", "least", "any", "join"]
"""How the values of one column in several rows of one key, all from one file, become one value; order never matters.

equal: they should be equal; where they are not, the smallest counts and the contradiction is listed. earliest, latest: of
the times that are known. every: the latest, but none while any row has none, as an order is shipped when its last line is.
total: the sum, or the value itself where all rows repeat it. least: the first in the order of the column's words. any: true
if any is. join: the different texts, one after another.
"""
COMBINED: dict[str, str] = {
    "equal": "min({0})",
    "earliest": "min({0})",
    "latest": "max({0})",
    "every": "CASE WHEN count({0}) = count(*) THEN max({0}) END",
    "total": "CASE WHEN min({0}) = max({0}) THEN min({0}) ELSE sum({0}) END",
    "least": "arg_min({0}, list_position({1}, {0}))",
    "any": "bool_or({0})",
    "join": "string_agg(DISTINCT {0}, ' / ' ORDER BY {0})",
}
UNREAD = "unread"
"""Column of every table: names of the columns whose cells in the row were neither blank nor understood; NULL where none."""

COMBINED_UNREAD = f"nullif(list_sort(list_distinct(flatten(list({UNREAD}) FILTER ({UNREAD} IS NOT NULL)))), [])"
"""SQL aggregate: a cell that was not understood in one row leaves a doubt about the whole key."""


class TableColumn(StrictModel):
    """One column of a canonical table."""

    type: Kind
    about: str = ""
    words: tuple[str, ...] = Field(default=(), description="Allowed words of a column of type word.")
    event: bool = Field(default=False, description="A time at which something happened; never a promise or limit.")
    personal: Literal["name", "phone", "address", "text", "buyer"] | None = None
    otherwise: str | None = Field(default=None, description="SQL over the row's columns, used where the file has none.")
    combine: Combine = Field(
        default="equal", description="How values of several rows of one key in one file are combined."
    )
    optional: bool = Field(default=False, description="A part of the key that a row may lack.")
    follows: tuple[Identifier, ...] = Field(
        default=(),
        description="Events with which the value comes; the first that the row has decides whether as_of hides it.",
    )


class Table(StrictModel):
    """A canonical table. Every row also has source_file and source_row."""

    name: Identifier
    about: NonEmptyText
    title: LocalizedText | None = Field(
        default=None, description="The table in plain words, where the program has none."
    )
    group: Group
    area: Area | None = Field(
        default=None, description="The area that a folder with nothing but this table is about; none where of several."
    )
    key: tuple[Identifier, ...]
    born: Identifier | None = Field(
        default=None, description="Event a row begins with; rows born after as_of are unknown yet."
    )
    final: tuple[Identifier, ...] = Field(
        default=(),
        description="Columns that tell how a row came to stand: unknown while any of its events lies after as_of.",
    )
    columns: dict[Identifier, TableColumn]

    @model_validator(mode="after")
    def _fits(self) -> Table:
        followed = (name for column in self.columns.values() for name in column.follows)
        named = (*self.key, *self.final, *followed, *([self.born] if self.born else []))
        unknown = [name for name in named if name not in self.columns]
        if unknown:
            raise InvalidValue(message("catalogue.key_columns", columns=tuple(map(Name, unknown))))
        return self

    @property
    def events(self) -> tuple[str, ...]:
        """Names of the columns with times of events, in the order of the file."""
        return tuple(name for name, column in self.columns.items() if column.event)

    def sql_type(self, column: str) -> str:
        """DuckDB type of a column."""
        return SQL_TYPES[self.columns[column].type]

    def combine_sql(self, column: str) -> str:
        """SQL aggregate that combines a column over the rows of one key in one file."""
        target, words = self.columns[column], ", ".join(f"'{word}'" for word in self.columns[column].words)
        combined = COMBINED[target.combine].format(f'"{column}"', f"[{words}]")
        return f"({combined})::{self.sql_type(column)}"
