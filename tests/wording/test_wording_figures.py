"""Figures say neither more nor less than they are."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehealth.i18n import Words
from storehealth.i18n.values import DASH, format_share

EN, ZH, ES = Words("en"), Words("zh"), Words("es")


@pytest.mark.parametrize("unit", ["share", "seconds", "hours", "days", "number"])
def test_a_missing_value_is_a_dash_in_every_unit(unit: str) -> None:
    assert EN.format_figure(None, unit) == EN.format_figure(math.nan, unit) == DASH


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0%"), (1.0, "100%"), (0.95, "95%"), (0.12345, "12.3%"), (0.9996, "99.96%"), (0.0004, "0.04%")],
)
def test_a_share_is_rounded_but_never_to_all_or_nothing(value: float, text: str) -> None:
    assert format_share(value, "en") == text


@given(st.floats(min_value=1e-6, max_value=1 - 1e-6))
def test_only_nothing_is_shown_as_nothing_and_only_all_as_all(value: float) -> None:
    assert format_share(value, "en") not in ("0%", "100%")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (4.25, "4.2 s"), (59.9, "59.9 s"), (60, "1 min"), (200, "3 min 20 s"), (3600, "1 h"), (5400, "1 h 30 min"),
     (48 * 3600, "2 d"), (30 * 3600, "30 h"), (2_941_913, "34 d 1 h"), (-172_800 - 3600, "-2 d 1 h"), (-90, "-1 min 30 s")],
)  # fmt: skip
def test_seconds_read_as_people_say_them(seconds: float, text: str) -> None:
    assert EN.format_figure(seconds, "seconds").replace("\u00a0", " ") == text


def test_a_value_that_never_ends_is_said_in_words() -> None:
    assert [words.format_figure(math.inf, "seconds") for words in (EN, ZH, ES)] == ["never", "从未完成", "nunca"]


def test_spanish_writes_a_decimal_comma_and_groups_by_blanks() -> None:
    assert ES.format_figure(0.123, "share") == "12,3\u00a0%"
    assert ES.format_whole(41208) == "41\u00a0208"
    assert ES.format_figure(1234.5, "number") == "1\u00a0234,5"


def test_a_bound_says_its_direction() -> None:
    assert (
        EN.format_bound(0.95, "share", "better"),
        EN.format_bound(30, "seconds", "worse").replace("\u00a0", " "),
    ) == (
        "≥95%",
        "≤30 s",
    )
    assert EN.format_bound(None, "share", "better") == DASH
