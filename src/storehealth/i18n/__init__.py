"""Messages in the reader's language: ``translate(message, language)``.

Texts of the program are in ``locale/*/*.po``; texts of data files come from whoever has read those, see ``provide_texts``.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import lru_cache
from string import Formatter
from typing import TypeAlias

from storehealth.i18n.po import read_texts
from storehealth.support.message import LANGUAGES, LOCALIZED, Language, Message

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
        return str(values.get(wanted, what.fallback))
    text, is_ours = _text(what, values.get("n"), wanted)
    # Braces in a data file may be its own; they are blanks to fill only where something was given for them.
    parts = (
        parse_text(text) if text is not None and (is_ours or (values and "{" in text)) else ((text or "", None, ""),)
    )
    if text is None or (what.fallback and any(name and name not in values for _, name, _ in parts)):
        return what.fallback or what.id  # nothing has the id, or its text has changed since the message was saved
    written = []
    for literal, name, hint in parts:
        written.append(literal)
        if name is not None:
            # No crash over a value that lacks: errors go this way too. check_messages.py finds those of ours.
            written.append(write_value(values[name], hint, wanted) if name in values else f"{{{name}}}")
    return "".join(written)


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
