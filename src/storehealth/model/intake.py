"""Records of intake: what became of each file, and where its typed rows are."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import Field

from storehealth.model.base import FrozenModel


class Source(FrozenModel):
    """What became of one file (or one sheet of a workbook). ``rows = kept + duplicates + rejected``, in source rows."""

    path: str = Field(description="Path below the exports folder; a sheet follows after '#'.")
    container: str | None = None
    layout: str | None = None
    tables: tuple[str, ...] = ()
    encoding: str | None = None
    rows: int = 0
    kept: int = 0
    duplicates: int = 0
    rejected: int = 0
    first: datetime | None = Field(default=None, description="First event in the file, in the store's zone.")
    last: datetime | None = Field(default=None, description="Last event in the file, in the store's zone.")
    note: str = Field(default="", description="Why the file was refused, or what the reader should know about it.")


class SheetReading(FrozenModel):
    """How the header of one sheet was understood. It quotes the file, so mask it before showing it."""

    source: str = Field(description="The Source.path it is about.")
    header: tuple[str, ...] = Field(default=(), description="The header's cells, in order; none where no layout fits.")
    columns: dict[str, tuple[str, ...]] = Field(default={}, description="Header → canonical columns it fills.")
    top: tuple[tuple[str, ...], ...] = Field(default=(), description="First records of a sheet no layout fits.")

    @property
    def unread(self) -> tuple[str, ...]:
        """Headers that no column of the layout names; the cells below them are never read."""
        return tuple(dict.fromkeys(cell for cell in self.header if cell and cell not in self.columns))


class StoredTable(FrozenModel):
    """One canonical table of one file in the lake: a Parquet file with the table's columns and ``source_row``."""

    table: str
    source: str = Field(description="The Source.path it was read from; becomes the column source_file.")
    parquet: Path
    rows: int
    distinct_keys: int = Field(description="Distinct values of the table's key; less than rows if keys repeat.")
    first: datetime | None = Field(default=None, description="First event, in the store's zone.")
    last: datetime | None = Field(default=None, description="Last event, in the store's zone.")


class Intake(FrozenModel):
    """The result of intake: facts about files, and where their typed rows are."""

    sources: tuple[Source, ...]
    tables: tuple[StoredTable, ...]
    rejects: tuple[StoredTable, ...] = Field(
        default=(), description="Parquet: line, column_name, value, reason, row_lost."
    )
    readings: tuple[SheetReading, ...] = Field(default=(), description="One per source that could be opened.")
    zone: str = Field(description="IANA zone all times are in.")
