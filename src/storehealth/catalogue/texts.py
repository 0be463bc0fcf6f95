"""Texts of data files as messages: an id says where one stands, ``rule.CS01.advice.hold-cutoff.name``.

So a result is in no language, and a saved one can be shown in every language that the file has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from storehealth.catalogue import Catalogue
from storehealth.catalogue.common import LocalizedText, split_alternatives
from storehealth.catalogue.table import Table
from storehealth.model import Window
from storehealth.support.message import Language, Message, Name, Value, data_text, message
from storehealth.support.service_hours import name_holiday

KINDS = {"rule": "rules", "layout": "layouts", "view": "views", "table": "tables", "platform": "platforms"}
"""First part of an id → where the catalogue keeps the file, whose name or code is the second part."""


def to_message(text: LocalizedText, id: str, /, **values: Value) -> Message:  # noqa: A002 - the field's name
    """A text of a data file as a message.

    Args:
        text: The text; its English is kept in the message, for the day the file is gone.
        id: Kind, name or code, then the keys that lead to it; an entry of a list by its ``id`` or ``name``, else its place.
        values: Values for the text's ``{names}``.
    """
    return data_text(id, text.en, **values)


def name_table(table: str) -> Message:
    """A canonical table in plain words; a table of a pack by its own name."""
    return data_text(f"table.{table}", table)


def name_dimension(dimension: str) -> Message:
    """A column that defects are sliced by, in plain words; one of a pack by its own name."""
    return data_text(f"slice.{dimension}", dimension.replace("_", " "))


def name_need(need: str) -> Message:
    """What a rule needs: a table in plain words, with the column if it names one, "or" between alternatives."""
    parts = tuple(_name_alternative(*part.partition(".")) for part in split_alternatives(need))
    return parts[0] if len(parts) == 1 else message("need.alternatives", parts=parts)


def _name_alternative(table: str, _: str, column: str) -> Message:
    if not column:
        return name_table(table)
    name, _, word = column.partition("=")
    inside = data_text(f"table.{table}.{name}", name)
    inside = message("need.word", column=inside, word=Name(word)) if word else inside
    return message("unit.brackets", what=name_table(table), inside=inside)


def name_needs(needs: Collection[str]) -> tuple[Message, ...]:
    """What no file provides. Columns of a table that is missing altogether are not listed."""
    tables = {frozenset(need.split("|")) for need in needs if "." not in need}
    listed = [need for need in needs if "." not in need or _tables_of(need) not in tables]
    listed = [need for need in listed if "=" not in need] or listed  # without the column its words are missing as well
    return tuple(dict.fromkeys(map(name_need, listed)))


def _tables_of(need: str) -> frozenset[str]:
    return frozenset(part.partition(".")[0] for part in need.split("|"))


def describe_window(window: Window) -> Message:
    """The days of a window, or that it has no ends."""
    if window.first is None and window.last is None:
        return message("screen.all_days")
    return message("screen.window", first=window.first or Name("…"), last=window.last or Name("…"))


class TextFinder:
    """Finds texts of a catalogue and of checklists by id, for ``i18n.provide_texts``.

    Args:
        catalogue: None where only checklists have been read.
        packs: Folders whose checklists replace the built-in ones.
    """

    def __init__(self, catalogue: Catalogue | None, packs: Iterable[Path] = ()) -> None:
        self._catalogue = catalogue
        self._packs = tuple(packs)

    def __call__(self, id: str, language: Language) -> str | None:  # noqa: A002
        """The text in a language; None where no file has it."""
        kind, _, path = id.partition(".")
        if kind == "holiday":
            country, _, day = path.partition(".")
            return name_holiday(country, date.fromisoformat(day), language)
        if kind == "slice":
            return self._name_slice(path, language)
        value: Any = getattr(self._catalogue, KINDS[kind], None) if kind in KINDS else None
        if kind == "checklist":
            from storehealth.catalogue.checklist import load_checklists

            value = load_checklists(self._packs)
        for key in path.split("."):
            value = _step(value, key)
        if isinstance(value, Table):
            value = value.title
        return value.in_language(language) if isinstance(value, LocalizedText) else None

    def _name_slice(self, dimension: str, language: Language) -> str | None:
        rules = self._catalogue.rules.values() if self._catalogue else ()
        titles = (rule.measure.titles[dimension] for rule in rules if dimension in rule.measure.titles)
        return next((title.in_language(language) for title in titles), None)


def _step(value: Any, key: str) -> Any:
    """What a record, mapping or list holds under a key; None where it holds nothing of the name."""
    if isinstance(value, BaseModel):
        return getattr(value, key) if key in type(value).model_fields else None
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, tuple):
        named = (part for part in value if key in (getattr(part, "id", None), getattr(part, "name", None)))
        return next(named, value[int(key)] if key.isdigit() and int(key) < len(value) else None)
    return None
