"""Past runs as they would be judged today: the counts that were kept, under the rules of now."""

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
from storehealth.measure import Marks as Taken
from storehealth.model import AreaScore, Checkup, Comparison, Event, Finding, Measurement, RunLine, Score
from storehealth.opening import Taken as Given
from storehealth.opening import platform_of
from storehealth.privacy import installation_key
from storehealth.publish import method, published
from storehealth.request import AuditRequest
from storehealth.score import score
from storehealth.settings import Settings, read_settings

OF_THE_PAST = ("previous", "change", "state", "since", "rows")
"""What a finding says of earlier runs."""


class Judged(NamedTuple):
    """What a run's counts amount to under some rules."""

    findings: tuple[Finding, ...]
    total: Score
    areas: tuple[AreaScore, ...]


def rejudged(stored: Stored, catalogue: Catalogue, platform: Platform, language: Language) -> Judged:
    """Judge and score a run's counts by other limits, weights or rules than those of its day.

    A rule that asks something else by now, or is gone, has no finding: its counts answer another question. What a value
    counts as a miss was counted by the limit of its day; its verdict rests on the value and follows the new one.
    """
    measured, asked = measured_from(stored.measured)
    now = questions(catalogue, platform)
    same = [one for one in measured if one.code in now and asked.get(one.code) == now[one.code]]
    findings, _ = judge(same, catalogue, platform, language)
    return Judged(findings, *score(findings, catalogue.scoring, language))


class Rules(NamedTuple):
    """By what runs are judged. ``digest`` is everything a verdict rests on but the counts."""

    catalogue: Catalogue
    platform: Platform
    language: Language
    digest: str

    @classmethod
    def of(cls, catalogue: Catalogue, platform: Platform, language: Language) -> Rules:
        """The digest takes a while; one is enough for all runs."""
        return cls(catalogue, platform, language, basis(catalogue, platform))


def past_run(stored: Stored, rules: Rules, key: bytes, book: Book) -> PastRun:
    """One run, judged again where anything but its counts is different now; ``book`` gets verdicts that are worth keeping."""
    told = _said_in(checkup_from(stored.brief), rules.catalogue, rules.language)
    same = stored.basis == rules.digest
    judged = Judged(told.findings, told.score, told.areas) if same else _anew(stored, rules, book)
    marks: Marks = marks_from(stored.marks, key_id(key)) or {}
    return PastRun(told, judged.findings, judged.total, judged.areas, not same, marks)


def _anew(stored: Stored, rules: Rules, book: Book) -> Judged:
    """By these rules as judged before, else judged now."""
    by = f"{rules.digest} {rules.language}"
    if stored.anew is not None and stored.anew_by == by:
        return Judged(*verdicts_from(stored.anew))
    judged = rejudged(stored, rules.catalogue, rules.platform, rules.language)
    book.anew[stored.line.run] = (by, verdict_bytes(*judged))
    return judged


def _said_in(told: Checkup, catalogue: Catalogue, language: Language) -> Checkup:
    """A run that was told in another language, with the titles of its findings and its advice's names in this one."""
    if told.language == language:
        return told
    titles = {code: {"title": rule.title.in_language(language)} for code, rule in catalogue.rules.items()}
    names = {
        one.id: {"name": one.name.in_language(language)} for rule in catalogue.rules.values() for one in rule.advice
    }
    findings = (one.model_copy(update=titles.get(one.code)) for one in told.findings)
    advice = (one.model_copy(update=names.get(one.id)) for one in told.recommendations)
    followed = (one.model_copy(update=titles.get(one.code, {}) | names.get(one.id, {})) for one in told.followups)
    lines = tuple(one.model_copy(update=titles.get(one.name)) for one in told.trend.lines) if told.trend else ()
    return told.model_copy(
        update={
            "findings": tuple(findings),
            "recommendations": tuple(advice),
            "followups": tuple(followed),
            "trend": told.trend.model_copy(update={"lines": lines}) if told.trend else None,
        }
    )


def whole(stored: Stored) -> Checkup:
    """The checkup as it was told, with its measurements."""
    measured, _ = measured_from(stored.measured)
    return checkup_from(stored.checkup).model_copy(update={"measurements": published(measured)})


def retold(stored: Stored, catalogue: Catalogue, platform: Platform, language: Language) -> Checkup:
    """The checkup with verdicts, scores and advice by the rules of now; its rows are those of its day.

    It says nothing of the runs before it: :func:`two_runs` compares by the rules of now.
    """
    told, (findings, total, areas) = whole(stored), rejudged(stored, catalogue, platform, language)
    rows = {one.code: one.evidence for one in told.findings}
    findings = tuple(one.model_copy(update={"evidence": rows.get(one.code, one.evidence)}) for one in findings)
    measured, _ = measured_from(stored.measured)
    return told.model_copy(
        update={
            "findings": findings,
            "score": total,
            "areas": areas,
            "language": language,
            "headline": headline(
                total, areas, findings, catalogue.scoring, language, any(one.layout for one in told.sources)
            ),
            "recommendations": advise(findings, measured, catalogue, language, told.as_of),
            "method": method(catalogue, platform, language),
            "previous": None,
            "trend": None,
            "followups": (),
        }
    )


