"""The blocks of the one-screen picture, top to bottom: headline, data, score, areas, what to do, the closing count."""

from __future__ import annotations

from rich.cells import cell_len

from storehealth.console.history import add_since
from storehealth.console.page import STYLES, SYMBOLS, Page, Piece, pad
from storehealth.model import AreaScore, Checkup, Finding
from storehealth.wording import Words
from storehealth.wording.against import platform_brief
from storehealth.wording.basis import data_statement
from storehealth.wording.phrases import (
    RANK,
    band,
    bounds,
    by_urgency,
    counts_line,
    gain_parts,
    score_name,
    score_parts,
    todo,
)
from storehealth.wording.unused import rejected_text

GAP = "  "
SHORT = 40
"""Texts up to this length are not broken over lines."""
BANDS = {"good": "bold green", "fair": "bold yellow", "poor": "bold red"}


def add_head(page: Page, checkup: Checkup, words: Words, trend: bool) -> None:
    """The headline, what the figures are based on, the score, and the previous score."""
    page.add(Piece(checkup.headline, "bold"))
    page.blank()
    page.add(*_join_with_gaps(data_statement(checkup, words)))
    value = checkup.score.value
    style = "bold" if value is None else BANDS[band(value)]
    score = Piece(score_name(checkup, words), style, keep=True)
    page.add(Piece(f"{words.say('screen.score')} ", "bold"), score, GAP, *_join_with_gaps(score_parts(checkup, words)))
    add_since(page, checkup, words, trend)


def _join_with_gaps(texts: list[str]) -> list[Piece | str]:
    joined: list[Piece | str] = []
    for text in texts:
        piece = Piece(text, keep=len(text) <= SHORT)
        joined += [GAP, piece] if joined else [piece]
    return joined


def add_areas(page: Page, checkup: Checkup, words: Words) -> None:
    """One line per area: score, state, and the finding that costs most."""
    page.blank()
    names = [words.say(f"area.{area.id}") for area in checkup.areas]
    width = max(map(cell_len, names), default=0)
    for area, name in zip(checkup.areas, names, strict=True):
        start = f"{GAP}{pad(name, width)}{GAP}{pad(words.decimal(area.score, 0), 3, right=True)}{GAP}"
        page.add(Piece(start, keep=True), *_area_state(page, cell_len(start), checkup, area, words), hang=width + 9)


def _area_state(page: Page, used: int, checkup: Checkup, area: AreaScore, words: Words) -> list[Piece | str]:
    worst = worst_finding(checkup, area)
    if worst is None or (area.score is None and worst.status != "inconclusive"):
        return [Piece(f"{SYMBOLS['not_applicable']} ", "dim"), _explain_no_score(checkup, area, words)]
    shown = ("pass", "watch", "fail", "inconclusive")
    width = max(cell_len(words.say(f"status.{status}")) for status in shown)
    mark = f"{SYMBOLS[worst.status]} {pad(words.say(f'status.{worst.status}'), width)}{GAP}"
    room = page.width - used - cell_len(mark)
    return [Piece(mark, STYLES[worst.status], keep=True), *_area_text(worst, room, words)]


def _explain_no_score(checkup: Checkup, area: AreaScore, words: Words) -> str:
    """Why an area has no score."""
    if area.coverage > 0:
        return words.say("screen.area_withheld", share=words.figure(area.coverage, "share"))
    reason = next((rule.reason for rule in checkup.not_judged if rule.area == area.id), "")
    return words.say("screen.area_not_judged") + (words.say("unit.colon") + reason if reason else "")


def _area_text(worst: Finding, room: int, words: Words) -> list[Piece | str]:
    """Code, figure, title where it fits, n, and the limit that a failing finding breaks or the target."""
    ends = [words.say("screen.n", n=words.whole(worst.judged))]
    ends += bounds(worst, words, "limit" if worst.status == "fail" else "target")
    value = words.figure(worst.value, worst.unit)
    full = [f"{worst.code} {value} {worst.title}", *ends]
    if cell_len(GAP.join(full)) > room:
        full = [f"{worst.code} {value}", *ends]
    spaced: list[Piece | str] = []
    for text in full:
        spaced += [GAP, Piece(text, keep=True)] if spaced else [Piece(text, keep=True)]
    return spaced


def worst_finding(checkup: Checkup, area: AreaScore) -> Finding | None:
    """The finding shown on an area's line: scored before unscored, failing first, then the one that costs most."""
    own = [finding for finding in checkup.findings if finding.area == area.id and finding.status != "not_applicable"]
    scored = [finding for finding in own if finding.scored] or own
    ranked = sorted(by_urgency(scored), key=lambda finding: (RANK[finding.status], finding.code != area.worst))
    return ranked[0] if ranked else None


def add_todo(page: Page, checkup: Checkup, words: Words, most: int, whole: bool = False) -> None:
    """The first recommendations, each with what it is expected to bring."""
    actions = todo(checkup)
    if not actions:
        return
    page.heading(words.say("heading.todo"))
    for number, action in enumerate(actions[:most], 1):
        name = Piece(f" {action.name or action.text}", "bold" if whole else "")
        page.add(Piece(f"{number}", "bold"), name, *_style_gains(gain_parts(action, words)), indent=2, hang=4)
        if whole and action.name:
            page.add(action.text, indent=4, hang=4)
        elif action.where:
            page.add(Piece(action.where, "dim"), indent=4, hang=4)
    add_more(page, len(actions) - most, words)


def _style_gains(texts: list[str]) -> list[Piece | str]:
    parts: list[Piece | str] = []
    for text in texts:
        parts += [GAP, Piece(text, "bold" if text.startswith("+") else "", keep=True)]
    return parts


def add_due(page: Page, checkup: Checkup, words: Words) -> None:
    """One line about deadlines, if there are any."""
    if not checkup.deadlines:
        return
    first = min(checkup.deadlines, key=lambda deadline: deadline.due_at)
    text = words.say("screen.first_due", kind=first.kind, id=first.id, at=words.moment(first.due_at))
    page.blank()
    page.add(Piece(words.count("count.deadlines", len(checkup.deadlines)), "bold"), words.say("unit.comma"), text)


def add_platform(page: Page, checkup: Checkup, words: Words) -> None:
    """One paragraph where a limit of the platform is broken or within reach."""
    text = platform_brief(checkup, words)
    if text:
        page.blank()
        page.add(text, hang=2)


def add_closing(page: Page, checkup: Checkup, words: Words) -> None:
    """Rejected rows, warnings such as mutes that match nothing, and how many findings have each status."""
    page.blank()
    rejected = rejected_text(checkup, words)
    if rejected:
        page.add(rejected)
    for warning in checkup.warnings:
        page.add(Piece(f"{SYMBOLS['watch']} ", "yellow"), warning, hang=2)
    page.add(Piece(counts_line(checkup, words), "bold"))


def add_more(page: Page, hidden: int, words: Words) -> None:
    """How many entries are left out, and how to see them."""
    if hidden > 0:
        page.add(Piece(f"… {words.count('count.more', hidden)}", "dim"), indent=2)
