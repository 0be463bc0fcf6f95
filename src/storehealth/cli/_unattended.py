"""``--cron``: an audit that nobody watches.

In this order: lock → audit → run folder → reports asked for → history → ``latest`` → people are told → log. Nothing is
printed but errors, each in one line, so that cron mails what went wrong and nothing else. Whatever happens, the reports of
the run before stay whole.
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
    """From here on errors are one line each, and logged where the state folder is there already.

    Args:
        state: The option; None is the user's own.
        name: The option; None is the exports folder's.
        exports: Nothing is written into it.

    Raises:
        UsageError: The name cannot be one.
    """
    from storehealth.schedule.log import write_log

    folder = state if state is not None else _state.default_folder()
    _streams.UNATTENDED.set(lambda _: None)
    runs = _task.name_for(name, exports or folder)

    def log(text: str) -> None:
        if folder.is_dir() and not (exports and _state.inside(folder, exports)):
            write_log(folder, runs, logging.ERROR, text)

    _streams.UNATTENDED.set(log)


def run(task: _task.Task, audit: Callable[[], Checkup], after: After) -> int:
    """Do it all; returns the exit code.

    Args:
        task: What is done.
        audit: Makes the checkup.
        after: What follows it.

    Raises:
        BusyError: A run of this name is going on.
        UsageError: The state folder takes nothing.
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
            code = _finished(checkup, runs, task, after)
        except BaseException as error:  # whatever ended the run, Ctrl-C too, is noted and told before it goes on
            _end(_failed(attempt, error), runs, task)
            after.tell_trouble(task.name, error)
            raise
        reasons = checkup.outcome.reasons
        ended = attempt.model_copy(update={"exit_code": int(code), "reasons": reasons, "run": checkup.run.id})
        return _end(ended, runs, task)


def begun(state: Path, name: str, work: Callable[[], int]) -> int:
    """Do the work of a schedule; what stops it before it has begun is written down too, as a run that failed."""
    from storehealth.schedule import Attempt, BusyError, Runs
    from storehealth.schedule.attempt import last_attempt
    from storehealth.schedule.lock import is_held

    attempt, folder = Attempt.begun(datetime.now(UTC)), Runs(state, name).folder
    try:
        return work()
    except BusyError:
        raise
    except Exception as error:  # whatever stopped it is noted, and raised again
        last = last_attempt(folder)
        if (last is None or last.started_at < attempt.started_at) and not is_held(folder):
            with suppress(OSError):
                _failed(attempt, error).write(private_folder(folder))
        raise


def _failed(attempt: Attempt, error: BaseException) -> Attempt:
    """How a run ended that an error stopped."""
    code = Exit.USAGE if isinstance(error, typer.TyperException) else exit_code(error)
    ended = {"ended_at": datetime.now(UTC), "exit_code": int(code), "reasons": (_told(error),)}
    return attempt.model_copy(update=ended)


def _begin(attempt: Attempt, runs: Runs, task: _task.Task) -> None:
    _log(task, f"began: {task.exports}")
    try:
        attempt.write(runs.folder)
    except OSError as error:
        raise UsageError(
            f"{runs.folder} cannot be written to: {error.strerror}", "Give --state a folder you may write to."
        ) from error


def _finished(checkup: Checkup, runs: Runs, task: _task.Task, after: After) -> Exit:
    """Keep the reports, hand out those asked for, remember the run, name it the latest, tell people; the exit code."""
    from storehealth.outcome import loudest
    from storehealth.reports import find

    after, figures = _watched(after, runs, task)
    folder = _kept(
        checkup, runs, task, [find("json"), find("markdown"), figures, *(one.report for one in after.outputs)]
    )
    arrived = after.write(checkup)
    after.remember(checkup)
    latest = folder is not None and _made_latest(checkup, runs, task)
    arrived = after.tell(checkup, [folder / REPORT] if folder else [], task.name) and arrived
    code = Exit(checkup.outcome.exit_code)
    if code not in (Exit.OK, Exit.FINDINGS):
        for reason in checkup.outcome.reasons:
            _streams.complain(reason)
    return loudest(code) if latest and arrived else loudest(code, Exit.NOT_DELIVERED)


def _end(attempt: Attempt, runs: Runs, task: _task.Task) -> int:
    """Write down how it ended; what cannot be written down is a delivery that failed."""
    from storehealth.outcome import loudest

    ended = attempt.model_copy(update={"ended_at": datetime.now(UTC)})
    _log(task, f"ended with exit code {ended.exit_code}: {'; '.join(ended.reasons) or 'nothing found'}")
    try:
        ended.write(runs.folder)
    except OSError as error:
        _streams.complain(f"{runs.folder} could not be written: {error.strerror}", OTHERS_KEPT)
        return int(loudest(Exit.NOT_DELIVERED, Exit(ended.exit_code or 0)))
    return ended.exit_code or 0


def _watched(after: After, runs: Runs, task: _task.Task) -> tuple[After, Report]:
    """What follows, its metrics of the kind that knows whose run it is and which one last succeeded; and that kind."""
    from storehealth.reports.prometheus import Watched

    success = runs.last_success()
    figures = Watched(task.name, success.started_at if success else None)
    outputs = (one._replace(report=figures) if one.report.NAME == figures.NAME else one for one in after.outputs)
    return after._replace(outputs=tuple(outputs)), figures


def _kept(checkup: Checkup, runs: Runs, task: _task.Task, reports: Iterable[Report]) -> Path | None:
    """The folder with the reports, complete; None where there is none."""
    from storehealth.schedule.runs import Done

    done = Done(run=checkup.run.id, started_at=checkup.run.started_at, exit_code=checkup.outcome.exit_code)
    try:
        folder = runs.keep(done, {_file(one): one.render(checkup) for one in reports})
    except OSError as error:
        _streams.complain(f"the reports could not be kept in {runs.folder}: {error.strerror}", OTHERS_KEPT)
        return None
    _log(task, f"reports in {folder}")
    if sys.stderr.isatty():
        _streams.note(f"wrote {folder}")
    return folder


def _made_latest(checkup: Checkup, runs: Runs, task: _task.Task) -> bool:
    """Name this run the latest, and remove those that are too old."""
    try:
        runs.point(checkup.run.id)
    except OSError as error:
        _streams.complain(f"{runs.folder / 'latest'} could not be written: {error.strerror}", OTHERS_KEPT)
        return False
    gone = runs.prune(task.keep, datetime.now(UTC)) if task.keep is not None else []
    if gone:
        _log(task, f"removed {len(gone)} runs older than {task.keep} days")
    return True


def _file(report: Report) -> str:
    """What a report is called in the folder of a run."""
    return {"json": "checkup.json", "prometheus": "metrics.prom"}.get(report.NAME, f"report{report.SUFFIX}")


def _told(error: BaseException) -> str:
    """What the log of attempts says of an error: its message where it is meant for users, else its kind alone."""
    from storehealth.privacy import redact

    return redact(str(getattr(error, "message", ""))) or type(error).__name__


def _log(task: _task.Task, text: str) -> None:
    from storehealth.schedule.log import write_log

    write_log(task.state, task.name, logging.INFO, text)
