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

from storehealth.catalogue.common import Language, Strict, Text
from storehealth.catalogue.files import read_yaml, validate
from storehealth.deposit.checklist import Checklist
from storehealth.deposit.particulars import BLANK, Particulars
from storehealth.errors import CatalogueError

FOLDER = Path(__file__).parent / "drafts"
Draft = Literal["application", "cover", "lost_receipt"]
NAMES: tuple[Draft, ...] = get_args(Draft)


class Block(Strict):
    """A part of a draft: a sentence, a labelled value, or the list of enclosures."""

    text: Text | None = None
    field: Text | None = None
    value: str | None = None
    list: Literal["enclosures"] | None = None

    @model_validator(mode="after")
    def _check_one_kind(self) -> Block:
        if sum(part is not None for part in (self.text, self.field, self.list)) != 1:
            raise ValueError("give one of text, field, list")
        unknown = [name for name in self.names if name not in Particulars.model_fields and name != "blank"]
        if unknown:
            raise ValueError(f"no particulars {', '.join(unknown)}")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the settings it is filled in with."""
        texts = (self.text.en, self.text.zh, self.text.es) if self.text else ()
        placeholders = (name for text in texts for _, name, _, _ in Formatter().parse(text) if name)
        return tuple(dict.fromkeys([*([self.value] if self.value else []), *placeholders]))


class DraftFile(Strict):
    """One draft in three languages."""

    name: Draft
    title: Text
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Piece:
    """A part that is filled in: a paragraph, a labelled value, or an enclosure with its number."""

    kind: Literal["paragraph", "field", "enclosure"]
    text: str
    label: str = ""


@dataclass(frozen=True)
class PaperText:
    """A draft filled in, in one language. ``blanks`` names the keys missing from ``[deposit]``."""

    name: Draft
    language: Language
    title: str
    pieces: tuple[Piece, ...]
    blanks: tuple[str, ...]


@cache
def drafts() -> dict[Draft, DraftFile]:
    """Load all drafts, by name.

    Raises:
        CatalogueError: A draft file is invalid.
    """
    problems: list[str] = []
    files = [validate(DraftFile, path, read_yaml(path), problems) for path in sorted(FOLDER.glob("*.yaml"))]
    if problems:
        raise CatalogueError("\n".join(problems), "Mend the lines named above.")
    return {draft.name: draft for draft in files if draft}


def fill(
    name: Draft, checklist: Checklist, particulars: Particulars, language: Language, receipt_lost: bool = False
) -> PaperText:
    """Fill in a draft.

    Args:
        name: Which draft.
        checklist: Whose enclosures the cover letter lists.
        particulars: ``[deposit]``.
        language: Of the paper.
        receipt_lost: Enclose the statement of loss in place of the receipt.
    """
    draft = drafts()[name]
    pieces = tuple(
        piece
        for block in draft.blocks
        for piece in _fill_block(block, checklist, particulars, (language, receipt_lost))
    )
    wanted = dict.fromkeys(name for block in draft.blocks for name in block.names if name != "blank")
    missing = tuple(key for name in wanted if (key := particulars.lacking(name)))
    return PaperText(name, language, draft.title.in_language(language), pieces, missing)


def _fill_block(
    block: Block, checklist: Checklist, particulars: Particulars, options: tuple[Language, bool]
) -> Iterator[Piece]:
    language, receipt_lost = options
    if block.list:
        names = enclosures(checklist, receipt_lost)
        yield from (
            Piece("enclosure", checklist.papers[name].enclosed.in_language(language), str(number))
            for number, name in enumerate(names, 1)
        )
    elif block.field:
        value = BLANK if block.value in (None, "blank") else particulars.filled(str(block.value))
        yield Piece("field", value, block.field.in_language(language))
    elif block.text:
        values = {name: particulars.filled(name) for name in block.names}
        yield Piece("paragraph", block.text.in_language(language).format(**values))


def enclosures(checklist: Checklist, receipt_lost: bool = False) -> tuple[str, ...]:
    """List the papers mailed together; if the receipt is lost, the statement of loss takes its place."""
    swap = receipt_lost and "lost_receipt" in checklist.papers
    return tuple("lost_receipt" if swap and name == "receipt" else name for name in checklist.mailed)
