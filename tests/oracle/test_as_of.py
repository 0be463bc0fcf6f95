"""An audit of an earlier moment counts what an audit of an export made at that moment would have counted.

What that export would have held is decided here, table by table, from what each column means; nothing is read from the
package's own tables.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tests.healthy as store_of_days
from tests.effort import PROFILE, examples
from tests.faulty import draw_faulty_store
from tests.healthy import Row, Tables
from tests.measure.test_not_recorded import TRIED, Outcomes, book, outcomes, without
from tests.oracle.test_aftersales import claims, to_row
from tests.oracle.test_orders import RANDOM_STORES
from tests.oracle.test_stock import build_rows as build_stock
from tests.oracle.test_stock import sales, snapshots
from tests.views.test_fulfilments_property import _numbered, _rows, moments, orders
from tests.views.test_turns_property import _messages, _row, conversations

BEGINS = {
    "orders": "created_at", "scans": "scanned_at", "messages": "sent_at", "conversations": "started_at",
    "aftersales": "applied_at", "stock": "taken_at", "receipts": "arrived_at", "reviews": "rated_at",
    "penalties": "booked_at",
}  # fmt: skip
HAPPENS = {
    "orders": ("created_at", "paid_at", "shipped_at", "completed_at", "cancelled_at"),
    "shipments": ("shipped_at", "waybill_uploaded_at", "picked_up_at", "first_hub_at", "delivered_at"),
    "conversations": ("started_at", "first_reply_at", "ended_at"),
    "aftersales": ("applied_at", "first_reviewed_at", "reviewed_at", "returned_at", "received_at", "processed_at",
                   "refunded_at", "closed_at"),
    "receipts": ("arrived_at", "shelved_at"),
}  # fmt: skip
COMES_WITH = {
    "cancelled_by": ("cancelled_at",), "cancel_reason": ("cancelled_at",),
    "auto_reviewed": ("first_reviewed_at", "reviewed_at"), "review_result": ("reviewed_at", "first_reviewed_at"),
}  # fmt: skip
"""What a file says only once something has happened."""
RESULTS = {
    "orders": ("status",),
    "aftersales": ("status",),
    "conversations": ("transferred_to", "average_reply_seconds", "duration_seconds", "customer_messages",
                      "agent_messages", "satisfaction", "resolved"),
}  # fmt: skip
"""What may have changed with any later step, so that nobody knows what it was."""


UNDATED = "AS06"
"""Rests on what no file dates: whether the platform had stepped in by then, nobody knows of a case that went on."""


def cut_tables(tables: Tables, moment: datetime) -> Tables:
    """The store's files as they would have been exported at a moment."""
    unborn = {row["order_id"] for row in tables["orders"] if row.get("created_at") and row["created_at"] > moment}
    moved = _list_moved(tables, moment)
    unsent = _list_unsent(tables, moment)
    cut: Tables = {}
    for name, rows in tables.items():
        cut[name] = []
        for line, row in enumerate(rows, 2):
            is_unborn_line = name == "order_lines" and row["order_id"] in unborn
            is_unsent = name == "shipments" and _name_parcel(row) in unsent
            if not is_unborn_line and not is_unsent and _has_begun(name, row, moment):
                known = _cut_row(name, row, moment, moved.get(name, lambda _: False)(row))
                cut[name].append(known | {"source_row": line})
    return cut


def _list_moved(tables: Tables, moment: datetime) -> dict[str, Callable[[Row], bool]]:
    """Of which orders and chats another file shows that something happened later."""
    scanned = {row["waybill_no"] for row in tables.get("scans", []) if row["scanned_at"] > moment}
    orders_moved = {
        row["order_id"]
        for row in tables.get("shipments", [])
        if row.get("waybill_no") in scanned or any(row.get(at) and row[at] > moment for at in HAPPENS["shipments"])
    }
    orders_moved |= {row["order_id"] for row in tables["orders"] if _happened_after("orders", row, moment)}
    cases_moved = _list_undone(tables, moment)
    chats = {row.get("conversation_id") for row in tables.get("messages", []) if row["sent_at"] > moment}
    return {
        "orders": lambda row: row["order_id"] in orders_moved,
        "aftersales": lambda row: row.get("case_id") in cases_moved,
        "conversations": lambda row: row["conversation_id"] in chats,
    }


def _name_parcel(row: Row) -> str:
    return str(row.get("waybill_no") or row["order_id"])


def _list_unsent(tables: Tables, moment: datetime) -> set[str]:
    """Parcels of which no row had begun: one without a time of its own began with the first that has one."""
    first: dict[str, datetime] = {}
    for row in tables.get("shipments", []):
        times = [row[at] for at in HAPPENS["shipments"] if row.get(at)]
        if times:
            name = _name_parcel(row)
            first[name] = min([*times, first.get(name, times[0])])
    return {name for name, at in first.items() if at > moment}


