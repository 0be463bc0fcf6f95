"""Tables for pages and workbooks, measured over the store's views. They carry no verdict and enter no score."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import duckdb

from storehealth.model import AgentReplies, Breakdowns, CaseStep, OrderStep, StockGap, WeekHour, Window
from storehealth.privacy import Mask
from storehealth.support.sandbox import SQL_TEXT_ERRORS

if TYPE_CHECKING:
    from storehealth.db import Store

MOST_GAPS = 30
MOST_NAMES = 8
"""Warehouses and carriers that are listed, those with most orders."""
MOST_AGENTS = 200
STEPS = {
    "pack": "elapsed(coalesce(paid_at, created_at), shipped_at)",
    "pickup": "elapsed(shipped_at, picked_up_at)",
    "delivery": "elapsed(coalesce(picked_up_at, shipped_at), delivered_at)",
}
CASE_STEPS = (
    ("reviewed", "first_reviewed_at", "applied_at"),
    ("returned", "returned_at", "coalesce(first_reviewed_at, applied_at)"),
    ("received", "received_at", "coalesce(returned_at, first_reviewed_at, applied_at)"),
    ("refunded", "refunded_at", "coalesce(received_at, returned_at, first_reviewed_at, applied_at)"),
    ("ended", "ended_at", "applied_at"),
)
"""Step, the time it was taken, and the time it is counted from: the end is counted from the application."""


def measure_breakdowns(store: Store, orders: Window, chats: Window, mask: Mask) -> Breakdowns:
    """Measure all tables.

    Args:
        store: An open store with its views.
        orders: Days of the orders, stock and cases.
        chats: Days of the chats.
        mask: What may be shown of names of warehouses, carriers and goods, which are texts of the exports.

    Returns:
        Empty tables where the exports do not tell, or where a pack's own views lack a column.
    """
    gaps = [StockGap(**row) for row in _read(store, _build_gaps(), orders)]
    return Breakdowns(
        reply_goal_seconds=next(
            (row["goal"] for row in _read(store, "SELECT getvariable('reply_goal') AS goal")), None
        ),
        hours=tuple(WeekHour(**row) for row in _read(store, HOURS)),
        order_steps=_list_order_steps(store, orders, mask),
        stock_gaps=tuple(_mask_item(gap, mask) for gap in gaps[:MOST_GAPS]),
        stock_gaps_total=len(gaps),
        case_steps=_list_case_steps(store, orders),
        agents=tuple(sorted((AgentReplies(**row) for row in _read(store, AGENTS, chats)), key=lambda row: row.agent)),
    )


def _read(store: Store, query: str, days: Window | None = None) -> Iterator[dict[str, Any]]:
    """Rows by column; ``{days}`` of the query is the condition on the column ``at``."""
    try:
        rows = store.con.execute(query.replace("{days}", _build_days(days)))
    except SQL_TEXT_ERRORS:
        return  # a view that a pack replaced lacks the column: the table is left out
    except duckdb.OutOfMemoryException:
        return  # a picture is no reason to lose the audit
    names = [column[0] for column in rows.description or ()]
    for row in rows.fetchall():
        yield dict(zip(names, row, strict=True))


def _build_days(days: Window | None) -> str:
    ends = [] if days is None else [(">=", days.first), ("<=", days.last)]
    return " AND ".join(f"\"at\"::DATE {sign} DATE '{end}'" for sign, end in ends if end) or "true"


HOURS = """
    SELECT weekday::INTEGER AS weekday, hour::INTEGER AS hour, slots, turns AS questions, met, missed,
           round(active_agents, 3) AS agents, round(agents_needed, 3) AS agents_needed
    FROM week_hours ORDER BY weekday, hour
"""
AGENTS = f"""
    SELECT replied_by AS agent, count(DISTINCT replied_at::DATE) AS days, count(*) AS answered,
           count(*) FILTER (wait_seconds > getvariable('reply_goal')) AS missed,
           round(quantile_cont(wait_seconds, 0.5), 3) AS median_seconds,
           round(quantile_cont(wait_seconds, 0.9), 3) AS p90_seconds
    FROM turns
    WHERE handled_by = 'human' AND in_service_hours AND replied_by IS NOT NULL AND wait_seconds IS NOT NULL AND {{days}}
    GROUP BY replied_by ORDER BY answered DESC, agent LIMIT {MOST_AGENTS}
