"""The words of the faces in three languages: ``words.yaml``, checked to be complete."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import get_args

from pydantic import model_validator

from storehealth.catalogue.common import Language, Strict, Text
from storehealth.catalogue.files import read_yaml, validate
from storehealth.deposit.checklist import Certainty, Desk, Question, Unit
from storehealth.deposit.standing import Duration, ItemState, Moment
from storehealth.errors import CatalogueError

FILE = Path(__file__).parent / "words.yaml"


class WordBook(Strict):
    """All words, by kind and name."""

    states: dict[ItemState, Text]
    desks: dict[Desk, Text]
    questions: dict[Question, Text]
    sureness: dict[Certainty, Text]
    moments: dict[Moment, Text]
    units: dict[Unit, Text]
    order_states: dict[str, Text]
    phrases: dict[str, Text]

    @model_validator(mode="after")
    def _complete(self) -> WordBook:
        needed = {"states": ItemState, "desks": Desk, "questions": Question, "moments": Moment, "units": Unit}
        for kind, names in needed.items():
            missing = set(get_args(names)) - set(getattr(self, kind))
            if missing:
                raise ValueError(f"{kind} lacks {', '.join(sorted(missing))}")
        return self


@dataclass(frozen=True)
class Words:
    """The words of one language."""

    book: WordBook
    language: Language

    def say(self, phrase: str, **values: object) -> str:
        """A phrase with its blanks filled in."""
        text = self.book.phrases[phrase].in_language(self.language)
        return text.format(**values) if values else text

    @property
    def colon(self) -> str:
        """What stands between a label and its text."""
        return "：" if self.language == "zh" else ": "

    def listed(self, parts: Iterable[str]) -> str:
        """Several things in a row, with the comma of the language."""
        return ("、" if self.language == "zh" else ", ").join(parts)

    def state(self, state: ItemState) -> str:
        """How an item stands."""
        return self.book.states[state].in_language(self.language)

    def desk(self, desk: Desk) -> str:
        """Who has it."""
        return self.book.desks[desk].in_language(self.language)

    def question(self, question: Question) -> str:
        """What was asked of the exports."""
        return self.book.questions[question].in_language(self.language)

    def sure(self, sure: Certainty) -> str:
        """How sure a fact is."""
        return self.book.sureness[sure].in_language(self.language)

    def moment(self, moment: Moment) -> str:
        """What a date is for."""
        return self.book.moments[moment].in_language(self.language)

    def row_state(self, state: str | None) -> str:
        """State of a row of an export."""
        text = self.book.order_states.get(state or "unknown")
        return text.in_language(self.language) if text else str(state)

    def span(self, takes: Duration) -> str:
        """How long, in words: usually 15-30 working days."""
        days = str(takes.most) if takes.least in (0, takes.most) else f"{takes.least}-{takes.most}"
        days = f"≤ {days}" if takes.least == 0 else days
        return self.say(takes.kind, range=days, unit=self.book.units[takes.unit].in_language(self.language))


@cache
def _book() -> WordBook:
    problems: list[str] = []
    book = validate(WordBook, FILE, read_yaml(FILE), problems)
    if book is None:
        raise CatalogueError("\n".join(problems), "Mend the lines named above.")
    return book


def words(language: Language) -> Words:
    """The words of a language.

    Raises:
        CatalogueError: ``words.yaml`` is not complete.
    """
    return Words(_book(), language)
