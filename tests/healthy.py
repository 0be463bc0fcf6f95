"""A whole healthy store in plain tables, five weeks of it: every table there is, and nothing in it to complain of.

Times are counted from the first midnight, so that a test can move one thing and leave all else as it is.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

Row = dict[str, Any]
Tables = dict[str, list[Row]]


class Written(NamedTuple):
    """Tables, and the folder to which they were written."""

    tables: Tables
    folder: Path


FIRST_DAY = datetime.fromisoformat("2026-03-02T00:00:00")
DAYS = 35
END = FIRST_DAY + timedelta(days=DAYS - 1, hours=23, minutes=40)
HOURS = '["09:00-22:00"]'
AGENTS, PACKERS, CASE_PEOPLE = ("amy", "bo", "cleo"), ("pia", "quin"), ("dan", "eve")
SKUS = tuple(f"SKU{number:02}" for number in range(12))
WEIGHTS = {sku: 0.4 + 0.1 * number for number, sku in enumerate(SKUS)}
PROVINCES, WAREHOUSES, CARRIERS = ("Madrid", "Sevilla", "Murcia"), ("WH1", "WH2"), ("GLS", "DHL")
QUESTIONS = ("Where is my parcel?", "Which size fits me?", "Can I get an invoice?", "Is it in stock?")
PAY_HOURS = (8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15, 16, 16, 17, 17, 18, 21)
CHAT_HOURS = tuple(range(9, 22)) * 2


def healthy() -> Tables:
    """Rows of every canonical table that files can feed; anew at each call, so that a test may change them."""
    orders, lines, parcels, scans = [], [], [], []
    for number, order in enumerate(_orders()):
        orders.append(order)
        lines += _lines(number, order)
        parcel = _parcel(number, order)
        if parcel["shipped_at"]:
            parcels.append(parcel)
            scans += _scans(number, parcel)
    dropped = _dropped_order(orders[0])
    lines += _lines(len(orders), dropped)
    messages, conversations = _chats()
    finished = [_finished(order, parcel) for order, parcel in zip(orders, _by_order(parcels, orders), strict=True)]
    return {
        "orders": [*finished, dropped],
        "order_lines": lines, "shipments": parcels, "scans": scans, "messages": messages,
        "conversations": conversations, "agent_days": _agent_days(messages), "aftersales": _cases(orders),
        "stock": _stock(), "receipts": _receipts(), "reviews": _reviews(orders), "penalties": _penalties(orders),
        "settlements": _settlements(orders),
    }  # fmt: skip


def write(tables: Tables, folder: Path, written: Written | None = None) -> Path:
    """Each table as a CSV of its own under its canonical names, beside nothing else.

    Tables that are as in a folder written before are links to its files: writing is what such a test would wait for.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        if written and rows == written.tables.get(name):
            (folder / f"{name}.csv").hardlink_to(written.folder / f"{name}.csv")
            continue
        columns = list(dict.fromkeys(column for row in rows for column in row))
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            out = csv.DictWriter(stream, columns)
            out.writeheader()
            out.writerows({column: _cell(value) for column, value in row.items()} for row in rows)
    return folder


def settings(folder: Path) -> Path:
    """A settings file with the hours in which the store answers."""
    path = folder / "storehealth.toml"
    path.write_text(f'store = "Healthy"\nhours = {HOURS}\n', encoding="utf-8")
    return path


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def known(moment: datetime) -> datetime | None:
    """The time of what has happened by the end of the export; None for what is still to come."""
    return moment if moment <= END else None


def _orders() -> Iterator[Row]:
    for day in range(DAYS):
        for place, hour in enumerate(PAY_HOURS):
            number = day * len(PAY_HOURS) + place
            created = FIRST_DAY + timedelta(days=day, hours=hour, minutes=5 + 20 * (place % 2), seconds=number % 59)
            paid = created + timedelta(seconds=20 + number % 40)
            yield {
                "order_id": f"SO{10000 + number}", "status": "paid", "kind": "normal", "created_at": created,
                "paid_at": paid, "promised_ship_at": paid + timedelta(hours=48) if number % 4 else None,
                "promised_delivery_at": paid + timedelta(days=4), "shipped_at": None, "completed_at": None,
                "cancelled_at": None, "cancelled_by": None, "cancel_reason": None,
                "paid_amount": 20 + number % 12, "currency": "EUR", "buyer_id": f"buyer{number}",
                "province": PROVINCES[number % 3], "warehouse": WAREHOUSES[number % 2], "channel": "app",
                "seller_note": None,
            }  # fmt: skip


