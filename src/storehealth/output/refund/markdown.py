"""Markdown with task-list boxes; text that strangers wrote is escaped."""

from __future__ import annotations

import re

from storehealth.output.refund._sentences import (
    render_answer,
    render_certainty,
    render_desks,
    render_details,
    render_earliest_date,
    render_next_steps,
    render_status,
)
from storehealth.refund.status import CaseStatus, ItemStatus
from storehealth.refund.words import RefundWords, load_words, render_date
from storehealth.support.control_chars import CONTROL_CHARS

NAME, SUFFIX = "markdown", ".md"
SPECIAL = re.compile(r"([\\`*_\[\]<>|#~])")


def escape_markdown(text: str) -> str:
    """Escape a text so that Markdown shows it literally, on one line."""
    return SPECIAL.sub(r"\\\1", CONTROL_CHARS.sub(" ", text))


def render(standing: CaseStatus) -> bytes:
    """Render the whole case as a Markdown page."""
    texts = load_words(standing.language)
    lines = [f"# {escape_markdown(standing.title)}", "", *_render_head(standing, texts), ""]
    lines += [
        f"- **{escape_markdown(line)}**" if place == 0 else f"- {escape_markdown(line)}"
        for place, line in enumerate(render_next_steps(standing, texts))
    ]
    lines += ["", escape_markdown(standing.about), ""]
    for stage in standing.stages:
        lines += [f"## {escape_markdown(stage.title)} — {texts.name_state(stage.state)}", ""]
        for item in stage.items:
            lines += _render_item(item, texts)
        lines.append("")
    return ("\n".join([*lines, *_render_sections(standing, texts)]).rstrip() + "\n").encode()


def _render_head(standing: CaseStatus, texts: RefundWords) -> list[str]:
    store = f"{texts.render('store')}{texts.colon}{escape_markdown(standing.store)} · " if standing.store else ""
    chase = f" · {texts.render('next_chase', on=standing.next_chase)}" if standing.next_chase else ""
    earliest = render_earliest_date(standing, texts)
    day = f"{texts.render('as_of')}{texts.colon}{standing.as_of}"
    return [f"{store}{day}{chase}" + (f" · {escape_markdown(earliest)}" if earliest else "")]


def _render_item(item: ItemStatus, texts: RefundWords) -> list[str]:
    box = "x" if item.state == "done" else " "
    head = f"{escape_markdown(item.what + render_certainty(item, texts))} `{item.id}`"
    state = " · ".join(
        part for part in (texts.name_state(item.state), escape_markdown(render_status(item, texts))) if part
    )
    lines = [f"- [{box}] {head} — {state}"]
    lines += [f"  - {escape_markdown(text)}" for text in (item.detail, item.note) if text]
    return lines + [f"  - {label}{texts.colon}{escape_markdown(text)}" for label, text in render_details(item, texts)]


def _render_sections(standing: CaseStatus, texts: RefundWords) -> list[str]:
    lines: list[str] = []
    if standing.answers:
        lines += [f"## {texts.render('from_files')}", ""]
        for answer in standing.answers:
            head, *rows = render_answer(answer, texts, shown=20)
            lines += [f"- {escape_markdown(head)}", *(f"  - {escape_markdown(row)}" for row in rows)]
        lines.append("")
    sections = (
        ("desks", [f"{desk}{texts.colon}{text}" for desk, text in render_desks(standing, texts)]),
        (
            "dates",
            [f"{moment.on} {render_date(moment, texts)} [{moment.item}]" for moment in standing.dates],
        ),
        ("log", [f"{line.on} {line.item or ''} {line.text}".replace("  ", " ") for line in standing.log]),
        ("warnings", list(standing.warnings)),
        ("remarks", [remark.text + texts.bracket(texts.name_certainty(remark.sure)) for remark in standing.remarks]),
    )
    for name, entries in sections:
        if entries:
            lines += [f"## {texts.render(name)}", "", *(f"- {escape_markdown(entry)}" for entry in entries), ""]
    return [
        *lines,
        f"_{escape_markdown(texts.render('working_day_note'))} {escape_markdown(texts.render('not_advice'))}_",
    ]
