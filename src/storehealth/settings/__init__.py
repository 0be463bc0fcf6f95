"""The store's settings: flags, environment and files in layers, every value with its origin, every mistake at once."""

from __future__ import annotations

from storehealth.settings.layers import (
    AUTO_REPLIES,
    FileSeen,
    Origin,
    Resolved,
    beside,
    read_settings,
    resolve,
    user_file,
)
from storehealth.settings.model import FILE_NAME, Notify, Role, Settings

__all__ = [
    "AUTO_REPLIES",
    "FILE_NAME",
    "FileSeen",
    "Notify",
    "Origin",
    "Resolved",
    "Role",
    "Settings",
    "beside",
    "read_settings",
    "resolve",
    "user_file",
]
