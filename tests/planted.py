"""For every rule, one fault planted into the healthy store: what a store must look like for the rule to speak up."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

import duckdb

from storehealth.catalogue import Catalogue
from tests.healthy import DAYS, END, FIRST_DAY, QUESTIONS, Row, Tables
from tests.spoilt import book_again, changed, cut_short, later, parcels_later, rooms_of, slower

LEFT = ("shipped_at", "waybill_uploaded_at", "picked_up_at", "first_hub_at", "delivered_at")
WAY = LEFT[2:]
ENDS = ("processed_at", "refunded_at", "closed_at")


class Fault(NamedTuple):
    """What is done to the tables, in words and in deed, and the platform whose clocks make it one."""

    words: str
    plant: Callable[[Tables], None]
    platform: str = "generic"


def _at_night(room: list[Row]) -> bool:
    return bool(room[0]["sent_at"].hour >= 22)


def _on_weekday_evenings(room: list[Row]) -> bool:
    began: datetime = room[0]["sent_at"]
    return began.weekday() < 5 and began.hour in (20, 21)


def _evenings_alone(tables: Tables) -> None:
    """Twenty times as many chats on weekday evenings, all for one person."""
    for room in list(filter(_on_weekday_evenings, rooms_of(tables))):
        for number in range(1, 20):
            own = {"conversation_id": f"{room[0]['conversation_id']}x{number}"}
            tables["messages"] += [
                row
                | own
                | {"message_id": f"{row['message_id']}x{number}", "sent_at": row["sent_at"] + timedelta(seconds=number)}
                for row in room
            ]
    slower(tables, 45, when=_on_weekday_evenings)
    for room in filter(_on_weekday_evenings, rooms_of(tables)):
        changed([row for row in room if row["sender_role"] == "agent"], sender_id="amy")


def _greet(tables: Tables) -> None:
    for room in rooms_of(tables)[:60]:
        greeting = {**room[1], "message_id": "auto", "sent_at": room[0]["sent_at"] + timedelta(seconds=1)}
        tables["messages"].append(greeting | {"text": "Hello dear, one moment please"})


def _robot(tables: Tables) -> None:
    for room in rooms_of(tables)[::4]:
        changed([row for row in room if row["sender_role"] == "agent"], sender_role="bot", sender_id="robot")


def _all_at_once(tables: Tables) -> None:
    """Every morning twelve chats come to one person within a minute, and each answer takes two."""
    slower(tables, 120, when=lambda room: room[0]["sent_at"].hour in range(9, 15))
    seen: dict[datetime, int] = {}
    for room in rooms_of(tables):
        began: datetime = room[0]["sent_at"]
        if began.hour in range(9, 15):
            day = began.replace(hour=0, minute=0, second=0)
            seen[day] = seen.get(day, 0) + 1
            moved = day + timedelta(hours=9, minutes=5, seconds=4 * seen[day]) - began
            for row in room:
                row["sent_at"] += moved
            changed([row for row in room if row["sender_role"] == "agent"], sender_id="amy")
    changed(tables["conversations"], agent_id=None, started_at=None)
    book_again(tables)


def _unnamed(tables: Tables) -> None:
    changed(tables["messages"], sender_role=None)
    del tables["conversations"], tables["agent_days"]


def _apart(tables: Tables) -> None:
    for row in tables["conversations"][::2]:
        row |= {
            "conversation_id": f"X{row['conversation_id']}",
            "started_at": row["started_at"] + timedelta(minutes=12),
        }


def _day_without_chats(tables: Tables) -> None:
    gone = FIRST_DAY.date() + timedelta(days=16)
    tables["messages"] = [row for row in tables["messages"] if row["sent_at"].date() != gone]


def _whole_minutes(tables: Tables) -> None:
    for name, columns in {
        "messages": ("sent_at",),
        "conversations": ("started_at", "ended_at", "first_reply_at"),
    }.items():
        for row in tables[name]:
            row |= {column: row[column].replace(second=0) for column in columns if row[column]}


def _settled_in_ten_thousand_rows(tables: Tables) -> None:
    first = tables["settlements"][0]
    tables["settlements"] += [
        {**first, "line_id": f"L{number}"} for number in range(10_000 - len(tables["settlements"]))
    ]


def _never_left(tables: Tables, every: int = 11) -> None:
    gone = {row["order_id"] for row in tables["orders"][::every]}
    for name in ("shipments", "reviews", "aftersales"):
        tables[name] = [row for row in tables[name] if row["order_id"] not in gone]
    del tables["scans"]
    changed(tables["orders"], every, status="paid", shipped_at=None, completed_at=None)


def _floods(tables: Tables) -> None:
    """Mondays and Thursdays bring sixty more orders, which leave over the three days after them."""
    orders, parcels = tables["orders"], tables["shipments"]
    for day in (day for day in range(DAYS) if day % 7 in (0, 3)):
        for number in range(60):
            paid = FIRST_DAY + timedelta(days=day, hours=12, minutes=number, seconds=9)
            name, gone = f"M{day}-{number}", paid + timedelta(days=1 + number % 3)
            order = {"order_id": name, "created_at": paid, "paid_at": paid, "shipped_at": gone, "completed_at": None}
            orders.append({**orders[number % 2], **order, "status": "shipped", "promised_ship_at": None})
            parcel = {"waybill_no": name, "order_id": name, "first_hub_at": None, "delivered_at": None}
            parcels.append({**parcels[number % 2], **parcel, "warehouse": None, **dict.fromkeys(LEFT[:3], gone)})


def _arrives_before_it_left(tables: Tables) -> None:
    for row in tables["shipments"][::8]:
        row["delivered_at"] = row["picked_up_at"] and row["picked_up_at"] - timedelta(hours=1)
    del tables["scans"]


def _no_scan(tables: Tables) -> None:
    """Nobody confirms these orders either: one that is confirmed has arrived, whatever the carrier's file lacks."""
    del tables["scans"]
    changed(tables["shipments"], 6, **dict.fromkeys(WAY))
    unseen = {row["order_id"] for row in tables["shipments"] if row[WAY[0]] is None}
    for order in tables["orders"]:
        if order["order_id"] in unseen and order["status"] in ("delivered", "completed"):
            order |= {"status": "shipped", "completed_at": None}


