"""Keeps keys and passwords out of output: of an address such as ``wecombot://KEY`` only the scheme is shown."""

from __future__ import annotations

import re

ADDRESS = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,30}):/{1,2}[^\s\"'，。；）)]*")
"""An address that went through ``Path`` has lost a slash. A drive such as ``C:/`` is not an address."""
HIDDEN = "…"


def holds_address(text: str) -> bool:
    """Whether a text holds an address such as ``wecombot://KEY``, which may hold a key."""
    return ADDRESS.search(text) is not None


def redact(text: str) -> str:
    """Return a text with every address cut down to its scheme: ``wecombot://…``."""
    return ADDRESS.sub(rf"\1://{HIDDEN}", text)
