"""Scheduled audits: when they are due, what starts them, where their reports are, and whether a run was missed.

::

    schedules.json ── crontab · systemd · windows ──▶ ``schedule run NAME`` ── lock ── audit ── runs/NAME/RUN ──▶ latest
                      (their lines and units)                                                        └──▶ status
"""

from __future__ import annotations

from storehealth.schedule.attempt import Attempt
from storehealth.schedule.book import Book, BusyError, Schedule
from storehealth.schedule.call import Call
from storehealth.schedule.runs import Runs
from storehealth.schedule.standing import Ran, Standing, Standings, standings

__all__ = [
    "Attempt",
    "Book",
    "BusyError",
    "Call",
    "Ran",
    "Runs",
    "Schedule",
    "Standing",
    "Standings",
    "standings",
]
