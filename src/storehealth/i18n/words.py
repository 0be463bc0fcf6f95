"""Texts of the screen and the reports, in English, Chinese and Spanish, by key: ``words.say("screen.score")``.

A thin layer over ``storehealth.i18n``, whose catalogues hold the texts. Texts of rules and layouts stand in their own files.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from functools import cache

from storehealth.i18n import figures, parse_text, translate
from storehealth.i18n.po import read_texts
from storehealth.i18n.values import write_value
from storehealth.support.message import LANGUAGES, Language, Message


class Words:
    """The texts of one language, and figures as that language writes them."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._texts = read_texts(language)

    def say(self, key: str, **values: object) -> str:
        """The text of a key, with its ``{names}`` filled in.

        Args:
            key: ``section.key`` of a catalogue.
            values: Text that is already written, or values for the hints of the text. ``n`` chooses the plural form.

        Raises:
            KeyError: No catalogue has the key, or a value is missing.
        """
        n = values.get("n")
        # Callers that group thousands hand over text; only "1" of it is singular.
        return self._fill(key, 1 if n == "1" else 2 if isinstance(n, str) else n, values)

    def count(self, key: str, n: int) -> str:
        """A text about ``n`` things, with the number grouped by thousands."""
        return self._fill(key, n, {"n": self.format_whole(n)})

    def _fill(self, key: str, n: object, values: dict[str, object]) -> str:
        form = self._texts.form(key, n)
        if form is None:
            raise KeyError(key)
        parts = []
        for literal, name, hint in parse_text(form):
            parts.append(literal)
            if name is not None:
                parts.append(self._write(values[name], hint))
        return "".join(parts)

    def _write(self, value: object, hint: str) -> str:
        """A value as its text asks; one without a hint was written by the caller."""
        if hint or isinstance(value, Message):
            return write_value(value, hint, self.language)  # type: ignore[arg-type] # callers pass objects
        return str(value)

    def render(self, text: Message | str | None) -> str:
        """A message as text; empty for None. A string is no text of ours and stays as it is."""
        return translate(text, self.language) if isinstance(text, Message) else text or ""

    def name_table(self, name: str) -> str:
        """A canonical table in plain words; a table of a pack by its own name."""
        return self._texts.form(f"table.{name}") or name

    def name_need(self, need: str) -> str:
        """What a rule needs: a table in plain words, a column of it, ``or`` between alternatives."""
        return self.say("unit.or").join(self._column(*part.strip().partition(".")) for part in need.split("|"))

    def name_missing(self, needs: Collection[str]) -> str:
        """What no file provides. Columns of a table that is missing altogether are not listed."""
        whole = {frozenset(need.split("|")) for need in needs if "." not in need}
        missing = [need for need in needs if "." not in need or _tables(need) not in whole]
        return self.say("unit.comma").join(dict.fromkeys(map(self.name_need, missing)))

    def _column(self, table: str, _: str, column: str) -> str:
        name = self.name_table(table)
        return self.say("unit.brackets", what=name, inside=column) if column else name

    def to_lower(self, name: str) -> str:
        """A name as it stands within a sentence."""
        return name if self.language == "zh" else name.lower()

    def format_whole(self, number: int | None) -> str:
        """A whole number with its thousands grouped, or a dash."""
        return figures.format_whole(number, self.language)

    def format_figure(self, value: float | None, unit: str) -> str:
        """A value in a unit of a finding: ``88.0%``, ``3 min 20 s``, ``26.4 h``; a dash where there is none."""
        return figures.format_figure(value, unit, self.language, self.say("unit.never"))

    def format_bound(self, value: float | None, unit: str, higher_is: str) -> str:
        """A target or limit with its direction: ``≥95%``."""
        if value is None:
            return figures.DASH
        return ("≥" if higher_is == "better" else "≤") + self.format_figure(value, unit)

    def format_decimal(self, value: float | None, digits: int = 1) -> str:
        """A plain number with at most so many decimals, or a dash."""
        return figures.format_decimal(value, self.language, digits)

    def format_day(self, day: date | None) -> str:
        """A day as ISO writes it, in every language; the open end of a window is ``…``."""
        return day.isoformat() if day else "…"

    def format_moment(self, moment: datetime | None) -> str:
        """A time to the minute, or a dash."""
        return moment.strftime("%Y-%m-%d %H:%M") if moment else figures.DASH


@cache
def load_texts() -> dict[str, dict[Language, str]]:
    """All texts by key and language; of those with a plural, the form of many."""
    forms = {language: read_texts(language).forms for language in LANGUAGES}
    return {key: {language: forms[language][key][-1] for language in LANGUAGES} for key in forms["en"]}


def _tables(need: str) -> frozenset[str]:
    return frozenset(part.partition(".")[0] for part in need.split("|"))
