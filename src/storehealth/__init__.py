"""storehealth: audits an online store's exports and says what to do about what it finds.

>>> from storehealth import audit_store                                                     # doctest: +SKIP
>>> audit = audit_store("exports/", platform="jd")                                          # doctest: +SKIP
>>> audit.checkup.score.value, str(audit.checkup.headline)                                  # doctest: +SKIP
>>> audit.frame("findings").sort_values("defects")                                          # doctest: +SKIP

docs/python.md says more.

Heavy libraries are imported only when one of these names is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from storehealth.support.message import Message, set_renderer
from storehealth.version import __version__

if TYPE_CHECKING:
    from storehealth.api import Audit, audit_store, frames
    from storehealth.errors import StorehealthError
    from storehealth.model import Checkup

__all__ = ["Audit", "Checkup", "StorehealthError", "__version__", "audit_store", "frames"]

_HOMES = {
    "Audit": "storehealth.api",
    "audit_store": "storehealth.api",
    "frames": "storehealth.api",
    "Checkup": "storehealth.model",
    "StorehealthError": "storehealth.errors",
}


def _render(text: Message, language: str | None) -> str:
    """Messages become text through the catalogues, which are loaded when the first is shown."""
    from storehealth.i18n import translate

    return translate(text, language)


set_renderer(_render)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'storehealth' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
