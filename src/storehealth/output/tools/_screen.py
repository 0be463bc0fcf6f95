"""A tool's tables on a terminal: the columns it has room for, the first rows, and how many more the workbook has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len, set_cell_size

from storehealth.i18n import Words
from storehealth.model.tools import BlockColumn, BlockTable, ToolBlock, ToolRecord
from storehealth.output.terminal.page import Page, TextRun, pad_text
from storehealth.output.tools import RIGHT, write_cell

GAP = 2
NARROWEST = 6


def add_record(page: Page, record: ToolRecord, words: Words) -> None:
    """Add a tool's result to the page: what it is of, its headline, tables and notes."""
    page.add(TextRun(f"{record.store}  {words.render(record.describe_time())}", "dim"))
    add_block(page, record.to_block(), words)


def add_block(page: Page, block: ToolBlock, words: Words) -> None:
    """Add a tool's headline, tables and notes to the page."""
    page.add(TextRun(words.render(block.headline), "bold"))
    for text in block.missing:
        page.add(TextRun("? ", "cyan"), words.render(text), hang=2)
    for table in block.tables:
        if table.first and table.rows:
            _add_table(page, table, words)
    if block.notes:
        page.add_blank()
    for text in block.notes:
        page.add(TextRun(words.render(text), "dim"))


def _add_table(page: Page, table: BlockTable, words: Words) -> None:
    page.add_heading(words.render(table.title))
    shown = [place for place, column in enumerate(table.columns) if column.screen]
    columns = [table.columns[place] for place in shown]
    header = [words.render(column.title) for column in columns]
    rows = [
        [page.clean(write_cell(row[place], column.unit, words)) for place, column in zip(shown, columns, strict=True)]
        for row in table.rows[: table.first]
    ]
    widths = fit_columns([header, *rows], columns, page.width - 2)
    right = [column.unit in RIGHT for column in columns]
    page.add(TextRun(_join(header, widths, right), "dim", keep=True), indent=2)
    for cells in rows:
        page.add(TextRun(_join(cells, widths, right), keep=True), indent=2)
    if len(table.rows) > table.first:
        page.add(words.say("tools.more_rows", n=len(table.rows) - table.first), indent=2)


def fit_columns(rows: Sequence[Sequence[str]], columns: Sequence[BlockColumn], width: int) -> list[int]:
    """Return the width of each column, 0 for one that is left out.

    The widest headers are narrowed until the table fits, then the widest texts. Ids, figures and days never are: a cut one is
    another one. Where that is not enough, columns other than ids are left out from the right; files have them. Ids alone may
    be wider than the screen.

    Args:
        rows: Cells as they are shown, the header first.
        columns: What the cells are.
        width: Cells of the screen.
    """
    sizes = [[cell_len(cell) for cell in column] for column in zip(*rows, strict=True)]
    kept = list(range(len(columns)))
    while True:
        widths = [_narrow(sizes, columns, kept, width).get(place, 0) for place in range(len(columns))]
        others = [place for place in kept if columns[place].unit != "id"]
        if _add_up(widths) <= width or not others:
            return widths
        kept.remove(others[-1])


def _narrow(
    sizes: Sequence[Sequence[int]], columns: Sequence[BlockColumn], kept: Sequence[int], width: int
) -> dict[int, int]:
    """Narrow the headers and then the texts of the columns that are kept, the widest first."""
    widths = {place: max(sizes[place]) for place in kept}
    whole = {n: widths[n] if columns[n].unit == "id" else max(NARROWEST, *sizes[n][1:]) for n in kept}
    cut = {n: NARROWEST if columns[n].unit == "text" else whole[n] for n in kept}
    for least in (whole, cut):
        while _add_up(widths.values()) > width and (places := [n for n in kept if widths[n] > least[n]]):
            widths[max(places, key=widths.__getitem__)] -= 1
    return widths


def _add_up(widths: Iterable[int]) -> int:
    used = [width for width in widths if width]
    return sum(used) + GAP * (len(used) - 1)


def _join(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    fitted = (
        pad_text(cell if cell_len(cell) <= width else f"{set_cell_size(cell, width - 1).rstrip()}…", width, is_right)
        for cell, width, is_right in zip(cells, widths, right, strict=True)
        if width
    )
    return (" " * GAP).join(fitted).rstrip()
