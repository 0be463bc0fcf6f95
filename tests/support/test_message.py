"""Messages are plain values: hashable, strict about what they carry, and the same after JSON."""

from __future__ import annotations

import json
import math
import pickle
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError

from storehealth.support.message import (
    UNITS,
    VERBATIM,
    Message,
    Name,
    clauses,
    data_text,
    lines,
    message,
    quantity,
    sentences,
    to_json,
    verbatim,
)


class Note(BaseModel):
    """A record that carries texts, as those of a checkup do."""

    model_config = ConfigDict(frozen=True)
    text: Message
    more: tuple[Message, ...] = ()
    last: Message | None = None


ids = st.from_regex(r"[a-z]{1,5}\.[a-z_]{1,8}", fullmatch=True)
keys = st.from_regex(r"[a-z]{1,3}", fullmatch=True)
moments = st.datetimes() | st.datetimes(timezones=st.just(ZoneInfo("UTC")))
plain = (
    st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(allow_nan=False, allow_infinity=False, places=2)
    | st.dates()
    | moments
    | st.timedeltas(min_value=timedelta(days=-999), max_value=timedelta(days=999))
    | st.text().map(Name)
)


def messages(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Message]:
    lists = st.lists(inner.filter(lambda value: isinstance(value, Message | Name)), max_size=3).map(tuple)
    return st.builds(lambda id_, values: message(id_, **values), ids, st.dictionaries(keys, inner | lists, max_size=3))


values = st.recursive(plain, messages, max_leaves=6)
any_message = messages(values)


@given(any_message, st.lists(any_message, max_size=2))
def test_a_message_is_the_same_after_json(what: Message, more: list[Message]) -> None:
    note = Note(text=what, more=tuple(more), last=what)
    assert Note.model_validate_json(note.model_dump_json()) == note
    assert Note.model_validate(json.loads(json.dumps(note.model_dump(mode="json")))) == note


@given(any_message)
def test_kinds_of_values_survive_json(what: Message) -> None:
    """1, 1.0 and True are equal to Python, and are written differently."""
    again = Note.model_validate_json(Note(text=what).model_dump_json()).text

    def kinds(held: object) -> object:
        if isinstance(held, Message):
            return [kinds(value) for _, value in held.pairs]
        return [kinds(part) for part in held] if isinstance(held, tuple) else type(held)

    assert kinds(again) == kinds(what)


@given(any_message)
def test_equal_messages_are_one_in_a_set_and_after_pickling(what: Message) -> None:
    assert len({what, pickle.loads(pickle.dumps(what))}) == 1  # noqa: S301 - our own bytes


def test_the_order_of_the_values_does_not_matter() -> None:
    assert message("a.b", x=1, y=Name("z")) == message("a.b", y=Name("z"), x=1)


@pytest.mark.parametrize("value", ["a sentence", None, ["a"], ("a",), (1,), {"a": 1}, object(), b"x"])
def test_values_are_never_plain_text_nor_what_no_language_can_write(value: Any) -> None:
    with pytest.raises(TypeError):
        message("a.b", x=value)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_a_number_without_an_end_is_refused_and_a_quantity_takes_it(value: float) -> None:
    with pytest.raises(ValueError, match="quantity"):
        message("a.b", x=value)
    assert quantity(value, "seconds").id in ("figure.never", "figure.none")


def test_json_has_id_values_and_text() -> None:
    what = message("count.files", n=3)
    assert to_json(what, "es") == {"id": "count.files", "values": {"n": 3}, "text": "3 archivos"}
    moment = datetime.fromisoformat("2026-01-02T03:04")
    kinds = message("a.b", a=Decimal("1.50"), b=date(2026, 1, 2), c=moment, d=timedelta(minutes=2))
    assert to_json(kinds)["values"] == {
        "a": {"decimal": "1.50"},
        "b": {"date": "2026-01-02"},
        "c": {"datetime": "2026-01-02T03:04:00"}, "d": {"seconds": 120.0},
    }  # fmt: skip


def test_the_language_of_the_text_can_be_given_when_writing() -> None:
    note = Note(text=message("area.stock"))
    texts = [json.loads(note.model_dump_json(context={"language": one}))["text"]["text"] for one in ("en", "zh", "es")]
    assert texts == ["Stock", "库存", "Existencias"]


def test_in_python_a_dumped_message_stays_a_message() -> None:
    assert Note(text=message("area.stock")).model_dump()["text"] == message("area.stock")


@pytest.mark.parametrize("text", ["a plain note of an older version", "", "{braces} 100%"])
def test_a_plain_string_loads_as_a_text_shown_as_it_is(text: str) -> None:
    note = Note.model_validate({"text": text})
    assert note.text.id == VERBATIM
    assert [to_json(note.text, language)["text"] for language in ("en", "zh", "es")] == [text] * 3


@pytest.mark.parametrize(
    "broken",
    [1, None, [], {}, {"id": 1}, {"id": "a.b", "values": []}, {"id": "a.b", "values": {"x": None}},
     {"id": "a.b", "values": {"x": {"odd": 1}}}, {"id": "a.b", "values": {"x": {"date": "no day"}}},
     {"id": "a.b", "values": {"x": [1]}}, {"id": "a.b", "values": {"x": {"decimal": "x"}}}],
)  # fmt: skip
def test_what_is_no_message_is_a_validation_error(broken: Any) -> None:
    with pytest.raises(ValidationError):
        Note.model_validate({"text": broken})


def test_an_id_nobody_knows_any_longer_shows_the_saved_text() -> None:
    note = Note.model_validate({"text": {"id": "rule.XX99.title", "values": {}, "text": "Late tea"}})
    assert str(note.text) == "Late tea"
    assert to_json(note.text, "zh")["text"] == "Late tea"


def test_a_text_that_now_needs_a_value_that_was_not_saved_shows_the_saved_text() -> None:
    note = Note.model_validate({"text": {"id": "count.files", "values": {}, "text": "some files"}})
    assert str(note.text) == "some files"


def test_messages_in_a_row() -> None:
    parts = (message("area.stock"), message("area.team"))
    assert str(lines(parts)) == "Stock\nTeam"
    assert str(sentences(parts)) == "Stock Team"
    assert str(clauses(parts)) == "Stock; Team"
    assert to_json(clauses(parts), "zh")["text"] == "库存；团队"


@pytest.mark.parametrize("unit", UNITS)
def test_every_unit_has_a_text(unit: str) -> None:
    assert str(quantity(0.5, unit)) != f"figure.{unit}"
    assert str(quantity(None, unit)) == "—"


def test_a_text_of_another_program_and_one_of_a_data_file_are_shown_as_they_are() -> None:
    assert str(verbatim("{x} is odd")) == "{x} is odd"
    assert str(data_text("rule.NO01.title", "A {brace}")) == "A {brace}"


def test_a_message_is_frozen() -> None:
    with pytest.raises(AttributeError):
        message("a.b").id = "c.d"


def test_the_json_schema_names_the_three_keys() -> None:
    schema = Note.model_json_schema(mode="serialization")["properties"]["text"]
    assert schema["required"] == ["id", "values", "text"]
