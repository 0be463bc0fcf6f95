"""Run one example of a rule: rows of canonical tables in, figures and a verdict out."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from storehealth.catalogue import Catalogue
from storehealth.catalogue.platform import Platform, select_version
from storehealth.catalogue.rule import Rule, RuleExample
from storehealth.catalogue.table import Table
from storehealth.db import StoreSettings, open_store_from_rows
from storehealth.errors import CatalogueError
from storehealth.judge import judge
from storehealth.measure import Edges, MeasureOptions, choose_windows, edges, measure
from storehealth.model import Finding

TOLERANCE = 5e-5
"""Largest difference from an expected value, so that four decimals are enough to write one."""


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
        UnmetExpectation(key, expected, values.get(key, "no such key"))
        for key, expected in example.expect.items()
        if key not in values or not _is_close(values[key], expected)
    )


def measure_example(rule: Rule, example: RuleExample, catalogue: Catalogue) -> ExampleResult:
    """Measure and judge the rows of an example.

    Raises:
        CatalogueError: As :func:`run_example`.
    """
    as_of = datetime.fromisoformat(example.as_of) if example.as_of else None
    platform = _choose_platform(example.platform, catalogue, as_of)
    settings = StoreSettings(store="example", platform=platform, facts=platform.facts, as_of=as_of)
    rows = {
        name: _repeat_rows(rows, example.repeat, catalogue.tables.get(name)) for name, rows in example.given.items()
    }
    catalogue = catalogue._replace(rules={**catalogue.rules, rule.code: rule})
    with open_store_from_rows(rows, catalogue, settings, _list_views(rule, catalogue)) as store:
        windows = choose_windows([rule], platform, None, store.as_of)
        measured = measure(store, [rule], platform.limits, windows, MeasureOptions(catalogue))
        is_missing = measured[0].missing is not None
        limit_edges = None if is_missing else edges(store, rule, platform.limits, windows[rule.code], catalogue)
    findings, _ = judge(measured, catalogue, platform, "en")
    return ExampleResult(findings[0], limit_edges)


def _list_views(rule: Rule, catalogue: Catalogue) -> set[str]:
    """Views that the rule's SQL names, and ``time_grain``, the precision of times; creating all views would take longer."""
    sql = " ".join([rule.measure.model_dump_json(), *(advice.mends for advice in rule.advice)])
    return {*re.findall(r"\w+", sql), "time_grain"} & set(catalogue.views)


def _choose_platform(name: str, catalogue: Catalogue, as_of: datetime | None) -> Platform:
    """The version of a platform that applies at ``as_of``, with missing facts filled from ``generic``."""
    if name not in catalogue.platforms:
        raise CatalogueError(f"there is no platform {name!r}", f"Choose one of: {', '.join(catalogue.platforms)}.")
    platform = select_version(catalogue.platforms, name, as_of and as_of.date())
    generic = catalogue.platforms.get("generic")
    facts = {**(generic.facts if generic else {}), **platform.facts}
    return platform.model_copy(update={"facts": facts})


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
