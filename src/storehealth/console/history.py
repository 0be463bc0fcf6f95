"""Earlier runs on the screen: what has changed in a line or two, and at length what that is made of."""

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
    """The change since the run that is compared with, the first advice whose day has come, and, if wanted, the scores."""
    lines = [change_brief(checkup, words), _helped(checkup, words)]
    lines += [trend_brief(checkup.trend, words)] if trend and checkup.trend else []
    for line in lines:
        if line:
            page.add(line, hang=INDENT)


def _helped(checkup: Checkup, words: Words) -> str | None:
    """The advice with most to show; the others are counted."""
    if not checkup.followups:
        return None
    first, more = followups_grouped(checkup.followups)[0][0], len(checkup.followups) - 1
    said = words.say("history.helped", text=followup_brief([first], words))
    return f"{said}  … {words.count('count.more', more)}" if more else said


def add_history(page: Page, checkup: Checkup, words: Words) -> None:
    """What the change is made of, areas then and now, every advice whose day has come, and the trend."""
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
        _add_trend(page, checkup.trend, [one for one in checkup.trend.lines if one.kind != "finding"], words)
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
    lines = [one for one in trend.lines if one.kind == "finding"]
    if not lines:
        return
    page.blank()
    page.add(Piece(words.say("history.figures"), "italic"), indent=INDENT)
    _add_trend(page, trend, lines, words, events=False)
    for one in lines:
        page.add(Piece(one.name, "bold", keep=True), f"  {one.title}", indent=INDENT)


def _add_trend(page: Page, trend: Trend, lines: list[TrendLine], words: Words, events: bool = True) -> None:
    """A row per run, as many columns as fit side by side; the rest follows below."""
    rows = trend_rows(trend, lines, words)
    names = trend_names(lines, words)
    widths = [
        max(map(cell_len, (name, *(row.values[place] for row in rows)))) + GUTTER for place, name in enumerate(names)
    ]
    first = max(cell_len(row.at) for row in rows)
    for start, end in _fitting(widths, page.width - first - INDENT):
        header = "".join(pad(names[place], widths[place], right=True) for place in range(start, end))
        page.add(Piece(f"{' ' * first}{header}", "bold", keep=True), indent=INDENT)
        for row in rows:
            if row.gap:
                page.add(Piece(f"{GAP} {words.say('history.gap')}", "dim"), indent=INDENT)
            for event in row.events if events and start == 0 else ():
                page.add(Piece(f"· {event}", "dim"), indent=2 * INDENT, hang=3 * INDENT)
            cells = "".join(pad(row.values[place], widths[place], right=True) for place in range(start, end))
            page.add(Piece(f"{pad(row.at, first)}{cells}", keep=True), indent=INDENT)


def _fitting(widths: list[int], room: int) -> list[tuple[int, int]]:
    """Runs of columns that fit into so many cells, each of at least one."""
    blocks, start, used = [], 0, 0
    for place, width in enumerate(widths):
        if place > start and used + width > room:
            blocks.append((start, place))
            start, used = place, 0
        used += width
    return [*blocks, (start, len(widths))]
