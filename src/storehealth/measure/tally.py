"""Counts of one rule's rows: in all, per slice, per advice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from storehealth.measure.compile import COUNTED, DEFECT, OUTCOMES, TIME_COLUMNS, dimensions
from storehealth.measure.query import Asked
from storehealth.measure.values import statistic_sql
from storehealth.model import Segment, Tally

COUNTS = ", ".join(f"count(*) FILTER (_outcome = '{outcome}')" for outcome in OUTCOMES)
SLICES_KEPT = 1000
"""Slices kept of a rule's own dimension, those with most defects first: a store may have 100 000 SKUs."""


def totals(asked: Asked) -> tuple[Tally, int, tuple[int, ...]]:
    """The tally of all rows, the distinct entities among the defects, and the defects each advice reaches."""
    mended = [f"count(*) FILTER (_mends{index} AND {DEFECT})" for index in range(len(asked.rule.advice))]
    parts = ", ".join([COUNTS, f"count(DISTINCT _entity) FILTER ({DEFECT})", *mended])
    (row,) = asked.run(f"SELECT {parts} FROM {asked.rows}")
    counts = len(OUTCOMES)
    return _tally(row[:counts]), row[counts], tuple(row[counts + 1 :])


def segments(asked: Asked) -> tuple[Segment, ...]:
    """The tally of every slice: the rule's dimensions, then hour, weekday and day, each in order of its values."""
    names = (*dimensions(asked.rule), *TIME_COLUMNS)
    aliases = [f"_by{index}" for index in range(len(dimensions(asked.rule)))] + [f"_{name}" for name in TIME_COLUMNS]
    keys = ", ".join(aliases)
    sets = ", ".join(f"({alias})" for alias in aliases)
    rows = asked.run(
        f"SELECT grouping_id({keys}), coalesce({', '.join(f'{alias}::VARCHAR' for alias in aliases)}), "
        f"{_value_sql(asked)}, {COUNTS} FROM {asked.rows} GROUP BY GROUPING SETS ({sets})"
    )
    found: list[Segment] = []
    for index, name in enumerate(names):
        mark = (1 << len(names)) - 1 - (1 << (len(names) - 1 - index))
        own = [_segment(asked, name, row[1:]) for row in rows if row[0] == mark]
        found += sorted(_kept(own, name), key=lambda one, name=name: _order(one, name))  # type: ignore[misc]
    return tuple(found)


def _kept(slices: list[Segment], name: str) -> Iterable[Segment]:
    if name in TIME_COLUMNS or len(slices) <= SLICES_KEPT:
        return slices
    return sorted(slices, key=lambda one: (-one.tally.defects, -one.tally.judged, _order(one, name)))[:SLICES_KEPT]


def _order(one: Segment, name: str) -> tuple[bool, int, str]:
    value = one.segment[name]
    return value is None, len(value or "") if name == "hour" else 0, value or ""


def _segment(asked: Asked, name: str, row: tuple[Any, ...]) -> Segment:
    label, value, *counts = row
    tally = _tally(counts)
    if label is not None and name not in TIME_COLUMNS:
        label = asked.shown(name, label)
    if asked.rule.measure.value is None:
        value = tally.defects / tally.judged if tally.judged else None
    return Segment(segment={name: label}, tally=tally, value=value)


def _value_sql(asked: Asked) -> str:
    value = asked.rule.measure.value
    return "NULL" if value is None else statistic_sql(value.statistic, "_stat", COUNTED)


def _tally(counts: Iterable[int]) -> Tally:
    return Tally(**dict(zip(OUTCOMES, counts, strict=True)))
