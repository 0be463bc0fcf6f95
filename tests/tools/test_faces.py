"""Every face shows what a record holds, cell by cell, in the reader's language; foreign text stays text."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import openpyxl
import pytest

from storehealth.i18n import Words
from storehealth.model.tools import BlockColumn, Share, ToolBlock, ToolRecord, ToolRow
from storehealth.output.terminal.page import Page
from storehealth.output.tools import TOOL_FORMATS, write_cell
from storehealth.output.tools._screen import add_record, fit_columns
from storehealth.support.message import message
from storehealth.tools.scorecard import Scorecard, build_scorecard
from tests.tools.conftest import OpenSample

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def card(open_sample: OpenSample) -> Scorecard:
    """A record with several tables and a chart."""
    return build_scorecard(open_sample())


def test_json_is_what_the_schema_says(card: Scorecard) -> None:
    """And is read back as the same record."""
    document = TOOL_FORMATS.find("json").render(card)
    schema = json.loads((DOCS / "scorecard.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(document), schema)
    assert schema["$defs"]["AgentScore"]["properties"]["within_goal"]["unit"] == "share"
    assert Scorecard.model_validate_json(card.model_dump_json()) == card


def test_csv_is_the_main_table(card: Scorecard) -> None:
    """One line per agent, with keys for a header."""
    rows = list(csv.DictReader(io.StringIO(TOOL_FORMATS.find("csv").render(card).decode("utf-8-sig"))))
    assert [row["agent_id"] for row in rows] == [score.agent_id for score in card.agents]
    assert float(rows[0]["within_goal"]) == pytest.approx(card.agents[0].within_goal)


def test_workbook_equals_the_record_cell_by_cell(card: Scorecard) -> None:
    """Numbers as numbers, unknown ones as empty cells, every table a sheet."""
    book = openpyxl.load_workbook(io.BytesIO(TOOL_FORMATS.find("xlsx").render(card)))
    tables = [table for table in card.to_block().tables if table.rows]
    assert len(book.sheetnames) == 1 + len(tables)
    for sheet, table in zip(book.worksheets[1:], tables, strict=True):
        cells = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
        shown = [
            [str(cell) if not isinstance(cell, int | float | None) else cell for cell in row] for row in table.rows
        ]
        for cells_of_row, row in zip(cells, shown, strict=True):  # a workbook holds sixteen digits
            assert cells_of_row == pytest.approx([None if cell == float("inf") else cell for cell in row])


@pytest.mark.parametrize("language", ["en", "zh", "es"])
def test_page_and_screen_are_of_the_language_and_load_nothing(card: Scorecard, language: Any) -> None:
    """The page has the funnel and asks nobody for anything; the screen fits its width."""
    card = card.model_copy(update={"language": language})
    html = TOOL_FORMATS.find("html").render(card).decode()
    assert "<svg" in html
    assert html.count("<circle") == len(card.agents)
    assert "<script" not in html
    assert "src=" not in html
    screen = Page(80)
    add_record(screen, card, Words(language))
    text = "\n".join(line.plain for line in screen.lines)
    assert max(line.cell_len for line in screen.lines) <= 80
    for document in (html, text):
        assert Words(language).say("tools.table.agents") in document
        assert not re.search(r"tools\.(?!md)[a-z_]+\.", document)


class Told(ToolRow):
    """A row with a stranger's text."""

    agent_id: str
    ratio: Share


class Small(ToolRecord):
    """A record with a table of its own."""

    agents: tuple[Told, ...] = ()


def test_foreign_text_stays_text() -> None:
    """No markup, no formula, no control characters."""
    row = Told(agent_id="=HYPERLINK(1)<b>\u202e\x1b[31m", ratio=None)
    record = Small(
        tool="scorecard", store="s", platform="generic", as_of=None, timezone="UTC", language="en", digest="",
        headline=message("tools.yes"), agents=(row,),
    )  # fmt: skip
    html = TOOL_FORMATS.find("html").render(record).decode()
    assert "<b>\u202e" not in html
    assert "&lt;b&gt;" in html
    book = openpyxl.load_workbook(io.BytesIO(TOOL_FORMATS.find("xlsx").render(record)))
    assert book.worksheets[1]["A2"].data_type == "s"
    assert book.worksheets[1]["A2"].quotePrefix
    page = Page(80)
    add_record(page, record, Words("en"))
    assert not {"\x1b", "\u202e"} & set("".join(line.plain for line in page.lines))
    assert TOOL_FORMATS.find("csv").render(record).decode("utf-8-sig").splitlines()[1].startswith("'=")


def test_a_block_survives_being_saved(card: Scorecard) -> None:
    """A saved checkup carries blocks; texts stay texts, messages stay messages."""
    block = card.to_block()
    assert ToolBlock.model_validate_json(block.model_dump_json()) == block


@pytest.mark.parametrize(
    ("cell", "unit", "text"),
    [
        (None, "share", "—"), (0.5, "share", "50%"), (float("inf"), "seconds", "never"), (2.145, "ratio", "×2.15"),
        (True, "text", "yes"), ("2026-01-05T10:00:00", "moment", "2026-01-05 10:00"), (1234.5, "money", "1,234.50"),
        (3, "whole", "3"),
    ],
)  # fmt: skip
def test_cells_are_written_by_their_unit(cell: Any, unit: Any, text: str) -> None:
    """What is unknown is a dash, never zero."""
    assert write_cell(cell, unit, Words("en")) == text


LANES = ("华东仓", "orders-2026-10-part-one.csv:12345", "2026-10-15", "renegotiate with the customer", 1234.5)
COLUMNS = (
    BlockColumn(key="a", title=message("tools.column.warehouse"), unit="text"),
    BlockColumn(key="b", title=message("tools.column.place"), unit="id"),
    BlockColumn(key="c", title=message("tools.column.reorder_on"), unit="day"),
    BlockColumn(key="d", title=message("tools.column.kind"), unit="text"),
    BlockColumn(key="e", title=message("tools.column.hands_wanted"), unit="money"),
)


@pytest.mark.parametrize("width", [30, 50, 66, 78, 200])
def test_ids_and_figures_are_never_cut(width: int) -> None:
    """Texts are, and headers; then columns are left out, but no id ever is."""
    shown = ["warehouse", "where", "reorder by", "kind", "hands for 3 days"]
    cells = [write_cell(cell, column.unit, Words("en")) for cell, column in zip(LANES, COLUMNS, strict=True)]
    widths = fit_columns([shown, cells], COLUMNS, width)
    place, day, money = widths[1], widths[2], widths[4]
    assert place == len(LANES[1])
    assert day in (0, *range(10, 30))
    assert money in (0, *range(8, 30))
    assert width < 40 or sum(widths) + 2 * (sum(map(bool, widths)) - 1) <= width
    assert width < 200 or widths == [9, len(LANES[1]), 10, 29, 16]
