"""Names of calendar entries that stay the same from one run to the next."""

from __future__ import annotations

import hashlib

from storehealth.deposit.dossier import Dossier


def uid(platform: str, dossier: Dossier, item: str, kind: str) -> str:
    """The same for the same store, platform, item and kind of date, on every run and machine."""
    store = dossier.begin.store if dossier.begin else ""
    digest = hashlib.sha256(f"{platform}\n{store}\n{item}\n{kind}".encode()).hexdigest()[:20]
    return f"{digest}@refund-checklist.storehealth"
