"""HTML to print and tick off by hand: one file, no script, no network request."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

from storehealth.output.refund._document import ItemBlock, Section, build_document
from storehealth.refund.status import CaseStatus
from storehealth.support.control_chars import CONTROL_CHARS

NAME, SUFFIX, ALIASES = "html", ".html", ("htm",)
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
STYLE = (Path(__file__).parent / "print.css").read_text(encoding="utf-8")
LANG = {"en": "en", "zh": "zh-CN", "es": "es"}
HIDDEN_IN_PRINT = ("who", "source")
"""Details that the style sheet leaves out on paper, which is for ticking off."""


def render(status: CaseStatus) -> bytes:
    """Render the whole case as a self-contained page."""
    return ("\n".join(_iter_lines(status)) + "\n").encode()


def _safe(text: object) -> str:
    return escape(CONTROL_CHARS.sub(" ", str(text)), quote=True)


def _iter_lines(status: CaseStatus) -> Iterator[str]:
    page = build_document(status)
    yield "<!doctype html>"
    yield f'<html lang="{LANG[status.language]}"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{_safe(page.title)}</title><style>{STYLE}</style></head><body><main>"
    yield f"<h1>{_safe(page.title)}</h1><p class=facts>{' · '.join(map(_safe, (*page.facts, *page.outlook)))}</p>"
    yield f"<ul class=next>{_list(page.steps)}</ul><p>{_safe(page.about)}</p>"
    for stage in page.stages:
        items = "".join(map(_render_item, stage.items))
        yield f"<section><h2>{_safe(stage.title)} <small>{_safe(stage.state)}</small></h2>{items}</section>"
    yield from map(_render_section, page.sections)
    yield f"<footer>{_safe(page.closing)}</footer></main></body></html>"


def _list(texts: tuple[str, ...]) -> str:
    return "".join(f"<li>{_safe(text)}</li>" for text in texts)


def _render_item(item: ItemBlock) -> str:
    box = "☑" if item.state == "done" else "☐"
    notes = "".join(f"<p>{_safe(note)}</p>" for note in item.notes)
    rows = "".join(
        f"<dt{kind}>{_safe(detail.label)}</dt><dd{kind}>{_safe(detail.text)}</dd>"
        for detail in item.details
        for kind in [f" class={detail.key}" if detail.key in HIDDEN_IN_PRINT else ""]
    )
    return (
        f'<article class="{item.state}{" overdue" if item.overdue else ""}">'
        f"<h3><span class=box>{box}</span> {_safe(item.what)} <code>{item.id}</code></h3>"
        f"<p class=state>{_safe(item.state_line)}</p>{notes}<dl>{rows}</dl></article>"
    )


def _render_section(section: Section) -> str:
    entries = "".join(
        f"<li>{_safe(entry.line)}{f'<ul>{_list(entry.rows)}</ul>' if entry.rows else ''}</li>"
        for entry in section.entries
    )
    return f"<section class=list><h2>{_safe(section.title)}</h2><ul>{entries}</ul></section>"
