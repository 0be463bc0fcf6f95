"""Values in the result of a rule's query."""

from __future__ import annotations

from typing import Any

LONGEST = 2000
"""Characters kept of a text: nobody reads more, and a pack's SQL could fill memory and reports with it."""


def truncate_cells(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Shorten texts to that length. Rows are returned as they are where no text is longer."""
    if not any(isinstance(cell, str) and len(cell) > LONGEST for row in rows for cell in row):
        return rows
    return [tuple(cell[:LONGEST] if isinstance(cell, str) else cell for cell in row) for row in rows]
