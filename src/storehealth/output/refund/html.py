"""HTML to print and tick off by hand: one file, no script, no network request."""

from __future__ import annotations

from html import escape
from pathlib import Path

from storehealth.output.refund._sentences import (
    render_answer,
    render_certainty,
    render_desks,
    render_details,
    render_earliest_date,
    render_next_steps,
    render_status,
)
from storehealth.refund.status import CaseStatus, ItemStatus, StageStatus
from storehealth.refund.words import RefundWords, load_words, render_date
from storehealth.support.control_chars import CONTROL_CHARS

NAME, SUFFIX = "html", ".html"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
STYLE = (Path(__file__).parent / "print.css").read_text(encoding="utf-8")
LANG = {"en": "en", "zh": "zh-CN", "es": "es"}
BOX = {"done": "☑"}


def render(standing: CaseStatus) -> bytes:
    """Render the whole case as a self-contained page."""
    texts = load_words(standing.language)
    body = [
        _render_head(standing, texts),
        *(_render_stage(stage, texts) for stage in standing.stages),
        *_render_sections(standing, texts),
    ]
    page = [
        "<!doctype html>",
        f'<html lang="{LANG[standing.language]}"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{_safe(standing.title)}</title><style>{STYLE}</style></head><body><main>",
        *body,
        f"<footer>{_safe(texts.render('working_day_note'))} {_safe(texts.render('not_advice'))}</footer></main></body></html>",
    ]
    return ("\n".join(page) + "\n").encode()


def _safe(text: object) -> str:
    return escape(CONTROL_CHARS.sub(" ", str(text)), quote=True)


def _render_head(standing: CaseStatus, texts: RefundWords) -> str:
    facts = [f"{texts.render('store')}{texts.colon}{_safe(standing.store)}"] if standing.store else []
    facts.append(f"{texts.render('as_of')}{texts.colon}{standing.as_of}")
    if standing.next_chase:
        facts.append(texts.render("next_chase", on=standing.next_chase))
    if standing.earliest:
        facts.append(_safe(render_earliest_date(standing, texts)))
    steps = "".join(f"<li>{_safe(line)}</li>" for line in render_next_steps(standing, texts))
    return (
        f"<h1>{_safe(standing.title)}</h1><p class=facts>{' · '.join(facts)}</p>"
        f"<ul class=next>{steps}</ul><p>{_safe(standing.about)}</p>"
    )


def _render_stage(stage: StageStatus, texts: RefundWords) -> str:
    items = "".join(_render_item(item, texts) for item in stage.items)
    return (
        f"<section><h2>{_safe(stage.title)} <small>{_safe(texts.name_state(stage.state))}</small></h2>{items}</section>"
    )


def _render_item(item: ItemStatus, texts: RefundWords) -> str:
    state = " · ".join(part for part in (texts.name_state(item.state), render_status(item, texts)) if part)
    notes = "".join(f"<p>{_safe(text)}</p>" for text in (item.detail, item.note) if text)
    rows = "".join(_render_detail(label, text, texts) for label, text in render_details(item, texts))
    overdue = " overdue" if item.overdue else ""
    return (
        f'<article class="{item.state}{overdue}"><h3><span class=box>{BOX.get(item.state, "☐")}</span> {_safe(item.what)}'
        f"<em>{_safe(render_certainty(item, texts))}</em> <code>{item.id}</code></h3>"
        f"<p class=state>{_safe(state)}</p>{notes}<dl>{rows}</dl></article>"
    )


def _render_detail(label: str, text: str, texts: RefundWords) -> str:
    """Return a label and its text; who and source are hidden in print, which is for ticking off."""
    kind = {texts.render("who"): " class=who", texts.render("source"): " class=source"}.get(label, "")
    return f"<dt{kind}>{_safe(label)}</dt><dd{kind}>{_safe(text)}</dd>"


def _render_sections(standing: CaseStatus, texts: RefundWords) -> list[str]:
    answers = [
        f"{_safe(head)}<ul>{''.join(f'<li>{_safe(row)}</li>' for row in rows)}</ul>" if rows else _safe(head)
        for head, *rows in (render_answer(answer, texts, shown=20) for answer in standing.answers)
    ]
    sections = (
        ("from_files", answers),
        ("desks", [f"{_safe(desk)}{texts.colon}{_safe(text)}" for desk, text in render_desks(standing, texts)]),
        ("dates", [_safe(f"{day.on} {render_date(day, texts)} [{day.item}]") for day in standing.dates]),
        ("log", [_safe(f"{line.on} {line.item or ''} {line.text}") for line in standing.log]),
        ("warnings", [_safe(text) for text in standing.warnings]),
        (
            "remarks",
            [_safe(remark.text + texts.bracket(texts.name_certainty(remark.sure))) for remark in standing.remarks],
        ),
    )
    return [
        f"<section class=list><h2>{_safe(texts.render(name))}</h2><ul><li>{'</li><li>'.join(entries)}</li></ul></section>"
        for name, entries in sections
        if entries
    ]
