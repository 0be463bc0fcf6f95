"""Orders and their parcels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from sample_store.world import (
    CARRIERS,
    DAYS,
    END,
    LATE_WAREHOUSE,
    ORDER_HOURS,
    PACKERS,
    PEAK_DAY,
    PEAK_FACTOR,
    PROVINCES,
    SKUS,
    SOLD_OUT,
    WAREHOUSES,
    Sku,
    at,
    columns,
    daily,
    hours,
    pick,
    seconds,
    shown,
)

BASE = 62
PARCELS_A_DAY = 105
"""What the main warehouse gets out of the door on the promotion day; the rest is worked off over the days after."""
WORKED_OFF_A_DAY = 26
ORDER_HEADER = columns(
    "订单号,商品ID,商品名称,订购数量,支付方式,下单时间,京东价,订单金额,结算金额,余额支付,应付金额,订单状态,订单类型,下单帐号,客户姓名,客户地址,"
    "联系电话,订单备注,发票类型,发票抬头,发票内容,商家备注,商家备注等级（等级1-5为由高到低）,运费金额,付款确认时间,增值税发票,货号,订单完成时间,订单来源,订单渠道,"
    "仓库名称,承诺发货时间,取消时间,取消原因"
)
CAUSE_HEADER = columns("order_id,promised_ship_at,cause")
WAYBILL_HEADER = columns(
    "运单号,订单号,快递公司,仓库,操作员,出库时间,运单上传时间,揽收时间,"
    "首次中转时间,签收时间,承诺送达时间,重量(kg),收货省"
)


@dataclass
class Order:
    """One order, its parcel, and when what happened; times may lie behind the end of the export."""

    number: int
    created: datetime
    lines: list[tuple[Sku, int]]
    warehouse: str
    paid: datetime | None = None
    cancelled: datetime | None = None
    reason: str = ""
    held_by: str = ""
    """What keeps it from leaving at once, as the rule LG05 names causes; it may still be in time."""
    handed_over: datetime | None = None
    hub: datetime | None = None
    delivered: datetime | None = None
    completed: datetime | None = None
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def order_id(self) -> str:
        """JD's order number."""
        return f"3150{self.number:08d}"

    @property
    def amount(self) -> float:
        """What the order costs, in yuan."""
        return sum(sku.price * pieces for sku, pieces in self.lines)


def make(chance: Random) -> list[Order]:
    """All orders of the 45 days, in the order they were placed."""
    placed = [moment for day in DAYS for moment in sorted(_moments(chance, day, daily(chance, BASE, day, PEAK_FACTOR)))]
    sold = [_order(chance, 10_000 + 7 * number, moment) for number, moment in enumerate(placed)]
    for order in sold:
        _pay(chance, order)
        if order.paid and not order.cancelled:
            _send(chance, order)
    _hold_back(chance, sold)
    for order in sold:
        if order.handed_over:
            _deliver(chance, order)
    return sold


def _moments(chance: Random, day: datetime, number: int) -> list[datetime]:
    clock = chance.choices(range(24), ORDER_HOURS, k=number)
    return [at(day, hour + chance.random()) for hour in clock]


def _order(chance: Random, number: int, created: datetime) -> Order:
    warehouse = pick(chance, WAREHOUSES)
    picked = chance.choices(SKUS, [sku.weight for sku in SKUS], k=2 if chance.random() < 0.1 else 1)
    pieces = [chance.choices([1, 2, 3], [86, 11, 3])[0] for _ in picked]
    order = Order(number, created, list(dict(zip(picked, pieces, strict=True)).items()), warehouse)
    order.texts = {
        "buyer": "".join(chance.choices("abcdefghkmnpqrstuvwxyz23456789", k=2)),
        "province": pick(chance, PROVINCES[warehouse]),
        "carrier": pick(chance, CARRIERS),
        "packer": pick(chance, PACKERS[warehouse]),
        "source": pick(chance, {"移动端订单": 8, "PC订单": 1, "暂无来源": 1}),
    }
    return order


def _pay(chance: Random, order: Order) -> None:
    """Most pay at once. Some never do; some change their mind; what is sold out is cancelled, or waits."""
    if chance.random() < 0.035:
        order.cancelled, order.reason = order.created + hours(24), "超时未支付，系统取消"
        return
    order.paid = order.created + seconds(8 + 40 * chance.expovariate(1))
    if _sold_out(order):
        order.held_by = "out-of-stock"
        if chance.random() < 0.88:
            order.cancelled, order.reason = order.paid + hours(4 + 16 * chance.random()), "商家缺货"
    elif chance.random() < 0.018:
        order.cancelled, order.reason = order.paid + hours(0.2 + 1.2 * chance.random()), "客户不想要了"


def _sold_out(order: Order) -> bool:
    return any(
        sku.sku_id in SOLD_OUT and order.created >= datetime.fromisoformat(SOLD_OUT[sku.sku_id])
        for sku, _ in order.lines
    )


