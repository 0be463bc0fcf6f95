"""Markdown in which no text of a customer can become markup, a link, a table cell or HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from storehealth.unseen import UNSEEN

MARKUP = re.compile(r"([\\`*\[\]~|#]|(?<![^\W_])_|_(?![^\W_]))")
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
LINE_START = re.compile(r"^([-+=]|\d+(?=[.)]))(?=[-=.)]*(\s|$))")
AUTOLINK = re.compile(r"(?i)(https?|ftp)://|(www)\.|(mailto|xmpp):|@")


def escape(text: str) -> str:
    """Any text as it stands, on one line, whatever it contains."""
    text = UNSEEN.sub(" ", text).strip()
    text = "".join(ENTITIES.get(sign, sign) for sign in text)
    text = MARKUP.sub(r"\\\1", text)
    text = AUTOLINK.sub(_unlinked, text)
    return LINE_START.sub(_unlisted, text)


def _unlisted(found: re.Match[str]) -> str:
    return f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}"


def _unlinked(found: re.Match[str]) -> str:
    return found[0].replace(":", "&#58;").replace(".", "&#46;").replace("@", "&#64;")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table; cells are escaped here. No rows, no table."""
    lines = [f"| {' | '.join(escape(cell) or ' ' for cell in row)} |" for row in rows]
    if not lines:
        return []
    return [f"| {' | '.join(map(escape, header))} |", f"|{'---|' * len(header)}", *lines, ""]


def bullets(texts: Iterable[str]) -> list[str]:
    """A list of escaped texts, and the empty line after it."""
    lines = [f"- {escape(text)}" for text in texts]
    return [*lines, ""] if lines else []
