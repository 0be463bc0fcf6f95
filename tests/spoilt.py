"""Ways to spoil a store: things come later, are never done, or say something else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.healthy import Row, Tables, known


def later(rows: list[Row], columns: tuple[str, ...], by: timedelta, every: int = 1) -> None:
    """Every so manieth row has its times later; what then lies behind the export's end is not known yet."""
    for row in rows[::every]:
        row.update({column: known(row[column] + by) for column in columns if row.get(column)})


def changed(rows: list[Row], every: int = 1, **values: Any) -> None:
    """Every so manieth row has these values."""
    for row in rows[::every]:
        row.update(values)


def parcels_later(tables: Tables, columns: tuple[str, ...], hours: float, every: int = 1) -> None:
    """Parcels leave or arrive later; the trace list, which would say otherwise, is not exported."""
    del tables["scans"]
    later(tables["shipments"], columns, timedelta(hours=hours), every)
    tables["shipments"] = [row for row in tables["shipments"] if row["shipped_at"]]
    sent = {row["order_id"]: row for row in tables["shipments"]}
    for order in tables["orders"]:
        own = sent.get(order["order_id"])
        state = "paid" if own is None else "delivered" if own["delivered_at"] else "shipped"
        order |= {"shipped_at": own and own["shipped_at"], "status": state, "completed_at": None}


def slower(tables: Tables, seconds: float, every: int = 1, when: Callable[[list[Row]], bool] = bool) -> None:
    """Agents answer later, and what follows in the chat moves along."""
    for number, room in enumerate(rooms_of(tables)):
        if number % every == 0 and when(room):
            moved = 0.0
            for row in room:
                moved += seconds if row["sender_role"] == "agent" else 0
                row["sent_at"] += timedelta(seconds=moved)
    book_again(tables)


def cut_short(tables: Tables, every: int, closed: bool) -> None:
    """Nobody answers; with ``closed``, the customer leaves after two minutes."""
    kept: list[Row] = []
    for number, room in enumerate(rooms_of(tables)):
        if number % every:
            kept += room
            continue
        end = room[0]["sent_at"] + timedelta(minutes=2)
        gone = {
            **room[0],
            "message_id": "end",
            "sent_at": end,
            "sender_role": "system",
            "sender_id": None,
            "event": "closed",
        }
        kept += [room[0], gone] if closed else room[:1]
    tables["messages"] = kept
    book_again(tables)


def rooms_of(tables: Tables) -> list[list[Row]]:
    """The messages of each chat, in their order."""
    rooms: dict[str, list[Row]] = {}
    for row in tables["messages"]:
        rooms.setdefault(row["conversation_id"], []).append(row)
    return list(rooms.values())


def book_again(tables: Tables) -> None:
    """The platform's session rows say what the log says."""
    rooms = {room[0]["conversation_id"]: room for room in rooms_of(tables)}
    for row in tables["conversations"]:
        spoken = rooms[row["conversation_id"]]
        answers = [line["sent_at"] for line in spoken if line["sender_role"] == "agent"]
        row |= {"first_reply_at": min(answers, default=None), "ended_at": spoken[-1]["sent_at"]}
