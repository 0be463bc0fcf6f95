"""A text of the program in no language yet: an id and values, turned into a sentence only where it is shown.

Results and errors carry a ``Message``; ``storehealth.i18n.translate`` renders it. Values are numbers, dates, names or
other messages, never sentences, so that nothing of ours stays in the language it was written in. How to add one:
``docs/messages.md``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from storehealth.support.control_chars import escape_bytes

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core.core_schema import CoreSchema, SerializationInfo

Language = Literal["en", "zh", "es"]
LANGUAGES: tuple[Language, ...] = ("en", "zh", "es")

VERBATIM = "text.verbatim"
"""The id of a text that is shown as it is in every language: one saved by an older version, or from another program."""
LOCALIZED = "text.localized"
"""The id of a text whose values are its languages."""
UNITS = ("share", "seconds", "hours", "days", "number", "points")
"""Units of a figure, see ``quantity``."""


class Name(str):
    """A code, name, file name, cell value or another text of the user's own: shown as it is, never one of our sentences.

    Bytes of a file's name that are not UTF-8 are escaped: no stream would take them.
    """

    __slots__ = ()

    def __new__(cls, value: object = "") -> Name:
        """Make a name of a text, path or number."""
        return super().__new__(cls, escape_bytes(str(value)))


Value: TypeAlias = "bool | int | float | Decimal | date | timedelta | Name | Message | tuple[Message | Name, ...]"
"""What a message may carry; ``date`` includes ``datetime``. A tuple is a list, which each language writes its own way."""


class Message:
    """A text in no language yet.

    Frozen; equal and hashable by id and values. ``str()`` gives the English sentence, for logs and tracebacks.

    Args:
        id: ``section.key`` of the catalogues in ``i18n/locale``, or of a text that stands in a data file.
        pairs: Names and values, sorted by name; made by ``message``.
        fallback: Shown where nothing has the id any longer, such as a text of a pack that is gone.
    """

    # No dataclass: pydantic would dump it as a dictionary of its fields, also where Python objects are asked for.
    __slots__ = ("fallback", "id", "pairs")
    id: str
    pairs: tuple[tuple[str, Value], ...]
    fallback: str

    def __init__(self, id: str, pairs: tuple[tuple[str, Value], ...] = (), fallback: str = "") -> None:  # noqa: A002
        for name, value in (("id", id), ("pairs", pairs), ("fallback", fallback)):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a message is frozen; {name} cannot be set")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and (self.id, self.pairs) == (other.id, other.pairs)

    def __hash__(self) -> int:
        return hash((self.id, self.pairs))

    def __format__(self, spec: str) -> str:
        """In an f-string: the language of the run, never English by accident. Render at the edge instead."""
        return _renderer(self, None)

    def __repr__(self) -> str:
        return f"message({', '.join([repr(self.id), *(f'{name}={value!r}' for name, value in self.pairs)])})"

    def __reduce__(self) -> tuple[type[Message], tuple[object, ...]]:
        return Message, (self.id, self.pairs, self.fallback)

    @property
    def values(self) -> Mapping[str, Value]:
        """The values by name, read-only."""
        return MappingProxyType(dict(self.pairs))

    def __str__(self) -> str:
        return _renderer(self, "en")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema

        written = core_schema.plain_serializer_function_ser_schema(_serialize, info_arg=True)
        return core_schema.no_info_plain_validator_function(from_json, serialization=written)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {
            "title": "Message",
            "type": "object",
            "description": "A text: id and values say it in any language, text in the language of the run.",
            "properties": {"id": {"type": "string"}, "values": {"type": "object"}, "text": {"type": "string"}},
            "required": ["id", "values", "text"],
            "additionalProperties": False,
        }


def message(id: str, /, **values: Value) -> Message:  # noqa: A002 - the word everyone uses for it
    """A message with its values.

    Args:
        id: ``section.key``, written out, so that ``scripts/check_messages.py`` finds it.
        values: Values for the text's ``{names}``. ``n`` also chooses between singular and plural.

    Raises:
        TypeError: A value is plain text, or of a kind that no language knows how to write.
        ValueError: A number is infinite or none; ``quantity`` takes those.
    """
    for name, value in values.items():
        _check(id, name, value)
    return Message(id, tuple(sorted(values.items(), key=lambda pair: pair[0])))


def verbatim(text: str) -> Message:
    """A text that is not ours and is the same in every language, such as what another program answered."""
    return Message(VERBATIM, (("text", Name(text)),), text)


def localize(en: str, zh: str, es: str) -> Message:
    """A short text of a data file that carries its languages with it, such as where a limit was read."""
    return Message(LOCALIZED, (("en", Name(en)), ("es", Name(es)), ("zh", Name(zh))), en)


def data_text(id: str, text: str, /, **values: Value) -> Message:  # noqa: A002
    """A text from a data file (a rule's title, a layout's menu), which has its own languages.

    Args:
        id: Its place, such as ``rule.CS01.title``; looked up through ``i18n.provide_texts``.
        text: Its English, shown where the data file is gone.
        values: As for ``message``.
    """
    return Message(id, message(id, **values).pairs, text)


HAN, LATIN = "\u3400-\u9fff", "A-Za-z0-9"
BETWEEN_SCRIPTS = re.compile(f"(?<=[{HAN}])(?=[{LATIN}])|(?<=[{LATIN}])(?=[{HAN}])")


@lru_cache(maxsize=4096)
def space_scripts(text: str) -> str:
    """A text of ours in Chinese, with a blank wherever Chinese characters and Latin letters or digits meet."""
    return BETWEEN_SCRIPTS.sub(" ", text)


def quantity(value: float | None, unit: str) -> Message:
    """A figure in its unit, ready to stand in another message: ``88.0%``, ``3 min 20 s``; a dash where there is none.

    Args:
        value: None and NaN are "none", infinity is "never".
        unit: One of ``UNITS``.
    """
    if value is None or math.isnan(value):
        return Message("figure.none")
    if math.isinf(value):
        return Message("figure.never")
    return message(f"figure.{unit}", value=value)


def lines(parts: Iterable[Message]) -> Message:
    """Several messages below each other."""
    return message("text.lines", parts=tuple(parts))


def sentences(parts: Iterable[Message]) -> Message:
    """Several whole sentences one after another."""
    return message("text.sentences", parts=tuple(parts))


def clauses(parts: Iterable[Message | Name]) -> Message:
    """Several remarks, separated by semicolons."""
    return message("text.clauses", parts=tuple(parts))


def from_json(content: object) -> Message:
    """A message from what JSON holds; a plain string, which older versions wrote, is shown as it is.

    Raises:
        ValueError: It is neither.
    """
    if isinstance(content, Message):
        return content
    if isinstance(content, str):
        return verbatim(content)
    if not isinstance(content, Mapping) or not isinstance(content.get("id"), str):
        raise ValueError("a text is {id, values, text} or a string")
    values = content.get("values", {})
    try:
        pairs = tuple(sorted(((str(name), _value(part)) for name, part in values.items()), key=lambda pair: pair[0]))
    except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"the values of {content['id']} are not those of a message") from error
    return Message(content["id"], pairs, str(content.get("text", "")))


def to_json(text: Message, language: str | None = None) -> dict[str, Any]:
    """A message as JSON: ``{id, values, text}``, the text in a language (None: that of the run)."""
    values = {name: _plain(value, language) for name, value in text.pairs}
    return {"id": text.id, "values": values, "text": _renderer(text, language)}


def dump_message(text: Message) -> str:
    """A message as one text, for a column of a database: its id, with its values as JSON behind it if it has any."""
    if not text.pairs:
        return text.id
    values = {name: _plain(value, "en") for name, value in text.pairs}
    return f"{text.id} {json.dumps(values, ensure_ascii=False, sort_keys=True)}"


def load_message(text: str) -> Message:
    """The message that ``dump_message`` wrote; another text is shown as it is."""
    id_, _, values = text.partition(" ")
    if not _DUMPED.fullmatch(id_) or (values and not values.startswith("{")):
        return verbatim(text)
    return from_json({"id": id_, "values": json.loads(values) if values else {}})


_DUMPED = re.compile(r"[a-z_]+(\.\w+)+")


def _serialize(text: Message, info: SerializationInfo) -> dict[str, Any] | Message:
    if info.mode != "json":
        return text
    text = from_json(text)  # model_copy(update=...) takes strings unchecked
    context = info.context if isinstance(info.context, Mapping) else {}
    return to_json(text, context.get("language"))


def _check(id: str, name: str, value: object) -> None:  # noqa: A002
    if type(value) is str:
        raise TypeError(
            f"{id}: {name} is plain text; make it a Name, a Message, or verbatim() if another program said it"
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{id}: {name} is {value}; use quantity()")
    if isinstance(value, tuple):
        strange = [part for part in value if not isinstance(part, Message | Name)]
        if strange:
            raise TypeError(f"{id}: {name} holds {strange[0]!r}, which is neither a Message nor a Name")
    elif not isinstance(value, bool | int | float | Decimal | date | timedelta | Name | Message):
        raise TypeError(f"{id}: {name} is a {type(value).__name__}, which no language knows how to write")


def _plain(value: Value, language: str | None) -> Any:
    """A value for JSON. Kinds that JSON lacks are objects with one key, so that they are read back unchanged."""
    if isinstance(value, Message):
        return to_json(value, language)
    if isinstance(value, tuple):
        return [_plain(part, language) for part in value]
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, timedelta):
        return {"seconds": value.total_seconds()}
    if isinstance(value, date):
        return {"datetime" if isinstance(value, datetime) else "date": value.isoformat()}
    return str(value) if isinstance(value, Name) else value


_KINDS: dict[str, Callable[[Any], Value]] = {
    "decimal": Decimal,
    "seconds": lambda held: timedelta(seconds=held),
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
}


def _value(stored: object) -> Value:
    """The value that ``_plain`` wrote."""
    if isinstance(stored, str):
        return Name(stored)
    if isinstance(stored, bool | int | float):
        return stored
    if isinstance(stored, list):
        return tuple(_part(part) for part in stored)
    if isinstance(stored, Mapping) and "id" in stored:
        return from_json(stored)
    if isinstance(stored, Mapping) and len(stored) == 1:
        ((kind, content),) = stored.items()
        if kind in _KINDS:
            return _KINDS[kind](content)
    raise TypeError(f"{stored!r} is no value of a message")


def _part(stored: object) -> Message | Name:
    return Name(stored) if isinstance(stored, str) else from_json(stored)


def _render_id(text: Message, language: str | None) -> str:  # noqa: ARG001 - a renderer's form
    """Before ``storehealth`` has set its renderer: what is known without any catalogue."""
    return text.fallback or text.id


_renderer: Callable[[Message, str | None], str] = _render_id


def set_renderer(render: Callable[[Message, str | None], str]) -> None:
    """Say how messages become text; the package does so once, since this room knows no catalogue.

    Args:
        render: Takes a message and a language, None for that of the run.
    """
    global _renderer  # noqa: PLW0603 - set once, when the package is imported
    _renderer = render
