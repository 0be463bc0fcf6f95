"""What pydantic finds wrong is said in the reader's language, and in no words of Python's."""

from __future__ import annotations

import re

import pytest
from pydantic import BaseModel, Field, ValidationError, field_validator

from storehealth.catalogue.common import LocalizedText
from storehealth.i18n import translate
from storehealth.support.message import LANGUAGES, Language, Name, message
from storehealth.support.validation import InvalidValue, describe_mistake, with_nearest


class Sample(BaseModel):
    """One field of each sort that data files have."""

    text: str
    words: str = Field(min_length=1)
    code: str = Field(pattern="^[A-Z]{2}$")
    flag: bool
    whole: int
    number: float
    least: int = Field(ge=2)
    share: float = Field(le=1)
    many: tuple[str, ...] = Field(min_length=2)
    few: dict[str, str] = Field(max_length=1)
    listed: tuple[str, ...]
    record: LocalizedText
    mapping: dict[str, str]


WRONG: dict[str, list[object]] = {
    "text": [1], "words": [""], "code": ["x"], "flag": ["maybe", []], "whole": ["x", []], "number": ["x", []], "least": [1],
    "share": [2.0], "many": [["a"]], "few": [{"a": "b", "c": "d"}], "listed": ["a"], "record": ["a"], "mapping": ["a"],
}  # fmt: skip


def mistake(model: type[BaseModel], **values: object) -> dict[str, object]:
    """The one mistake in a record."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(values)
    (item,) = [item for item in caught.value.errors() if item["loc"] and item["loc"][0] in values]
    return dict(item)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("field", list(WRONG))
def test_each_kind_of_mistake_is_described_without_pydantic_s_words(field: str, language: Language) -> None:
    for value in WRONG[field]:
        text = translate(describe_mistake(mistake(Sample, **{field: value})), language)
        assert text
        assert not re.search("valid |should|unable|equal|validation|dictionary|tuple|boolean|Input", text)


class Strict(BaseModel):
    """A record with a validator of ours, a vocabulary and no other keys."""

    model_config = {"extra": "forbid"}
    own: int = 0

    @field_validator("own")
    @classmethod
    def _check(cls, value: int) -> int:
        if value == 1:
            raise InvalidValue(message("catalogue.code_taken", code=Name("X"), rule=Name("y")))
        if value == 2:
            raise ValueError("another library's words")
        return value


def test_a_validator_of_ours_gives_its_message() -> None:
    assert describe_mistake(mistake(Strict, own=1)) == message("catalogue.code_taken", code=Name("X"), rule=Name("y"))
    assert str(describe_mistake(mistake(Strict, own=2))) == "another library's words"


def test_a_key_that_does_not_exist_names_the_nearest() -> None:
    assert str(describe_mistake(mistake(Strict, onw=3), ["own"])).endswith("nearest is own")
    assert "nearest" not in str(describe_mistake(mistake(Strict, zzz=3), ["own"]))
    assert with_nearest(message("area.stock"), "zzz", ["own"]) == message("area.stock")
