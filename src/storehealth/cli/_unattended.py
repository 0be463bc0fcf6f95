"""``--cron``: an unattended audit and its options.

In this order: lock → audit → run folder → reports of ``-o`` → history → ``latest`` → notifications → log. Only errors are
printed, each on one line, so that cron mails what went wrong and nothing else. Whatever happens, the reports of the
previous run stay complete.
"""

from __future__ import annotations

import logging
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from storehealth.cli import state_folder, streams
from storehealth.errors import ExitCode, ReportFailed, StorehealthError, UsageError, derive_exit_code
from storehealth.support.atomic_files import describe_os_error, make_private_folder
from storehealth.support.message import Message, Name, clauses, message, verbatim

if TYPE_CHECKING:
    from storehealth.cli._after import AuditFollowup
    from storehealth.cli._parsers import OutputOption
    from storehealth.cli.audit import UnattendedOptions
    from storehealth.model import Checkup
    from storehealth.output import Format
    from storehealth.schedule import Attempt, RunFolders

PREVIOUS_COMPLETE = message("cli.previous_complete")
REPORT = "report.html"
"""The report that notifications name."""
KEPT = ("json", "markdown", "html", "xlsx")
"""Formats in the folder of every run, besides its metrics."""


def use_one_line_errors(state: Path | None, name: str | None, exports: Path | None = None) -> None:
    """From here on print errors as one line each, and log them where the state folder exists already.

    Args:
        state: The option; None is the user's own.
        name: The option; None is the exports folder's.
        exports: The exports folder, into which nothing may be written.

    Raises:
        UsageError: The name is invalid.
    """
    from storehealth.schedule.runs import write_log

    folder = state if state is not None else state_folder.find_default_folder()
    streams.UNATTENDED_LOG.set(lambda _: None)
    run_name = choose_run_name(name, exports or folder)

    def log(text: str) -> None:
        if folder.is_dir() and not (exports and state_folder.is_inside(folder, exports)):
            write_log(folder, run_name, logging.ERROR, text)

    streams.UNATTENDED_LOG.set(log)


def run_unattended(task: UnattendedTask, audit: Callable[[], Checkup], after: AuditFollowup) -> int:
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
    from storehealth.schedule.schedules import hold_lock

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
    from storehealth.schedule.schedules import is_locked, read_last_attempt

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
    changes = {"ended_at": datetime.now(UTC), "exit_code": int(code), "reasons": (_describe_error(error),)}
    return attempt.model_copy(update=changes)


def _begin(attempt: Attempt, runs: RunFolders, task: UnattendedTask) -> None:
    _log(task, f"began: {task.exports}")
    try:
        attempt.write(runs.folder)
    except OSError as error:
        raise UsageError(_to_unwritable(runs.folder, error), message("schedule.state_hint")) from error


def _finish(checkup: Checkup, runs: RunFolders, task: UnattendedTask, after: AuditFollowup) -> ExitCode:
    """Keep the reports, write those of ``-o``, remember the run, mark it the latest, notify; return the exit code."""
    from storehealth.output.checkup import CHECKUP_FORMATS
    from storehealth.score.exit_status import pick_exit_code

    after, metrics = _with_run_metrics(after, runs, task)
    folder = _keep_reports(
        checkup,
        runs,
        task,
        [*map(CHECKUP_FORMATS.find, KEPT), metrics, *(output.report for output in after.outputs)],
    )
    delivered = after.write(checkup)
    after.remember(checkup)
    is_latest = folder is not None and _mark_latest(checkup, runs, task)
    delivered = after.notify(checkup, [folder / REPORT] if folder else [], task.name) and delivered
    code = ExitCode(checkup.outcome.exit_code)
    if code not in (ExitCode.OK, ExitCode.FINDINGS):
        for reason in checkup.outcome.reasons:
            streams.write_error(reason)
    return pick_exit_code(code) if is_latest and delivered else pick_exit_code(code, ExitCode.NOT_DELIVERED)


def _end(attempt: Attempt, runs: RunFolders, task: UnattendedTask) -> int:
    """Record how a run ended; if the record cannot be written, that counts as a failed delivery."""
    from storehealth.score.exit_status import pick_exit_code

    finished = attempt.model_copy(update={"ended_at": datetime.now(UTC)})
    _log(task, f"ended with exit code {finished.exit_code}: {str(clauses(finished.reasons)) or 'nothing found'}")
    try:
        finished.write(runs.folder)
    except OSError as error:
        streams.write_error(_to_unwritable(runs.folder, error), PREVIOUS_COMPLETE)
        return int(pick_exit_code(ExitCode.NOT_DELIVERED, ExitCode(finished.exit_code or 0)))
    return finished.exit_code or 0


def _with_run_metrics(
    after: AuditFollowup, runs: RunFolders, task: UnattendedTask
) -> tuple[AuditFollowup, Format[Checkup]]:
    """Replace the metrics report by one that knows the runs' name and last success; return the steps and that report."""
    from storehealth.output.checkup.prometheus import ScheduleMetrics

    success = runs.find_last_success()
    metrics = ScheduleMetrics(task.name, success.started_at if success else None)
    outputs = (
        output._replace(report=metrics) if output.report.NAME == metrics.NAME else output for output in after.outputs
    )
    return after._replace(outputs=tuple(outputs)), metrics


