"""Figures shown beside the counts of rules.

* What a platform's compensation bands demand for a rule's defects: a range, in exact decimals.
* Figures that a platform prints itself, computed by each definition that could explain a difference.
* How long customers wait for a person: the whole distribution, as brackets and quantiles.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any, get_args

from storehealth.catalogue.common import cite, find_unmet_needs
from storehealth.catalogue.platform import Compensation
from storehealth.catalogue.rule import PrintedSpec
from storehealth.errors import CatalogueError, OutOfMemory, StorehealthError
from storehealth.measure.query import RuleQuery
from storehealth.measure.rule_sql import DEFECT, bracket, build_source, build_window_condition
from storehealth.model import (
    Distributions,
    FirstReplies,
    MoneyAtRisk,
    PlainFigures,
    PrintedComparison,
    PrintedValue,
    ReplyBracket,
    ReplySummary,
    TurnReplies,
    Window,
)
from storehealth.model.verdict import LimitSource

if TYPE_CHECKING:
    from storehealth.db import Store

VERIFIED = get_args(LimitSource.model_fields["verified"].annotation)
"""How well a source is verified, the best first."""
ORDERS = "fulfilments"
"""The view with the price and the promised time of each order."""
CENTS = "DECIMAL(18, 2)"


def estimate_money_at_risk(query: RuleQuery, bands: Sequence[Compensation]) -> MoneyAtRisk | None:
    """Estimate the least and the most the store may have to pay for its present defects, open ones included.

    Each order counts once. Of the bands that may apply to it, the cheapest enters the lower sum and the dearest the
    upper one; where the promised time is unknown, every band may apply. Orders without an amount, or with one in another
    currency, are counted but enter neither sum.

    Args:
        query: The query of a rule whose entities are orders.
        bands: The rule's bands, all in one currency.

    Returns:
        None where the catalogue has no view of orders, or the bands cover no order among the defects.
    """
    if not bands or ORDERS not in query.catalogue.views:
        return None
    ((low, high, orders, unknown),) = query.run(_sums(query, bands))
    if not orders and not unknown:
        return None
    return MoneyAtRisk(
        low=float(low or 0),
        high=float(high or 0),
        currency=bands[0].currency,
        orders=orders,
        without_amount=unknown,
        source="; ".join(dict.fromkeys(str(cite(band.source)) for band in bands)),
        verified=max((band.verified for band in bands), key=VERIFIED.index),
    )


def _sums(query: RuleQuery, bands: Sequence[Compensation]) -> str:
    owed = ", ".join(_compensation(band, bands) for band in bands)
    covered = " OR ".join(" AND ".join(_promise_conditions(band)) or "true" for band in bands)
    return f"""
        WITH hit AS (SELECT DISTINCT _entity AS order_id FROM {query.pick("_entity")} WHERE {DEFECT}),
             paid AS (SELECT CASE WHEN coalesce(upper(currency), '{bands[0].currency}') = '{bands[0].currency}'
                                  THEN paid_amount::{CENTS} END AS paid,
                             epoch(promised_ship_at - paid_at) AS promise
                      FROM hit LEFT JOIN {ORDERS} USING (order_id)),
             owed AS (SELECT paid IS NULL AND ({covered}) AS unknown,
                             least({owed}, NULL) AS low, greatest({owed}, NULL) AS high FROM paid)
        SELECT sum(low), sum(high), count(low), count(*) FILTER (unknown) FROM owed
    """


def _compensation(band: Compensation, bands: Sequence[Compensation]) -> str:
    """SQL of what one band demands for an order; NULL where it does not apply."""
    owed = f"greatest(round({_decimal(band.share)} * paid, 2), {_decimal(band.least)})"
    if band.most is not None:
        owed = f"least({owed}, {_decimal(band.most)})"
    return f"CASE WHEN {' AND '.join(_conditions(band, bands))} THEN ({owed})::{CENTS} END"


def _conditions(band: Compensation, bands: Sequence[Compensation]) -> list[str]:
    """When a band may apply. For cheap orders, a band with a price bound replaces those without."""
    conditions = ["paid IS NOT NULL", *_promise_conditions(band)]
    if band.paid_under is not None:
        conditions.append(f"paid < {_decimal(band.paid_under)}")
    else:
        conditions += [f"paid >= {_decimal(other.paid_under)}" for other in bands
                 if other.paid_under is not None and other.kind == band.kind]  # fmt: skip
    return conditions


def _promise_conditions(band: Compensation) -> list[str]:
    """Conditions on the promised time; an unknown one meets them."""
    bounds = ((">", band.promise_over), ("<=", band.promise_up_to))
    return [f"(promise {sign} {seconds!r}) IS NOT FALSE" for sign, seconds in bounds if seconds is not None]


def _decimal(number: float) -> str:
    """A number as a decimal literal, never in scientific notation."""
    return f"{number:.6f}"


DIGITS = 6
"""Decimals of a figure: sums of floats differ in the last digits from run to run."""


def compare_printed(query: RuleQuery, filled: Collection[str]) -> tuple[PrintedComparison, ...]:
    """Compare every figure of the rule's list that the files hold, over the days both sides cover.

    Args:
        query: The rule over an open store.
        filled: Names of tables and columns with values.

    Raises:
        CatalogueError: The SQL of a figure does not run.
    """
    figures = [
        (place, figure) for place, figure in enumerate(query.rule.printed) if not find_unmet_needs(figure.needs, filled)
    ]
    compared = [_compare(query, place, figure) for place, figure in figures]
    return tuple(comparison for comparison in compared if comparison.theirs.value is not None)


def _compare(query: RuleQuery, place: int, figure: PrintedSpec) -> PrintedComparison:
    theirs, held, *readings = (_read_figure(query, key, sql) for key, sql in _queries(place, figure))
    return PrintedComparison(name=figure.name, theirs=theirs, held=held.rows, readings=tuple(readings))


def _queries(place: int, figure: PrintedSpec) -> Iterator[tuple[str, str]]:
    """Their figure, our rows for it, then each reading: the key of its SQL, and a query for one row of value and rows."""
    theirs = figure.theirs
    yield f"printed.{place}.theirs", _query(theirs.over, theirs.when, theirs.value, theirs.rows)
    yield f"printed.{place}.rows", _query(figure.over, "true", "NULL", figure.rows)
    for number, reading in enumerate(figure.readings):
        key = f"printed.{place}.readings.{number}"
        yield key, _query(figure.over, reading.when, reading.value, "count(*)")


def _query(over: str, when: str, value: str, rows: str) -> str:
    cells = f"{bracket(value)}::DOUBLE, coalesce({bracket(rows)}, 0)::BIGINT"
    return f"SELECT {cells} FROM {build_source(over)} WHERE {bracket(when)}"


def _read_figure(query: RuleQuery, key: str, sql: str) -> PrintedValue:
    ((value, rows),) = query.run_alone(sql, key)
    return PrintedValue(value=round(value, DIGITS) if value is not None and math.isfinite(value) else None, rows=rows)


def find_printed_problems(query: RuleQuery) -> Iterator[StorehealthError]:
    """Errors of the queries in the rule's list that would not run."""
    for place, figure in enumerate(query.rule.printed):
        for key, sql in _queries(place, figure):
            try:
                query.run_alone(f"SELECT * FROM ({sql}) LIMIT 0", key)
            except (CatalogueError, OutOfMemory) as error:
                yield error


