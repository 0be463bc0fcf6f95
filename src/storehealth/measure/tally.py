"""Counts one rule's rows, in total, per slice and per advice, with medians, 90th percentiles and means.

A verdict counts only the first of one customer's or order's defects on one day. Rows that ``mutes.yaml`` exempts are counted
apart. Where values are still open, quantiles are those of Kaplan and Meier: an open value is at risk up to the time that has
passed, and says nothing of later.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import duckdb

from storehealth.catalogue.mutes import ALL_RULES, Exemption
from storehealth.catalogue.rule import Cause, Rule
from storehealth.errors import CatalogueError
from storehealth.measure.query import STOPPED, RuleQuery
from storehealth.measure.rule_sql import (
    COUNTED,
    DEFECT,
    JUDGED,
    MET,
    TIME_COLUMNS,
    bracket,
    list_cause_columns,
    list_dimensions,
)
from storehealth.model import AdviceReach, CauseGroup, CauseMark, Segment, Tally
from storehealth.support.stats import Z_TWO_SIDED, quantile_interval_ranks, quantile_ranks

Slice = tuple[str, str | None]
"""A column of the row query, and one of its values."""
SLICES_KEPT = 1000
"""Slices kept of one dimension, those with most defects: a store may have 100 000 SKUs."""
Statistic = Literal["median", "p90", "mean"]
QUANTILES: dict[str, float] = {"median": 0.5, "p90": 0.9}


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
        for alias, name in find_slices(self.query.rule).items():
            own = [
                _segment(self.query, name, label, tally, values.get((alias, label)))
                for (key, label), tally in self.tallies.items()
                if key == alias
            ]
            found += sorted(_limit_slices(own, name), key=lambda segment, name=name: _order(segment, name))  # type: ignore[misc]
        return tuple(found)


def count_cause_groups(query: RuleQuery, tally: Tally) -> tuple[CauseGroup, ...]:
    """Count judged rows and misses by all that the rule's causes look at; nothing without misses."""
    causes = query.rule.causes
    if not causes or not tally.defects:
        return ()
    columns = [column for index, cause in enumerate(causes) for column in list_cause_columns(index, cause)]
    figures = f"count(*) FILTER ({DEFECT}), count(*)"
    found: dict[tuple[CauseMark, ...], list[int]] = {}
    for *values, defects, judged in query.run(
        f"SELECT {', '.join(columns)}, {figures} FROM {query.pick('_why')} WHERE {JUDGED} GROUP BY ALL"
    ):
        own = found.setdefault(read_marks(causes, values), [0, 0])  # rows that lack a value may lack others, too
        own[0] += defects
        own[1] += judged
    return tuple(
        CauseGroup(marks=_mask_marks(query, marks), defects=defects, judged=judged)
        for marks, (defects, judged) in sorted(found.items(), key=_order_marks)
    )


def read_marks(causes: Sequence[Cause], values: Sequence[Any]) -> tuple[CauseMark, ...]:
    """The columns of the causes as marks: whether each holds, or its values; None where one is missing."""
    rest = iter(values)
    marks: list[CauseMark] = []
    for cause in causes:
        if cause.when is not None:
            marks.append(next(rest))
        else:
            parts = tuple(next(rest) for _ in cause.by)
            marks.append(None if None in parts else parts)
    return tuple(marks)


def _order_marks(group: tuple[tuple[CauseMark, ...], list[int]]) -> list[tuple[bool, Any]]:
    return [(mark is None, () if mark is None else mark) for mark in group[0]]


def _mask_marks(query: RuleQuery, marks: Sequence[CauseMark]) -> tuple[CauseMark, ...]:
    return tuple(
        tuple(query.mask_text(name, label) for name, label in zip(cause.by, mark, strict=True))
        if isinstance(mark, tuple)
        else mark
        for cause, mark in zip(query.rule.causes, marks, strict=True)
    )


