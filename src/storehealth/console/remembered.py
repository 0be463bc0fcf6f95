"""Saved runs on the screen: the list, two side by side, and those that were deleted."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from storehealth.console.page import STYLES, SYMBOLS, Page, TextRun, pad_text
from storehealth.i18n.figures import DASH
from storehealth.model import FindingComparison, RunComparison, RunSummary
from storehealth.wording import Words
from storehealth.wording.pair import (
    describe_comparison,
    format_difference,
    format_statuses,
    has_changed,
    name_series,
    summarize_pair,
)

INDENT = 2
BETWEEN = "  "


def add_runs(page: Page, lines: Sequence[RunSummary], words: Words) -> None:
    """A block per store, platform and way of counting; a row per run, the latest last."""
    if not lines:
        page.add(words.say("remembered.none"))
    header = [words.say(f"remembered.{key}") for key in ("run", "as_of", "score", "fails", "watches")]
    rows = {line.run: _cells(line, words) for line in lines}
    widths = [max(map(cell_len, column)) for column in zip(header, *rows.values(), strict=True)]
    for series in dict.fromkeys(name_series(line) for line in lines):
        page.add_blank()
        page.add(TextRun(" · ".join(series), "bold"))
        page.add(TextRun(_row(header, widths), "dim", keep=True), indent=INDENT)
        for line in lines:
            if name_series(line) == series:
                page.add(TextRun(_row(rows[line.run], widths), keep=True), indent=INDENT)


def _cells(line: RunSummary, words: Words) -> list[str]:
    score = " ".join(part for part in (words.format_decimal(line.score, 0), line.grade) if part)
    return [
        line.run,
        words.format_moment(line.as_of),
        score,
        words.format_whole(line.fails),
        words.format_whole(line.watches),
    ]


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return BETWEEN.join(
        pad_text(cell, width, right=place > 2) for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )


def add_comparison(page: Page, comparison: RunComparison, words: Words, details: bool = False) -> None:
    """Both runs, the scores, the areas, and every finding that has changed; with ``details`` all of them."""
    for line in (comparison.first, comparison.second):
        named = " · ".join(name_series(line))
        page.add(
            TextRun(words.format_moment(line.as_of), "bold", keep=True),
            f"  {named}  ",
            TextRun(line.run, "dim", keep=True),
        )
    page.add_blank()
    for text in summarize_pair(comparison, words):
        page.add(text, hang=INDENT)
    shown = [finding for finding in comparison.findings if details or has_changed(finding)]
    page.add_blank()
    for finding in shown:
        _add_finding(page, finding, words)
    hidden = len(comparison.findings) - len(shown)
    if hidden:
        page.add(TextRun(words.count("remembered.unchanged", hidden), "dim"))


def _add_finding(page: Page, finding: FindingComparison, words: Words) -> None:
    mark = SYMBOLS[finding.status_now] if finding.status_now else DASH
    page.add(
        TextRun(f"{mark} ", STYLES[finding.status_now] if finding.status_now else "dim", keep=True),
        TextRun(finding.code, "bold", keep=True),
        f"  {finding.title}{BETWEEN}",
        TextRun(format_statuses(finding, words), keep=True),
        hang=INDENT,
    )
    page.add(BETWEEN.join([format_difference(finding, words), *describe_comparison(finding, words)]), indent=INDENT)


def add_deleted_runs(page: Page, lines: Sequence[RunSummary], gone: bool, words: Words) -> None:
    """The runs that were deleted, or would be."""
    if not lines:
        page.add(words.say("remembered.nothing_to_forget"))
        return
    add_runs(page, lines, words)
    page.add_blank()
    page.add(words.count("remembered.forgotten" if gone else "remembered.would_go", len(lines)))
