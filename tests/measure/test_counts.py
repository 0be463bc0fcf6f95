"""Counts that a second implementation found wrong: each as the domain documents have it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from storehealth.catalogue import Catalogue, load_catalogue
from storehealth.catalogue.common import Fact, find_unmet_needs
from storehealth.catalogue.mutes import Exemption
from storehealth.catalogue.rule import RuleExample
from storehealth.catalogue.thresholds import resolve_bounds
from storehealth.commands.rule_tests import measure_example
from storehealth.db import StoreSettings, open_store_from_rows
from storehealth.measure import _needs
from storehealth.measure.passes import MOST_TOGETHER, can_share, count_alone, count_together
from storehealth.measure.query import RuleQuery
from storehealth.measure.tally import apply_exemptions
from storehealth.model import Finding, Window
from storehealth.privacy import mask
from tests.faulty import draw_faulty_store
from tests.healthy import FIRST_DAY

Rows = list[dict[str, Any]]


@cache
def book() -> Catalogue:
    return load_catalogue()


def find(code: str, platform: str = "generic", as_of: str | None = None, **given: Rows) -> Finding:
    """The finding of a rule over rows of tables."""
    example = RuleExample.model_validate(
        {"platform": platform, "as_of": as_of, "given": given, "expect": {"status": "pass"}}
    )
    return measure_example(book().rules[code], example, book()).finding


def counted(code: str, **given: Any) -> dict[str, int]:
    """Outcomes with any rows."""
    return {name: count for name, count in find(code, **given).counts.model_dump().items() if count}


PAID = {"created_at": "2026-03-02 09:00:00", "paid_at": "2026-03-02 09:00:00"}
SOLD = {
    "orders": [{"order_id": "o", "status": "completed", **PAID}],
    "order_lines": [{"order_id": "o", "sku_id": "s", "line_id": "l"}],
}


@pytest.mark.parametrize("code", ["ST01", "ST03"])
def test_each_warehouse_counts_by_its_latest_snapshot(code: str) -> None:
    """50 in the north five minutes before midnight, none in the south five minutes after: 50 are available."""
    stock = [
        {"sku_id": "s", "warehouse": "north", "taken_at": "2026-03-09 23:55:00", "available": 50},
        {"sku_id": "s", "warehouse": "south", "taken_at": "2026-03-10 00:05:00", "available": 0},
    ]
    assert counted(code, **SOLD, stock=stock) == {"met": 1, "exempt": 1}
    assert counted(code, **SOLD, stock=stock[::-1]) == {"met": 1, "exempt": 1}


def test_a_day_without_stock_is_one_on_which_no_warehouse_has_any() -> None:
    """The north still has 5 of the day before."""
    lines = [SOLD["order_lines"][0] | {"unit_price": 10}]
    stock = [
        {"sku_id": "s", "warehouse": "north", "taken_at": "2026-03-09 08:00:00", "available": 5},
        {"sku_id": "s", "warehouse": "south", "taken_at": "2026-03-10 08:00:00", "available": 0},
    ]
    assert counted("ST05", orders=SOLD["orders"], order_lines=lines, stock=stock) == {"exempt": 2}


@pytest.mark.parametrize("code", ["LG01", "LG02", "LG03", "LG05"])
def test_the_first_scan_is_the_first_of_any_kind_and_of_the_last_parcel(code: str) -> None:
    """A hub scan in time proves the pick-up; of two parcels the later first scan counts."""
    orders = [
        {
            "order_id": name,
            "status": "shipped",
            "promised_ship_at": None if code == "LG03" else "2026-03-03 08:00:00",
            **PAID,
        }
        for name in ("hub", "two", "picked")
    ]
    shipments = [
        {
            "waybill_no": "w1",
            "order_id": "hub",
            "first_hub_at": "2026-03-02 20:00:00",
            "delivered_at": "2026-03-06 20:00:00",
        },
        {"waybill_no": "w2", "order_id": "two", "picked_up_at": "2026-03-02 20:00:00"},
        {"waybill_no": "w3", "order_id": "two", "first_hub_at": "2026-03-05 20:00:00"},
        {"waybill_no": "w4", "order_id": "picked", "picked_up_at": "2026-03-02 20:00:00"},
    ]
    assert counted(code, orders=orders, shipments=shipments) == {"met": 2, "late": 1}


@pytest.mark.parametrize("code", ["LG01", "LG02", "LG03"])
@pytest.mark.parametrize(
    "ending", [{"status": "completed"}, {"status": "shipped", "completed_at": "2026-03-08 09:00:00"}]
)
def test_a_completed_order_without_a_scan_is_not_judgeable(code: str, ending: dict[str, str]) -> None:
    """It left at some time; only the one that is still open is overdue."""
    orders = [{"order_id": "done", **PAID, **ending}, {"order_id": "open", "status": "paid", **PAID},
              {"order_id": "other", "status": "shipped", **PAID}]  # fmt: skip
    shipments = [
        {"waybill_no": "w1", "order_id": "done", "shipped_at": "2026-03-02 10:00:00"},
        {"waybill_no": "w2", "order_id": "other", "picked_up_at": "2026-03-09 20:00:00"},
    ]
    found = counted(code, orders=orders, shipments=shipments)
    assert (found["not_judgeable"], found["overdue"], found["late"]) == (1, 1, 1)


def test_a_review_ten_days_later_makes_no_shipped_order_overdue() -> None:
    """Nor does a penalty make a case overdue: neither table would show the step that is waited for."""
    orders = [
        {"order_id": "o", "status": "paid", "promised_ship_at": "2026-03-04 09:00:00", **PAID},
        {
            "order_id": "p",
            "status": "shipped",
            "shipped_at": "2026-03-02 20:00:00",
            "promised_ship_at": "2026-03-04 09:00:00",
            **PAID,
        },
    ]
    reviews = [{"review_id": "r", "order_id": "p", "rated_at": "2026-03-14 09:00:00", "stars": 5}]
    assert counted("LG05", orders=orders, reviews=reviews) == {"met": 1, "undecided": 1}
    cases = [
        {"case_id": "c", "status": "open", "applied_at": "2026-03-02 09:00:00"},
        {
            "case_id": "d",
            "status": "closed",
            "applied_at": "2026-03-02 09:00:00",
            "first_reviewed_at": "2026-03-02 10:00:00",
            "closed_at": "2026-03-02 11:00:00",
        },
    ]
    penalties = [{"entry_id": "e", "booked_at": "2026-03-20 09:00:00", "amount": 1}]
    for code in ("AS01", "AS02"):
        assert counted(code, aftersales=cases, penalties=penalties) == {"met": 1, "undecided": 1}


def test_orders_alone_do_not_show_what_parcels_would() -> None:
    """Where only the parcel file tells of shipping, open orders are measured to its end."""
    orders = [{"order_id": "o", "promised_ship_at": "2026-03-04 09:00:00", **PAID},
              {"order_id": "p", "promised_ship_at": "2026-03-04 09:00:00", **PAID},
              {"order_id": "q", "created_at": "2026-03-20 09:00:00", "paid_at": "2026-03-20 09:00:00"}]  # fmt: skip
    shipments = [{"waybill_no": "w", "order_id": "p", "shipped_at": "2026-03-02 20:00:00"}]
    found = counted("LG13", orders=orders, shipments=shipments)
    assert "overdue" not in found


def test_parcels_are_dated_by_pick_up_and_those_sent_back_are_on_no_way() -> None:
    """Neither shipped nor uploaded: LG14 dates them by their pick-up."""
    shipments = [
        {"waybill_no": name, "order_id": name, "picked_up_at": "2026-03-02 20:00:00"} for name in ("a", "b", "c")
    ]
    shipments[0]["delivered_at"] = "2026-03-04 08:00:00"
    scans = [{"waybill_no": "b", "scanned_at": "2026-03-05 08:00:00", "event": "returned"}]
    orders = [{"order_id": name, **PAID} for name in ("a", "b", "c")]
    finding = find("LG14", orders=orders, shipments=shipments, scans=scans)
    assert {name: count for name, count in finding.counts.model_dump().items() if count} == {
        "met": 1,
        "undecided": 1,
        "exempt": 1,
    }


def say(room: str, *lines: tuple[str, str, str]) -> Rows:
    names = {"C": ("customer", "ana"), "A": ("agent", "amy"), "R": ("bot", "jimi"), "S": ("system", "system")}
    return [
        {"conversation_id": room, "message_id": f"{room}{n}", "sent_at": f"2026-03-02 {at}", "sender_role": names[who][0],
         "sender_id": f"{names[who][1]}{room}", "text": text or None, "event": text if who == "S" else None}
        for n, (who, at, text) in enumerate(lines)
    ]  # fmt: skip


def test_who_comes_back_after_closing_and_is_answered_did_not_leave() -> None:
    """Abandonment is judged per turn: was it open when the session was closed?"""
    back = say("b", ("C", "10:00:00", "Hello?"), ("A", "10:00:10", "Hi"), ("S", "10:01:00", "closed"),
               ("C", "10:05:00", "One more?"), ("A", "10:05:10", "Yes"))  # fmt: skip
    left = say("l", ("C", "10:00:00", "Hello?"), ("S", "10:01:00", "closed"), ("C", "10:05:00", "Still me?"),
               ("A", "10:05:10", "Yes"), ("S", "10:06:00", "closed"))  # fmt: skip
    assert counted("CS05", messages=back + left) == {"met": 1, "late": 1}


def test_the_robots_share_counts_within_service_hours() -> None:
    """At night JD's robot answers alone as well; such chats count in no rate."""
    day = say("d", ("C", "10:00:00", "Hello?"), ("R", "10:00:01", "Hi"))
    night = say("n", ("C", "04:00:00", "Hello?"), ("R", "04:00:01", "Hi"))
    later = say("x", ("C", "12:00:00", "Hello?"), ("A", "12:00:10", "Hi"))
    assert counted("CS07", platform="jd", as_of="2026-03-10 12:00:00", messages=day + night + later) == {
        "met": 1,
        "late": 1,
        "exempt": 1,
    }


