"""The blocks of the one-screen picture, top to bottom: headline, data, score, areas, what to do, the closing count."""

from __future__ import annotations

from collections import Counter

from rich.cells import cell_len

from storehealth.console.page import Page, Piece, pad
from storehealth.console.verdicts import RANK, STYLES, SYMBOLS, bounds, by_urgency
from storehealth.model import AreaScore, Checkup, Finding, Recommendation
from storehealth.wording import Words

GAP = "  "
SHORT = 40
"""Texts up to here are not broken over lines."""


def add_head(page: Page, checkup: Checkup, words: Words) -> None:
    """The headline, what the figures rest on, and the score."""
    page.add(Piece(checkup.headline, "bold"))
    page.blank()
    page.add(*_spaced(data_statement(checkup, words)))
    page.add(*_score(checkup, words))


def data_statement(checkup: Checkup, words: Words) -> list[str]:
    """Store, platform, days, zone, files, rows, and the end of the data."""
    window = checkup.window
    days = words.say("screen.window", first=words.day(window.first), last=words.day(window.last))
    said = [checkup.store, checkup.platform, days if window.first or window.last else words.say("screen.all_days")]
    said += [checkup.timezone, words.count("count.files", len({one.path.split("#")[0] for one in checkup.sources}))]
    said.append(words.count("count.rows", sum(one.rows for one in checkup.sources)))
    for key in ("duplicates", "rejected"):
        number = sum(getattr(one, key) for one in checkup.sources)
        said += [words.count(f"count.{key}", number)] if number else []
    if checkup.as_of is None:
        return [*said, words.say("screen.no_as_of")]
    said.append(words.say("screen.as_of", at=words.moment(checkup.as_of)))
    ages = [_age(table, end.age_hours, words) for table, end in checkup.table_ends.items()]
    return [*said, words.say("screen.ends", ends=words.say("unit.comma").join(ages))] if ages else said


def _age(table: str, hours: float, words: Words) -> str:
    key = "screen.age" if round(hours, 1) else "screen.age_none"
    return words.say(key, table=table, hours=words.decimal(hours))


def score_parts(checkup: Checkup, words: Words) -> list[str]:
    """What stands behind the number: range, cap, coverage."""
    score, said = checkup.score, []
    if score.low is not None and score.high is not None:
        said.append(words.say("screen.range", low=words.decimal(score.low, 0), high=words.decimal(score.high, 0)))
    if score.cap_reason:
        said.append(words.say("screen.uncapped", value=words.decimal(score.uncapped, 0), reason=score.cap_reason))
    return [*said, words.say("screen.coverage", share=words.figure(score.coverage, "share"))]


def band(value: float) -> str:
    """The band of a score: good from 90, fair from 50, else poor."""
    return "good" if value >= 90 else "fair" if value >= 50 else "poor"


def _score(checkup: Checkup, words: Words) -> list[Piece | str]:
    value = checkup.score.value
    if value is None:
        number = Piece(f"— {words.say('screen.no_score')}", "bold")
    else:
        style = {"good": "bold green", "fair": "bold yellow", "poor": "bold red"}[band(value)]
        grade = f" {checkup.score.grade}" if checkup.score.grade else ""
        number = Piece(f"{words.decimal(value, 0)}{grade} {words.say(f'band.{band(value)}')}", style, keep=True)
    return [
        Piece(f"{words.say('screen.score')} ", "bold", keep=True),
        number,
        GAP,
        *_spaced(score_parts(checkup, words)),
    ]


def _spaced(texts: list[str]) -> list[Piece | str]:
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
    word_width = max(cell_len(words.say(f"status.{status}")) for status in ("pass", "watch", "fail", "inconclusive"))
    for area, name in zip(checkup.areas, names, strict=True):
        number = pad(words.decimal(area.score, 0), 3, right=True)
        start = [Piece(f"{GAP}{pad(name, width)}{GAP}{number}{GAP}", keep=True)]
        worst = worst_finding(checkup, area)
        if worst is None:
            reason = next((one.reason for one in checkup.not_judged if one.area == area.id), "")
            text = words.say("screen.area_not_judged") + (words.say("unit.colon") + reason if reason else "")
            page.add(*start, Piece(f"{SYMBOLS['not_applicable']} ", "dim", keep=True), text, hang=width + 9)
            continue
        mark = f"{SYMBOLS[worst.status]} {pad(words.say(f'status.{worst.status}'), word_width)}{GAP}"
        page.add(*start, Piece(mark, STYLES[worst.status], keep=True), *_area_text(page, start, mark, worst, words),
                 hang=width + 9)  # fmt: skip


