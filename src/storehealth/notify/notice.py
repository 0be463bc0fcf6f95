"""A checkup as a message of a few lines: plain text that no service interprets as markup. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from storehealth.i18n.findings import LEAST_GAIN, name_score, select_actions
from storehealth.i18n.limits import format_doubt
from storehealth.i18n.words import Words
from storehealth.model import Checkup, Finding
from storehealth.notify.changes import CheckupChanges
from storehealth.privacy import redact, scrub
from storehealth.support.control_chars import CONTROL_CHARS
from storehealth.support.message import Message

MAX_FINDINGS = 5
"""Findings that are listed one by one; the others are only counted."""
LOOKALIKES = str.maketrans(
    {"<": "‹", ">": "›", "@": "＠", "`": "'", "*": "∗", "[": "(", "]": ")", "|": "¦", "~": "∼", "#": "＃"}
)
"""Characters that chats interpret as mentions, links or markup, and what replaces them."""
MAX_LENGTH = 300


class Notice(NamedTuple):
    """What is sent: a title of one line, and the text below it."""

    title: str
    body: str


def to_plain_line(text: str) -> str:
    """Return a text as one line, with nothing in it that a chat or mail program interprets as markup, mention or link."""
    text = CONTROL_CHARS.sub(" ", text).translate(LOOKALIKES).replace("://", ": //").strip()
    return text if len(text) <= MAX_LENGTH else text[: MAX_LENGTH - 1] + "…"


def write_notice(checkup: Checkup, found: CheckupChanges, words: Words, reports: Sequence[Path] = ()) -> Notice:
    """Write the message: what changed, what fails, what to do first, and where the report is.

    Nobody is named, neither agents nor customers, and phone numbers, e-mails and addresses are removed from texts.

    Args:
        checkup: The whole result.
        found: What is new in it.
        words: The texts in the message's language.
        reports: Where the written reports are.
    """
    score = _score_text(checkup, found, words)
    blocks = (
        [words.render(checkup.headline)],
        _finding_block("notify.new", found.new, words),
        _finding_block("notify.again", found.again, words),
        _finding_block("notify.still", found.still, words),
        [words.say("notify.resolved", codes=_join_codes(found.resolved, words))] if found.resolved else [],
        [words.say("notify.lost", areas=_join_areas(found.lost, words))] if found.lost else [],
        [words.count("notify.muted", found.muted)] if found.muted else [],
        _first_action_line(checkup, words),
        [words.say("screen.as_of", at=words.format_moment(checkup.as_of))] if checkup.as_of else [],
    )
    lines = [to_plain_line(scrub(line)) for block in blocks for line in block]
    lines += [to_plain_line(words.say("notify.report", path=str(reports[0])))] if reports else []
    return Notice(to_plain_line(words.say("notify.title", store=checkup.store, score=score)), "\n".join(lines))


def write_failure_notice(run: str, problem: Message, words: Words) -> Notice:
    """Write the message that an audit failed, and why, with nothing personal in it.

    Args:
        run: Name of the runs.
        problem: What went wrong, and what to do about it.
        words: The texts in the message's language.
    """
    lines = [to_plain_line(scrub(redact(line))) for line in words.render(problem).splitlines()]
    return Notice(
        to_plain_line(words.say("notify.trouble_title", run=run)), "\n".join([*lines, words.say("notify.trouble_next")])
    )


def write_recovery_notice(run: str, checkup: Checkup, words: Words, reports: Sequence[Path] = ()) -> Notice:
    """Write the message that audits work again; arguments as for :func:`letter` and :func:`trouble`."""
    lines = [words.say("notify.title", store=checkup.store, score=name_score(checkup, words))]
    lines += [words.say("screen.as_of", at=words.format_moment(checkup.as_of))] if checkup.as_of else []
    lines += [words.say("notify.report", path=str(reports[0]))] if reports else []
    return Notice(to_plain_line(words.say("notify.again_title", run=run)), "\n".join(map(to_plain_line, lines)))


def _score_text(checkup: Checkup, found: CheckupChanges, words: Words) -> str:
    """Return the score, and what it was when people were last told."""
    text = name_score(checkup, words)
    if found.is_first or found.before is None or found.before == checkup.score.value:
        return text
    before = words.say("screen.was", value=words.format_decimal(found.before, 0))
    return words.say("unit.brackets", what=text, inside=before)


def _finding_block(key: str, findings: Sequence[Finding], words: Words) -> list[str]:
    """Return a heading with the findings below it."""
    if not findings:
        return []
    lines = [f"{words.say(key)}{words.say('unit.colon').rstrip()}"]
    lines += [f"- {_finding_line(finding, words)}" for finding in findings[:MAX_FINDINGS]]
    more = len(findings) - MAX_FINDINGS
    return [*lines, words.count("notify.more", more)] if more > 0 else lines


def _finding_line(finding: Finding, words: Words) -> str:
    value = words.format_figure(finding.value, finding.unit)
    text = f"{finding.code} {words.render(finding.title)}{words.say('unit.colon')}{value}"
    if finding.limit is None:
        return text
    limit = words.say("screen.limit", bound=words.format_bound(finding.limit, finding.unit, finding.higher_is))
    certainty = format_doubt(finding.limit_source.verified, words) if finding.limit_source else ""
    details = words.say("unit.comma").join(part for part in (limit, certainty) if part)
    return words.say("unit.brackets", what=text, inside=details)


def _join_codes(findings: Iterable[Finding], words: Words) -> str:
    return words.say("unit.semicolon").join(f"{finding.code} {words.render(finding.title)}" for finding in findings)


def _join_areas(areas: Iterable[str], words: Words) -> str:
    return words.say("unit.comma").join(words.say(f"area.{area}") for area in areas)


def _first_action_line(checkup: Checkup, words: Words) -> list[str]:
    """Return what to do first, in a few words; not where, which could be a person's name."""
    first = next(iter(select_actions(checkup)), None)
    name = words.render(first.name) if first else ""
    if first is None or not name:
        return []
    if first.gain_points is not None and first.gain_points >= LEAST_GAIN:
        gain = words.say("screen.gain", points=words.format_decimal(first.gain_points))
        name = words.say("unit.brackets", what=name, inside=gain)
    return [words.say("notify.first", action=name)]
