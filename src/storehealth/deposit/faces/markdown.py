"""Markdown, with task-list boxes; whatever strangers wrote is escaped."""

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
    """Text that Markdown shows as it is, on one line."""
    return SPECIAL.sub(r"\\\1", UNSEEN.sub(" ", text))


def render(standing: Standing) -> bytes:
    """The whole matter as a Markdown page."""
    told = words(standing.language)
    lines = [f"# {escaped(standing.title)}", "", *_head(standing, told), ""]
    lines += [
        f"- **{escaped(line)}**" if place == 0 else f"- {escaped(line)}"
        for place, line in enumerate(next_lines(standing, told))
    ]
    lines += ["", escaped(standing.about), ""]
    for stage in standing.stages:
        lines += [f"## {escaped(stage.title)} — {told.state(stage.state)}", ""]
        for item in stage.items:
            lines += _item(item, told)
        lines.append("")
    return ("\n".join([*lines, *_tables(standing, told)]).rstrip() + "\n").encode()


def _head(standing: Standing, told: Words) -> list[str]:
    store = f"{told.say('store')}{told.colon}{escaped(standing.store)} · " if standing.store else ""
    chase = f" · {told.say('next_chase', on=standing.next_chase)}" if standing.next_chase else ""
    earliest = earliest_line(standing, told)
    day = f"{told.say('as_of')}{told.colon}{standing.as_of}"
    return [f"{store}{day}{chase}" + (f" · {escaped(earliest)}" if earliest else "")]


def _item(item: ItemStanding, told: Words) -> list[str]:
    box = "x" if item.state == "done" else " "
    head = f"{escaped(item.what + unsure(item, told))} `{item.id}`"
    state = " · ".join(part for part in (told.state(item.state), escaped(status(item, told))) if part)
    lines = [f"- [{box}] {head} — {state}"]
    lines += [f"  - {escaped(text)}" for text in (item.detail, item.note) if text]
    return lines + [f"  - {label}{told.colon}{escaped(text)}" for label, text in detail_lines(item, told)]


def _tables(standing: Standing, told: Words) -> list[str]:
    lines: list[str] = []
    if standing.answers:
        lines += [f"## {told.say('from_files')}", ""]
        for answer in standing.answers:
            head, *rows = answer_lines(answer, told, shown=20)
            lines += [f"- {escaped(head)}", *(f"  - {escaped(row)}" for row in rows)]
        lines.append("")
    sections = (
        ("desks", [f"{desk}{told.colon}{text}" for desk, text in desk_lines(standing, told)]),
        (
            "dates",
            [f"{moment.on} {moment_line(moment, told)} [{moment.item}]" for moment in standing.dates],
        ),
        ("log", [f"{line.on} {line.item or ''} {line.text}".replace("  ", " ") for line in standing.log]),
        ("warnings", list(standing.warnings)),
        ("remarks", [remark.text + told.aside(told.sure(remark.sure)) for remark in standing.remarks]),
    )
    for name, entries in sections:
        if entries:
            lines += [f"## {told.say(name)}", "", *(f"- {escaped(entry)}" for entry in entries), ""]
    return [*lines, f"_{escaped(told.say('working_day_note'))} {escaped(told.say('not_advice'))}_"]
