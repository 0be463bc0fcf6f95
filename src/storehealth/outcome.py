"""Turns verdicts into the exit code of a run, with every reason listed."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from storehealth.errors import Exit, UsageError
from storehealth.model import AreaScore, Finding, OutcomeOfRun, Score, Source
from storehealth.wording import Words
from storehealth.wording.basis import outside

LEVELS = ("fail", "watch", "new", "never")
ORDER = (Exit.USAGE, Exit.INTERNAL, Exit.NO_DATA, Exit.NOT_DELIVERED, Exit.FINDINGS)
"""When several hold, the first of these is the exit code."""

UNSEEN = ("new", "reappeared", None)
"""States that ``--fail-on new`` counts; None: no run is remembered to compare with."""


def check_fail_on(fail_on: str) -> str:
    """The value of ``--fail-on`` if it is one.

    Raises:
        UsageError: Naming the nearest valid value.
    """
    if fail_on in LEVELS or re.fullmatch(r"score<\d{1,3}(\.\d+)?", fail_on):
        return fail_on
    close = difflib.get_close_matches(fail_on, LEVELS, n=1)
    hint = f"Nearest is {close[0]}. " if close else ""
    raise UsageError(f"--fail-on does not know {fail_on!r}", f"{hint}Use fail, watch, new, never, or score<60.")


def outcome(
    findings: Sequence[Finding], score: Score, sources: Sequence[Source], fail_on: str, incomplete: Iterable[str]
) -> OutcomeOfRun:
    """The exit code of an audit.

    Args:
        findings: All verdicts; muted ones speak for nothing.
        score: The headline, which muting never moves.
        sources: What became of each file.
        fail_on: ``fail``, ``watch``, ``new``, ``never`` or ``score<N``. ``new`` counts what fails and is new or
            reappeared; until a run is remembered, every failing finding is new.
        incomplete: Reasons why the data do not suffice: that nothing was judged, and those of ``--strict-data``.
    """
    reasons: list[tuple[Exit, str]] = []
    if not any(source.layout for source in sources):
        reasons.append((Exit.NO_DATA, "no file could be used"))
    reasons += [(Exit.NO_DATA, reason) for reason in incomplete]
    reasons += [(Exit.FINDINGS, reason) for reason in _at_or_above(findings, score, fail_on)]
    code = loudest(*(found for found, _ in reasons))
    return OutcomeOfRun(exit_code=int(code), reasons=tuple(text for _, text in reasons))


def loudest(*held: Exit) -> Exit:
    """The exit code where all of these hold."""
    return next((code for code in ORDER if code in held), Exit.OK)


def incomplete_data(sources: Sequence[Source], areas: Sequence[AreaScore], findings: Sequence[Finding]) -> list[str]:
    """What ``--strict-data`` objects to: refused files, and areas with something that should be judged but cannot be."""
    refused = [f"{source.path} was not used: {source.note}" for source in sources if source.layout is None]
    inconclusive = sorted({finding.area for finding in findings if finding.scored and finding.status == "inconclusive"})
    withheld = {area.id for area in areas if area.score is None and area.id in inconclusive}
    return refused + [f"{area} is inconclusive" for area in sorted(withheld)]


def judged_at_all(findings: Iterable[Finding]) -> bool:
    """Whether anything that counts in the score has a verdict, be it too little for a score."""
    return any(one.scored and one.status in ("pass", "watch", "fail") for one in findings)


def nothing_judged(
    findings: Sequence[Finding], score: Score, sources: Sequence[Source], as_of: datetime | None, words: Words
) -> str | None:
    """Why nothing, or too little of every area, could be judged although a file was read; None where enough could.

    Args:
        findings: All verdicts; the reason that most of the scored ones give is named, of those with data if there are any.
        score: The headline; its coverage tells.
        sources: Where ``as_of`` lies outside the days they hold, those are named instead.
        as_of: The audit's moment.
        words: Of the language wanted.
    """
    if score.coverage > 0 or not any(source.layout for source in sources):
        return None
    held = outside(sources, as_of)
    if held and as_of:
        first, last = (words.day(day.date()) for day in held)
        return words.say("verdict.none_as_of", at=words.moment(as_of), first=first, last=last)
    scored = [one for one in findings if one.scored and one.note]
    notes = Counter(one.note for one in scored if one.status == "inconclusive") or Counter(one.note for one in scored)
    reason = notes.most_common(1)[0][0] if notes else words.say("verdict.nothing_applies")
    return words.say("verdict.little_judged" if judged_at_all(findings) else "verdict.none_judged", reason=reason)


def _at_or_above(findings: Sequence[Finding], score: Score, fail_on: str) -> list[str]:
    if fail_on == "never":
        return []
    if fail_on.startswith("score<"):
        bound = float(fail_on.removeprefix("score<"))
        return (
            [f"score {score.value:.0f} is below {bound:g}"] if score.value is not None and score.value < bound else []
        )
    counted = ("fail", "watch") if fail_on == "watch" else ("fail",)
    found = [one for one in findings if one.status in counted and one.muted is None]
    if fail_on == "new":
        return [f"{one.code} {one.status}, {one.state or 'new'}" for one in found if one.state in UNSEEN]
    return [f"{finding.code} {finding.status}" for finding in found]
