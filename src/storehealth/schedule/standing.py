"""Where each schedule stands: last run, last success, next run, and whether one was missed."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field

from storehealth.model.base import Record
from storehealth.schedule.attempt import Attempt, last_attempt
from storehealth.schedule.book import Book, Schedule, Starter
from storehealth.schedule.lock import is_held
from storehealth.schedule.runs import GOOD, Done, Runs
from storehealth.schedule.when import PATIENCE, following, preceding

SLACK = timedelta(minutes=1)
"""How much before its time a run may seem to begin: the clocks of two programs."""
State = Literal["waiting", "fine", "running", "failed", "stopped"]


class Standing(Record):
    """One schedule now."""

    name: str
    exports: str
    cron: str
    zone: str
    by: Starter
    state: State = Field(description="stopped: the last run has no end, it was killed or the machine went down.")
    last_run: Attempt | None
    last_success: Done | None
    folder: str | None = Field(description="The folder of the latest complete reports.")
    log: str
    next_run: datetime
    overdue_since: datetime | None = Field(description="The time of the run that was missed.")

    @property
    def troubled(self) -> bool:
        """Whether somebody should look after it."""
        return self.overdue_since is not None or self.state in ("failed", "stopped")


class Standings(Record):
    """All schedules of a state folder."""

    schedules: tuple[Standing, ...]


def standings(state: Path, now: datetime) -> Standings:
    """Where the schedules of a state folder stand.

    Raises:
        UsageError: The schedules cannot be read.
    """
    return Standings(schedules=tuple(standing(state, one, now) for one in Book(state).all()))


def standing(state: Path, schedule: Schedule, now: datetime) -> Standing:
    """Where one stands."""
    from storehealth.schedule.log import log_path

    runs = Runs(state, schedule.name)
    last, latest = last_attempt(runs.folder), runs.latest()
    return Standing(
        **schedule.model_dump(include={"name", "exports", "cron", "zone", "by"}),
        state=_state(last, runs.folder),
        last_run=last,
        last_success=runs.last_success(),
        folder=str(latest) if latest else None,
        log=str(log_path(state, schedule.name)),
        next_run=following(schedule.cron, schedule.zone, now),
        overdue_since=_missed(schedule, last, now),
    )


def _state(last: Attempt | None, folder: Path) -> State:
    if last is None:
        return "waiting"
    if last.exit_code is None:
        return "running" if is_held(folder) else "stopped"
    return "fine" if last.exit_code in GOOD else "failed"


def _missed(schedule: Schedule, last: Attempt | None, now: datetime) -> datetime | None:
    """The last time it was due, where no run has begun since and enough time has passed for one to begin."""
    due = preceding(schedule.cron, schedule.zone, now - PATIENCE)
    seen = last.started_at if last else schedule.created_at
    return due if seen < due - SLACK else None
