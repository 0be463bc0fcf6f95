"""``--cron``: an unattended audit.

In this order: lock → audit → run folder → reports of ``-o`` → history → ``latest`` → notifications → log. Only errors are
printed, each on one line, so that cron mails what went wrong and nothing else. Whatever happens, the reports of the
previous run stay complete.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from storehealth.cli import _state, _streams, _task
from storehealth.errors import ExitCode, UsageError, derive_exit_code
from storehealth.outputs import make_private_folder

if TYPE_CHECKING:
    from storehealth.cli._after import AuditFollowup
    from storehealth.model import Checkup
    from storehealth.reports import Report
    from storehealth.schedule import Attempt, RunFolders

PREVIOUS_COMPLETE = "Those of the run before are whole."
REPORT = "report.md"


def use_one_line_errors(state: Path | None, name: str | None, exports: Path | None = None) -> None:
    """From here on print errors as one line each, and log them where the state folder exists already.

    Args:
        state: The option; None is the user's own.
        name: The option; None is the exports folder's.
        exports: The exports folder, into which nothing may be written.

    Raises:
        UsageError: The name is invalid.
    """
    from storehealth.schedule.log import write_log

    state_folder = state if state is not None else _state.find_default_folder()
    _streams.UNATTENDED_LOG.set(lambda _: None)
    run_name = _task.choose_run_name(name, exports or state_folder)

    def log(text: str) -> None:
        if state_folder.is_dir() and not (exports and _state.is_inside(state_folder, exports)):
            write_log(state_folder, run_name, logging.ERROR, text)

    _streams.UNATTENDED_LOG.set(log)


def run_unattended(task: _task.UnattendedTask, audit: Callable[[], Checkup], after: AuditFollowup) -> int:
    """Run an unattended audit from lock to log; return the exit code.

    Args:
        task: Which runs it belongs to.
        audit: Makes the checkup.
        after: The steps that follow.

    Raises:
        BusyError: A run of this name is in progress.
        UsageError: The state folder is not writable.
    """
    from storehealth.schedule import Attempt, RunFolders
    from storehealth.schedule.lock import hold_lock

    runs = RunFolders(task.state, task.name)
    with hold_lock(runs.folder, task.wait), warnings.catch_warnings(action="ignore"):
        runs.sweep()
        attempt = Attempt.start(datetime.now(UTC))
        _begin(attempt, runs, task)
        try:
            checkup = audit()
            code = _finish(checkup, runs, task, after)
        except BaseException as error:  # also Ctrl-C: record and report what ended the run, then raise it again
            _end(_to_failure(attempt, error), runs, task)
            after.notify_failure(task.name, error)
            raise
        reasons = checkup.outcome.reasons
        finished = attempt.model_copy(update={"exit_code": int(code), "reasons": reasons, "run": checkup.run.id})
        return _end(finished, runs, task)


def run_recorded(state: Path, name: str, work: Callable[[], int]) -> int:
    """Do the work of a schedule; an error before the audit has begun is recorded too, as a run that failed."""
    from storehealth.schedule import Attempt, BusyError, RunFolders
    from storehealth.schedule.attempt import read_last_attempt
    from storehealth.schedule.lock import is_locked

    attempt, folder = Attempt.start(datetime.now(UTC)), RunFolders(state, name).folder
    try:
        return work()
    except BusyError:
        raise
    except Exception as error:  # record whatever stopped it, and raise it again
        last = read_last_attempt(folder)
        if (last is None or last.started_at < attempt.started_at) and not is_locked(folder):
            with suppress(OSError):
                _to_failure(attempt, error).write(make_private_folder(folder))
        raise


def _to_failure(attempt: Attempt, error: BaseException) -> Attempt:
    """Build the record of a run that an error ended."""
    code = ExitCode.USAGE if isinstance(error, typer.TyperException) else derive_exit_code(error)
    changes = {"ended_at": datetime.now(UTC), "exit_code": int(code), "reasons": (_error_text(error),)}
    return attempt.model_copy(update=changes)


def _begin(attempt: Attempt, runs: RunFolders, task: _task.UnattendedTask) -> None:
    _log(task, f"began: {task.exports}")
    try:
        attempt.write(runs.folder)
    except OSError as error:
        raise UsageError(
            f"{runs.folder} cannot be written to: {error.strerror}", "Give --state a folder you may write to."
        ) from error


def _finish(checkup: Checkup, runs: RunFolders, task: _task.UnattendedTask, after: AuditFollowup) -> ExitCode:
    """Keep the reports, write those of ``-o``, remember the run, mark it the latest, notify; return the exit code."""
    from storehealth.outcome import pick_exit_code
    from storehealth.reports import find_report

    after, metrics = _with_run_metrics(after, runs, task)
    folder = _keep_reports(
        checkup,
        runs,
        task,
        [find_report("json"), find_report("markdown"), metrics, *(output.report for output in after.outputs)],
    )
    delivered = after.write(checkup)
    after.remember(checkup)
    is_latest = folder is not None and _mark_latest(checkup, runs, task)
    delivered = after.notify(checkup, [folder / REPORT] if folder else [], task.name) and delivered
    code = ExitCode(checkup.outcome.exit_code)
    if code not in (ExitCode.OK, ExitCode.FINDINGS):
        for reason in checkup.outcome.reasons:
            _streams.write_error(reason)
    return pick_exit_code(code) if is_latest and delivered else pick_exit_code(code, ExitCode.NOT_DELIVERED)


def _end(attempt: Attempt, runs: RunFolders, task: _task.UnattendedTask) -> int:
    """Record how a run ended; if the record cannot be written, that counts as a failed delivery."""
    from storehealth.outcome import pick_exit_code

    finished = attempt.model_copy(update={"ended_at": datetime.now(UTC)})
    _log(task, f"ended with exit code {finished.exit_code}: {'; '.join(finished.reasons) or 'nothing found'}")
    try:
        finished.write(runs.folder)
    except OSError as error:
        _streams.write_error(f"{runs.folder} could not be written: {error.strerror}", PREVIOUS_COMPLETE)
        return int(pick_exit_code(ExitCode.NOT_DELIVERED, ExitCode(finished.exit_code or 0)))
    return finished.exit_code or 0


def _with_run_metrics(
    after: AuditFollowup, runs: RunFolders, task: _task.UnattendedTask
) -> tuple[AuditFollowup, Report]:
    """Replace the metrics report by one that knows the runs' name and last success; return the steps and that report."""
    from storehealth.reports.prometheus import ScheduleMetrics

    success = runs.find_last_success()
    metrics = ScheduleMetrics(task.name, success.started_at if success else None)
    outputs = (
        output._replace(report=metrics) if output.report.NAME == metrics.NAME else output for output in after.outputs
    )
    return after._replace(outputs=tuple(outputs)), metrics