"""

ORDER_STEPS = f"""
    WITH timed AS (SELECT warehouse, carrier, {{seconds}} / 3600 AS hours FROM fulfilments
                   WHERE NOT coalesce(cancelled, false) AND {{days}}),
         grouped AS (SELECT grouping(warehouse, carrier) AS level, warehouse, carrier, count(*) AS orders,
                            round(quantile_cont(hours, 0.5), 3) AS median_hours,
                            round(quantile_cont(hours, 0.9), 3) AS p90_hours
                     FROM timed WHERE hours >= 0 GROUP BY GROUPING SETS ((), (warehouse), (carrier)))
    SELECT CASE level WHEN 3 THEN 'all' WHEN 1 THEN 'warehouse' ELSE 'carrier' END AS "by",
           coalesce(warehouse, carrier) AS name, orders, median_hours, p90_hours
    FROM grouped WHERE orders > 0 AND (level = 3 OR coalesce(warehouse, carrier) IS NOT NULL)
    QUALIFY row_number() OVER (PARTITION BY level ORDER BY orders DESC, name) <= {MOST_NAMES}
    ORDER BY level DESC, orders DESC, name
"""


def _list_order_steps(store: Store, days: Window, mask: Mask) -> tuple[OrderStep, ...]:
    """Medians of the steps: of all orders, then by warehouse and by carrier where there are several."""
    steps = [
        OrderStep(step=step, **row)
        for step, seconds in STEPS.items()
        for row in _read(store, ORDER_STEPS.replace("{seconds}", seconds), days)
    ]
    return tuple(row.model_copy(update={"name": row.name and mask("told", row.name)}) for row in steps)


def _build_gaps() -> str:
    """Runs of consecutive snapshots of a SKU in demand with nothing left."""
    return """
        WITH marked AS (
            SELECT sku_id, item_name, day, "at", is_latest, pace_per_day,
                   available <= 0 AND listed IS DISTINCT FROM false AND in_demand AND NOT stock_unknown AS is_out
            FROM sku_days
        ), numbered AS (
            SELECT *, row_number() OVER w - row_number() OVER (PARTITION BY sku_id, is_out ORDER BY day) AS run
            FROM marked WINDOW w AS (PARTITION BY sku_id ORDER BY day)
        )
        SELECT sku_id, any_value(item_name ORDER BY day) AS item_name, min(day) AS first, max(day) AS last, count(*) AS days,
               bool_or(is_latest) AS lasts, round(arg_min(pace_per_day, day), 3) AS units_a_day,
               round(arg_min(pace_per_day, day) * count(*))::BIGINT AS units_missed
        FROM numbered WHERE is_out GROUP BY sku_id, run HAVING bool_or({days}) ORDER BY days DESC, first, sku_id
    """


def _mask_item(gap: StockGap, mask: Mask) -> StockGap:
    return gap.model_copy(update={"item_name": gap.item_name and mask("told", gap.item_name)})


def _list_case_steps(store: Store, days: Window) -> tuple[CaseStep, ...]:
    """The steps that at least one case has taken, in their order."""
    parts = [
        f"""SELECT '{step}' AS step, count({moment}) AS cases, count(*) AS "of",
               round(quantile_cont(elapsed({since}, {moment}) / 3600, 0.5) FILTER ({moment} >= {since}), 3) AS median_hours,
               round(quantile_cont(elapsed({since}, {moment}) / 3600, 0.9) FILTER ({moment} >= {since}), 3) AS p90_hours
            FROM cases WHERE {{days}}"""
        for step, moment, since in CASE_STEPS
    ]
    rows = (CaseStep(**row) for row in _read(store, " UNION ALL ".join(parts), days))
    order = [step for step, _, _ in CASE_STEPS]
    return tuple(sorted((row for row in rows if row.cases), key=lambda row: order.index(row.step)))