def _keep_reports(
    checkup: Checkup, runs: RunFolders, task: UnattendedTask, reports: Iterable[Format[Checkup]]
) -> Path | None:
    """Write the run's folder with all reports; return it, or None where it could not be written."""
    from storehealth.schedule.runs import CompletedRun

    marker = CompletedRun(run=checkup.run.id, started_at=checkup.run.started_at, exit_code=checkup.outcome.exit_code)
    try:
        folder = runs.write_run(marker, _render_all(checkup, reports))
    except OSError as error:
        text = message("cli.reports_not_kept", path=Name(str(runs.folder)), reason=describe_os_error(error))
        streams.write_error(text, PREVIOUS_COMPLETE)
        return None
    _log(task, f"reports in {folder}")
    if sys.stderr.isatty():
        streams.write_note(message("cli.wrote", path=Name(str(folder))))
    return folder


def _render_all(checkup: Checkup, reports: Iterable[Format[Checkup]]) -> dict[str, bytes]:
    """Render the reports by file name; one that fails is left out here, and reported where ``-o`` writes it."""
    rendered: dict[str, bytes] = {}
    for report in reports:
        name = _name_file(report)
        if name not in rendered:
            with suppress(ReportFailed):
                rendered[name] = report.render(checkup)
    return rendered


def _mark_latest(checkup: Checkup, runs: RunFolders, task: UnattendedTask) -> bool:
    """Mark this run as the latest, and delete runs that are too old."""
    try:
        runs.mark_latest(checkup.run.id)
    except OSError as error:
        streams.write_error(_to_unwritable(runs.folder / "latest", error), PREVIOUS_COMPLETE)
        return False
    deleted = runs.prune(task.keep, datetime.now(UTC)) if task.keep is not None else []
    if deleted:
        _log(task, f"removed {len(deleted)} runs older than {task.keep} days")
    return True


def _name_file(report: Format[Checkup]) -> str:
    """Return a report's file name in the folder of a run."""
    return {"json": "checkup.json", "prometheus": "metrics.prom"}.get(report.NAME, f"report{report.SUFFIX}")


def _describe_error(error: BaseException) -> Message:
    """Return what is recorded of an error: its message where it is meant for users, else only its class."""
    from storehealth.privacy import redact

    if isinstance(error, StorehealthError) and redact(error.message) == error.message:
        return error.problem
    return verbatim(redact(str(getattr(error, "message", ""))) or type(error).__name__)


def _to_unwritable(path: Path, error: OSError) -> Message:
    return message("schedule.unwritable", path=Name(str(path)), reason=describe_os_error(error))


def _log(task: UnattendedTask, text: str) -> None:
    from storehealth.schedule.runs import write_log

    write_log(task.state, task.name, logging.INFO, text)


UNITS = {"s": 1, "m": 60, "h": 3600, "": 1}


class UnattendedTask(NamedTuple):
    """An unattended audit. ``keep``: days, None is for ever; ``wait``: seconds to wait for a run of the same name."""

    name: str
    exports: Path
    state: Path
    keep: int | None
    wait: float

    @classmethod
    def of(cls, options: UnattendedOptions, exports: Path, state: Path) -> UnattendedTask:
        """Build it from the options.

        Raises:
            UsageError: An option is invalid.
        """
        name = choose_run_name(options.name, exports)
        return cls(name, exports, state, parse_days(options.keep), parse_seconds(options.lock_wait))


def choose_run_name(name: str | None, exports: Path) -> str:
    """Return the name of the runs: the one given, else one made from the exports folder's.

    Raises:
        UsageError: The one given is not a valid name.
    """
    from storehealth.schedule.schedules import check_name

    return (
        check_name(name) if name is not None else re.sub(r"[^\w]+", "-", exports.resolve().name).strip("-") or "store"
    )


def parse_days(text: str) -> int | None:
    """Parse ``90d`` as 90, and ``all`` as None.

    Raises:
        UsageError: It is neither.
    """
    if text == "all":
        return None
    match = re.fullmatch(r"([1-9]\d{0,4})d", text)
    if not match:
        raise UsageError(message("cli.keep", text=Name(text)), message("cli.keep_hint"))
    return int(match[1])


def parse_seconds(text: str) -> float:
    """Parse ``5m``, ``30s``, ``1h`` or ``0``.

    Raises:
        UsageError: It is of no such form.
    """
    match = re.fullmatch(r"(\d{1,5})([smh]?)", text)
    if not match:
        raise UsageError(message("cli.lock_wait", text=Name(text)), message("cli.lock_wait_hint"))
    return float(match[1]) * UNITS[match[2]]


def check_options(cron: bool, unmask: bool, outputs: Sequence[OutputOption] | None, has_details: bool) -> None:
    """Check that the options fit together.

    ``has_details``: whether an option is given that needs ``--cron``.

    Raises:
        UsageError: One of them is given without ``--cron``; something goes to stdout, which cron would mail; or personal
            values would be stored.
    """
    if not cron and has_details:
        raise UsageError(message("cli.needs_cron"), message("cli.needs_cron_hint"))
    if cron and unmask:
        raise UsageError(message("cli.unmask_cron"), message("cli.unmask_cron_hint"))
    if cron and any(output.path is None for output in outputs or ()):
        raise UsageError(message("cli.cron_stdout"), message("cli.cron_stdout_hint"))
