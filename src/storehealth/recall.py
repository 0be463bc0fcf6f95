"""Judges earlier runs again: the counts that were kept, by today's rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from storehealth.advise import advise, headline
from storehealth.catalogue import Catalogue
from storehealth.catalogue.common import Language
from storehealth.catalogue.platform import Platform
from storehealth.catalogue.scoring import Scoring
from storehealth.errors import UsageError
from storehealth.history import (
    Book,
    Compared,
    Noted,
    Past,
    PastRun,
    Present,
    Seen,
    Series,
    Stored,
    compared,
    key_id,
)
from storehealth.history.choose import chosen
from storehealth.history.database import HistoryUnusable
from storehealth.history.events import Span, events_in
from storehealth.history.packing import Marks, checkup_from, marks_from, measured_from, verdict_bytes, verdicts_from
from storehealth.history.pair import side_by_side
from storehealth.history.questions import basis, questions
from storehealth.history.trend import begins
from storehealth.judge import judge
from storehealth.measure import Marks as DefectFingerprints
from storehealth.model import AreaScore, Checkup, Comparison, Event, Finding, Measurement, RunLine, Score
from storehealth.opening import Taken as Inputs
from storehealth.opening import platform_of
from storehealth.privacy import installation_key
from storehealth.publish import method, published
from storehealth.request import AuditRequest
from storehealth.score import score
from storehealth.settings import Settings, read_settings

OF_THE_PAST = ("previous", "change", "state", "since", "rows")
"""The fields of a finding that refer to earlier runs."""


class Judged(NamedTuple):
    """What some rules make of a run's counts."""

    findings: tuple[Finding, ...]
    total: Score
    areas: tuple[AreaScore, ...]


def rejudged(stored: Stored, catalogue: Catalogue, platform: Platform, language: Language) -> Judged:
    """Judge and score a run's counts by other limits, weights or rules than those of its day.

    A rule that counts something else by now, or is gone, gives no finding: the old counts answer another question.
    Where a rule judges a value, the misses were counted by the limit of that day, but the verdict rests on the value
    and follows today's limit.
    """
    measured, old_questions = measured_from(stored.measured)
    new_questions = questions(catalogue, platform)
    comparable = [
        measurement
        for measurement in measured
        if measurement.code in new_questions and old_questions.get(measurement.code) == new_questions[measurement.code]
    ]
    findings, _ = judge(comparable, catalogue, platform, language)
    return Judged(findings, *score(findings, catalogue.scoring, language))


class Rules(NamedTuple):
    """What runs are judged by. ``digest`` stands for everything a verdict rests on but the counts."""

    catalogue: Catalogue
    platform: Platform
    language: Language
    digest: str

    @classmethod
    def of(cls, catalogue: Catalogue, platform: Platform, language: Language) -> Rules:
        """Compute the digest, which takes a while: do it once for all runs."""
        return cls(catalogue, platform, language, basis(catalogue, platform))


def past_run(stored: Stored, rules: Rules, key: bytes, history: Book) -> PastRun:
    """Unpack one run, judged again if anything but its counts has changed; new verdicts are left in ``history``."""
    reported = _translate_names(checkup_from(stored.brief), rules.catalogue, rules.language)
    is_same_rules = stored.basis == rules.digest
    judged = (
        Judged(reported.findings, reported.score, reported.areas)
        if is_same_rules
        else _judge_anew(stored, rules, history)
    )
    marks: Marks = marks_from(stored.marks, key_id(key)) or {}
    return PastRun(reported, judged.findings, judged.total, judged.areas, not is_same_rules, marks)


def _judge_anew(stored: Stored, rules: Rules, history: Book) -> Judged:
    """Return the stored verdicts by these rules; where there are none, judge the run now."""
    by = f"{rules.digest} {rules.language}"
    if stored.anew is not None and stored.anew_by == by:
        return Judged(*verdicts_from(stored.anew))
    judged = rejudged(stored, rules.catalogue, rules.platform, rules.language)
    history.anew[stored.line.run] = (by, verdict_bytes(*judged))
    return judged


