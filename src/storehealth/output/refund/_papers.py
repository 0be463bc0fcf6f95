"""The papers to mail: ``drafts/*.yaml`` filled in with ``[deposit]`` of the settings, as Markdown and as DOCX.

Missing values stay visible blanks; nothing is invented. A platform's own form takes precedence over a draft. A paper is
written in the language of the platform's staff, whatever the language of the run, so its texts are not messages.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from functools import cache
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Literal, get_args

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

from storehealth.catalogue.checklist import Checklist
from storehealth.catalogue.common import Language, LocalizedText, StrictModel
from storehealth.catalogue.files import read_yaml
from storehealth.output.checkup._markdown import escape
from storehealth.refund.case import BLANK, MerchantDetails
from storehealth.support.control_chars import CONTROL_CHARS_IN_LINES

if TYPE_CHECKING:
    from docx.document import Document as Page

FOLDER = Path(__file__).parent / "drafts"
DraftName = Literal["application", "cover", "lost_receipt"]
NAMES: tuple[DraftName, ...] = get_args(DraftName)
LATIN, CHINESE = "Times New Roman", "宋体"
SQUEEZED = re.compile(rf"(?<=\S){BLANK}|{BLANK}(?=\S)")
LANG = {"en": "en-GB", "zh": "zh-CN", "es": "es-ES"}


class DraftBlock(StrictModel):
    """A part of a draft: a sentence, a labelled value, or the list of enclosures."""

    text: LocalizedText | None = None
    field: LocalizedText | None = None
    value: str | None = None
    list: Literal["enclosures"] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the settings it is filled in with."""
        texts = (self.text.en, self.text.zh, self.text.es) if self.text else ()
        placeholders = (name for text in texts for _, name, _, _ in Formatter().parse(text) if name)
        return tuple(dict.fromkeys([*([self.value] if self.value else []), *placeholders]))


class DraftFile(StrictModel):
    """One draft in three languages."""

    name: DraftName
    title: LocalizedText
    blocks: tuple[DraftBlock, ...]


@dataclass(frozen=True)
class PaperPart:
    """A part that is filled in: a paragraph, a labelled value, or an enclosure with its number."""

    kind: Literal["paragraph", "field", "enclosure"]
    text: str
    label: str = ""


@dataclass(frozen=True)
class FilledPaper:
    """A draft filled in, in one language. ``blanks`` names the keys missing from ``[deposit]``."""

    name: DraftName
    language: Language
    title: str
    pieces: tuple[PaperPart, ...]
    blanks: tuple[str, ...]


@cache
def load_drafts() -> dict[DraftName, DraftFile]:
    """Load all drafts, by name."""
    drafts = (DraftFile.model_validate(read_yaml(path)) for path in sorted(FOLDER.glob("*.yaml")))
    return {draft.name: draft for draft in drafts}


def fill_draft(
    name: DraftName, checklist: Checklist, details: MerchantDetails, language: Language, receipt_lost: bool = False
) -> FilledPaper:
    """Fill in a draft.

    Args:
        name: Which draft.
        checklist: Whose enclosures the cover letter lists.
        details: ``[deposit]``.
        language: Of the paper.
        receipt_lost: Enclose the statement of loss in place of the receipt.
    """
    draft = load_drafts()[name]
    enclosures = [checklist.papers[paper].enclosed for paper in list_enclosures(checklist, receipt_lost)]
    parts = (part for block in draft.blocks for part in _fill_block(block, enclosures, details, language))
    return FilledPaper(
        name, language, draft.title.in_language(language), tuple(parts), _list_blanks(draft.blocks, details)
    )


def _list_blanks(blocks: Iterable[DraftBlock], details: MerchantDetails) -> tuple[str, ...]:
    """List the keys to set so that no blank is left."""
    keys = dict.fromkeys(key for block in blocks for key in block.names if key != "blank")
    return tuple(filter(None, map(details.find_missing_key, keys)))


def _fill_block(
    block: DraftBlock, enclosures: list[LocalizedText], details: MerchantDetails, language: Language
) -> Iterator[PaperPart]:
    if block.list:
        for number, name in enumerate(enclosures, 1):
            yield PaperPart("enclosure", name.in_language(language), str(number))
    elif block.field:
        value = BLANK if block.value in (None, "blank") else details.format_value(str(block.value))
        yield PaperPart("field", value, block.field.in_language(language))
    elif block.text:
        values = {name: details.format_value(name) for name in block.names}
        yield PaperPart("paragraph", block.text.in_language(language).format(**values))


def list_enclosures(checklist: Checklist, receipt_lost: bool = False) -> tuple[str, ...]:
    """List the papers mailed together; if the receipt is lost, the statement of loss takes its place."""
    is_swapped = receipt_lost and "lost_receipt" in checklist.papers
    return tuple("lost_receipt" if is_swapped and name == "receipt" else name for name in checklist.mailed)


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
