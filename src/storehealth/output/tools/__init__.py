"""Outputs of managers' tools: one module per format, see ``storehealth.output``. None of them knows any tool."""

from __future__ import annotations

from storehealth.i18n import Words
from storehealth.model.tools import Cell, DisplayUnit, ToolRecord
from storehealth.output import Registry
from storehealth.support.message import Message

TOOL_FORMATS: Registry[ToolRecord] = Registry(__name__)
DASH = "—"
RIGHT: frozenset[str] = frozenset({"whole", "number", "share", "seconds", "hours", "days", "money", "ratio"})
"""Units whose cells stand at the right."""


def write_cell(cell: Cell, unit: DisplayUnit, words: Words) -> str:
    """Write a cell in the reader's language; a dash for what is not known."""
    if cell is None:
        return DASH
    if isinstance(cell, Message):
        return words.render(cell)
    if isinstance(cell, bool):
        return words.say("tools.yes" if cell else "tools.no")
    if isinstance(cell, str):
        return cell[:16].replace("T", " ") if unit == "moment" else cell
    return _write_number(float(cell), unit, words)


def _write_number(value: float, unit: DisplayUnit, words: Words) -> str:
    if unit == "money":
        return words.say("tools.money", amount=value)
    if unit == "ratio":
        return f"×{words.format_decimal(value, 2)}"
    if unit == "whole":
        return words.format_whole(round(value))
    return words.format_figure(value, unit if unit in ("share", "seconds", "hours", "days") else "number")
