"""Runs examples in data files: of rules (canonical rows in, figures and verdict out) and of layouts (lines in, rows out).

Also finds the cases that a rule's examples lack: each rule has one that fires and one that stays silent.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from storehealth.catalogue import Catalogue
from storehealth.catalogue.files import locate_key
from storehealth.catalogue.layout import Layout, LayoutExample
from storehealth.catalogue.platform import Platform
from storehealth.catalogue.rule import Rule, RuleExample
from storehealth.catalogue.table import Table
from storehealth.db import Store, StoreSettings, open_store_from_rows
from storehealth.errors import CatalogueError, FileRefused, OutOfMemory, StorehealthError
from storehealth.intake.draft import LayoutTrial, open_sheet, try_layout
from storehealth.intake.recognise import recognise, select_layouts
from storehealth.judge import judge
from storehealth.measure import Edges, MeasureOptions, choose_windows, find_edges, measure
from storehealth.model import Finding
from storehealth.support.message import Message, Name, load_message, message, verbatim

TOLERANCE = 5e-5
"""Largest difference from an expected value, so that four decimals are enough to write one."""
NO_SUCH_KEY = "no such key"
"""Placeholder for the value of a key that no finding has."""
DEFECT_COUNTS = ("defects", "late", "overdue")


class UnmetExpectation(NamedTuple):
    """An expectation that was not met."""

    key: str
    expected: Any
    actual: Any

    def __str__(self) -> str:
        return f"{self.key}: expected {self.expected}, got {self.actual}"


class ExampleResult(NamedTuple):
    """The finding of an example, and whether its rows lie on the limit and just past it (None: rows have no limit)."""

    finding: Finding
    edges: Edges | None


def run_example(rule: Rule, example: RuleExample, catalogue: Catalogue) -> tuple[str, ...]:
    """Judge the rows of an example and compare the finding with what it expects.

    Args:
        rule: The only rule that is measured.
        example: Rows, the platform whose clocks and limits apply, and the expectations.
        catalogue: Tables, views and platforms that the example refers to.

    Returns:
        One line per expectation that was not met, such as ``status: expected fail, got watch``.

    Raises:
        CatalogueError: The example names something that does not exist, or the rule's SQL does not run.
    """
    return tuple(map(str, list_unmet(example, measure_example(rule, example, catalogue).finding)))


def list_unmet(example: RuleExample, finding: Finding) -> tuple[UnmetExpectation, ...]:
    """List the expectations that the finding does not meet, in the order of the file."""
    values = {**finding.counts.model_dump(), **finding.model_dump(include=set(Finding.model_fields))}
    return tuple(
        UnmetExpectation(key, expected, values.get(key, NO_SUCH_KEY))
        for key, expected in example.expect.items()
        if key not in values or not _is_close(values[key], expected)
    )


@contextmanager
def open_example(rule: Rule, example: RuleExample, catalogue: Catalogue) -> Iterator[Store]:
    """Open a store that holds the rows of an example, with the views that the rule needs.

    Raises:
        CatalogueError: The example names something that does not exist.
    """
    as_of = _read_as_of(example)
    platform = _choose_platform(example.platform, catalogue, as_of)
    settings = StoreSettings(store="example", platform=platform, facts=platform.facts, as_of=as_of)
    rows = {
        name: _repeat_rows(rows, example.repeat, catalogue.tables.get(name)) for name, rows in example.given.items()
    }
    with open_store_from_rows(rows, catalogue, settings, _list_views(rule, catalogue)) as store:
        yield store


def _read_as_of(example: RuleExample) -> datetime | None:
    return datetime.fromisoformat(example.as_of) if example.as_of else None


def measure_example(rule: Rule, example: RuleExample, catalogue: Catalogue) -> ExampleResult:
    """Measure and judge the rows of an example.

    Raises:
        CatalogueError: As :func:`run_example`.
    """
    platform = _choose_platform(example.platform, catalogue, _read_as_of(example))
    catalogue = catalogue._replace(rules={**catalogue.rules, rule.code: rule})
    with open_example(rule, example, catalogue) as store:
        windows = choose_windows([rule], platform, None, store.as_of)
        measured = measure(store, [rule], platform.limits, windows, MeasureOptions(catalogue))
        is_missing = measured[0].missing is not None
        limit_edges = None if is_missing else find_edges(store, rule, platform.limits, windows[rule.code], catalogue)
    findings, _ = judge(measured, catalogue, platform)
    return ExampleResult(findings[0], limit_edges)


def _list_views(rule: Rule, catalogue: Catalogue) -> set[str]:
    """Views that the rule's SQL names, and ``time_grain``, the precision of times; creating all views would take longer."""
    sql = " ".join([rule.measure.model_dump_json(), *rule.sql_beside_measure])
    return {*re.findall(r"\w+", sql), "time_grain"} & set(catalogue.views)


