"""What is on the shelf of each SKU, every evening."""

from __future__ import annotations

from datetime import datetime
from random import Random

from sample_store.orders import Order
from sample_store.world import DAYS, SKUS, SOLD_OUT, at, columns, shown

STOCK_HEADER = columns("SKUID,商品编码(SPU),货号,商品名称,京东价,可售库存,预占库存,在途库存,商品状态,统计时间")


def make(chance: Random, sold: list[Order]) -> list[list[str]]:
    """Rows of the stock list: each SKU every evening at 23:30. New goods come in time, but for the two sold out."""
    gone: dict[tuple[str, str], int] = {}
    for order in sold:
        for sku, pieces in order.lines:
            key = (sku.sku_id, f"{order.created:%Y-%m-%d}")
            gone[key] = gone.get(key, 0) + pieces
    left = {sku.sku_id: round(30 * sku.weight + 60 + 80 * chance.random()) for sku in SKUS}
    rows = []
    for day in DAYS:
        for sku in SKUS:
            left[sku.sku_id] = _next(sku.sku_id, day, left[sku.sku_id] - gone.get((sku.sku_id, f"{day:%Y-%m-%d}"), 0))
            rows.append(
                [
                    *(f"{sku.sku_id}\t", f"10009{sku.sku_id[-2:]}", sku.seller_sku, sku.name, f"{sku.price:.2f}"),
                    *(str(left[sku.sku_id]), str(gone.get((sku.sku_id, f"{day:%Y-%m-%d}"), 0))),
                    *("300" if sku.sku_id in SOLD_OUT and left[sku.sku_id] == 0 else "0", "上架", shown(at(day, 23.5))),
                ]
            )
    return rows


def _next(sku_id: str, day: datetime, left: int) -> int:
    """Stock at the end of a day. Goods are ordered again in time, so that there is always enough for weeks."""
    if sku_id in SOLD_OUT and at(day, 24) > datetime.fromisoformat(SOLD_OUT[sku_id]):
        return 0
    return left + 200 if left < 130 else left
