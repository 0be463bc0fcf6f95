"""Runs the examples of a rule: rows of canonical tables in, the figures and the verdict it must give out."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from storehealth.catalogue import Catalogue
from storehealth.catalogue.platform import Platform, version_on
from storehealth.catalogue.rule import Rule, RuleExample
from storehealth.catalogue.table import Table
from storehealth.db import StoreSettings, store_from_rows
from storehealth.errors import CatalogueError
from storehealth.judge import judge
from storehealth.measure import Edges, Lens, edges, measure, windows_for
from storehealth.model import Finding

CLOSE = 5e-5
"""How far a value may be from the one expected: what is written with four decimals holds."""


class Miss(NamedTuple):
    """An expectation that does not hold."""

    key: str
    expected: Any
    got: Any

    def __str__(self) -> str:
        return f"{self.key}: expected {self.expected}, got {self.got}"


class Looked(NamedTuple):
    """What an example's rows give, and whether they lie on the limit and just past it (None: rows have no limit)."""

    finding: Finding
    edges: Edges | None


def run_example(rule: Rule, example: RuleExample, catalogue: Catalogue) -> tuple[str, ...]:
    """Judge an example's rows.

    Args:
        rule: The rule; only it is measured.
        example: Rows, the platform whose clocks and limits hold, and what is expected.
        catalogue: Tables, views and platforms the example refers to.

    Returns:
        One line per expectation that does not hold, such as ``status: expected fail, got watch``; none if all do.

    Raises:
        CatalogueError: The example names what does not exist, or the rule's SQL does not run.
    """
    return tuple(map(str, misses(example, look_at(rule, example, catalogue).finding)))


def misses(example: RuleExample, finding: Finding) -> tuple[Miss, ...]:
    """The expectations of an example that its finding does not meet, in the order of the file."""
    got = {**finding.counts.model_dump(), **finding.model_dump(include=set(Finding.model_fields))}
    return tuple(
        Miss(key, expected, got.get(key, "no such key"))
        for key, expected in example.expect.items()
        if key not in got or not _same(got[key], expected)
    )


def look_at(rule: Rule, example: RuleExample, catalogue: Catalogue) -> Looked:
    """Measure and judge an example's rows.

    Raises:
        CatalogueError: As :func:`run_example`.
    """
    as_of = datetime.fromisoformat(example.as_of) if example.as_of else None
    platform = _platform(example.platform, catalogue, as_of)
    settings = StoreSettings(store="example", platform=platform, facts=platform.facts, as_of=as_of)
    rows = {name: _repeated(given, example.repeat, catalogue.tables.get(name)) for name, given in example.given.items()}
    catalogue = catalogue._replace(rules={**catalogue.rules, rule.code: rule})
    with store_from_rows(rows, catalogue, settings, _views(rule, catalogue)) as store:
        windows = windows_for([rule], platform, None, store.as_of)
        measured = measure(store, [rule], platform.limits, windows, Lens(catalogue))
        missing = measured[0].missing is not None
        near = None if missing else edges(store, rule, platform.limits, windows[rule.code], catalogue)
    findings, _ = judge(measured, catalogue, platform, "en")
    return Looked(findings[0], near)


def _views(rule: Rule, catalogue: Catalogue) -> set[str]:
    """Views the rule's SQL names, and the one that tells how coarse times are: making all would take longer."""
    sql = " ".join([rule.measure.model_dump_json(), *(advice.mends for advice in rule.advice)])
    return {*re.findall(r"\w+", sql), "time_grain"} & set(catalogue.views)


def _platform(name: str, catalogue: Catalogue, as_of: datetime | None) -> Platform:
    """A platform, as its rules are at ``as_of``, with the facts it lacks taken from ``generic``."""
    if name not in catalogue.platforms:
        raise CatalogueError(f"there is no platform {name!r}", f"Choose one of: {', '.join(catalogue.platforms)}.")
    platform = version_on(catalogue.platforms, name, as_of and as_of.date())
    generic = catalogue.platforms.get("generic")
    facts = {**(generic.facts if generic else {}), **platform.facts}
    return platform.model_copy(update={"facts": facts})


def _repeated(rows: Sequence[Mapping[str, Any]], times: int, table: Table | None) -> list[dict[str, Any]]:
    """The rows so many times; every id but those of the first round gets a suffix, so that rows stay related."""
    ids = [name for name, column in table.columns.items() if column.type == "id"] if table else []
    made = []
    for turn in range(times):
        for row in rows:
            suffixed = {name: f"{row[name]}-{turn + 1}" for name in ids if turn and row.get(name) is not None}
            made.append({**row, **suffixed})
    return made


def _same(got: Any, expected: Any) -> bool:
    if isinstance(got, float) and isinstance(expected, int | float) and not isinstance(expected, bool):
        return math.isclose(got, expected, rel_tol=0, abs_tol=CLOSE)
    return bool(got == expected)
