"""Orders in SQL are the orders a plain walk through the files tells, whatever the files look like."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples
from tests.views.conftest import rows_of
from tests.views.naive_fulfilments import Order, Parcel, Scan, Story, known_at, parcel_at, real, tell

from storehealth.catalogue import load_catalogue
from storehealth.catalogue.common import Fact
from storehealth.db import Store, StoreSettings, open_store_from_rows
from storehealth.measure.query import RuleQuery
from storehealth.model import Window

LONG_AGO = datetime.fromisoformat("2026-02-27 08:00")
FIRST = dict.fromkeys(
    ("created_at", "paid_at", "promised_ship_at", "shipped_at", "promised_delivery_at", "completed_at", "cancelled_at"),
    LONG_AGO,
) | {"order_id": "first", "status": "cancelled", "kind": "normal", "cancelled_by": "buyer"}
"""An order in which every column is filled, so that each of them is recorded."""
FIRST_PARCEL = dict.fromkeys(
    ("shipped_at", "picked_up_at", "first_hub_at", "delivered_at", "promised_delivery_at"), LONG_AGO
) | {"order_id": "first", "waybill_no": "first"}
CODES = ("LG04", "LG05", "LG06", "LG11")
MONDAY = datetime.fromisoformat("2026-03-02 08:00")
LATER = MONDAY + timedelta(days=99)
BOOK = load_catalogue()

moments = st.builds(
    lambda hours, seconds: MONDAY + timedelta(hours=hours, seconds=seconds),
    st.sampled_from([0, 6, 15, 16, 24, 40, 48, 72, 96]),
    st.sampled_from([0, 0, 0, 1, -1]),
)
perhaps = st.none() | moments
parcels = st.builds(
    Parcel, waybill=st.sampled_from(["own", "w1", "w2"]), order=st.just(""), shipped=perhaps, picked=perhaps,
    hub=perhaps, delivered=perhaps, promised=perhaps,
)  # fmt: skip
scans = st.builds(
    Scan, waybill=st.sampled_from(["w1", "w2"]), at=moments, event=st.sampled_from(["picked_up", "hub", "delivered"])
)
orders = st.tuples(
    st.builds(
        Order, number=st.just(""), listed=st.sampled_from([True] * 5 + [False]), created=moments, paid=perhaps,
        status=st.sampled_from([None, "unpaid", "paid", "shipped", "delivered", "completed", "cancelled"]),
        kind=st.sampled_from(["normal", "normal", "presale"]), promised_ship=perhaps, promised_delivery=perhaps,
        shipped=perhaps, completed=perhaps, cancelled=st.none() | st.none() | moments,
        cancelled_by=st.sampled_from([None, "buyer", "seller", "seller"]),
        line_promises=st.lists(moments, max_size=2),
    ),
    st.lists(parcels, max_size=3, unique_by=lambda parcel: parcel.waybill),
    st.lists(scans, max_size=3),
)  # fmt: skip


def _numbered(drawn: list[tuple[Order, list[Parcel], list[Scan]]]) -> tuple[list[Order], list[Parcel], list[Scan]]:
    """The same under ids of their own."""
    everything: tuple[list[Order], list[Parcel], list[Scan]] = ([], [], [])
    for number, (order, own, seen) in enumerate(drawn):
        name = f"o{number}"
        everything[0].append(replace(order, number=name))
        everything[1].extend(
            replace(parcel, order=name, waybill=name if parcel.waybill == "own" else f"{name}-{parcel.waybill}")
            for parcel in own
        )
        everything[2].extend(replace(scan, waybill=f"{name}-{scan.waybill}") for scan in seen)
    return everything


def _rows(drawn: tuple[list[Order], list[Parcel], list[Scan]]) -> dict[str, list[dict[str, Any]]]:
    """As tables; an order that is not listed has no row of its own."""
    return {
        "orders": [
            {
                "order_id": order.number, "status": order.status, "kind": order.kind, "created_at": order.created,
                "paid_at": order.paid, "promised_ship_at": order.promised_ship, "shipped_at": order.shipped,
                "promised_delivery_at": order.promised_delivery, "completed_at": order.completed,
                "cancelled_at": order.cancelled, "cancelled_by": order.cancelled_by,
            }
            for order in drawn[0] if order.listed
        ] + [FIRST],
        "order_lines": [
            {"order_id": order.number, "line_id": str(line), "sku_id": f"sku{line}", "promised_ship_at": promise}
            for order in drawn[0] for line, promise in enumerate(order.line_promises)
        ] + [{"order_id": "first", "line_id": "0", "sku_id": "sku0", "promised_ship_at": LONG_AGO}],
        "shipments": [
            {
                "waybill_no": parcel.waybill, "order_id": parcel.order, "shipped_at": parcel.shipped,
                "picked_up_at": parcel.picked, "first_hub_at": parcel.hub, "delivered_at": parcel.delivered,
                "promised_delivery_at": parcel.promised,
            }
            for parcel in drawn[1]
        ] + [FIRST_PARCEL],
        "scans": [{"waybill_no": scan.waybill, "scanned_at": scan.at, "event": scan.event} for scan in drawn[2]]
        + [{"waybill_no": "first", "scanned_at": LONG_AGO, "event": event} for event in ("picked_up", "hub", "delivered")],
    }  # fmt: skip


def _end(drawn: tuple[list[Order], list[Parcel], list[Scan]], moment: datetime) -> datetime:
    """The last thing that had happened, of orders that were there."""
    existing = [order for order in drawn[0] if order.listed and not (order.created and order.created > moment)]
    times = [
        at for order in existing for at in (order.created, order.paid, order.shipped, order.completed, order.cancelled)
    ]
    times += [at for parcel in drawn[1] for at in parcel.events] + [scan.at for scan in drawn[2]]
    return max((at for at in times if at and at <= moment), default=MONDAY - timedelta(days=3))


def _stories(
    drawn: tuple[list[Order], list[Parcel], list[Scan]], within: timedelta, moment: datetime
) -> dict[str, Story]:
    end, found = _end(drawn, moment), {}
    for order in drawn[0]:
        own = [seen for parcel in drawn[1] if parcel.order == order.number and (seen := parcel_at(moment, parcel))]
        theirs = [parcel for parcel in drawn[1] if parcel.order == order.number]
        later = [at for parcel in theirs for at in parcel.events if at > moment]
        later += [scan.at for scan in drawn[2] if scan.at > moment and scan.waybill in {p.waybill for p in theirs}]
        seen, was = [scan for scan in drawn[2] if scan.at <= moment], known_at(moment, order, bool(later))
        if was.listed or was.line_promises or real(own):
            found[order.number] = tell(was, own, seen, within, end)
    return found


def _states(store: Store) -> dict[str, dict[str, str]]:
    """Rule → order → what the rule makes of it."""
    queries = (
        RuleQuery(
            store.con,
            BOOK.rules[code].model_copy(update={"advice": (), "causes": ()}),
            None,
            Window(),
            BOOK,
            lambda _, text: text,
        )
        for code in CODES
    )
    return {
        query.rule.code: dict(query.run(f"SELECT _entity, _outcome FROM {query.rows} WHERE _entity <> 'first'"))
        for query in queries
    }


@examples(60)
@given(
    drawn=st.lists(orders, min_size=1, max_size=6).map(_numbered),
    within=st.sampled_from([0, 24, 48]),
    moment=st.sampled_from([None]) | moments,
)
def test_orders_are_those_of_the_plain_walk(drawn: Any, within: int, moment: datetime | None) -> None:
    """Promises, hand-over and who proves it, arrival, what cannot be, and the state of every order in every rule."""
    facts = {"ship_within": Fact(value=within * 3600, source="test", verified="assumed")}
    wanted = StoreSettings("shop", BOOK.platforms["generic"], facts, as_of=moment)
    with open_store_from_rows(_rows(drawn), BOOK, wanted, ["fulfilments"]) as store:
        found = {row["order_id"]: row for row in rows_of(store, "FROM fulfilments WHERE order_id <> 'first'")}
        states = _states(store)
    expected = _stories(drawn, timedelta(hours=within), moment or LATER)
    columns = ("paid", "cancelled", "promised_ship_at", "promised_delivery_at", "handed_over_at", "handed_over_by",
               "delivered_at", "impossible")  # fmt: skip
    shown = {number: tuple(row[name] for name in columns) for number, row in found.items()}
    assert shown == {
        number: (
            order.paid,
            order.cancelled,
            order.due,
            order.due_there,
            order.handed_over,
            order.proof,
            order.delivered,
            order.impossible,
        )
        for number, order in expected.items()
    }
    assert states == {code: {number: order.states[code] for number, order in expected.items()} for code in CODES}
