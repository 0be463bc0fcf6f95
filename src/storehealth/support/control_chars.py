"""Characters that are invisible or that a terminal obeys. Texts from foreign files may contain any of them.

Control characters, direction marks, joiners, line and paragraph separators, byte order marks, surrogates.
"""

from __future__ import annotations

import re
from typing import Any

SURROGATE = re.compile("[\ud800-\udfff]")
INVISIBLE = "\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff"
CONTROL_CHARS = re.compile(f"[\x00-\x1f{INVISIBLE}]+")
"""A run of them, for texts that must stay on one line."""
CONTROL_CHARS_IN_LINES = re.compile(f"[\x00-\x08\x0b-\x1f{INVISIBLE}]")
"""Each of them except tab and line feed, for texts of several lines."""


def clean_value(value: Any) -> Any:
    """Return a value of a template; a text without characters that are invisible or turn the direction of what follows."""
    return CONTROL_CHARS.sub(" ", value) if type(value) is str else value


def escape_bytes(name: str) -> str:
    r"""Return the name of a file as it can be shown: its bytes that are not UTF-8 are written ``\xb6``."""
    if name.isascii():
        return name
    return SURROGATE.sub(
        lambda match: f"\\x{ord(match[0]) - 0xDC00:02x}" if "\udc80" <= match[0] <= "\udcff" else "\ufffd", name
    )
