"""Lines of text for a terminal: cells counted as terminals show them, nothing interpreted.

Text comes from files of strangers: control and direction characters are taken out, and no markup language is read. A line is
broken between words and wide characters, never inside an id or before punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from rich.cells import cell_len
from rich.text import Text

from storehealth.support.control_chars import CONTROL_CHARS_IN_LINES

PLAIN = str.maketrans(
    {"✓": ".", "✗": "x", "—": "-", "–": "-", "…": "...", "≥": ">=", "≤": "<=", "·": "-", "∞": "inf", "\u00a0": " ",
     "→": "->", "█": "#", "░": ".", "▌": "#", "│": "|", "►": ">", "×": "x", "≈": "~", "‘": "'", "’": "'", "“": '"', "”": '"',
     "\ufffd": "?"}
)  # fmt: skip

SYMBOLS = {"pass": "✓", "watch": "!", "fail": "✗", "informative": "·", "inconclusive": "?", "not_applicable": "–"}
STYLES = {
    "pass": "green",
    "watch": "yellow",
    "fail": "bold red",
    "informative": "",
    "inconclusive": "cyan",
    "not_applicable": "dim",
}
"""Signs and colours of a verdict, see ``Status``."""


class TextRun(NamedTuple):
    """A run of text in one style. ``keep``: an id, a path or a figure, which is never broken over lines."""

    text: str
    style: str = ""
    keep: bool = False


class Page:
    """Lines as they fill up.

    Args:
        width: Cells per line.
        ascii_only: Write the page's own signs (✓ ✗ — ≥ …) in ASCII; texts and ids stay as they are.
        exports: Absolute path of the exports, which places of rows link to; None: no links.
    """

    def __init__(self, width: int, ascii_only: bool = False, exports: Path | None = None) -> None:
        self.width = max(width, 30)
        self.ascii_only = ascii_only
        self.exports = exports
        self.lines: list[Text] = []

    def add(self, *pieces: TextRun | str, indent: int = 0, hang: int | None = None) -> None:
        """Add a paragraph, wrapped; its first line begins at ``indent``, the others at ``hang`` (default: indent)."""
        hang = indent if hang is None else hang
        line, used = Text(" " * indent), indent
        for atom in self._split_atoms(pieces):
            size = cell_len(atom.text)
            if used + size > self.width and used > hang and not atom.text.isspace():
                self._end(line)
                line, used = Text(" " * hang), hang
            if atom.text.isspace() and not atom.keep and used == hang and line.plain.isspace() and self.lines:
                continue
            line.append(atom.text, atom.style)
            used += size
        self._end(line)

    def add_blank(self) -> None:
        """An empty line, unless there is one already."""
        if self.lines and self.lines[-1].plain:
            self.lines.append(Text())

    def add_heading(self, text: str) -> None:
        """A line that opens a block."""
        self.add_blank()
        self.add(TextRun(text, "bold"))

    def link(self, style: str, path: str | None) -> str:
        """A style that makes a text a link to a file of the exports, where the terminal knows links."""
        if self.exports is None or not path:
            return style
        return f"{style} link {(self.exports / path.partition('#')[0]).as_uri()}"

    def clean(self, text: str) -> str:
        """A text as it may be shown."""
        shown = CONTROL_CHARS_IN_LINES.sub("\N{REPLACEMENT CHARACTER}", text).replace("\n", " ").replace("\t", " ")
        return shown.translate(PLAIN) if self.ascii_only else shown

    def _split_atoms(self, pieces: tuple[TextRun | str, ...]) -> Iterator[TextRun]:
        for piece in pieces:
            text, style, keep = piece if isinstance(piece, TextRun) else TextRun(piece)
            if keep:
                yield TextRun(self.clean(text), style, keep=True)
            else:
                yield from (
                    TextRun(self.clean(atom), style)
                    for atom in ATOM.findall(CONTROL_CHARS_IN_LINES.sub("\ufffd", text))
                )

    def _end(self, line: Text) -> None:
        line.rstrip()
        self.lines.append(line)


def pad_text(text: str, width: int, right: bool = False) -> str:
    """A text padded with blanks to this many cells; CJK characters count as two."""
    gap = " " * max(width - cell_len(text), 0)
    return gap + text if right else text + gap


BAR_CELLS = 5
LEVELS = "▁▂▃▄▅▆▇█"


def draw_bar(score: float | None) -> str:
    """A score of 0 to 100 as a bar of five cells; blank without a score."""
    if score is None:
        return " " * BAR_CELLS
    halves = round(score / 100 * 2 * BAR_CELLS)
    return ("█" * (halves // 2) + "▌" * (halves % 2)).ljust(BAR_CELLS, "░")


def draw_sparkline(scores: Iterable[float | None]) -> str:
    """Scores of 0 to 100 as a line of blocks, one per run; blank where a run has none."""
    top = len(LEVELS) - 1
    return "".join(" " if score is None else LEVELS[min(top, int(score / 100 * len(LEVELS)))] for score in scores)


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
