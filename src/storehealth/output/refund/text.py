"""Plain text for the screen: aligned, never boxed, aware of wide characters."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from storehealth.output.refund._document import SEPARATOR, ItemBlock, Section, StageBlock, build_document
from storehealth.output.terminal import DisplayOptions, Page, write_lines
from storehealth.output.terminal.page import TextRun, pad_text
from storehealth.refund.status import CaseStatus, ItemState

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
STYLES: dict[ItemState, str] = {
    "done": "green", "open": "bold", "blocked": "red", "waiting": "yellow", "later": "dim", "not_needed": "dim",
}  # fmt: skip
ONLY_IN_DETAIL = ("log", "remarks")
TWO_COLUMNS = ("desks", "dates", "log")


def render(status: CaseStatus) -> bytes:
    """Render everything known of the case as a text file."""
    page = Page(WIDTH)
    add_status(page, status, details=True)
    return write_lines(page.lines, DisplayOptions(width=WIDTH)).encode()


def add_status(page: Page, status: CaseStatus, details: bool = False) -> None:
    """Add the status to a page, the next step first: one screen, or everything known with ``details``."""
    document = build_document(status, SCREEN_ROWS)
    first, *others = document.steps
    page.add(TextRun(document.title, "bold"))
    page.add(SEPARATOR.join(document.facts))
    page.add(TextRun(first, "bold"))
    for line in (*others, *document.outlook):
        page.add(line)
    _add_stages(page, document.stages, details)
    for section in document.sections:
        if section.key == "from_files":
            _add_answers(page, section, status)
        elif details or section.key not in ONLY_IN_DETAIL:
            _add_section(page, section)


def _add_stages(page: Page, stages: Sequence[StageBlock], details: bool) -> None:
    items = [item for stage in stages for item in stage.items]
    widths = max(cell_len(item.state_name) for item in items), max(len(item.id) for item in items)
    for stage in stages:
        _add_stage(page, stage, widths, details)


def _add_stage(page: Page, stage: StageBlock, widths: tuple[int, int], details: bool) -> None:
    """Add a stage; ``widths`` are those of the longest state and id of all stages, so that these align."""
    page.add_heading(f"{stage.title} — {stage.state}")
    for item in stage.items:
        style = "red" if item.overdue else STYLES[item.state]
        edge = 2 + 2 + widths[0] + 1 + widths[1] + 1
        page.add(
            TextRun(f"{SIGNS[item.state][page.ascii_only]} {pad_text(item.state_name, widths[0])} ", style, keep=True),
            TextRun(pad_text(item.id, widths[1] + 1), keep=True),
            item.what,
            indent=2,
            hang=edge,
        )
        for line in _list_lines(item, details):
            page.add(TextRun(line, "red" if item.overdue else "dim"), indent=edge)


def _list_lines(item: ItemBlock, details: bool) -> list[str]:
    lines = [SEPARATOR.join(filter(None, (item.status, item.note)))]
    if details:
        lines += [item.detail, *(detail.line for detail in item.details)]
    return list(filter(None, lines))


def _add_answers(page: Page, section: Section, status: CaseStatus) -> None:
    page.add_heading(section.title)
    for answer, entry in zip(status.answers, section.entries, strict=True):
        # A date that lies ahead is waited for; any other pending answer blocks.
        pending = SIGNS["waiting" if answer.question == "refund_date" else "blocked"]
        sign = {"clear": SIGNS["done"], "pending": pending, "unknown": ("?", "?")}[answer.state]
        page.add(TextRun(f"{sign[page.ascii_only]} ", keep=True), entry.line, indent=2, hang=4)
        for row in entry.rows:
            page.add(TextRun(row, "dim"), indent=6)


def _add_section(page: Page, section: Section) -> None:
    page.add_heading(section.title)
    edge = max(cell_len(entry.label) for entry in section.entries) + 2
    for entry in section.entries:
        if section.key in TWO_COLUMNS:
            page.add(TextRun(pad_text(entry.label, edge), keep=True), entry.text, indent=2, hang=2 + edge)
        else:
            page.add(f"- {entry.line}", indent=2, hang=4)
