"""The blocks of the one-screen picture, top to bottom: headline, data, score, areas, what to do, the closing count."""

from __future__ import annotations

from rich.cells import cell_len

from storehealth.console.history import add_since
from storehealth.console.page import STYLES, SYMBOLS, Page, TextRun, pad_text
from storehealth.model import AreaScore, Checkup, Finding
from storehealth.wording import Words
from storehealth.wording.against import summarize_limits
from storehealth.wording.basis import describe_data
from storehealth.wording.phrases import (
    RANK,
    choose_band,
    count_statuses,
    describe_gain,
    describe_score,
    format_bounds,
    name_score,
    select_actions,
    sort_by_urgency,
)
from storehealth.wording.unused import describe_rejected

GAP = "  "
SHORT = 40
"""Texts up to this length are not broken over lines."""
BANDS = {"good": "bold green", "fair": "bold yellow", "poor": "bold red"}


def add_head(page: Page, checkup: Checkup, words: Words, trend: bool) -> None:
    """The headline, what the figures are based on, the score, and the previous score."""
    page.add(TextRun(checkup.headline, "bold"))
    page.add_blank()
    page.add(*_join_with_gaps(describe_data(checkup, words)))
    value = checkup.score.value
    style = "bold" if value is None else BANDS[choose_band(value)]
    score = TextRun(name_score(checkup, words), style, keep=True)
    page.add(
        TextRun(f"{words.say('screen.score')} ", "bold"), score, GAP, *_join_with_gaps(describe_score(checkup, words))
    )
    add_since(page, checkup, words, trend)


def _join_with_gaps(texts: list[str]) -> list[TextRun | str]:
    joined: list[TextRun | str] = []
    for text in texts:
        piece = TextRun(text, keep=len(text) <= SHORT)
        joined += [GAP, piece] if joined else [piece]
    return joined


def add_areas(page: Page, checkup: Checkup, words: Words) -> None:
    """One line per area: score, state, and the finding that costs most."""
    page.add_blank()
    names = [words.say(f"area.{area.id}") for area in checkup.areas]
    width = max(map(cell_len, names), default=0)
    for area, name in zip(checkup.areas, names, strict=True):
        start = f"{GAP}{pad_text(name, width)}{GAP}{pad_text(words.format_decimal(area.score, 0), 3, right=True)}{GAP}"
        page.add(TextRun(start, keep=True), *_area_state(page, cell_len(start), checkup, area, words), hang=width + 9)


def _area_state(page: Page, used: int, checkup: Checkup, area: AreaScore, words: Words) -> list[TextRun | str]:
    worst = find_worst(checkup, area)
    if worst is None or (area.score is None and worst.status != "inconclusive"):
        return [TextRun(f"{SYMBOLS['not_applicable']} ", "dim"), _explain_no_score(checkup, area, words)]
    shown = ("pass", "watch", "fail", "inconclusive")
    width = max(cell_len(words.say(f"status.{status}")) for status in shown)
    mark = f"{SYMBOLS[worst.status]} {pad_text(words.say(f'status.{worst.status}'), width)}{GAP}"
    room = page.width - used - cell_len(mark)
    return [TextRun(mark, STYLES[worst.status], keep=True), *_area_text(worst, room, words)]


def _explain_no_score(checkup: Checkup, area: AreaScore, words: Words) -> str:
    """Why an area has no score."""
    if area.coverage > 0:
        return words.say("screen.area_withheld", share=words.format_figure(area.coverage, "share"))
    reason = next((rule.reason for rule in checkup.not_judged if rule.area == area.id), "")
    return words.say("screen.area_not_judged") + (words.say("unit.colon") + reason if reason else "")


def _area_text(worst: Finding, room: int, words: Words) -> list[TextRun | str]:
    """Code, figure, title where it fits, n, and the limit that a failing finding breaks or the target."""
    ends = [words.say("screen.n", n=words.format_whole(worst.judged))]
    ends += format_bounds(worst, words, "limit" if worst.status == "fail" else "target")
    value = words.format_figure(worst.value, worst.unit)
    full = [f"{worst.code} {value} {worst.title}", *ends]
    if cell_len(GAP.join(full)) > room:
        full = [f"{worst.code} {value}", *ends]
    spaced: list[TextRun | str] = []
    for text in full:
        spaced += [GAP, TextRun(text, keep=True)] if spaced else [TextRun(text, keep=True)]
    return spaced


def find_worst(checkup: Checkup, area: AreaScore) -> Finding | None:
    """The finding shown on an area's line: scored before unscored, failing first, then the one that costs most."""
    own = [finding for finding in checkup.findings if finding.area == area.id and finding.status != "not_applicable"]
    scored = [finding for finding in own if finding.scored] or own
    ranked = sorted(sort_by_urgency(scored), key=lambda finding: (RANK[finding.status], finding.code != area.worst))
    return ranked[0] if ranked else None


def add_actions(page: Page, checkup: Checkup, words: Words, most: int, whole: bool = False) -> None:
    """The first recommendations, each with what it is expected to bring."""
    actions = select_actions(checkup)
    if not actions:
        return
    page.add_heading(words.say("heading.todo"))
    for number, action in enumerate(actions[:most], 1):
        name = TextRun(f" {action.name or action.text}", "bold" if whole else "")
        page.add(TextRun(f"{number}", "bold"), name, *_style_gains(describe_gain(action, words)), indent=2, hang=4)
        if whole and action.name:
            page.add(action.text, indent=4, hang=4)
        elif action.where:
            page.add(TextRun(action.where, "dim"), indent=4, hang=4)
    add_more(page, len(actions) - most, words)


def _style_gains(texts: list[str]) -> list[TextRun | str]:
    parts: list[TextRun | str] = []
    for text in texts:
        parts += [GAP, TextRun(text, "bold" if text.startswith("+") else "", keep=True)]
    return parts


def add_deadlines(page: Page, checkup: Checkup, words: Words) -> None:
    """One line about deadlines, if there are any."""
    if not checkup.deadlines:
        return
    first = min(checkup.deadlines, key=lambda deadline: deadline.due_at)
    text = words.say("screen.first_due", kind=first.kind, id=first.id, at=words.format_moment(first.due_at))
    page.add_blank()
    page.add(TextRun(words.count("count.deadlines", len(checkup.deadlines)), "bold"), words.say("unit.comma"), text)


def add_platform(page: Page, checkup: Checkup, words: Words) -> None:
    """One paragraph where a limit of the platform is broken or within reach."""
    text = summarize_limits(checkup, words)
    if text:
        page.add_blank()
        page.add(text, hang=2)


def add_closing(page: Page, checkup: Checkup, words: Words) -> None:
    """Rejected rows, warnings such as mutes that match nothing, and how many findings have each status."""
    page.add_blank()
    rejected = describe_rejected(checkup, words)
    if rejected:
        page.add(rejected)
    for warning in checkup.warnings:
        page.add(TextRun(f"{SYMBOLS['watch']} ", "yellow"), warning, hang=2)
    page.add(TextRun(count_statuses(checkup, words), "bold"))


def add_more(page: Page, hidden: int, words: Words) -> None:
    """How many entries are left out, and how to see them."""
    if hidden > 0:
        page.add(TextRun(f"… {words.count('count.more', hidden)}", "dim"), indent=2)
