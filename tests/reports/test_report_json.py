"""The JSON report is the checkup itself, as the published schema describes it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import jsonschema
import pytest
from tests.checkups import NASTY, checkup, finding

from storehealth.model import Checkup
from storehealth.output.checkup.json import render

SCHEMA = Path(__file__).parents[2] / "docs" / "checkup.schema.json"


@pytest.fixture(scope="module")
def schema() -> dict[str, object]:
    return json.loads(SCHEMA.read_text(encoding="utf-8"))


def test_the_published_schema_is_that_of_the_records(schema: dict[str, object]) -> None:
    """Stale? Run `make docs` and commit what it writes."""
    fresh = Checkup.model_json_schema(mode="serialization", by_alias=True)
    assert {key: value for key, value in schema.items() if key != "$schema"} == fresh


@pytest.mark.parametrize("language", ["en", "zh", "es"])
def test_it_fits_the_published_schema(schema: dict[str, object], language: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(render(checkup(language=language))), schema)


def test_it_is_the_dump_of_the_checkup_with_its_keys_in_order() -> None:
    whole = json.loads(render(checkup()))
    assert whole == checkup().model_dump(mode="json", by_alias=True)
    assert list(whole) == list(Checkup.model_fields)
    assert whole["window"] == {"from": "2025-03-01", "to": "2025-03-31"}


def test_it_reads_back_as_the_same_checkup() -> None:
    assert Checkup.model_validate_json(render(checkup())) == checkup()


def test_it_is_utf8_with_one_newline_at_the_end_and_chinese_as_written() -> None:
    content = render(checkup())
    assert content.endswith(b"}\n")
    assert "订单 3月.xlsx#Sheet1".encode() in content


def test_a_number_json_cannot_say_is_null() -> None:
    whole = json.loads(render(checkup(findings=(finding(value=math.inf, interval=(1.0, math.nan)),))))
    assert (whole["findings"][0]["value"], whole["findings"][0]["interval"]) == (None, [1.0, None])


def test_text_of_strangers_comes_back_as_it_was() -> None:
    assert json.loads(render(checkup(store=NASTY)))["store"] == NASTY
