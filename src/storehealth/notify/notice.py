"""A checkup as a message of a few lines, with what is new since the last message. Pure, except for ``notify.json``.

The message is plain text that no service interprets as markup. ``notify.json`` in the state folder keeps what was last sent
of each store.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from storehealth.i18n import Words
from storehealth.i18n.findings import LEAST_GAIN, choose_band, name_score, select_actions, sort_by_urgency
from storehealth.i18n.limits import format_doubt
from storehealth.model import Area, Checkup, Finding, FrozenModel
from storehealth.privacy import redact, scrub
from storehealth.support.atomic_files import restrict_to_owner, write_atomically
from storehealth.support.control_chars import CONTROL_CHARS
from storehealth.support.message import Message

MAX_FINDINGS = 5
"""Findings that are listed one by one; the others are only counted."""
LOOKALIKES = str.maketrans(
    {"<": "‹", ">": "›", "@": "＠", "`": "'", "*": "∗", "[": "(", "]": ")", "|": "¦", "~": "∼", "#": "＃"}
)
"""Characters that chats interpret as mentions, links or markup, and what replaces them."""
MAX_LENGTH = 300
UNKNOWN = ("inconclusive", "not_applicable")
FILE = "notify.json"


class Notice(NamedTuple):
    """What is sent: a title of one line, the text below it, and the paths of files to attach."""

    title: str
    body: str
    files: tuple[str, ...] = ()


def to_plain_line(text: str) -> str:
    """Return a text as one line, with nothing in it that a chat or mail program interprets as markup, mention or link."""
    text = CONTROL_CHARS.sub(" ", text).translate(LOOKALIKES).replace("://", ": //").strip()
    return text if len(text) <= MAX_LENGTH else text[: MAX_LENGTH - 1] + "…"


def write_notice(
    checkup: Checkup, changes: CheckupChanges, words: Words, reports: Sequence[Path] = (), *, attach: bool = False
) -> Notice:
    """Write the message: what changed, what fails, what to do first, and where the report is.

    Neither agents nor customers are named, and phone numbers, e-mails and addresses are removed from texts.

    Args:
        checkup: The whole result.
        changes: What is new in it.
        words: The texts in the message's language.
        reports: Where the written reports are; the message names the page, else the first.
        attach: Send the page along.
    """
    score = _score_text(checkup, changes, words)
    blocks = (
        [words.render(checkup.headline)],
        _finding_block("notify.new", changes.new, words),
        _finding_block("notify.again", changes.again, words),
        _finding_block("notify.still", changes.still, words),
        [words.say("notify.resolved", codes=_join_codes(changes.resolved, words))] if changes.resolved else [],
        [words.say("notify.lost", areas=_join_areas(changes.lost, words))] if changes.lost else [],
        [words.count("notify.muted", changes.muted)] if changes.muted else [],
        _first_action_line(checkup, words),
        [words.say("screen.as_of", at=words.format_moment(checkup.as_of))] if checkup.as_of else [],
    )
    lines = [to_plain_line(scrub(line)) for block in blocks for line in block]
    lines += [to_plain_line(_name_report(reports, words))] if reports else []
    title = to_plain_line(words.say("notify.title", store=checkup.store, score=score))
    return Notice(title, "\n".join(lines), _list_pages(reports) if attach else ())


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
    """Write the message that audits work again; arguments as for :func:`write_notice` and :func:`write_failure_notice`."""
    lines = [words.say("notify.title", store=checkup.store, score=name_score(checkup, words))]
    lines += [words.say("screen.as_of", at=words.format_moment(checkup.as_of))] if checkup.as_of else []
    lines += [_name_report(reports, words)] if reports else []
    return Notice(to_plain_line(words.say("notify.again_title", run=run)), "\n".join(map(to_plain_line, lines)))


def _name_report(reports: Sequence[Path], words: Words) -> str:
    """Return where the page is, else the first report."""
    path = next(iter(_list_pages(reports)), reports[0])
    return words.say("notify.report", path=str(path))


def _list_pages(reports: Sequence[Path]) -> tuple[str, ...]:
    """Return the absolute path of the page, if there is one: a later run, from another folder, may send it."""
    return tuple(str(report.absolute()) for report in reports if report.suffix == ".html")[:1]


def _score_text(checkup: Checkup, changes: CheckupChanges, words: Words) -> str:
    """Return the score, and what it was in the last message."""
    text = name_score(checkup, words)
    if changes.is_first or changes.before is None or changes.before == checkup.score.value:
        return text
    before = words.say("screen.was", value=words.format_decimal(changes.before, 0))
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


class KnownState(FrozenModel):
    """What was last sent about a store, updated by every run."""

    score: float | None = None
    band: str | None = None
    failing: tuple[str, ...] = ()
    ever: tuple[str, ...] = ()
    """Codes that have ever failed."""
    areas: tuple[Area, ...] = ()
    """Areas that had a score."""
    content: str = ""
    """Digest of the last message; empty if none was sent."""
    at: datetime | None = None


class CheckupChanges(NamedTuple):
    """How a checkup differs from what people know."""

    new: tuple[Finding, ...]
    again: tuple[Finding, ...]
    still: tuple[Finding, ...]
    resolved: tuple[Finding, ...]
    lost: tuple[Area, ...]
    """Areas that can no longer be judged."""
    gaps: tuple[str, ...]
    """Codes that failed and cannot be judged now: neither new nor resolved."""
    muted: int
    before: float | None
    is_first: bool
    band_before: str | None
    now: KnownState

    @property
    def has_news(self) -> bool:
        """Whether there is something people do not know yet; in a first checkup, whether anything fails."""
        band_moved = not self.is_first and self.band_before != self.now.band
        return bool(self.new or self.again or self.resolved or self.lost or band_moved)

    @property
    def failing(self) -> tuple[Finding, ...]:
        """The findings that fail now, the most urgent first."""
        return tuple(sort_by_urgency((*self.new, *self.again, *self.still)))


def compare_checkup(last_told: KnownState | None, checkup: Checkup) -> CheckupChanges:
    """Compare a checkup with the last message.

    A finding that cannot be judged now is not a change, and when it fails again later it is not news either. Muted
    findings are left out.
    """
    known = last_told or KnownState()
    unmuted = [finding for finding in checkup.findings if finding.muted is None]
    failing = [finding for finding in sort_by_urgency(unmuted) if finding.status == "fail"]
    judgeable = {finding.code for finding in checkup.findings if finding.status not in UNKNOWN}
    news = [finding for finding in failing if finding.code not in known.failing]
    judged_areas = tuple(area.id for area in checkup.areas if area.score is not None)
    gaps = tuple(code for code in known.failing if code not in judgeable)
    score = checkup.score.value
    return CheckupChanges(
        new=tuple(finding for finding in news if not _is_recurrence(finding, known)),
        again=tuple(finding for finding in news if _is_recurrence(finding, known)),
        still=tuple(finding for finding in failing if finding.code in known.failing),
        resolved=tuple(
            finding for finding in unmuted if finding.code in known.failing and finding.status in ("pass", "watch")
        ),
        lost=tuple(area for area in known.areas if area not in judged_areas),
        gaps=gaps,
        muted=sum(finding.status == "fail" for finding in checkup.findings) - len(failing),
        before=known.score,
        is_first=last_told is None,
        band_before=known.band,
        now=KnownState(
            score=score,
            band=None if score is None else choose_band(score),
            failing=(*sorted(finding.code for finding in failing), *gaps),
            ever=tuple(sorted({*known.ever, *known.failing, *(finding.code for finding in failing)})),
            areas=judged_areas,
        ),
    )


def digest_content(changes: CheckupChanges) -> str:
    """Return a digest that is equal where two checkups would tell people the same: failures, band, judged areas."""
    return digest_text(
        repr((sorted(finding.code for finding in changes.failing), changes.now.band, sorted(changes.now.areas)))
    )


def digest_text(text: str) -> str:
    """Return a digest of a text."""
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=16).hexdigest()


def update_known_state(known: KnownState | None, changes: CheckupChanges, at: datetime | None) -> KnownState:
    """Return the state after this run's message.

    Args:
        known: The state so far.
        changes: What is new.
        at: When the message was sent; None: it was not.
    """
    if at is not None:
        return changes.now.model_copy(update={"content": digest_content(changes), "at": at})
    return changes.now.model_copy(update={"content": known.content, "at": known.at} if known else {})


def _is_recurrence(finding: Finding, known: KnownState) -> bool:
    return finding.code in known.ever or finding.state == "reappeared"


class NotificationMemory:
    """One record per store and platform, and one per name of unattended runs that failed.

    Args:
        state: The state folder.
    """

    def __init__(self, state: Path) -> None:
        self.path = state / FILE

    def read(self, key: str) -> KnownState | None:
        """Read a record; None where there is none, or the file is damaged: then everything counts as new."""
        try:
            return KnownState.model_validate(self._load().get(key))
        except ValidationError:
            return None

    def store(self, key: str, state: KnownState) -> None:
        """Store a record.

        Raises:
            OSError: The file cannot be written.
        """
        self._save({**self._load(), key: state.model_dump(mode="json")})

    def delete(self, key: str) -> bool:
        """Delete a record; return whether there was one. Raises as :meth:`keep`."""
        records = self._load()
        if records.pop(key, None) is None:
            return False
        self._save(records)
        return True

    def _save(self, records: dict[str, Any]) -> None:
        text = json.dumps(records, indent=1, ensure_ascii=False, sort_keys=True)
        write_atomically(self.path, f"{text}\n".encode(), follow=False)
        restrict_to_owner(self.path)

    def _load(self) -> dict[str, Any]:
        try:
            records = json.loads(self.path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return records if isinstance(records, dict) else {}


def build_store_key(checkup: Checkup) -> str:
    """Return the key of a store."""
    return f"{checkup.platform}/{checkup.store}"


def build_runs_key(name: str) -> str:
    """Return the key of the runs of a name; it begins like no platform's name."""
    return f"(runs)/{name}"
