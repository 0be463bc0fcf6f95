"""Refund cases: follow a store through the months from leaving a platform to getting its deposit back.

::

    checklists/*.yaml ─┐
    dossier (a file) ──┼─▶ progress ─▶ Standing ─▶ output (text, markdown, html, json, ics, csv)
    exports ─ readiness┘                  └──────▶ upcoming dates        drafts/*.yaml + settings ─▶ papers

The dossier is only ever appended to. A :class:`~storehealth.deposit.standing.Standing` is a pure function of
checklist, dossier, answers and day; every output format is a pure function of that status.
"""

from __future__ import annotations

from storehealth.deposit.checklist import Checklist, load_checklist, load_checklists
from storehealth.deposit.dossier import Dossier, read_dossier
from storehealth.deposit.facts import Look
from storehealth.deposit.progress import standing, upcoming, upcoming_in
from storehealth.deposit.standing import ChaseDate, Standing

__all__ = [
    "ChaseDate",
    "Checklist",
    "Dossier",
    "Look",
    "Standing",
    "load_checklist",
    "load_checklists",
    "read_dossier",
    "standing",
    "upcoming",
    "upcoming_in",
]
