"""Records of intake: how each file was read, where its typed rows are, and the result of ``storehealth inspect``.

Personal values are masked.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import Field

from storehealth.model.base import FrozenModel, Note
from storehealth.support.message import Message

ASIDE = "intake.summary_sheet"
"""Id of the note of a sheet that holds no table, beside one that is read."""


class BlankWords(FrozenModel):
    """Cells of a column of times that say in words, or by a date such as 0000-00-00, that there is no time yet."""

    header: str
    cells: int
    words: tuple[str, ...] = Field(description="The commonest of these texts, up to three.")


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
    duplicates_elsewhere: int = Field(
        default=0, description="Duplicates of a row of another file; the others repeat one of this file."
    )
    rejected: int = 0
    first: datetime | None = Field(default=None, description="First event in the file, in the store's zone.")
    last: datetime | None = Field(default=None, description="Last event in the file, in the store's zone.")
    blanks: tuple[BlankWords, ...] = Field(default=(), description="Words in place of a time, counted as blank cells.")
    note: Note = Field(default=None, description="Why the file was refused, or what the reader should know about it.")

    @property
    def is_refused(self) -> bool:
        """Whether it should have been read and was not; a sheet of totals or notes beside a table should not."""
        return self.layout is None and not (self.note is not None and self.note.id == ASIDE)


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


INSPECTION_VERSION = "2.0.0"


class ColumnMapping(FrozenModel):
    """A column of the file, and the canonical columns it fills."""

    header: str
    fills: tuple[str, ...] = Field(description="Such as orders.paid_at.")


class RejectGroup(FrozenModel):
    """What could not be read for one reason in one column."""

    reason: Message
    column: str | None = Field(description="Header; none if a whole line could not be read.")
    count: int
    rows_lost: int = Field(description="How many of them lost the whole row; the others lost only the cell.")
    lines: tuple[int, ...] = Field(description="Lines of the first few.")
    values: tuple[str, ...] = Field(default=(), description="Some of the cells, personal ones masked.")


class FileRejects(RejectGroup):
    """What could not be read in one file, for one reason in one column."""

    file: str


class TablePreview(FrozenModel):
    """The first rows that a file gave to a canonical table."""

    table: str
    total: int
    rows: tuple[dict[str, str | int | float | bool | None], ...]


class NearestLayout(FrozenModel):
    """The closest layout to a file that no layout fits."""

    layout: str
    found: tuple[str, ...] = Field(description="Headers of the file that the layout would read.")
    missing: tuple[str, ...] = Field(description="Required headers that the file lacks.")


class InspectedFile(Source):
    """A source, and how its columns were understood."""

    duplicates_within: int = Field(default=0, description="Rows that repeat another row of the same file.")
    duplicates_across: int = Field(
        default=0, description="Rows whose key another row already covers, mostly in another file."
    )
    columns: tuple[ColumnMapping, ...] = ()
    unread: tuple[str, ...] = Field(default=(), description="Headers that are not read.")
    rejects: tuple[RejectGroup, ...] = ()
    preview: tuple[TablePreview, ...] = ()
    nearest: NearestLayout | None = None


class Inspection(FrozenModel):
    """What ``inspect --format json`` prints. Times are naive and in ``zone``."""

    schema_version: str = INSPECTION_VERSION
    zone: str
    platform: str = Field(description="The platform whose clocks an audit would use.")
    language: Literal["en", "zh", "es"]
    sources: tuple[InspectedFile, ...]
