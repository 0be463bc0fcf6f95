"""Saved runs on the screen: the list, two side by side, and those that were deleted."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from storehealth.console.page import STYLES, SYMBOLS, Page, Piece, pad
from storehealth.i18n.figures import DASH
from storehealth.model import ComparedFinding, Comparison, RunLine
from storehealth.wording import Words
from storehealth.wording.pair import compared_parts, difference, pair_lines, series_parts, status_pair, worth_a_line

INDENT = 2
BETWEEN = "  "


def add_runs(page: Page, lines: Sequence[RunLine], words: Words) -> None:
    """A block per store, platform and way of counting; a row per run, the latest last."""
    if not lines:
        page.add(words.say("remembered.none"))
    header = [words.say(f"remembered.{key}") for key in ("run", "as_of", "score", "fails", "watches")]
    rows = {line.run: _cells(line, words) for line in lines}
    widths = [max(map(cell_len, column)) for column in zip(header, *rows.values(), strict=True)]
    for series in dict.fromkeys(series_parts(line) for line in lines):
        page.blank()
        page.add(Piece(" · ".join(series), "bold"))
        page.add(Piece(_row(header, widths), "dim", keep=True), indent=INDENT)
        for line in lines:
            if series_parts(line) == series:
                page.add(Piece(_row(rows[line.run], widths), keep=True), indent=INDENT)


def _cells(line: RunLine, words: Words) -> list[str]:
    score = " ".join(part for part in (words.decimal(line.score, 0), line.grade) if part)
    return [line.run, words.moment(line.as_of), score, words.whole(line.fails), words.whole(line.watches)]


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return BETWEEN.join(
        pad(cell, width, right=place > 2) for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )


def add_comparison(page: Page, comparison: Comparison, words: Words, details: bool = False) -> None:
    """Both runs, the scores, the areas, and every finding that has changed; with ``details`` all of them."""
    for line in (comparison.first, comparison.second):
        named = " · ".join(series_parts(line))
        page.add(Piece(words.moment(line.as_of), "bold", keep=True), f"  {named}  ", Piece(line.run, "dim", keep=True))
    page.blank()
    for text in pair_lines(comparison, words):
        page.add(text, hang=INDENT)
    shown = [finding for finding in comparison.findings if details or worth_a_line(finding)]
    page.blank()
    for finding in shown:
        _add_finding(page, finding, words)
    hidden = len(comparison.findings) - len(shown)
    if hidden:
        page.add(Piece(words.count("remembered.unchanged", hidden), "dim"))


def _add_finding(page: Page, finding: ComparedFinding, words: Words) -> None:
    mark = SYMBOLS[finding.status_now] if finding.status_now else DASH
    page.add(
        Piece(f"{mark} ", STYLES[finding.status_now] if finding.status_now else "dim", keep=True),
        Piece(finding.code, "bold", keep=True),
        f"  {finding.title}{BETWEEN}",
        Piece(status_pair(finding, words), keep=True),
        hang=INDENT,
    )
    page.add(BETWEEN.join([difference(finding, words), *compared_parts(finding, words)]), indent=INDENT)


def add_pruned(page: Page, lines: Sequence[RunLine], gone: bool, words: Words) -> None:
    """The runs that were deleted, or would be."""
    if not lines:
        page.add(words.say("remembered.nothing_to_forget"))
        return
    add_runs(page, lines, words)
    page.blank()
    page.add(words.count("remembered.forgotten" if gone else "remembered.would_go", len(lines)))
