"""Findings as lines: state, figure, interval, limits and where the rows are."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len

from storehealth.console.page import Page, Piece, pad
from storehealth.model import Checkup, Finding, NotJudged, Source
from storehealth.wording import Words

SYMBOLS = {"pass": "✓", "watch": "!", "fail": "✗", "informative": "·", "inconclusive": "?", "not_applicable": "–"}
STYLES = {
    "pass": "green", "watch": "yellow", "fail": "bold red", "informative": "", "inconclusive": "cyan",
    "not_applicable": "dim",
}  # fmt: skip
RANK = {"fail": 0, "watch": 1, "inconclusive": 2, "pass": 3, "informative": 4, "not_applicable": 5}
SEVERITIES = ("critical", "high", "medium", "low", "info")
UNSURE = ("third-party", "unverified", "assumed")


def by_urgency(findings: Iterable[Finding]) -> list[Finding]:
    """Findings, the most urgent first: by status, scored before others, by severity, by code."""
    return sorted(
        findings,
        key=lambda one: (RANK[one.status], not one.scored, SEVERITIES.index(one.severity), one.code),
    )


def troubles(checkup: Checkup) -> list[Finding]:
    """Failing findings, then those to watch."""
    return [one for one in by_urgency(checkup.findings) if one.status in ("fail", "watch")]


def refused(checkup: Checkup) -> list[Source]:
    """Files nothing was taken from."""
    return [source for source in checkup.sources if source.layout is None]


def state(status: str, words: Words, upper: bool = False) -> Piece:
    """Symbol and word of a status; never a colour alone."""
    word = words.say(f"status.{status}")
    return Piece(f"{SYMBOLS[status]} {word.upper() if upper else word}", STYLES[status], keep=True)


def bounds(finding: Finding, words: Words, only: str | None = None) -> list[str]:
    """Target and limit with their direction, marked where nobody has confirmed them."""
    shown = [
        words.say(f"screen.{name}", bound=words.bound(value, finding.unit, finding.higher_is))
        for name, value in (("target", finding.target), ("limit", finding.limit))
        if value is not None and only in (None, name)
    ]
    if shown and finding.limit_source.verified in UNSURE:
        shown[-1] += f" ({words.say(f'verified.{finding.limit_source.verified}')})"
    return shown


def figure(finding: Finding, words: Words) -> str:
    """The value with its interval: ``88.0% [86.7%–89.1%]``."""
    value = words.figure(finding.value, finding.unit)
    low, high = finding.interval
    if low is None and high is None:
        return value
    return f"{value} [{words.figure(low, finding.unit)}–{words.figure(high, finding.unit)}]"


def tallied(finding: Finding, words: Words) -> str:
    """How many rows the figure rests on."""
    key = "screen.missed" if finding.unit == "share" else "screen.over"
    return words.say(key, defects=words.whole(finding.defects), judged=words.whole(finding.judged))


def place(finding: Finding) -> str | None:
    """Where the rows are: the evidence file, else file and line of the first row."""
    if finding.evidence.file:
        return finding.evidence.file
    first = next((row for row in finding.evidence.rows if row.file), None)
    if first is None:
        return None
    return f"{first.file}:{first.line}" if first.line is not None else first.file


def facts_of(finding: Finding, words: Words) -> list[str]:
    """Everything worth saying of a finding in one paragraph, apart from where its rows are."""
    said = [figure(finding, words)]
    said += [tallied(finding, words)] if finding.judged else []
    said += bounds(finding, words)
    if finding.undecided:
        said.append(words.say("screen.undecided", n=words.whole(finding.undecided)))
    if finding.previous is not None:
        said.append(words.say("screen.was", value=words.figure(finding.previous, finding.unit)))
    said += [finding.change] if finding.change else []
    said += [] if finding.scored else [words.say("screen.not_scored")]
    return said


def add_finding(page: Page, finding: Finding, words: Words) -> None:
    """Two or three lines: what it is, and how it stands."""
    text, style, _ = state(finding.status, words, upper=True)
    indent = max(cell_len(state(status, words).text) for status in ("fail", "watch")) + 2
    page.add(Piece(pad(text, indent), style, keep=True), Piece(finding.code, "bold", keep=True), "  ", finding.title,
             hang=indent)  # fmt: skip
    said: list[Piece | str] = []
    for text in facts_of(finding, words):
        said += [Piece(text, keep=True), "  "]
    if finding.note:
        said += [finding.note, "  "]
    spot = place(finding)
    if spot:
        said.append(Piece(words.say("screen.evidence", place=spot), "dim", keep=True))
    page.add(*said, indent=indent)


def grouped(not_judged: Iterable[NotJudged]) -> list[tuple[list[NotJudged], tuple[str, ...]]]:
    """Rules that the same export would let be judged, together with that export's menus."""
    groups: dict[tuple[str, ...], list[NotJudged]] = {}
    for one in not_judged:
        groups.setdefault(one.how_to_export or (one.reason,), []).append(one)
    return [(members, members[0].how_to_export) for members in groups.values()]


def add_not_judged(page: Page, members: list[NotJudged], menus: tuple[str, ...], words: Words) -> None:
    """One paragraph per export that is missing: areas, codes, and the menu to use."""
    areas = dict.fromkeys(words.say(f"area.{one.area}") for one in members)
    head = words.say("unit.comma").join(areas)
    codes = " ".join(one.code for one in members)
    reason = words.say("screen.export", menu="; ".join(menus)) if menus else members[0].reason
    page.add(f"– {head} ({codes}){words.say('unit.colon')}{reason}", indent=2, hang=4)


def add_refused(page: Page, source: Source, words: Words) -> None:
    """A file that was not used, by name and reason."""
    reason = source.note or words.say("screen.no_reason")
    before, _, after = words.say("screen.refused", path="\0", reason=reason).partition("\0")
    page.add("– ", before, Piece(source.path, "bold", keep=True), after, indent=2, hang=4)
