"""Shows what was found in a folder of exports, file by file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from storehealth.i18n.findings import format_value
from storehealth.i18n.words import Words
from storehealth.model import InspectedFile, TablePreview
from storehealth.output.terminal.page import Page, TextRun

GROUPS = 20
"""Groups of rejects shown per file."""


def add_files(page: Page, sources: Sequence[InspectedFile], words: Words, masked: bool = True) -> None:
    """Per file: kind, layout, encoding, columns, rows, days, rejects, first canonical rows and note."""
    for source in sources:
        page.add_blank()
        _add_file(page, source, words)
    page.add_blank()
    if not any(source.layout for source in sources):
        page.add(TextRun(f"✗ {words.say('files.none')}", "bold red"))
    elif masked and any(source.preview for source in sources):
        page.add(TextRun(words.say("inspect.masked"), "dim"))


def _add_file(page: Page, source: InspectedFile, words: Words) -> None:
    used = source.layout is not None
    mark = TextRun("✓ " if used else f"✗ {words.say('files.not_used')}  ", "green" if used else "bold red", keep=True)
    kind = "  ".join(dict.fromkeys(part for part in (source.layout, source.container, source.encoding) if part))
    page.add(mark, TextRun(source.path, "bold", keep=True), f"  {kind}", hang=4)
    if not used:
        _add_stranger(page, source, words)
        return
    numbers = {"kept": source.kept, "within": source.duplicates_within, "across": source.duplicates_across}
    parts = {name: words.format_whole(number) for name, number in numbers.items()} | {
        "rejected": words.format_whole(source.rejected)
    }
    page.add(words.say("inspect.counts", rows=words.count("count.rows", source.rows), **parts), indent=4)
    days = f"{words.format_moment(source.first)} – {words.format_moment(source.last)}"
    tables = words.say("unit.comma").join(map(words.name_table, source.tables))
    page.add(TextRun(days, keep=True), f"  {words.say('files.gives', tables=tables)}", indent=4)
    if source.note:
        page.add(words.render(source.note), indent=4)
    _add_columns(page, source, words)
    _add_rejects(page, source, words)
    for preview in source.preview:
        _add_preview(page, preview, words)


def _add_stranger(page: Page, source: InspectedFile, words: Words) -> None:
    """Why a file is not used, which layout comes closest, and what its headers are."""
    page.add(words.render(source.note) if source.note else words.say("screen.no_reason"), indent=4)
    _add_list(page, words.say("inspect.headers"), source.unread)


def _add_columns(page: Page, source: InspectedFile, words: Words) -> None:
    pairs = (f"{column.header} → {_short(column.fills)}" for column in source.columns)
    _add_list(page, words.say("inspect.reads"), pairs)
    _add_list(page, words.say("inspect.unread"), source.unread)


def _short(fills: Sequence[str]) -> str:
    """Canonical columns, each named once: order_id for orders.order_id and order_lines.order_id."""
    return " + ".join(dict.fromkeys(column.partition(".")[2] for column in fills))


def _add_list(page: Page, name: str, parts: Iterable[str]) -> None:
    pieces: list[TextRun | str] = []
    for part in parts:
        pieces += ["  ", TextRun(part, keep=True)]
    if pieces:
        page.add(TextRun(name, "italic"), *pieces, indent=4, hang=8)


def _add_rejects(page: Page, source: InspectedFile, words: Words) -> None:
    if source.rejects:
        page.add(TextRun(words.say("inspect.rejects"), "italic"), indent=4)
    for group in source.rejects[:GROUPS]:
        lines = words.say("unit.comma").join(str(line) for line in group.lines)
        more = " …" if group.count > len(group.lines) else ""
        key = "inspect.line" if len(group.lines) == 1 and not more else "inspect.lines"
        column = f"{group.column}{words.say('unit.colon')}" if group.column else ""
        text = f"{column}{words.render(group.reason)}  ({words.say(key, lines=lines + more)})"
        page.add(TextRun(f"{words.format_whole(group.count)} × ", keep=True), text, indent=8, hang=10)
    if len(source.rejects) > GROUPS:
        shown, total = words.format_whole(GROUPS), words.format_whole(len(source.rejects))
        page.add(TextRun(words.say("screen.showing", shown=shown, total=total), "dim"), indent=8)


def _add_preview(page: Page, preview: TablePreview, words: Words) -> None:
    """Rows as ``column=value``, and how many there are of them."""
    if not preview.rows:
        return
    counted = words.say(
        "screen.showing", shown=words.format_whole(len(preview.rows)), total=words.format_whole(preview.total)
    )
    title = words.say("inspect.preview", table=words.name_table(preview.table))
    page.add(TextRun(words.say("unit.brackets", what=title, inside=counted), "italic"), indent=4)
    for row in preview.rows:
        pieces: list[TextRun | str] = []
        for name, value in row.items():
            pieces += [TextRun(f"{name}={format_value(value)}", keep=True), "  "] if value is not None else []
        page.add(*pieces, indent=8, hang=10)
