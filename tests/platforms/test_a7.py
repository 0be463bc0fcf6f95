"""The rules that most easily produce wrong numbers, each with its own check: none of the seven may be missed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from storehealth.audit import AuditRequest, audit
from storehealth.catalogue import Catalogue, load_catalogue
from storehealth.db import StoreSettings, open_store_from_rows
from storehealth.judge import judge
from storehealth.measure import MeasureOptions, choose_windows, measure
from storehealth.model import Finding, Window

NOON = datetime.fromisoformat("2026-03-10 12:00:00")
MARCH = Window(first=date(2026, 3, 9), last=date(2026, 3, 15))
Rows = dict[str, list[dict[str, Any]]]


class Trap(NamedTuple):
    """What goes wrong, in the words of the rule sets, and the check that it does not."""

    words: str
    check: Callable[[Path], None]


@cache
def book() -> Catalogue:
    return load_catalogue()


def judged(code: str, rows: Rows, window: Window | None = None, platform: str = "generic") -> Finding:
    """The finding of one rule over a few rows."""
    chosen, generic = book().platforms[platform], book().platforms["generic"]
    own = StoreSettings("shop", chosen, {**generic.facts, **chosen.facts})
    with open_store_from_rows(rows, book(), own) as store:
        windows = {code: window} if window else {}
        measured = measure(store, [book().rules[code]], chosen.limits, windows, MeasureOptions(book()))
    return judge(measured, book(), chosen)[0][0]


def order(number: str, paid: datetime, due: datetime, sent: datetime | None, **more: Any) -> dict[str, Any]:
    """A paid order, its promise and its hand-over."""
    return {
        "order_id": number, "status": "shipped" if sent else "paid", "created_at": paid, "paid_at": paid,
        "promised_ship_at": due, "shipped_at": sent, **more,
    }  # fmt: skip


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def due_in_the_window(_: Path) -> None:
    """An order paid the week before and due in this one counts here; one paid here and due next week does not."""
    sunday, monday = datetime.fromisoformat("2026-03-08 12:00:00"), datetime.fromisoformat("2026-03-15 12:00:00")
    rows = [
        order("due here", sunday, sunday + hours(24), sunday + hours(30)),
        order("due next week", monday, monday + hours(24), monday + hours(1)),
        order("due before", sunday - hours(48), sunday - hours(24), sunday),
    ]
    counts = judged("LG05", {"orders": rows}, MARCH).counts
    assert (counts.met, counts.late, counts.overdue, counts.undecided) == (0, 1, 0, 0)


def cancelled_in_time_is_out(_: Path) -> None:
    """Whoever cancels before the deadline; after it, what the seller cancels is late."""
    due = NOON + hours(24)
    gone = {"status": "cancelled", "cancelled_by": "seller"}
    rows = [
        order("in time", NOON, due, None, **gone, cancelled_at=due - hours(1)),
        order("on the second", NOON, due, None, **gone, cancelled_at=due),
        order("too late", NOON, due, None, **gone, cancelled_at=due + timedelta(seconds=1)),
        order("by the buyer", NOON, due, None, **gone | {"cancelled_by": "buyer"}, cancelled_at=due + hours(9)),
        order("sent", NOON, due, NOON + hours(1)),
        order("last", NOON + hours(72), NOON + hours(96), NOON + hours(73)),
    ]
    counts = judged("LG05", {"orders": rows}).counts
    assert (counts.met, counts.late, counts.exempt) == (2, 1, 3)


def one_order_on_several_rows(folder: Path) -> None:
    """JD repeats the order and its amount on the row of each SKU; it is one order, paid once, and three lines."""
    exports = folder / "exports"
    exports.mkdir()
    head = "订单号,商品ID,商品名称,订购数量,下单时间,京东价,应付金额,订单状态,付款确认时间,承诺发货时间\n"
    row = "30000000000{n},10000{s},袜子,1,2026-03-02 09:00:00,39.90,118.90,等待出库,2026-03-02 09:01:00,2026-03-04 09:01:00\n"
    lines = [row.format(n=n, s=s) for n, s in ((1, 1), (1, 2), (1, 3), (2, 1))]
    lines.append("300000000009,100001,袜子,1,2026-03-02 09:00:00,39.90,118.90,已取消,,\n")  # shows that such are listed
    (exports / "orders.csv").write_text(head + "".join(lines), encoding="utf-8")
    checkup = audit(exports, AuditRequest(state=folder / "state", window="all"))
    stockouts = next(one for one in checkup.findings if one.code == "ST02")
    assert (stockouts.judged, checkup.sources[0].kept) == (2, 5)


def lagged_windows(_: Path) -> None:
    """JD's chats −35…−6, Lazada's cancellations −35…−8, Etsy without the last two days, Tmall up to yesterday."""
    day = date(2026, 3, 31)
    expected = {("jd", "CS01"): (35, 6), ("lazada", "OP01"): (35, 8), ("etsy", "CS01"): (91, 2), ("tmall", "CS01"): (30, 1),
                ("jd", "LG05"): (29, 0)}  # fmt: skip
    for (name, code), (first, last) in expected.items():
        found = choose_windows([book().rules[code]], book().platforms[name], None, NOON.replace(month=3, day=31))[code]
        assert (found.first, found.last) == (day - timedelta(days=first), day - timedelta(days=last)), name


def small_samples(_: Path) -> None:
    """Nineteen orders, all late, give a count and no verdict; twenty give one."""
    for number, status in ((19, "inconclusive"), (20, "fail")):
        rows = [order(f"o{n}", NOON, NOON + hours(1), NOON + hours(9)) for n in range(number)]
        found = judged("LG05", {"orders": rows})
        assert (found.status, found.defects, found.judged) == (status, number, number)


def a_missing_column_is_no_zero(_: Path) -> None:
    """No hand-over column: nobody is late. No rating: nobody is unhappy. No stock figure: nothing is sold out."""
    bare = [{"order_id": f"o{n}", "status": "paid", "paid_at": NOON, "created_at": NOON} for n in range(30)]
    assert judged("LG05", {"orders": bare}).status == "not_applicable"
    chats = [{"conversation_id": f"c{n}", "started_at": NOON, "agent_id": "amy"} for n in range(30)]
    assert judged("CS11", {"conversations": chats}).status == "not_applicable"
    sold = [{"order_id": f"o{n}", "line_id": "1", "sku_id": f"s{n}", "quantity": 1} for n in range(30)]
    stock = [{"sku_id": f"s{n}", "taken_at": NOON + hours(1), "available": None} for n in range(30)]
    found = judged("ST01", {"orders": bare, "order_lines": sold, "stock": stock})
    assert (found.value, found.defects, found.status) == (None, 0, "not_applicable")
    known = [*stock[:1], *({**row, "sku_id": f"t{n}", "available": 5} for n, row in enumerate(stock))]
    found = judged("ST01", {"orders": bare, "order_lines": [{**sold[0]}], "stock": known})
    assert (found.defects, found.counts.not_judgeable) == (0, 1)


def means_are_weighted(_: Path) -> None:
    """Ninety of a hundred and one of ten are 91 of 110, whatever an average of 90 % and 10 % says."""
    messages = [
        {"conversation_id": agent, "message_id": f"{agent}{role}", "customer_id": f"x{agent}", "sender_role": role,
         "sent_at": NOON + timedelta(seconds=late), "sender_id": agent if late else f"x{agent}", "text": "?"}
        for agent in ("amy", "bo") for role, late in (("customer", 0), ("agent", 9))
    ]  # fmt: skip
    day = {"date": NOON.replace(hour=0)}
    days = [day | {"agent_id": "amy", "received": 100, "reply_30s_rate": 0.9},
            day | {"agent_id": "bo", "received": 10, "reply_30s_rate": 0.1}]  # fmt: skip
    (printed,) = judged("CS01", {"messages": messages, "agent_days": days}).printed
    assert printed.theirs == pytest.approx(91 / 110, abs=1e-6)


TRAPS = {
    1: Trap("denominators are orders due in the window, not orders created in it", due_in_the_window),
    2: Trap("cancelled-before-deadline orders leave the denominator", cancelled_in_time_is_out),
    3: Trap("one order spans several rows", one_order_on_several_rows),
    4: Trap("lagged windows", lagged_windows),
    5: Trap("small samples: report n and refuse a verdict", small_samples),
    6: Trap("a missing column is null, not 0", a_missing_column_is_no_zero),
    7: Trap("averaging rates over agents or days must be weighted", means_are_weighted),
}
"""By their number in the list."""


def test_none_of_the_seven_is_missed() -> None:
    """Each has words and a check of its own."""
    assert list(TRAPS) == [1, 2, 3, 4, 5, 6, 7]
    assert len({trap.check for trap in TRAPS.values()}) == len(TRAPS)


@pytest.mark.parametrize("number", TRAPS, ids=lambda number: TRAPS[number].words)
def test_what_most_easily_produces_wrong_numbers(number: int, tmp_path: Path) -> None:
    """The check fails with the figures that come out."""
    TRAPS[number].check(tmp_path)
