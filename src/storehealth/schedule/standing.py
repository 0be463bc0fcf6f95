"""The status of each schedule: last run, last success, next run, and whether one was missed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field

from storehealth.model.base import Record
from storehealth.schedule.attempt import Attempt, last_attempt
from storehealth.schedule.book import Book, Schedule, Starter
from storehealth.schedule.lock import is_held
from storehealth.schedule.log import log_path
from storehealth.schedule.runs import GOOD, Done, Runs, names
from storehealth.schedule.when import PATIENCE, following, preceding

SLACK = timedelta(minutes=1)
"""How much too early a run may seem to begin, since two programs read the clock."""
State = Literal["waiting", "fine", "running", "failed", "stopped"]


class Ran(Record):
    """The status of the runs of a name, whether a schedule, the user's own crontab or a person starts them."""

    name: str
    state: State = Field(description="stopped: the last run has no end, it was killed or the machine went down.")
    last_run: Attempt | None
    last_success: Done | None
    folder: str | None = Field(description="The folder of the latest complete reports.")
    log: str

    @property
    def troubled(self) -> bool:
        """Whether it needs attention."""
        return self.state in ("failed", "stopped")


class Standing(Ran):
    """The status of a schedule."""

    exports: str
    cron: str
    zone: str
    by: Starter
    next_run: datetime
    overdue_since: datetime | None = Field(description="The time of the run that was missed.")

    @property
    def troubled(self) -> bool:
        """Whether it needs attention; also where a run was missed."""
        return self.overdue_since is not None or super().troubled


class Standings(Record):
    """The status of all schedules of a state folder, and of other runs in it."""

    schedules: tuple[Standing, ...]
    others: tuple[Ran, ...] = ()

    @property
    def every(self) -> Sequence[Ran]:
        """All of them, schedules first."""
        return [*self.schedules, *self.others]

    @property
    def troubled(self) -> tuple[str, ...]:
        """Names of those that need attention."""
        return tuple(run.name for run in self.every if run.troubled)


def standings(state: Path, now: datetime) -> Standings:
    """Read the status of all schedules of a state folder.

    Raises:
        UsageError: The schedules cannot be read.
    """
    schedules = Book(state).all()
    known = {schedule.name for schedule in schedules}
    others = (_read_status(state, name) for name in names(state) if name not in known)
    return Standings(
        schedules=tuple(standing(state, schedule, now) for schedule in schedules),
        others=tuple(runs for runs in others if runs.last_run is not None),
    )


def standing(state: Path, schedule: Schedule, now: datetime) -> Standing:
    """Read the status of one schedule."""
    status = _read_status(state, schedule.name)
    return Standing(
        **dict(status),
        **schedule.model_dump(include={"exports", "cron", "zone", "by"}),
        next_run=following(schedule.cron, schedule.zone, now),
        overdue_since=_find_missed(schedule, status.last_run, now),
    )


def _read_status(state: Path, name: str) -> Ran:
    """Read the status of the runs of a name."""
    runs = Runs(state, name)
    last, latest = last_attempt(runs.folder), runs.latest()
    return Ran(
        name=name,
        state=_state_of(last, runs.folder),
        last_run=last,
        last_success=runs.last_success(),
        folder=str(latest) if latest else None,
        log=str(log_path(state, name)),
    )


def _state_of(last: Attempt | None, folder: Path) -> State:
    if last is None:
        return "waiting"
    if last.exit_code is None:
        return "running" if is_held(folder) else "stopped"
    return "fine" if last.exit_code in GOOD else "failed"


def _find_missed(schedule: Schedule, last: Attempt | None, now: datetime) -> datetime | None:
    """Return the last time it was due, if no run has begun since although there was enough time to."""
    due = preceding(schedule.cron, schedule.zone, now - PATIENCE)
    latest_start = last.started_at if last else schedule.created_at
    return due if latest_start < due - SLACK else None
