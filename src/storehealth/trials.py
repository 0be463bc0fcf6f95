"""Run all examples of a rule, and find the cases they lack: one that fires and one that stays silent."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from storehealth.catalogue import Catalogue
from storehealth.catalogue.files import spot
from storehealth.catalogue.rule import Rule, RuleExample
from storehealth.errors import CatalogueError, OutOfMemory
from storehealth.examples import Looked, Miss, look_at, misses
from storehealth.measure import Edges

DEFECTS = ("defects", "late", "overdue")


@dataclass(frozen=True)
class Trial:
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
    misses: tuple[Miss, ...] = ()
    problem: str = ""
    edges: Edges | None = None
    seconds: float = 0.0

    @property
    def example(self) -> RuleExample:
        """The example itself."""
        return self.rule.examples[self.number - 1]

    @property
    def holds(self) -> bool:
        """Whether the example ran and every expectation was met."""
        return not (self.misses or self.problem)


class Tested(NamedTuple):
    """A rule, its trials, and the cases its examples lack; ``hints`` are no failure."""

    rule: Rule
    trials: tuple[Trial, ...]
    lacks: tuple[str, ...]
    hints: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether every example holds and no case is missing."""
        return not self.lacks and all(trial.holds for trial in self.trials)


class Covered(NamedTuple):
    """Which cases a rule's examples cover; ``on_limit`` and ``past_limit`` are hints, None if its rows have no limit."""

    fires: bool
    silent: bool
    on_limit: bool | None
    past_limit: bool | None

    @property
    def enough(self) -> bool:
        """Whether the two cases that every rule needs are covered."""
        return self.fires and self.silent


def run_examples(rule: Rule, catalogue: Catalogue) -> Iterator[Trial]:
    """Run the examples of a rule one after the other; one that cannot be run gives a trial with a problem."""
    path = catalogue.paths.get(f"rules/{rule.id}")
    for number, example in enumerate(rule.examples, 1):
        key = f"examples.{number - 1}"
        place = spot(path, key).rpartition(": ")[0] if path else f"{rule.id}.yaml"
        started = time.perf_counter()
        result, problem = _try_example(rule, example, catalogue)
        yield Trial(
            rule=rule,
            number=number,
            place=place,
            misses=misses(example, result.finding) if result else (),
            problem=problem,
            edges=result.edges if result else None,
            seconds=time.perf_counter() - started,
        )


def _try_example(rule: Rule, example: RuleExample, catalogue: Catalogue) -> tuple[Looked | None, str]:
    try:
        return look_at(rule, example, catalogue), ""
    except (CatalogueError, OutOfMemory, ValueError) as error:
        return None, " ".join(str(error).split())


def covered(rule: Rule, trials: Sequence[Trial]) -> Covered:
    """Work out which cases the examples of a rule cover, from what they expect: what is not expected is not tested."""
    edges = [trial.edges for trial in trials if trial.edges is not None]
    return Covered(
        fires=any(_fires(rule, trial.example) for trial in trials),
        silent=any(_is_silent(rule, trial.example) for trial in trials),
        on_limit=any(edge.on for edge in edges) if edges else None,
        past_limit=any(edge.past for edge in edges) if edges else None,
    )


def only_shown(rule: Rule) -> bool:
    """Whether a rule only shows a figure and never gives a verdict."""
    return rule.limits is None or (rule.measure.value is not None and rule.measure.value.statistic == "mean")


def _fires(rule: Rule, example: RuleExample) -> bool:
    """Whether the example expects fail, watch or a defect; for a rule without a verdict, that its figure is shown."""
    status = example.expect.get("status")
    if only_shown(rule):
        return status == "informative"
    return status in ("fail", "watch") or any(_are_positive(example, DEFECTS))


def _is_silent(rule: Rule, example: RuleExample) -> bool:
    """Whether the example expects pass or no defect in judged rows; for a rule without a verdict, that no figure is shown."""
    expect = example.expect
    if only_shown(rule):
        return expect.get("status") in ("not_applicable", "inconclusive")
    clean = expect.get("defects") == 0 and any(_are_positive(example, ("judged", "met")))
    return expect.get("status") == "pass" or clean


def _are_positive(example: RuleExample, keys: Iterable[str]) -> Iterator[bool]:
    for key in keys:
        value = example.expect.get(key)
        yield isinstance(value, int | float) and value > 0
