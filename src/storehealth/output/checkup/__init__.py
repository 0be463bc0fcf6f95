"""Reports: a checkup as bytes, one module per format, found by scanning this package.

A module ``reports/<name>.py`` holds ``NAME`` (its own name), ``SUFFIX`` (``.md``) and ``render(checkup) -> bytes``;
modules whose names begin with an underscore are no reports. Rendering is pure: no clock, no files, no network.
"""

from __future__ import annotations

import difflib
import pkgutil
from functools import cache
from importlib import import_module
from typing import Protocol, cast

from storehealth.errors import UsageError
from storehealth.model import Checkup


class Report(Protocol):
    """What a report module offers."""

    NAME: str
    SUFFIX: str

    def render(self, checkup: Checkup) -> bytes:
        """The checkup in this format."""
        ...  # pragma: no cover - a protocol has no body


@cache
def list_formats() -> tuple[str, ...]:
    """Names of all formats, in alphabetical order; no module is imported for it."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")))


def find_report(name: str) -> Report:
    """The report module of a format, by its name or its suffix (``markdown`` or ``md``).

    Raises:
        UsageError: There is none; the message names the nearest.
    """
    if name in list_formats():
        return _load(name)
    by_suffix = {_load(known).SUFFIX.removeprefix("."): known for known in list_formats()}
    if name in by_suffix:
        return _load(by_suffix[name])
    close = difflib.get_close_matches(name, [*list_formats(), *by_suffix], n=1)
    nearest = f"Nearest is {close[0]}. " if close else ""
    raise UsageError(f"there is no report format {name!r}", f"{nearest}Formats: {', '.join(list_formats())}.")


def _load(name: str) -> Report:
    return cast("Report", import_module(f"{__name__}.{name}"))
