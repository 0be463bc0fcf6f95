"""Findings, exports that are missing and files that were refused, as lines."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from storehealth.console.page import Page, Piece, pad
from storehealth.model import Checkup, Finding, NotJudged, Source, Window
from storehealth.wording import Words
from storehealth.wording.phrases import facts_of, place
from storehealth.wording.unused import NAMED, reason_of
from storehealth.wording.wanted import wanted_briefly, wanted_text

SYMBOLS = {"pass": "✓", "watch": "!", "fail": "✗", "informative": "·", "inconclusive": "?", "not_applicable": "–"}
STYLES = {
    "pass": "green",
    "watch": "yellow",
    "fail": "bold red",
    "informative": "",
    "inconclusive": "cyan",
    "not_applicable": "dim",
}

CODES = 5
"""Rules named per missing export on the screen."""


def state(status: str, words: Words) -> str:
    """Symbol and word of a status; never a colour alone."""
    return f"{SYMBOLS[status]} {words.say(f'status.{status}').upper()}"


def add_finding(page: Page, finding: Finding, words: Words, usual: Window | None = None) -> int:
    """Two or three lines: what it is, and how it stands; its days if not the usual. Returns the indent for the rest."""
    indent = max(cell_len(state(status, words)) for status in ("fail", "watch")) + 2
    mark = Piece(pad(state(finding.status, words) + " ", indent), STYLES[finding.status], keep=True)
    page.add(mark, Piece(finding.code, "bold", keep=True), "  ", finding.title, hang=indent)
    said: list[Piece | str] = []
    for text in facts_of(finding, words, usual):
        said += [Piece(text, keep=True), "  "]
    said += [finding.note, "  "] if finding.note else []
    spot = place(finding)
    if spot:
        said.append(Piece(words.say("screen.evidence", place=spot), "dim", keep=True))
    page.add(*said, indent=indent)
    return indent


def add_wanted(page: Page, checkup: Checkup, words: Words, whole: int | None = None) -> None:
    """Every file that is missing or lacks columns; so many with where to get it, the rest in one paragraph.

    Args:
        page: Is added to.
        checkup: What was found.
        words: Of the language wanted.
        whole: How many get a paragraph of their own; None: all, each with every rule.
    """
    wanted, codes = checkup.exports_wanted, None if whole is None else CODES
    if wanted:
        page.heading(words.say("heading.to_export"))
    for one in wanted[:whole]:
        page.add(f"– {wanted_text(one, words, codes)}", indent=2, hang=4)
    rest = wanted[whole:] if whole is not None else ()
    if rest:
        page.add(f"– {wanted_briefly(rest, words, CODES)}", indent=2, hang=4)


def add_not_judged(page: Page, members: list[NotJudged], words: Words) -> None:
    """One paragraph per export that is missing: areas, codes, and the menu to use."""
    areas = dict.fromkeys(words.say(f"area.{one.area}") for one in members)
    codes = " ".join(one.code for one in members)
    menus = members[0].how_to_export
    reason = words.say("screen.export", menu="; ".join(menus)) if menus else members[0].reason
    what = words.say("unit.brackets", what=words.say("unit.comma").join(areas), inside=codes)
    page.add(f"– {what}{words.say('unit.colon')}{reason}", indent=2, hang=4)


def add_refused(page: Page, members: Sequence[Source], words: Words, most: int | None = None) -> None:
    """Files that were not used for the same reason, by name (so many of them; None: all), and the reason."""
    reason, comma = reason_of(members, words), words.say("unit.comma")
    said = words.say("screen.refused", n=len(members), path="\0", reason=reason)
    before, _, after = said.partition("\0")
    pieces: list[Piece | str] = []
    for one in members[:most]:
        pieces += [comma] if pieces else []
        pieces.append(Piece(one.path, "bold", keep=True))
    hidden = len(members) - len(members[:most])
    pieces += [f" {words.say('screen.and_files', n=words.whole(hidden))}"] if hidden else []
    page.add("– ", before, *pieces, after, indent=2, hang=4)


def add_refused_briefly(page: Page, rest: Sequence[Source], words: Words) -> None:
    """Files that were not used and found no room: how many, and the first of them by name."""
    if rest:
        names = words.say("unit.comma").join(one.path for one in rest[:NAMED]) + (" …" if len(rest) > NAMED else "")
        said = words.say("screen.more_files", n=words.whole(len(rest)), names=names)
        page.add(Piece(f"… {said}", "dim"), indent=2, hang=4)
