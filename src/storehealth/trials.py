"""Runs the examples of whole rules, and says which cases a rule lacks: one that fires, one that stays silent."""

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
    """One example, run.

    Attributes:
        rule: Whose it is.
        number: Its place in the file, from 1.
        place: File and line.
        misses: Expectations that do not hold.
        problem: Why it could not be run; empty if it could.
        edges: How close its rows come to the limit.
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
        """Whether it gave what it must."""
        return not (self.misses or self.problem)


class Tested(NamedTuple):
    """A rule, its trials, and what its examples lack, in words: ``hints`` are no failure."""

    rule: Rule
    trials: tuple[Trial, ...]
    lacks: tuple[str, ...]
    hints: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.lacks and all(trial.holds for trial in self.trials)


class Covered(NamedTuple):
    """Which cases a rule's examples hold; ``on_limit`` and ``past_limit`` are hints, None where rows have no limit."""

    fires: bool
    silent: bool
    on_limit: bool | None
    past_limit: bool | None

    @property
    def enough(self) -> bool:
        """Whether both cases are there that every rule needs."""
        return self.fires and self.silent


def run_examples(rule: Rule, catalogue: Catalogue) -> Iterator[Trial]:
    """Run every example of a rule, one after the other; what cannot be run is a trial with a problem."""
    path = catalogue.paths.get(f"rules/{rule.id}")
    for number, example in enumerate(rule.examples, 1):
        key = f"examples.{number - 1}"
        place = spot(path, key).rpartition(": ")[0] if path else f"{rule.id}.yaml"
        begun = time.perf_counter()
        looked, problem = _looked(rule, example, catalogue)
        yield Trial(
            rule=rule,
            number=number,
            place=place,
            misses=misses(example, looked.finding) if looked else (),
            problem=problem,
            edges=looked.edges if looked else None,
            seconds=time.perf_counter() - begun,
        )


def _looked(rule: Rule, example: RuleExample, catalogue: Catalogue) -> tuple[Looked | None, str]:
    try:
        return look_at(rule, example, catalogue), ""
    except (CatalogueError, OutOfMemory, ValueError) as error:
        return None, " ".join(str(error).split())


def covered(rule: Rule, trials: Sequence[Trial]) -> Covered:
    """Which cases the examples of a rule hold, by what they expect: what is not expected is not tested."""
    near = [one.edges for one in trials if one.edges is not None]
    return Covered(
        fires=any(_fires(rule, one.example) for one in trials),
        silent=any(_silent(rule, one.example) for one in trials),
        on_limit=any(one.on for one in near) if near else None,
        past_limit=any(one.past for one in near) if near else None,
    )


def only_shown(rule: Rule) -> bool:
    """Whether a rule shows a figure and never gives a verdict."""
    return rule.limits is None or (rule.measure.value is not None and rule.measure.value.statistic == "mean")


def _fires(rule: Rule, example: RuleExample) -> bool:
    """It is expected to be failed or watched, or to find a defect; a figure without a verdict, to be shown."""
    status = example.expect.get("status")
    if only_shown(rule):
        return status == "informative"
    return status in ("fail", "watch") or any(_positive(example, DEFECTS))


def _silent(rule: Rule, example: RuleExample) -> bool:
    """It is expected to pass, or to find no defect among rows it judges; a figure without a verdict, not to be shown."""
    expect = example.expect
    if only_shown(rule):
        return expect.get("status") in ("not_applicable", "inconclusive")
    clean = expect.get("defects") == 0 and any(_positive(example, ("judged", "met")))
    return expect.get("status") == "pass" or clean


def _positive(example: RuleExample, keys: Iterable[str]) -> Iterator[bool]:
    for key in keys:
        value = example.expect.get(key)
        yield isinstance(value, int | float) and value > 0
