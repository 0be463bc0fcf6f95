"""Shows a checkup on a terminal: one screen by default, everything with ``details``."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from storehealth.i18n import Words
from storehealth.i18n.findings import group_not_judged, is_all_clear, select_actions, select_refused, select_troubles
from storehealth.i18n.sources import MOST_NAMED, group_refused
from storehealth.model import Checkup
from storehealth.output.terminal.details import add_details
from storehealth.output.terminal.page import Page
from storehealth.output.terminal.summary import (
    add_actions,
    add_areas,
    add_causes,
    add_closing,
    add_deadlines,
    add_finding,
    add_head,
    add_missing_exports,
    add_more,
    add_not_judged,
    add_platform,
    add_refused,
    add_refused_summary,
    repeat_head,
)

__all__ = ["DisplayOptions", "Page", "render", "write_lines"]

SCREEN_LINES = 45
"""Lines the one-screen report aims to stay within."""

LEAST: tuple[int, ...] = (2, 2, 1, 1, 0, 0, 0)
MOST = (5, 40, 12, 9, 4, 1, 1)
"""Fewest and most recommendations, findings, menus of missing exports, refused files, other reasons, lines of the trend, and
lines of causes per finding."""
LEANER = ((2, 1, *LEAST[2:]), (1, *LEAST[1:]), (1, 1, *LEAST[2:]))
"""Where even these do not fit: one finding less, since the areas name the worst; one recommendation less; or both."""
GROWTH = (5, 6, 2, 1, 0, 1, 4, 2, 1, 3)
"""The order in which the blocks grow by one while the screen has room: findings come first."""


@dataclass(frozen=True)
class DisplayOptions:
    """How to show it.

    Args:
        width: Cells per line.
        colour: Whether escape codes for colour may be written.
        ascii_only: Whether the page's own signs are written in ASCII.
        details: Everything in place of one screen.
        findings_only: Failing and watched findings, and nothing else.
        exports: Absolute path of the exports, which places of rows link to; only with colour.
    """

    width: int = 80
    colour: bool = False
    ascii_only: bool = False
    details: bool = False
    findings_only: bool = False
    exports: Path | None = None


def render(checkup: Checkup, display: DisplayOptions) -> str:
    """The checkup as text for a terminal, ending with a newline unless it is empty."""
    words = Words(checkup.language)
    if display.findings_only:
        return write_lines(_findings_only(checkup, words, display), display)
    if display.details:
        page = _draw(checkup, words, display, (len(select_actions(checkup)), 0, 0, 0, 0, 1, 0))
        add_details(page, checkup, words)
        add_closing(page, checkup, words)
        repeat_head(page, checkup, words)
        return write_lines(page.lines, display)
    return write_lines(_fit_to_screen(checkup, words, display).lines, display)


def _fit_to_screen(checkup: Checkup, words: Words, display: DisplayOptions) -> Page:
    """The fullest report that fits on one screen."""
    available = (
        len(select_actions(checkup)),
        len(select_troubles(checkup)),
        len(checkup.exports_wanted),
        len(group_refused(select_refused(checkup))),
        len(group_not_judged(checkup)),
        1 if checkup.trend else 0,
        1,
    )
    most = [min(pair) for pair in zip(MOST, available, strict=True)]
    repeated = Page(display.width, display.ascii_only, display.exports)
    repeat_head(repeated, checkup, words)
    room, caps, page, grown = SCREEN_LINES - len(repeated.lines), LEAST, _draw(checkup, words, display, LEAST), True
    for leaner in LEANER:
        if len(page.lines) > room:
            caps, page = leaner, _draw(checkup, words, display, leaner)
    if len(page.lines) > room:
        room, repeated = SCREEN_LINES, Page(display.width, display.ascii_only, display.exports)
    while grown:
        grown = False
        for place in GROWTH:
            more = (*caps[:place], caps[place] + 1, *caps[place + 1 :])
            fuller = _draw(checkup, words, display, more) if caps[place] < most[place] else None
            if fuller and len(fuller.lines) <= room:
                caps, page, grown = more, fuller, True
    page.lines.extend(repeated.lines)
    return page


def write_lines(lines: list[Text], display: DisplayOptions) -> str:
    """Styled lines as one string, with escape codes only if colour is wanted; no line is cut or wrapped."""
    out = io.StringIO()
    console = Console(
        file=out,
        force_terminal=display.colour,
        color_system="standard" if display.colour else None,
        no_color=not display.colour,
        legacy_windows=False,
    )
    for line in lines:
        console.print(line, soft_wrap=True, markup=False, highlight=False, emoji=False)
    return out.getvalue()


def _draw(checkup: Checkup, words: Words, display: DisplayOptions, caps: tuple[int, ...]) -> Page:
    todo, findings, menus, files, reasons, trend, causes = caps
    page = Page(display.width, display.ascii_only, display.exports)
    add_head(page, checkup, words, trend > 0)
    add_areas(page, checkup, words)
    add_actions(page, checkup, words, todo, whole=display.details)
    add_deadlines(page, checkup, words)
    add_platform(page, checkup, words)
    if not display.details:
        nothing_read = not any(source.layout for source in checkup.sources)
        _add_findings(page, checkup, words, findings, causes > 0)
        if nothing_read:  # then mending a file comes before exporting more
            _add_refused(page, checkup, words, files)
        add_missing_exports(page, checkup, words, menus)
        _add_not_judged(page, checkup, words, reasons)
        if not nothing_read:
            _add_refused(page, checkup, words, files)
        add_closing(page, checkup, words)
    return page


def _add_findings(page: Page, checkup: Checkup, words: Words, most: int, with_causes: bool) -> None:
    findings = select_troubles(checkup)
    page.add_blank()
    for finding in findings[:most]:
        add_finding(page, finding, words, checkup.window)
        if with_causes:
            add_causes(page, finding, words)
    add_more(page, len(findings) - most, words)
    if is_all_clear(checkup):
        page.add(words.say("screen.nothing_failing"))


def _add_not_judged(page: Page, checkup: Checkup, words: Words, most: int) -> None:
    groups = group_not_judged(checkup) if most else []  # the closing line counts them all the same
    if groups:
        page.add_heading(words.say("heading.not_judged"))
    for members in groups[:most]:
        add_not_judged(page, members, words)
    add_more(page, len(groups) - most, words)


def _add_refused(page: Page, checkup: Checkup, words: Words, most: int) -> None:
    groups = group_refused(select_refused(checkup))
    if groups:
        page.add_heading(words.say("heading.refused"))
    for members in groups[:most]:
        add_refused(page, members, words, MOST_NAMED)
    add_refused_summary(page, [source for members in groups[most:] for source in members], words)


def _findings_only(checkup: Checkup, words: Words, display: DisplayOptions) -> list[Text]:
    page = Page(display.width, display.ascii_only, display.exports)
    for finding in select_troubles(checkup):
        add_finding(page, finding, words, checkup.window)
    return page.lines
