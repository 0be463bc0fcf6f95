"""Shows what was found in a folder of exports, file by file."""

from __future__ import annotations

from collections.abc import Sequence

from storehealth.console.page import Page, Piece
from storehealth.model import Source
from storehealth.wording import Words


def add_files(page: Page, sources: Sequence[Source], words: Words) -> None:
    """Per file: kind, layout, encoding, rows, days, tables and note."""
    for source in sources:
        page.blank()
        _add_file(page, source, words)
    if not any(source.layout for source in sources):
        page.blank()
        page.add(Piece(f"✗ {words.say('files.none')}", "bold red"))
    elif len(sources) > 1:
        page.blank()
        page.add(Piece(words.say("files.across"), "dim"))


def _add_file(page: Page, source: Source, words: Words) -> None:
    used = source.layout is not None
    mark = Piece("✓ " if used else f"✗ {words.say('files.not_used')}  ", "green" if used else "bold red", keep=True)
    kind = "  ".join(dict.fromkeys(part for part in (source.layout, source.container, source.encoding) if part))
    page.add(mark, Piece(source.path, "bold", keep=True), f"  {kind}", hang=4)
    numbers = {key: words.whole(getattr(source, key)) for key in ("kept", "duplicates", "rejected")}
    if used:
        page.add(words.say("files.counts", rows=words.count("count.rows", source.rows), **numbers), indent=4)
        days = f"{words.moment(source.first)} – {words.moment(source.last)}"
        tables = words.say("unit.comma").join(source.tables)
        page.add(Piece(days, keep=True), f"  {words.say('files.gives', tables=tables)}", indent=4)
    note = source.note or ("" if used else words.say("screen.no_reason"))
    if note:
        page.add(note, indent=4)
