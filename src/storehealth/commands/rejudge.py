"""Judges earlier runs again by today's rules, from the counts that were kept.

Also loads saved results: a checkup as JSON, a page, or a run of the history.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from storehealth.advise import advise, compose_headline, list_proven
from storehealth.catalogue import Catalogue
from storehealth.catalogue.common import Language
from storehealth.catalogue.platform import Platform
from storehealth.catalogue.thresholds import Scoring
from storehealth.commands.prepare import AuditRequest, resolve_platform
from storehealth.commands.prepare import PreparedInputs as Inputs
from storehealth.commands.tools import keep_commands
from storehealth.errors import UsageError
from storehealth.history import (
    CurrentAudit,
    DefectMarks,
    EarlierRun,
    EarlierRuns,
    HistoryComparison,
    PendingRun,
    RunHistory,
    RunSeries,
    StoredRun,
    compare_with_history,
    digest_key,
)
from storehealth.history.comparison import compare_runs
from storehealth.history.events import TrendSpan, list_events
from storehealth.history.past import find_first_day
from storehealth.history.runs import RUN_LABEL, select_run
from storehealth.history.storage import (
    HistoryUnusable,
    MarksByRule,
    digest_basis,
    digest_questions,
    is_same_question,
    pack_verdicts,
    unpack_checkup,
    unpack_counts,
    unpack_marks,
    unpack_verdicts,
    upgrade_record,
)
from storehealth.judge import judge
from storehealth.judge.certainty import describe_method, publish_measurements
from storehealth.measure import Fingerprints as DefectFingerprints
from storehealth.model import AreaScore, Checkup, Finding, Measurement, RunComparison, RunSummary, Score, TrendEvent
from storehealth.model.checkup import SCHEMA_VERSION
from storehealth.privacy import load_installation_key
from storehealth.score import score_findings
from storehealth.settings import Settings, read_settings
from storehealth.support.atomic_files import describe_os_error
from storehealth.support.embedding import MARK, read_embedded
from storehealth.support.message import Message, Name, message


class Judgement(NamedTuple):
    """What some rules make of a run's counts."""

    findings: tuple[Finding, ...]
    total: Score
    areas: tuple[AreaScore, ...]


def rejudge_run(stored: StoredRun, catalogue: Catalogue, platform: Platform) -> Judgement:
    """Judge and score a run's counts by other limits, weights or rules than those of its day.

    A rule that counts something else by now, or is gone, gives no finding: the old counts answer another question.
    Where a rule judges a value, the misses were counted by the limit of that day, but the verdict rests on the value
    and follows today's limit.
    """
    measured, old_questions = unpack_counts(stored.measured)
    new_questions = digest_questions(catalogue, platform)

    def is_comparable(code: str) -> bool:
        built_in = not catalogue.is_from_pack("rules", catalogue.rules[code].id)
        return is_same_question(old_questions.get(code), new_questions[code], built_in)

    comparable = [
        measurement for measurement in measured if measurement.code in new_questions and is_comparable(measurement.code)
    ]
    findings, _ = judge(comparable, catalogue, platform)
    return Judgement(findings, *score_findings(findings, catalogue.scoring))


class JudgingRules(NamedTuple):
    """What runs are judged by. ``digest`` covers everything a verdict depends on except the counts."""

    catalogue: Catalogue
    platform: Platform
    digest: str

    @classmethod
    def of(cls, catalogue: Catalogue, platform: Platform) -> JudgingRules:
        """Compute the digest, which takes a while: do it once for all runs."""
        return cls(catalogue, platform, digest_basis(catalogue, platform))


def load_earlier_run(stored: StoredRun, rules: JudgingRules, key: bytes, history: RunHistory) -> EarlierRun:
    """Unpack one run, judged again if anything but its counts has changed; new verdicts are left in ``history``."""
    reported = unpack_checkup(stored.brief)
    is_same_rules = stored.basis == rules.digest
    judged = (
        Judgement(reported.findings, reported.score, reported.areas)
        if is_same_rules
        else _judge_anew(stored, rules, history)
    )
    marks: MarksByRule = unpack_marks(stored.marks, digest_key(key)) or {}
    return EarlierRun(reported, judged.findings, judged.total, judged.areas, not is_same_rules, marks)


def _judge_anew(stored: StoredRun, rules: JudgingRules, history: RunHistory) -> Judgement:
    """Return the stored verdicts by these rules; where there are none, judge the run now."""
    if stored.later_verdicts is not None and stored.later_rules == rules.digest:
        return Judgement(*unpack_verdicts(stored.later_verdicts))
    judged = rejudge_run(stored, rules.catalogue, rules.platform)
    history.later_verdicts[stored.line.run] = (rules.digest, pack_verdicts(*judged))
    return judged


def load_checkup(stored: StoredRun) -> Checkup:
    """Unpack the checkup as it was reported, with its measurements."""
    measurements, _ = unpack_counts(stored.measured)
    return unpack_checkup(stored.checkup).model_copy(update={"measurements": publish_measurements(measurements)})