BRACKETS = (10, 30, 60, 180, 300, 600, 3600, 86400)
COUNTED = """handled_by IS DISTINCT FROM 'bot'
  AND (in_service_hours OR getvariable('reply_clock') IS DISTINCT FROM 'exclude_by_start')"""


def count_plain_figures(store: Store) -> PlainFigures:
    """Count orders by what became of them, and SKUs without stock, over all days of the export."""
    figures: dict[str, int | None] = {}
    if "orders" in store.filled:
        figures = _fetch_counts(store, _ORDER_COUNTS)
    if "stock" in store.filled:
        figures |= _fetch_counts(store, _STOCK_COUNTS)
    return PlainFigures(**figures)


_PAID = "(paid_at IS NOT NULL OR coalesce(status IN ('paid', 'shipped', 'delivered', 'completed'), false))"
_CANCELLED = "(cancelled_at IS NOT NULL OR coalesce(status = 'cancelled', false))"
_ORDER_COUNTS = f"""
    SELECT count(*) AS orders,
        CASE WHEN recorded('orders.paid_at') OR recorded('orders.status') THEN count_if({_PAID}) END AS paid,
        CASE WHEN recorded('orders.paid_at') OR recorded('orders.status')
            THEN count_if(NOT {_PAID} AND NOT {_CANCELLED} AND payment IS DISTINCT FROM 'cod'
                AND (status IS NOT NULL OR NOT recorded('orders.status'))) END AS unpaid,  -- a status nobody knows is none
        CASE WHEN recorded('orders.cancelled_at') OR recorded('orders.status') THEN count_if({_CANCELLED}) END AS cancelled,
        CASE WHEN recorded('orders.refunded_amount') OR recorded('aftersales.refunded_at') THEN count_if(refunded_amount > 0
            OR order_id IN (SELECT order_id FROM aftersales WHERE refunded_at IS NOT NULL AND order_id IS NOT NULL)) END
            AS refunded
    FROM orders"""