def _area_text(page: Page, start: list[Piece], mark: str, worst: Finding, words: Words) -> list[Piece | str]:
    """Title or, where that does not fit, code; then figure, n, and the limit a failing finding breaks or the target."""
    only = "limit" if worst.status == "fail" else "target"
    ends = [words.say("screen.n", n=words.whole(worst.judged)), *bounds(worst, words, only)[:1]]
    value = words.figure(worst.value, worst.unit)
    full = [f"{value} {worst.title}", *ends]
    room = page.width - cell_len(start[0].text) - cell_len(mark)
    if sum(cell_len(text) + 2 for text in full) - 2 > room:
        full = [f"{worst.code} {value}", *ends]
    spaced: list[Piece | str] = []
    for text in full:
        spaced += [GAP, Piece(text, keep=True)] if spaced else [Piece(text, keep=True)]
    return spaced


def worst_finding(checkup: Checkup, area: AreaScore) -> Finding | None:
    """The finding an area's line speaks of: scored ones first, failing before others, then the one that costs most."""
    own = [one for one in checkup.findings if one.area == area.id and one.status != "not_applicable"]
    scored = [one for one in own if one.scored] or own
    ranked = sorted(by_urgency(scored), key=lambda one: (RANK[one.status], one.code != area.worst))
    return ranked[0] if ranked else None


def add_todo(page: Page, checkup: Checkup, words: Words, most: int) -> None:
    """The first recommendations, each with what it is expected to bring."""
    if not checkup.recommendations:
        return
    page.heading(words.say("heading.todo"))
    for number, one in enumerate(checkup.recommendations[:most], 1):
        parts: list[Piece | str] = []
        for text in gain_parts(one, words):
            parts += [GAP, Piece(text, "bold" if text.startswith("+") else "", keep=True)]
        page.add(Piece(f"{number}", "bold"), f" {one.text}", *parts, indent=2, hang=4)
    _add_more(page, len(checkup.recommendations) - most, words)


def gain_parts(one: Recommendation, words: Words) -> list[str]:
    """Points, units, effort, codes and the day to look again."""
    said = []
    if one.gain_points is not None:
        said.append(words.say("screen.gain", points=words.decimal(one.gain_points)))
    said += [one.gain_units] if one.gain_units else []
    said += [words.say(f"effort.{one.effort}"), " ".join(one.findings)]
    if one.check_on:
        said.append(words.say("screen.check_on", day=words.day(one.check_on)))
    return said


def add_due(page: Page, checkup: Checkup, words: Words) -> None:
    """One line about deadlines, if there are any."""
    if not checkup.deadlines:
        return
    first = min(checkup.deadlines, key=lambda one: one.due_at)
    page.blank()
    said = words.say("screen.first_due", kind=first.kind, id=first.id, at=words.moment(first.due_at))
    page.add(Piece(words.count("count.deadlines", len(checkup.deadlines)), "bold"), words.say("unit.comma"), said)


def add_closing(page: Page, checkup: Checkup, words: Words) -> None:
    """How many findings of each status, and how many rules could not be judged."""
    counts = Counter(one.status for one in checkup.findings)
    said = [words.count(f"state.{status}", counts[status]) for status in RANK if counts[status]]  # type: ignore[index]
    if checkup.not_judged:
        said.append(words.count("count.not_judged", len(checkup.not_judged)))
    page.blank()
    page.add(Piece(words.say("unit.comma").join(said), "bold"))


def _add_more(page: Page, hidden: int, words: Words) -> None:
    if hidden > 0:
        page.add(Piece(f"… {words.count('count.more', hidden)}", "dim"), indent=2)
