"""Earlier runs on the screen: the change in a line or two, and its parts in detail."""

from __future__ import annotations

from rich.cells import cell_len

from storehealth.console.page import Page, Piece, pad
from storehealth.model import Checkup, Trend, TrendLine
from storehealth.wording import Words
from storehealth.wording.history import (
    GAP,
    area_rows,
    change_brief,
    change_lines,
    followup_brief,
    followup_lines,
    followups_grouped,
    trend_brief,
    trend_names,
    trend_rows,
)

INDENT = 2
GUTTER = 2


def add_since(page: Page, checkup: Checkup, words: Words, trend: bool) -> None:
    """The change since the run compared with, the first advice that is due for checking, and optionally the trend."""
    lines = [change_brief(checkup, words), _summarize_followups(checkup, words)]
    lines += [trend_brief(checkup.trend, words)] if trend and checkup.trend else []
    for line in lines:
        if line:
            page.add(line, hang=INDENT)


def _summarize_followups(checkup: Checkup, words: Words) -> str | None:
    """The advice with the largest effect; the others are counted."""
    if not checkup.followups:
        return None
    first, more = followups_grouped(checkup.followups)[0][0], len(checkup.followups) - 1
    text = words.say("history.helped", text=followup_brief([first], words))
    return f"{text}  … {words.count('count.more', more)}" if more else text


def add_history(page: Page, checkup: Checkup, words: Words) -> None:
    """The parts of the change, areas then and now, all advice that is due for checking, and the trend."""
    _add_changes(page, checkup, words)
    if checkup.followups:
        page.heading(words.say("history.followups"))
        page.add(Piece(words.say("history.caution"), "dim"), indent=INDENT)
    for members in followups_grouped(checkup.followups):
        first, second = followup_lines(members, words)
        page.add(first, indent=INDENT, hang=2 * INDENT)
        page.add(Piece(second, "dim"), indent=2 * INDENT)
    if checkup.trend:
        page.heading(words.say("history.trend"))
        _add_trend(page, checkup.trend, [line for line in checkup.trend.lines if line.kind != "finding"], words)
        _add_figures(page, checkup.trend, words)


def _add_changes(page: Page, checkup: Checkup, words: Words) -> None:
    lines = change_lines(checkup, words)
    if lines:
        page.heading(words.say("history.changes"))
    for line in lines:
        page.add(line, indent=INDENT, hang=2 * INDENT)
    for name, then, now, points in area_rows(checkup, words) if lines else ():
        page.add(f"{name}{words.say('unit.colon')}", Piece(f"{then} → {now} ({points})", keep=True), indent=INDENT)


def _add_figures(page: Page, trend: Trend, words: Words) -> None:
    """The findings' figures, in their own units, and what each code stands for."""
    lines = [line for line in trend.lines if line.kind == "finding"]
    if not lines:
        return
    page.blank()
    page.add(Piece(words.say("history.figures"), "italic"), indent=INDENT)
    _add_trend(page, trend, lines, words, events=False)
    for line in lines:
        page.add(Piece(line.name, "bold", keep=True), f"  {line.title}", indent=INDENT)


def _add_trend(page: Page, trend: Trend, lines: list[TrendLine], words: Words, events: bool = True) -> None:
    """A row per run, as many columns as fit side by side; the rest follows below."""
    rows = trend_rows(trend, lines, words)
    names = trend_names(lines, words)
    widths = [
        max(map(cell_len, (name, *(row.values[place] for row in rows)))) + GUTTER for place, name in enumerate(names)
    ]
    first = max(cell_len(row.at) for row in rows)
    for start, end in _split_columns(widths, page.width - first - INDENT):
        header = "".join(pad(names[place], widths[place], right=True) for place in range(start, end))
        page.add(Piece(f"{' ' * first}{header}", "bold", keep=True), indent=INDENT)
        for row in rows:
            if row.gap:
                page.add(Piece(f"{GAP} {words.say('history.gap')}", "dim"), indent=INDENT)
            for event in row.events if events and start == 0 else ():
                page.add(Piece(f"· {event}", "dim"), indent=2 * INDENT, hang=3 * INDENT)
            cells = "".join(pad(row.values[place], widths[place], right=True) for place in range(start, end))
            page.add(Piece(f"{pad(row.at, first)}{cells}", keep=True), indent=INDENT)


def _split_columns(widths: list[int], room: int) -> list[tuple[int, int]]:
    """Split columns into blocks that fit the width, each of at least one column."""
    blocks, start, used = [], 0, 0
    for place, width in enumerate(widths):
        if place > start and used + width > room:
            blocks.append((start, place))
            start, used = place, 0
        used += width
    return [*blocks, (start, len(widths))]
