"""Markdown with task-list boxes; text that strangers wrote is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator

from storehealth.output.refund._document import ItemBlock, build_document
from storehealth.refund.status import CaseStatus
from storehealth.support.control_chars import CONTROL_CHARS

NAME, SUFFIX = "markdown", ".md"
SPECIAL = re.compile(r"([\\`*_\[\]<>|#~])")


def escape_markdown(text: str) -> str:
    """Escape a text so that Markdown shows it literally, on one line."""
    return SPECIAL.sub(r"\\\1", CONTROL_CHARS.sub(" ", text))


def render(status: CaseStatus) -> bytes:
    """Render the whole case as a Markdown page."""
    return ("\n".join(_iter_lines(status)).rstrip() + "\n").encode()


def _iter_lines(status: CaseStatus) -> Iterator[str]:
    page = build_document(status)
    yield from (
        f"# {escape_markdown(page.title)}",
        "",
        " · ".join(map(escape_markdown, (*page.facts, *page.outlook))),
        "",
    )
    first, *others = map(escape_markdown, page.steps)
    yield from (f"- **{first}**", *(f"- {step}" for step in others), "", escape_markdown(page.about), "")
    for stage in page.stages:
        yield from (f"## {escape_markdown(stage.title)} — {stage.state}", "")
        for item in stage.items:
            yield from _iter_item(item)
        yield ""
    for section in page.sections:
        yield from (f"## {section.title}", "")
        for entry in section.entries:
            yield f"- {escape_markdown(entry.line)}"
            yield from (f"  - {escape_markdown(row)}" for row in entry.rows)
        yield ""
    yield f"_{escape_markdown(page.closing)}_"


def _iter_item(item: ItemBlock) -> Iterator[str]:
    box = "x" if item.state == "done" else " "
    yield f"- [{box}] {escape_markdown(item.what)} `{item.id}` — {escape_markdown(item.state_line)}"
    yield from (f"  - {escape_markdown(note)}" for note in item.notes)
    yield from (f"  - {escape_markdown(detail.line)}" for detail in item.details)
