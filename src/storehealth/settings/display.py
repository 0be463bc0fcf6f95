"""The settings for display: every effective value and its origin, and nothing secret or personal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from storehealth.privacy import REMOVED, redact
from storehealth.settings.layers import ResolvedSettings, SettingOrigin

PERSONAL = ("deposit",)
"""Tables that hold names, accounts and numbers: only that they are set is shown."""
DURATIONS = ("notify.suppress",)
"""Settings in seconds, displayed in hours."""
DEFAULT = SettingOrigin("default")


class DisplayedSetting(NamedTuple):
    """One effective value."""

    key: str
    value: Any
    origin: SettingOrigin


def list_effective(resolved: ResolvedSettings) -> list[DisplayedSetting]:
    """List every setting by its dotted key with its JSON value; personal values are hidden, addresses shortened."""
    return [
        DisplayedSetting(key, _hide(key, value), _origin_of(key, resolved.origins))
        for key, value in _flatten(resolved.settings.model_dump(mode="json"), "")
    ]


def _flatten(values: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flatten(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _origin_of(key: str, origins: Mapping[str, SettingOrigin]) -> SettingOrigin:
    return origins.get(key, DEFAULT)


def _hide(key: str, value: Any) -> Any:
    if key in DURATIONS:
        return f"{value / 3600:g} h"
    if key.partition(".")[0] in PERSONAL and value not in ({}, None):
        return REMOVED
    if isinstance(value, list):
        return [_hide(key, part) for part in value]
    return redact(value) if isinstance(value, str) else value


def shorten_home(path: Path) -> str:
    """Return a path with the home folder, which contains its owner's name, as ``~``."""
    home = Path.home()
    return str(Path("~") / path.relative_to(home)) if path.is_relative_to(home) else str(path)
