"""Each rule file carries rows and the verdict they must give; all of them hold."""

from __future__ import annotations

from functools import cache

import pytest

from storehealth.catalogue import Catalogue, load
from storehealth.catalogue.rule import Rule, RuleExample
from storehealth.errors import CatalogueError, StorehealthError
from storehealth.examples import run_example


@cache
def loaded() -> Catalogue:
    return load()


def cases() -> list:
    try:
        rules = loaded().rules.values()
    except StorehealthError:
        return []
    return [
        pytest.param(rule, example, id=f"{rule.code}-{number}")
        for rule in rules
        for number, example in enumerate(rule.examples, start=1)
    ]


def test_the_catalogue_can_be_read() -> None:
    """Otherwise no example below would run."""
    assert loaded().rules


@pytest.mark.parametrize(("rule", "example"), cases())
def test_a_rule_gives_what_its_examples_expect(rule: Rule, example: RuleExample) -> None:
    """Counts, value and verdict, on the platform the example names."""
    assert run_example(rule, example, loaded()) == ()


def test_what_does_not_hold_is_named() -> None:
    """With what was expected and what came out; a key that is no figure is told too."""
    rule = next(iter(loaded().rules.values()))
    example = RuleExample(given={}, expect={"status": "pass", "judged": 0, "colour": "red"})
    problems = run_example(rule, example, loaded())
    assert problems == ("status: expected pass, got not_applicable", "colour: expected red, got no such key")


def test_an_example_may_not_name_an_unknown_platform() -> None:
    """The message lists those there are."""
    rule = next(iter(loaded().rules.values()))
    with pytest.raises(CatalogueError, match="no platform 'moon'"):
        run_example(rule, RuleExample(platform="moon", given={}, expect={"judged": 0}), loaded())
