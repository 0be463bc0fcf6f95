"""Drafted papers as Markdown and as DOCX (A4: title, paragraphs, a table of labelled values, numbered enclosures)."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date, datetime, time
from typing import TYPE_CHECKING

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

from storehealth.output.checkup._markdown import escape
from storehealth.refund.case import BLANK
from storehealth.refund.facts import FilledPaper, PaperPart
from storehealth.support.control_chars import CONTROL_CHARS_IN_LINES

if TYPE_CHECKING:
    from docx.document import Document as Page

LATIN, CHINESE = "Times New Roman", "宋体"
SQUEEZED = re.compile(rf"(?<=\S){BLANK}|{BLANK}(?=\S)")
LANG = {"en": "en-GB", "zh": "zh-CN", "es": "es-ES"}


def render_paper(paper: FilledPaper, kind: str, as_of: date) -> bytes:
    """Render a paper.

    Args:
        paper: The draft, filled in.
        kind: ``docx`` or ``markdown``.
        as_of: Day written into the properties of a Word file.
    """
    return to_docx(_clean(paper), as_of) if kind == "docx" else to_markdown(paper)


def _clean(paper: FilledPaper) -> FilledPaper:
    """Take out control characters, which no Word file can hold."""
    pieces = (replace(piece, text=_clean_text(piece.text), label=_clean_text(piece.label)) for piece in paper.pieces)
    return replace(paper, title=_clean_text(paper.title), pieces=tuple(pieces))


def _clean_text(text: str) -> str:
    return CONTROL_CHARS_IN_LINES.sub(" ", text)


def to_markdown(paper: FilledPaper) -> bytes:
    """Render a paper as Markdown. Blanks stand between spaces, so that their underscores do not read as emphasis."""
    colon = "：" if paper.language == "zh" else ": "
    lines = [f"# {escape(paper.title)}", ""]
    for piece in paper.pieces:
        text = _escape_around_blanks(piece.text)
        if piece.kind == "paragraph":
            lines += ([""] if lines[-1] else []) + [text, ""]
        elif piece.kind == "field":
            lines.append(f"- {escape(piece.label)}{colon} {text}".replace(":  ", ": "))
        else:
            lines.append(f"{piece.label}. {text}")
    return ("\n".join(lines).rstrip() + "\n").encode()


def _escape_around_blanks(text: str) -> str:
    """Escape a text except its blanks, which are kept and set apart."""
    parts = [escape(part) for part in text.split(BLANK)]
    return " ".join(SQUEEZED.sub(f" {BLANK} ", BLANK.join(parts)).split())


def to_docx(paper: FilledPaper, as_of: date) -> bytes:
    """Render a paper as a Word file.

    Args:
        paper: The draft, filled in.
        as_of: Day written into the file's properties.
    """
    page = Document()
    _set_up(page, paper, as_of)
    page.add_paragraph(paper.title, style="Title").alignment = WD_ALIGN_PARAGRAPH.CENTER
    rows: list[PaperPart] = []
    for piece in paper.pieces:
        if piece.kind == "field":
            rows.append(piece)
            continue
        _add_table(page, rows)
        rows = []
        page.add_paragraph(piece.text, style="List Number" if piece.kind == "enclosure" else None)
    _add_table(page, rows)
    out = io.BytesIO()
    page.save(out)
    return out.getvalue()


def _set_up(page: Page, paper: FilledPaper, as_of: date) -> None:
    section = page.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.5)
    font = page.styles["Normal"].font
    font.name, font.size = LATIN, Pt(12)
    title = page.styles["Title"].font
    title.name, title.size, title.bold, title.color.rgb = LATIN, Pt(16), True, RGBColor(0, 0, 0)
    for name in ("Normal", "Title"):
        page.styles[name].element.rPr.rFonts.set(qn("w:eastAsia"), CHINESE)
    properties = page.core_properties
    properties.title, properties.author, properties.language = paper.title, "", LANG[paper.language]
    properties.comments = ""
    properties.created = properties.modified = datetime.combine(as_of, time())


def _add_table(page: Page, rows: list[PaperPart]) -> None:
    if not rows:
        return
    table = page.add_table(rows=0, cols=2)
    table.style = "Table Grid"
    for piece in rows:
        label, value = table.add_row().cells
        label.text, value.text = piece.label, piece.text
        label.width, value.width = Cm(5.5), Cm(10.5)
    page.add_paragraph()
