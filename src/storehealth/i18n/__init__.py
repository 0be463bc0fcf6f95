"""Messages in the reader's language: ``translate(message, language)``, and the screen's own texts by key.

Texts of the program are in ``locale/*/*.po``; texts of data files come from whoever has read those, see ``provide_texts``.
:class:`Words` looks up the labels of screens and reports: ``words.say("screen.score")``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from contextvars import ContextVar
from datetime import date, datetime
from functools import cache, lru_cache
from string import Formatter
from typing import TypeAlias

from storehealth.i18n import values
from storehealth.i18n.po import read_texts
from storehealth.i18n.values import write_value
from storehealth.support.message import (
    BETWEEN_SCRIPTS,
    HAN,
    LANGUAGES,
    LOCALIZED,
    Language,
    Message,
    space_scripts,
)

TextLookup: TypeAlias = Callable[[str, Language], str | None]
"""Gives the text of a data file by id, in a language; None where it has none."""

_language: ContextVar[Language] = ContextVar("language of the run", default="en")
_lookup: ContextVar[TextLookup | None] = ContextVar("texts of the data files", default=None)


def use_language(language: Language) -> None:
    """Say which language texts are written in where none is named, such as the ``text`` of saved messages."""
    _language.set(language)


def provide_texts(lookup: TextLookup | None) -> None:
    """Say where texts of data files come from, as soon as a catalogue has been read."""
    _lookup.set(lookup)


def has_text(id: str) -> bool:  # noqa: A002
    """Whether the program has a text of this id."""
    return id in read_texts("en").forms


def translate(what: Message, language: str | None = None) -> str:
    """A message as text.

    Args:
        what: Of an id that nothing knows any longer, the text it was saved with is shown.
        language: None: the language of the run.
    """
    from storehealth.i18n.values import write_value

    wanted = _as_language(language) if language else _language.get()
    values = dict(what.pairs)
    if what.id == LOCALIZED:
        return join_parts([(str(values.get(wanted, what.fallback)), None)], wanted)
    text, is_ours = _text(what, values.get("n"), wanted)
    # Braces in a data file may be its own; they are blanks to fill only where something was given for them.
    parts = (
        parse_text(text) if text is not None and (is_ours or (values and "{" in text)) else ((text or "", None, ""),)
    )
    if text is None or (what.fallback and any(name and name not in values for _, name, _ in parts)):
        return what.fallback or what.id  # nothing has the id, or its text has changed since the message was saved
    return join_parts(
        # No crash over a value that lacks: errors go this way too. check_messages.py finds those of ours.
        (
            (
                literal,
                None if name is None else write_value(values[name], hint, wanted) if name in values else f"{{{name}}}",
            )
            for literal, name, hint in parts
        ),
        wanted,
    )


def join_parts(parts: Iterable[tuple[str, str | None]], language: Language) -> str:
    """A text from its literals, each with the value behind it.

    Chinese has a blank between its own characters and Latin letters or digits, and none between two of its own, whatever is
    filled in. Values themselves, which may be names of the store's, stay as they are.
    """
    if language != "zh":
        return "".join(literal + (value or "") for literal, value in parts)
    text = ""
    for literal, value in parts:
        text = _append(text, space_scripts(literal))
        text = _append(text, value or "")
    return text


BETWEEN_OWN = re.compile(f"(?<=[{HAN}]) (?=[{HAN}])")


def _append(text: str, more: str) -> str:
    """Two parts of a Chinese text; only where they meet is a blank taken away or put in."""
    around = f"{text[-2:]}{more[:2]}"
    if BETWEEN_OWN.search(around):
        return text.rstrip(" ") + more.lstrip(" ")
    return f"{text} {more}" if text and more and BETWEEN_SCRIPTS.search(f"{text[-1]}{more[0]}") else text + more


@lru_cache(maxsize=4096)
def parse_text(text: str) -> tuple[tuple[str, str | None, str], ...]:
    """A text as literals, each with the name and the hint of the value behind it (None where there is none)."""
    return tuple((literal, name, hint or "") for literal, name, hint, _ in Formatter().parse(text))


def _as_language(language: str) -> Language:
    return next((known for known in LANGUAGES if known == language), "en")


def _text(what: Message, n: object, language: Language) -> tuple[str | None, bool]:
    """The text with its blanks, and whether it is the program's own; None where nothing has the id."""
    text = read_texts(language).form(what.id, n)
    lookup = _lookup.get()
    return (text, True) if text is not None or lookup is None else (lookup(what.id, language), False)


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
        parts = parse_text(form)
        return join_parts(
            ((literal, None if name is None else self._write(values[name], hint)) for literal, name, hint in parts),
            self.language,
        )

    def _write(self, value: object, hint: str) -> str:
        """A value as its text asks; one without a hint was written by the caller."""
        if hint or isinstance(value, Message):
            return write_value(value, hint, self.language)  # type: ignore[arg-type] # callers pass objects
        return str(value)

    def render(self, text: Message | str | None) -> str:
        """A message as text; empty for None. A plain string stays as it is."""
        return translate(text, self.language) if isinstance(text, Message) else text or ""

    def name_table(self, name: str) -> str:
        """A canonical table in plain words; a table of a pack by its own name."""
        return self._texts.form(f"table.{name}") or name

    def name_need(self, need: str) -> str:
        """What a rule needs: a table in plain words, a column of it, ``or`` between alternatives."""
        return self.say("unit.or").join(self._column(*part.strip().partition(".")) for part in need.split("|"))

    def name_missing(self, needs: Collection[str]) -> str:
        """What no file provides. Columns of a table that is missing altogether are not listed."""
        tables = {frozenset(need.split("|")) for need in needs if "." not in need}
        missing = [need for need in needs if "." not in need or _tables(need) not in tables]
        missing = [need for need in missing if "=" not in need] or missing
        return self.say("unit.comma").join(dict.fromkeys(map(self.name_need, missing)))

    def _column(self, table: str, _: str, column: str) -> str:
        name = self.name_table(table)
        title, _, word = column.partition("=")
        title = self._texts.form(f"table.{table}.{title}") or title
        inside = self.say("need.word", column=title, word=word) if word else title
        return self.say("unit.brackets", what=name, inside=inside) if column else name

    def to_lower(self, name: str) -> str:
        """A name as it stands within a sentence."""
        return name if self.language == "zh" else name.lower()

    def format_whole(self, number: int | None) -> str:
        """A whole number with its thousands grouped, or a dash."""
        return values.format_whole(number, self.language)

    def format_figure(self, value: float | None, unit: str) -> str:
        """A value in a unit of a finding: ``88.0%``, ``3 min 20 s``, ``26.4 h``; a dash where there is none."""
        return values.format_figure(value, unit, self.language, self.say("unit.never"))

    def format_bound(self, value: float | None, unit: str, higher_is: str) -> str:
        """A target or limit with its direction: ``≥95%``."""
        if value is None:
            return values.DASH
        return ("≥" if higher_is == "better" else "≤") + self.format_figure(value, unit)

    def format_decimal(self, value: float | None, digits: int = 1) -> str:
        """A plain number with at most this many decimals, or a dash."""
        return values.format_decimal(value, self.language, digits)

    def format_day(self, day: date | None) -> str:
        """A day as ISO writes it, in every language; the open end of a window is ``…``."""
        return day.isoformat() if day else "…"

    def format_moment(self, moment: datetime | None) -> str:
        """A time to the minute, or a dash."""
        return moment.strftime("%Y-%m-%d %H:%M") if moment else values.DASH


@cache
def load_texts() -> dict[str, dict[Language, str]]:
    """All texts by key and language; of those with a plural, the form of many."""
    forms = {language: read_texts(language).forms for language in LANGUAGES}
    return {key: {language: forms[language][key][-1] for language in LANGUAGES} for key in forms["en"]}


def _tables(need: str) -> frozenset[str]:
    return frozenset(part.partition(".")[0] for part in need.split("|"))
