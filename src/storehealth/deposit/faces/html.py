"""HTML to print and tick by hand: one file, no script, no request to anywhere."""

from __future__ import annotations

from html import escape
from pathlib import Path

from storehealth.deposit.faces._told import (
    answer_lines,
    desk_lines,
    detail_lines,
    earliest_line,
    next_lines,
    status,
    unsure,
)
from storehealth.deposit.standing import ItemStanding, StageStanding, Standing
from storehealth.deposit.words import Words, moment_line, words
from storehealth.unseen import UNSEEN

NAME, SUFFIX = "html", ".html"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
STYLE = (Path(__file__).parent / "print.css").read_text(encoding="utf-8")
LANG = {"en": "en", "zh": "zh-CN", "es": "es"}
BOX = {"done": "☑"}


def render(standing: Standing) -> bytes:
    """The whole matter as a page of its own."""
    told = words(standing.language)
    body = [_head(standing, told), *(_stage(stage, told) for stage in standing.stages), *_sections(standing, told)]
    page = [
        "<!doctype html>",
        f'<html lang="{LANG[standing.language]}"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{_safe(standing.title)}</title><style>{STYLE}</style></head><body><main>",
        *body,
        f"<footer>{_safe(told.say('working_day_note'))} {_safe(told.say('not_advice'))}</footer></main></body></html>",
    ]
    return ("\n".join(page) + "\n").encode()


def _safe(text: object) -> str:
    return escape(UNSEEN.sub(" ", str(text)), quote=True)


def _head(standing: Standing, told: Words) -> str:
    facts = [f"{told.say('store')}{told.colon}{_safe(standing.store)}"] if standing.store else []
    facts.append(f"{told.say('as_of')}{told.colon}{standing.as_of}")
    if standing.next_chase:
        facts.append(told.say("next_chase", on=standing.next_chase))
    if standing.earliest:
        facts.append(_safe(earliest_line(standing, told)))
    steps = "".join(f"<li>{_safe(line)}</li>" for line in next_lines(standing, told))
    return (
        f"<h1>{_safe(standing.title)}</h1><p class=facts>{' · '.join(facts)}</p>"
        f"<ul class=next>{steps}</ul><p>{_safe(standing.about)}</p>"
    )


def _stage(stage: StageStanding, told: Words) -> str:
    items = "".join(_item(item, told) for item in stage.items)
    return f"<section><h2>{_safe(stage.title)} <small>{_safe(told.state(stage.state))}</small></h2>{items}</section>"


def _item(item: ItemStanding, told: Words) -> str:
    state = " · ".join(part for part in (told.state(item.state), status(item, told)) if part)
    notes = "".join(f"<p>{_safe(text)}</p>" for text in (item.detail, item.note) if text)
    rows = "".join(_detail(label, text, told) for label, text in detail_lines(item, told))
    overdue = " overdue" if item.overdue else ""
    return (
        f'<article class="{item.state}{overdue}"><h3><span class=box>{BOX.get(item.state, "☐")}</span> {_safe(item.what)}'
        f"<em>{_safe(unsure(item, told))}</em> <code>{item.id}</code></h3>"
        f"<p class=state>{_safe(state)}</p>{notes}<dl>{rows}</dl></article>"
    )


def _detail(label: str, text: str, told: Words) -> str:
    """A label and its text; who and where from are left out in print, which is for ticking off."""
    kind = {told.say("who"): " class=who", told.say("source"): " class=source"}.get(label, "")
    return f"<dt{kind}>{_safe(label)}</dt><dd{kind}>{_safe(text)}</dd>"


def _sections(standing: Standing, told: Words) -> list[str]:
    answers = [
        f"{_safe(head)}<ul>{''.join(f'<li>{_safe(row)}</li>' for row in rows)}</ul>" if rows else _safe(head)
        for head, *rows in (answer_lines(answer, told, shown=20) for answer in standing.answers)
    ]
    sections = (
        ("from_files", answers),
        ("desks", [f"{_safe(desk)}{told.colon}{_safe(text)}" for desk, text in desk_lines(standing, told)]),
        ("dates", [_safe(f"{day.on} {moment_line(day, told)} [{day.item}]") for day in standing.dates]),
        ("log", [_safe(f"{line.on} {line.item or ''} {line.text}") for line in standing.log]),
        ("warnings", [_safe(text) for text in standing.warnings]),
        ("remarks", [_safe(remark.text + told.aside(told.sure(remark.sure))) for remark in standing.remarks]),
    )
    return [
        f"<section class=list><h2>{_safe(told.say(name))}</h2><ul><li>{'</li><li>'.join(entries)}</li></ul></section>"
        for name, entries in sections
        if entries
    ]
