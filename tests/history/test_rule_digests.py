"""Old counts answer today's question where only limits, texts or the order of keys have changed."""

from __future__ import annotations

from typing import Any

import pytest

from storehealth.catalogue import Catalogue, load_catalogue
from storehealth.history.storage import VERSION, digest_questions, is_same_question

CATALOGUE = load_catalogue()
PLATFORM = CATALOGUE.platforms["generic"]
CODE = "LG05"


def changed(**changes: Any) -> Catalogue:
    """The catalogue with a rule whose measure has other values."""
    rule = CATALOGUE.rules[CODE]
    measure = rule.measure.model_copy(update=changes)
    return CATALOGUE._replace(rules=CATALOGUE.rules | {CODE: rule.model_copy(update={"measure": measure})})


def digest(catalogue: Catalogue) -> str:
    return digest_questions(catalogue, PLATFORM)[CODE]


def test_the_order_of_keys_and_titles_are_no_part_of_the_question() -> None:
    measure = CATALOGUE.rules[CODE].measure
    assert len(measure.basis) > 1
    turned = dict(reversed(measure.basis.items()))
    renamed = tuple(
        figure.model_copy(update={"title": figure.title.model_copy(update={"en": "another title"})})
        for figure in measure.beside
    )
    assert digest(changed(basis=turned)) == digest(changed(beside=renamed)) == digest(CATALOGUE)
    assert digest(changed(basis={})) != digest(CATALOGUE)
    assert digest(changed(when="true")) != digest(CATALOGUE)


@pytest.mark.parametrize(
    ("old", "built_in", "same"),
    [
        (f"{VERSION}aa", True, True),
        (f"{VERSION}bb", True, False),
        ("0123456789abcdef", True, True),
        ("0123456789abcdef", False, False),
        (None, True, False),
    ],
)
def test_counts_of_0_1_answer_built_in_rules_and_no_rule_of_a_pack(old: str | None, built_in: bool, same: bool) -> None:
    assert is_same_question(old, f"{VERSION}aa", built_in) is same
