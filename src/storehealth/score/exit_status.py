"""Derives the exit code of a run from its verdicts, with all reasons."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from storehealth.errors import ExitCode, UsageError
from storehealth.i18n.sources import find_span_outside
from storehealth.model import Area, AreaScore, Finding, RunOutcome, Score, Source
from storehealth.support.message import Message, Name, message, sentences
from storehealth.support.validation import suggest_name

FAIL_ON_LEVELS = ("fail", "watch", "new", "never")
EXIT_PRECEDENCE = (ExitCode.USAGE, ExitCode.INTERNAL, ExitCode.NO_DATA, ExitCode.NOT_DELIVERED, ExitCode.FINDINGS)
"""When several apply, the first of these is the exit code."""

NEW_STATES = ("new", "reappeared", None)
"""States that ``--fail-on new`` counts; None means there is no earlier run to compare with."""


def check_fail_on(fail_on: str) -> str:
    """Validate the value of ``--fail-on`` and return it.

    Raises:
        UsageError: Naming the nearest valid value.
    """
    if fail_on in FAIL_ON_LEVELS or re.fullmatch(r"score<\d{1,3}(\.\d+)?", fail_on):
        return fail_on
    hint = sentences([*suggest_name(fail_on, FAIL_ON_LEVELS), message("exit.levels")])
    raise UsageError(message("exit.unknown_level", value=Name(fail_on)), hint)


def decide_exit(
    findings: Sequence[Finding], score: Score, sources: Sequence[Source], fail_on: str, incomplete: Iterable[Message]
) -> RunOutcome:
    """Decide the exit code of an audit.

    Args:
        findings: All verdicts; muted ones do not count.
        score: The headline; muting never changes it.
        sources: What became of each file.
        fail_on: ``fail``, ``watch``, ``new``, ``never`` or ``score<N``. ``new`` counts failing findings that are new or
            reappeared; without an earlier run, all of them are new.
        incomplete: Reasons why the data are insufficient: that nothing was judged, and those of ``--strict-data``.
    """
    reasons: list[tuple[ExitCode, Message]] = []
    if not any(source.layout for source in sources):
        reasons.append((ExitCode.NO_DATA, message("exit.no_usable_file")))
    reasons += [(ExitCode.NO_DATA, reason) for reason in incomplete]
    reasons += [(ExitCode.FINDINGS, reason) for reason in _list_counted_findings(findings, score, fail_on)]
    code = pick_exit_code(*(exit_code for exit_code, _ in reasons))
    return RunOutcome(exit_code=int(code), reasons=tuple(text for _, text in reasons))


def pick_exit_code(*codes: ExitCode) -> ExitCode:
    """Pick the exit code when all of these apply."""
    return next((candidate for candidate in EXIT_PRECEDENCE if candidate in codes), ExitCode.OK)


def list_incomplete_data(
    sources: Sequence[Source], areas: Sequence[AreaScore], findings: Sequence[Finding]
) -> list[Message]:
    """List what ``--strict-data`` objects to: refused files, and areas withheld for lack of conclusive data."""
    refused = [
        message("exit.refused_file", path=Name(source.path), reason=source.note or message("screen.no_reason"))
        for source in sources
        if source.is_refused
    ]
    inconclusive = sorted({finding.area for finding in findings if finding.scored and finding.status == "inconclusive"})
    withheld = {area.id for area in areas if area.score is None and area.id in inconclusive}
    return refused + [message("exit.inconclusive_area", area=message(f"area.{area}")) for area in sorted(withheld)]


def has_verdict(findings: Iterable[Finding]) -> bool:
    """Whether any scored finding has a verdict, even if that is too little for a score."""
    return any(finding.scored and finding.status in ("pass", "watch", "fail") for finding in findings)


def explain_missing_verdicts(
    findings: Sequence[Finding],
    score: Score,
    sources: Sequence[Source],
    as_of: datetime | None,
    table_areas: Mapping[str, Area | None],
) -> Message | None:
    """Explain why nothing, or too little of every area, could be judged although a file was read; None where enough was.

    Args:
        findings: All verdicts; the most frequent reason of the scored ones is given, preferring those with data and those
            of the areas that were judged in part, or else that the files are of.
        score: The headline; coverage above zero means that enough was judged.
        sources: If ``as_of`` lies outside their days, these are named instead.
        as_of: The audit's moment.
        table_areas: Table → the area that a folder with nothing but this table is about.
    """
    if score.coverage > 0 or not any(source.layout for source in sources):
        return None
    event_span = find_span_outside(sources, as_of)
    if event_span and as_of:
        first, last = (day.date() for day in event_span)
        return message("verdict.none_as_of", at=as_of, first=first, last=last)
    reason = _find_commonest_reason(findings, sources, table_areas) or message("verdict.nothing_applies")
    return message("verdict.little_judged" if has_verdict(findings) else "verdict.none_judged", reason=reason)


def _find_commonest_reason(
    findings: Sequence[Finding], sources: Sequence[Source], table_areas: Mapping[str, Area | None]
) -> Message | None:
    """A folder with parcels alone is told what parcels lack, not which other export would serve most rules."""
    judged = {finding.area for finding in findings if has_verdict((finding,))}
    given = {table_areas.get(table) for source in sources for table in source.tables}
    areas = judged or (set() if None in given else given)
    unclear = [finding for finding in findings if finding.scored and finding.note and not has_verdict((finding,))]
    own = [finding for finding in unclear if finding.area in areas] or unclear
    clearer = [finding for finding in own if finding.status == "inconclusive"]
    if judged:  # beside a verdict, what is missing says more than that another rule had no rows
        clearer = [finding for finding in own if finding.status == "not_applicable"]
    notes = Counter(finding.note for finding in clearer or own)
    return notes.most_common(1)[0][0] if notes else None


def _list_counted_findings(findings: Sequence[Finding], score: Score, fail_on: str) -> list[Message]:
    if fail_on == "never":
        return []
    if fail_on.startswith("score<"):
        bound = float(fail_on.removeprefix("score<"))
        below = score.value is not None and score.value < bound
        return [message("exit.low_score", score=score.value or 0.0, bound=bound)] if below else []
    counted = ("fail", "watch") if fail_on == "watch" else ("fail",)
    matching = [finding for finding in findings if finding.status in counted and finding.muted is None]
    if fail_on == "new":
        return [
            message(
                "exit.new_finding",
                code=Name(finding.code),
                status=message(f"status.{finding.status}"),
                state=message(f"found.{finding.state or 'new'}"),
            )
            for finding in matching
            if finding.state in NEW_STATES
        ]
    return [
        message("exit.finding", code=Name(finding.code), status=message(f"status.{finding.status}"))
        for finding in matching
    ]
