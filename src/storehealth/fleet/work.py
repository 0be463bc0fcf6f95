"""The one function that every engine runs: audit one store in a separate process, and summarise the result.

What it leaves in the store's state folder is what ``storehealth audit --cron --name NAME --state STATE`` leaves there.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import platform
import stat
import sys
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from storehealth.audit import AuditRequest, OpenAudit, open_audit
from storehealth.catalogue import load_catalogue
from storehealth.catalogue.thresholds import Scoring
from storehealth.errors import ExitCode, NoDataError, ReportFailed, StorehealthError, derive_exit_code, find_shortage
from storehealth.fleet.stores import FleetStore
from storehealth.history import RunHistory, read_calendar, remember_run
from storehealth.i18n.sources import NOTABLE_HOURS, find_span_outside
from storehealth.model import AreaScore, Checkup, Finding, PublishedMeasurement
from storehealth.model.fleet import AreaBrief, FindingBrief, StoreBrief, StoreResult, StoreStatus
from storehealth.output.checkup import CHECKUP_FORMATS
from storehealth.output.checkup.prometheus import ScheduleMetrics
from storehealth.privacy import load_installation_key, redact
from storehealth.schedule import Attempt, RunFolders
from storehealth.schedule.runs import CompletedRun
from storehealth.schedule.schedules import BusyError, hold_lock
from storehealth.score.exit_status import has_verdict
from storehealth.score.metrics import compute_headline_weights
from storehealth.settings.model import FILE_NAME
from storehealth.support.atomic_files import make_private_folder, write_atomically
from storehealth.support.message import Message, clauses, message, verbatim
from storehealth.support.sandbox import limit_threads
from storehealth.version import __version__

RESULT_FILE = "fleet.json"
"""In a store's state folder: its last result, and the fingerprint of what it was made from."""
FILES = {"json": "checkup.json", "markdown": "report.md", "prometheus": "metrics.prom", "html": "report.html"}
"""The reports of each store by format, as unattended audits name them; other formats are ``report`` and their suffix."""
USUAL = ("json", "markdown", "prometheus")
BESIDE = (FILE_NAME, "mutes.yaml", "events.yaml", "auto_replies.yaml")
SHARED_DIMENSIONS = ("carrier", "province", "day")
"""Slices that mean the same in every store; agents, SKUs and warehouses are a store's own."""
UNREAD = "exit.no_usable_file"
"""The reason of an audit that could use no file."""
MOST_SLICES = 8
"""Slices kept of each of them, those with most rows first."""


class StoreTask(NamedTuple):
    """One store to audit; small and picklable. ``memory`` is DuckDB's limit, ``process_mb`` that of the whole process."""

    store: FleetStore
    state: str
    threads: int | None = 1
    memory: str | None = None
    process_mb: int | None = None
    keep: int | None = 90
    formats: tuple[str, ...] = USUAL
    fail_on: str = "fail"
    strict_data: bool = False
    as_of: datetime | None = None
    window: str | None = None
    attempt: int = 1
    fingerprint: str = ""

    @property
    def name(self) -> str:
        """The store's name."""
        return self.store.name


class StoredResult(NamedTuple):
    """What a store's state folder remembers of its last audit in a fleet."""

    fingerprint: str
    result: StoreResult


def fingerprint_store(task: StoreTask) -> str:
    """Digest what a store's result depends on: its files by size and time, settings, packs, options, and the program.

    Only names, sizes and times are read, so that a pipe or a broken disk cannot hold up the fleet.
    """
    store = task.store
    total = hashlib.sha256(repr((__version__, store, task.formats, task.fail_on, task.strict_data)).encode())
    total.update(repr((task.as_of, task.window, task.memory, _digest_rules())).encode())
    beside = (str(Path(store.folder, name)) for name in BESIDE)
    for place in filter(None, (store.exports, store.settings, *beside, *store.packs)):
        for name, size, moment in sorted(_list_files(place)):
            total.update(f"{name}\0{size}\0{moment}\0".encode("utf-8", "surrogateescape"))
    return total.hexdigest()[:24]


