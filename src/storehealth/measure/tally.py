"""Counts one rule's rows: in total, per slice, per advice.

Repeated defects of one customer or order on one day: a verdict counts only the first.

Rows that ``mutes.yaml`` exempts from a rule: which exemptions fit its rows, and how many rows each one exempts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from storehealth.catalogue.mutes import ALL_RULES, Exemption
from storehealth.errors import CatalogueError
from storehealth.measure.query import STOPPED, RuleQuery
from storehealth.measure.rule_sql import COUNTED, DEFECT, NOT_JUDGEABLE, TIME_COLUMNS, bracket, list_dimensions
from storehealth.measure.statistics import QUANTILES, build_statistic, build_survival, has_open_rows
from storehealth.model import ExemptedRows, Segment, Tally

Slice = tuple[str, str | None]
"""A column of the row query, and one of its values."""
SLICES_KEPT = 1000
"""Slices kept of one dimension, those with most defects: a store may have 100 000 SKUs."""


@dataclass(frozen=True)
class RowCounts:
    """The counts of a rule's rows, in total and by slice, from one pass."""

    query: RuleQuery
    tallies: Mapping[Slice, Tally]
    total: Tally

    def list_segments(self) -> tuple[Segment, ...]:
        """The slices by the rule's dimensions, then by hour, weekday and day, each ordered by its values."""
        values = _values(self.query)
        found: list[Segment] = []
        for alias, name in _slices(self.query).items():
            own = [
                _segment(self.query, name, label, tally, values.get((alias, label)))
                for (key, label), tally in self.tallies.items()
                if key == alias
            ]
            found += sorted(_limit_slices(own, name), key=lambda segment, name=name: _order(segment, name))  # type: ignore[misc]
        return tuple(found)


def count_rows(query: RuleQuery) -> RowCounts:
    """Count a rule's rows by outcome. Grouping by outcome needs one scan per column, not one per outcome and column."""
    found: dict[Slice, dict[str, int]] = {}
    for alias, label, outcome, rows in _read_slices(query, ", _outcome", "_outcome, count(*)"):
        found.setdefault((alias, label), {})[outcome] = rows
    total: Counter[str] = Counter()
    for (alias, _), counts in found.items():
        if alias == "_day":  # every row has a day, if only NULL, and so counts once
            total.update(counts)
    return RowCounts(query, {key: Tally(**counts) for key, counts in found.items()}, Tally(**total))


def count_entities(query: RuleQuery, tally: Tally) -> tuple[int, tuple[int, ...]]:
    """Count the distinct entities among the defects, and the defects each advice reaches."""
    advice = query.rule.advice
    if not tally.defects:
        return 0, (0,) * len(advice)
    reached = "".join(f", count(*) FILTER (_mends{index})" for index in range(len(advice)))
    ((entities, *by_advice),) = query.run(f"SELECT count(DISTINCT _entity){reached} FROM {query.rows} WHERE {DEFECT}")
    return entities, tuple(by_advice)


def count_unsure(query: RuleQuery, tally: Tally) -> int:
    """Count the rows that are not judgeable only because a column is not recorded or a cell could not be read."""
    if query.rule.measure.unsure == "false" or not tally.not_judgeable:
        return 0
    ((rows,),) = query.run(f"SELECT count(*) FROM {query.rows} WHERE _unsure AND _outcome = {NOT_JUDGEABLE}")
    return int(rows)


def list_basis(query: RuleQuery) -> tuple[str, ...]:
    """The assumptions that hold for at least one judged row, in the order of the rule file."""
    names = tuple(query.rule.measure.basis)
    if not names:
        return ()
    parts = ", ".join(f"coalesce(bool_or(_basis{index}), false)" for index in range(len(names)))
    (holds,) = query.run(f"SELECT {parts} FROM {query.rows} WHERE {COUNTED}")
    return tuple(name for name, is_used in zip(names, holds, strict=True) if is_used)


def _slices(query: RuleQuery) -> dict[str, str]:
    """Columns of the row query that rows are sliced by → the name of each dimension."""
    own = {f"_by{index}": name for index, name in enumerate(list_dimensions(query.rule))}
    return own | {f"_{name}": name for name in TIME_COLUMNS}


def _values(query: RuleQuery) -> dict[Slice, float | None]:
    """The statistic of each slice, for rules over a value."""
    value = query.rule.measure.value
    if value is None:
        return {}
    if value.statistic != "mean" and has_open_rows(query):
        return dict(_survive_by_slice(query, QUANTILES[value.statistic]))
    figure = build_statistic(value.statistic, "_stat", COUNTED)
    return {(alias, label): figure for alias, label, figure in _read_slices(query, "", figure)}


