"""The status of each schedule: last run, last success, next run, and whether one was missed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field

from storehealth.model.base import FrozenModel
from storehealth.schedule.attempt import Attempt, is_locked, read_last_attempt
from storehealth.schedule.runs import SUCCESS_CODES, CompletedRun, RunFolders, list_names, locate_log
from storehealth.schedule.schedules import Schedule, ScheduleBook, Starter
from storehealth.schedule.timing import MAX_DELAY, find_last_due, find_next_run

SLACK = timedelta(minutes=1)
"""How much too early a run may seem to begin, since two programs read the clock."""
RunState = Literal["waiting", "fine", "running", "failed", "stopped"]


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
        state=_state_of(last, runs.folder),
        last_run=last,
        last_success=runs.find_last_success(),
        folder=str(latest) if latest else None,
        log=str(locate_log(state, name)),
    )


def _state_of(last: Attempt | None, folder: Path) -> RunState:
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