def _dropped_order(first: Row) -> Row:
    """One that its buyer gave up before paying: it shows that the export holds cancelled orders at all."""
    gone = first["created_at"] + timedelta(minutes=9)
    unpaid = dict.fromkeys(("paid_at", "promised_ship_at", "promised_delivery_at"))
    words = {"status": "cancelled", "cancelled_by": "buyer", "cancel_reason": "changed my mind", "buyer_id": "buyer-"}
    return {**first, **unpaid, **words, "order_id": "SO9", "cancelled_at": gone}


def _lines(number: int, order: Row) -> Iterator[Row]:
    yield {
        "order_id": order["order_id"], "line_id": "1", "sku_id": SKUS[number % 12], "quantity": 1 + (number % 6 == 0),
        "unit_price": 20 + number % 12, "is_gift": False,
    }  # fmt: skip


def _parcel(number: int, order: Row) -> Row:
    """Out within three hours, picked up an hour later, there the next afternoon; what is paid late leaves at nine."""
    paid: datetime = order["paid_at"]
    ready = paid + timedelta(hours=3)
    if paid.hour > 19:
        ready = paid.replace(hour=9) + timedelta(days=1)
    picked = ready + timedelta(hours=1, seconds=number % 50)
    delivered = picked.replace(hour=15) + timedelta(days=1 if number % 3 else 2, minutes=number % 45)
    return {
        "waybill_no": f"WB{10000 + number}", "order_id": order["order_id"], "carrier": CARRIERS[number % 5 == 0],
        "warehouse": order["warehouse"], "handled_by": PACKERS[number % 2], "shipped_at": known(ready),
        "waybill_uploaded_at": known(ready), "picked_up_at": known(picked),
        "first_hub_at": known(picked + timedelta(hours=6)), "delivered_at": known(delivered),
        "weight_kg": round(WEIGHTS[SKUS[number % 12]] * (1 + (number % 6 == 0)), 2), "province": order["province"],
    }  # fmt: skip


def _scans(number: int, parcel: Row) -> Iterator[Row]:
    moves = (("picked_up", "picked_up_at"), ("hub", "first_hub_at"), ("delivered", "delivered_at"))
    for event, column in moves if number % 2 else ():
        if parcel[column]:
            yield {
                "waybill_no": parcel["waybill_no"],
                "scanned_at": parcel[column],
                "event": event,
                "location": "Madrid",
            }


def _by_order(parcels: list[Row], orders: list[Row]) -> Iterator[Row | None]:
    own = {parcel["order_id"]: parcel for parcel in parcels}
    for order in orders:
        yield own.get(order["order_id"])


def _finished(order: Row, parcel: Row | None) -> Row:
    if parcel is None:
        return order
    arrived = parcel["delivered_at"]
    completed = known(arrived + timedelta(days=3)) if arrived else None
    status = "completed" if completed else "delivered" if arrived else "shipped"
    return order | {"status": status, "shipped_at": parcel["shipped_at"], "completed_at": completed}


def _chats() -> tuple[list[Row], list[Row]]:
    messages: list[Row] = []
    conversations = []
    for day in range(DAYS):
        for place, hour in enumerate(CHAT_HOURS):
            number = day * len(CHAT_HOURS) + place
            began = FIRST_DAY + timedelta(days=day, hours=hour, minutes=3 + 25 * (place % 2), seconds=number % 53)
            messages += (own := _chat(number, began))
            conversations.append(_booked(own))
    for day in range(DAYS - 1):  # one comes after closing, and is answered when the doors open
        number = 9000 + day
        asked = FIRST_DAY + timedelta(days=day, hours=22, minutes=20, seconds=day)
        answered = FIRST_DAY + timedelta(days=day + 1, hours=9, seconds=8)
        lines = (("customer", asked, QUESTIONS[day % 4]), ("agent", answered, f"Good morning, {day}"))
        messages += (own := _said(number, lines))
        conversations.append(_booked(own))
    return messages, conversations


def _chat(number: int, began: datetime) -> list[Row]:
    """A question, an answer within nine seconds, another of each, and thanks."""
    quick = timedelta(seconds=4 + number % 6)
    again = began + timedelta(seconds=70)
    return _said(
        number,
        (
            ("customer", began, QUESTIONS[number % 4]),
            ("agent", began + quick, f"I am looking it up, number {number}."),
            ("customer", again, f"And the other one, {number}?"),
            ("agent", again + quick, f"That one as well, {number}."),
            ("customer", again + timedelta(seconds=40), "thanks"),
        ),
    )


def _said(number: int, lines: tuple[tuple[str, datetime, str], ...]) -> list[Row]:
    agent, room = AGENTS[number % 3], f"C{number:05}"
    return [
        {
            "conversation_id": room, "message_id": f"{room}-{place}", "sent_at": at, "sender_role": role,
            "sender_id": agent if role == "agent" else f"guest{number}", "customer_id": f"guest{number}", "text": text,
            "event": None, "event_agent_id": None,
        }
        for place, (role, at, text) in enumerate(lines)
    ]  # fmt: skip


