"""Refund cases: follow a store through the months from leaving a platform to getting its deposit back.

::

    checklists/*.yaml ─────┐
    dossier (SQLite) ──────┼─▶ progress ─▶ CaseStatus ─▶ output/refund (text, markdown, html, json, ics, csv)
    exports ─▶ readiness ──┘                   └───────▶ upcoming dates      papers: drafts + settings ─▶ papers

Entries are only ever added to a dossier. A :class:`~storehealth.refund.status.CaseStatus` is a pure function of checklist,
dossier, answers and day; every output format is a pure function of that status.
"""
