"""Scheduled audits: when they are due, what starts them, where their reports are, and whether a run was missed.

::

    schedules.json ── crontab · systemd · windows ──▶ ``schedule run NAME`` ── lock ── audit ── runs/NAME/RUN ──▶ latest
                      (their lines and units)                                                        └──▶ status
"""

from __future__ import annotations

from storehealth.schedule.runs import RunFolders, RunStatus, ScheduleStatus, ScheduleStatuses, read_statuses
from storehealth.schedule.schedules import Attempt, BusyError, RunCommand, Schedule, ScheduleBook

__all__ = [
    "Attempt",
    "BusyError",
    "RunCommand",
    "RunFolders",
    "RunStatus",
    "Schedule",
    "ScheduleBook",
    "ScheduleStatus",
    "ScheduleStatuses",
    "read_statuses",
]