@cache
def _digest_rules() -> str:
    return load_catalogue().compute_digest("rules")


def _list_files(place: str) -> Iterator[tuple[str, int, int]]:
    """Yield path, size and time of a file, or of all files below a folder."""
    paths = [Path(place)]
    for folder, _, files in os.walk(place):
        paths += (Path(folder, name) for name in files)
    for path in paths:
        with suppress(OSError):
            info = path.stat()
            if not stat.S_ISDIR(info.st_mode):
                yield str(path), info.st_size, info.st_mtime_ns


def measure_bytes(store: FleetStore) -> int:
    """Add up the sizes of a store's exports, in bytes."""
    return sum(size for _, size, _ in _list_files(store.exports))


def read_stored_result(state: str) -> StoredResult | None:
    """Read the last result from a store's state folder, if there is one."""
    try:
        content = json.loads((Path(state) / RESULT_FILE).read_bytes())
        return StoredResult(str(content["fingerprint"]), StoreResult.model_validate(content["result"]))
    except (OSError, ValueError, KeyError, TypeError, ValidationError):
        return None


def audit_task(task: StoreTask) -> StoreResult:
    """Audit one store in this process, whose threads, memory and folder it sets; call it in a separate process.

    Returns:
        The result. Whatever goes wrong with the store is in it; only an interrupt is raised.
    """
    started, clock, processor = datetime.now(UTC), time.monotonic(), time.process_time()
    _prepare_process(task)
    try:
        result = _audit_and_keep(task, started)
    except BusyError as error:
        result = describe_failure(task, started, "busy", error)
    except Exception as error:  # noqa: BLE001 - one store's trouble is a value for the fleet
        status: StoreStatus = "memory" if isinstance(error, MemoryError) else "failed"
        result = describe_failure(task, started, status, error)
    result = result.model_copy(
        update={
            "seconds": round(time.monotonic() - clock, 3),
            "cpu_seconds": round(time.process_time() - processor, 3),
            "peak_mb": round(_measure_peak(), 1),
        }
    )
    _store_result(task, result)
    return result


def _prepare_process(task: StoreTask) -> None:
    limit_threads(task.threads)
    with suppress(OSError):
        os.chdir(task.store.folder)
    if task.process_mb is not None:
        with suppress(ImportError, ValueError, OSError):
            import resource

            limit = task.process_mb << 20
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _measure_peak() -> float:
    """Measure the largest memory of this process so far, in MB; 0 where the system does not tell."""
    with suppress(ImportError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1 << 20) if sys.platform == "darwin" else peak / (1 << 10)
    return 0.0


def describe_failure(
    task: StoreTask, started: datetime, status: StoreStatus, error: BaseException | Message
) -> StoreResult:
    """Build the result of a store whose audit could not be made; an earlier brief stays with it."""
    if isinstance(error, Message):
        reason, code = error, ExitCode.INTERNAL
    else:
        shortage = find_shortage(error)
        cause = shortage or error
        reason, code = _describe_error(cause), derive_exit_code(error)
    earlier = read_stored_result(task.state)
    return StoreResult(
        name=task.name,
        status=status,
        exit_code=int(code),
        owner=task.store.owner,
        attempts=task.attempt,
        started_at=started,
        seconds=(datetime.now(UTC) - started).total_seconds(),
        reasons=(reason,),
        folder=earlier.result.folder if earlier else None,
        page=earlier.result.page if earlier else None,
        brief=earlier.result.brief if earlier else None,
        worker=platform.node(),
    )


def _describe_error(error: BaseException) -> Message:
    """Describe an error in words meant for users where it has some, else by its class: it may quote data."""
    if isinstance(error, StorehealthError) and redact(error.message) == error.message:
        return error.problem
    return message("fleet.internal", error=verbatim(type(error).__name__))


def _store_result(task: StoreTask, result: StoreResult) -> None:
    """Remember the result for ``--changed`` and for later reports; a failure only costs the next run its shortcut."""
    fingerprint = task.fingerprint if result.status == "done" else ""
    content = {"fingerprint": fingerprint, "result": result.model_dump(mode="json")}
    with suppress(OSError):
        write_atomically(make_private_folder(Path(task.state)) / RESULT_FILE, json.dumps(content).encode())


