"""The store's settings: flags, environment and files in layers, every value with its origin, every mistake at once."""

from __future__ import annotations

from storehealth.settings.layers import (
    AUTO_REPLIES,
    ResolvedSettings,
    SettingOrigin,
    SettingsFile,
    find_settings_folder,
    locate_user_file,
    read_settings,
    resolve_settings,
)
from storehealth.settings.model import FILE_NAME, NotifySettings, Role, Settings

__all__ = [
    "AUTO_REPLIES",
    "FILE_NAME",
    "NotifySettings",
    "ResolvedSettings",
    "Role",
    "SettingOrigin",
    "Settings",
    "SettingsFile",
    "find_settings_folder",
    "locate_user_file",
    "read_settings",
    "resolve_settings",
]
