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

from storehealth.output.refund._sentences import (
    render_answer,
    render_certainty,
    render_desks,
    render_details,
    render_earliest_date,
    render_next_steps,
    render_status,
)
from storehealth.output.terminal.page import fold_text
from storehealth.refund.status import CaseStatus, ItemState, ItemStatus
from storehealth.refund.words import RefundWords, load_words, render_date
from storehealth.support.control_chars import CONTROL_CHARS

NAME, SUFFIX = "text", ".txt"
WIDTH = 100
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


@dataclass(frozen=True)
class TextOptions:
    """How to print: with all details or one screen, in ASCII only or not."""

    details: bool = False
    ascii_only: bool = False


def render(standing: CaseStatus) -> bytes:
    """Render the screen as a text file."""
    out = io.StringIO()
    print_status(
        standing, Console(file=out, width=WIDTH, color_system=None, legacy_windows=False), TextOptions(details=True)
    )
    return out.getvalue().encode()


def print_status(standing: CaseStatus, console: Console, screen: TextOptions) -> None:
    """Print the status: the next step first."""
    _Page(standing, console, screen, load_words(standing.language)).print()


@dataclass(frozen=True)
class _Page:
    standing: CaseStatus
    console: Console
    screen: TextOptions
    words: RefundWords

    def print(self) -> None:
        self._print_head()
        for stage in self.standing.stages:
            self._print_stage(stage.title, stage.state, stage.items)
        self._print_answers()
        self._print_pairs("desks", render_desks(self.standing, self.words))
        moments = ((str(day.on), f"{render_date(day, self.words)} [{day.item}]") for day in self.standing.dates)
        self._print_pairs("dates", moments)
        if self.screen.details:
            self._print_pairs(
                "log", ((str(line.on), f"{line.item or ''} {line.text}".strip()) for line in self.standing.log)
            )
            self._print_list(
                "remarks",
                (
                    remark.text + self.words.bracket(self.words.name_certainty(remark.sure))
                    for remark in self.standing.remarks
                ),
            )
        self._print_list("warnings", self.standing.warnings)

    def _print(self, text: str, style: str = "", indent: int = 0) -> None:
        self.console.print(Padding(self._make_text(text, style, indent), (0, 0, 0, indent)))

    def _make_text(self, text: str, style: str = "", left: int = 0) -> Text:
        """Fold a text to the cells left of a line. Rich would break Chinese text inside ids and before full stops."""
        shown = CONTROL_CHARS.sub(" ", text)
        shown = shown.translate(PLAIN) if self.screen.ascii_only else shown
        return Text(fold_text(shown, max(self.console.width - left, 1)), style=style)

    def _print_head(self) -> None:
        store = f"{self.words.render('store')} {self.standing.store} · " if self.standing.store else ""
        self._print(self.standing.title, "bold")
        self._print(f"{store}{self.words.render('as_of')} {self.standing.as_of}")
        for place, line in enumerate(render_next_steps(self.standing, self.words)):
            self._print(line, "bold" if place == 0 else "")
        for line in (self._word_next_chase(), render_earliest_date(self.standing, self.words)):
            if line:
                self._print(line)

    def _word_next_chase(self) -> str:
        return self.words.render("next_chase", on=self.standing.next_chase) if self.standing.next_chase else ""

    def _print_stage(self, title: str, state: ItemState, items: Iterable[ItemStatus]) -> None:
        self.console.print()
        self._print(f"{title} — {self.words.name_state(state)}", "bold")
        table = Table(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
        state_width, id_width = self._measure_widths()
        table.add_column(width=1)
        table.add_column(no_wrap=True, min_width=state_width)
        table.add_column(no_wrap=True, min_width=id_width)
        table.add_column(overflow="fold")
        for item in items:
            self._add_rows(table, item)
        self.console.print(Padding(table, (0, 0, 0, 2)))

    def _measure_widths(self) -> tuple[int, int]:
        """Return the cells of the longest state and the longest id, so that all stages align."""
        items = self.standing.items
        return max(cell_len(self.words.name_state(item.state)) for item in items), max(len(item.id) for item in items)

    def _add_rows(self, table: Table, item: ItemStatus) -> None:
        style = "red" if item.overdue else COLOURS[item.state]
        sign = SIGNS[item.state][self.screen.ascii_only]
        what = item.what + render_certainty(item, self.words)
        left = 2 + 2 + sum(self._measure_widths()) + 2
        state = self._make_text(self.words.name_state(item.state), style)
        table.add_row(Text(sign, style), state, item.id, self._make_text(what, left=left))
        is_plain = item.state in ("open", "not_needed") and not (
            item.due or item.ready_on or item.returned or item.again
        )
        lines = [" · ".join(part for part in ("" if is_plain else render_status(item, self.words), item.note) if part)]
        if self.screen.details:
            lines += [
                item.detail,
                *(f"{label}{self.words.colon}{text}" for label, text in render_details(item, self.words)),
            ]
        for line in filter(None, lines):
            table.add_row("", "", "", self._make_text(line, "red" if item.overdue else "dim", left))

    def _print_answers(self) -> None:
        if not self.standing.answers:
            return
        self.console.print()
        self._print(self.words.render("from_files"), "bold")
        for answer in self.standing.answers:
            pending = SIGNS["waiting" if answer.question == "refund_date" else "blocked"]
            sign = {"clear": SIGNS["done"], "pending": pending, "unknown": ("?", "?")}[answer.state]
            head, *rows = render_answer(answer, self.words)
            self._print(f"{sign[self.screen.ascii_only]} {head}", indent=2)
            for row in rows:
                self._print(row, "dim", indent=6)

    def _print_pairs(self, name: str, entries: Iterable[tuple[str, str]]) -> None:
        pairs = list(entries)
        if not pairs:
            return
        self.console.print()
        self._print(self.words.render(name), "bold")
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        edge = max(cell_len(left) for left, _ in pairs)
        for left, right in pairs:
            table.add_row(self._make_text(left), self._make_text(right, left=2 + edge + 2))
        self.console.print(Padding(table, (0, 0, 0, 2)))

    def _print_list(self, name: str, entries: Iterable[str]) -> None:
        lines = list(entries)
        if lines:
            self.console.print()
            self._print(self.words.render(name), "bold")
        for entry in lines:
            self._print(f"- {entry}", indent=2)
