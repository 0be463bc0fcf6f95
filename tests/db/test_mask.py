"""An earlier ``as_of`` shows the store as it was known then."""

from __future__ import annotations

from datetime import datetime

from tests.db.conftest import OpenFiles
from tests.views.conftest import Open, rows_of

ORDERS = [
    {"order_id": "old", "created_at": "2026-03-01 10:00:00", "paid_at": "2026-03-01 10:05:00", "status": "cancelled",
     "cancelled_at": "2026-03-04 00:00:00", "cancelled_by": "seller", "promised_ship_at": "2026-03-03 00:00:00"},
    {"order_id": "still", "created_at": "2026-03-01 10:00:00", "status": "cancelled", "cancelled_at": "2026-03-01 11:00:00"},
    {"order_id": "new", "created_at": "2026-03-05 10:00:00", "status": "unpaid"},
]  # fmt: skip
VIEWS = ["turns", "fulfilments", "cases", "table_days"]
LINES = [{"order_id": "old", "sku_id": "a"}, {"order_id": "new", "sku_id": "a"}]
SENT = [
    {"order_id": "old", "waybill_no": "w1", "shipped_at": "2026-03-02 00:00:00", "picked_up_at": "2026-03-04 00:00:00"},
    {"order_id": "new", "waybill_no": "w2", "shipped_at": "2026-03-06 00:00:00"},
]


def _march(day_and_hour: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-{day_and_hour}:00")


def test_later_rows_and_events_are_unknown(open_rows: Open) -> None:
    """Rows born later are left out, later events are empty, and a status they brought about is unknown again."""
    store = open_rows({"orders": ORDERS, "order_lines": LINES, "shipments": SENT}, as_of="2026-03-03 12:00:00")
    old, still = rows_of(store, "FROM fulfilments ORDER BY order_id")
    assert (old["order_id"], old["cancelled"], old["cancelled_at"], old["cancelled_by"], old["paid"]) == (
        "old",
        False,
        None,
        None,
        True,
    )
    assert (str(old["promised_ship_at"]), old["picked_up_at"], old["handed_over_by"]) == (
        "2026-03-03 00:00:00",
        None,
        "click",
    )
    assert (still["order_id"], still["cancelled"], still["status"]) == ("still", True, "cancelled")
    assert store.table_ends == {"orders": _march("01 11"), "shipments": _march("02 00")}
    assert store.ends == {"orders": _march("02 00")}
    assert (store.rows["order_lines"], store.rows["shipments"]) == (1, 1)


def test_without_as_of_the_last_event_is_the_moment(open_files: OpenFiles) -> None:
    """A promise is no event; each group has its own end."""
    chat = {"message_id": "m", "conversation_id": "c", "sent_at": "2026-03-02 00:00:00", "sender_role": "customer"}
    late = [ORDERS[0] | {"promised_ship_at": "2026-12-31 00:00:00"}]
    with open_files({"o.csv": {"orders": late}, "c.log": {"messages": [chat]}}) as store:
        assert store.as_of == _march("04 00")
        assert store.ends == {"orders": _march("04 00"), "chat": _march("02 00")}
        assert rows_of(store, "SELECT until FROM turns") == [{"until": _march("02 00")}]


def test_a_case_that_ended_later_is_open_again(open_rows: Open) -> None:
    """Its closing, and the word for it, are not known yet."""
    case = {"case_id": "c", "applied_at": "2026-03-01 00:00:00", "closed_at": "2026-03-05 00:00:00", "status": "closed"}
    other = {"case_id": "d", "applied_at": "2026-03-02 00:00:00", "status": "open"}
    before = open_rows({"aftersales": [case, other]}, as_of="2026-03-03 00:00:00")
    assert [row["is_open"] for row in rows_of(before, "SELECT is_open FROM cases ORDER BY case_id")] == [True, True]
    after = open_rows({"aftersales": [case, other]})
    assert [row["is_open"] for row in rows_of(after, "SELECT is_open FROM cases ORDER BY case_id")] == [False, True]


def test_nothing_at_all_opens(open_rows: Open) -> None:
    """Without rows every table and view stands empty, and there is no moment."""
    store = open_rows({})
    assert (store.as_of, store.ends, store.filled) == (None, {}, frozenset())
    assert rows_of(store, "FROM turns") == rows_of(store, "FROM fulfilments") == rows_of(store, "FROM table_days") == []
