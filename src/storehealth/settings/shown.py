"""The settings as they are shown: every value in force, where it comes from, and nothing that is secret or personal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from storehealth.privacy import REMOVED, redact
from storehealth.settings.layers import Origin, Resolved

PERSONAL = ("deposit",)
"""Tables that hold names, accounts and numbers: that they are set is shown, not what to."""
DURATIONS = ("notify.suppress",)
"""Seconds within, written as people write them."""
DEFAULT = Origin("default")


class Shown(NamedTuple):
    """One value in force."""

    key: str
    value: Any
    origin: Origin


def shown(found: Resolved) -> list[Shown]:
    """Every setting by its dotted key, with its value as JSON has it: hidden where it is personal, no address whole."""
    return [
        Shown(key, _hidden(key, value), _origin(key, found.origins))
        for key, value in _flat(found.settings.model_dump(mode="json"), "")
    ]


def _flat(values: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _origin(key: str, origins: Mapping[str, Origin]) -> Origin:
    return origins.get(key, DEFAULT)


def _hidden(key: str, value: Any) -> Any:
    if key in DURATIONS:
        return f"{value / 3600:g} h"
    if key.partition(".")[0] in PERSONAL and value not in ({}, None):
        return REMOVED
    if isinstance(value, list):
        return [_hidden(key, part) for part in value]
    return redact(value) if isinstance(value, str) else value


def below_home(path: Path) -> str:
    """A path with the home folder, which names its owner, as ``~``."""
    home = Path.home()
    return str(Path("~") / path.relative_to(home)) if path.is_relative_to(home) else str(path)
