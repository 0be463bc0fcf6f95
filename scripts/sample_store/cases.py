"""After-sales cases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sample_store.orders import Order
from sample_store.world import CASE_HANDLERS, END, MIXED_PERSON, SLOW_REASON, at, columns, hours, pick, seconds, shown

CASE_SHARE = 0.075
GROUPS = [*["服务单信息"] * 10, *["商品信息"] * 3, *["审核信息"] * 6, *["退回信息"] * 4, *["处理信息"] * 7]
CASE_HEADER = columns(
    "服务单号,订单号,客户期望,服务单状态,一级申请原因,二级申请原因,返回方式,售后申请时间,下单账号,出库状态,商品编号,商品名称,商品数量,"
    "审核结果,审核时间,审核意见,审核人姓名,商家首次审核时间,自动审核类型,取件时间,运单号,快递公司,商家收货时间,商家首次处理时间,"
    "处理结果,处理人,退款金额,退款完成时间,是否闪退订单,售后整体时长(H)"
)
REASONS = {"尺码不合适": 0.4, "不想要了": 0.26, SLOW_REASON: 0.22, "未收到货": 0.07, "发错货": 0.05}
DETAILS = {
    "尺码不合适": "尺码偏小",
    "不想要了": "七天无理由",
    SLOW_REASON: "起球/掉毛",
    "未收到货": "物流未更新",
    "发错货": "颜色不符",
}


@dataclass
class Case:
    """One case; times may lie behind the end of the export."""

    number: int
    order: Order
    reason: str
    wish: str
    person: str
    applied: datetime
    automatic: bool = False
    cancelled: bool = False
    reviewed: datetime | None = None
    returned: datetime | None = None
    received: datetime | None = None
    processed: datetime | None = None
    refunded: datetime | None = None


def make(chance: Random, sold: list[Order]) -> list[Case]:
    """Cases of delivered orders, by the time they were applied for."""
    cases = []
    for order in sold:
        if order.delivered and chance.random() < CASE_SHARE:
            applied = _daytime(order.delivered + timedelta(days=0.2 + 5 * chance.random()), 9, 21)
            if applied < END:
                cases.append(_case(chance, order, applied))
    cases.sort(key=lambda case: case.applied)
    for number, case in enumerate(cases):
        case.number = 2_000_410_000 + 13 * number
    return cases


def _case(chance: Random, order: Order, applied: datetime) -> Case:
    reason = pick(chance, REASONS)
    wish = {"未收到货": "未收货退款", "发错货": "换货"}.get(reason, "换货" if chance.random() < 0.15 else "退货")
    case = Case(0, order, reason, wish, pick(chance, CASE_HANDLERS), applied)
    case.cancelled = chance.random() < 0.04
    case.automatic = wish == "未收货退款" and chance.random() < 0.5
    if case.automatic:
        case.reviewed = case.processed = case.refunded = applied + seconds(2)
        return case
    slow = case.person == MIXED_PERSON
    case.reviewed = _daytime(applied + hours(_review(chance, slow)), 9, 22)
    if case.cancelled:
        return case
    if wish == "未收货退款":
        case.processed = case.reviewed + hours(0.5 + 2 * chance.random())
    else:
        case.returned = _daytime(case.reviewed + hours(8 + 30 * chance.random()), 9, 19)
        case.received = _daytime(case.returned + hours(36 + 30 * chance.random()), 9, 18)
        case.processed = _inspected(chance, case, slow)
    case.refunded = case.processed + seconds(200 + 2000 * chance.random())
    return case


def _review(chance: Random, slow: bool) -> float:
    """Hours to the first review: minutes, but for cases that wait until someone comes back from other work."""
    return 1 + 6 * chance.random() if slow and chance.random() < 0.3 else 0.05 + 0.22 * chance.random()


def _inspected(chance: Random, case: Case, slow: bool) -> datetime:
    """When the returned goods were looked at: within a day, but days later where quality is the reason."""
    received = case.received or case.applied
    if case.reason == SLOW_REASON:
        return _daytime(received + hours(49 + 12 * chance.random()), 7, 22)
    return _daytime(received + hours(8 + 14 * chance.random() if slow else 0.5 + 5 * chance.random()), 9, 22)


def _daytime(moment: datetime, opens: int, closes: int) -> datetime:
    """The moment, or the next morning if it falls into the night."""
    day = moment.replace(hour=0, minute=0, second=0)
    if opens <= moment.hour < closes:
        return seconds_only(moment)
    return at(day, opens + (24 if moment.hour >= closes else 0) + (moment.minute + 1) / 60)


def seconds_only(moment: datetime) -> datetime:
    """Without the fraction of a second."""
    return moment.replace(microsecond=0)


def status(case: Case) -> str:
    """The case's status at the end of the export, in JD's words."""
    if case.cancelled and case.reviewed and case.reviewed <= END:
        return "客户取消"
    steps = (
        (case.reviewed, "待审核"),
        (case.returned, "待客户寄回"),
        (case.received, "待收货"),
        (case.refunded, "待处理"),
    )
    for moment, word in steps:
        if moment and moment > END:
            return word
    return "完成"


def case_row(case: Case) -> list[str]:
    """One row of the case export."""
    (sku, pieces), *_ = case.order.lines
    done = case.refunded is not None and case.refunded <= END
    seen = case.reviewed is not None and case.reviewed <= END
    took = f"{((case.refunded or END) - case.applied).total_seconds() / 3600:.2f}" if done else ""
    return [
        *(f"{case.number}\t", f"{case.order.order_id}\t", case.wish, status(case), case.reason, DETAILS[case.reason]),
        *("上门取件" if case.returned else "", shown(case.applied), f"jd_u****{case.order.texts['buyer']}", "已出库"),
        *(sku.sku_id, sku.name, str(pieces), "审核通过" if seen else "", shown(case.reviewed), ""),
        *(case.person if seen and not case.automatic else "", shown(case.reviewed)),
        *("小额自动审核" if case.automatic else "", shown(case.returned)),
        *(f"JDVC{case.number}" if shown(case.returned) else "", "京东快递" if shown(case.returned) else ""),
        *(shown(case.received), shown(case.processed), "退款" if done and case.wish != "换货" else ""),
        *(case.person if shown(case.processed) and not case.automatic else "",),
        *(f"{sku.price * pieces:.2f}" if done and case.wish != "换货" else "", shown(case.refunded)),
        *("是" if case.automatic else "否", took),
    ]
