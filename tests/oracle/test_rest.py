"""Gaps in traces, gifts sent first, lost sales, roles and data quality count what a plain second implementation counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehealth.db import StoreSettings, open_store_from_rows
from storehealth.measure.query import RuleQuery
from storehealth.model import Window
from tests.effort import examples
from tests.few_rules import list_views
from tests.oracle.test_orders import RANDOM_STORES
from tests.oracle.test_stock import DEMAND, SKUS, Sale, Snapshot, build_rows, sales, snapshots
from tests.views.test_fulfilments_property import BOOK

MONDAY = datetime.fromisoformat("2026-03-02 00:00")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
Rows = dict[str, list[dict[str, Any]]]


def count_outcomes(rows: Rows, code: str, platform: str = "generic") -> Counter[tuple[str, str]]:
    """How many rows of an entity have which outcome of a rule."""
    rule = BOOK.rules[code].model_copy(update={"advice": (), "causes": ()})
    named = BOOK.platforms[platform]
    with open_store_from_rows(rows, BOOK, StoreSettings("shop", named, named.facts), list_views(BOOK, [code])) as store:
        query = RuleQuery(store.con, rule, None, Window(), BOOK, lambda _, text: text)
        return Counter(dict(query.run(f"SELECT (_entity, _outcome), count(*) FROM {query.rows} GROUP BY ALL")))


def sum_outcomes(found: Counter[tuple[str, str]]) -> Counter[str]:
    """Outcome → rows, whatever their entity."""
    counts: Counter[str] = Counter()
    for (_, outcome), count in found.items():
        counts[outcome] += count
    return counts


# -- LG08 ------------------------------------------------------------------------------------------------------------

REMOTE = {
    "tmall": ("新疆", "西藏", "内蒙古", "甘肃", "青海", "宁夏"),
    "douyin": ("新疆", "西藏", "内蒙古", "青海", "宁夏", "云南", "甘肃", "海南"),
}
REGIONS = (("北京", "天津", "河北"), ("江苏", "浙江", "上海", "安徽"))
journeys = st.tuples(
    st.sampled_from([None, "浙江", "上海", "云南", "新疆", "北京"]),
    st.sampled_from(["浙江杭州", "上海", "云南昆明", "河北", "", "分拨中心"]),
    st.lists(
        st.tuples(st.sampled_from(["picked_up", "hub", "hub", "delivering", "delivered", "returned", "other"]),
                  st.sampled_from([1, 12, 24, 24.001, 48, 48.001, 72, 72.001, 120, 120.001])),
        min_size=1, max_size=5,
    ),
)  # fmt: skip


def find_allowance(platform: str, here: str, there: str | None) -> timedelta:
    """How long a parcel may go without a scan on its lane."""
    names = (*REMOTE["douyin"], *(name for region in REGIONS for name in region), "云南")
    ends = [next((name for name in names if name in (text or "")), None) for text in (here, there)]
    if any(end in REMOTE[platform] for end in ends):
        return 120 * HOUR
    if None not in ends and ends[0] == ends[1]:
        return 48 * HOUR
    is_one_region = platform == "tmall" and any(ends[0] in region and ends[1] in region for region in REGIONS)
    return 48 * HOUR if is_one_region else 72 * HOUR


def judge_trace(scans: list[tuple[datetime, str]], allowance: timedelta, until: datetime) -> str:
    """LG08: from pick-up to the end of the journey, the next scan always in time."""
    begins = [at for at, event in scans if event == "picked_up"]
    scans = [(at, event) for at, event in scans if not begins or at >= begins[0]]
    over = next((number for number, (_, event) in enumerate(scans) if event in ("delivered", "returned")), None)
    way = scans if over is None else scans[: over + 1]
    if over == 0:
        return "exempt"  # a mark of arrival alone tells nothing of the way
    limits = [DAY if begins and at == begins[0] else allowance for at, _ in way]
    gaps = [later[0] - earlier[0] for earlier, later in pairwise(way)]
    if any(gap > limit for gap, limit in zip(gaps, limits, strict=False)):
        return "late"
    if over is not None:
        return "met"
    return "overdue" if until - way[-1][0] > limits[-1] else "undecided"


@pytest.mark.parametrize("platform", ["tmall", "douyin"])
@examples(200, **RANDOM_STORES)
@given(drawn=st.lists(journeys, min_size=1, max_size=4))
def test_traces_have_the_outcomes_of_the_second_implementation(platform: str, drawn: list[Any]) -> None:
    rows: Rows = {"orders": [], "shipments": [], "scans": []}
    ways = {}
    for number, (province, place, steps) in enumerate(drawn):
        at, way = MONDAY, []
        for event, hours in steps:
            way.append((at, event))
            rows["scans"].append({"waybill_no": f"w{number}", "scanned_at": at, "event": event, "location": place})
            at += timedelta(seconds=round(hours * 3600))
        ways[f"o{number}"] = (way, find_allowance(platform, place, province))
        rows["orders"].append(
            {"order_id": f"o{number}", "status": "shipped", "created_at": MONDAY, "province": province}
        )
        rows["shipments"].append({"waybill_no": f"w{number}", "order_id": f"o{number}"})
    rows["scans"].append({"waybill_no": "x", "scanned_at": MONDAY, "event": "picked_up", "location": "浙江"})
    rows["scans"].append({"waybill_no": "x", "scanned_at": MONDAY + HOUR, "event": "hub", "location": "浙江"})
    until = max(row["scanned_at"] for row in rows["scans"])
    expected = Counter(
        {(order, outcome): 1 for order, way in ways.items() if (outcome := judge_trace(*way, until)) != "exempt"}
    )
    found = count_outcomes(rows, "LG08", platform)
    assert Counter({key: count for key, count in found.items() if key[0] in ways}) == expected


# -- LG12: what times, weights and notes tell ------------------------------------------------------------------------

suspects = st.tuples(
    st.sampled_from([None, "缺货，先发赠品", "请用纸箱，附赠品"]),
    st.lists(st.tuples(st.sampled_from([-1, 1, 24, 47, 48, 49]), st.sampled_from([0.1, 1.0])), min_size=1, max_size=2),
)


def is_suspect(paid: datetime, note: str | None, parcels: list[tuple[datetime, float]]) -> bool:
    """Whether the note says so, a scan precedes payment, or the first parcel is far lighter and a day ahead."""
    first, last = min(parcels), max(parcels)
    light = first[1] < last[1] / 3 and last[0] - first[0] >= DAY
    return note == "缺货，先发赠品" or first[0] < paid or light


@examples(200, **RANDOM_STORES)
@given(drawn=st.lists(suspects, min_size=1, max_size=5))
def test_gifts_sent_first_are_those_of_the_second_implementation(drawn: list[Any]) -> None:
    rows: Rows = {"orders": [], "shipments": []}
    expected: Counter[tuple[str, str]] = Counter()
    for number, (note, steps) in enumerate(drawn):
        parcels = [(MONDAY + hours * HOUR, weight) for hours, weight in steps]
        rows["orders"].append({"order_id": f"o{number}", "status": "shipped", "created_at": MONDAY - DAY, "paid_at": MONDAY,
                               "seller_note": note})  # fmt: skip
        rows["shipments"] += [
            {"waybill_no": f"w{number}-{place}", "order_id": f"o{number}", "picked_up_at": at, "weight_kg": weight}
            for place, (at, weight) in enumerate(parcels)
        ]
        expected[f"o{number}", "late" if is_suspect(MONDAY, note, parcels) else "met"] += 1
    assert count_outcomes(rows, "LG12") == expected


# -- ST05 ------------------------------------------------------------------------------------------------------------


def find_losses(drawn: list[Snapshot], sold: list[Sale]) -> Counter[tuple[str, float]]:
    """ST05: SKU and loss of each of its days without a piece anywhere, at its pace before and its price of ten."""
    first = min((sale.paid.date() for sale in sold if sale.status != "cancelled"), default=None)
    found: Counter[tuple[str, float]] = Counter()
    for sku in SKUS:
        own = [snapshot for snapshot in drawn if snapshot.sku == sku]
        for day in sorted({snapshot.at.date() for snapshot in own}):
            latest: dict[str, Snapshot] = {}
            for snapshot in sorted(own, key=lambda snapshot: snapshot.at):
                if snapshot.at.date() <= day:
                    latest[snapshot.warehouse] = snapshot
            days = [sale.paid.date() for sale in sold if sku in sale.skus and sale.status != "cancelled"]
            recent = [paid for paid in days if day - DEMAND <= paid <= day]
            if recent and first is not None and not sum(snapshot.available for snapshot in latest.values()):
                found[sku, round(10 * len(recent) / min(DEMAND.days, (day - first).days + 1), 6)] += 1
    return found


@examples(200, **RANDOM_STORES)
@given(drawn=snapshots, sold=sales)
def test_lost_sales_are_those_of_the_second_implementation(drawn: list[Snapshot], sold: list[Sale]) -> None:
    rows = build_rows(drawn, sold)
    for line in rows["order_lines"]:
        line["unit_price"] = 10
    rule = BOOK.rules["ST05"].model_copy(update={"advice": (), "causes": ()})
    generic = BOOK.platforms["generic"]
    with open_store_from_rows(
        rows, BOOK, StoreSettings("shop", generic, generic.facts), list_views(BOOK, ["ST05"])
    ) as store:
        query = RuleQuery(store.con, rule, None, Window(), BOOK, lambda _, text: text)
        values = query.run(f"SELECT _entity, round(_value, 6) FROM {query.rows} WHERE _outcome <> 'exempt'")
    assert Counter(values) == find_losses(drawn, sold)


# -- TM01 ------------------------------------------------------------------------------------------------------------

work = st.lists(
    st.tuples(
        st.sampled_from(["amy", "bo"]), st.sampled_from(["chat", "review", "handle", "ship"]), st.integers(0, 2),
        st.sampled_from([0, 10, 23]),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


@examples(200, **RANDOM_STORES)
@given(drawn=work)
def test_mixed_roles_are_those_of_the_second_implementation(drawn: list[tuple[str, str, int, int]]) -> None:
    rows: Rows = {"orders": [], "messages": [], "aftersales": [], "shipments": []}
    roles: dict[tuple[str, int], set[str]] = defaultdict(set)
    full = [*drawn, *(("zoe", kind, 0, 10) for kind in ("chat", "review", "handle", "ship"))]
    for number, (person, kind, day, hour) in enumerate(full):
        at = MONDAY + day * DAY + hour * HOUR
        roles[person, day].add("case" if kind in ("review", "handle") else kind)
        rows["orders"].append({"order_id": f"o{number}", "status": "shipped", "created_at": MONDAY, "paid_at": MONDAY})
        if kind == "chat":
            rows["messages"] += [
                {"conversation_id": f"t{number}", "message_id": f"{number}{role}", "sent_at": at + timedelta(seconds=late),
                 "sender_role": role, "sender_id": name, "text": "Hello"}
                for late, role, name in ((0, "customer", f"buyer{number}"), (20, "agent", person))
            ]  # fmt: skip
        elif kind == "ship":
            rows["shipments"].append(
                {"waybill_no": f"w{number}", "order_id": f"o{number}", "handled_by": person, "shipped_at": at}
            )
        else:
            who = (
                {"reviewer_id": person, "first_reviewed_at": at}
                if kind == "review"
                else {"handler_id": person, "processed_at": at}
            )
            rows["aftersales"].append(
                {"case_id": f"c{number}", "order_id": f"o{number}", "kind": "return", "applied_at": MONDAY, **who}
            )
    expected = Counter("late" if len(kinds) == 3 else "met" for kinds in roles.values())
    assert sum_outcomes(count_outcomes(rows, "TM01")) == expected


# -- data quality ----------------------------------------------------------------------------------------------------

ROWS_OF_FILES = [0, 1, 999, 1000, 1001, 9999, 10000, 10001, 65535, 65536, 1048575, 1048576, 1048577]
files = st.lists(
    st.tuples(st.sampled_from([None, "jd_orders", "jd_stock"]), st.sampled_from(ROWS_OF_FILES), st.integers(0, 3)),
    min_size=1, max_size=5,
)  # fmt: skip
FULL = {9999, 10000, 65535, 65536, 1048575, 1048576}


@examples(200, **RANDOM_STORES)
@given(drawn=files)
def test_lost_rows_and_cut_files_are_those_of_the_second_implementation(
    drawn: list[tuple[str | None, int, int]],
) -> None:
    rows: Rows = {
        "files": [
            {"path": f"f{number}.csv", "layout": layout, "rows": count, "rejected": min(lost, count),
             "kept": count - min(lost, count), "duplicates": 0}
            for number, (layout, count, lost) in enumerate(drawn)
        ]
    }  # fmt: skip
    lost_rows, cut = Counter[str](), Counter[str]()
    for layout, count, lost in drawn:
        is_known = layout is not None and count > 0
        lost_rows["exempt" if not is_known else "late" if 1000 * min(lost, count) > count else "met"] += 1
        cut["exempt" if not is_known else "late" if count in FULL else "met"] += 1
    assert sum_outcomes(count_outcomes(rows, "DQ02")) == lost_rows
    assert sum_outcomes(count_outcomes(rows, "DQ04")) == cut


@examples(200, **RANDOM_STORES)
@given(count=st.sampled_from([19, 20, 99, 100, 101]), odd=st.integers(0, 3), second=st.sampled_from([1, 3600]))
def test_coarse_times_are_those_of_the_second_implementation(count: int, odd: int, second: int) -> None:
    """Chats in whole minutes and orders in whole days, but for a few."""
    late = [timedelta(seconds=second) if number < odd else timedelta() for number in range(count)]
    rows: Rows = {
        "messages": [
            {"conversation_id": "t", "message_id": str(number), "sent_at": MONDAY + number * timedelta(minutes=1) + more,
             "sender_role": "customer", "sender_id": "ana", "text": "Hello"}
            for number, more in enumerate(late)
        ],
        "orders": [{"order_id": str(number), "created_at": MONDAY + number * DAY + more} for number, more in enumerate(late)],
    }  # fmt: skip
    shares = {"messages": (count if second == 3600 else count - odd) / count, "orders": (count - odd) / count}
    expected = Counter("exempt" if count < 20 else "late" if share >= 0.99 else "met" for share in shares.values())
    assert sum_outcomes(count_outcomes(rows, "DQ03")) == expected


things = st.lists(
    st.tuples(st.sampled_from(["shipments", "aftersales", "reviews"]), st.sampled_from([None, "o1", "x"]),
              st.sampled_from([0, 29, 30, 31])),
    min_size=1, max_size=6,
)  # fmt: skip


@examples(200, **RANDOM_STORES)
@given(drawn=things)
def test_orphans_are_those_of_the_second_implementation(drawn: list[tuple[str, str | None, int]]) -> None:
    rows: Rows = {"orders": [{"order_id": "o1", "status": "paid", "created_at": MONDAY, "paid_at": MONDAY}]}
    expected: Counter[str] = Counter()
    times = {"shipments": "shipped_at", "aftersales": "applied_at", "reviews": "rated_at"}
    ids = {"shipments": "waybill_no", "aftersales": "case_id", "reviews": "review_id"}
    for number, (table, order, days) in enumerate(drawn):
        row = {ids[table]: f"n{number}", "order_id": order, times[table]: MONDAY + days * DAY}
        rows.setdefault(table, []).append(row)
        is_judged = order is not None and days >= 30
        expected["exempt" if not is_judged else "met" if order == "o1" else "late"] += 1
    found = sum_outcomes(count_outcomes(rows, "DQ06"))
    assert {name: found[name] for name in ("met", "late")} == {name: expected[name] for name in ("met", "late")}


answers = st.lists(
    st.tuples(st.sampled_from(["amy", "bo"]), st.sampled_from(["Hello dear", "XL"]), st.integers(18, 22),
              st.lists(st.sampled_from([0, 1, 2, 3, 9]), min_size=1, max_size=4)),
    min_size=1, max_size=4,
)  # fmt: skip


def is_automatic(delays: list[int]) -> bool:
    """DQ09: twenty times, half within two seconds, the middle half within a second of each other."""
    ranked = sorted(delays)

    def quantile(share: float) -> float:
        place = share * (len(ranked) - 1)
        low = int(place)
        return ranked[low] + (ranked[min(low + 1, len(ranked) - 1)] - ranked[low]) * (place - low)

    return len(ranked) >= 20 and quantile(0.5) <= 2 and quantile(0.75) - quantile(0.25) <= 1


@examples(200, **RANDOM_STORES)
@given(drawn=answers)
def test_automatic_answers_are_those_of_the_second_implementation(drawn: list[Any]) -> None:
    rows: Rows = {"messages": []}
    delays: dict[str, list[int]] = defaultdict(list)
    users: dict[str, set[str]] = defaultdict(set)
    for place, (agent, text, count, waits) in enumerate(drawn):
        for number in range(count):
            wait, room, at = waits[number % len(waits)], f"{place}-{number}", MONDAY + HOUR * (place * 30 + number)
            delays[text].append(wait)
            users[text].add(agent)
            rows["messages"] += [
                {"conversation_id": room, "message_id": f"{room}{role}", "sent_at": at + timedelta(seconds=late),
                 "sender_role": role, "sender_id": name, "text": words}
                for late, role, name, words in ((0, "customer", f"b{room}", "Which size?"), (wait, "agent", agent, text))
            ]  # fmt: skip
    automatic = {text for text, waits in delays.items() if is_automatic(waits)}
    agents = {agent for agent, *_ in drawn}
    tainted = {agent for text in automatic for agent in users[text]}
    expected = Counter({"late": len(automatic), "met": len(agents - tainted)})
    assert sum_outcomes(count_outcomes(rows, "DQ09")) == +expected


@examples(200, **RANDOM_STORES)
@given(drawn=st.lists(
    st.tuples(st.sampled_from(["a.csv", "b.csv", "c.csv"]), st.integers(1, 2), st.sampled_from([None, 10, 12]),
              st.sampled_from([None, "浙江", "上海"])),
    min_size=1, max_size=6, unique_by=lambda row: (row[0], row[1]),
))  # fmt: skip
def test_conflicts_are_those_of_the_second_implementation(drawn: list[tuple[str, int, int | None, str | None]]) -> None:
    rows: Rows = {
        "files": [
            {"path": path, "layout": "jd_orders", "rows": 3, "kept": 3, "rejected": 0} for path in ("a.csv", "b.csv", "c.csv")
        ],
        "orders": [
            {"source_file": path, "order_id": f"o{order}", "status": "paid", "created_at": MONDAY, "paid_amount": amount,
             "province": province}
            for path, order, amount, province in drawn
        ],
    }  # fmt: skip
    late = 0
    for order in (1, 2):
        own = [row for row in sorted(drawn, key=lambda row: row[0]) if row[1] == order]
        for place in (2, 3):
            tell = {row[0] for row in drawn if row[place]}  # exports that have the column at all
            values = [row[place] for row in own if row[0] in tell]
            # each row that the youngest export contradicts; a blank of its own leaves the value unknown
            late += sum(value is not None and value != values[-1] for value in values) if values and values[-1] else 0
    found = sum_outcomes(count_outcomes(rows, "DQ05"))
    assert found["late"] == late
    if not late:
        assert found["met"] == 3
