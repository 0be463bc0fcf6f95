"""History on the screen: what has changed since earlier runs, in a line or two and in detail, and the list of saved runs."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from storehealth.i18n import Words
from storehealth.i18n.comparison import (
    describe_comparison,
    format_difference,
    format_statuses,
    has_changed,
    name_series,
    summarise_pair,
)
from storehealth.i18n.history import (
    GAP,
    TREND_BRIEF,
    build_trend_rows,
    compare_areas,
    describe_followup,
    explain_change,
    group_followups,
    name_trend_lines,
    summarise_change,
    summarise_followup,
    summarise_trend,
)
from storehealth.i18n.values import DASH
from storehealth.model import Checkup, FindingComparison, RunComparison, RunSummary, Trend, TrendLine
from storehealth.output.terminal.page import STYLES, SYMBOLS, Page, TextRun, draw_sparkline, pad_text

INDENT = 2
GUTTER = 2


def add_since(page: Page, checkup: Checkup, words: Words, trend: bool) -> None:
    """The change since the run compared with, the first advice that is due for checking, and optionally the trend."""
    lines = [summarise_change(checkup, words), _summarise_followups(checkup, words)]
    lines += [_summarise_trend(page, checkup.trend, words)] if trend and checkup.trend else []
    for line in lines:
        if line:
            page.add(line, hang=INDENT)


def _summarise_trend(page: Page, trend: Trend, words: Words) -> str | None:
    """The scores so far, as a line of blocks and in figures."""
    text = summarise_trend(trend, words)
    scores = next((line.values for line in trend.lines if line.kind == "score"), ())
    return text if text is None or page.ascii_only else f"{draw_sparkline(scores[-TREND_BRIEF:])}  {text}"


def _summarise_followups(checkup: Checkup, words: Words) -> str | None:
    """The advice with the largest effect; the others are counted."""
    if not checkup.followups:
        return None
    first, more = group_followups(checkup.followups)[0][0], len(checkup.followups) - 1
    text = words.say("history.helped", text=summarise_followup([first], words))
    return f"{text}  … {words.count('count.more', more)}" if more else text


def add_history(page: Page, checkup: Checkup, words: Words) -> None:
    """The parts of the change, areas then and now, all advice that is due for checking, and the trend."""
    _add_changes(page, checkup, words)
    if checkup.followups:
        page.add_heading(words.say("history.followups"))
        page.add(TextRun(words.say("history.caution"), "dim"), indent=INDENT)
    for members in group_followups(checkup.followups):
        first, second = describe_followup(members, words)
        page.add(first, indent=INDENT, hang=2 * INDENT)
        page.add(TextRun(second, "dim"), indent=2 * INDENT)
    if checkup.trend:
        page.add_heading(words.say("history.trend"))
        _add_trend(page, checkup.trend, [line for line in checkup.trend.lines if line.kind != "finding"], words)
        _add_figures(page, checkup.trend, words)


def _add_changes(page: Page, checkup: Checkup, words: Words) -> None:
    lines = explain_change(checkup, words)
    if lines:
        page.add_heading(words.say("history.changes"))
    for line in lines:
        page.add(line, indent=INDENT, hang=2 * INDENT)
    for name, then, now, points in compare_areas(checkup, words) if lines else ():
        page.add(f"{name}{words.say('unit.colon')}", TextRun(f"{then} → {now} ({points})", keep=True), indent=INDENT)


def _add_figures(page: Page, trend: Trend, words: Words) -> None:
    """The findings' figures, in their own units, and what each code means."""
    lines = [line for line in trend.lines if line.kind == "finding"]
    if not lines:
        return
    page.add_blank()
    page.add(TextRun(words.say("history.figures"), "italic"), indent=INDENT)
    _add_trend(page, trend, lines, words, events=False)
    for line in lines:
        page.add(TextRun(line.name, "bold", keep=True), f"  {words.render(line.title)}", indent=INDENT)


def _add_trend(page: Page, trend: Trend, lines: list[TrendLine], words: Words, events: bool = True) -> None:
    """A row per run, as many columns as fit side by side; the rest follows below."""
    rows = build_trend_rows(trend, lines, words)
    names = name_trend_lines(lines, words)
    widths = [
        max(map(cell_len, (name, *(row.values[place] for row in rows)))) + GUTTER for place, name in enumerate(names)
    ]
    first = max(cell_len(row.at) for row in rows)
    for start, end in _split_columns(widths, page.width - first - INDENT):
        header = "".join(pad_text(names[place], widths[place], right=True) for place in range(start, end))
        page.add(TextRun(f"{' ' * first}{header}", "bold", keep=True), indent=INDENT)
        for row in rows:
            if row.gap:
                page.add(TextRun(f"{GAP} {words.say('history.gap')}", "dim"), indent=INDENT)
            for event in row.events if events and start == 0 else ():
                page.add(TextRun(f"· {event}", "dim"), indent=2 * INDENT, hang=3 * INDENT)
            cells = "".join(pad_text(row.values[place], widths[place], right=True) for place in range(start, end))
            page.add(TextRun(f"{pad_text(row.at, first)}{cells}", keep=True), indent=INDENT)


def _split_columns(widths: list[int], room: int) -> list[tuple[int, int]]:
    """Split columns into blocks that fit the width, each of at least one column."""
    blocks, start, used = [], 0, 0
    for place, width in enumerate(widths):
        if place > start and used + width > room:
            blocks.append((start, place))
            start, used = place, 0
        used += width
    return [*blocks, (start, len(widths))]


BETWEEN = "  "


def add_runs(page: Page, lines: Sequence[RunSummary], words: Words) -> None:
    """A block per store, platform and way of counting; a row per run, the latest last."""
    if not lines:
        page.add(words.say("remembered.none"))
    header = [words.say(f"remembered.{key}") for key in ("run", "as_of", "score", "fails", "watches")]
    rows = {line.run: _list_cells(line, words) for line in lines}
    widths = [max(map(cell_len, column)) for column in zip(header, *rows.values(), strict=True)]
    for series in dict.fromkeys(name_series(line) for line in lines):
        page.add_blank()
        page.add(TextRun(" · ".join(series), "bold"))
        page.add(TextRun(_row(header, widths), "dim", keep=True), indent=INDENT)
        for line in lines:
            if name_series(line) == series:
                page.add(TextRun(_row(rows[line.run], widths), keep=True), indent=INDENT)


def _list_cells(line: RunSummary, words: Words) -> list[str]:
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
    for text in summarise_pair(comparison, words):
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
        f"  {words.render(finding.title)}{BETWEEN}",
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
