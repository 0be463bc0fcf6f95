"""Folders of unattended reports, their log, and the status of each schedule: last run, last success, next run, missed runs.

::

    runs/NAME/20260301T083000Z-1a2b3c/   checkup.json  report.html  report.xlsx …  COMPLETE
    runs/NAME/latest                     the name of the newest one: a text, since not every system has links
    runs/NAME/.20260302T…                being written, or left by a killed run; deleted by the next one

Each folder is complete or absent. There is one log per name, rotated by size; errors in writing it are ignored.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from storehealth.errors import ExitCode
from storehealth.model.base import FrozenModel
from storehealth.privacy import redact
from storehealth.schedule.schedules import Attempt, Schedule, ScheduleBook, Starter, is_locked, read_last_attempt
from storehealth.schedule.timing import MAX_DELAY, find_last_due, find_next_run
from storehealth.support.atomic_files import make_private_folder, make_state_folder, write_atomically

COMPLETE = "COMPLETE"
LATEST = "latest"
SUCCESS_CODES = (ExitCode.OK, ExitCode.FINDINGS)
"""Exit codes of an audit that did its work, whether it found something or not."""
STAMP = re.compile(r"(\d{8}T\d{6}Z)-[0-9a-f]+")
SIZE = 500_000
"""Bytes at which a log is rotated; about 2,000 runs."""
LOGS_KEPT = 4
"""Rotated logs that are kept."""
SLACK = timedelta(minutes=1)
"""How much too early a run may seem to begin, since two programs read the clock."""
RunState = Literal["waiting", "fine", "running", "failed", "stopped"]


class CompletedRun(FrozenModel):
    """The content of ``COMPLETE``: which run it is, and how it ended."""

    run: str
    started_at: datetime
    exit_code: int


def list_names(state: Path) -> list[str]:
    """List all names that have run in a state folder."""
    with suppress(OSError):
        return sorted(path.name for path in (state / "runs").iterdir() if path.is_dir())
    return []


class RunFolders:
    """The runs of one name in a state folder."""

    def __init__(self, state: Path, name: str) -> None:
        self.folder = state / "runs" / name

    def write_run(self, done: CompletedRun, reports: Mapping[str, bytes]) -> Path:
        """Write the folder of a run under a hidden name, ``COMPLETE`` last, then rename it: it is complete or absent.

        Args:
            done: Which run it is, and how it ended.
            reports: Contents by file name.

        Raises:
            OSError: It could not be written; no partial folder is left.
        """
        hidden = make_private_folder(self.folder / f".{done.run}.{secrets.token_hex(4)}")
        try:
            for name, content in reports.items():
                write_atomically(hidden / name, content)
            write_atomically(hidden / COMPLETE, f"{done.model_dump_json()}\n".encode())
            _flush_folder(hidden)
            kept = hidden.rename(self.folder / done.run)
        except OSError:
            shutil.rmtree(hidden, ignore_errors=True)
            raise
        _flush_folder(self.folder)
        return kept

    def mark_latest(self, run: str) -> None:
        """Name the newest run in ``latest``.

        Raises:
            OSError: The file could not be replaced; it still names the previous run.
        """
        write_atomically(self.folder / LATEST, f"{run}\n".encode())

    def find_latest(self) -> Path | None:
        """Return the folder that ``latest`` names, if it exists and is complete."""
        try:
            folder = self.folder / (self.folder / LATEST).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return folder if folder.parent == self.folder and (folder / COMPLETE).is_file() else None

    def list_completed(self) -> list[CompletedRun]:
        """List all complete runs, the oldest first."""
        runs = (_read_marker(path) for path in self._list_folders())
        return sorted((done for done in runs if done), key=lambda done: done.started_at)

    def find_last_success(self) -> CompletedRun | None:
        """Return the newest run that had usable data."""
        successes = [done for done in self.list_completed() if done.exit_code in SUCCESS_CODES]
        return successes[-1] if successes else None

    def sweep(self) -> None:
        """Delete what killed runs have left. Call it only while holding the lock."""
        with suppress(OSError):
            for path in list(self.folder.iterdir()):
                if path.name.startswith(".") and path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                elif path.name.startswith(".") and path.name.endswith(".tmp"):
                    path.unlink(missing_ok=True)

    def prune(self, days: int, now: datetime) -> list[str]:
        """Delete runs older than this many days, but never the newest, the one named in ``latest``, or the last success.

        Returns:
            The names of those that were deleted.
        """
        complete, latest, success = self.list_completed(), self.find_latest(), self.find_last_success()
        spared = {done.run for done in (*complete[-1:], success) if done} | ({latest.name} if latest else set())
        expired = [
            done.run for done in complete if done.started_at < now - timedelta(days=days) and done.run not in spared
        ]
        return [run for run in expired if self._delete(run)]

    def _delete(self, run: str) -> bool:
        """Rename the folder to a hidden name first, so that a half deleted one is never seen."""
        hidden = self.folder / f".gone-{run}"
        try:
            (self.folder / run).rename(hidden)
        except OSError:
            return False
        shutil.rmtree(hidden, ignore_errors=True)
        return True

    def _list_folders(self) -> list[Path]:
        with suppress(OSError):
            return [path for path in self.folder.iterdir() if STAMP.fullmatch(path.name) and path.is_dir()]
        return []


def _read_marker(folder: Path) -> CompletedRun | None:
    try:
        return CompletedRun.model_validate_json((folder / COMPLETE).read_bytes())
    except (OSError, ValidationError):
        return None


def _flush_folder(folder: Path) -> None:
    """Flush a folder's entries to the disk before what follows; ignored where the system cannot open folders."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def locate_log(state: Path, name: str) -> Path:
    """Return the path of the log of a name."""
    return state / "logs" / f"{name}.log"