def _audit_and_keep(task: StoreTask, started: datetime) -> StoreResult:
    """Lock, audit, write the reports, remember: as an unattended audit does."""
    state = make_private_folder(Path(task.state))
    runs = RunFolders(state, task.name)
    with hold_lock(runs.folder, 0), warnings.catch_warnings(action="ignore"):
        runs.sweep()
        attempt = Attempt.start(started)
        attempt.write(runs.folder)
        try:
            result = _audit_store(task, state, runs)
        except BaseException as error:  # also an interrupt: record what ended the attempt, then raise it again
            with suppress(OSError):
                _end(attempt, int(derive_exit_code(error)), (_describe_error(error),)).write(runs.folder)
            raise
        run = result.brief.run if result.brief else None
        _end(attempt, result.exit_code, result.reasons, run).write(runs.folder)
    return _refuse_unread(task, result)


def _refuse_unread(task: StoreTask, result: StoreResult) -> StoreResult:
    """Count a store of which no file could be used as not audited, however complete its reports are."""
    if result.brief is None or not any(reason.id == UNREAD for reason in result.reasons):
        return result
    problem = clauses([message(UNREAD), message("fleet.refused", n=result.brief.refused)])
    return describe_failure(task, result.started_at, "failed", NoDataError(problem))


def _end(attempt: Attempt, code: int, reasons: tuple[Message, ...], run: str | None = None) -> Attempt:
    ended = {"ended_at": datetime.now(UTC), "exit_code": code, "reasons": reasons, "run": run}
    return attempt.model_copy(update=ended)


def _audit_store(task: StoreTask, state: Path, runs: RunFolders) -> StoreResult:
    request = _build_request(task, state)
    with open_audit(Path(task.store.exports), request) as audit:
        checkup = audit.checkup
        brief = brief_checkup(audit)
        if request.history:
            request.history.pending = audit.build_pending()
    folder = _keep_reports(task, checkup, runs)
    _remember(request, checkup)
    runs.mark_latest(checkup.run.id)
    if task.keep is not None:
        runs.prune(task.keep, datetime.now(UTC))
    page = folder / FILES["html"]
    return StoreResult(
        name=task.name,
        status="done",
        exit_code=checkup.outcome.exit_code,
        owner=task.store.owner,
        attempts=task.attempt,
        started_at=checkup.run.started_at,
        seconds=0.0,
        folder=str(folder),
        page=str(page) if page.is_file() else None,
        reasons=checkup.outcome.reasons,
        brief=brief,
        worker=platform.node(),
    )


def _build_request(task: StoreTask, state: Path) -> AuditRequest:
    store = task.store
    home = Path(store.settings).parent if store.settings else Path(store.folder)
    shared = {name: getattr(task, name) for name in ("as_of", "window", "memory", "fail_on", "strict_data")}
    return AuditRequest(
        state=state,
        store=store.title,
        timezone=store.zone,
        platform=store.platform,
        language=store.language,
        packs=tuple(map(Path, store.packs)),
        config=Path(store.settings) if store.settings else None,
        breakdowns=True,
        history=RunHistory(state, None, read_calendar(home)),
        **shared,
    )


def _keep_reports(task: StoreTask, checkup: Checkup, runs: RunFolders) -> Path:
    success = runs.find_last_success()
    reports = {}
    for name in dict.fromkeys((*USUAL, *task.formats)):
        report = CHECKUP_FORMATS.find(name)
        if name == ScheduleMetrics.NAME:
            report = ScheduleMetrics(task.name, success.started_at if success else None)
        with suppress(ReportFailed):  # a page that cannot be drawn costs no store its result
            reports[FILES.get(name, f"report{report.SUFFIX}")] = report.render(checkup)
    marker = CompletedRun(run=checkup.run.id, started_at=checkup.run.started_at, exit_code=checkup.outcome.exit_code)
    return runs.write_run(marker, reports)