def rebuild_checkup(stored: StoredRun, catalogue: Catalogue, platform: Platform, language: Language) -> Checkup:
    """Rebuild a checkup with verdicts, scores and advice by today's rules; its evidence rows stay those of its day.

    It does not refer to earlier runs: :func:`compare_remembered` compares by today's rules.
    """
    reported, (findings, total, areas) = load_checkup(stored), rejudge_run(stored, catalogue, platform)
    rows = {finding.code: finding.evidence for finding in reported.findings}
    findings = tuple(
        finding.model_copy(update={"evidence": rows.get(finding.code, finding.evidence)}) for finding in findings
    )
    measured, _ = unpack_counts(stored.measured)
    figures = {action.id: action.where for action in reported.recommendations if _is_of_lanes(action.where)}
    return reported.model_copy(
        update={
            "findings": findings,
            "score": total,
            "areas": areas,
            "language": language,
            "headline": compose_headline(
                total,
                areas,
                findings,
                catalogue.scoring,
                any(source.layout for source in reported.sources),
                list_proven(reported.recommendations),
            ),
            "recommendations": keep_commands(
                advise(findings, measured, catalogue, platform.name, reported.as_of, figures=figures),
                reported.recommendations,
            ),
            "method": describe_method(catalogue, platform),
            "previous": None,
            "trend": None,
            "followups": (),
        }
    )


def _is_of_lanes(where: Message | None) -> bool:
    """Whether a place came from the store's parcels, which are not remembered."""
    return where is not None and where.id == "advice.lanes"


def translate_checkup(checkup: Checkup, language: Language) -> Checkup:
    """Show a checkup in another language.

    One that version 0.1 made keeps its language: it holds sentences, which cannot be translated, instead of messages.
    """
    return checkup if checkup.schema_version < "2" else checkup.model_copy(update={"language": language})


def compare_remembered(
    lines: tuple[RunSummary, RunSummary], history: RunHistory, catalogue: Catalogue, settings: Settings
) -> RunComparison:
    """Compare two remembered runs, both judged by the rules in force on the later one's date.

    Args:
        lines: The earlier run, then the later one; runs of two platforms are each judged by their own platform.
        history: Where they are stored.
        catalogue: Today's rules.
        settings: The language of titles, and the store's own facts.

    Raises:
        UsageError: One of them cannot be read, or its platform no longer exists.
    """
    key, latest = load_installation_key(), max(line.as_of for line in lines)
    runs = [
        load_earlier_run(history.load_run(line.run), JudgingRules.of(catalogue, platform), key, history)
        for line in lines
        for platform in [_find_platform(line, latest, catalogue, settings)]
    ]
    return compare_runs((runs[0], runs[1]), lines, catalogue.scoring)


def _find_platform(line: RunSummary, moment: datetime, catalogue: Catalogue, settings: Settings) -> Platform:
    try:
        return resolve_platform(line.platform, settings, catalogue, moment)
    except KeyError:
        raise UsageError(
            message("history.platform_gone", run=Name(line.run), platform=Name(line.platform)),
            message("history.platform_gone_hint"),
        ) from None


def rejudge_remembered(line: RunSummary, history: RunHistory, catalogue: Catalogue, settings: Settings) -> Checkup:
    """Rebuild a remembered run, its counts judged by today's rules.

    Raises:
        UsageError: It cannot be read, or its platform no longer exists.
    """
    platform = _find_platform(line, line.as_of, catalogue, settings)
    return rebuild_checkup(history.load_run(line.run), catalogue, platform, settings.language)


class RecalledRuns(NamedTuple):
    """The earlier runs an audit is compared with, and what is needed to remember the audit itself."""

    history: RunHistory
    past: EarlierRuns
    series: RunSeries
    basis: str
    questions: dict[str, str]
    marks: DefectFingerprints

    def build_pending(self, measured: Iterable[Measurement]) -> PendingRun:
        """Return what is to be remembered of this run besides its checkup."""
        return PendingRun(self.series, self.basis, self.questions, tuple(measured), self.marks.found)


def recall_runs(exports: Path, inputs: Inputs, request: AuditRequest, as_of: datetime | None) -> RecalledRuns | None:
    """Load the runs before ``as_of``, judged by today's rules; None where the audit has no history or no ``as_of``.

    Raises:
        UsageError: The run that ``--baseline`` names does not exist, is not an earlier one, or cannot be read.
    """
    history = request.history
    if history is None or as_of is None:
        return None
    series, key = find_series(exports, inputs, request), load_installation_key()
    rules = JudgingRules.of(inputs.catalogue, inputs.platform)

    def judge_again(runs: Iterable[StoredRun], needed: str = "") -> Iterator[EarlierRun]:
        for stored_run in runs:
            try:
                yield load_earlier_run(stored_run, rules, key, history)
            except HistoryUnusable as error:
                if stored_run.line.run == needed:
                    raise
                history.errors.append(error)

    lately = tuple(judge_again(history.list_before(series, as_of)))
    up_to_baseline = _list_up_to_baseline(history, series, as_of) if history.baseline else []
    against = tuple(judge_again(up_to_baseline, needed=up_to_baseline[-1].line.run)) if up_to_baseline else lately
    past = EarlierRuns(lately, against, bool(history.baseline), _list_events(history, inputs, lately, as_of))
    rule_questions = digest_questions(inputs.catalogue, inputs.platform)
    return RecalledRuns(
        history,
        past,
        series,
        rules.digest,
        rule_questions,
        DefectFingerprints(key, past.list_latest_marks(), past.list_older_marks()),
    )