def _translate_names(reported: Checkup, catalogue: Catalogue, language: Language) -> Checkup:
    """Translate the titles of findings and the names of advice of a run that was reported in another language."""
    if reported.language == language:
        return reported
    titles = {code: {"title": rule.title.in_language(language)} for code, rule in catalogue.rules.items()}
    names = {
        advice.id: {"name": advice.name.in_language(language)}
        for rule in catalogue.rules.values()
        for advice in rule.advice
    }
    findings = (finding.model_copy(update=titles.get(finding.code)) for finding in reported.findings)
    recommendations = (item.model_copy(update=names.get(item.id)) for item in reported.recommendations)
    followups = (
        item.model_copy(update=titles.get(item.code, {}) | names.get(item.id, {})) for item in reported.followups
    )
    lines = (
        tuple(line.model_copy(update=titles.get(line.name)) for line in reported.trend.lines) if reported.trend else ()
    )
    return reported.model_copy(
        update={
            "findings": tuple(findings),
            "recommendations": tuple(recommendations),
            "followups": tuple(followups),
            "trend": reported.trend.model_copy(update={"lines": lines}) if reported.trend else None,
        }
    )


def whole(stored: Stored) -> Checkup:
    """Unpack the checkup as it was reported, with its measurements."""
    measurements, _ = measured_from(stored.measured)
    return checkup_from(stored.checkup).model_copy(update={"measurements": published(measurements)})


def retold(stored: Stored, catalogue: Catalogue, platform: Platform, language: Language) -> Checkup:
    """Rebuild a checkup with verdicts, scores and advice by today's rules; its evidence rows stay those of its day.

    It does not refer to earlier runs: :func:`two_runs` compares by today's rules.
    """
    reported, (findings, total, areas) = whole(stored), rejudged(stored, catalogue, platform, language)
    rows = {finding.code: finding.evidence for finding in reported.findings}
    findings = tuple(
        finding.model_copy(update={"evidence": rows.get(finding.code, finding.evidence)}) for finding in findings
    )
    measured, _ = measured_from(stored.measured)
    return reported.model_copy(
        update={
            "findings": findings,
            "score": total,
            "areas": areas,
            "language": language,
            "headline": headline(
                total, areas, findings, catalogue.scoring, language, any(finding.layout for finding in reported.sources)
            ),
            "recommendations": advise(findings, measured, catalogue, language, reported.as_of),
            "method": method(catalogue, platform, language),
            "previous": None,
            "trend": None,
            "followups": (),
        }
    )


def shown_in(line: RunLine, history: Book, catalogue: Catalogue, settings: Settings) -> Checkup:
    """Unpack a run as it was reported, in the language of the settings.

    Where the rules are still the same all texts are made again; else only titles and names are translated.
    """
    stored, language = history.stored(line.run), settings.language
    reported, platform = whole(stored), _find_platform(line, line.as_of, catalogue, settings)
    renamed = _translate_names(reported, catalogue, language)
    if reported.language == language:
        return reported
    if stored.basis != basis(catalogue, platform):
        return renamed.model_copy(update={"language": language})
    comparisons = {finding.code: {key: getattr(finding, key) for key in OF_THE_PAST} for finding in reported.findings}
    rebuilt = retold(stored, catalogue, platform, language)
    findings = tuple(finding.model_copy(update=comparisons.get(finding.code, {})) for finding in rebuilt.findings)
    kept = {"previous": renamed.previous, "trend": renamed.trend, "followups": renamed.followups}
    return rebuilt.model_copy(update={"findings": findings, **kept})


def two_runs(lines: tuple[RunLine, RunLine], history: Book, catalogue: Catalogue, settings: Settings) -> Comparison:
    """Compare two remembered runs, both judged by the rules in force on the later one's date.

    Args:
        lines: The earlier run, then the later one; runs of two platforms are each judged by their own platform.
        history: Where they are stored.
        catalogue: Today's rules.
        settings: The language of titles, and the store's own facts.

    Raises:
        UsageError: One of them cannot be read, or its platform no longer exists.
    """
    key, latest = installation_key(), max(line.as_of for line in lines)
    runs = [
        past_run(history.stored(line.run), Rules.of(catalogue, platform, settings.language), key, history)
        for line in lines
        for platform in [_find_platform(line, latest, catalogue, settings)]
    ]
    return side_by_side((runs[0], runs[1]), lines, catalogue.scoring)


