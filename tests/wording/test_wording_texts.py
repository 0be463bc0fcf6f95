"""Texts of screen and reports by key; ``tests/i18n`` checks that they are complete."""

from __future__ import annotations

import pytest

from storehealth.i18n import LANGUAGES, Words, load_texts


def test_every_fixed_word_of_the_records_has_a_text() -> None:
    from typing import get_args

    from storehealth.model import Area, Outcome, Severity, Status

    for section, words in (("area", Area), ("status", Status), ("severity", Severity), ("outcome", Outcome)):
        assert all(f"{section}.{word}" in load_texts() for word in get_args(words))


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_unknown_key_is_an_error_and_never_an_empty_text(language: str) -> None:
    with pytest.raises(KeyError):
        Words(language).say("no.such")


def test_one_is_singular_and_the_rest_plural() -> None:
    words = Words("es")
    assert [words.count("count.files", number) for number in (0, 1, 2)] == ["0 archivos", "1 archivo", "2 archivos"]


@pytest.mark.parametrize(
    ("needs", "said"),
    [
        (("stock",), "stock"),
        (("orders.paid_at",), "orders (paid_at)"),
        (("messages|conversations", "messages|conversations.first_reply_at"), "chat messages or chat sessions"),
        (("aftersales", "aftersales.reason", "shipments.handled_by"), "after-sales cases, parcels (handled_by)"),
    ],
)
def test_what_lacks_is_told_in_plain_words_and_once(needs: tuple[str, ...], said: str) -> None:
    assert Words("en").name_missing(needs) == said