def _booked(own: list[Row]) -> Row:
    """The platform's own row of a session, by its messages."""
    first = next(message for message in own if message["sender_role"] == "agent")
    roles = [message["sender_role"] for message in own]
    return {
        "conversation_id": own[0]["conversation_id"], "started_at": own[0]["sent_at"], "ended_at": own[-1]["sent_at"],
        "customer_id": own[0]["customer_id"], "agent_id": first["sender_id"], "first_reply_at": first["sent_at"],
        "customer_messages": roles.count("customer"), "agent_messages": roles.count("agent"),
        "satisfaction": "满意" if own[0]["sent_at"].second % 2 else None,
    }  # fmt: skip


def _agent_days(messages: list[Row]) -> list[Row]:
    """What the platform sums up for each agent and day."""
    rooms: dict[tuple[str, str], set[str]] = {}
    for message in messages:
        if message["sender_role"] == "agent":
            key = (f"{message['sent_at']:%Y-%m-%d}", message["sender_id"])
            rooms.setdefault(key, set()).add(message["conversation_id"])
    return [
        {"date": day, "agent_id": agent, "received": len(own), "answered": len(own), "reply_30s_rate": "100%"}
        for (day, agent), own in rooms.items()
    ]


def _cases(orders: list[Row]) -> list[Row]:
    """Two returns a day, reviewed within two hours, refunded five hours after the goods are back."""
    found = []
    for number in range(2 * DAYS):
        applied = FIRST_DAY + timedelta(days=number // 2, hours=10 + 4 * (number % 2), minutes=7, seconds=number % 47)
        reviewed, received = applied + timedelta(hours=2), applied + timedelta(days=3)
        refunded = known(received + timedelta(hours=5))
        old = max(0, (number // 2 - 5) * len(PAY_HOURS) + number % 2)
        found.append({
            "case_id": f"AS{1000 + number}", "order_id": orders[old]["order_id"], "sku_id": SKUS[old % 12],
            "kind": "return", "reason": "quality" if number in (20, 41) else "does not fit",
            "status": "closed" if refunded else "open", "applied_at": applied, "first_reviewed_at": known(reviewed),
            "returned_at": known(received - timedelta(days=1)), "received_at": known(received), "refunded_at": refunded,
            "closed_at": refunded, "refund_amount": 20, "reviewer_id": CASE_PEOPLE[number % 2],
            "handler_id": CASE_PEOPLE[number % 2], "platform_intervened": False,
        })  # fmt: skip
    new = {"case_id": "AS9", "applied_at": END - timedelta(minutes=70), "status": "open"}
    return [
        *found,
        {
            **found[0],
            **new,
            **dict.fromkeys(("returned_at", "received_at", "refunded_at", "closed_at", "first_reviewed_at")),
        },
    ]


def _stock() -> list[Row]:
    return [
        {
            "sku_id": sku, "warehouse": "WH1", "taken_at": FIRST_DAY + timedelta(days=day, hours=23, minutes=30, seconds=7),
            "item_name": f"Socks {sku}", "available": 300, "reserved": 2, "inbound": 50, "listed": True,
        }
        for day in range(DAYS)
        for sku in SKUS
    ]  # fmt: skip


def _receipts() -> list[Row]:
    arrivals = [FIRST_DAY + timedelta(days=day, hours=7, minutes=11) for day in range(0, DAYS, 7)]
    return [
        {"sku_id": sku, "warehouse": "WH1", "arrived_at": at, "shelved_at": at + timedelta(hours=3), "quantity": 60}
        for at in arrivals
        for sku in SKUS
    ]


def _reviews(orders: list[Row]) -> list[Row]:
    rated = ((number, order, order["paid_at"] + timedelta(days=6)) for number, order in enumerate(orders))
    return [
        {
            "review_id": f"RV{number}",
            "order_id": order["order_id"],
            "rated_at": at,
            "stars": 2 if number % 60 == 0 else 5,
        }
        for number, order, at in rated
        if known(at) and number % 2 == 0
    ]


def _penalties(orders: list[Row]) -> list[Row]:
    return [
        {"entry_id": f"P{number}", "booked_at": order["paid_at"] + timedelta(days=5), "order_id": order["order_id"],
         "kind": "late", "amount": "-1.50"}
        for number, order in enumerate(orders[:60:20])
    ]  # fmt: skip


def _settlements(orders: list[Row]) -> list[Row]:
    return [
        {"statement_id": f"S{number // 50}", "line_id": str(number), "order_id": order["order_id"], "status": "settled",
         "amount": order["paid_amount"], "issued_at": order["paid_at"] + timedelta(days=7),
         "settled_at": order["paid_at"] + timedelta(days=8)}
        for number, order in enumerate(orders[:300])
    ]  # fmt: skip
