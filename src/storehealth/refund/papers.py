"""Drafts of the papers a merchant mails: ``drafts/*.yaml`` filled in with ``[deposit]`` of the settings.

Missing values stay visible blanks; nothing is invented. A platform's own form takes precedence over a draft.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Literal, get_args

from pydantic import model_validator

from storehealth.catalogue.common import Language, LocalizedText, StrictModel
from storehealth.catalogue.files import read_yaml, validate_record
from storehealth.errors import CatalogueError
from storehealth.refund.checklist import Checklist
from storehealth.refund.merchant import BLANK, MerchantDetails
from storehealth.support.message import Message, lines

FOLDER = Path(__file__).parent / "drafts"
DraftName = Literal["application", "cover", "lost_receipt"]
NAMES: tuple[DraftName, ...] = get_args(DraftName)


class DraftBlock(StrictModel):
    """A part of a draft: a sentence, a labelled value, or the list of enclosures."""

    text: LocalizedText | None = None
    field: LocalizedText | None = None
    value: str | None = None
    list: Literal["enclosures"] | None = None

    @model_validator(mode="after")
    def _check_one_kind(self) -> DraftBlock:
        if sum(part is not None for part in (self.text, self.field, self.list)) != 1:
            raise ValueError("give one of text, field, list")
        unknown = [name for name in self.names if name not in MerchantDetails.model_fields and name != "blank"]
        if unknown:
            raise ValueError(f"no particulars {', '.join(unknown)}")
        return self

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
    """Load all drafts, by name.

    Raises:
        CatalogueError: A draft file is invalid.
    """
    problems: list[Message] = []
    files = [validate_record(DraftFile, path, read_yaml(path), problems) for path in sorted(FOLDER.glob("*.yaml"))]
    if problems:
        raise CatalogueError(lines(problems), "Mend the lines named above.")
    return {draft.name: draft for draft in files if draft}


def fill_draft(
    name: DraftName, checklist: Checklist, particulars: MerchantDetails, language: Language, receipt_lost: bool = False
) -> FilledPaper:
    """Fill in a draft.

    Args:
        name: Which draft.
        checklist: Whose enclosures the cover letter lists.
        particulars: ``[deposit]``.
        language: Of the paper.
        receipt_lost: Enclose the statement of loss in place of the receipt.
    """
    draft = load_drafts()[name]
    pieces = tuple(
        piece
        for block in draft.blocks
        for piece in _fill_block(block, checklist, particulars, (language, receipt_lost))
    )
    wanted = dict.fromkeys(name for block in draft.blocks for name in block.names if name != "blank")
    missing = tuple(key for name in wanted if (key := particulars.find_missing_key(name)))
    return FilledPaper(name, language, draft.title.in_language(language), pieces, missing)


def _fill_block(
    block: DraftBlock, checklist: Checklist, particulars: MerchantDetails, options: tuple[Language, bool]
) -> Iterator[PaperPart]:
    language, receipt_lost = options
    if block.list:
        names = list_enclosures(checklist, receipt_lost)
        yield from (
            PaperPart("enclosure", checklist.papers[name].enclosed.in_language(language), str(number))
            for number, name in enumerate(names, 1)
        )
    elif block.field:
        value = BLANK if block.value in (None, "blank") else particulars.format_value(str(block.value))
        yield PaperPart("field", value, block.field.in_language(language))
    elif block.text:
        values = {name: particulars.format_value(name) for name in block.names}
        yield PaperPart("paragraph", block.text.in_language(language).format(**values))


def list_enclosures(checklist: Checklist, receipt_lost: bool = False) -> tuple[str, ...]:
    """List the papers mailed together; if the receipt is lost, the statement of loss takes its place."""
    swap = receipt_lost and "lost_receipt" in checklist.papers
    return tuple("lost_receipt" if swap and name == "receipt" else name for name in checklist.mailed)
