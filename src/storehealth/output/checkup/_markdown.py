"""Markdown in which no text of a customer can become markup, a link, a table cell or HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from storehealth.support.control_chars import CONTROL_CHARS

MARKUP = re.compile(r"([\\`*\[\]~|#]|(?<![^\W_])_|_(?![^\W_]))")
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
LINE_START = re.compile(r"^([-+=]|\d+(?=[.)]))(?=[-=.)]*(\s|$))")
AUTOLINK = re.compile(r"(?i)(https?|ftp)://|(www)\.|(mailto|xmpp):|@")


def escape(text: str) -> str:
    """Text on one line in which nothing is markup, whatever it contains."""
    text = CONTROL_CHARS.sub(" ", text).strip()
    text = "".join(ENTITIES.get(sign, sign) for sign in text)
    text = MARKUP.sub(r"\\\1", text)
    text = AUTOLINK.sub(_escape_link, text)
    return LINE_START.sub(_escape_list, text)


def _escape_list(match: re.Match[str]) -> str:
    return f"{match[0]}\\" if match[0].isdigit() else f"\\{match[0]}"


def _escape_link(match: re.Match[str]) -> str:
    return match[0].replace(":", "&#58;").replace(".", "&#46;").replace("@", "&#64;")


def write_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table with escaped cells; nothing where there are no rows."""
    lines = [f"| {' | '.join(escape(cell) or ' ' for cell in row)} |" for row in rows]
    if not lines:
        return []
    return [f"| {' | '.join(map(escape, header))} |", f"|{'---|' * len(header)}", *lines, ""]


def write_bullets(texts: Iterable[str]) -> list[str]:
    """A list of escaped texts, and the empty line after it."""
    lines = [f"- {escape(text)}" for text in texts]
    return [*lines, ""] if lines else []
