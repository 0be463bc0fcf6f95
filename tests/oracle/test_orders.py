"""Rules over orders and parcels count what the second implementation counts, case by case."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import Phase, given
from hypothesis import strategies as st

from storehealth.catalogue.common import Fact
from storehealth.db import Store, StoreSettings, open_store_from_rows
from storehealth.measure.query import RuleQuery
from storehealth.model import Window
from tests.effort import PROFILE, examples
from tests.oracle.orders import OUT_OF_STOCK, OrderFile, judge_waybills, list_cases, measure_journeys, outcomes_by_rule
from tests.views.naive_fulfilments import Order, Parcel
from tests.views.test_fulfilments_property import BOOK, LATER, LONG_AGO, MONDAY, _numbered, _rows, moments, orders

OF_ORDERS = ("LG01", "LG02", "LG03", "LG09", "LG16", "OP01", "ST02")
OF_WAYBILLS = ("LG07", "LG15")
RANDOM_STORES: dict[str, Any] = {
    "derandomize": PROFILE == "ci",
    "phases": [Phase.explicit, Phase.reuse, Phase.generate],
}
"""The same stores in each CI run, others every night. Shrinking six orders of eleven columns would take too long."""


def read_outcomes(store: Store, code: str) -> Counter[tuple[str, str]]:
    """How many rows of an entity have which outcome of one rule in the database."""
    rule = BOOK.rules[code].model_copy(update={"advice": (), "causes": ()})
    query = RuleQuery(store.con, rule, None, Window(), BOOK, lambda _, text: text)
    return Counter(query.run(f"SELECT _entity, _outcome FROM {query.rows} WHERE _entity <> 'first'"))


def read_hours(store: Store, code: str) -> Counter[tuple[str, str, float | None]]:
    """How many rows of an entity have which outcome and value, of a rule over values; without those it leaves out."""
    rule = BOOK.rules[code].model_copy(update={"advice": (), "causes": ()})
    query = RuleQuery(store.con, rule, None, Window(), BOOK, lambda _, text: text)
    rows = query.run(f"SELECT _entity, _outcome, round(_value, 6) FROM {query.rows} WHERE _entity <> 'first'")
    return tidy_hours(Counter(rows))


def tidy_hours(rows: Counter[tuple[str, str, float | None]]) -> Counter[tuple[str, str, float | None]]:
    """Rows that count, their hours rounded."""
    found: Counter[tuple[str, str, float | None]] = Counter()
    for (entity, outcome, hours), count in rows.items():
        if outcome != "exempt":
            is_known = hours is not None and outcome != "not_judgeable"
            found[entity, outcome, round(hours, 6) if is_known and hours is not None else None] += count
    return found


@examples(200, **RANDOM_STORES)
@given(
    drawn=st.lists(orders, min_size=1, max_size=6).map(_numbered),
    within=st.sampled_from([0, 24, 48]),
    cutoff=st.sampled_from([24, 15]),
    moment=st.sampled_from([None]) | moments,
    reasons=st.lists(st.sampled_from([None, OUT_OF_STOCK, "changed my mind"]), min_size=6, max_size=6),
)
def test_orders_and_waybills_have_the_outcomes_of_the_second_implementation(
    drawn: Any, within: int, cutoff: int, moment: datetime | None, reasons: list[str | None]
) -> None:
    values = {"ship_within": within * 3600, "same_day_cutoff": cutoff * 3600}
    facts = {name: Fact(value=value, source="test", verified="assumed") for name, value in values.items()}
    wanted = StoreSettings("shop", BOOK.platforms["generic"], facts, as_of=moment)
    why = {order.number: reason for order, reason in zip(drawn[0], reasons, strict=False) if order.cancelled}
    tables = _rows(drawn)
    for row in tables["orders"]:
        row["cancel_reason"] = why.get(row["order_id"], None if row["order_id"] != "first" else "other")
    with open_store_from_rows(tables, BOOK, wanted, ["fulfilments", "parcels"]) as store:
        found = {code: read_outcomes(store, code) for code in (*OF_ORDERS, *OF_WAYBILLS)}
        paces, journeys = read_hours(store, "LG13"), read_hours(store, "LG14")
    file = replace(OrderFile(*drawn), reasons=why).at(moment or LATER)
    until = file.end or MONDAY - timedelta(days=3)
    scanned_until = file.parcels_end or LONG_AGO
    cases = list_cases(file, timedelta(hours=within), timedelta(hours=cutoff), until)
    expected = outcomes_by_rule(cases.values())
    assert {code: found[code] for code in OF_ORDERS} == {
        code: Counter(expected.get(code, {}).items()) for code in OF_ORDERS
    }
    assert {code: found[code] for code in OF_WAYBILLS} == judge_waybills(file, cases, scanned_until)
    assert paces == tidy_hours(Counter((case.order.number, *case.pace()) for case in cases.values()))
    assert journeys == tidy_hours(measure_journeys(file, cases, scanned_until))


def test_a_parcel_travels_from_its_first_scan_even_where_that_is_a_hub() -> None:
    order = Order("o0", created=MONDAY, paid=MONDAY, status="delivered")
    parcel = Parcel("w", "o0", hub=MONDAY + timedelta(hours=5), delivered=MONDAY + timedelta(hours=29))
    wanted = StoreSettings("shop", BOOK.platforms["generic"], {})
    with open_store_from_rows(_rows(([order], [parcel], [])), BOOK, wanted, ["fulfilments", "parcels"]) as store:
        assert read_hours(store, "LG14") == Counter({("o0", "met", 24.0): 1})


def test_a_customers_own_cancellation_is_no_stock_out() -> None:
    tables = _rows(([Order("o0", created=MONDAY, paid=MONDAY, status="cancelled", cancelled_by="buyer")], [], []))
    for row in tables["orders"]:
        row["cancel_reason"] = OUT_OF_STOCK
    with open_store_from_rows(
        tables, BOOK, StoreSettings("shop", BOOK.platforms["generic"], {}), ["fulfilments"]
    ) as store:
        assert read_outcomes(store, "ST02") == Counter({("o0", "met"): 1})


visits = st.lists(st.tuples(st.integers(0, 4), st.none() | st.integers(0, 3)), min_size=1, max_size=25)
"""Orders of one warehouse: the day of payment, and how many days later it left."""


def judge_volume(drawn: list[tuple[int, int | None]]) -> Counter[str]:
    """LG10: each day on which orders came, left or waited; too many for the warehouse, and still waiting at midnight.

    A warehouse that never handed anything over has no capacity to judge its days by.
    """
    left = [day + wait for day, wait in drawn if wait is not None]
    active = sorted(count for count in Counter(left).values())
    found: Counter[str] = Counter()
    last = max([day for day, _ in drawn] + left)
    for day in range(last + 1):
        came = sum(paid == day for paid, _ in drawn)
        waiting = sum(paid <= day and (wait is None or paid + wait > day) for paid, wait in drawn)
        if not (came or waiting or day in left):
            continue
        if not active:
            found["not_judgeable"] += 1
            continue
        place = 0.9 * (len(active) - 1)
        low = int(place)
        high = min(low + 1, len(active) - 1)
        capacity = active[low] + (active[high] - active[low]) * (place - low)
        found["late" if came > capacity and waiting > capacity else "met"] += 1
    return found


@examples(200, **RANDOM_STORES)
@given(drawn=visits)
def test_days_of_a_warehouse_have_the_outcomes_of_the_second_implementation(
    drawn: list[tuple[int, int | None]],
) -> None:
    rows: list[dict[str, Any]] = [
        {"order_id": f"o{number}", "warehouse": "W", "status": "paid" if wait is None else "shipped",
         "created_at": MONDAY + timedelta(days=day), "paid_at": MONDAY + timedelta(days=day),
         "shipped_at": None if wait is None else MONDAY + timedelta(days=day + wait, hours=1)}
        for number, (day, wait) in enumerate(drawn)
    ]  # fmt: skip
    first = dict.fromkeys(("created_at", "paid_at", "shipped_at"), LONG_AGO)
    rows.append({"order_id": "first", "warehouse": "other", "status": "shipped", **first})  # shipping is recorded
    wanted = StoreSettings("shop", BOOK.platforms["generic"], {})
    with open_store_from_rows({"orders": rows}, BOOK, wanted, ["warehouse_days"]) as store:
        found = read_outcomes(store, "LG10")
    counts: Counter[str] = Counter()
    for (day, outcome), count in found.items():
        counts[outcome] += count if day.startswith("W ") else 0
    del counts["exempt"]
    assert counts == judge_volume(drawn)
