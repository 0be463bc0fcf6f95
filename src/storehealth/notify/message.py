"""A checkup as a message of a few lines: plain text that no service interprets as markup. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from storehealth.model import Checkup, Finding
from storehealth.notify.change import Changes
from storehealth.notify.names import Names
from storehealth.privacy import redact, scrub
from storehealth.unseen import UNSEEN
from storehealth.wording import Words
from storehealth.wording.phrases import LEAST_GAIN, score_name, todo
from storehealth.wording.sure import mark

LINES = 5
"""Findings that are listed one by one; the others are only counted."""
LOOKALIKE = str.maketrans(
    {"<": "‹", ">": "›", "@": "＠", "`": "'", "*": "∗", "[": "(", "]": ")", "|": "¦", "~": "∼", "#": "＃"}
)
"""Characters that chats interpret as mentions, links or markup, and what replaces them."""
LONGEST = 300


class Letter(NamedTuple):
    """What is sent: a title of one line, and the text below it."""

    title: str
    body: str


def plain(text: str) -> str:
    """Return a text as one line, with nothing in it that a chat or mail program interprets as markup, mention or link."""
    text = UNSEEN.sub(" ", text).translate(LOOKALIKE).replace("://", ": //").strip()
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def letter(checkup: Checkup, found: Changes, words: Words, names: Names, reports: Sequence[Path] = ()) -> Letter:
    """Write the message: what changed, what fails, what to do first, and where the report is.

    Nobody is named, neither agents nor customers, and phone numbers, e-mails and addresses are removed from texts.

    Args:
        checkup: The whole result.
        found: What is new in it.
        words: The texts in the message's language.
        names: Titles of findings and actions in that language.
        reports: Where the written reports are.
    """
    score = _score_text(checkup, found, words)
    blocks = (
        [checkup.headline] if words.language == checkup.language else [],
        _finding_block("notify.new", found.new, words, names),
        _finding_block("notify.again", found.again, words, names),
        _finding_block("notify.still", found.still, words, names),
        [words.say("notify.resolved", codes=_join_codes(found.resolved, words, names))] if found.resolved else [],
        [words.say("notify.lost", areas=_join_areas(found.lost, words))] if found.lost else [],
        [words.count("notify.muted", found.muted)] if found.muted else [],
        _first_action_line(checkup, words, names),
        [words.say("screen.as_of", at=words.moment(checkup.as_of))] if checkup.as_of else [],
    )
    lines = [plain(scrub(line)) for block in blocks for line in block]
    lines += [plain(words.say("notify.report", path=str(reports[0])))] if reports else []
    return Letter(plain(words.say("notify.title", store=checkup.store, score=score)), "\n".join(lines))


def trouble(run: str, problem: str, words: Words) -> Letter:
    """Write the message that an audit failed, and why, with nothing personal in it.

    Args:
        run: Name of the runs.
        problem: What went wrong, in English.
        words: The texts in the message's language.
    """
    lines = [plain(scrub(redact(words.error(line)))) for line in problem.splitlines()]
    return Letter(
        plain(words.say("notify.trouble_title", run=run)), "\n".join([*lines, words.say("notify.trouble_next")])
    )


def works_again(run: str, checkup: Checkup, words: Words, reports: Sequence[Path] = ()) -> Letter:
    """Write the message that audits work again; arguments as for :func:`letter` and :func:`trouble`."""
    lines = [words.say("notify.title", store=checkup.store, score=score_name(checkup, words))]
    lines += [words.say("screen.as_of", at=words.moment(checkup.as_of))] if checkup.as_of else []
    lines += [words.say("notify.report", path=str(reports[0]))] if reports else []
    return Letter(plain(words.say("notify.again_title", run=run)), "\n".join(map(plain, lines)))


def _score_text(checkup: Checkup, found: Changes, words: Words) -> str:
    """Return the score, and what it was when people were last told."""
    text = score_name(checkup, words)
    if found.first or found.before is None or found.before == checkup.score.value:
        return text
    before = words.say("screen.was", value=words.decimal(found.before, 0))
    return words.say("unit.brackets", what=text, inside=before)


def _finding_block(key: str, findings: Sequence[Finding], words: Words, names: Names) -> list[str]:
    """Return a heading with the findings below it."""
    if not findings:
        return []
    lines = [f"{words.say(key)}{words.say('unit.colon').rstrip()}"]
    lines += [f"- {_finding_line(finding, words, names)}" for finding in findings[:LINES]]
    more = len(findings) - LINES
    return [*lines, words.count("notify.more", more)] if more > 0 else lines


def _finding_line(finding: Finding, words: Words, names: Names) -> str:
    value = words.figure(finding.value, finding.unit)
    text = f"{finding.code} {names.title(finding)}{words.say('unit.colon')}{value}"
    if finding.limit is None:
        return text
    limit = words.say("screen.limit", bound=words.bound(finding.limit, finding.unit, finding.higher_is))
    certainty = mark(finding.limit_source.verified, words) if finding.limit_source else ""
    details = words.say("unit.comma").join(part for part in (limit, certainty) if part)
    return words.say("unit.brackets", what=text, inside=details)


def _join_codes(findings: Iterable[Finding], words: Words, names: Names) -> str:
    return words.say("unit.semicolon").join(f"{finding.code} {names.title(finding)}" for finding in findings)


def _join_areas(areas: Iterable[str], words: Words) -> str:
    return words.say("unit.comma").join(words.say(f"area.{area}") for area in areas)


def _first_action_line(checkup: Checkup, words: Words, names: Names) -> list[str]:
    """Return what to do first, in a few words; not where, which could be a person's name."""
    first = next(iter(todo(checkup)), None)
    name = names.action(first) if first else ""
    if first is None or not name:
        return []
    if first.gain_points is not None and first.gain_points >= LEAST_GAIN:
        gain = words.say("screen.gain", points=words.decimal(first.gain_points))
        name = words.say("unit.brackets", what=name, inside=gain)
    return [words.say("notify.first", action=name)]