def _list_undone(tables: Tables, moment: datetime) -> set[str | None]:
    """Cases that went on after a moment; without numbers, each row is known by its own times alone."""
    cases = tables.get("aftersales", [])
    return {row["case_id"] for row in cases if row.get("case_id") and _happened_after("aftersales", row, moment)}


def _happened_after(name: str, row: Row, moment: datetime) -> bool:
    return any(row.get(at) and row[at] > moment for at in HAPPENS[name])


def _has_begun(name: str, row: Row, moment: datetime) -> bool:
    times = [row[at] for at in HAPPENS.get(name, (BEGINS.get(name, ""),)) if row.get(at)]
    begin = row.get(BEGINS.get(name, "")) or min(times, default=None)
    return begin is None or begin <= moment


def _cut_row(name: str, row: Row, moment: datetime, is_moved: bool) -> Row:
    later = {at: None for at in HAPPENS.get(name, ()) if row.get(at) and row[at] > moment}
    is_undone = bool(later) or is_moved
    known = row | later | (dict.fromkeys(RESULTS.get(name, ())) if is_undone else {})
    for column, steps in COMES_WITH.items():
        if column in row:
            step = next((row[at] for at in steps if row.get(at)), None)
            known[column] = None if (is_undone if step is None else step > moment) else row[column]
    return {column: value for column, value in known.items() if column in row}


def list_differences(tables: Tables, moment: datetime, platform: str = "generic") -> list[str]:
    """Rules whose counts differ between the files cut at a moment and the audit of that moment."""
    cut = outcomes(cut_tables(tables, moment), moment, platform=platform)
    whole = outcomes(tables, moment, platform=platform)
    found = []
    for code, of_cut in cut.items():
        of_whole = whole[code]
        if code == UNDATED:
            found += _compare_undated(of_cut, of_whole, tables, moment)
            continue
        pair = [found and Counter(found.rows.values()) for found in (of_cut, of_whole)]
        if pair[0] != pair[1]:
            rows = (of_cut.rows, of_whole.rows) if of_cut and of_whole else ({}, {})
            keys = [key for key in {**rows[0], **rows[1]} if rows[0].get(key) != rows[1].get(key)]
            found.append(f"{code}: export of then {pair[0]}, as of then {pair[1]}, {keys[:2]}")
        elif of_cut and of_whole and of_cut.named != of_whole.named:
            found.append(f"{code} names {sorted(of_cut.named ^ of_whole.named)} in one only")
    return found


def _compare_undated(of_cut: Outcomes | None, of_whole: Outcomes | None, tables: Tables, moment: datetime) -> list[str]:
    """Cases that went on are not judgeable, all others as in the files of then."""
    undone = {
        line for line, row in enumerate(tables.get("aftersales", []), 2) if _happened_after("aftersales", row, moment)
    }
    rows = of_cut.rows if of_cut else {}
    expected = {key: "not_judgeable" if key[2] in undone else outcome for key, outcome in rows.items()}
    if set(expected.values()) <= {"not_judgeable"}:
        expected = {}  # nothing is known of any case
    found = of_whole.rows if of_whole else {}
    return [] if found == expected or not expected else [f"{UNDATED}: as of then {found}, expected {expected}"]


def draw_store(seed: int) -> tuple[Tables, datetime, str]:
    """A store of four days in which much goes wrong, some columns unrecorded, a moment in it, and a marketplace."""
    rng = random.Random(seed)  # noqa: S311 - the same store each time
    tables = draw_faulty_store(seed, days=4)
    for name in rng.sample(sorted(TRIED), rng.choice((0, 0, 1, 3))):
        if "." not in name or name.split(".")[0] in tables:
            tables = without(tables, name)
    moment = store_of_days.FIRST_DAY + timedelta(seconds=rng.randrange(6 * 3600, 4 * 86400))
    return tables, moment, rng.choice(sorted(book().platforms))


@pytest.mark.parametrize("seed", range(1 if PROFILE == "ci" else 60))
def test_a_stores_audit_of_then_is_that_of_an_export_of_then(seed: int) -> None:
    assert list_differences(*draw_store(seed)) == []


def draw_exports(seed: int) -> tuple[Tables, datetime]:
    """A store whose orders have a row per line and no waybill numbers, exported twice, and a moment in it."""
    rng = random.Random(seed)  # noqa: S311 - the same store each time
    whole = draw_faulty_store(seed, days=3)
    whole = {name: whole[name] for name in ("orders", "order_lines", "shipments", "aftersales") if name in whole}
    for name in ("orders", "shipments"):
        whole[name] = [line for row in whole[name] for line in _split(name, row, rng)]
    for row in whole["shipments"]:
        row.pop("waybill_no", None)
    early, moment = (store_of_days.FIRST_DAY + timedelta(seconds=rng.randrange(6 * 3600, 4 * 86400)) for _ in "ab")
    files = {"1": cut_tables(whole, early), "2": whole}
    return {
        name: [
            {key: cell for key, cell in row.items() if key != "source_row"} | {"source_file": f"{number}-{name}.csv"}
            for number, tables in files.items()
            for row in tables[name]
        ]
        for name in whole
    }, moment