CASE = {
    "kind": "return",
    "status": "closed",
    "applied_at": "2026-03-01 09:00:00",
    "first_reviewed_at": "2026-03-01 10:00:00",
}


def test_the_customers_own_waiting_is_not_the_stores() -> None:
    """Reviewed within an hour, sent back after eight days: the store had the case for three hours."""
    sent = CASE | {"case_id": "a", "returned_at": "2026-03-09 09:00:00", "closed_at": "2026-03-09 11:00:00"}
    slow = CASE | {"case_id": "b", "kind": "refund_only", "closed_at": "2026-03-09 11:00:00"}
    assert counted("AS02", aftersales=[sent, slow]) == {"met": 1, "late": 1}


def test_a_case_waits_since_its_latest_step() -> None:
    """The goods came back before the review, which is the later step."""
    case = CASE | {"case_id": "a", "status": "open", "applied_at": "2026-02-20 09:00:00", "received_at": "2026-02-21 09:00:00",
                   "first_reviewed_at": "2026-03-09 09:00:00"}  # fmt: skip
    now = {"case_id": "z", "status": "open", "kind": "refund_only", "applied_at": "2026-03-09 12:00:00"}
    assert counted("AS03", aftersales=[case, now]) == {"met": 2}


def test_an_order_cancelled_after_delivery_is_not_judgeable() -> None:
    """It left in time or not; the cancellation tells nothing of that."""
    orders = [
        {
            "order_id": "o",
            "status": "cancelled",
            "cancelled_at": "2026-03-10 09:00:00",
            "cancelled_by": "seller",
            "promised_ship_at": "2026-03-04 09:00:00",
            **PAID,
        },
        {
            "order_id": "p",
            "status": "shipped",
            "promised_ship_at": "2026-03-04 09:00:00",
            "shipped_at": "2026-03-03 09:00:00",
            **PAID,
        },
    ]
    shipments = [{"waybill_no": "w", "order_id": "o", "delivered_at": "2026-03-06 09:00:00"}]
    assert counted("LG05", orders=orders, shipments=shipments) == {"met": 1, "not_judgeable": 1}