def _send(chance: Random, order: Order) -> None:
    """Hand over to the carrier: the main warehouse until late at night, the other one by a truck the next day."""
    if order.paid is None or _sold_out(order):
        return
    day = order.paid.replace(hour=0, minute=0, second=0)
    hour = (order.paid - day).total_seconds() / 3600
    if order.warehouse == LATE_WAREHOUSE:
        trucks = 1 if hour < 22 else 2
        order.held_by = "warehouse" if hour < 22 else "after-cut-off"
        order.handed_over = at(day, 24 * trucks + 16.4 + 0.5 * chance.random())
        return
    ready = max(hour, 8) + 0.7 + 1.6 * chance.random()
    round_trip = next((stop for stop in (11, 14, 17, 20, 22, 23.6) if stop >= ready), 24 + 11)
    order.handed_over = at(day, round_trip + 0.3 * chance.random())


def _hold_back(chance: Random, sold: list[Order]) -> None:
    """On the promotion day the main warehouse sends what it can; the rest waits for spare hands on later days."""
    peak = [o for o in sold if o.handed_over and o.paid and o.paid.date() == PEAK_DAY.date()]
    late = [o for o in peak if o.warehouse != LATE_WAREHOUSE][PARCELS_A_DAY:]
    for place, order in enumerate(late):
        day = PEAK_DAY + timedelta(days=2 + place // WORKED_OFF_A_DAY)
        order.handed_over, order.held_by = at(day, 17 + 0.5 * chance.random()), "peak-day"


def _deliver(chance: Random, order: Order) -> None:
    handed_over = order.handed_over
    if handed_over is None:
        return
    order.hub = handed_over + hours(4 + 5 * chance.random())
    days = {"京东快递": 1.0, "顺丰速运": 1.0, "中通快递": 1.7}[order.texts["carrier"]] + 0.25 * chance.random()
    arrives = handed_over + timedelta(days=days)
    morning = arrives.replace(hour=0, minute=0, second=0)
    order.delivered = max(at(morning, 9 + 10.5 * chance.random()), order.hub + hours(2))
    order.completed = order.delivered + timedelta(days=1.5 + 5 * chance.random())


def status(order: Order) -> str:
    """The order's status at the end of the export, in JD's words."""
    if order.cancelled and order.cancelled <= END:
        return "(删除)等待出库" if order.reason.startswith("客户") else "已取消"
    if order.paid is None:
        return "等待付款"
    if order.completed and order.completed <= END:
        return "完成"
    if order.handed_over and order.handed_over <= END:
        return "等待确认收货"
    return "(锁定)等待出库" if order.number % 5 == 0 else "等待出库"


def order_rows(sold: list[Order]) -> Iterator[list[str]]:
    """Rows of the order export: one for each SKU, the order's amounts on each; ids end in a tab."""
    for order in sold:
        amount = f"{order.amount:.2f}"
        over = order.cancelled is not None and order.cancelled <= END
        promise = shown_promise(order)
        for sku, pieces in order.lines:
            yield [
                *(f"{order.order_id}\t", f"{sku.sku_id}\t", sku.name, str(pieces), "在线支付", shown(order.created)),
                *(f"{sku.price:.2f}", amount, amount, "0.00", amount, status(order), "销售订单"),
                *(
                    f"jd_u****{order.texts['buyer']}",
                    "王**",
                    "******",
                    "******",
                    "",
                    "不开发票",
                    "",
                    "",
                    "",
                    "",
                    "0.00",
                ),
                *(shown(order.paid), "", sku.seller_sku, shown(order.completed), order.texts["source"], "京东商城"),
                *(order.warehouse, promise, shown(order.cancelled), order.reason if over else ""),
            ]


def cause_rows(sold: list[Order]) -> Iterator[list[str]]:
    """Each order that missed its promised hand-over within the days of the export, and why."""
    for order in sold:
        if order.paid is None or (order.cancelled and order.cancelled <= order.paid + hours(24)):
            continue
        if order.paid + hours(24) < min(order.handed_over or END, END):
            yield [order.order_id, shown_promise(order), order.held_by]


def shown_promise(order: Order) -> str:
    """The promised hand-over, a day after payment; it may lie behind the end of the export."""
    return f"{order.paid + hours(24):%Y-%m-%d %H:%M:%S}" if order.paid else ""


def waybill_rows(sold: list[Order]) -> Iterator[list[str]]:
    """Rows of the waybill file: every parcel that has left."""
    for number, order in enumerate(sold):
        if order.handed_over is None or order.paid is None or order.handed_over > END:
            continue
        left = max(order.paid + seconds(300), order.handed_over - hours(0.6 + (number % 9) / 10))
        by = order.paid.replace(hour=23, minute=59, second=59) + timedelta(days=4)
        weight = sum((0.15 + sku.price / 300) * pieces for sku, pieces in order.lines)
        yield [
            *(f"JDVD{order.number:011d}", order.order_id, order.texts["carrier"], order.warehouse),
            *(order.texts["packer"], shown(left), shown(left + seconds(60)), shown(order.handed_over)),
            *(shown(order.hub), shown(order.delivered), f"{by:%Y-%m-%d %H:%M:%S}", f"{weight:.2f}"),
            order.texts["province"],
        ]
