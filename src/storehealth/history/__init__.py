"""Saved runs: what is kept of an audit, and how a later audit is compared with it.

Only :mod:`~storehealth.history.runs` and :mod:`~storehealth.history.storage` touch the disk; all others are pure. An audit
gets a :class:`RunHistory` and reads earlier runs from it; only the command line calls :func:`remember_run`.
"""

from __future__ import annotations

from storehealth.history.comparison import CurrentAudit, HistoryComparison, compare_with_history
from storehealth.history.events import EventCalendar, read_calendar
from storehealth.history.past import DefectMarks, EarlierRun, EarlierRuns
from storehealth.history.runs import PendingRun, RunHistory, RunSeries, StoredRun, delete_runs, digest_key, remember_run

__all__ = [
    "CurrentAudit",
    "DefectMarks",
    "EarlierRun",
    "EarlierRuns",
    "EventCalendar",
    "HistoryComparison",
    "PendingRun",
    "RunHistory",
    "RunSeries",
    "StoredRun",
    "compare_with_history",
    "delete_runs",
    "digest_key",
    "read_calendar",
    "remember_run",
]
