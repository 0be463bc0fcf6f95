"""What the exports answer: counts with rows, and *unknown* where no file can tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any

import pytest

from storehealth.catalogue import Catalogue
from storehealth.catalogue import load_catalogue as read_catalogue
from storehealth.catalogue.checklist import load_checklist
from storehealth.db import StoreSettings, open_store_from_rows
from storehealth.output.refund._document import word_answer
from storehealth.refund.readiness import AnswerRequest, answer_questions, load_questions
from storehealth.refund.status import ExportAnswer

load: Callable[[], Catalogue] = cache(read_catalogue)
Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def asked(
    rows: Rows, as_of: str = "2026-03-01", platform: str = "jd", days: int | None = None
) -> dict[str, ExportAnswer]:
    catalogue = load()
    until = datetime.fromisoformat(f"{as_of}T23:59:59")
    settings = StoreSettings(
        store="s", platform=catalogue.platforms[platform if platform in catalogue.platforms else "generic"], as_of=until
    )
    with open_store_from_rows(rows, catalogue, settings, views=[]) as store:
        wanted = AnswerRequest(load_checklist(platform), date.fromisoformat(as_of), days)
        return {answer.question: answer for answer in answer_questions(store, catalogue, wanted)}


def order(number: int, status: str | None, **more: Any) -> dict[str, Any]:
    return {"order_id": str(number), "status": status, "created_at": f"2026-01-0{number} 10:00:00", **more}


def test_every_question_has_a_file_that_says_what_it_needs() -> None:
    assert [ask.name for ask in load_questions()] == [
        "unfinished_orders", "open_cases", "refund_date", "unsettled_statements", "unpaid_penalties", "listed_stock",
    ]  # fmt: skip


def test_nothing_is_read_from_a_personal_column() -> None:
    tables = load().tables
    for ask in load_questions():
        for name, column in tables[ask.table].columns.items():
            assert column.personal is None or name not in ask.sql, (ask.name, name)


def test_without_a_file_every_answer_is_unknown_and_says_what_to_export() -> None:
    found = asked({"messages": [{"conversation_id": "c", "sent_at": "2026-01-01 10:00:00", "sender_id": "a"}]})
    assert {answer.state for answer in found.values()} == {"unknown"}
    assert all(answer.count is None and answer.how_to_export and answer.needs for answer in found.values())
    assert "shop.jd.com" in str(found["open_cases"].how_to_export[0])


def test_unfinished_orders_are_counted_by_status_with_their_rows() -> None:
    rows = [
        order(1, "completed", completed_at="2026-01-09 10:00:00"),
        order(2, "shipped"),
        order(3, "cancelled"),
        order(4, "delivered"),
    ]
    found = asked({"orders": rows})["unfinished_orders"]
    assert (found.state, found.count, found.by_state) == ("pending", 2, {"delivered": 1, "shipped": 1})
    assert [(row.id, row.line) for row in found.rows] == [("2", 3), ("4", 5)]
    assert (found.first, found.last) == (date(2026, 1, 1), date(2026, 1, 9))


def test_an_order_of_unknown_status_is_unfinished_unless_its_times_say_otherwise() -> None:
    rows = [order(1, None), order(2, None, completed_at="2026-01-09 10:00:00"), order(3, "paid")]
    found = asked({"orders": rows})["unfinished_orders"]
    assert found.by_state == {"paid": 1, "unknown": 1}


def test_all_finished_is_clear_and_says_which_days_the_files_cover() -> None:
    found = asked({"orders": [order(1, "completed", completed_at="2026-01-09 10:00:00")]})["unfinished_orders"]
    assert (found.state, found.count, found.last) == ("clear", 0, date(2026, 1, 9))


def test_open_cases_count_what_has_not_ended() -> None:
    rows = [
        {"case_id": "a", "status": "open", "applied_at": "2026-01-02 10:00:00"},
        {"case_id": "b", "status": "cancelled", "applied_at": "2026-01-02 10:00:00"},
        {"case_id": "c", "status": None, "applied_at": "2026-01-02 10:00:00", "refunded_at": "2026-01-03 10:00:00"},
        {"case_id": "d", "status": "open", "platform_intervened": True, "applied_at": "2026-01-04 10:00:00"},
    ]
    assert asked({"aftersales": rows})["open_cases"].by_state == {"open": 1, "platform_intervened": 1}


def test_the_refund_date_is_the_last_completed_order_plus_the_period() -> None:
    rows = [
        order(1, "completed", completed_at="2026-01-09 10:00:00"),
        order(2, "completed", completed_at="2026-01-20 23:00:00"),
        order(3, "paid"),
    ]
    found = asked({"orders": rows})["refund_date"]
    assert (found.state, found.earliest, found.unfinished) == ("pending", date(2026, 4, 20), 1)
    assert found.last_completed is not None
    assert (found.last_completed.id, found.last_completed.line) == ("2", 3)
    assert found.period_sure == "unverified"
    assert asked({"orders": rows}, as_of="2026-04-20")["refund_date"].state == "clear"


def test_douyins_period_is_a_range_and_an_own_number_replaces_it() -> None:
    rows = {"orders": [order(1, "completed", completed_at="2026-01-10 10:00:00")]}
    found = asked(rows, platform="douyin")["refund_date"]
    assert (found.earliest_least, found.earliest) == (date(2026, 2, 9), date(2026, 4, 10))
    assert found.period_sure == "official"
    own = asked(rows, platform="douyin", days=15)["refund_date"]
    assert (own.earliest_least, own.earliest, own.state) == (None, date(2026, 1, 25), "clear")


def test_no_completion_time_is_no_date() -> None:
    found = asked({"orders": [order(1, "completed")]})["refund_date"]
    assert (found.state, found.needs, found.earliest) == ("unknown", ("orders.completed_at",), None)


def test_orders_completed_after_the_day_are_not_known_yet() -> None:
    rows = {
        "orders": [
            order(1, "completed", completed_at="2026-01-09 10:00:00"),
            order(2, "completed", completed_at="2026-02-20 10:00:00"),
        ]
    }
    found = asked(rows, as_of="2026-02-01")
    assert found["refund_date"].earliest == date(2026, 4, 9)
    assert found["unfinished_orders"].count == 1


@pytest.mark.parametrize(
    ("row", "state"),
    [
        ({}, "unknown"),
        ({"status": "unpaid"}, "pending"),
        ({"status": "paid"}, "clear"),
        ({"paid_at": "2026-01-05 10:00:00"}, "clear"),
        ({"paid_at": "2026-09-05 10:00:00"}, "pending"),
    ],
)
def test_a_fund_journal_without_a_paid_column_is_no_answer(row: dict[str, Any], state: str) -> None:
    base = {"entry_id": "p", "booked_at": "2026-01-02 10:00:00", "kind": "late", "amount": 3}
    found = asked({"penalties": [base | row]})["unpaid_penalties"]
    assert found.state == state
    assert found.needs == (("penalties.status", "penalties.paid_at") if state == "unknown" else ())


def test_unsettled_statements_count_once_whatever_their_lines() -> None:
    rows = [
        {"statement_id": "S1", "status": "unsettled", "amount": 1},
        {"statement_id": "S1", "status": "unsettled", "amount": 2},
        {"statement_id": "S2", "status": "settled", "amount": 2},
        {"statement_id": "S3", "settled_at": "2026-09-01 10:00:00", "status": "settled"},
    ]
    found = asked({"settlements": rows})["unsettled_statements"]
    assert (found.count, [row.id for row in found.rows]) == (2, ["S1", "S3"])


def test_only_the_latest_snapshot_says_what_is_listed() -> None:
    rows = [
        {"sku_id": "a", "warehouse": "w", "taken_at": "2026-01-01 10:00:00", "listed": True},
        {"sku_id": "a", "warehouse": "w", "taken_at": "2026-02-01 10:00:00", "listed": False},
        {"sku_id": "b", "warehouse": "w", "taken_at": "2026-01-01 10:00:00", "listed": True},
        {"sku_id": "b", "warehouse": "v", "taken_at": "2026-01-01 10:00:00", "listed": True},
        {"sku_id": "c", "warehouse": "w", "taken_at": "2026-01-01 10:00:00", "listed": None},
    ]
    found = asked({"stock": rows})["listed_stock"]
    assert [row.id for row in found.rows] == ["b", "c"]
    assert found.by_state == {"listed": 1, "unknown": 1}


def test_stock_without_a_listed_column_is_no_answer() -> None:
    found = asked({"stock": [{"sku_id": "a", "warehouse": "w", "taken_at": "2026-01-01 10:00:00", "available": 3}]})
    assert found["listed_stock"].state == "unknown"


def test_every_row_travels() -> None:
    rows = [{"order_id": str(number), "status": "paid", "created_at": "2026-01-02 10:00:00"} for number in range(50)]
    found = asked({"orders": rows})["unfinished_orders"]
    assert (found.count, len(found.rows)) == (50, 50)


def test_a_product_whose_shelf_state_was_not_understood_is_not_counted_as_off_sale() -> None:
    rows = [
        {"sku_id": "a", "warehouse": "w", "taken_at": "2026-01-01 10:00:00", "listed": False},
        {"sku_id": "b", "warehouse": "w", "taken_at": "2026-01-01 10:00:00", "listed": None},
    ]
    found = asked({"stock": rows})["listed_stock"]
    assert (found.state, found.by_state) == ("pending", {"unknown": 1})


def test_statements_cover_the_days_their_own_times_say() -> None:
    rows = [
        {"statement_id": "S1", "status": "unsettled", "issued_at": "2026-01-05 10:00:00"},
        {"statement_id": "S2", "status": "settled", "settled_at": "2026-01-20 10:00:00"},
        {"statement_id": "S3", "status": "unsettled", "due_at": "2026-06-20 10:00:00"},
    ]
    found = asked({"settlements": rows})["unsettled_statements"]
    assert (found.first, found.last) == (date(2026, 1, 5), date(2026, 1, 20))


def test_statements_without_any_time_cover_no_days_that_are_known() -> None:
    found = asked({"settlements": [{"statement_id": "S1", "status": "unsettled"}]})["unsettled_statements"]
    assert (found.state, found.first, found.last) == ("pending", None, None)
    head = str(next(word_answer(found, 5)))
    assert head == "unsettled statements: 1 (unsettled 1; the days the files cover are not known)"


@pytest.mark.parametrize("table", ["orders", "aftersales", "stock", "penalties", "settlements"])
def test_where_every_row_is_of_a_later_day_no_file_can_tell(table: str) -> None:
    late = "2026-06-01 10:00:00"
    row = {
        "orders": {"order_id": "1", "status": "completed", "created_at": late, "completed_at": late},
        "aftersales": {"case_id": "1", "status": "cancelled", "applied_at": late},
        "stock": {"sku_id": "1", "warehouse": "w", "taken_at": late, "listed": False},
        "penalties": {"entry_id": "1", "status": "paid", "booked_at": late},
        "settlements": {"statement_id": "1", "status": "settled", "issued_at": late},
    }[table]
    about = {ask.name for ask in load_questions() if ask.table == table}
    found = [answer for answer in asked({table: [row]}).values() if answer.question in about]
    assert found
    for answer in found:
        assert (answer.state, answer.count, answer.starts) == ("unknown", None, date(2026, 6, 1)), answer.question
        assert "no file shows this; the rows start on 2026-06-01" in str(next(word_answer(answer, 5)))


def test_the_layout_to_fill_is_named_with_its_page() -> None:
    found = asked({"orders": [order(1, "completed")]})["unsettled_statements"]
    assert "(columns: generic_settlements, docs/layouts.md)" in str(found.how_to_export[0])
