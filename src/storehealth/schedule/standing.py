"""Where each schedule stands: last run, last success, next run, and whether one was missed."""

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
"""How much before its time a run may seem to begin: the clocks of two programs."""
State = Literal["waiting", "fine", "running", "failed", "stopped"]


class Ran(Record):
    """The runs of a name now, whether a schedule, a line of the user's own or a person starts them."""

    name: str
    state: State = Field(description="stopped: the last run has no end, it was killed or the machine went down.")
    last_run: Attempt | None
    last_success: Done | None
    folder: str | None = Field(description="The folder of the latest complete reports.")
    log: str

    @property
    def troubled(self) -> bool:
        """Whether somebody should look after it."""
        return self.state in ("failed", "stopped")


class Standing(Ran):
    """One schedule now."""

    exports: str
    cron: str
    zone: str
    by: Starter
    next_run: datetime
    overdue_since: datetime | None = Field(description="The time of the run that was missed.")

    @property
    def troubled(self) -> bool:
        """Whether somebody should look after it: also where a run was missed."""
        return self.overdue_since is not None or super().troubled


class Standings(Record):
    """All schedules of a state folder, and other runs in it."""

    schedules: tuple[Standing, ...]
    others: tuple[Ran, ...] = ()

    @property
    def every(self) -> Sequence[Ran]:
        """Schedules first."""
        return [*self.schedules, *self.others]

    @property
    def troubled(self) -> tuple[str, ...]:
        """Names of those that somebody should look after."""
        return tuple(one.name for one in self.every if one.troubled)


def standings(state: Path, now: datetime) -> Standings:
    """Where the schedules of a state folder stand.

    Raises:
        UsageError: The schedules cannot be read.
    """
    schedules = Book(state).all()
    known = {one.name for one in schedules}
    others = (_ran(state, name) for name in names(state) if name not in known)
    return Standings(
        schedules=tuple(standing(state, one, now) for one in schedules),
        others=tuple(one for one in others if one.last_run is not None),
    )


def standing(state: Path, schedule: Schedule, now: datetime) -> Standing:
    """Where one stands."""
    ran = _ran(state, schedule.name)
    return Standing(
        **dict(ran),
        **schedule.model_dump(include={"exports", "cron", "zone", "by"}),
        next_run=following(schedule.cron, schedule.zone, now),
        overdue_since=_missed(schedule, ran.last_run, now),
    )


def _ran(state: Path, name: str) -> Ran:
    """Where the runs of a name stand."""
    runs = Runs(state, name)
    last, latest = last_attempt(runs.folder), runs.latest()
    return Ran(
        name=name,
        state=_state(last, runs.folder),
        last_run=last,
        last_success=runs.last_success(),
        folder=str(latest) if latest else None,
        log=str(log_path(state, name)),
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