def _stand_still(tables: Tables) -> None:
    """Between hub and door nothing happens for six days."""
    later(tables["shipments"], ("delivered_at",), timedelta(days=6), 3)
    tables["scans"] = [row for row in tables["scans"] if row["event"] != "delivered"]


def _sold_out(tables: Tables, levels: dict[str, int], days: int = 1) -> None:
    for row in tables["stock"]:
        if row["taken_at"] > END - timedelta(days=days) and row["sku_id"] in levels:
            row |= {"available": levels[row["sku_id"]], "reserved": None}


def _waiting_for_goods(tables: Tables) -> None:
    _never_left(tables)
    _sold_out(tables, OUT)


def _told_twice(tables: Tables) -> None:
    tables["again"] = [{**row, "paid_amount": 99} for row in tables["orders"][:30]]


def _a_jack_of_all_trades(tables: Tables) -> None:
    changed(tables["shipments"], 3, handled_by="amy")
    changed(tables["aftersales"], 2, handler_id="amy", reviewer_id="amy")


def _silent_sellers(tables: Tables) -> None:
    changed(
        tables["aftersales"][10:30],
        status="open",
        **dict.fromkeys(("first_reviewed_at", "returned_at", "received_at", *ENDS)),
    )


def cases_later(columns: tuple[str, ...], hours: float) -> Callable[[Tables], None]:
    """Cases whose steps come later."""
    return lambda tables: later(tables["aftersales"], columns, timedelta(hours=hours))


def slow(seconds: float, every: int = 1, when: Callable[[list[Row]], bool] = bool) -> Callable[[Tables], None]:
    """See :func:`slower`."""
    return lambda tables: slower(tables, seconds, every, when)


def parcels(columns: tuple[str, ...], hours: float, every: int = 1) -> Callable[[Tables], None]:
    """See :func:`parcels_later`."""
    return lambda tables: parcels_later(tables, columns, hours, every)


def with_values(table: str, every: int = 1, **values: Any) -> Callable[[Tables], None]:
    """See :func:`changed`."""
    return lambda tables: changed(tables[table], every, **values)


def _not_about_stock(room: list[Row]) -> bool:
    return bool(room[0]["text"] != QUESTIONS[3])


OUT = dict.fromkeys(("SKU01", "SKU02", "SKU03", "SKU04"), 0)
FEW = {f"SKU0{number}": 3 for number in range(7)}


def _mostly_at_night(tables: Tables) -> None:
    """Four of five chats begin at two in the morning and are answered at ten."""
    for number, room in enumerate(rooms_of(tables)):
        if number % 5:
            night = room[0]["sent_at"].replace(hour=2)
            for place, row in enumerate(room):
                row["sent_at"] = night if place == 0 else night.replace(hour=10) + timedelta(seconds=place)
    changed(tables["conversations"], agent_id=None, started_at=None)
    book_again(tables)


