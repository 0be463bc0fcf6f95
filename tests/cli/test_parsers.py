"""Values of options: a schedule stores them as they print, so each must be read back as what it was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehealth.cli import _parsers
from storehealth.errors import UsageError

VALUES = [
    (_parsers.parse_language, "zh"),
    (_parsers.parse_format, "json"),
    (_parsers.parse_layout, "a=b.csv=jd_orders"),
    (_parsers.parse_encoding, "*.csv=gb18030"),
    (_parsers.parse_date_order, "day-first"),
    (_parsers.parse_output, "json=a=b.json"),
    (_parsers.parse_output, "json=-"),
    (_parsers.parse_as_of, "2025-03-31"),
    (_parsers.parse_as_of, "2025-03-31T18:00"),
    (_parsers.parse_window, "30d"),
    (_parsers.parse_memory, "1.5 GB"),
    (_parsers.parse_fail_on, "score<60"),
    (_parsers.parse_pack, "."),
    (_parsers.parse_tools, "scorecard,staffing"),
]


@pytest.mark.parametrize(("parse", "text"), VALUES, ids=[text for _, text in VALUES])
def test_a_value_is_read_back_from_how_it_prints(parse: Callable[[str], Any], text: str) -> None:
    value = parse(text)
    assert parse(str(value)) == value


def test_every_parser_is_in_the_table() -> None:
    parsers = {name for name in vars(_parsers) if name.startswith("parse_")} - {"parse_config"}
    assert parsers == {parse.__name__ for parse, _ in VALUES}


def test_a_settings_file_must_exist_and_is_read_back(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        _parsers.parse_config(str(tmp_path / "shop.toml"))
    (tmp_path / "shop.toml").touch()
    assert _parsers.parse_config(str(tmp_path / "shop.toml")) == tmp_path / "shop.toml"


@given(st.datetimes(min_value=datetime.fromisoformat("1980-01-01"), max_value=datetime.fromisoformat("2199-12-31")))
def test_any_time_is_read_as_it_is_and_a_day_alone_as_its_end(at: datetime) -> None:
    assert _parsers.parse_as_of(at.isoformat()) == at
    end = _parsers.parse_as_of(at.date().isoformat())
    assert (end.date(), f"{end:%H:%M:%S}") == (at.date(), "23:59:59")


@given(st.text(max_size=12))
def test_a_text_is_a_value_or_refused_with_a_hint(text: str) -> None:
    """None of the parsers fails in another way."""
    for parse, _ in VALUES:
        hints = [True]
        try:
            parse(text)
        except UsageError as error:
            hints.append(error.remedy is not None)
        assert all(hints), parse.__name__


@pytest.mark.parametrize("code", ["cn", "de", "fr", "us"])
def test_another_language_is_not_taken_for_a_typing_error(code: str) -> None:
    """``cn`` is no slip for ``en``; the three that there are, are listed."""
    with pytest.raises(UsageError) as caught:
        _parsers.parse_language(code)
    assert caught.value.hint == "Choose one of: en, zh, es."
