"""Markdown with task-list boxes; text that strangers wrote is escaped."""

from __future__ import annotations

from collections.abc import Iterator

from storehealth.output.checkup._markdown import escape
from storehealth.output.refund._document import ItemBlock, build_document
from storehealth.refund.status import CaseStatus

NAME, SUFFIX = "markdown", ".md"


def render(status: CaseStatus) -> bytes:
    """Render the whole case as a Markdown page."""
    return ("\n".join(_iter_lines(status)).rstrip() + "\n").encode()


def _iter_lines(status: CaseStatus) -> Iterator[str]:
    page = build_document(status)
    yield from (
        f"# {escape(page.title)}",
        "",
        " · ".join(map(escape, (*page.facts, *page.outlook))),
        "",
    )
    first, *others = map(escape, page.steps)
    yield from (f"- **{first}**", *(f"- {step}" for step in others), "", escape(page.about), "")
    for stage in page.stages:
        yield from (f"## {escape(stage.title)} — {stage.state}", "")
        for item in stage.items:
            yield from _iter_item(item)
        yield ""
    for section in page.sections:
        yield from (f"## {section.title}", "")
        for entry in section.entries:
            yield f"- {escape(entry.line)}"
            yield from (f"  - {escape(row)}" for row in entry.rows)
        yield ""
    yield f"_{escape(page.closing)}_"


def _iter_item(item: ItemBlock) -> Iterator[str]:
    box = "x" if item.state == "done" else " "
    yield f"- [{box}] {escape(item.what)} `{item.id}` — {escape(item.state_line)}"
    yield from (f"  - {escape(note)}" for note in item.notes)
    yield from (f"  - {escape(detail.line)}" for detail in item.details)
