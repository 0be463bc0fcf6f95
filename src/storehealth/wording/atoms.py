"""Where a line may be broken: between words and wide characters, never inside an id or before punctuation."""

from __future__ import annotations

import re

from rich.cells import cell_len

WIDE = "\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6"
OPENERS, CLOSERS = "（《「『【〔“‘", "，。；：、！？）》」』】〕”’…"
ATOM = re.compile(rf"[ \t\n]+|[{OPENERS}]*(?:(?![{OPENERS}])[{WIDE}]|[^ \t\n{WIDE}]+)[{CLOSERS}]*|[{OPENERS}]+")


def fold_text(text: str, width: int) -> str:
    """Wrap text to a width in terminal cells; a word longer than a line stays whole."""
    lines, line = [], ""
    for atom in ATOM.findall(text):
        if cell_len(line + atom.rstrip()) > width and line.strip():
            lines.append(line.rstrip())
            line = atom.lstrip()
        else:
            line += atom
    return "\n".join([*lines, line.rstrip()])
