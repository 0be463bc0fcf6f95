"""Stock advice: what is short or soon short, what that costs, when to reorder and how much.

``today`` and the report show it. Demand is that of the last weeks on days when the SKU could be bought, without promotions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

from pydantic import Field, RootModel

from storehealth.model.tools import Days, Figure, Id, Money, ToolRow
from storehealth.support.message import Message, message
from storehealth.support.stats import Z_ONE_SIDED, Z_TWO_SIDED
from storehealth.tools import Row, ToolInputs, explain_need, to_number, to_place

DAY = 86400
PROMOTION = 2.5
"""A day with this many times the store's usual orders is a promotion and says nothing about usual demand."""


class StockLine(ToolRow):
    """A SKU that is out, or runs out before new goods can be there."""

    SCREEN = ("sku_id", "state", "available", "days_left", "waiting", "lost_money", "reorder_on", "reorder")

    sku_id: Id
    item_name: str | None
    state: Message
    listed: bool | None = Field(description="Whether it is on sale; null where no file says so.")
    available: Figure
    inbound: Figure
    pace: Figure = Field(description="Pieces a day on days with stock, promotions and bundles' parts considered.")
    days_left: Days
    waiting: int = Field(description="Orders that are paid, not sent, and hold this SKU.")
    days_out: int = Field(description="Days of the last weeks on which nothing was available.")
    lost_pieces: Figure
    lost_money: Money
    lost_low: Money
    lost_high: Money
    lead_days: Days
    reorder_on: date | None = Field(description="When to reorder at the latest; a past day means now.")
    reorder: Figure = Field(description="Pieces that last for the lead time and the weeks of demand after it.")
    warehouses: int
    place: Id


class BundlesFile(RootModel[dict[str, dict[str, float]]]):
    """``bundles.yaml``: SKU of a bundle → SKUs of its parts and how many of each."""


class Demand(NamedTuple):
    """Sales on the days that count, and the price of a piece."""

    sold: float
    days: int
    price: float | None = None

    @property
    def pace(self) -> float:
        """Pieces a day."""
        return self.sold / self.days if self.days else 0.0

    def spread(self, days: float) -> float:
        """Half the width of a 95 % interval of the pieces sold in this many days (Poisson)."""
        return Z_TWO_SIDED * math.sqrt(max(self.sold, 1.0)) / self.days * days if self.days else 0.0


def compute_reorder(demand: Demand, lead: float, cover: float, on_hand: float) -> tuple[float, float]:
    """Return after how many days to reorder at the latest (negative: that is past), and how many pieces.

    Args:
        demand: What is sold a day.
        lead: Days from ordering to the shelf.
        cover: Days that the order should last after it has arrived.
        on_hand: Available and coming in, less what is waiting for it.
    """
    pace = demand.pace
    reserve = Z_ONE_SIDED * math.sqrt(pace * lead)
    until = (on_hand - reserve) / pace - lead if pace else math.inf
    return until, max(0.0, math.ceil(pace * (lead + cover) + reserve - on_hand))


STOCK = """
    WITH bundles AS (SELECT unnest($bundles) AS bundle, unnest($parts) AS part, unnest($counts) AS pieces),
    lines AS (            -- what was wanted: also what was cancelled for want of stock
        SELECT l.sku_id, o.paid_at::DATE AS day, coalesce(l.quantity, 1) AS pieces, unit_price, l.order_id
        FROM order_lines AS l
        JOIN orders AS o USING (order_id)
        WHERE o.paid_at IS NOT NULL AND l.sku_id IS NOT NULL
          AND (o.status IS DISTINCT FROM 'cancelled' AND o.cancelled_at IS NULL OR o.cancel_reason = 'out_of_stock')
    ),
    wanted AS (
        SELECT sku_id, day, pieces FROM lines
        UNION ALL
        SELECT part, day, l.pieces * b.pieces FROM lines AS l JOIN bundles AS b ON b.bundle = l.sku_id
    ),
    store_days AS (SELECT day, count(DISTINCT order_id) AS orders FROM lines GROUP BY day),
    promotions AS (
        SELECT day FROM store_days
        WHERE orders > $promotion * (SELECT median(orders) FROM store_days) AND (SELECT count(*) FROM store_days) >= 7
    ),
    calendar AS (SELECT unnest(range(min(day), max(day) + INTERVAL 1 DAY, INTERVAL 1 DAY))::DATE AS day FROM lines),
    sold AS (SELECT sku_id, day, sum(pieces) AS pieces FROM wanted GROUP BY ALL),
    grid AS (             -- every day of a SKU, and whether it could be bought
        SELECT s.sku_id, c.day, coalesce(d.pieces, 0) AS pieces, k.available <= 0 AS is_out,
               c.day IN (SELECT day FROM promotions) AS is_promotion
        FROM (SELECT DISTINCT sku_id FROM sku_days) AS s
        CROSS JOIN calendar AS c
        LEFT JOIN sold AS d ON d.sku_id = s.sku_id AND d.day = c.day
        LEFT JOIN sku_days AS k ON k.sku_id = s.sku_id AND k.day = c.day
    ),
    usable AS (
        SELECT * FROM grid
        WHERE is_out IS NOT TRUE AND NOT is_promotion
        QUALIFY row_number() OVER (PARTITION BY sku_id ORDER BY day DESC) <= $days
    ),
    paces AS (SELECT sku_id, sum(pieces) AS sold, count(*) AS days FROM usable GROUP BY sku_id),
    outs AS (
        SELECT sku_id, count(*) AS days_out, sum(pieces) AS sold_out FROM grid
        WHERE is_out AND day > (SELECT max(day) FROM calendar) - $days::INTEGER
        GROUP BY sku_id
    ),
    prices AS (SELECT sku_id, sum(unit_price * pieces) / nullif(sum(pieces) FILTER (unit_price IS NOT NULL), 0) AS price
               FROM lines WHERE unit_price > 0 GROUP BY sku_id),
    waits AS (
        SELECT l.sku_id, count(DISTINCT f.order_id) AS waiting, sum(coalesce(l.quantity, 1)) AS pieces
        FROM fulfilments AS f
        JOIN order_lines AS l USING (order_id)
        WHERE f.paid AND NOT f.cancelled AND f.handed_over_at IS NULL AND NOT f.left_at_unknown_time AND NOT f.cancel_unknown
        GROUP BY l.sku_id
    ),
    shelves AS (
        SELECT coalesce(sku_id, seller_sku) AS sku_id, count(DISTINCT warehouse) AS warehouses FROM stock GROUP BY ALL
    ),
    coming AS (           -- a spell of goods on the way ends with the next arrival
        SELECT r.sku_id, elapsed(min(s.at), max(coalesce(r.shelved_at, r.arrived_at))) / 86400 AS lead
        FROM receipts AS r
        JOIN sku_days AS s ON s.sku_id = r.sku_id AND s.inbound > 0 AND s.at < r.arrived_at
          AND s.at > coalesce((SELECT max(q.arrived_at) FROM receipts AS q
                               WHERE q.sku_id = r.sku_id AND q.arrived_at < r.arrived_at), TIMESTAMP '1970-01-01')
        GROUP BY r.sku_id, r.arrived_at, r.shelved_at
    )
    SELECT d.sku_id, d.item_name, d.available, d.inbound, d.listed, d.source_file, d.source_row, p.sold, p.days, price,
           coalesce(days_out, 0) AS days_out, coalesce(sold_out, 0) AS sold_out, coalesce(waiting, 0) AS waiting,
           coalesce(w.pieces, 0) AS waiting_pieces, warehouses,
           (SELECT median(lead) FROM coming AS c WHERE c.sku_id = d.sku_id) AS lead
    FROM sku_days AS d
    LEFT JOIN paces AS p USING (sku_id)
    LEFT JOIN outs USING (sku_id)
    LEFT JOIN prices USING (sku_id)
    LEFT JOIN waits AS w USING (sku_id)
    LEFT JOIN shelves USING (sku_id)
    WHERE d.is_latest AND NOT d.stock_unknown
    ORDER BY d.sku_id
"""
NEEDS = ("stock.available", "order_lines.sku_id")


