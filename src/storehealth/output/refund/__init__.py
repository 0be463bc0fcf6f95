"""Output formats of a refund case: one module each, see ``storehealth.output``.

Rendering is a pure function of the status; it needs neither dossier nor exports.
"""

from __future__ import annotations

from storehealth.output import Registry
from storehealth.refund.status import CaseStatus

REFUND_FORMATS: Registry[CaseStatus] = Registry(__name__)
