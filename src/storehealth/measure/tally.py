"""Counts of one rule's rows: in all, per slice, per advice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from storehealth.measure.compile import COUNTED, DEFECT, OUTCOMES, TIME_COLUMNS, dimensions
from storehealth.measure.query import Asked
from storehealth.measure.values import statistic_sql
from storehealth.model import Segment, Tally

COUNTS = ", ".join(f"count(*) FILTER (_outcome = '{outcome}')" for outcome in OUTCOMES)
Slice = tuple[str, str | None]
"""A column of the row query, and one of its values."""
SLICES_KEPT = 1000
"""Slices kept of a rule's own dimension, those with most defects first: a store may have 100 000 SKUs."""


def totals(asked: Asked) -> tuple[Tally, int, tuple[int, ...]]:
    """The tally of all rows, the distinct entities among the defects, and the defects each advice reaches."""
    mended = [f"count(*) FILTER (_mends{index} AND {DEFECT})" for index in range(len(asked.rule.advice))]
    parts = ", ".join([COUNTS, f"count(DISTINCT _entity) FILTER ({DEFECT})", *mended])
    (row,) = asked.run(f"SELECT {parts} FROM {asked.rows}")
    counts = len(OUTCOMES)
    return Tally(**dict(zip(OUTCOMES, row, strict=False))), row[counts], tuple(row[counts + 1 :])


def segments(asked: Asked) -> tuple[Segment, ...]:
    """The tally of every slice: the rule's dimensions, then hour, weekday and day, each in order of its values."""
    names = (*dimensions(asked.rule), *TIME_COLUMNS)
    aliases = [f"_by{index}" for index in range(len(dimensions(asked.rule)))] + [f"_{name}" for name in TIME_COLUMNS]
    tallies, values = _tallies(asked, aliases), _values(asked, aliases)
    found: list[Segment] = []
    for name, alias in zip(names, aliases, strict=True):
        own = [
            _segment(asked, name, label, tally, values.get((alias, label)))
            for (key, label), tally in tallies.items()
            if key == alias
        ]
        found += sorted(_kept(own, name), key=lambda one, name=name: _order(one, name))  # type: ignore[misc]
    return tuple(found)


def _tallies(asked: Asked, aliases: Sequence[str]) -> dict[Slice, Tally]:
    """Each slice's tally. Grouped by outcome, rows are counted once per column, not once per outcome and column."""
    found: dict[Slice, dict[str, int]] = {}
    for alias, label, outcome, count in _sliced(asked, aliases, ", _outcome", "_outcome, count(*)"):
        found.setdefault((alias, label), {})[outcome] = count
    return {key: Tally(**counts) for key, counts in found.items()}


def _values(asked: Asked, aliases: Sequence[str]) -> dict[Slice, float | None]:
    """Each slice's statistic, for rules over a value."""
    value = asked.rule.measure.value
    if value is None:
        return {}
    figure = statistic_sql(value.statistic, "_stat", COUNTED)
    return {(alias, label): figure for alias, label, figure in _sliced(asked, aliases, "", figure)}


def _sliced(asked: Asked, aliases: Sequence[str], further: str, figures: str) -> Iterator[tuple[Any, ...]]:
    """Column, value of the column, and figures, of the rows grouped by each column (and what is further named)."""
    keys, texts = ", ".join(aliases), ", ".join(f"{alias}::VARCHAR" for alias in aliases)
    sets = ", ".join(f"({alias}{further})" for alias in aliases)
    every = (1 << len(aliases)) - 1
    of_mark = {every - (1 << place): alias for place, alias in enumerate(reversed(aliases))}
    query = (
        f"SELECT grouping_id({keys}), coalesce({texts}), {figures} FROM {asked.rows} GROUP BY GROUPING SETS ({sets})"
    )
    yield from ((of_mark[mark], *rest) for mark, *rest in asked.run(query))


def _kept(slices: list[Segment], name: str) -> Iterable[Segment]:
    if name in TIME_COLUMNS or len(slices) <= SLICES_KEPT:
        return slices
    return sorted(slices, key=lambda one: (-one.tally.defects, -one.tally.judged, _order(one, name)))[:SLICES_KEPT]


def _order(one: Segment, name: str) -> tuple[bool, int, str]:
    value = one.segment[name]
    return value is None, len(value or "") if name == "hour" else 0, value or ""


def _segment(asked: Asked, name: str, label: str | None, tally: Tally, value: float | None) -> Segment:
    if label is not None and name not in TIME_COLUMNS:
        label = asked.shown(name, label)
    if asked.rule.measure.value is None:
        value = tally.defects / tally.judged if tally.judged else None
    return Segment(segment={name: label}, tally=tally, value=value)
