"""Audits that run by themselves: when they are due, who starts them, where their reports are, and whether one is missed.

::

    schedules.json ── crontab · systemd · windows ──▶ ``schedule run NAME`` ── lock ── audit ── runs/NAME/RUN ──▶ latest
                      (their lines and units)                                                        └──▶ status

``book`` keeps what was agreed on, ``when`` knows the clock of a schedule, ``runs`` the folders of reports.
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