def write_log(state: Path, name: str, level: int, text: str) -> None:
    """Add a line, without secrets in addresses and without control characters.

    The file is opened for this line only. If it cannot be written, nothing is raised: a run must not fail for its log.
    """
    plain = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in " ".join(text.split()))
    record = logging.LogRecord("storehealth", level, "", 0, redact(plain), None, None)
    try:
        make_state_folder(state / "logs")
        handler = _QuietHandler(
            locate_log(state, name), maxBytes=SIZE, backupCount=LOGS_KEPT, encoding="utf-8", errors="replace"
        )
    except OSError:
        return
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(levelname)s [%(process)d] %(message)s", "%Y-%m-%dT%H:%M:%S%z")
    )
    try:
        handler.emit(record)
    finally:
        handler.close()


class _QuietHandler(RotatingFileHandler):
    """A handler that ignores errors; the run itself reports a full disk."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name for it
        """Ignore the error."""


class RunStatus(FrozenModel):
    """The status of the runs of a name, whether a schedule, the user's own crontab or a person starts them."""

    name: str
    state: RunState = Field(description="stopped: the last run has no end, it was killed or the machine went down.")
    last_run: Attempt | None
    last_success: CompletedRun | None
    folder: str | None = Field(description="The folder of the latest complete reports.")
    log: str

    @property
    def needs_attention(self) -> bool:
        """Whether it needs attention."""
        return self.state in ("failed", "stopped")


class ScheduleStatus(RunStatus):
    """The status of a schedule."""

    exports: str
    cron: str
    zone: str
    by: Starter
    next_run: datetime
    overdue_since: datetime | None = Field(description="The time of the run that was missed.")

    @property
    def needs_attention(self) -> bool:
        """Whether it needs attention; also where a run was missed."""
        return self.overdue_since is not None or super().needs_attention


class ScheduleStatuses(FrozenModel):
    """The status of all schedules of a state folder, and of other runs in it."""

    schedules: tuple[ScheduleStatus, ...]
    others: tuple[RunStatus, ...] = ()

    @property
    def all_runs(self) -> Sequence[RunStatus]:
        """All of them, schedules first."""
        return [*self.schedules, *self.others]

    @property
    def names_in_trouble(self) -> tuple[str, ...]:
        """Names of those that need attention."""
        return tuple(run.name for run in self.all_runs if run.needs_attention)


def read_statuses(state: Path, now: datetime) -> ScheduleStatuses:
    """Read the status of all schedules of a state folder.

    Raises:
        UsageError: The schedules cannot be read.
    """
    schedules = ScheduleBook(state).list_all()
    known = {schedule.name for schedule in schedules}
    others = (_read_status(state, name) for name in list_names(state) if name not in known)
    return ScheduleStatuses(
        schedules=tuple(read_schedule_status(state, schedule, now) for schedule in schedules),
        others=tuple(runs for runs in others if runs.last_run is not None),
    )


def read_schedule_status(state: Path, schedule: Schedule, now: datetime) -> ScheduleStatus:
    """Read the status of one schedule."""
    status = _read_status(state, schedule.name)
    return ScheduleStatus(
        **dict(status),
        **schedule.model_dump(include={"exports", "cron", "zone", "by"}),
        next_run=find_next_run(schedule.cron, schedule.zone, now),
        overdue_since=_find_missed(schedule, status.last_run, now),
    )


def _read_status(state: Path, name: str) -> RunStatus:
    """Read the status of the runs of a name."""
    runs = RunFolders(state, name)
    last, latest = read_last_attempt(runs.folder), runs.find_latest()
    return RunStatus(
        name=name,
        state=_derive_state(last, runs.folder),
        last_run=last,
        last_success=runs.find_last_success(),
        folder=str(latest) if latest else None,
        log=str(locate_log(state, name)),
    )


def _derive_state(last: Attempt | None, folder: Path) -> RunState:
    if last is None:
        return "waiting"
    if last.exit_code is None:
        return "running" if is_locked(folder) else "stopped"
    return "fine" if last.exit_code in SUCCESS_CODES else "failed"


def _find_missed(schedule: Schedule, last: Attempt | None, now: datetime) -> datetime | None:
    """Return the last time it was due, if no run has begun since although there was enough time to."""
    due = find_last_due(schedule.cron, schedule.zone, now - MAX_DELAY)
    latest_start = last.started_at if last else schedule.created_at
    return due if latest_start < due - SLACK else None
