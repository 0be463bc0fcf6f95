"""The texts of the output formats in three languages: ``wordbook/*.yaml``, checked for completeness."""

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
    """All texts, by kind and name."""

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
    def _check_complete(self) -> WordBook:
        needed = {"states": ItemState, "desks": Desk, "questions": Question, "moments": Moment, "units": Unit}
        for kind, names in needed.items():
            missing = set(get_args(names)) - set(getattr(self, kind))
            if missing:
                raise ValueError(f"{kind} lacks {', '.join(sorted(missing))}")
        return self


@dataclass(frozen=True)
class Words:
    """The texts in one language."""

    book: WordBook
    language: Language

    def say(self, phrase: str, **values: object) -> str:
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

    def aside(self, text: str) -> str:
        """Return a remark in brackets, to be appended."""
        return f"（{text}）" if self.language == "zh" else f" ({text})"

    def need(self, need: str) -> str:
        """Name a table, or a table's column, that no file has."""
        table, _, column = need.partition(".")
        name = self.book.tables[table].in_language(self.language)
        return name + (self.aside(self.book.columns[column].in_language(self.language)) if column else "")

    def days(self, phrase: str, one: str, days: int, **values: object) -> str:
        """Return a phrase with a number of days, singular for one day."""
        return self.say(one if days == 1 else phrase, days=days, **values)

    def listed(self, parts: Iterable[str]) -> str:
        """Join several things with the language's list separator."""
        return ("、" if self.language == "zh" else ", ").join(parts)

    def state(self, state: ItemState) -> str:
        """Name an item's state."""
        return self.book.states[state].in_language(self.language)

    def desk(self, desk: Desk) -> str:
        """Name a desk."""
        return self.book.desks[desk].in_language(self.language)

    def question(self, question: Question) -> str:
        """Name a question to the exports."""
        return self.book.questions[question].in_language(self.language)

    def sure(self, sure: Certainty) -> str:
        """Name how certain a fact is."""
        return self.book.sureness[sure].in_language(self.language)

    def moment(self, moment: Moment) -> str:
        """Name a kind of date."""
        return self.book.moments[moment].in_language(self.language)

    def row_state(self, state: str | None) -> str:
        """Name the state of a row of an export."""
        text = self.book.order_states.get(state or "unknown")
        return text.in_language(self.language) if text else str(state)

    def span(self, takes: Duration) -> str:
        """Word how long something takes: usually 15-30 working days."""
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
    """Return the texts of a language.

    Raises:
        CatalogueError: ``wordbook/`` is not complete.
    """
    return Words(_book(), language)


def moment_line(moment: ChaseDate, words: Words) -> str:
    """Word what a date is for."""
    if moment.kind == "chase":
        return moment.what[:1].upper() + moment.what[1:]
    return f"{words.moment(moment.kind)}{words.colon}{moment.what}"