_STOCK_COUNTS = """
    SELECT CASE WHEN recorded('stock.available') THEN count(*) FILTER (left_over <= 0) END AS stock_at_zero
    FROM (SELECT sku_id, sum(available) AS left_over FROM (SELECT * FROM stock
        QUALIFY taken_at IS NOT DISTINCT FROM max(taken_at) OVER (PARTITION BY warehouse)) GROUP BY sku_id)"""


def _fetch_counts(store: Store, query: str) -> dict[str, int | None]:
    result = store.con.execute(query)
    return dict(zip([column[0] for column in result.description], result.fetchall()[0], strict=True))


FIRST = "is_first AND session_began_by = 'customer'"


def measure_reply_times(store: Store, window: Window) -> Distributions:
    """Measure the distribution of waits for a person, on the platform's clock.

    Turns answered by a bot are left out, and so are those opened outside service hours where the platform ignores
    them. Turns still open count as never answered; a quantile that falls among them is None.
    """
    if "messages" not in store.filled:
        return Distributions()
    brackets = ", ".join(f"count(*) FILTER (_done AND wait_seconds <= {limit})" for limit in BRACKETS)
    sql = f"""
        WITH human AS (
            SELECT *, replied_at IS NOT NULL AS _done,
                CASE WHEN replied_at IS NULL THEN 'inf'::DOUBLE ELSE wait_seconds END AS _wait
            FROM turns WHERE {COUNTED} AND {build_window_condition(window, '"at"')}
        )
        SELECT count(*), count(*) FILTER (NOT _done), quantile_cont(_wait, 0.5), quantile_cont(_wait, 0.9),
            quantile_cont(wait_seconds, 0.5) FILTER (_done), {brackets}
        FROM human WHERE """
    first = store.con.execute(f"{sql} {FIRST}").fetchall()[0]
    every = store.con.execute(f"{sql} true").fetchall()[0]
    return Distributions(reply_time=_brackets(first[5:], every[5:]), reply_time_summary=_summary(first, every))


def _brackets(first: tuple[Any, ...], every: tuple[Any, ...]) -> tuple[ReplyBracket, ...]:
    return tuple(
        ReplyBracket(within_seconds=limit, first_replies=firsts, turns=turns)
        for limit, firsts, turns in zip(BRACKETS, first, every, strict=True)
    )


def _summary(first: tuple[Any, ...], every: tuple[Any, ...]) -> ReplySummary:
    return ReplySummary(
        first_replies=FirstReplies(n=first[0], median=_finite(first[2]), p90=_finite(first[3]), open=first[1]),
        turns=TurnReplies(
            answered=every[0] - every[1],
            open=every[1],
            median=_finite(every[2]),
            p90=_finite(every[3]),
            median_answered=every[4],
        ),
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