def _split(name: str, row: Row, rng: random.Random) -> list[Row]:
    """A row of each line or parcel of an order: the second of them goes its own, later way, or has not left."""
    if rng.random() < 0.5:
        return [row]
    delay = timedelta(hours=rng.choice((1, 20, 40)))
    steps = ("shipped_at", "completed_at") if name == "orders" else HAPPENS["shipments"]
    later = row | {at: row[at] + delay if row.get(at) and rng.random() < 0.8 else None for at in steps if at in row}
    return [row, later]


@pytest.mark.parametrize("seed", (0, 1, 2, 121) if PROFILE == "ci" else range(200))
def test_lines_and_parcels_without_numbers_have_the_audit_of_then_that_exports_of_then_have(seed: int) -> None:
    assert list_differences(*draw_exports(seed)) == []


@examples(100, **RANDOM_STORES)
@given(
    drawn=st.lists(orders, min_size=1, max_size=6).map(_numbered),
    cases=st.lists(claims, max_size=5),
    stock=st.tuples(snapshots, sales),
    chats=conversations,
    stars=st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5), moments), max_size=3),
    moment=moments,
)
def test_untidy_files_have_the_audit_of_then_that_an_export_of_then_has(
    drawn: Any, cases: Any, stock: Any, chats: Any, stars: Any, moment: datetime
) -> None:
    tables = _rows(drawn)
    for number, claim in enumerate(cases):
        claim.id = f"c{number}"
    sold = build_stock(*stock)
    tables["orders"] += [row | {"order_id": f"s{row['order_id']}"} for row in sold["orders"]]
    tables["order_lines"] += [row | {"order_id": f"s{row['order_id']}"} for row in sold["order_lines"]]
    tables |= {
        "aftersales": [to_row(claim) for claim in cases],
        "stock": sold["stock"],
        "messages": [_row(message) for message in _messages(chats)],
        "reviews": [
            {"review_id": f"r{number}", "order_id": f"o{order}", "stars": value, "rated_at": at}
            for number, (order, value, at) in enumerate(stars)
        ],
    }
    assert list_differences({name: rows for name, rows in tables.items() if rows}, moment) == []


def test_nobody_knows_whether_the_platform_had_stepped_into_a_case_that_went_on() -> None:
    monday = store_of_days.FIRST_DAY
    case: Row = {
        "order_id": "o1",
        "kind": "return",
        "applied_at": monday,
        "platform_intervened": True,
        "status": "closed",
    }
    cases = [
        case | {"case_id": "over", "closed_at": monday + timedelta(days=1)},
        case | {"case_id": "went on", "closed_at": monday + timedelta(days=4)},
        case | {"case_id": "blank", "closed_at": monday + timedelta(days=1), "platform_intervened": None},
    ]
    found = outcomes({"orders": [], "aftersales": cases}, monday + timedelta(days=2), ["AS06"])["AS06"]
    assert found
    by_case = {key[0]: outcome for key, outcome in found.rows.items()}
    assert by_case == {"over": "late", "went on": "not_judgeable", "blank": "met"}


def test_what_comes_with_a_later_step_is_not_known_before_it() -> None:
    """A review by the system on Thursday makes no case automatic on Tuesday, nor a chat that went on resolved."""
    monday = store_of_days.FIRST_DAY
    case: Row = {
        "order_id": "o1",
        "kind": "return",
        "applied_at": monday,
        "first_reviewed_at": monday,
        "closed_at": None,
    }
    later = {"case_id": "c1", "first_reviewed_at": monday + timedelta(days=3), "auto_reviewed": True, "status": "open"}
    closing = {"first_reviewed_at": monday + timedelta(days=9), "auto_reviewed": False, "status": "open"}
    cases = [
        case | later,
        case | {"case_id": "c2", "auto_reviewed": True, "status": "open"},
        case | {"case_id": "c3"} | closing,
    ]
    order = {"order_id": "o1", "status": "completed", "created_at": monday, "paid_at": monday, "completed_at": monday}
    chat = {"conversation_id": "t1", "started_at": monday, "customer_id": "ana", "agent_id": "amy", "satisfaction": "5"}
    lines = [
        {"conversation_id": "t1", "message_id": str(day), "sent_at": monday + timedelta(days=day), "text": "Hello",
         "sender_role": role, "sender_id": role}
        for day, role in enumerate(("customer", "agent", "customer", "agent", "customer"))
    ]  # fmt: skip
    tables = {"orders": [order], "aftersales": cases, "conversations": [chat], "messages": lines}
    assert list_differences(tables, monday + timedelta(days=2, hours=5)) == []
