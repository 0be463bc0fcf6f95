"""Medians, 90th percentiles and means, where a value that is still open counts as infinite."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal, NamedTuple

from storehealth.measure.query import RuleQuery
from storehealth.measure.rule_sql import COUNTED, DEFECT, MET
from storehealth.model import AdviceReach
from storehealth.support.stats import quantile_interval_ranks, quantile_ranks

Statistic = Literal["median", "p90", "mean"]
QUANTILES: dict[str, float] = {"median": 0.5, "p90": 0.9}


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
    return _quantile(query, QUANTILES[statistic], values)


def _quantile(query: RuleQuery, quantile: float, values: int) -> Estimate:
    first, second, rest = quantile_ranks(values, quantile)
    low, high = quantile_interval_ranks(values, quantile)
    places = sorted({place for place in (first, second, low, high) if place is not None})
    at = dict(
        query.run(
            f"SELECT place, _stat FROM (SELECT _stat, row_number() OVER (ORDER BY _stat) AS place FROM {query.rows} "
            f"WHERE {COUNTED}) WHERE place IN ({', '.join(map(str, places))})"
        )
    )
    return Estimate(_between(at[first], at[second], rest), at.get(low), at.get(high))


def _between(first: float, second: float, rest: float) -> float:
    return first if rest == 0 or first == second else first + (second - first) * rest


def estimate_fixes(query: RuleQuery, reached: Iterable[int]) -> tuple[AdviceReach, ...]:
    """What each advice reaches; for values also the statistic after the share it removes has become ordinary."""
    value = query.rule.measure.value
    return tuple(
        AdviceReach(
            advice=advice.id,
            defects=defects,
            value_after=_value_after(query, value.statistic, index, advice.removes)
            if value is not None and defects
            else None,
        )
        for index, (advice, defects) in enumerate(zip(query.rule.advice, reached, strict=True))
    )


def _value_after(query: RuleQuery, statistic: Statistic, index: int, removes: float) -> float | None:
    """The statistic with a share of the reached defects replaced by the median of the rows within the limit.

    The share is spread evenly over the reached rows in order of their value, so that neither the worst nor the mildest
    are favoured. Where no row is within the limit, the limit itself replaces that median.
    """
    limit = "NULL" if query.bounds is None else repr(float(query.bounds.limit))
    ((after,),) = query.run(
        f"""
        WITH counted AS (SELECT _stat, _outcome = {MET} AS _met, _mends{index} AND {DEFECT} AS _reached
                         FROM {query.rows} WHERE {COUNTED}),
             ordinary AS (SELECT coalesce(median(_stat) FILTER (_met), {limit}) AS _usual FROM counted),
             placed AS (SELECT _stat, row_number() OVER (ORDER BY _stat DESC) AS place FROM counted WHERE _reached),
             after AS (SELECT CASE WHEN floor(place * {removes} + 1e-9) > floor((place - 1) * {removes} + 1e-9)
                                   THEN _usual ELSE _stat END AS _stat FROM placed, ordinary
                       UNION ALL SELECT _stat FROM counted WHERE NOT _reached)
        SELECT {build_statistic(statistic, "_stat")} FROM after
        """
    )
    return replace_nan(after)
