"""A fleet on one screen: who needs help first, what many share, what has changed, and the league."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from rich.cells import cell_len

from storehealth.i18n import Words
from storehealth.i18n.findings import choose_band
from storehealth.i18n.fleet import (
    describe_change,
    describe_common,
    describe_help,
    describe_result,
    format_change,
    format_place,
    format_score,
    name_stores,
    summarise_fleet,
)
from storehealth.model.fleet import FleetReport, FleetStatus, LeagueLine
from storehealth.output.terminal.page import Page, TextRun, pad_text

FIRST = 5
"""Lines of a block on the screen; ``--details`` shows all."""
STYLES = {"good": "green", "fair": "yellow", "poor": "red"}
WIDEST = 24
Line = TypeVar("Line")


def add_fleet(page: Page, report: FleetReport, words: Words, details: bool = False) -> None:
    """Add the blocks of a fleet's report.

    Args:
        page: Where to.
        report: The report.
        words: Of the language wanted.
        details: Show every line of each block.
    """
    page.add(TextRun(report.name, "bold", keep=True), "  ", summarise_fleet(report, words))
    most = None if details else FIRST

    def add_block(key: str, lines: Sequence[Line], describe: Callable[[Line], tuple[str, str]], sign: str) -> None:
        if not lines:
            return
        page.add_heading(words.say(key))
        for line in lines[:most]:
            name, text = describe(line)
            named = (TextRun(name, "bold", keep=True), "  ") if name else ()
            page.add(TextRun(f"{sign} "), *named, text, indent=2, hang=4)
        if most is not None and len(lines) > most:
            page.add(words.say("fleet.more", n=len(lines) - most), indent=4)

    add_block("fleet.help", report.help, lambda line: (line.name, describe_help(line, words)), "►")
    add_block(
        "fleet.common", report.common, lambda line: (name_stores(line.stores, words), describe_common(line, words)), "×"
    )
    add_block("fleet.changes", report.changes, lambda line: (line.name, describe_change(line, words)), "·")
    add_block("fleet.failures", report.failures, lambda line: ("", words.render(describe_result(line))), "✗")
    add_block(
        "fleet.exports",
        report.exports,
        lambda line: (line.name, words.say("unit.semicolon").join(map(words.render, line.reasons))),
        "?",
    )
    _add_league(page, report.league, words, details)


def _add_league(page: Page, league: Sequence[LeagueLine], words: Words, details: bool) -> None:
    """Add the league: all of a small one, else its two ends."""
    if not league:
        return
    page.add_heading(words.say("fleet.league"))
    page.add(words.say("fleet.level"), indent=2)
    ends = 2 * FIRST
    shown: Iterable[LeagueLine | None] = league
    if not details and len(league) > 2 * ends:
        shown = [*league[:ends], None, *league[-ends:]]
    names = min(max(cell_len(line.name) for line in league), WIDEST)
    for line in shown:
        if line is None:
            page.add(words.say("fleet.more", n=len(league) - 2 * ends), indent=4)
        else:
            page.add(*_part(_list_cells(line, names, words)), indent=2, hang=10 + names)


def _list_cells(line: LeagueLine, width: int, words: Words) -> list[str | TextRun]:
    style = STYLES[choose_band(line.score)] if line.score is not None else ""
    return [
        pad_text(format_place(line, words), 6, right=True),
        pad_text(line.name, width),
        TextRun(pad_text(format_score(line, words), 11, right=True), style, keep=True),
        pad_text(line.peers.platform, 10),
        words.say("fleet.verdicts", fails=line.fails, watches=line.watches),
        format_change(line, words),
    ]


def _part(pieces: list[str | TextRun]) -> list[str | TextRun]:
    """Put two blanks between pieces."""
    texts: list[str | TextRun] = []
    for piece in pieces:
        if piece:
            texts += ["  ", piece] if texts else [piece]
    return [TextRun(text, keep=True) if isinstance(text, str) and text.strip() else text for text in texts]


def add_fleet_statuses(page: Page, fleets: Sequence[FleetStatus], words: Words) -> None:
    """Add how the latest run of each fleet ended for how many stores, and which have no result."""
    for fleet in fleets:
        counts = words.say("unit.comma").join(
            f"{words.say(f'fleet.status.{status}')} {words.format_whole(count)}"
            for status, count in fleet.counts.items()
        )
        page.add_blank()
        page.add(TextRun(fleet.name, "bold", keep=True), "  ", words.count("fleet.stores", fleet.stores), "  ", counts)
        if fleet.failed:
            failed = name_stores(fleet.failed, words)
            page.add(f"{words.say('fleet.failures')}{words.say('unit.colon')}{failed}", indent=2, hang=4)
