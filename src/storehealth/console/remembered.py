"""Remembered runs on the screen: a list of them, two side by side, and those that are forgotten."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from storehealth.console.page import Page, Piece, pad
from storehealth.console.verdicts import STYLES, SYMBOLS
from storehealth.i18n.figures import DASH
from storehealth.model import ComparedFinding, Comparison, RunLine
from storehealth.wording import Words
from storehealth.wording.pair import compared_parts, difference, pair_lines, series_parts, status_pair, worth_a_line

INDENT = 2
GAP = "  "


def add_runs(page: Page, lines: Sequence[RunLine], words: Words) -> None:
    """A block per store, platform and way of counting; a row per run, the latest last."""
    if not lines:
        page.add(words.say("remembered.none"))
    header = [words.say(f"remembered.{key}") for key in ("run", "as_of", "score", "fails", "watches")]
    rows = {one.run: _cells(one, words) for one in lines}
    widths = [max(map(cell_len, column)) for column in zip(header, *rows.values(), strict=True)]
    for series in dict.fromkeys(series_parts(one) for one in lines):
        page.blank()
        page.add(Piece(" · ".join(series), "bold"))
        page.add(Piece(_row(header, widths), "dim", keep=True), indent=INDENT)
        for one in lines:
            if series_parts(one) == series:
                page.add(Piece(_row(rows[one.run], widths), keep=True), indent=INDENT)


def _cells(line: RunLine, words: Words) -> list[str]:
    score = " ".join(part for part in (words.decimal(line.score, 0), line.grade) if part)
    return [line.run, words.moment(line.as_of), score, words.whole(line.fails), words.whole(line.watches)]


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return GAP.join(
        pad(cell, width, right=place > 2) for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )


def add_comparison(page: Page, made: Comparison, words: Words, details: bool = False) -> None:
    """Both runs, the scores, the areas, and every finding that has changed; with ``details`` all of them."""
    for line in (made.first, made.second):
        named = " · ".join(series_parts(line))
        page.add(Piece(words.moment(line.as_of), "bold", keep=True), f"  {named}  ", Piece(line.run, "dim", keep=True))
    page.blank()
    for text in pair_lines(made, words):
        page.add(text, hang=INDENT)
    shown = [one for one in made.findings if details or worth_a_line(one)]
    page.blank()
    for one in shown:
        _add_finding(page, one, words)
    hidden = len(made.findings) - len(shown)
    if hidden:
        page.add(Piece(words.count("remembered.unchanged", hidden), "dim"))


def _add_finding(page: Page, one: ComparedFinding, words: Words) -> None:
    mark = SYMBOLS[one.status_now] if one.status_now else DASH
    page.add(
        Piece(f"{mark} ", STYLES[one.status_now] if one.status_now else "dim", keep=True),
        Piece(one.code, "bold", keep=True),
        f"  {one.title}{GAP}",
        Piece(status_pair(one, words), keep=True),
        hang=INDENT,
    )
    page.add(GAP.join([difference(one, words), *compared_parts(one, words)]), indent=INDENT)


def add_pruned(page: Page, lines: Sequence[RunLine], gone: bool, words: Words) -> None:
    """What is forgotten, or would be."""
    if not lines:
        page.add(words.say("remembered.nothing_to_forget"))
        return
    add_runs(page, lines, words)
    page.blank()
    page.add(words.count("remembered.forgotten" if gone else "remembered.would_go", len(lines)))
