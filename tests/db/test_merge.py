"""Overlapping exports: one row per key, whatever the order of the files, and no row lost in the accounts."""

from __future__ import annotations

import itertools
from typing import Any

from tests.db.conftest import OpenFiles
from tests.views.conftest import rows_of


def order(number: int, day: int, **more: Any) -> dict[str, Any]:
    """An order created on a day of March."""
    return {"order_id": f"o{number}", "created_at": f"2026-03-{day:02} 10:00:00", "kind": "normal"} | more


VIEWS: list[str] = []
EARLY = [order(number, number) for number in (1, 2, 3)]
LATE = [order(3, 3, status="paid", paid_at="2026-03-05 00:00:00"), order(4, 4)]


def test_one_order_in_two_exports_is_one_order(open_files: OpenFiles) -> None:
    """The export with the later event wins, whatever the files are called."""
    with open_files({"z.csv": {"orders": EARLY}, "a.csv": {"orders": LATE}}) as store:
        assert store.rows["orders"] == 4
        (third,) = rows_of(store, "FROM orders WHERE order_id = 'o3'")
        assert (third["status"], third["source_file"], third["source_row"]) == ("paid", "a.csv", 2)
        assert store.merged_away == {"z.csv": 1}


def test_the_order_of_the_files_does_not_matter(open_files: OpenFiles) -> None:
    """Any order of three overlapping exports gives the same rows and the same accounts."""
    files = {"1.csv": {"orders": EARLY}, "2.csv": {"orders": LATE}, "3.csv": {"orders": [order(3, 3), *EARLY[:2]]}}
    seen = set()
    for names in itertools.permutations(files):
        with open_files({name: files[name] for name in names}) as store:
            rows = store.con.execute(
                "SELECT order_id, status, source_file, source_row FROM orders ORDER BY 1"
            ).fetchall()
            seen.add((str(rows), str(sorted(store.merged_away.items()))))
    assert len(seen) == 1


def test_the_same_export_twice_changes_nothing(open_files: OpenFiles) -> None:
    """A copy adds no row; of two equal files the later name counts."""
    with open_files({"a.csv": {"orders": EARLY}, "b.csv": {"orders": EARLY}}) as store:
        assert (store.rows["orders"], store.merged_away) == (3, {"a.csv": 3})
        assert rows_of(store, "FROM conflicts") == []


def test_exports_of_different_days_are_not_compared(open_files: OpenFiles) -> None:
    """Nothing is set aside where the files' times do not overlap."""
    with open_files({"a.csv": {"orders": EARLY[:2]}, "b.csv": {"orders": LATE}}) as store:
        made = store.con.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'lake'"
        ).fetchall()
        assert ("orders_again",) not in made
        assert store.rows["orders"] == 4


def test_a_contradiction_between_exports_is_listed(open_files: OpenFiles) -> None:
    """Column, both values, both files and lines; a status that moved on, or a value that was missing, is none."""
    other = [order(2, 2, status="paid"), order(3, 3, created_at="2026-03-03 11:00:00", paid_at="2026-03-05 00:00:00")]
    with open_files(
        {"a.csv": {"orders": [order(2, 2, status="unpaid"), order(3, 3)]}, "b.csv": {"orders": other}}
    ) as store:
        ours, theirs = ("b.csv", 3, "2026-03-03 11:00:00"), ("a.csv", 3, "2026-03-03 10:00:00")
        found = [tuple(row.values()) for row in rows_of(store, "FROM conflicts")]
        assert found == [("orders", "o3", "created_at", *ours, *theirs)]


def test_a_contradiction_within_one_export_is_listed(open_files: OpenFiles) -> None:
    """Two lines of one file, two columns."""
    rows = [order(1, 1, warehouse="north", channel="app"), order(1, 1, warehouse="south", channel="web")]
    with open_files({"a.csv": {"orders": rows}}) as store:
        found = [(row["column_name"], row["kept"], row["line"], row["other"], row["other_line"])
                 for row in rows_of(store, "FROM conflicts ORDER BY column_name")]  # fmt: skip
        assert found == [("channel", "app", 2, "web", 3), ("warehouse", "north", 2, "south", 3)]


def test_who_the_buyer_is_stays_hidden_in_a_contradiction(open_files: OpenFiles) -> None:
    """Of a personal value only the first character is kept."""
    files = {name: {"orders": [order(1, 1, buyer_id=buyer)]} for name, buyer in (("a.csv", "anna"), ("b.csv", "bob"))}
    with open_files(files) as store:
        (found,) = rows_of(store, "FROM conflicts")
        assert (found["column_name"], found["kept"], found["other"]) == ("buyer_id", "b***", "a***")


def test_lines_of_one_order_repeat_it_within_a_file(open_files: OpenFiles) -> None:
    """The order counts once, and its lines are no duplicates; a value that only one line has counts."""
    rows = [order(1, 1), order(1, 1, warehouse="north"), order(2, 2)]
    with open_files({"a.csv": {"orders": rows}}) as store:
        first, _ = rows_of(store, "FROM orders ORDER BY order_id")
        assert (first["warehouse"], first["source_row"]) == ("north", 2)
        assert (store.merged_away, store.rows["orders"]) == ({}, 2)


def test_a_file_of_another_kind_adds_the_columns_it_has(open_files: OpenFiles) -> None:
    """Where the winner's file has no such column at all, the other file's value stays."""
    waybill = {"waybill_no": "w", "order_id": "o1"}
    ours = [waybill | {"carrier": "north post", "shipped_at": "2026-03-02 10:00:00"}]
    theirs = [waybill | {"delivered_at": "2026-03-04 10:00:00"}]
    with open_files({"erp.csv": {"shipments": ours}, "carrier.csv": {"shipments": theirs}}) as store:
        (parcel,) = rows_of(store, "FROM shipments")
        assert (parcel["carrier"], parcel["source_file"]) == ("north post", "carrier.csv")
        assert None not in (parcel["shipped_at"], parcel["delivered_at"])


def test_key_parts_that_are_missing_compare_equal(open_files: OpenFiles) -> None:
    """Messages without a conversation id merge by their own id."""
    message = {"message_id": "m1", "sent_at": "2026-03-01 10:00:00", "sender_role": "customer", "sender_id": "x"}
    with open_files({"a.log": {"messages": [message]}, "b.log": {"messages": [message]}}) as store:
        assert store.rows["messages"] == 1


def test_only_the_table_a_file_is_counted_in_counts(open_files: OpenFiles) -> None:
    """A file's rows are counted in its first table; what repeats in the others is not subtracted again."""
    line = {"line_id": "1", "sku_id": "s"}
    tables = {
        "order_lines": [{"order_id": "o1"} | line, {"order_id": "o2"} | line],
        "orders": [order(1, 1), order(1, 1)],
    }
    with open_files({"a.csv": tables}) as store:
        assert (store.merged_away, store.rows["orders"], store.rows["order_lines"]) == ({}, 1, 2)


def test_what_intake_says_of_its_files_is_a_table(open_files: OpenFiles) -> None:
    """``files`` and ``rejects`` can be asked like any other table."""
    with open_files({"a.csv": {"orders": EARLY}}) as store:
        assert [row["path"] for row in rows_of(store, "FROM files")] == ["a.csv"]
        assert rows_of(store, "SELECT file, line, source_row FROM rejects") == [
            {"file": "bad.csv", "line": 7, "source_row": 7}
        ]
        assert {"orders", "orders.created_at"} <= store.filled
        assert "orders.paid_at" not in store.filled
