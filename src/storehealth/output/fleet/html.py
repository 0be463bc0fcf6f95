"""The fleet's report as one self-contained page in the look of a store's page; the league links to the stores' pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from jinja2 import Template

from storehealth.i18n import Words, fleet
from storehealth.i18n.findings import choose_band
from storehealth.model.fleet import ExportTrouble, FleetReport, LeagueLine, PeerStanding, Spread
from storehealth.output.html_page import LANG, create_environment, read_style

NAME, SUFFIX, ALIASES = "html", ".html", ("htm",)
FOLDER = Path(__file__).parent
SHOWN = 5
"""Stores with incomplete exports that are not folded."""


def render(report: FleetReport) -> bytes:
    """The whole page in the language of the report; the same report gives the same bytes."""
    words = Words(report.language)
    page = _load_template().render(
        report=report,
        words=words,
        lang=LANG[report.language],
        titles=_list_titles(report, words),
        style=read_style(FOLDER / "fleet.css"),
    )
    return page.encode(errors="replace")


def _list_titles(report: FleetReport, words: Words) -> dict[str, str]:
    """The headings of the blocks that have anything to say, in their order."""
    titles = {
        "help": words.say("fleet.help"),
        "common": words.say("fleet.common"),
        "changes": words.say("fleet.changes"),
        "failures": words.say("fleet.failures"),
        "league": words.say("fleet.league"),
        "exports": words.say("fleet.exports"),
        "areas": words.say("fleet.areas"),
        "rules": words.say("fleet.rules"),
        "standings": words.say("fleet.standings"),
    }
    return {key: title for key, title in titles.items() if getattr(report, key)}


def count_figures(report: FleetReport, words: Words) -> str:
    """How many figures of rules are listed."""
    return words.count("fleet.rules_note", len(report.rules))


def count_stores(lines: Sequence[ExportTrouble], words: Words) -> str:
    """How many stores follow those that are shown at once."""
    return words.say("fleet.more_stores", stores=words.count("fleet.stores", len(lines) - SHOWN))


def explain_standings(words: Words) -> str:
    """Who the peers are."""
    return words.say("fleet.standings_note")


@cache
def _load_template() -> Template:
    environment = create_environment(
        FOLDER,
        fleet,
        choose_band=choose_band,
        link=find_link,
        count_figures=count_figures,
        count_stores=count_stores,
        explain_standings=explain_standings,
        spread_rows=list_spread_rows,
        standing_rows=list_standing_rows,
    )
    return environment.get_template("fleet.html.j2")


def find_link(line: LeagueLine) -> str:
    """The address of a store's own page on this machine or a shared disk; empty where it has none."""
    if line.page and line.page.startswith("file://"):
        return line.page
    path = Path(line.page) if line.page else None
    return path.as_uri() if path and path.is_absolute() else ""


def list_spread_rows(spreads: Iterable[Spread], words: Words) -> Iterator[list[str]]:
    """The cells of each spread: what, of whom, how many, then the figures in its unit."""
    for line in spreads:
        figures = (line.low, line.quarter, line.median, line.three_quarters, line.high)
        yield [
            fleet.name_figure(line, words),
            fleet.describe_peers(line.peers, words),
            words.format_whole(line.stores),
            words.format_whole(line.fails) if line.code else "",
            *(format_spread(value, line.unit, words) for value in figures),
        ]


def format_spread(value: float, unit: str, words: Words) -> str:
    """A figure of a spread: points of an area, or a rule's value in its unit."""
    return words.format_decimal(value, 0) if unit == "points" else words.format_figure(value, unit)


def list_standing_rows(standings: Iterable[PeerStanding], words: Words) -> Iterator[list[str]]:
    """The cells of each standing: whose, of what, among whom, and how it compares."""
    for line in standings:
        yield [
            line.name,
            fleet.name_figure(line, words),
            fleet.describe_peers(line.peers, words),
            words.format_whole(line.stores),
            words.format_decimal(line.score, 0),
            words.format_decimal(line.median, 0),
            words.format_figure(line.better_than, "share"),
        ]
