"""The dates of a refund case for an audit's report. Nothing here ever stops an audit."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time
from pathlib import Path

from storehealth.errors import StorehealthError
from storehealth.model import UpcomingDeadline
from storehealth.refund.notes import word_date
from storehealth.refund.progress import read_upcoming_dates
from storehealth.refund.selection import CaseSelector, choose_dossier, list_dossiers
from storehealth.refund.status import CaseDate

KIND = "deposit"
LAST_MINUTE = time(23, 59)


def list_case_deadlines(
    state: Path, selector: CaseSelector, as_of: datetime | None, packs: Iterable[Path] = ()
) -> tuple[UpcomingDeadline, ...]:
    """List the dates to keep of the store's own case, soonest first; overdue ones have negative hours.

    Args:
        state: The state folder; its ``deposit`` folder holds the dossiers.
        selector: Platform and store.
        as_of: Naive, in the store's zone; the status is that of this day.
        packs: Folders with further checklists.

    Returns:
        Each deadline is the end of its day. Empty if there is no dossier, if it is ambiguous, or if it is damaged.
    """
    if as_of is None:
        return ()
    try:
        dossier = choose_dossier(list_dossiers(state / "deposit"), selector)
        moments = read_upcoming_dates(dossier.path, as_of.date(), packs) if dossier else ()
    except (StorehealthError, OSError):
        return ()
    return tuple(_to_deadline(moment, as_of) for moment in moments)


def _to_deadline(moment: CaseDate, as_of: datetime) -> UpcomingDeadline:
    due = datetime.combine(moment.on, LAST_MINUTE)
    hours = round((due - as_of).total_seconds() / 3600, 1)
    return UpcomingDeadline(kind=KIND, id=moment.item, what=word_date(moment), due_at=due, hours_left=hours)