def _remember(request: AuditRequest, checkup: Checkup) -> None:
    """Add the run to the store's history, unless its period has no data."""
    if find_span_outside(checkup.sources, checkup.as_of) and not has_verdict(checkup.findings):
        return
    if request.history:
        remember_run(request.history, checkup, load_installation_key())


def brief_checkup(audit: OpenAudit) -> StoreBrief:
    """Shorten an audit to what a fleet's report compares; about 10 kB."""
    checkup, scoring = audit.checkup, audit.inputs.catalogue.scoring
    previous, first = checkup.previous, next(iter(checkup.recommendations), None)
    change = previous.score_change if previous else None
    return StoreBrief(
        run=checkup.run.id,
        started_at=checkup.run.started_at,
        store=checkup.store,
        platform=checkup.platform,
        site=checkup.site,
        timezone=checkup.timezone,
        language=checkup.language,
        as_of=checkup.as_of,
        orders=audit.figures.rows.get("orders", 0),
        rows=sum(source.rows for source in checkup.sources),
        score=checkup.score.value,
        low=checkup.score.low,
        high=checkup.score.high,
        grade=checkup.score.grade,
        coverage=checkup.score.coverage,
        previous=previous.score if previous else None,
        score_change=change.change if change else None,
        areas=tuple(map(_brief_area, checkup.areas)),
        findings=_brief_findings(checkup, scoring),
        headline=checkup.headline,
        action=(first.name or first.text) if first else None,
        gain=first.gain_points if first else None,
        wanted=tuple(
            dict.fromkeys(table for wish in checkup.exports_wanted if not wish.columns for table in wish.tables)
        ),
        refused=sum(source.layout is None and source.note is not None for source in checkup.sources),
        behind={name: end.age_hours for name, end in checkup.table_ends.items() if end.age_hours > NOTABLE_HOURS},
    )


def _brief_area(area: AreaScore) -> AreaBrief:
    return AreaBrief(
        id=area.id, score=area.score, low=area.low, high=area.high, coverage=area.coverage, points=area.loses
    )


def _brief_findings(checkup: Checkup, scoring: Scoring) -> tuple[FindingBrief, ...]:
    weights = compute_headline_weights(checkup.findings, scoring)
    briefs = []
    for finding in checkup.findings:
        if finding.status in ("pass", "watch", "fail", "inconclusive"):
            weight, score = weights.get(finding.code, (0.0, 1.0))
            slices = tuple(_list_slices(finding.code, checkup.measurements))
            briefs.append(_brief_finding(finding, round(100 * weight * (1 - score), 2), slices))
    return tuple(briefs)


def _list_slices(code: str, measured: Iterable[PublishedMeasurement]) -> Iterator[tuple[str, str, int, int]]:
    """Yield the slices that can be added up over stores."""
    by_dimension: dict[str, list[tuple[str, str, int, int]]] = {}
    for part in measured:
        if part.code == code and len(part.segment) == 1 and part.judged:
            ((dimension, value),) = part.segment.items()
            if dimension in SHARED_DIMENSIONS and value is not None:
                by_dimension.setdefault(dimension, []).append((dimension, value, part.defects, part.judged))
    for slices in by_dimension.values():
        yield from sorted(slices, key=lambda part: (-part[3], part[1]))[:MOST_SLICES]


def _brief_finding(finding: Finding, points: float, slices: tuple[tuple[str, str, int, int], ...]) -> FindingBrief:
    return FindingBrief(
        **finding.model_dump(include={"code", "area", "severity", "scored", "status", "value", "unit", "higher_is"}),
        **finding.model_dump(include={"interval", "defects", "judged", "change", "state"}),
        title=finding.title,
        points=points,
        muted=finding.muted is not None,
        slices=slices,
    )


def main() -> int:
    """Audit the task that stdin holds as a pickle, and write its result to stdout as JSON: for engines without forks."""
    task = pickle.loads(sys.stdin.buffer.read())  # noqa: S301 - written by our own parent process
    answer, sys.stdout = sys.stdout, sys.stderr
    answer.write(audit_task(task).model_dump_json())
    answer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
