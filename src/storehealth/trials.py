"""Run all examples of a rule, and find the cases they lack: one that fires and one that stays silent."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from storehealth.catalogue import Catalogue
from storehealth.catalogue.files import locate_key
from storehealth.catalogue.rule import Rule, RuleExample
from storehealth.errors import CatalogueError, OutOfMemory
from storehealth.examples import ExampleResult, UnmetExpectation, list_unmet, measure_example
from storehealth.measure import Edges

DEFECT_COUNTS = ("defects", "late", "overdue")


@dataclass(frozen=True)
class ExampleRun:
    """One example and what running it gave.

    Attributes:
        rule: The rule it belongs to.
        number: Its position in the file, from 1.
        place: File and line.
        misses: Expectations that were not met.
        problem: Why it could not be run; empty if it could.
        edges: Whether its rows lie on the limit and just past it.
        seconds: How long it took.
    """

    rule: Rule
    number: int
    place: str
    unmet: tuple[UnmetExpectation, ...] = ()
    problem: str = ""
    edges: Edges | None = None
    seconds: float = 0.0

    @property
    def example(self) -> RuleExample:
        """The example itself."""
        return self.rule.examples[self.number - 1]

    @property
    def passed(self) -> bool:
        """Whether the example ran and every expectation was met."""
        return not (self.unmet or self.problem)


class RuleTestResult(NamedTuple):
    """A rule, its trials, and the cases its examples lack; ``hints`` are no failure."""

    rule: Rule
    runs: tuple[ExampleRun, ...]
    missing_cases: tuple[str, ...]
    hints: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether every example holds and no case is missing."""
        return not self.missing_cases and all(trial.passed for trial in self.runs)


class ExampleCoverage(NamedTuple):
    """Which cases a rule's examples cover; ``on_limit`` and ``past_limit`` are hints, None if its rows have no limit."""

    fires: bool
    silent: bool
    on_limit: bool | None
    past_limit: bool | None

    @property
    def is_sufficient(self) -> bool:
        """Whether the two cases that every rule needs are covered."""
        return self.fires and self.silent


def run_examples(rule: Rule, catalogue: Catalogue) -> Iterator[ExampleRun]:
    """Run the examples of a rule one after the other; one that cannot be run gives a trial with a problem."""
    path = catalogue.paths.get(f"rules/{rule.id}")
    for number, example in enumerate(rule.examples, 1):
        key = f"examples.{number - 1}"
        place = locate_key(path, key).rpartition(": ")[0] if path else f"{rule.id}.yaml"
        started = time.perf_counter()
        result, problem = _try_example(rule, example, catalogue)
        yield ExampleRun(
            rule=rule,
            number=number,
            place=place,
            unmet=list_unmet(example, result.finding) if result else (),
            problem=problem,
            edges=result.edges if result else None,
            seconds=time.perf_counter() - started,
        )


def _try_example(rule: Rule, example: RuleExample, catalogue: Catalogue) -> tuple[ExampleResult | None, str]:
    try:
        return measure_example(rule, example, catalogue), ""
    except (CatalogueError, OutOfMemory, ValueError) as error:
        return None, " ".join(str(error).split())


def measure_coverage(rule: Rule, trials: Sequence[ExampleRun]) -> ExampleCoverage:
    """Work out which cases the examples of a rule cover, from what they expect: what is not expected is not tested."""
    edges = [trial.edges for trial in trials if trial.edges is not None]
    return ExampleCoverage(
        fires=any(_fires(rule, trial.example) for trial in trials),
        silent=any(_is_silent(rule, trial.example) for trial in trials),
        on_limit=any(edge.on for edge in edges) if edges else None,
        past_limit=any(edge.past for edge in edges) if edges else None,
    )


def is_informative(rule: Rule) -> bool:
    """Whether a rule only shows a figure and never gives a verdict."""
    return rule.limits is None or (rule.measure.value is not None and rule.measure.value.statistic == "mean")


def _fires(rule: Rule, example: RuleExample) -> bool:
    """Whether the example expects fail, watch or a defect; for a rule without a verdict, that its figure is shown."""
    status = example.expect.get("status")
    if is_informative(rule):
        return status == "informative"
    return status in ("fail", "watch") or any(_are_positive(example, DEFECT_COUNTS))


def _is_silent(rule: Rule, example: RuleExample) -> bool:
    """Whether the example expects pass or no defect in judged rows; for a rule without a verdict, that no figure is shown."""
    expect = example.expect
    if is_informative(rule):
        return expect.get("status") in ("not_applicable", "inconclusive")
    clean = expect.get("defects") == 0 and any(_are_positive(example, ("judged", "met")))
    return expect.get("status") == "pass" or clean


def _are_positive(example: RuleExample, keys: Iterable[str]) -> Iterator[bool]:
    for key in keys:
        value = example.expect.get(key)
        yield isinstance(value, int | float) and value > 0