def _find_platform(line: RunLine, moment: datetime, catalogue: Catalogue, settings: Settings) -> Platform:
    try:
        return platform_of(line.platform, settings, catalogue, moment)
    except KeyError:
        raise UsageError(
            f"run {line.run} was judged for the platform {line.platform}, which is not there any more",
            "Give the pack that has it, with --pack.",
        ) from None


def shown_anew(line: RunLine, history: Book, catalogue: Catalogue, settings: Settings) -> Checkup:
    """Rebuild a remembered run, its counts judged by today's rules.

    Raises:
        UsageError: It cannot be read, or its platform no longer exists.
    """
    platform = _find_platform(line, line.as_of, catalogue, settings)
    return retold(history.stored(line.run), catalogue, platform, settings.language)


class Recalled(NamedTuple):
    """The earlier runs an audit is compared with, and what is needed to remember the audit itself."""

    book: Book
    past: Past
    series: Series
    basis: str
    asked: dict[str, str]
    marks: DefectFingerprints

    def note(self, measured: Iterable[Measurement]) -> None:
        """Hand over to the book what is to be remembered of this run."""
        self.book.noted = Noted(self.series, self.basis, self.asked, tuple(measured), self.marks.found)


def recall(exports: Path, inputs: Inputs, request: AuditRequest, as_of: datetime | None) -> Recalled | None:
    """Load the runs before ``as_of``, judged by today's rules; None where the audit has no book or no ``as_of``.

    Raises:
        UsageError: The run that ``--baseline`` names does not exist, is not an earlier one, or cannot be read.
    """
    history = request.history
    if history is None or as_of is None:
        return None
    series, key = series_of(exports, inputs, request), installation_key()
    rules = Rules.of(inputs.catalogue, inputs.platform, inputs.settings.language)

    def judge_again(runs: Iterable[Stored], needed: str = "") -> Iterator[PastRun]:
        for stored_run in runs:
            try:
                yield past_run(stored_run, rules, key, history)
            except HistoryUnusable as error:
                if stored_run.line.run == needed:
                    raise
                history.troubles.append(error)

    lately = tuple(judge_again(history.before(series, as_of)))
    up_to_baseline = _list_up_to_baseline(history, series, as_of) if history.baseline else []
    against = tuple(judge_again(up_to_baseline, needed=up_to_baseline[-1].line.run)) if up_to_baseline else lately
    past = Past(lately, against, bool(history.baseline), _list_events(history, inputs, lately, as_of))
    rule_questions = questions(inputs.catalogue, inputs.platform)
    return Recalled(
        history, past, series, rules.digest, rule_questions, DefectFingerprints(key, past.marks(), past.older_marks())
    )


def _list_events(history: Book, inputs: Inputs, lately: tuple[PastRun, ...], as_of: datetime) -> tuple[Event, ...]:
    """List the events in the days of the trend; there is no trend without earlier runs."""
    if not lately:
        return ()
    catalogue, settings, _, platform, _ = inputs
    span = Span(begins(lately), as_of.date())
    return events_in(span, history.calendar, platform, catalogue.platforms, settings.language)


def hold_against(context: Recalled | None, now: Present, scoring: Scoring) -> Compared:
    """Compare the current audit with earlier runs; nothing is compared where the audit has no book."""
    if context is None:
        return Compared(now.findings)
    marks = Seen(context.marks.found, context.marks.mended)
    return compared(context.past, replace(now, seen=marks), scoring)


def _list_up_to_baseline(history: Book, series: Series, as_of: datetime) -> list[Stored]:
    """List the runs of the series up to and including the baseline."""
    candidates = [line for line in history.every(series.store, series.platform) if line.how == series.how]
    line = chosen(candidates, history.baseline or "", "--baseline")
    if line.as_of >= as_of:
        raise UsageError(
            f"--baseline {history.baseline} is not earlier than this audit, which is as of {as_of:%Y-%m-%d %H:%M}",
            "Compare any two remembered runs with `storehealth history compare A B`.",
        )
    return [*history.before(series, line.as_of), history.stored(line.run)]


def series_of(exports: Path, inputs: Inputs, request: AuditRequest) -> Series:
    """Return the series a run belongs to: its store, its platform, and the options that change its figures."""
    store = read_settings(request.config).store
    options = [
        *([f"window={request.window}"] if request.window else []),
        *(["assume-auto"] if request.assume_auto else []),
    ]
    return Series(store or str(exports.resolve()), inputs.platform.name, " ".join(options))
