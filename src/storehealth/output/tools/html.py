"""A tool's tables as one self-contained page: no scripts, nothing from elsewhere; charts are drawn in SVG.

``block.html.j2`` is a tool's part of a page, which the checkup's page takes in as well.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment

from storehealth.i18n import Words
from storehealth.model.tools import BlockTable, ScatterChart, ToolBlock, ToolRecord
from storehealth.output.html_page import LANG, create_environment, read_style
from storehealth.output.tools import RIGHT, write_cell

NAME, SUFFIX, ALIASES = "html", ".html", ("htm",)
ROWS_OF_A_PAGE = 50
"""Rows of a table on a page; the workbook has all."""
WIDTH, HEIGHT, EDGE = 640, 260, 40
"""Of a chart, in its own units."""


def render(record: ToolRecord) -> bytes:
    """Render the whole page in the language of the record; the same record gives the same bytes."""
    words = Words(record.language)
    page = _load_environment().get_template("page.html.j2")
    content = write_block(record.to_block(), words)
    text = page.render(record=record, words=words, lang=LANG[record.language], content=content, style=read_style())
    return text.encode(errors="replace")


def write_block(block: ToolBlock, words: Words) -> str:
    """Write a tool's part of a page as escaped HTML."""
    template = _load_environment().get_template("block.html.j2")
    tables = [table for table in block.tables if table.first and table.rows]
    charts = [drawn for chart in block.charts if (drawn := draw_scatter(chart, block, words))]
    return template.render(
        block=block, words=words, tables=tables, charts=charts, rows=ROWS_OF_A_PAGE, right=RIGHT,
        write=lambda cell, column: write_cell(cell, column.unit, words),
    )  # fmt: skip


class DrawnChart(NamedTuple):
    """A chart in the units of its SVG."""

    title: str
    lines: list[str]
    points: list[tuple[float, float, str]]
    ticks_x: list[tuple[float, str]]
    ticks_y: list[tuple[float, str]]


def draw_scatter(chart: ScatterChart, block: ToolBlock, words: Words) -> DrawnChart | None:
    """Place the points and lines of a chart; None without points."""
    tables = {table.key: table for table in block.tables}
    if chart.points not in tables:
        return None
    points = _read(tables[chart.points], chart.x, chart.y, chart.label)
    bounds = [_read(tables[chart.lines], chart.x, name) for name in chart.bounds] if chart.lines in tables else []
    values = [*points, *(point for line in bounds for point in line)]
    if not points:
        return None
    wide = max(float(point[0]) for point in values) or 1.0
    high = max(float(point[1]) for point in values) * 1.05 or 1.0

    def place(x: float, y: float) -> tuple[float, float]:
        return EDGE + x / wide * (WIDTH - 2 * EDGE), HEIGHT - EDGE - y / high * (HEIGHT - 2 * EDGE)

    return DrawnChart(
        words.render(chart.title),
        [" ".join(f"{x:.1f},{y:.1f}" for x, y in (place(point[0], point[1]) for point in line)) for line in bounds],
        [(*place(point[0], point[1]), str(point[2])) for point in points],
        [(place(wide * part, 0)[0], words.format_decimal(wide * part, 0)) for part in (0.0, 0.5, 1.0)],
        [(place(0, high * part)[1], words.format_decimal(high * part, 1)) for part in (0.0, 0.5, 1.0)],
    )


def _read(table: BlockTable, *keys: str) -> list[tuple[Any, ...]]:
    """Read columns of a table as tuples, rows without a number left out."""
    places = [[column.key for column in table.columns].index(key) for key in keys]
    rows = [tuple(row[place] for place in places) for row in table.rows]
    return [row for row in rows if all(isinstance(cell, int | float) for cell in row[:2])]


@cache
def _load_environment() -> Environment:
    return create_environment(Path(__file__).parent)