def shown_in(line: RunLine, book: Book, catalogue: Catalogue, settings: Settings) -> Checkup:
    """A run as it was told, in the language of the settings.

    Where the rules are still the same everything is said anew; else titles and names are, and sentences stay.
    """
    stored, language = book.stored(line.run), settings.language
    told, platform = whole(stored), _platform_of(line, line.as_of, catalogue, settings)
    said = _said_in(told, catalogue, language)
    if told.language == language:
        return told
    if stored.basis != basis(catalogue, platform):
        return said.model_copy(update={"language": language})
    past = {one.code: {key: getattr(one, key) for key in OF_THE_PAST} for one in told.findings}
    anew = retold(stored, catalogue, platform, language)
    findings = tuple(one.model_copy(update=past.get(one.code, {})) for one in anew.findings)
    kept = {"previous": said.previous, "trend": said.trend, "followups": said.followups}
    return anew.model_copy(update={"findings": findings, **kept})


def two_runs(lines: tuple[RunLine, RunLine], book: Book, catalogue: Catalogue, settings: Settings) -> Comparison:
    """Two remembered runs side by side, both judged by the rules in force at the later one.

    Args:
        lines: The earlier one, then the later one; runs of two platforms are each judged by their own.
        book: Where they lie.
        catalogue: The rules of now.
        settings: The language of titles, and the store's own facts.

    Raises:
        UsageError: One of them cannot be read, or its platform is gone.
    """
    key, latest = installation_key(), max(line.as_of for line in lines)
    read = [
        past_run(book.stored(line.run), Rules.of(catalogue, platform, settings.language), key, book)
        for line in lines
        for platform in [_platform_of(line, latest, catalogue, settings)]
    ]
    return side_by_side((read[0], read[1]), lines, catalogue.scoring)


def _platform_of(line: RunLine, moment: datetime, catalogue: Catalogue, settings: Settings) -> Platform:
    try:
        return platform_of(line.platform, settings, catalogue, moment)
    except KeyError:
        raise UsageError(
            f"run {line.run} was judged for the platform {line.platform}, which is not there any more",
            "Give the pack that has it, with --pack.",
        ) from None


def shown_anew(line: RunLine, book: Book, catalogue: Catalogue, settings: Settings) -> Checkup:
    """A remembered run with its counts judged by the rules of now.

    Raises:
        UsageError: It cannot be read, or its platform is gone.
    """
    platform = _platform_of(line, line.as_of, catalogue, settings)
    return retold(book.stored(line.run), catalogue, platform, settings.language)


class Recalled(NamedTuple):
    """What an audit gets from its book, and how it is to leave its own mark in it."""

    book: Book
    past: Past
    series: Series
    basis: str
    asked: dict[str, str]
    marks: Taken

    def note(self, measured: Iterable[Measurement]) -> None:
        """Leave in the book what is to be remembered of this run."""
        self.book.noted = Noted(self.series, self.basis, self.asked, tuple(measured), self.marks.found)


def recall(exports: Path, given: Given, request: AuditRequest, as_of: datetime | None) -> Recalled | None:
    """The runs before ``as_of``, judged by the rules of now; None where the audit has no book or no moment.

    Raises:
        UsageError: There is no run of the name that ``--baseline`` gives, it is not an earlier one, or cannot be read.
    """
    book = request.history
    if book is None or as_of is None:
        return None
    series, key = series_of(exports, given, request), installation_key()
    rules = Rules.of(given.catalogue, given.platform, given.settings.language)

    def judged(stored: Iterable[Stored], needed: str = "") -> Iterator[PastRun]:
        for one in stored:
            try:
                yield past_run(one, rules, key, book)
            except HistoryUnusable as error:
                if one.line.run == needed:
                    raise
                book.troubles.append(error)

    lately = tuple(judged(book.before(series, as_of)))
    asked_for = _up_to_baseline(book, series, as_of) if book.baseline else []
    against = tuple(judged(asked_for, needed=asked_for[-1].line.run)) if asked_for else lately
    past = Past(lately, against, bool(book.baseline), _events(book, given, lately, as_of))
    asked = questions(given.catalogue, given.platform)
    return Recalled(book, past, series, rules.digest, asked, Taken(key, past.marks(), past.older_marks()))


def _events(book: Book, given: Given, lately: tuple[PastRun, ...], as_of: datetime) -> tuple[Event, ...]:
    """What happened in the days of the trend; without earlier runs there is none."""
    if not lately:
        return ()
    catalogue, settings, _, platform, _ = given
    span = Span(begins(lately), as_of.date())
    return events_in(span, book.calendar, platform, catalogue.platforms, settings.language)


def hold_against(recalled: Recalled | None, now: Present, scoring: Scoring) -> Compared:
    """What has changed since the run that is compared with; nothing where the audit has no book."""
    if recalled is None:
        return Compared(now.findings)
    seen = Seen(recalled.marks.found, recalled.marks.mended)
    return compared(recalled.past, replace(now, seen=seen), scoring)


def _up_to_baseline(book: Book, series: Series, as_of: datetime) -> list[Stored]:
    """The baseline, and the runs of its series before it."""
    lines = [one for one in book.every(series.store, series.platform) if one.how == series.how]
    line = chosen(lines, book.baseline or "", "--baseline")
    if line.as_of >= as_of:
        raise UsageError(
            f"--baseline {book.baseline} is not earlier than this audit, which is as of {as_of:%Y-%m-%d %H:%M}",
            "Compare any two remembered runs with `storehealth history compare A B`.",
        )
    return [*book.before(series, line.as_of), book.stored(line.run)]


def series_of(exports: Path, given: Given, request: AuditRequest) -> Series:
    """Whose run this is, and which options make its figures others than the usual ones."""
    named = read_settings(request.config).store
    how = [*([f"window={request.window}"] if request.window else []), *(["assume-auto"] if request.assume_auto else [])]
    return Series(named or str(exports.resolve()), given.platform.name, " ".join(how))