def _survive_by_slice(query: RuleQuery, quantile: float) -> Iterator[tuple[Slice, float | None]]:
    for alias in _slices(query):
        rows = f"SELECT {alias}::VARCHAR AS label, _value AS value, _open AS open FROM {query.rows} WHERE {COUNTED}"
        yield from (((alias, label), value) for label, value, *_ in query.run(build_survival(rows, quantile)))


def _read_slices(query: RuleQuery, further: str, figures: str) -> Iterator[tuple[Any, ...]]:
    """Column, its value, and figures, for the rows grouped by each column in turn (and by ``further``)."""
    aliases = tuple(_slices(query))
    keys, texts = ", ".join(aliases), ", ".join(f"{alias}::VARCHAR" for alias in aliases)
    sets = ", ".join(f"({alias}{further})" for alias in aliases)
    every = (1 << len(aliases)) - 1  # grouping_id sets the bit of each column that is not grouped by
    by_bits = {every - (1 << place): alias for place, alias in enumerate(reversed(aliases))}
    sql = f"SELECT grouping_id({keys}), coalesce({texts}), {figures} FROM {query.rows} GROUP BY GROUPING SETS ({sets})"
    yield from ((by_bits[bits], *rest) for bits, *rest in query.run(sql))


def _limit_slices(slices: list[Segment], name: str) -> Iterable[Segment]:
    if name in TIME_COLUMNS or len(slices) <= SLICES_KEPT:
        return slices
    return sorted(slices, key=lambda slice_: (-slice_.tally.defects, -slice_.tally.judged, _order(slice_, name)))[
        :SLICES_KEPT
    ]


def _order(segment: Segment, name: str) -> tuple[bool, int, str]:
    value = segment.segment[name]
    return value is None, len(value or "") if name == "hour" else 0, value or ""


def _segment(query: RuleQuery, name: str, label: str | None, tally: Tally, value: float | None) -> Segment:
    if label is not None and name not in TIME_COLUMNS:
        label = query.mask_text(name, label)
    if query.rule.measure.value is None:
        value = tally.defects / tally.judged if tally.judged else None
    return Segment(segment={name: label}, tally=tally, value=value)


def count_repeats(query: RuleQuery, defects: int, entities: int) -> dict[str, int]:
    """Count, per day, the defects beyond the first of the same entity. Rows without a day or an entity are no repeats.

    Args:
        query: The rule's query.
        defects: Number of all defects.
        entities: Number of distinct entities among them; if equal to ``defects``, no query is run.
    """
    if query.rule.measure.value is not None or defects == entities:
        return {}
    again = "count(*) - count(DISTINCT _entity)"
    found = query.run(
        f"SELECT _day::VARCHAR, {again} FROM {query.rows} WHERE {DEFECT} AND _day IS NOT NULL AND _entity IS NOT NULL "
        f"GROUP BY _day HAVING {again} > 0 ORDER BY _day"
    )
    return dict(found)


def apply_exemptions(query: RuleQuery, exemptions: Sequence[Exemption]) -> RuleQuery:
    """The query of a rule with the exemptions that apply to it.

    An exemption for all rules skips rules whose rows lack a column it names.

    Raises:
        CatalogueError: The SQL of one that names this rule does not fit its rows.
        OutOfMemory: It needs more memory than it may use.
    """
    own = tuple(item for item in exemptions if item.applies_to(query.rule) and _fits(query, item))
    return replace(query, taken_out=own) if own else query


def _fits(query: RuleQuery, exemption: Exemption) -> bool:
    if exemption.where is None:
        return True
    try:
        query.bind(f"{bracket(exemption.where)} IS TRUE")
    except CatalogueError:
        raise query.make_exemption_error(exemption, "write one condition; mind the brackets and semicolons") from None
    except STOPPED as error:
        raise query.make_exemption_error(exemption, error) from None
    except duckdb.BinderException as error:
        if exemption.code == ALL_RULES:  # for every rule that has the column; this one has not
            return False
        raise query.make_exemption_error(exemption, error) from None
    except duckdb.Error as error:
        raise query.make_exemption_error(exemption, error) from None
    return True


def count_exempted(query: RuleQuery) -> tuple[ExemptedRows, ...]:
    """Rows that each exemption takes out of this rule, in the order of the file."""
    if not query.taken_out:
        return ()
    counted = f"SELECT _taken_out, count(*) FROM {query.rows} WHERE _taken_out IS NOT NULL GROUP BY ALL ORDER BY 1"
    return tuple(
        ExemptedRows(reason=query.taken_out[place].describe(), rows=rows) for place, rows in query.run(counted)
    )
