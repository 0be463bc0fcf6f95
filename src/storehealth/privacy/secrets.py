"""Keeps keys and passwords out of what is shown or written: an address with a scheme is cut down to its scheme."""

from __future__ import annotations

import re

ADDRESS = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,30}):/{1,2}[^\s\"'，。；）)]*")
"""One that was taken for a path has lost a slash. A drive such as ``C:/`` is none."""
HIDDEN = "…"


def holds_address(text: str) -> bool:
    """Whether a text holds an address such as ``wecombot://KEY``, which may hold a key."""
    return ADDRESS.search(text) is not None


def redact(text: str) -> str:
    """A text in which every address is its scheme alone: ``wecombot://…``."""
    return ADDRESS.sub(rf"\1://{HIDDEN}", text)
