"""Canonical tables: ``tables/*.yaml``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from storehealth.catalogue.common import Identifier, NonEmptyText, StrictModel
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


class TableColumn(StrictModel):
    """One column of a canonical table."""

    type: Kind
    about: str = ""
    words: tuple[str, ...] = Field(default=(), description="Allowed words of a column of type word.")
    event: bool = Field(default=False, description="A time at which something happened; never a promise or limit.")
    personal: Literal["name", "phone", "address", "text", "buyer"] | None = None
    otherwise: str | None = Field(default=None, description="SQL over the row's columns, used where the file has none.")


class Table(StrictModel):
    """A canonical table. Every row also has source_file and source_row."""

    name: Identifier
    about: NonEmptyText
    group: Group
    key: tuple[Identifier, ...]
    born: Identifier | None = Field(
        default=None, description="Event a row begins with; rows born after as_of are unknown yet."
    )
    columns: dict[Identifier, TableColumn]

    @model_validator(mode="after")
    def _fits(self) -> Table:
        unknown = [name for name in (*self.key, *([self.born] if self.born else [])) if name not in self.columns]
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
