"""Refund cases: follow a store through the months from leaving a platform to getting its deposit back.

::

    checklists/*.yaml ─┐
    dossier (a file) ──┼─▶ progress ─▶ Standing ─▶ output (text, markdown, html, json, ics, csv)
    exports ─ readiness┘                  └──────▶ upcoming dates        drafts/*.yaml + settings ─▶ papers

The dossier is only ever appended to. A :class:`~storehealth.deposit.standing.Standing` is a pure function of
checklist, dossier, answers and day; every output format is a pure function of that status.
"""

from __future__ import annotations

from storehealth.refund.checklist import Checklist, load_checklist, load_checklists
from storehealth.refund.dossier import Dossier, read_dossier
from storehealth.refund.facts import StatusRequest
from storehealth.refund.progress import derive_status, list_upcoming_dates, read_upcoming_dates
from storehealth.refund.status import CaseDate, CaseStatus

__all__ = [
    "CaseDate",
    "CaseStatus",
    "Checklist",
    "Dossier",
    "StatusRequest",
    "derive_status",
    "list_upcoming_dates",
    "load_checklist",
    "load_checklists",
    "read_dossier",
    "read_upcoming_dates",
]
