"""Findings, missing exports and refused files on the screen."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from storehealth.console.page import STYLES, SYMBOLS, Page, TextRun, pad_text
from storehealth.model import Checkup, Finding, NotJudged, Source, Window
from storehealth.wording import Words
from storehealth.wording.phrases import describe_finding, locate_evidence
from storehealth.wording.unused import MOST_NAMED, describe_refusal
from storehealth.wording.wanted import describe_export, summarize_exports

CODES = 5
"""Rules named per missing export on the screen."""


def format_status(status: str, words: Words) -> str:
    """Symbol and word of a status, so that it never depends on colour alone."""
    return f"{SYMBOLS[status]} {words.say(f'status.{status}').upper()}"


def add_finding(page: Page, finding: Finding, words: Words, usual: Window | None = None) -> int:
    """Two or three lines: title, figures, and its days if unusual. Returns the indent for further lines."""
    indent = max(cell_len(format_status(status, words)) for status in ("fail", "watch")) + 2
    mark = TextRun(pad_text(format_status(finding.status, words) + " ", indent), STYLES[finding.status], keep=True)
    page.add(mark, TextRun(finding.code, "bold", keep=True), "  ", finding.title, hang=indent)
    parts: list[TextRun | str] = []
    for text in describe_finding(finding, words, usual):
        parts += [TextRun(text, keep=True), "  "]
    parts += [finding.note, "  "] if finding.note else []
    spot = locate_evidence(finding)
    if spot:
        parts.append(TextRun(words.say("screen.evidence", place=spot), "dim", keep=True))
    page.add(*parts, indent=indent)
    return indent


def add_missing_exports(page: Page, checkup: Checkup, words: Words, whole: int | None = None) -> None:
    """Every missing file or column; the first ones with where to get them, the rest in one paragraph.

    Args:
        page: Is added to.
        checkup: What was found.
        words: Of the language wanted.
        whole: How many get a paragraph of their own; None: all, each with every rule.
    """
    wanted, codes = checkup.exports_wanted, None if whole is None else CODES
    if wanted:
        page.add_heading(words.say("heading.to_export"))
    for export in wanted[:whole]:
        page.add(f"– {describe_export(export, words, codes)}", indent=2, hang=4)
    rest = wanted[whole:] if whole is not None else ()
    if rest:
        page.add(f"– {summarize_exports(rest, words, CODES)}", indent=2, hang=4)


def add_not_judged(page: Page, members: list[NotJudged], words: Words) -> None:
    """One paragraph per missing export: areas, codes, and the menu to use."""
    areas = dict.fromkeys(words.say(f"area.{rule.area}") for rule in members)
    codes = " ".join(rule.code for rule in members)
    menus = members[0].how_to_export
    reason = words.say("screen.export", menu="; ".join(menus)) if menus else members[0].reason
    what = words.say("unit.brackets", what=words.say("unit.comma").join(areas), inside=codes)
    page.add(f"– {what}{words.say('unit.colon')}{reason}", indent=2, hang=4)


def add_refused(page: Page, members: Sequence[Source], words: Words, most: int | None = None) -> None:
    """Files not used for the same reason, at most ``most`` by name (None: all), and the reason."""
    reason, comma = describe_refusal(members, words), words.say("unit.comma")
    text = words.say("screen.refused", n=len(members), path="\0", reason=reason)
    before, _, after = text.partition("\0")
    pieces: list[TextRun | str] = []
    for source in members[:most]:
        pieces += [comma] if pieces else []
        pieces.append(TextRun(source.path, "bold", keep=True))
    hidden = len(members) - len(members[:most])
    pieces += [f" {words.say('screen.and_files', n=words.format_whole(hidden))}"] if hidden else []
    page.add("– ", before, *pieces, after, indent=2, hang=4)


def add_refused_summary(page: Page, rest: Sequence[Source], words: Words) -> None:
    """Unused files there was no room for: how many, and the first of them by name."""
    if rest:
        names = words.say("unit.comma").join(source.path for source in rest[:MOST_NAMED]) + (
            " …" if len(rest) > MOST_NAMED else ""
        )
        text = words.say("screen.more_files", n=words.format_whole(len(rest)), names=names)
        page.add(TextRun(f"… {text}", "dim"), indent=2, hang=4)