def test_of_two_requests_in_one_second_the_row_order_does_not_choose() -> None:
    """By the number of the case: the first request names quality, whichever stands first in the file."""
    orders = [{"order_id": "o", "status": "completed", "completed_at": "2026-03-08 09:00:00", **PAID}]
    cases = [{"case_id": "a", "order_id": "o", "reason": "quality", "applied_at": "2026-03-09 09:00:00"},
             {"case_id": "b", "order_id": "o", "reason": "size", "applied_at": "2026-03-09 09:00:00"}]  # fmt: skip
    assert (
        counted("AS05", orders=orders, aftersales=cases)
        == counted("AS05", orders=orders, aftersales=cases[::-1])
        == {"late": 1}
    )


def test_days_that_differ_compare_and_equal_days_cannot_be_judged() -> None:
    """Orders whose times are dates: shipped the day before, the day after, and on the promised day."""
    day = "2026-03-0{} 00:00:00"
    fixed = {"created_at": day.format(1), "paid_at": day.format(1), "promised_ship_at": day.format(4)}
    orders = [{"order_id": str(n), "shipped_at": day.format(n), **fixed} for n in (3, 4, 5)]
    orders += [{"order_id": f"more{n}", "shipped_at": day.format(3), **fixed} for n in range(20)]
    assert counted("LG05", orders=orders) == {"met": 21, "late": 1, "not_judgeable": 1}


