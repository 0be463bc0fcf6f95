"""The words of the faces in three languages: ``wordbook/*.yaml``, checked to be complete."""

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
from storehealth.deposit.standing import ChaseDate, Duration, ItemState, Moment
from storehealth.errors import CatalogueError

FOLDER = Path(__file__).parent / "wordbook"


class WordBook(Strict):
    """All words, by kind and name."""

    states: dict[ItemState, Text]
    desks: dict[Desk, Text]
    questions: dict[Question, Text]
    sureness: dict[Certainty, Text]
    moments: dict[Moment, Text]
    units: dict[Unit, Text]
    order_states: dict[str, Text]
    tables: dict[str, Text]
    columns: dict[str, Text]
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

    @property
    def semicolon(self) -> str:
        """What stands between two remarks."""
        return "；" if self.language == "zh" else "; "

    def aside(self, text: str) -> str:
        """A remark behind something else, in brackets."""
        return f"（{text}）" if self.language == "zh" else f" ({text})"

    def need(self, need: str) -> str:
        """A table, or a table's column, that no file gives."""
        table, _, column = need.partition(".")
        told = self.book.tables[table].in_language(self.language)
        return told + (self.aside(self.book.columns[column].in_language(self.language)) if column else "")

    def days(self, phrase: str, one: str, days: int, **values: object) -> str:
        """A phrase with a number of days, in the singular where it is one."""
        return self.say(one if days == 1 else phrase, days=days, **values)

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
    content = {kind: words for path in sorted(FOLDER.glob("*.yaml")) for kind, words in read_yaml(path).items()}
    book = validate(WordBook, FOLDER / "names.yaml", content, problems)
    if book is None:
        raise CatalogueError("\n".join(problems), "Mend the lines named above.")
    return book


def words(language: Language) -> Words:
    """The words of a language.

    Raises:
        CatalogueError: ``wordbook/`` is not complete.
    """
    return Words(_book(), language)


def moment_line(moment: ChaseDate, words: Words) -> str:
    """What a date is for."""
    if moment.kind == "chase":
        return moment.what[:1].upper() + moment.what[1:]
    return f"{words.moment(moment.kind)}{words.colon}{moment.what}"