def _choose_platform(name: str, catalogue: Catalogue, as_of: datetime | None) -> Platform:
    """The version of a platform that applies at ``as_of``, with missing facts filled from ``generic``."""
    key, _, site = name.partition("/")
    if key not in catalogue.platforms:
        choices = message("names.choose", names=tuple(map(Name, catalogue.platforms)))
        raise CatalogueError(message("usage.no_platform", name=Name(name)), choices)
    return catalogue.find_platform(key, as_of and as_of.date(), site or None)


def _repeat_rows(rows: Sequence[Mapping[str, Any]], times: int, table: Table | None) -> list[dict[str, Any]]:
    """Repeat the rows. From the second round on every id gets a suffix, so that the rows of one round stay related."""
    ids = [name for name, column in table.columns.items() if column.type == "id"] if table else []
    repeated = []
    for turn in range(times):
        for row in rows:
            suffixed = {name: f"{row[name]}-{turn + 1}" for name in ids if turn and row.get(name) is not None}
            repeated.append({**row, **suffixed})
    return repeated


def _is_close(value: Any, expected: Any) -> bool:
    # bool is an int to Python: True would equal 1.0
    if isinstance(value, float) and isinstance(expected, int | float) and not isinstance(expected, bool):
        return math.isclose(value, expected, rel_tol=0, abs_tol=TOLERANCE)
    return bool(value == expected)


@dataclass(frozen=True)
class ExampleRun:
    """One example and what running it gave.

    Attributes:
        rule: The rule it belongs to.
        number: Its position in the file, from 1.
        place: File and line.
        unmet: Expectations that were not met.
        problem: Why it could not be run; None if it could.
        edges: Whether its rows lie on the limit and just past it.
        finding: What the rows give; None if the example could not be run.
        seconds: How long it took.
    """

    rule: Rule
    number: int
    place: str
    unmet: tuple[UnmetExpectation, ...] = ()
    problem: Message | None = None
    edges: Edges | None = None
    finding: Finding | None = None
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
    """A rule, its trials, and the cases its examples lack; ``hints`` are not failures."""

    rule: Rule
    runs: tuple[ExampleRun, ...]
    missing_cases: tuple[Message, ...]
    hints: tuple[Message, ...]

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
            finding=result.finding if result else None,
            seconds=time.perf_counter() - started,
        )


def _try_example(rule: Rule, example: RuleExample, catalogue: Catalogue) -> tuple[ExampleResult | None, Message | None]:
    try:
        return measure_example(rule, example, catalogue), None
    except (CatalogueError, OutOfMemory) as error:
        return None, error.problem
    except ValueError as error:  # a cell of the example is of no use, such as a time that is none
        return None, verbatim(" ".join(str(error).split()))


def run_rule_examples(rule: Rule, catalogue: Catalogue) -> RuleTestResult:
    """Run the examples of a rule, and say which cases they lack."""
    runs = tuple(run_examples(rule, catalogue))
    coverage = measure_coverage(rule, runs)
    off_limit = () if coverage.on_limit is not False else (message("trial.off_limit"),)
    off_past = () if coverage.past_limit is not False else (message("trial.off_past"),)
    return RuleTestResult(rule, runs, tuple(_name_missing_cases(rule, coverage)), (*off_limit, *off_past))


def _name_missing_cases(rule: Rule, coverage: ExampleCoverage) -> Iterator[Message]:
    if is_informative(rule):
        yield from [] if coverage.is_sufficient else [message("trial.not_shown")]
        return
    if not coverage.fires:
        yield message("trial.no_fire")
    if not coverage.silent:
        yield message("trial.no_silent")


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


