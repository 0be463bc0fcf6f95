"""Each rule file carries rows and the verdict they must give; all of them hold."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest
from sqlglot import exp, parse_one

from storehealth.catalogue import Catalogue, load_catalogue
from storehealth.catalogue.rule import Rule, RuleExample
from storehealth.commands import rule_tests
from storehealth.commands.rule_tests import ExampleRun, measure_coverage, open_example, run_example, run_examples
from storehealth.db import Store
from storehealth.errors import CatalogueError, StorehealthError
from storehealth.measure.rule_sql import build_source

SHOWN = 5
"""Rows of evidence whose order is compared."""
BESIDE = Path(__file__).parent / "stores" / "beside_examples.json"
NO_ROWS_ON = frozenset({"(roles) = (0)"})
"""Limits that no row can lie on: a day of a person without any work is no row."""


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


@pytest.fixture(scope="module")
def accepted(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """The figures beside each example that were accepted; ``--rebaseline`` writes them anew."""
    figures = json.loads(BESIDE.read_text(encoding="utf-8")) if BESIDE.exists() else {}
    yield figures
    if request.config.getoption("--rebaseline"):
        BESIDE.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n", encoding="utf-8")


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.code)
def test_a_rule_gives_what_its_examples_expect(
    rule: Rule, accepted: dict[str, Any], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts, value and verdict, on the platform the example names; rows lie on the limit and just past it.

    Rows also lie on every limit of the figures beside, else a sign that excludes its limit would give the same figures
    as one that includes it.
    """
    limits = {limit for text in list_compared(rule) for limit in list_limits(text, build_source(rule.measure.over))}
    limits = {limit for limit in limits if limit.condition not in NO_ROWS_ON}
    found: set[Limit] = set()
    monkeypatch.setattr(rule_tests, open_example.__name__, partial(open_and_search, limits=limits, found=found))
    trials = list(run_examples(rule, loaded()))
    assert not [(trial.place, *map(str, trial.unmet), trial.problem) for trial in trials if not trial.passed]
    cases = measure_coverage(rule, trials)
    assert cases.is_sufficient
    assert (cases.on_limit, cases.past_limit) in ((True, True), (None, None))
    figures = [describe_run(trial) for trial in trials]
    if request.config.getoption("--rebaseline"):
        accepted[rule.code] = figures
    assert figures == accepted[rule.code], "if that is meant, run `make golden`"
    assert found == limits, "no row of an example lies on these limits of figures beside or causes"


class Limit(NamedTuple):
    """The condition that a row lies on a limit, and where the rows are."""

    condition: str
    source: str


def describe_run(run: ExampleRun) -> dict[str, Any]:
    """What an example gave besides its verdict: figures beside, the cause of each miss, and the rows shown first."""
    assert run.finding
    causes: Counter[str] = Counter()
    for cause in run.finding.causes:
        causes[cause.id] += cause.misses
    figures: dict[str, Any] = {
        figure.name: [figure.value, figure.count, figure.judged] for figure in run.finding.beside
    }
    figures |= {"causes": dict(causes)} if causes else {}
    first = [row.line for row in run.finding.evidence.rows[:SHOWN]]
    return figures | ({"first lines": first} if first else {})


@contextlib.contextmanager
def open_and_search(
    rule: Rule, example: RuleExample, catalogue: Catalogue, limits: set[Limit], found: set[Limit]
) -> Iterator[Store]:
    """Open an example, and note the limits on which a row of it lies."""
    with open_example(rule, example, catalogue) as store:
        found |= {limit for limit in limits - found if has_row_on(store, limit)}
        yield store


def list_compared(rule: Rule) -> Iterator[str]:
    """The conditions of figures beside and of causes."""
    for figure in rule.measure.beside:
        yield from (text for text in (figure.when, figure.good, figure.bad) if text)
    yield from (cause.when for cause in rule.causes if cause.when)


def list_limits(text: str, source: str) -> Iterator[Limit]:
    """The limits that a condition compares with, of the rule's rows or of those that a query within it reads.

    Behind an earlier WHEN of a CASE, only rows count that reach the comparison.
    """
    for comparison in parse_one(text, read="duckdb").find_all(exp.LT, exp.LTE, exp.GT, exp.GTE):
        query = comparison.find_ancestor(exp.Select)
        rows = query.args["from_"].this.sql("duckdb") if query else source
        limit = f"({comparison.left.sql('duckdb')}) = ({comparison.right.sql('duckdb')})"
        yield Limit(" AND ".join([limit, *list_passed_branches(comparison)]), rows)


def list_passed_branches(comparison: exp.Expression) -> Iterator[str]:
    """What a row fulfils that reaches the branch of a CASE in which the comparison stands: no WHEN before it."""
    branch = comparison.find_ancestor(exp.If, exp.Select)
    if isinstance(branch, exp.If) and isinstance(branch.parent, exp.Case):
        earlier = branch.parent.args["ifs"][: branch.index]
        yield from (f"({other.this.sql('duckdb')}) IS NOT TRUE" for other in earlier)


def has_row_on(store: Store, limit: Limit) -> bool:
    with contextlib.suppress(duckdb.BinderException, duckdb.CatalogException):  # a table the example does not have
        return bool(store.con.execute(f"SELECT bool_or({limit.condition}) FROM {limit.source}").fetchone()[0])
    return False


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
