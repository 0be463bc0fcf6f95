"""The texts of the output formats in three languages: ``wordbook/*.yaml``, checked for completeness."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import get_args

from pydantic import model_validator

from storehealth.catalogue.common import Language, LocalizedText, StrictModel
from storehealth.catalogue.files import read_yaml, validate_record
from storehealth.errors import CatalogueError
from storehealth.refund.checklist import Certainty, Desk, Question, Unit
from storehealth.refund.status import CaseDate, DateKind, ItemDuration, ItemState
from storehealth.support.message import Message, lines

FOLDER = Path(__file__).parent / "wordbook"


class RefundTexts(StrictModel):
    """All texts, by kind and name."""

    states: dict[ItemState, LocalizedText]
    desks: dict[Desk, LocalizedText]
    questions: dict[Question, LocalizedText]
    sureness: dict[Certainty, LocalizedText]
    moments: dict[DateKind, LocalizedText]
    units: dict[Unit, LocalizedText]
    order_states: dict[str, LocalizedText]
    tables: dict[str, LocalizedText]
    columns: dict[str, LocalizedText]
    phrases: dict[str, LocalizedText]

    @model_validator(mode="after")
    def _check_complete(self) -> RefundTexts:
        needed = {"states": ItemState, "desks": Desk, "questions": Question, "moments": DateKind, "units": Unit}
        for kind, names in needed.items():
            missing = set(get_args(names)) - set(getattr(self, kind))
            if missing:
                raise ValueError(f"{kind} lacks {', '.join(sorted(missing))}")
        return self


@dataclass(frozen=True)
class RefundWords:
    """The texts in one language."""

    book: RefundTexts
    language: Language

    def render(self, phrase: str, **values: object) -> str:
        """Return a phrase with its placeholders filled in."""
        text = self.book.phrases[phrase].in_language(self.language)
        return text.format(**values) if values else text

    @property
    def colon(self) -> str:
        """The separator between a label and its text."""
        return "：" if self.language == "zh" else ": "

    @property
    def semicolon(self) -> str:
        """The separator between two remarks."""
        return "；" if self.language == "zh" else "; "

    def bracket(self, text: str) -> str:
        """Return a remark in brackets, to be appended."""
        return f"（{text}）" if self.language == "zh" else f" ({text})"

    def name_need(self, need: str) -> str:
        """Name a table, or a table's column, that no file has."""
        table, _, column = need.partition(".")
        name = self.book.tables[table].in_language(self.language)
        return name + (self.bracket(self.book.columns[column].in_language(self.language)) if column else "")

    def render_days(self, phrase: str, one: str, days: int, **values: object) -> str:
        """Return a phrase with a number of days, singular for one day."""
        return self.render(one if days == 1 else phrase, days=days, **values)

    def join(self, parts: Iterable[str]) -> str:
        """Join several things with the language's list separator."""
        return ("、" if self.language == "zh" else ", ").join(parts)

    def name_state(self, state: ItemState) -> str:
        """Name an item's state."""
        return self.book.states[state].in_language(self.language)

    def name_desk(self, desk: Desk) -> str:
        """Name a desk."""
        return self.book.desks[desk].in_language(self.language)

    def name_question(self, question: Question) -> str:
        """Name a question to the exports."""
        return self.book.questions[question].in_language(self.language)

    def name_certainty(self, sure: Certainty) -> str:
        """Name how certain a fact is."""
        return self.book.sureness[sure].in_language(self.language)

    def name_date_kind(self, moment: DateKind) -> str:
        """Name a kind of date."""
        return self.book.moments[moment].in_language(self.language)

    def name_row_state(self, state: str | None) -> str:
        """Name the state of a row of an export."""
        text = self.book.order_states.get(state or "unknown")
        return text.in_language(self.language) if text else str(state)

    def render_duration(self, takes: ItemDuration) -> str:
        """Word how long something takes: usually 15-30 working days."""
        days = str(takes.most) if takes.least in (0, takes.most) else f"{takes.least}-{takes.most}"
        days = f"≤ {days}" if takes.least == 0 else days
        return self.render(takes.kind, range=days, unit=self.book.units[takes.unit].in_language(self.language))


@cache
def _book() -> RefundTexts:
    problems: list[Message] = []
    content = {kind: words for path in sorted(FOLDER.glob("*.yaml")) for kind, words in read_yaml(path).items()}
    book = validate_record(RefundTexts, FOLDER / "names.yaml", content, problems)
    if book is None:
        raise CatalogueError(lines(problems), "Mend the lines named above.")
    return book


def load_words(language: Language) -> RefundWords:
    """Return the texts of a language.

    Raises:
        CatalogueError: ``wordbook/`` is not complete.
    """
    return RefundWords(_book(), language)


def render_date(moment: CaseDate, words: RefundWords) -> str:
    """Word what a date is for."""
    if moment.kind == "chase":
        return moment.what[:1].upper() + moment.what[1:]
    return f"{words.name_date_kind(moment.kind)}{words.colon}{moment.what}"
