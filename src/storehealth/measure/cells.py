"""Cells of what a rule's query gives."""

from __future__ import annotations

from typing import Any

LONGEST = 2000
"""Characters kept of a text: nobody reads more, and SQL of a pack could fill memory and reports with it."""


def cut(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows, none of their texts longer than that."""
    if not any(isinstance(cell, str) and len(cell) > LONGEST for row in rows for cell in row):
        return rows
    return [tuple(cell[:LONGEST] if isinstance(cell, str) else cell for cell in row) for row in rows]
