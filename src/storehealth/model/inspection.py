"""The result of ``storehealth inspect``: how each file was understood. Personal values are masked."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from storehealth.model.base import FrozenModel
from storehealth.model.intake import Source

INSPECTION_VERSION = "1.0.0"


class ColumnMapping(FrozenModel):
    """A column of the file, and the canonical columns it fills."""

    header: str
    fills: tuple[str, ...] = Field(description="Such as orders.paid_at.")


class RejectGroup(FrozenModel):
    """What could not be read for one reason in one column."""

    reason: str
    column: str | None = Field(description="Header; none if a whole line could not be read.")
    count: int
    rows_lost: int = Field(description="How many of them lost the whole row; the others lost only the cell.")
    lines: tuple[int, ...] = Field(description="Lines of the first few.")


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