def _keep_reports(
    checkup: Checkup, runs: RunFolders, task: _task.UnattendedTask, reports: Iterable[Report]
) -> Path | None:
    """Write the run's folder with all reports; return it, or None where it could not be written."""
    from storehealth.schedule.runs import CompletedRun

    marker = CompletedRun(run=checkup.run.id, started_at=checkup.run.started_at, exit_code=checkup.outcome.exit_code)
    try:
        folder = runs.write_run(marker, {_file_name(report): report.render(checkup) for report in reports})
    except OSError as error:
        _streams.write_error(f"the reports could not be kept in {runs.folder}: {error.strerror}", PREVIOUS_COMPLETE)
        return None
    _log(task, f"reports in {folder}")
    if sys.stderr.isatty():
        _streams.write_note(f"wrote {folder}")
    return folder


def _mark_latest(checkup: Checkup, runs: RunFolders, task: _task.UnattendedTask) -> bool:
    """Mark this run as the latest, and delete runs that are too old."""
    try:
        runs.mark_latest(checkup.run.id)
    except OSError as error:
        _streams.write_error(f"{runs.folder / 'latest'} could not be written: {error.strerror}", PREVIOUS_COMPLETE)
        return False
    deleted = runs.prune(task.keep, datetime.now(UTC)) if task.keep is not None else []
    if deleted:
        _log(task, f"removed {len(deleted)} runs older than {task.keep} days")
    return True


def _file_name(report: Report) -> str:
    """Return a report's file name in the folder of a run."""
    return {"json": "checkup.json", "prometheus": "metrics.prom"}.get(report.NAME, f"report{report.SUFFIX}")


def _error_text(error: BaseException) -> str:
    """Return what is recorded of an error: its message where it is meant for users, else only its class."""
    from storehealth.privacy import redact

    return redact(str(getattr(error, "message", ""))) or type(error).__name__


def _log(task: _task.UnattendedTask, text: str) -> None:
    from storehealth.schedule.log import write_log

    write_log(task.state, task.name, logging.INFO, text)
