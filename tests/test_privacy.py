"""Personal values are hidden by default, and the same person stays recognisable as the same."""

from __future__ import annotations

import re

import pytest

from storehealth.privacy import mask, masker, pseudonym, unmasked


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("name", "王小明", "王**"),
        ("phone", "13812345678", "***78"),
        ("phone", "110", "***"),
        ("address", "北京市朝阳区1号", "…"),
        ("text", "我的电话是13812345678", "…"),
        ("something new", "x", "…"),
        ("buyer", "", ""),
    ],
)
def test_what_may_be_shown_of_each_kind(kind, value, shown) -> None:
    """A kind that is not known is hidden."""
    assert mask(kind, value) == shown


def test_a_buyer_has_one_pseudonym_per_key() -> None:
    """Stable, short, and another one elsewhere."""
    assert re.fullmatch(r"buyer-[0-9a-f]{8}", pseudonym("ana"))
    assert masker(b"key")("buyer", "ana") == pseudonym("ana", b"key") != pseudonym("ana", b"other")
    assert pseudonym("ana") != pseudonym("bob")


def test_a_long_key_is_taken() -> None:
    """Keys beyond 64 bytes are cut."""
    assert pseudonym("ana", b"x" * 100) == pseudonym("ana", b"x" * 64)


def test_who_may_see_all_sees_all() -> None:
    """The mask that masks nothing."""
    assert unmasked("name", "王小明") == "王小明"
