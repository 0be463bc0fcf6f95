"""Plain text for the screen: aligned, never boxed, wide characters measured; rich adds colour where there is any."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from storehealth.deposit.faces._told import (
    answer_lines,
    desk_lines,
    detail_lines,
    earliest_line,
    next_lines,
    status,
    unsure,
)
from storehealth.deposit.standing import ItemStanding, ItemState, Standing
from storehealth.deposit.words import Words, moment_line, words
from storehealth.unseen import UNSEEN
from storehealth.wording.atoms import folded

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
class Screen:
    """How to print: everything or one screen, signs outside ASCII or not."""

    details: bool = False
    ascii_only: bool = False


def render(standing: Standing) -> bytes:
    """The screen as a text file."""
    out = io.StringIO()
    show(standing, Console(file=out, width=WIDTH, color_system=None, legacy_windows=False), Screen(details=True))
    return out.getvalue().encode()


def show(standing: Standing, console: Console, screen: Screen) -> None:
    """Print the standing: the next step first."""
    _Page(standing, console, screen, words(standing.language)).print()


@dataclass(frozen=True)
class _Page:
    standing: Standing
    console: Console
    screen: Screen
    words: Words

    def print(self) -> None:
        self._head()
        for stage in self.standing.stages:
            self._stage(stage.title, stage.state, stage.items)
        self._answers()
        self._pairs("desks", desk_lines(self.standing, self.words))
        moments = ((str(day.on), f"{moment_line(day, self.words)} [{day.item}]") for day in self.standing.dates)
        self._pairs("dates", moments)
        if self.screen.details:
            self._pairs("log", ((str(line.on), f"{line.item or ''} {line.text}".strip()) for line in self.standing.log))
            self._list(
                "remarks",
                (remark.text + self.words.aside(self.words.sure(remark.sure)) for remark in self.standing.remarks),
            )
        self._list("warnings", self.standing.warnings)

    def _say(self, text: str, style: str = "", indent: int = 0) -> None:
        self.console.print(Padding(self._text(text, style, indent), (0, 0, 0, indent)))

    def _text(self, text: str, style: str = "", left: int = 0) -> Text:
        """A text for the cells that ``left`` leaves of a line: rich would break Chinese within ids and before stops."""
        shown = UNSEEN.sub(" ", text)
        shown = shown.translate(PLAIN) if self.screen.ascii_only else shown
        return Text(folded(shown, max(self.console.width - left, 1)), style=style)

    def _head(self) -> None:
        store = f"{self.words.say('store')} {self.standing.store} · " if self.standing.store else ""
        self._say(self.standing.title, "bold")
        self._say(f"{store}{self.words.say('as_of')} {self.standing.as_of}")
        for place, line in enumerate(next_lines(self.standing, self.words)):
            self._say(line, "bold" if place == 0 else "")
        for line in (self._next_chase(), earliest_line(self.standing, self.words)):
            if line:
                self._say(line)

    def _next_chase(self) -> str:
        return self.words.say("next_chase", on=self.standing.next_chase) if self.standing.next_chase else ""

    def _stage(self, title: str, state: ItemState, items: Iterable[ItemStanding]) -> None:
        self.console.print()
        self._say(f"{title} — {self.words.state(state)}", "bold")
        table = Table(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
        state_width, id_width = self._widths()
        table.add_column(width=1)
        table.add_column(no_wrap=True, min_width=state_width)
        table.add_column(no_wrap=True, min_width=id_width)
        table.add_column(overflow="fold")
        for item in items:
            self._rows(table, item)
        self.console.print(Padding(table, (0, 0, 0, 2)))

    def _widths(self) -> tuple[int, int]:
        """Cells of the longest state and the longest id, the same in every stage."""
        everything = self.standing.items
        return max(cell_len(self.words.state(item.state)) for item in everything), max(
            len(item.id) for item in everything
        )

    def _rows(self, table: Table, item: ItemStanding) -> None:
        style = "red" if item.overdue else COLOURS[item.state]
        sign = SIGNS[item.state][self.screen.ascii_only]
        what = item.what + unsure(item, self.words)
        left = 2 + 2 + sum(self._widths()) + 2
        state = self._text(self.words.state(item.state), style)
        table.add_row(Text(sign, style), state, item.id, self._text(what, left=left))
        plain = item.state in ("open", "not_needed") and not (item.due or item.ready_on or item.returned or item.again)
        told = [" · ".join(part for part in ("" if plain else status(item, self.words), item.note) if part)]
        if self.screen.details:
            told += [
                item.detail,
                *(f"{label}{self.words.colon}{text}" for label, text in detail_lines(item, self.words)),
            ]
        for line in filter(None, told):
            table.add_row("", "", "", self._text(line, "red" if item.overdue else "dim", left))

    def _answers(self) -> None:
        if not self.standing.answers:
            return
        self.console.print()
        self._say(self.words.say("from_files"), "bold")
        for answer in self.standing.answers:
            in_the_way = SIGNS["waiting" if answer.question == "refund_date" else "blocked"]
            sign = {"clear": SIGNS["done"], "pending": in_the_way, "unknown": ("?", "?")}[answer.state]
            head, *rows = answer_lines(answer, self.words)
            self._say(f"{sign[self.screen.ascii_only]} {head}", indent=2)
            for row in rows:
                self._say(row, "dim", indent=6)

    def _pairs(self, name: str, entries: Iterable[tuple[str, str]]) -> None:
        found = list(entries)
        if not found:
            return
        self.console.print()
        self._say(self.words.say(name), "bold")
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        edge = max(cell_len(left) for left, _ in found)
        for left, right in found:
            table.add_row(self._text(left), self._text(right, left=2 + edge + 2))
        self.console.print(Padding(table, (0, 0, 0, 2)))

    def _list(self, name: str, entries: Iterable[str]) -> None:
        found = list(entries)
        if found:
            self.console.print()
            self._say(self.words.say(name), "bold")
        for entry in found:
            self._say(f"- {entry}", indent=2)