def _list_events(
    history: RunHistory, inputs: Inputs, lately: tuple[EarlierRun, ...], as_of: datetime
) -> tuple[TrendEvent, ...]:
    """List the events in the days of the trend; there is no trend without earlier runs."""
    if not lately:
        return ()
    span, calendar = TrendSpan(find_first_day(lately), as_of.date()), history.calendar
    if calendar.countries is None and inputs.settings.holidays:
        calendar = replace(calendar, countries=inputs.settings.holidays)
    return list_events(span, calendar, inputs.platform, inputs.catalogue.platforms)


def compare_audit(context: RecalledRuns | None, now: CurrentAudit, scoring: Scoring) -> HistoryComparison:
    """Compare the current audit with earlier runs; nothing is compared where the audit has no history."""
    if context is None:
        return HistoryComparison(now.findings)
    marks = DefectMarks(context.marks.found, context.marks.mended)
    return compare_with_history(context.past, replace(now, marks=marks), scoring)


def _list_up_to_baseline(history: RunHistory, series: RunSeries, as_of: datetime) -> list[StoredRun]:
    """List the runs of the series up to and including the baseline."""
    candidates = [line for line in history.list_runs(series.store, series.platform) if line.how == series.how]
    line = select_run(candidates, history.baseline or "", Name("--baseline"))
    if line.as_of >= as_of:
        raise UsageError(
            message("history.baseline_later", name=Name(history.baseline or ""), at=as_of),
            message("history.baseline_later_hint"),
        )
    return [*history.list_before(series, line.as_of), history.load_run(line.run)]


def find_series(exports: Path, inputs: Inputs, request: AuditRequest) -> RunSeries:
    """Return the series a run belongs to: its store, its platform, and the options that change its figures."""
    store = read_settings(request.config).store
    options = [
        *([f"window={request.window}"] if request.window else []),
        *(["assume-auto"] if request.assume_auto else []),
    ]
    return RunSeries(store or str(exports.resolve()), inputs.platform.name, " ".join(options))


BEGINNING = 4096
"""Bytes looked at to tell a saved checkup from exported data."""


def load_saved_run(source: str, history: RunHistory, lines: list[RunSummary]) -> Checkup:
    """Load a saved result.

    Args:
        source: Path of a JSON file or of a page, or the name of a remembered run.
        history: Where runs are remembered.
        lines: The runs to choose from.

    Raises:
        UsageError: The file is not a saved checkup, or there is no such run.
    """
    path = Path(source)
    if path.is_file():
        return read_checkup(path)
    if path.exists() or path.suffix.lower() in (".json", ".html"):
        raise UsageError(message("convert.absent", path=Name(source)), message("convert.absent_hint"))
    return load_checkup(history.load_run(select_run(lines, source, RUN_LABEL).run))


def read_checkup(path: Path) -> Checkup:
    """Read a checkup that ``-o json=``, ``-o html=`` or ``--format json`` wrote, of any earlier version too.

    Raises:
        UsageError: It cannot be read, is of a newer version, or is something else.
    """
    try:
        content = json.loads(_read_json(path))
        if _read_schema(content["schema_version"]) > _read_schema(SCHEMA_VERSION):
            raise UsageError(message("state.newer", path=Name(str(path))), message("convert.newer_hint"))
        checkup = Checkup.model_validate(upgrade_record(content))
        ZoneInfo(checkup.timezone)
        return checkup
    except OSError as error:
        text = message("convert.unreadable", path=Name(str(path)), reason=describe_os_error(error))
        raise UsageError(text, message("convert.absent_hint")) from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):  # no JSON, or JSON of something else
        text = message("convert.other_file", path=Name(str(path)))
        raise UsageError(text, message("convert.absent_hint")) from None


def _read_schema(version: str) -> tuple[int, int]:
    """Major and minor step; a newer minor one has keys that this version does not know."""
    major, minor, *_ = version.split(".")
    return int(major), int(minor)


def _read_json(path: Path) -> bytes:
    """The JSON of a file, or the one that a page of ours was made from."""
    content = path.read_bytes()
    return read_embedded(content) if MARK in content[:BEGINNING] else content


def is_saved_checkup(path: Path) -> bool:
    """Whether a file looks like a saved checkup, or a page that holds one, rather than like exported data."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        start = stream.read(BEGINNING).lstrip(b"\xef\xbb\xbf \t\r\n")
    return (start.startswith(b"{") and b'"schema_version"' in start) or MARK in start
