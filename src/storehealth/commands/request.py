"""The options of an audit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from storehealth.catalogue.common import Language
from storehealth.history import RunHistory
from storehealth.privacy import Mask, keep_value, load_installation_key, make_mask
from storehealth.support.message import Message


def _ignore_progress(_: Message) -> None:
    """Do not report progress."""


@dataclass(frozen=True)
class AuditRequest:
    """The options of an audit; every field is an option of ``storehealth audit``.

    ``unmask`` shows personal values unmasked. ``history`` provides earlier runs; the caller adds this one.
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
    date_order: str | None = None
    memory: str | None = None
    cache: bool = True
    fail_on: str = "fail"
    strict_data: bool = False
    assume_auto: bool = False
    tell: Callable[[Message], None] = _ignore_progress
    unmask: bool = False
    history: RunHistory | None = None


def choose_mask(request: AuditRequest) -> Mask:
    """Choose how personal values are shown: pseudonyms keyed by this user's secret, or unmasked on request."""
    return keep_value if request.unmask else make_mask(load_installation_key())
