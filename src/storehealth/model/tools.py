"""What a manager's tool returns: rows with units, and the block of tables that every output shows in the same way.

A tool declares a record: a subclass of :class:`ToolRecord` whose tuples of :class:`ToolRow` are its tables. Titles are
messages by the fields' names (``tools.table.agents``, ``tools.column.chats``), units stand at the fields, so that no format
knows any tool.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, get_args

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr
from pydantic.fields import FieldInfo

from storehealth.model.base import FrozenModel, Note
from storehealth.support.message import Message, Name, message

TOOL_SCHEMA_VERSION = "1.0.0"
DisplayUnit = Literal[
    "text", "whole", "number", "share", "seconds", "hours", "days", "money", "ratio", "moment", "day", "id"
]
Cell = Annotated[StrictStr | StrictBool | StrictInt | StrictFloat | Message | None, Field(union_mode="left_to_right")]
"""Times are written in ISO form; the column's unit says that they are times."""


class Unit(NamedTuple):
    """The unit of a field, also stated in the JSON schema."""

    name: DisplayUnit

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> dict[str, Any]:
        schema: dict[str, Any] = handler(core_schema)
        return {**schema, "unit": self.name}


Share = Annotated[float | None, Unit("share")]
Seconds = Annotated[float | None, Unit("seconds")]
Hours = Annotated[float | None, Unit("hours")]
Days = Annotated[float | None, Unit("days")]
Money = Annotated[float | None, Unit("money")]
Ratio = Annotated[float | None, Unit("ratio")]
Figure = Annotated[float | None, Unit("number")]
"""Null is "not known", never zero."""
Id = Annotated[str, Unit("id")]
"""An id, or a file and line: never cut, else nobody can look it up."""


class ToolRow(FrozenModel):
    """A row of a table. ``SCREEN`` names the fields that a terminal has room for; all others go to files only."""

    SCREEN: ClassVar[tuple[str, ...]] = ()


class BlockColumn(FrozenModel):
    """A column: its title, the unit of its cells, and whether a terminal shows it."""

    key: str
    title: Message
    unit: DisplayUnit
    screen: bool = True


class BlockTable(FrozenModel):
    """A table of a tool, ready to be shown in any format."""

    key: str
    title: Message
    columns: tuple[BlockColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]
    first: int = Field(default=10, description="Rows that a screen or page shows; files have all.")


class ScatterChart(FrozenModel):
    """Points of one table over lines of another, both by columns ``x`` and ``y``; lines are one per column of ``bounds``."""

    title: Message
    points: str
    x: str
    y: str
    label: str
    lines: str
    bounds: tuple[str, ...]


class ToolBlock(FrozenModel):
    """A tool's result as a block of a page, a screen or a workbook."""

    tool: str
    title: Message
    headline: Message
    missing: tuple[Message, ...] = ()
    notes: tuple[Message, ...] = ()
    tables: tuple[BlockTable, ...] = ()
    charts: tuple[ScatterChart, ...] = ()


class ToolRecord(FrozenModel):
    """What all tools' records share. ``digest`` shows whether a saved record is of the same files and options."""

    FIRST: ClassVar[Mapping[str, int]] = {}
    """Rows of a table that a screen shows, where it is not ten."""
    CHARTS: ClassVar[tuple[ScatterChart, ...]] = ()
    HIDDEN: ClassVar[frozenset[str]] = frozenset()
    """Tables that only draw a chart or feed a file."""

    schema_version: str = TOOL_SCHEMA_VERSION
    tool: str
    store: str
    platform: str
    as_of: datetime | None = Field(description="The last event in the files, or --as-of; in the store's zone.")
    timezone: str
    language: Literal["en", "zh", "es"]
    digest: str = Field(description="Of the files and settings that this record rests on.")
    headline: Message
    missing: tuple[Message, ...] = Field(default=(), description="What could not be worked out, and what it needs.")
    notes: tuple[Message, ...] = Field(default=(), description="How to read the figures.")

    def describe_time(self) -> Message:
        """Say up to when the figures count."""
        if self.as_of is None:
            return message("tools.undated", zone=Name(self.timezone), platform=Name(self.platform))
        return message("tools.as_of", at=self.as_of, zone=Name(self.timezone), platform=Name(self.platform))

    def count_listed(self, command: str) -> int:  # noqa: ARG002 - a tool of two commands counts by it
        """Count the rows of the first table that is shown."""
        return next((len(table.rows) for table in self._list_tables() if table.first), 0)

    def to_block(self) -> ToolBlock:
        """Return the record as tables with titles and units, in the order of its fields."""
        return ToolBlock(
            tool=self.tool,
            title=message(f"tools.title.{self.tool}"),
            headline=self.headline,
            missing=self.missing,
            notes=self.notes,
            tables=tuple(self._list_tables()),
            charts=self.CHARTS,
        )

    def _list_tables(self) -> Iterator[BlockTable]:
        for name, field in type(self).model_fields.items():
            rows, row_type = getattr(self, name), find_row_type(field)
            if row_type is None:
                continue
            columns = tuple(list_columns(row_type))
            yield BlockTable(
                key=name,
                title=message(f"tools.table.{name}"),
                columns=columns,
                rows=tuple(tuple(to_cell(getattr(row, column.key)) for column in columns) for row in rows),
                first=self.FIRST.get(name, 10),
            )


def find_row_type(field: FieldInfo) -> type[ToolRow] | None:
    """Return the rows' class of a field that is a table, else None."""
    args = get_args(field.annotation)
    is_table = len(args) == 2 and args[1] is ... and isinstance(args[0], type) and issubclass(args[0], ToolRow)
    return args[0] if is_table else None


def list_columns(row_type: type[ToolRow]) -> Iterator[BlockColumn]:
    """Yield the columns of a class of rows."""
    for name, field in row_type.model_fields.items():
        shown = not row_type.SCREEN or name in row_type.SCREEN
        yield BlockColumn(key=name, title=message(f"tools.column.{name}"), unit=_find_unit(field), screen=shown)


def _find_unit(field: FieldInfo) -> DisplayUnit:
    stated = next((part.name for part in field.metadata if isinstance(part, Unit)), None)
    if stated is not None:
        return stated
    kinds = {field.annotation, *get_args(field.annotation)}
    by_kind: tuple[tuple[type, DisplayUnit], ...] = (
        (datetime, "moment"), (date, "day"), (bool, "text"), (int, "whole"), (float, "number"),
    )  # fmt: skip
    return next((unit for kind, unit in by_kind if kind in kinds), "text")


def to_cell(value: Any) -> Cell:
    """Return a field's value as a cell."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str | bool | int | float | Message) or value is None:
        return value
    raise TypeError(f"no cell: {type(value).__name__}")  # pragma: no cover - a record with a field no format can show


__all__ = [
    "BlockColumn", "BlockTable", "Cell", "Days", "Figure", "Hours", "Id", "Money", "Note", "Ratio", "ScatterChart",
    "Seconds", "Share", "ToolBlock", "ToolRecord", "ToolRow", "Unit", "find_row_type", "list_columns",
]  # fmt: skip
