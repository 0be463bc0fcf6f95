"""Plain text for the screen: aligned, never boxed, aware of wide characters; rich adds colour."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from storehealth.output.refund._document import SEPARATOR, CaseDocument, ItemBlock, Section, StageBlock, build_document
from storehealth.output.terminal.page import fold_text
from storehealth.refund.status import CaseStatus, ItemState
from storehealth.support.control_chars import CONTROL_CHARS

NAME, SUFFIX, ALIASES = "text", ".txt", ("txt",)
WIDTH = 100
SCREEN_ROWS = 5
SIGNS: dict[ItemState, tuple[str, str]] = {
    "done": ("✓", "+"),
    "open": ("○", "o"),
    "blocked": ("✗", "x"),
    "waiting": ("…", "~"),
    "later": ("·", "."),
    "not_needed": ("-", "-"),
}
COLOURS: dict[ItemState, str] = {
    "done": "green", "open": "bold", "blocked": "red", "waiting": "yellow", "later": "dim", "not_needed": "dim",
}  # fmt: skip
PLAIN = str.maketrans({"—": "-", "·": "|", "…": "...", "≤": "<=", "→": "->", "–": "-"})
ONLY_IN_DETAIL = ("log", "remarks")
TWO_COLUMNS = ("desks", "dates", "log")


@dataclass(frozen=True)
class TextOptions:
    """How to print: with all details or one screen, in ASCII only or not, in colour or not."""

    details: bool = False
    ascii_only: bool = False
    colour: bool = False


def render(status: CaseStatus) -> bytes:
    """Render the screen as a text file."""
    return write_status(status, WIDTH, TextOptions(details=True)).encode()


def write_status(status: CaseStatus, width: int, options: TextOptions) -> str:
    """Return the screen, the next step first, in lines of at most ``width`` cells."""
    out = io.StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=options.colour,
        color_system="standard" if options.colour else None,
        legacy_windows=False,
    )
    _Screen(status, build_document(status, SCREEN_ROWS), console, options).print()
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


@dataclass(frozen=True)
class _Screen:
    status: CaseStatus
    page: CaseDocument
    console: Console
    options: TextOptions

    def print(self) -> None:
        first, *others = self.page.steps
        self._print(self.page.title, "bold")
        self._print(SEPARATOR.join(self.page.facts))
        self._print(first, "bold")
        for line in (*others, *self.page.outlook):
            self._print(line)
        for stage in self.page.stages:
            self._print_stage(stage)
        for section in self.page.sections:
            if self.options.details or section.key not in ONLY_IN_DETAIL:
                self._print_section(section)

    def _print(self, text: str, style: str = "", indent: int = 0) -> None:
        self.console.print(Padding(self._make_text(text, style, indent), (0, 0, 0, indent)))

    def _make_text(self, text: str, style: str = "", left: int = 0) -> Text:
        """Fold a text to the cells left of a line. Rich would break Chinese text inside ids and before full stops."""
        shown = CONTROL_CHARS.sub(" ", text)
        shown = shown.translate(PLAIN) if self.options.ascii_only else shown
        return Text(fold_text(shown, max(self.console.width - left, 1)), style=style)

    def _print_stage(self, stage: StageBlock) -> None:
        self.console.print()
        self._print(f"{stage.title} — {stage.state}", "bold")
        # All stages align, so the widths are those of the longest state and id of all.
        items = [item for each in self.page.stages for item in each.items]
        widths = max(cell_len(item.state_name) for item in items), max(len(item.id) for item in items)
        table = Table(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
        table.add_column(width=1)
        for width in widths:
            table.add_column(no_wrap=True, min_width=width)
        table.add_column(overflow="fold")
        for item in stage.items:
            self._add_rows(table, item, left=2 + 2 + sum(widths) + 2)
        self.console.print(Padding(table, (0, 0, 0, 2)))

    def _add_rows(self, table: Table, item: ItemBlock, left: int) -> None:
        style = "red" if item.overdue else COLOURS[item.state]
        state = self._make_text(item.state_name, style)
        table.add_row(
            Text(SIGNS[item.state][self.options.ascii_only], style),
            state,
            item.id,
            self._make_text(item.what, left=left),
        )
        lines = [SEPARATOR.join(filter(None, (item.status, item.note)))]
        if self.options.details:
            lines += [item.detail, *(detail.line for detail in item.details)]
        for line in filter(None, lines):
            table.add_row("", "", "", self._make_text(line, "red" if item.overdue else "dim", left))

    def _print_section(self, section: Section) -> None:
        self.console.print()
        self._print(section.title, "bold")
        if section.key == "from_files":
            self._print_answers(section)
        elif section.key in TWO_COLUMNS:
            self._print_pairs([(entry.label, entry.text) for entry in section.entries])
        else:
            for entry in section.entries:
                self._print(f"- {entry.line}", indent=2)

    def _print_answers(self, section: Section) -> None:
        for answer, entry in zip(self.status.answers, section.entries, strict=True):
            # A date that lies ahead is waited for; any other pending answer blocks.
            pending = SIGNS["waiting" if answer.question == "refund_date" else "blocked"]
            sign = {"clear": SIGNS["done"], "pending": pending, "unknown": ("?", "?")}[answer.state]
            self._print(f"{sign[self.options.ascii_only]} {entry.line}", indent=2)
            for row in entry.rows:
                self._print(row, "dim", indent=6)

    def _print_pairs(self, pairs: Iterable[tuple[str, str]]) -> None:
        rows = list(pairs)
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        edge = max(cell_len(left) for left, _ in rows)
        for left, right in rows:
            table.add_row(self._make_text(left), self._make_text(right, left=2 + edge + 2))
        self.console.print(Padding(table, (0, 0, 0, 2)))
