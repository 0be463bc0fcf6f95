"""Output formats of a refund case: one module each, found by scanning, with ``NAME``, ``SUFFIX`` and ``render``.

Rendering is a pure function of the status; it needs neither dossier nor exports.
"""

from __future__ import annotations

import difflib
import pkgutil
from importlib import import_module
from typing import Protocol, cast

from storehealth.errors import UsageError
from storehealth.refund.status import CaseStatus


class RefundFormat(Protocol):
    """What a format's module offers."""

    NAME: str
    SUFFIX: str

    def render(self, standing: CaseStatus) -> bytes:
        """Render the status in this format."""


def list_formats() -> tuple[str, ...]:
    """Return the names of all formats."""
    return tuple(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def find_format(name: str) -> RefundFormat:
    """Find a format by name; ``md``, ``ical`` and such are understood too.

    Raises:
        UsageError: There is none; the message names the nearest.
    """
    wanted = {"md": "markdown", "ical": "ics", "icalendar": "ics", "htm": "html", "txt": "text"}.get(
        name.lower(), name.lower()
    )
    if wanted in list_formats():
        return cast("RefundFormat", import_module(f"{__name__}.{wanted}"))
    close = difflib.get_close_matches(wanted, list_formats(), n=1, cutoff=0.4)
    nearest = f"; nearest is {close[0]}" if close else ""
    raise UsageError(f"there is no format {name!r}{nearest}", f"Choose one of: {', '.join(list_formats())}.")
