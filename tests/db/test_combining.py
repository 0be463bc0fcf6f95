"""Rows of one file with the same key are lines of one thing: their order never matters, and blanks mean what is declared."""

from __future__ import annotations

import random
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.db.conftest import OpenFiles
from tests.effort import examples
from tests.views.conftest import rows_of

VIEWS: list[str] = []
DAYS = st.one_of(st.none(), st.integers(1, 28).map(lambda day: f"2026-03-{day:02} 10:00:00"))
LINES = st.lists(
    st.fixed_dictionaries(
        {
            "order_id": st.sampled_from(["o1", "o2"]),
            "created_at": st.just("2026-03-01 09:00:00"),
            "status": st.sampled_from(["paid", "shipped", "completed", "cancelled"]),
            "paid_at": DAYS, "promised_ship_at": DAYS, "shipped_at": DAYS, "cancelled_at": DAYS,
            "paid_amount": st.one_of(st.none(), st.sampled_from([5, 10, 12.5])),
            "seller_note": st.sampled_from([None, "gift", "hurry"]), "warehouse": st.sampled_from([None, "north", "south"]),
            "locked": st.sampled_from([None, True, False]),
            "unread": st.sampled_from([None, ["paid_at"], ["shipped_at", "status"]]),
        }
    ),
    min_size=1, max_size=7,
)  # fmt: skip
AMOUNTS = [10, 10, 12.5]
WAYS: dict[str, tuple[str, list[Any], Any]] = {
    "an order is shipped when its last line is": ("shipped_at", ["2026-03-02", "2026-03-09"], datetime(2026, 3, 9)),  # noqa: DTZ001
    "a line that has not left holds the order": ("shipped_at", ["2026-03-02", None], None),
    "promises count from the earliest": ("promised_ship_at", ["2026-03-05", None, "2026-03-04"], datetime(2026, 3, 4)),  # noqa: DTZ001
    "an order is paid once": ("paid_at", [None, "2026-03-02"], datetime(2026, 3, 2)),  # noqa: DTZ001
    "an amount that repeats counts once": ("paid_amount", [10, 10, None], 10),
    "amounts that differ are the lines' own": ("paid_amount", AMOUNTS, 32.5),
    "the line that is least far along": ("status", ["completed", "paid", "cancelled"], "paid"),
    "cancelled where all lines are": ("status", ["cancelled", "cancelled"], "cancelled"),
    "held back if one line is": ("locked", [None, False, True], True),
    "all notes": ("seller_note", ["hurry", None, "gift", "gift"], "gift / hurry"),
}


@pytest.mark.parametrize("way", list(WAYS))
def test_how_lines_become_an_order(open_files: OpenFiles, way: str) -> None:
    column, values, expected = WAYS[way]
    for turned in (values, values[::-1]):
        rows = [{"order_id": "o1", "created_at": "2026-03-01", column: value} for value in turned]
        with open_files({"a.csv": {"orders": rows}}) as store:
            (found,) = rows_of(store, "FROM orders")
            assert found[column] == expected


@examples(25)
@given(LINES, st.integers(0, 1000))
def test_the_order_of_rows_never_matters(open_files: OpenFiles, rows: list[dict[str, Any]], seed: int) -> None:
    """Nor does it change which contradictions are listed."""
    shuffled = random.Random(seed).sample(rows, len(rows))  # noqa: S311 - repeatable
    results = []
    for turned in (rows, shuffled, rows[::-1]):
        with open_files({"a.csv": {"orders": turned}}) as store:
            merged = rows_of(store, "SELECT * EXCLUDE (source_row) FROM orders ORDER BY order_id")
            conflicts = rows_of(store, "SELECT key, column_name, kept, other FROM conflicts ORDER BY ALL")
            results.append((merged, conflicts))
    assert results[0] == results[1] == results[2]


def test_a_cell_that_was_not_understood_in_one_line_is_so_for_the_order(open_files: OpenFiles) -> None:
    rows = [
        {"order_id": "o1", "created_at": "2026-03-01", "unread": unread}
        for unread in (None, ["shipped_at"], ["paid_at", "shipped_at"])
    ]
    with open_files({"a.csv": {"orders": rows}}) as store:
        (found,) = rows_of(store, "FROM orders")
        assert found["unread"] == ["paid_at", "shipped_at"]


def test_only_columns_that_should_agree_contradict_each_other(open_files: OpenFiles) -> None:
    """With the line that holds the value that counts."""
    rows = [
        {"order_id": "o1", "created_at": "2026-03-01", "warehouse": name, "paid_amount": amount, "seller_note": name}
        for name, amount in (("south", 5), ("north", 7), ("south", 5))
    ]
    with open_files({"a.csv": {"orders": rows}}) as store:
        found = rows_of(store, "SELECT column_name, kept, line, other, other_line FROM conflicts ORDER BY other_line")
        assert [tuple(row.values()) for row in found] == [
            ("warehouse", "north", 3, "south", 2),
            ("warehouse", "north", 3, "south", 4),
        ]
