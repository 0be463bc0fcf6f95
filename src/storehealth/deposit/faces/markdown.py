"""Markdown with task-list boxes; text that strangers wrote is escaped."""

from __future__ import annotations

import re

from storehealth.deposit.faces._told import (
    answer_lines,
    desk_lines,
    detail_lines,
    earliest_line,
    next_lines,
    status,
    unsure,
)
from storehealth.deposit.standing import ItemStanding, Standing
from storehealth.deposit.words import Words, moment_line, words
from storehealth.unseen import UNSEEN

NAME, SUFFIX = "markdown", ".md"
SPECIAL = re.compile(r"([\\`*_\[\]<>|#~])")


def escaped(text: str) -> str:
    """Escape a text so that Markdown shows it literally, on one line."""
    return SPECIAL.sub(r"\\\1", UNSEEN.sub(" ", text))


def render(standing: Standing) -> bytes:
    """Render the whole case as a Markdown page."""
    texts = words(standing.language)
    lines = [f"# {escaped(standing.title)}", "", *_render_head(standing, texts), ""]
    lines += [
        f"- **{escaped(line)}**" if place == 0 else f"- {escaped(line)}"
        for place, line in enumerate(next_lines(standing, texts))
    ]
    lines += ["", escaped(standing.about), ""]
    for stage in standing.stages:
        lines += [f"## {escaped(stage.title)} — {texts.state(stage.state)}", ""]
        for item in stage.items:
            lines += _render_item(item, texts)
        lines.append("")
    return ("\n".join([*lines, *_render_sections(standing, texts)]).rstrip() + "\n").encode()


def _render_head(standing: Standing, texts: Words) -> list[str]:
    store = f"{texts.say('store')}{texts.colon}{escaped(standing.store)} · " if standing.store else ""
    chase = f" · {texts.say('next_chase', on=standing.next_chase)}" if standing.next_chase else ""
    earliest = earliest_line(standing, texts)
    day = f"{texts.say('as_of')}{texts.colon}{standing.as_of}"
    return [f"{store}{day}{chase}" + (f" · {escaped(earliest)}" if earliest else "")]


def _render_item(item: ItemStanding, texts: Words) -> list[str]:
    box = "x" if item.state == "done" else " "
    head = f"{escaped(item.what + unsure(item, texts))} `{item.id}`"
    state = " · ".join(part for part in (texts.state(item.state), escaped(status(item, texts))) if part)
    lines = [f"- [{box}] {head} — {state}"]
    lines += [f"  - {escaped(text)}" for text in (item.detail, item.note) if text]
    return lines + [f"  - {label}{texts.colon}{escaped(text)}" for label, text in detail_lines(item, texts)]


def _render_sections(standing: Standing, texts: Words) -> list[str]:
    lines: list[str] = []
    if standing.answers:
        lines += [f"## {texts.say('from_files')}", ""]
        for answer in standing.answers:
            head, *rows = answer_lines(answer, texts, shown=20)
            lines += [f"- {escaped(head)}", *(f"  - {escaped(row)}" for row in rows)]
        lines.append("")
    sections = (
        ("desks", [f"{desk}{texts.colon}{text}" for desk, text in desk_lines(standing, texts)]),
        (
            "dates",
            [f"{moment.on} {moment_line(moment, texts)} [{moment.item}]" for moment in standing.dates],
        ),
        ("log", [f"{line.on} {line.item or ''} {line.text}".replace("  ", " ") for line in standing.log]),
        ("warnings", list(standing.warnings)),
        ("remarks", [remark.text + texts.aside(texts.sure(remark.sure)) for remark in standing.remarks]),
    )
    for name, entries in sections:
        if entries:
            lines += [f"## {texts.say(name)}", "", *(f"- {escaped(entry)}" for entry in entries), ""]
    return [*lines, f"_{escaped(texts.say('working_day_note'))} {escaped(texts.say('not_advice'))}_"]