def find_slices(rule: Rule) -> dict[str, str]:
    """Columns of the row query that rows are sliced by → the name of each dimension."""
    own = {f"_by{index}": name for index, name in enumerate(list_dimensions(rule))}
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
    for alias in find_slices(query.rule):
        rows = f"SELECT {alias} AS label, _value AS value, _open AS open FROM {query.rows} WHERE {COUNTED}"
        for label, value in query.run(build_survival(rows, quantile)):
            yield (alias, label), value


def _read_slices(query: RuleQuery, further: str, figures: str) -> Iterator[tuple[Any, ...]]:
    """Column, its value, and figures, for the rows grouped by each column in turn (and by ``further``)."""
    aliases = tuple(find_slices(query.rule))
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
    """Count, per day, the defects beyond the first of the same entity. Rows without a day or an entity are not repeats.

    Args:
        query: The rule's query.
        defects: Number of all defects.
        entities: Number of distinct entities among them; if equal to ``defects``, no query is run.
    """
    if query.rule.measure.value is not None or defects == entities:
        return {}
    # in two steps: a count of distinct values within each day takes twice as long
    by_entity = (
        f"SELECT _day, count(*) - 1 AS again FROM {query.pick('_entity')} WHERE {DEFECT} AND _day IS NOT NULL"
        " AND _entity IS NOT NULL GROUP BY _day, _entity HAVING count(*) > 1"
    )
    return dict(query.run(f"SELECT _day::VARCHAR, sum(again)::BIGINT FROM ({by_entity}) GROUP BY _day ORDER BY _day"))


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


class Estimate(NamedTuple):
    """A statistic with its 95 % interval; an end is None where there are too few values for it."""

    value: float | None
    low: float | None = None
    high: float | None = None


def build_statistic(statistic: Statistic, column: str, rows: str = "true") -> str:
    """SQL of a statistic over some of the rows.

    Between two infinite values DuckDB's interpolation gives NaN, see :func:`known`. A mean is summed as decimals and
    rounded, since floating-point sums depend on the order in which threads add them up.
    """
    if statistic == "mean":
        return f"round(avg(TRY_CAST({column} AS DECIMAL(38, 9))) FILTER ({rows}), 6)"
    return f"quantile_cont({column}, {QUANTILES[statistic]}) FILTER ({rows})"


def replace_nan(value: float | None) -> float | None:
    """Replace NaN, which only comes from interpolating between infinities, by infinity."""
    return math.inf if value is not None and math.isnan(value) else value


def estimate_statistic(query: RuleQuery, statistic: Statistic, values: int) -> Estimate:
    """Estimate the statistic of a value rule over all its judgeable rows.

    Args:
        query: The rule's query; its rows have ``_stat``.
        statistic: A mean gets no interval.
        values: Number of rows that count: judged and undecided.
    """
    if values == 0:
        return Estimate(None)
    if statistic == "mean":
        ((mean,),) = query.run(f"SELECT {build_statistic('mean', '_stat')} FROM {query.rows} WHERE {COUNTED}")
        return Estimate(mean)
    if has_open_rows(query):
        return _survive(query, QUANTILES[statistic])
    return _quantile(query, QUANTILES[statistic], values)


