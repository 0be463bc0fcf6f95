"""Layouts: ``layouts/*.yaml``, one export format of one platform each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from storehealth.catalogue.common import Identifier, LocalizedText, NonEmptyText, StrictModel
from storehealth.catalogue.table import Table
from storehealth.support.message import message
from storehealth.support.validation import InvalidValue

TABULAR_CONTAINERS = ("delimited", "workbook", "json_lines", "json_document", "html_table")


ColumnKey = Annotated[str, StringConstraints(pattern=r"^_?[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$")]


class LayoutColumn(StrictModel):
    """How one canonical column is found in a file: by its header, or computed by SQL from columns that were."""

    headers: tuple[str, ...] = Field(
        default=(), description="Header and its aliases; blanks, case and width are ignored."
    )
    required: bool = False
    words: dict[str, str | None] = Field(default={}, description="Cell text → canonical word; null drops the value.")
    contains: dict[str, str] = Field(
        default={}, description="Text found inside the cell → canonical word; first match wins."
    )
    empty: tuple[str, ...] = Field(
        default=(), description="Cell texts that mean 'no value' here, besides the usual ones."
    )
    formats: tuple[str, ...] = Field(
        default=(),
        description="strptime formats of a time column, besides the usual ones; %b is a month in any language.",
    )
    fill_down: bool = Field(default=False, description="An empty cell means the same as the one above (merged cells).")
    times: float | None = Field(
        default=None, description="Factor for a number column, such as 60 for minutes → seconds."
    )
    sql: str | None = Field(default=None, description="SQL over this layout's other canonical columns.")

    @model_validator(mode="after")
    def _has_origin(self) -> LayoutColumn:
        if bool(self.headers) == bool(self.sql):
            raise InvalidValue(message("catalogue.headers_or_sql"))
        return self


class LayoutExample(StrictModel):
    """A piece of a file as the platform exports it, with made-up values, and the canonical rows it must give."""

    name: str = ""
    given: str
    expect: dict[Identifier, tuple[dict[str, Any], ...]]
    rejected: int = Field(default=0, description="Rows and cells listed as rejected, and total rows left out.")


class Layout(StrictModel):
    """One export format.

    A column key is a canonical column, or ``table.column`` where tables differ, or ``_name``: a text that only the SQL of
    this layout sees.
    """

    name: Identifier
    title: LocalizedText
    platform: Identifier | None = Field(
        default=None, description="Platform the file speaks for; none for help desks and such."
    )
    zone: str | None = Field(default=None, description="IANA zone the file's times are in; none: the store's zone.")
    containers: tuple[str, ...] = TABULAR_CONTAINERS
    export_from: LocalizedText = Field(description="Menu of the back office where this file is exported.")
    records: str | None = Field(
        default=None, description="JSON only: path, or its end, of the list whose objects are the rows (data.list)."
    )
    order_cells: Literal["every_row", "first_row"] = Field(
        default="every_row",
        description="first_row: the cells of an order are filled on one of its rows only, and count for all of them.",
    )
    date_order: Literal["day_first", "month_first"] | None = Field(
        default=None, description="What 03/04/2026 means where no date of the file settles it."
    )
    header_rows: int = Field(default=1, ge=1, le=2, description="2: a row of group names stands above the header.")
    feeds: tuple[Identifier, ...] = Field(
        min_length=1, description="Tables it fills; rows are counted in the first one."
    )
    columns: dict[ColumnKey, LayoutColumn]
    doubted_by: tuple[str, ...] = Field(
        default=(),
        description="Headers of other kinds of tables: where one stands, the required columns alone do not suffice.",
    )
    skip: str | None = Field(default=None, description="SQL over raw canonical columns: total rows and such, left out.")
    only: str | None = Field(
        default=None,
        description="SQL over raw canonical columns: what the layout is about; other rows are passed over.",
    )
    examples: tuple[LayoutExample, ...] = Field(min_length=1)
    source: NonEmptyText = Field(description="Where the headers were read, and how sure that is.")

    @cached_property
    def required(self) -> tuple[str, ...]:
        """Keys of the columns without which a file is not of this layout."""
        return tuple(key for key, column in self.columns.items() if column.required)

    def reads_list(self, path: str | None, aside: bool) -> bool:
        """Whether this layout reads the list of objects at a path of a JSON file.

        Args:
            path: Path of the list, with dots; None where the file itself is the list.
            aside: The list is inside the objects of another list; only layouts that name it in ``records`` read it.
        """
        if self.records is None:
            return not aside
        return path is not None and f".{path}".endswith(f".{self.records}")

    def provides(self, need: str) -> bool:
        """Whether it fills a table (``orders``), or a column of one (``orders.paid_at``)."""
        table, _, column = need.partition(".")
        return table in self.feeds and (not column or self.find_column(table, column) is not None)

    def find_column(self, table: str, column: str) -> str | None:
        """Key of the layout column that gives a table's column, if there is one; ``table.column`` takes precedence."""
        return next((key for key in (f"{table}.{column}", column) if key in self.columns), None)

    def list_targets(self, key: str, tables: Mapping[str, Table]) -> tuple[str, ...]:
        """The canonical columns, as ``table.column``, that a layout column fills."""
        table, _, column = key.rpartition(".")
        if table:
            return (key,)
        names = (name for name in self.feeds if name in tables and column in tables[name].columns)
        # A column of the same name that is computed may be made of this one, as `orders.paid_at` of `paid_at`.
        keys = (f"{name}.{column}" for name in names)
        return tuple(own for own in keys if own not in self.columns or self.columns[own].sql)
