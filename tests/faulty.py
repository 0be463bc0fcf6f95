"""A store in which much goes wrong, each thing as its files would tell it: no two of its tables contradict each other."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import tests.healthy as store_of_days
from tests.healthy import Row, Tables, known

MOVES = (("picked_up", "picked_up_at"), ("hub", "first_hub_at"), ("delivered", "delivered_at"))
TIMES = ("shipped_at", "waybill_uploaded_at", "picked_up_at", "first_hub_at", "delivered_at")
WORDS = {"seller": ("out_of_stock", "wrong price"), "buyer": ("changed my mind",), "platform": ("suspected fraud",)}


def draw_faulty_store(seed: int, days: int = 6) -> Tables:
    """Draw a store of a few days whose orders, parcels, cases, chats and stock each meet a fate of their own."""
    rng = random.Random(seed)  # noqa: S311 - the same store each time
    before = store_of_days.DAYS, store_of_days.END
    store_of_days.DAYS = days
    store_of_days.END = store_of_days.FIRST_DAY + timedelta(days=days - 1, hours=23, minutes=40)
    try:
        tables = store_of_days.healthy()
        _spoil_orders(tables, rng)
        _spoil_cases(tables, rng)
        _spoil_chats(tables, rng)
    finally:
        store_of_days.DAYS, store_of_days.END = before
    for item in tables["stock"]:
        item["available"] = rng.choice((300, 300, 300, 3, 0))
        item["listed"] = rng.random() > 0.1
    return tables


def _spoil_orders(tables: Tables, rng: random.Random) -> None:
    parcels: list[Row] = []
    own = {parcel["order_id"]: parcel for parcel in tables["shipments"]}
    for order in (order for order in tables["orders"] if order["paid_at"]):
        fate = rng.choice(
            ("none", "none", "cancel", "never", "late", "slow", "presale", "return", "split", "unpaid", "cod")
        )
        parcel = own.get(order["order_id"])
        parcels += _give_fate(order, parcel, fate, rng)
    tables["shipments"] = parcels
    in_scans = {parcel["waybill_no"] for parcel in parcels if rng.random() < 0.5}
    tables["scans"] = [
        {"waybill_no": parcel["waybill_no"], "scanned_at": parcel[column], "event": event, "location": "Madrid"}
        for parcel in parcels
        if parcel["waybill_no"] in in_scans
        for event, column in MOVES
        if parcel[column]
    ]
    left = {parcel["order_id"] for parcel in parcels}
    tables["reviews"] = [row for row in tables["reviews"] if row["order_id"] in left]


def _give_fate(order: Row, parcel: Row | None, fate: str, rng: random.Random) -> list[Row]:
    if fate == "unpaid":
        order |= {
            "status": "unpaid",
            "paid_at": None,
            "promised_ship_at": None,
            "shipped_at": None,
            "completed_at": None,
        }
        return []
    if fate == "cod":
        order |= {"payment": "cod", "paid_at": None}
        return [parcel] if parcel else []
    order["payment"] = "prepaid"
    if fate == "presale":
        order |= {"kind": "presale", "promised_ship_at": order["paid_at"] + timedelta(days=10)}
    if fate == "cancel" or (fate == "return" and parcel):
        by = rng.choice(list(WORDS))
        at = order["paid_at"] + timedelta(hours=rng.choice((2, 60)))
        gone = {"status": "cancelled", "cancelled_by": by, "cancel_reason": rng.choice(WORDS[by]), "completed_at": None}
        if known(at):
            order |= gone | {"cancelled_at": at}
            if fate == "cancel":
                order["shipped_at"] = None
                return []
    if fate == "never" or parcel is None:
        order |= {
            "status": "cancelled" if order["status"] == "cancelled" else "paid",
            "shipped_at": None,
            "completed_at": None,
        }
        return []
    return _move(order, parcel, fate, rng)


def _move(order: Row, parcel: Row, fate: str, rng: random.Random) -> list[Row]:
    hours = {"late": rng.uniform(30, 90), "slow": 0}.get(fate, 0)
    for name in TIMES:
        more = timedelta(hours=hours + (rng.uniform(48, 120) if fate == "slow" and name == "delivered_at" else 0))
        parcel[name] = parcel[name] and known(parcel[name] + more)
    parcels = [parcel]
    if fate == "split":
        second = {**parcel, "waybill_no": parcel["waybill_no"] + "b"}
        for name in TIMES:
            second[name] = second[name] and known(second[name] + timedelta(hours=40))
        parcels = [parcel, second]
    parcels = [one for one in parcels if one["shipped_at"]]
    last = [one["shipped_at"] for one in parcels]
    arrived = bool(parcels) and all(one["delivered_at"] for one in parcels)
    order["shipped_at"] = max(last) if parcels and len(parcels) == (2 if fate == "split" else 1) else None
    if order["status"] != "cancelled":
        done = arrived and known(max(one["delivered_at"] for one in parcels) + timedelta(days=1))
        order["completed_at"] = done or None
        order["status"] = (
            "completed" if done else "delivered" if arrived else "shipped" if order["shipped_at"] else "paid"
        )
    return parcels


def _spoil_cases(tables: Tables, rng: random.Random) -> None:
    steps = ("first_reviewed_at", "returned_at", "received_at", "refunded_at", "closed_at")
    for case in tables["aftersales"]:
        fate = rng.choice(
            ("none", "late", "withdrawn", "exchange", "silent", "instant", "reviewed_late", "refund_only")
        )
        case |= {"auto_reviewed": False, "instant_refund": fate == "instant", "platform_intervened": rng.random() < 0.2}
        if fate == "late":
            case |= {name: case[name] and known(case[name] + timedelta(hours=60)) for name in steps[3:]}
            case["status"] = "closed" if case["closed_at"] else "open"
        elif fate == "withdrawn":
            at: datetime | None = known(case["applied_at"] + timedelta(hours=20))
            case.update(dict.fromkeys(steps[1:]), closed_at=at, status="cancelled" if at else "open")
        elif fate == "exchange":
            case |= {"kind": "exchange", "refunded_at": None}
        elif fate == "silent":
            case.update(dict.fromkeys(steps), status="open")
        elif fate == "instant":
            at = case["applied_at"] + timedelta(minutes=1)
            case |= {"auto_reviewed": True, "first_reviewed_at": at, "refunded_at": at, "closed_at": at, "status": "closed",
                     "returned_at": None, "received_at": None}  # fmt: skip
        elif fate == "reviewed_late" and case["first_reviewed_at"]:
            case["first_reviewed_at"] = known(case["first_reviewed_at"] + timedelta(hours=30))
        elif fate == "refund_only":
            case |= {"kind": "refund_only", "returned_at": None, "received_at": None}


def _spoil_chats(tables: Tables, rng: random.Random) -> None:
    rooms: dict[str, list[Row]] = {}
    for row in tables["messages"]:
        rooms.setdefault(row["conversation_id"], []).append(row)
    kept: list[Row] = []
    for room in rooms.values():
        kept += _spoil_room(room, rng.choice(("none", "slow", "silent", "closed", "bot", "handoff", "note")), rng)
    tables["messages"] = kept
    rooms = {}
    for row in kept:
        rooms.setdefault(row["conversation_id"], []).append(row)
    for row in tables["conversations"]:
        own = rooms[row["conversation_id"]]
        answers = [line["sent_at"] for line in own if line["sender_role"] == "agent"]
        people = [line["sender_id"] for line in own if line["sender_role"] == "agent"]
        row |= {"first_reply_at": min(answers, default=None), "ended_at": own[-1]["sent_at"],
                "agent_id": people[0] if people else row["agent_id"], "agent_messages": len(answers),
                "customer_messages": sum(line["sender_role"] == "customer" for line in own)}  # fmt: skip


def _spoil_room(room: list[Row], fate: str, rng: random.Random) -> list[Row]:
    first, moved = room[0], timedelta(seconds=rng.choice((5, 20, 100, 400)))
    extra: dict[str, Any] = {
        "message_id": f"{first['message_id']}x",
        "sender_role": "system",
        "sender_id": None,
        "text": "",
    }
    if fate == "slow":
        for row in room[1:]:
            row["sent_at"] += moved
    if fate == "silent":
        return room[:1]
    if fate == "closed":
        return [first, {**first, **extra, "sent_at": first["sent_at"] + timedelta(minutes=2), "event": "closed"}]
    if fate == "bot":
        return [first, {**first, **extra, "sent_at": first["sent_at"] + timedelta(seconds=1), "sender_role": "bot",
                        "sender_id": "robot", "text": "You are welcome."}]  # fmt: skip
    if fate == "handoff":
        return [first, {**first, **extra, "sent_at": first["sent_at"] + timedelta(seconds=2), "event": "handoff",
                        "event_agent_id": room[1]["sender_id"]}, *room[1:]]  # fmt: skip
    if fate == "note":
        return [first, {**first, **extra, "sent_at": first["sent_at"] + timedelta(seconds=1), "sender_role": "note",
                        "sender_id": room[1]["sender_id"], "text": "VIP"}, *room[1:]]  # fmt: skip
    return room
