"""Signs that nobody sees or that a terminal obeys; texts come from files of strangers, and may hold any of them.

Control characters, marks of writing direction, joiners, breaks of lines and paragraphs, byte order marks, halves of signs.
"""

from __future__ import annotations

import re

_BEYOND = "\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff"
UNSEEN = re.compile(f"[\x00-\x1f{_BEYOND}]+")
"""A run of them, where a text is to stand on one line."""
UNSEEN_IN_LINES = re.compile(f"[\x00-\x08\x0b-\x1f{_BEYOND}]")
"""Each of them but tab and line feed, where a text has lines."""
