"""What an audit is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from storehealth.catalogue.common import Language
from storehealth.db.rejects import RejectsFile
from storehealth.history import Book
from storehealth.measure import EvidenceFiles
from storehealth.privacy import Mask, installation_key, masker, unmasked


def _silent(_: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class AuditRequest:
    """What an audit is asked for; every field is an option of ``storehealth audit``.

    ``evidence`` and ``rejects`` are written while the store is open. ``unmask`` shows personal values as they are.
    ``history`` is read from, and gets what is to be remembered; the caller remembers.
    """

    state: Path
    platform: str | None = None
    as_of: datetime | None = None
    window: str | None = None
    language: Language | None = None
    packs: tuple[Path, ...] = ()
    config: Path | None = None
    layouts: Mapping[str, str] = field(default_factory=dict)
    encodings: Mapping[str, str] = field(default_factory=dict)
    memory: str | None = None
    cache: bool = True
    fail_on: str = "fail"
    strict_data: bool = False
    assume_auto: bool = False
    tell: Callable[[str], None] = _silent
    evidence: EvidenceFiles | None = None
    rejects: RejectsFile | None = None
    unmask: bool = False
    history: Book | None = None


def mask_for(request: AuditRequest) -> Mask:
    """How personal values are shown: keyed by this user's secret, unless the user asked to see them."""
    return unmasked if request.unmask else masker(installation_key())