class LayoutExampleRun(NamedTuple):
    """One example of a layout and what is wrong with it: nothing, if ``problems`` is empty."""

    layout: Layout
    place: str
    problems: tuple[Message, ...]


def run_layout_examples(layout: Layout, catalogue: Catalogue) -> Iterator[LayoutExampleRun]:
    """Run the examples of a layout one after the other."""
    path = catalogue.paths.get(f"layouts/{layout.name}")
    for number, example in enumerate(layout.examples):
        place = locate_key(path, f"examples.{number}").rpartition(": ")[0] if path else f"{layout.name}.yaml"
        yield LayoutExampleRun(layout, place, tuple(find_layout_problems(layout, example, catalogue)))


def find_layout_problems(layout: Layout, example: LayoutExample, catalogue: Catalogue) -> Iterator[Message]:
    """Find what is wrong with an example: rows that differ from the promised ones, or another layout that claims it."""
    try:
        trial = try_layout(layout, example.given, catalogue)
    except StorehealthError as error:
        yield error.problem
        return
    if len(trial.rejects) != example.rejected:
        rejected = message("layouts.rejected", n=len(trial.rejects), expected=example.rejected)
        first = {"reject": _describe_reject(trial)} if trial.rejects else {}
        yield message("layouts.first_reject", what=rejected, **first) if first else rejected
    for table, rows in example.expect.items():
        yield from _compare_rows(table, rows, _to_example_rows(trial.tables.get(table, []), rows))
    for table in trial.tables.keys() - example.expect.keys():
        if trial.tables[table]:
            yield message("layouts.unexpected_table", table=Name(table), n=len(trial.tables[table]))
    yield from _find_claims(layout, example, catalogue)


def _describe_reject(trial: LayoutTrial) -> Message:
    """The first row or cell that was not read: the reason, with column and value where it is about a cell."""
    first = trial.rejects[0]
    reason = load_message(first["reason"])
    if not first["column_name"]:
        return reason
    return message(
        "layouts.reject_of_cell", column=Name(first["column_name"]), value=Name(first["value"]), reason=reason
    )


def _compare_rows(
    table: str, expected: Sequence[Mapping[str, Any]], actual: Sequence[Mapping[str, Any]]
) -> Iterator[Message]:
    if len(expected) != len(actual):
        yield message("layouts.row_count", table=Name(table), n=len(actual), expected=len(expected))
    for number, (wanted, row) in enumerate(zip(expected, actual, strict=False), 1):
        for column in wanted:
            if row.get(column) != wanted[column]:
                yield message(
                    "layouts.cell_differs",
                    place=Name(f"{table} {number}"),
                    column=Name(column),
                    expected=Name(wanted[column]),
                    found=Name(row.get(column)),
                )


def _to_example_rows(rows: Sequence[Mapping[str, Any]], expected: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The columns that the example names, as it writes them; rows that it does not expect whole."""
    return [
        {
            column: _to_plain(value)
            for column, value in row.items()
            if place >= len(expected) or column in expected[place]
        }
        for place, row in enumerate(rows)
    ]


def _to_plain(value: Any) -> Any:
    """A cell as examples write it."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return float(value) if isinstance(value, Decimal) else value


def _find_claims(layout: Layout, example: LayoutExample, catalogue: Catalogue) -> Iterator[Message]:
    """Find layouts that claim the example: it must be recognised as its own, and as that of no other platform."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "given.txt"
        path.write_text(example.given, encoding="utf-8", newline="")
        sheet, container = open_sheet(layout, path)
        layouts = select_layouts(catalogue.layouts.values(), sheet)
        try:
            best = recognise(sheet.top, container, layouts).layout
        except FileRefused as error:
            yield error.problem
            return
        if best != layout.name:
            yield message("layouts.recognised_as", layout=Name(best))
        others = [other for other in layouts if other is not layout and other.platform]
        try:
            claim = recognise(sheet.top, container, others).layout
        except FileRefused:
            return
        yield message("layouts.also_claimed", layout=Name(claim))
