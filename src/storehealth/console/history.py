"""Earlier runs on the screen: the change in a line or two, and its parts in detail."""

from __future__ import annotations

from rich.cells import cell_len

from storehealth.console.page import Page, TextRun, pad_text
from storehealth.model import Checkup, Trend, TrendLine
from storehealth.wording import Words
from storehealth.wording.history import (
    GAP,
    build_trend_rows,
    compare_areas,
    describe_followup,
    explain_change,
    group_followups,
    name_trend_lines,
    summarize_change,
    summarize_followup,
    summarize_trend,
)

INDENT = 2
GUTTER = 2


def add_since(page: Page, checkup: Checkup, words: Words, trend: bool) -> None:
    """The change since the run compared with, the first advice that is due for checking, and optionally the trend."""
    lines = [summarize_change(checkup, words), _summarize_followups(checkup, words)]
    lines += [summarize_trend(checkup.trend, words)] if trend and checkup.trend else []
    for line in lines:
        if line:
            page.add(line, hang=INDENT)


def _summarize_followups(checkup: Checkup, words: Words) -> str | None:
    """The advice with the largest effect; the others are counted."""
    if not checkup.followups:
        return None
    first, more = group_followups(checkup.followups)[0][0], len(checkup.followups) - 1
    text = words.say("history.helped", text=summarize_followup([first], words))
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
    """The findings' figures, in their own units, and what each code stands for."""
    lines = [line for line in trend.lines if line.kind == "finding"]
    if not lines:
        return
    page.add_blank()
    page.add(TextRun(words.say("history.figures"), "italic"), indent=INDENT)
    _add_trend(page, trend, lines, words, events=False)
    for line in lines:
        page.add(TextRun(line.name, "bold", keep=True), f"  {line.title}", indent=INDENT)


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