def list_stock(inputs: ToolInputs) -> tuple[StockLine, ...]:
    """List SKUs that are out or soon out, the largest loss first; empty where the files have no stock or order lines."""
    if not inputs.has(*NEEDS) or inputs.as_of is None:
        return ()
    bundles = inputs.read_scheme("bundles.yaml", BundlesFile) or BundlesFile({})
    parts = [(bundle, part, count) for bundle, of in bundles.root.items() for part, count in of.items()]
    rows = inputs.fetch(
        STOCK,
        days=int(inputs.find_fact("demand_days") / DAY),
        promotion=PROMOTION,
        bundles=[part[0] for part in parts],
        parts=[part[1] for part in parts],
        counts=[float(part[2]) for part in parts],
    )
    lines = [line for row in rows if (line := _to_line(inputs, row)) is not None]
    return tuple(sorted(lines, key=lambda line: (-(line.lost_money or 0), line.days_left or 0, line.sku_id)))


def _to_line(inputs: ToolInputs, row: Row) -> StockLine | None:
    demand = Demand(float(row["sold"] or 0), int(row["days"] or 0), to_number(row["price"]))
    available, lead = float(row["available"]), to_number(row["lead"])
    lead = lead if lead is not None else inputs.find_fact("replenish_time") / DAY
    coming = float(row["inbound"] or 0)
    on_hand = max(0.0, available) + coming - float(row["waiting_pieces"] or 0)
    until, pieces = compute_reorder(demand, lead, inputs.find_fact("demand_days") / DAY, on_hand)
    state = _name_state(available, coming, until, demand, row)
    if state is None or inputs.as_of is None:
        return None
    lost = max(0.0, demand.pace * row["days_out"] - float(row["sold_out"]))
    half = demand.spread(row["days_out"])
    price = demand.price
    return StockLine(
        sku_id=row["sku_id"], item_name=row["item_name"], state=state, listed=row["listed"], available=available,
        inbound=to_number(row["inbound"]), pace=demand.pace,
        days_left=max(0.0, available) / demand.pace if demand.pace else None,
        waiting=row["waiting"], days_out=row["days_out"], lost_pieces=lost,
        lost_money=None if price is None else lost * price,
        lost_low=None if price is None else max(0.0, lost - half) * price,
        lost_high=None if price is None else (lost + half) * price if row["days_out"] else 0.0,
        lead_days=lead, reorder_on=(inputs.as_of + timedelta(days=until)).date() if math.isfinite(until) else None,
        reorder=pieces, warehouses=row["warehouses"] or 1, place=to_place(row),
    )  # fmt: skip


def _name_state(available: float, coming: float, until: float, demand: Demand, row: Row) -> Message | None:
    if not demand.pace and not row["waiting"]:
        return None
    if available <= 0:
        return message("tools.stock.coming" if coming else "tools.stock.out")
    if row["waiting_pieces"] > available + coming:
        return message("tools.stock.oversold")
    return message("tools.stock.soon") if until <= 0 else None


def explain_missing_stock(inputs: ToolInputs) -> Iterable[Message]:
    """Say which columns the stock advice lacks."""
    lacking = [need for need in NEEDS if not inputs.has(need)]
    if lacking:
        yield explain_need("tools.part.stock", *lacking)
