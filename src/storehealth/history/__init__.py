"""Remembered runs: what is kept of an audit, and how a later audit is compared with it.

Only the modules that hold :class:`Book` and the SQLite file touch the disk; all others are pure. An audit gets a
:class:`Book` and reads earlier runs from it; only the command line calls :func:`remember`.
"""

from __future__ import annotations

from storehealth.history.book import Book, Noted, Series, Stored, forget, key_id, remember
from storehealth.history.compared import Compared, Present, compared
from storehealth.history.events import Calendar, read_calendar
from storehealth.history.past import Past, PastRun
from storehealth.history.states import Seen

__all__ = [
    "Book",
    "Calendar",
    "Compared",
    "Noted",
    "Past",
    "PastRun",
    "Present",
    "Seen",
    "Series",
    "Stored",
    "compared",
    "forget",
    "key_id",
    "read_calendar",
    "remember",
]
