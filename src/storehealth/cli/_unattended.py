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
from storehealth.errors import Exit, UsageError, exit_code
from storehealth.outputs import private_folder

if TYPE_CHECKING:
    from storehealth.cli._after import After
    from storehealth.model import Checkup
    from storehealth.reports import Report
    from storehealth.schedule import Attempt, Runs

OTHERS_KEPT = "Those of the run before are whole."
REPORT = "report.md"


def speak(state: Path | None, name: str | None, exports: Path | None = None) -> None:
    """From here on print errors as one line each, and log them where the state folder exists already.

    Args:
        state: The option; None is the user's own.
        name: The option; None is the exports folder's.
        exports: The exports folder, into which nothing may be written.

    Raises:
        UsageError: The name is invalid.
    """
    from storehealth.schedule.log import write_log

    state_folder = state if state is not None else _state.default_folder()
    _streams.UNATTENDED.set(lambda _: None)
    run_name = _task.name_for(name, exports or state_folder)

    def log(text: str) -> None:
        if state_folder.is_dir() and not (exports and _state.inside(state_folder, exports)):
            write_log(state_folder, run_name, logging.ERROR, text)

    _streams.UNATTENDED.set(log)


def run(task: _task.Task, audit: Callable[[], Checkup], after: After) -> int:
    """Run an unattended audit from lock to log; return the exit code.

    Args:
        task: Which runs it belongs to.
        audit: Makes the checkup.
        after: The steps that follow.

    Raises:
        BusyError: A run of this name is in progress.
        UsageError: The state folder is not writable.
    """
    from storehealth.schedule import Attempt, Runs
    from storehealth.schedule.lock import held

    runs = Runs(task.state, task.name)
    with held(runs.folder, task.wait), warnings.catch_warnings(action="ignore"):
        runs.sweep()
        attempt = Attempt.begun(datetime.now(UTC))
        _begin(attempt, runs, task)
        try:
            checkup = audit()
            code = _finish(checkup, runs, task, after)
        except BaseException as error:  # also Ctrl-C: record and report what ended the run, then raise it again
            _end(_to_failure(attempt, error), runs, task)
            after.tell_trouble(task.name, error)
            raise
        reasons = checkup.outcome.reasons
        finished = attempt.model_copy(update={"exit_code": int(code), "reasons": reasons, "run": checkup.run.id})
        return _end(finished, runs, task)


def begun(state: Path, name: str, work: Callable[[], int]) -> int:
    """Do the work of a schedule; an error before the audit has begun is recorded too, as a run that failed."""
    from storehealth.schedule import Attempt, BusyError, Runs
    from storehealth.schedule.attempt import last_attempt
    from storehealth.schedule.lock import is_held

    attempt, folder = Attempt.begun(datetime.now(UTC)), Runs(state, name).folder
    try:
        return work()
    except BusyError:
        raise
    except Exception as error:  # record whatever stopped it, and raise it again
        last = last_attempt(folder)
        if (last is None or last.started_at < attempt.started_at) and not is_held(folder):
            with suppress(OSError):
                _to_failure(attempt, error).write(private_folder(folder))
        raise


def _to_failure(attempt: Attempt, error: BaseException) -> Attempt:
    """Build the record of a run that an error ended."""
    code = Exit.USAGE if isinstance(error, typer.TyperException) else exit_code(error)
    changes = {"ended_at": datetime.now(UTC), "exit_code": int(code), "reasons": (_error_text(error),)}
    return attempt.model_copy(update=changes)


def _begin(attempt: Attempt, runs: Runs, task: _task.Task) -> None:
    _log(task, f"began: {task.exports}")
    try:
        attempt.write(runs.folder)
    except OSError as error:
        raise UsageError(
            f"{runs.folder} cannot be written to: {error.strerror}", "Give --state a folder you may write to."
        ) from error


def _finish(checkup: Checkup, runs: Runs, task: _task.Task, after: After) -> Exit:
    """Keep the reports, write those of ``-o``, remember the run, mark it the latest, notify; return the exit code."""
    from storehealth.outcome import loudest
    from storehealth.reports import find

    after, metrics = _with_run_metrics(after, runs, task)
    folder = _keep_reports(
        checkup, runs, task, [find("json"), find("markdown"), metrics, *(output.report for output in after.outputs)]
    )
    delivered = after.write(checkup)
    after.remember(checkup)
    is_latest = folder is not None and _mark_latest(checkup, runs, task)
    delivered = after.tell(checkup, [folder / REPORT] if folder else [], task.name) and delivered
    code = Exit(checkup.outcome.exit_code)
    if code not in (Exit.OK, Exit.FINDINGS):
        for reason in checkup.outcome.reasons:
            _streams.complain(reason)
    return loudest(code) if is_latest and delivered else loudest(code, Exit.NOT_DELIVERED)


def _end(attempt: Attempt, runs: Runs, task: _task.Task) -> int:
    """Record how a run ended; if the record cannot be written, that counts as a failed delivery."""
    from storehealth.outcome import loudest

    finished = attempt.model_copy(update={"ended_at": datetime.now(UTC)})
    _log(task, f"ended with exit code {finished.exit_code}: {'; '.join(finished.reasons) or 'nothing found'}")
    try:
        finished.write(runs.folder)
    except OSError as error:
        _streams.complain(f"{runs.folder} could not be written: {error.strerror}", OTHERS_KEPT)
        return int(loudest(Exit.NOT_DELIVERED, Exit(finished.exit_code or 0)))
    return finished.exit_code or 0


def _with_run_metrics(after: After, runs: Runs, task: _task.Task) -> tuple[After, Report]:
    """Replace the metrics report by one that knows the runs' name and last success; return the steps and that report."""
    from storehealth.reports.prometheus import Watched

    success = runs.last_success()
    metrics = Watched(task.name, success.started_at if success else None)
    outputs = (
        output._replace(report=metrics) if output.report.NAME == metrics.NAME else output for output in after.outputs
    )
    return after._replace(outputs=tuple(outputs)), metrics


def _keep_reports(checkup: Checkup, runs: Runs, task: _task.Task, reports: Iterable[Report]) -> Path | None:
    """Write the run's folder with all reports; return it, or None where it could not be written."""
    from storehealth.schedule.runs import Done

    marker = Done(run=checkup.run.id, started_at=checkup.run.started_at, exit_code=checkup.outcome.exit_code)
    try:
        folder = runs.keep(marker, {_file_name(report): report.render(checkup) for report in reports})
    except OSError as error:
        _streams.complain(f"the reports could not be kept in {runs.folder}: {error.strerror}", OTHERS_KEPT)
        return None
    _log(task, f"reports in {folder}")
    if sys.stderr.isatty():
        _streams.note(f"wrote {folder}")
    return folder


def _mark_latest(checkup: Checkup, runs: Runs, task: _task.Task) -> bool:
    """Mark this run as the latest, and delete runs that are too old."""
    try:
        runs.point(checkup.run.id)
    except OSError as error:
        _streams.complain(f"{runs.folder / 'latest'} could not be written: {error.strerror}", OTHERS_KEPT)
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


def _log(task: _task.Task, text: str) -> None:
    from storehealth.schedule.log import write_log

    write_log(task.state, task.name, logging.INFO, text)
