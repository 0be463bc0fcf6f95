"""Drafts of the papers a merchant mails: ``drafts/*.yaml`` filled in with ``[deposit]`` of the settings.

Missing values stay visible blanks; nothing is invented. A platform's own form takes precedence over a draft. A paper is
written in the language of the platform's staff, whatever the language of the run, so its texts are no messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Literal, get_args

from storehealth.catalogue.checklist import Checklist
from storehealth.catalogue.common import Language, LocalizedText, StrictModel
from storehealth.catalogue.files import read_yaml
from storehealth.refund.merchant import BLANK, MerchantDetails

FOLDER = Path(__file__).parent / "drafts"
DraftName = Literal["application", "cover", "lost_receipt"]
NAMES: tuple[DraftName, ...] = get_args(DraftName)


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
