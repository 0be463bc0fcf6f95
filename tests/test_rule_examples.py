"""Each rule file carries rows and the verdict they must give; all of them hold."""

from __future__ import annotations

from functools import cache

import pytest

from storehealth.catalogue import Catalogue, load_catalogue
from storehealth.catalogue.rule import Rule, RuleExample
from storehealth.commands.rule_tests import measure_coverage, run_example, run_examples
from storehealth.errors import CatalogueError, StorehealthError


@cache
def loaded() -> Catalogue:
    return load_catalogue()


def rules() -> list[Rule]:
    try:
        return list(loaded().rules.values())
    except StorehealthError:
        return []


def test_the_catalogue_can_be_read() -> None:
    """Otherwise no example below would run."""
    assert loaded().rules


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.code)
def test_a_rule_gives_what_its_examples_expect(rule: Rule) -> None:
    """Counts, value and verdict, on the platform the example names; rows lie on the limit and just past it."""
    trials = list(run_examples(rule, loaded()))
    assert not [(trial.place, *map(str, trial.unmet), trial.problem) for trial in trials if not trial.passed]
    cases = measure_coverage(rule, trials)
    assert cases.is_sufficient
    assert (cases.on_limit, cases.past_limit) in ((True, True), (None, None))


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.code)
def test_the_examples_of_a_rule_hold_every_kind_of_row(rule: Rule) -> None:
    """Nothing to judge at all; and where a row may be open, one that still is within its time and one past it."""
    expected = [example.expect for example in rule.examples]
    assert {"not_applicable", "inconclusive"} & {expect.get("status") for expect in expected}
    kinds = ("met", "overdue", "undecided") if rule.measure.in_time else ()
    assert [kind for kind in kinds if not any(expect.get(kind) for expect in expected)] == []


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