def build_survival(rows: str, quantile: float, has_interval: bool = False) -> str:
    """SQL of a quantile by Kaplan and Meier, for each label.

    Where the curve rests exactly on the quantile, the middle of that step counts, so that without open values a median is
    the usual one. The interval is that of Brookmeyer and Crowley, on the scale of ln(-ln S).

    Values are sorted once, the largest first, and windows stream over them: partitions for each label take four times as
    long. The curve up to a value is then its whole fall less the fall after it.

    Args:
        rows: A SELECT of columns label, value (the time passed) and open.
        quantile: The share that has ended by then.
        has_interval: Whether the interval is wanted.

    Returns:
        A SELECT of label and value; with an interval also low and high.
    """
    rest = 1 - quantile
    spread = "CASE WHEN ended < at_risk THEN ended / (at_risk * (at_risk - ended)) ELSE 0 END" if has_interval else "0"
    return f"""
        WITH steps AS (SELECT label, value, count(*) AS rows, count(*) FILTER (NOT open) AS ended
                       FROM ({rows}) WHERE value IS NOT NULL GROUP BY label, value ORDER BY label, value DESC),
        counted AS (SELECT *, row_number() OVER () AS n, sum(rows) OVER (ROWS UNBOUNDED PRECEDING)::BIGINT AS so_far,
                           lag(label) OVER () IS DISTINCT FROM label AS is_other
                    FROM steps),
        risks AS (SELECT label, value, ended, n, so_far - max(CASE WHEN is_other OR n = 1 THEN so_far - rows END)
                         OVER (ROWS UNBOUNDED PRECEDING) AS at_risk
                  FROM counted),
        falls AS (SELECT *, CASE WHEN ended < at_risk THEN ln(1 - ended / at_risk) ELSE 0 END AS fall, {spread} AS spread
                  FROM risks),
        summed AS (SELECT *, sum(fall) OVER (ROWS UNBOUNDED PRECEDING) AS fall_after,
                          {"sum(spread) OVER (ROWS UNBOUNDED PRECEDING)" if has_interval else "0"} AS spread_after FROM falls),
        whole AS (SELECT label, max_by(fall_after, n) AS fall_of_all, max_by(spread_after, n) AS spread_of_all
                  FROM summed GROUP BY label),
        curve AS (SELECT s.label, value, spread_of_all - spread_after + spread AS spread,
                         CASE WHEN ended < at_risk THEN exp(fall_of_all - fall_after + fall) ELSE 0 END AS stays
                  FROM summed AS s JOIN whole AS w ON s.label IS NOT DISTINCT FROM w.label WHERE ended > 0)
        SELECT label::VARCHAR,
               CASE WHEN bool_or(abs(stays - {rest!r}) < 1e-9)
                    THEN (min(value) FILTER (stays < {rest!r} + 1e-9) + coalesce(min(value) FILTER (stays < {rest!r} - 1e-9),
                         min(value) FILTER (stays < {rest!r} + 1e-9))) / 2
                    ELSE coalesce(min(value) FILTER (stays < {rest!r}), 'inf'::DOUBLE) END
               {_build_interval(rest) if has_interval else ""}
        FROM curve GROUP BY label
    """


def _build_interval(rest: float) -> str:
    """SQL of the ends of the interval, over the columns value, stays and spread of a curve."""
    level = math.log(-math.log(rest))
    inside = "stays > 1e-300 AND stays < 1"
    fallen, slack = "ln(-ln(stays))", f"{Z_TWO_SIDED} * sqrt(spread) / -ln(stays)"
    ends = (f"{fallen} + {slack} >= {level!r}", f"{fallen} - {slack} > {level!r}")
    reached = (f"CASE WHEN {inside} THEN {end} ELSE stays <= 1e-300 END" for end in ends)
    return "".join(f", coalesce(min(value) FILTER ({end}), 'inf'::DOUBLE)" for end in reached)


def has_open_rows(query: RuleQuery) -> bool:
    """Whether any row that counts has a value that still grows."""
    return query.has_open_rows


def _survive(query: RuleQuery, quantile: float) -> Estimate:
    rows = f"SELECT 0 AS label, _value AS value, _open AS open FROM {query.rows} WHERE {COUNTED}"
    found = query.run(build_survival(rows, quantile, has_interval=True))
    if not found:  # nothing has ended yet
        return Estimate(math.inf, None, None)
    ((_, value, low, high),) = found
    return Estimate(value, low, high)


