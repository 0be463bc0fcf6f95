"""Medians, 90th percentiles and means. Where values are still open, quantiles are those of Kaplan and Meier.

An open value has not ended yet after the time that has passed: it is at risk up to then, and says nothing of later.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal, NamedTuple

from storehealth.measure.query import RuleQuery
from storehealth.measure.rule_sql import COUNTED, DEFECT, MET
from storehealth.model import AdviceReach
from storehealth.support.stats import Z_TWO_SIDED, quantile_interval_ranks, quantile_ranks

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
    if has_open_rows(query):
        return _survive(query, QUANTILES[statistic])
    return _quantile(query, QUANTILES[statistic], values)


def build_survival(rows: str, quantile: float) -> str:
    """SQL of a quantile by Kaplan and Meier, for each label.

    Where the curve rests exactly on the quantile, the middle of that step counts, so that without open values a median is
    the usual one. The interval is that of Brookmeyer and Crowley, on the scale of ln(-ln S).

    Args:
        rows: A SELECT of columns label, value (the time passed) and open.
        quantile: The share that has ended by then.

    Returns:
        A SELECT of label, value, low, high and the number of open values.
    """
    rest = 1 - quantile
    level = math.log(-math.log(rest))
    return f"""
        WITH steps AS (SELECT label, value, count(*) AS rows, count(*) FILTER (NOT open) AS ended,
                              sum(count(*)) OVER (PARTITION BY label ORDER BY value DESC) AS at_risk
                       FROM ({rows}) WHERE value IS NOT NULL GROUP BY label, value),
        curve AS (SELECT *, exp(sum(CASE WHEN ended < at_risk THEN ln(1 - ended / at_risk) ELSE -700 END)
                                OVER past) AS stays,
                         sum(CASE WHEN ended < at_risk THEN ended / (at_risk * (at_risk - ended)) ELSE 0 END)
                                OVER past AS spread,
                         sum(rows - ended) OVER (PARTITION BY label) AS open_rows
                  FROM steps WINDOW past AS (PARTITION BY label ORDER BY value)),
        bounds AS (SELECT *, CASE WHEN stays > 1e-300 AND stays < 1 THEN ln(-ln(stays)) END AS fallen,
                          CASE WHEN stays > 1e-300 AND stays < 1 THEN {Z_TWO_SIDED} * sqrt(spread) / -ln(stays) END AS slack
                   FROM curve WHERE ended > 0)
        SELECT label,
               CASE WHEN bool_or(abs(stays - {rest!r}) < 1e-9)
                    THEN (min(value) FILTER (stays < {rest!r} + 1e-9) + coalesce(min(value) FILTER (stays < {rest!r} - 1e-9),
                         min(value) FILTER (stays < {rest!r} + 1e-9))) / 2
                    ELSE coalesce(min(value) FILTER (stays < {rest!r}), 'inf'::DOUBLE) END,
               coalesce(min(value) FILTER (fallen + slack >= {level!r} OR stays <= 1e-300), 'inf'::DOUBLE),
               coalesce(min(value) FILTER (fallen - slack > {level!r} OR stays <= 1e-300), 'inf'::DOUBLE),
               max(open_rows)::BIGINT
        FROM bounds GROUP BY label
    """


def has_open_rows(query: RuleQuery) -> bool:
    """Whether any row that counts has a value that still grows."""
    ((rows,),) = query.run(f"SELECT count(*) FROM {query.rows} WHERE {COUNTED} AND _open")
    return bool(rows)


def _survive(query: RuleQuery, quantile: float) -> Estimate:
    rows = f"SELECT 0 AS label, _value AS value, _open AS open FROM {query.rows} WHERE {COUNTED}"
    found = query.run(build_survival(rows, quantile))
    if not found:  # nothing has ended yet
        return Estimate(math.inf, None, None)
    ((_, value, low, high, _),) = found
    return Estimate(value, low, high)


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
    after_rows = f"""
        WITH counted AS (SELECT _stat, _value, _open, _outcome = {MET} AS _met, _mends{index} AND {DEFECT} AS _reached
                         FROM {query.rows} WHERE {COUNTED}),
             ordinary AS (SELECT coalesce(median(_stat) FILTER (_met), {limit}) AS _usual FROM counted),
             placed AS (SELECT *, row_number() OVER (ORDER BY _stat DESC, _value DESC) AS place FROM counted WHERE _reached),
             replaced AS (SELECT *, floor(place * {removes} + 1e-9) > floor((place - 1) * {removes} + 1e-9)
                             AS _is_usual FROM placed, ordinary)
        SELECT CASE WHEN _is_usual THEN _usual ELSE _stat END AS _stat,
               CASE WHEN _is_usual THEN _usual ELSE _value END AS value,
               _open AND NOT _is_usual AS open, 0 AS label FROM replaced
        UNION ALL SELECT _stat, _value, _open, 0 FROM counted WHERE NOT _reached
    """
    if statistic != "mean" and has_open_rows(query):
        found = query.run(build_survival(after_rows, QUANTILES[statistic]))
        return found[0][1] if found else math.inf
    ((after,),) = query.run(f"SELECT {build_statistic(statistic, '_stat')} FROM ({after_rows})")
    return replace_nan(after)