def _fill_up(queries: list[RuleQuery]) -> list[RuleQuery]:
    """As many rules as a pass has at most: the last of these under further codes."""
    last = queries[-1]
    codes = (f"XX{number:02}" for number in range(MOST_TOGETHER - len(queries)))
    return queries + [replace(last, rule=last.rule.model_copy(update={"code": code})) for code in codes]


@pytest.mark.parametrize("has_few_rows", [True, False], ids=["fetched", "grouped"])
def test_rules_counted_together_are_counted_as_alone(has_few_rows: bool) -> None:
    """Totals, slices, entities, advice and figures beside, of as many rules as share a pass; with an exemption as well."""
    catalogue, generic = book(), book().platforms["generic"]
    hours = Fact(value=("09:00-22:00",), source="test", verified="assumed")
    settings = StoreSettings("store", generic, {**generic.facts, "service_hours": hours})
    exempt = Exemption(code="LG05", reason="test", **{"from": FIRST_DAY.date(), "to": FIRST_DAY.date()})
    groups = defaultdict[str, list[RuleQuery]](list)
    tables = {name: rows for name, rows in draw_faulty_store(2).items() if name not in ("agent_days", "settlements")}
    with open_store_from_rows(tables, catalogue, settings) as store:
        for rule in catalogue.rules.values():
            query = RuleQuery(store.con, rule, resolve_bounds(rule, generic.limits), Window(), catalogue, mask)
            query = replace(apply_exemptions(query, (exempt,)), has_few_rows=has_few_rows)
            if can_share(query) and not find_unmet_needs(_needs(query), store.filled):
                groups[rule.measure.over].append(query)
        shared = {over: _fill_up(queries) for over, queries in groups.items() if len(queries) > 1}
        together = {code: totals for queries in shared.values() for code, totals in count_together(queries).items()}
        alone = {query.rule.code: count_alone(query) for queries in shared.values() for query in queries}
    assert len(alone) > 20
    assert sum(totals.counts.total.defects > 0 for totals in alone.values()) > 10
    for code, expected in alone.items():
        found = together[code]
        assert found.counts.total == expected.counts.total, code
        assert found.counts.tallies == expected.counts.tallies, code
        assert found._replace(counts=expected.counts) == expected, code