def _quantile(query: RuleQuery, quantile: float, values: int) -> Estimate:
    first, second, rest = quantile_ranks(values, quantile)
    low, high = quantile_interval_ranks(values, quantile)
    places = sorted({place for place in (first, second, low, high) if place is not None})
    shares = [(place - 0.5) / values for place in places]  # the middle of a place: no rounding moves it to the next
    ((found,),) = query.run(f"SELECT quantile_disc(_stat, {shares}) FROM {query.rows} WHERE {COUNTED}")
    at: dict[int | None, float] = dict(zip(places, found, strict=True))
    return Estimate(_between(at[first], at[second], rest), at.get(low), at.get(high))


def _between(first: float, second: float, rest: float) -> float:
    return first if rest == 0 or first == second else first + (second - first) * rest


def estimate_fixes(query: RuleQuery, reached: Sequence[int]) -> tuple[AdviceReach, ...]:
    """What each advice reaches; for values also the statistic after the share it removes has become ordinary."""
    value = query.rule.measure.value
    advice = query.rule.advice
    removes = {place: advice[place].removes for place, defects in enumerate(reached) if defects}
    after = _estimate_after(query, value.statistic, removes) if value is not None and removes else {}
    return tuple(
        AdviceReach(advice=own.id, defects=defects, value_after=after.get(place))
        for place, (own, defects) in enumerate(zip(advice, reached, strict=True))
    )


def _estimate_after(query: RuleQuery, statistic: Statistic, removes: Mapping[int, float]) -> dict[int, float | None]:
    """The statistic after each advice, by its place."""
    if statistic != "mean" and has_open_rows(query):
        found = {
            place: query.run(_survive_after(query, QUANTILES[statistic], place, removes[place])) for place in removes
        }
        return {place: steps[0][1] if steps else math.inf for place, steps in found.items()}
    figures = ", ".join(build_statistic(statistic, _fix_value(place, "_stat")) for place in removes)
    (row,) = query.run(f"{_mark_fixed(query, removes)} SELECT {figures} FROM marked")
    return dict(zip(removes, map(replace_nan, row), strict=True))


def _survive_after(query: RuleQuery, quantile: float, place: int, removes: float) -> str:
    cells = f"0 AS label, {_fix_value(place, '_value')} AS value, _open AND NOT _is_usual{place} AS open"
    return build_survival(f"{_mark_fixed(query, {place: removes})} SELECT {cells} FROM marked", quantile)


def _fix_value(place: int, column: str) -> str:
    return f"CASE WHEN _is_usual{place} THEN _usual ELSE {column} END"


def _mark_fixed(query: RuleQuery, removes: Mapping[int, float]) -> str:
    """SQL of ``marked``: the rows that count, and whether each becomes ordinary by each advice.

    An advice removes its share of the defects it reaches: they get the median of the rows within the limit. The share is
    spread evenly over them in order of their value, so that neither the worst nor the mildest are favoured. Where no row is
    within the limit, the limit itself replaces that median. Defects are sorted once, and windows stream over them: sums
    do, counts with a filter would take the square of the time.
    """
    limit = "NULL" if query.bounds is None else repr(float(query.bounds.limit))
    so_far = ", ".join(
        f"sum(_mends{place}::INT) OVER (ROWS UNBOUNDED PRECEDING)::BIGINT AS place{place}" for place in removes
    )
    marks = ", ".join(
        f"_mends{place} AND floor(place{place} * {share} + 1e-9) > floor((place{place} - 1) * {share} + 1e-9)"
        f" AS _is_usual{place}"
        for place, share in removes.items()
    )
    return f"""
        WITH ordinary AS (SELECT coalesce(median(_stat) FILTER (_outcome = {MET}), {limit}) AS _usual
                          FROM {query.rows} WHERE {COUNTED}),
             placed AS (SELECT *, {so_far} FROM (FROM {query.rows} WHERE {DEFECT} ORDER BY _stat DESC, _value DESC)),
             marked AS (SELECT _stat, _value, _open, _usual, {marks} FROM placed, ordinary
                        UNION ALL SELECT _stat, _value, _open, NULL, {", ".join("false" for _ in removes)}
                        FROM {query.rows} WHERE {COUNTED} AND NOT ({DEFECT}))
    """