FAULTS = {
    "CS01": Fault("every other first answer after 40 s", slow(40, 2)),
    "CS02": Fault("all answers after 16 s or more", slow(12)),
    "CS03": Fault("all answers after a minute", slow(60)),
    "CS04": Fault("every eighth chat is never answered", lambda tables: cut_short(tables, 8, closed=False)),
    "CS05": Fault("every sixth customer leaves unanswered", lambda tables: cut_short(tables, 6, closed=True)),
    "CS06": Fault("messages of the night wait until ten", slow(3600, when=_at_night)),
    "CS07": Fault("a robot serves every fourth chat alone", _robot, "jd"),
    "CS08": Fault("every third chat is answered after 200 s", slow(200, 3)),
    "CS09": Fault("one person alone on weekday evenings", _evenings_alone),
    "CS10": Fault("three of four questions are answered after 40 s", slow(40, when=_not_about_stock)),
    "CS12": Fault("every fifth message is never answered", lambda tables: cut_short(tables, 5, closed=False), "amazon"),
    "CS13": Fault("most chats come at night and wait until ten", _mostly_at_night, "jd"),
    "LG01": Fault("all parcels leave the next day", parcels(LEFT, 20)),
    "LG02": Fault("all parcels leave 24 h later", parcels(LEFT, 24)),
    "LG03": Fault("all parcels leave 48 h later", parcels(LEFT, 48)),
    "LG04": Fault("all parcels arrive two days later", parcels(LEFT[4:], 48)),
    "LG05": Fault("every fifth parcel leaves 48 h later", parcels(LEFT, 48, 5)),
    "LG06": Fault("every fifth parcel arrives five days later", parcels(LEFT[4:], 120, 5)),
    "LG07": Fault("every sixth waybill is never scanned", _no_scan),
    "LG08": Fault("parcels stand still for six days", _stand_still),
    "LG09": Fault("every eleventh order never left", _never_left),
    "LG10": Fault("sixty orders more on two days a week", _floods),
    "LG11": Fault("every eighth parcel arrives before it left", _arrives_before_it_left),
    "LG13": Fault("all parcels are packed a day later", parcels(LEFT, 30)),
    "LG14": Fault("all parcels travel four days longer", parcels(LEFT[4:], 96)),
    "LG15": Fault("every sixth waybill is known to no carrier", _no_scan),
    "LG16": Fault("every fifth parcel arrives five days later", parcels(LEFT[4:], 120, 5)),
    "ST01": Fault("four SKUs in demand are out", lambda tables: _sold_out(tables, OUT)),
    "ST03": Fault("seven SKUs last for less than two days", lambda tables: _sold_out(tables, FEW)),
    "ST04": Fault("unshipped orders whose SKU is out", _waiting_for_goods),
    "ST05": Fault("a SKU is out for ten days", lambda tables: _sold_out(tables, {"SKU05": 0}, 10)),
    "AS01": Fault("reviews come 30 h later", cases_later(("first_reviewed_at",), 30)),
    "AS02": Fault("cases end four days later", cases_later(ENDS, 96)),
    "AS03": Fault("nobody looks at twenty cases", _silent_sellers),
    "AS04": Fault("refunds come three days later", cases_later(ENDS, 72)),
    "TM01": Fault("one person chats, packs and handles cases", _a_jack_of_all_trades),
    "TM02": Fault("twelve chats at once, every morning", _all_at_once),
    "DQ01": Fault("a day without chats", _day_without_chats),
    "DQ02": Fault("times that are none", with_values("orders", 20, created_at="the other day")),
    "DQ03": Fault("chat times in whole minutes", _whole_minutes),
    "DQ04": Fault("a file of exactly 10,000 rows", _settled_in_ten_thousand_rows),
    "DQ05": Fault("another file says otherwise", _told_twice),
    "DQ07": Fault("nobody says who is an agent", _unnamed),
    "DQ08": Fault("half of the session rows fit no chat", _apart),
    "DQ09": Fault("a greeting after one second", _greet),
}  # fmt: skip
"""Code of a rule → the fault that makes it speak up, where no SQL in the rule's own file (``planted``) says it."""


def list_faults(catalogue: Catalogue) -> dict[str, Fault]:
    """The faults of all rules: those of their files, and those above."""
    own = {code: rule.planted for code, rule in catalogue.rules.items() if rule.planted}
    return FAULTS | {
        code: Fault(planted.says, partial(_run, catalogue, planted.sql), planted.platform)
        for code, planted in own.items()
    }


def _run(catalogue: Catalogue, statements: tuple[str, ...], tables: Tables) -> None:
    """Change by SQL the tables that the statements name."""
    words = {word for sql in statements for word in re.findall(r"\w+", sql)}
    with duckdb.connect() as con:
        for name in (name for name in tables if name in words):
            table = catalogue.tables[name]
            columns = {column: table.sql_type(column) for column in table.columns}
            con.execute(f"CREATE TABLE {name} ({', '.join(f'{column} {kind}' for column, kind in columns.items())})")
            cells = ", ".join(f"(r->>'{column}')::{kind}" for column, kind in columns.items())
            con.execute(f"INSERT INTO {name} SELECT {cells} FROM (SELECT unnest(?::JSON[]) AS r)",
                        [json.dumps(tables[name], default=str)])  # fmt: skip
        for sql in statements:
            con.execute(sql)
        for name in (name for name in tables if name in words):
            rows = con.execute(f"SELECT * FROM {name} ORDER BY rowid")
            names = [column[0] for column in rows.description or ()]
            found = [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
            held = {column for row in tables[name] for column in row}
            used = held | {column for row in found for column, value in row.items() if value is not None}
            tables[name] = [{column: value for column, value in row.items() if column in used} for row in found]
