"""Signs of a gift sent first, missing days, guessed senders and joined chats are those of a plain second implementation.

Written from the texts of the rules and the domain documents; the outcomes are compared row by row.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import log
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.effort import examples
from tests.oracle.test_orders import RANDOM_STORES
from tests.oracle.test_rest import DAY, HOUR, MONDAY, Rows, count_outcomes, sum_outcomes

# -- LG12: what people say, stock, weights, scans and shared waybills tell ---------------------------------------------

PLACES = (("b1", "浙江", "杭州"), ("b2", "浙江", "杭州"), ("b3", "四川", "成都"), ("b1", "四川", "成都"))
USUAL_KG = 1.0
NO_SCAN = timedelta(hours=48)


@dataclass
class Sent:
    """One order of one SKU that was handed over, with what the files tell about it."""

    place: tuple[str, str, str]
    """Buyer, province, city."""
    hours: int
    """From Monday to the hand-over as the seller marked it."""
    scanned_after: float | None
    """Hours from the hand-over to the carrier's scan."""
    weight: float | None
    pieces: int
    paid_before: int
    """Hours from payment to the hand-over as the seller marked it."""
    agent: str | None
    customer: str | None
    sku: str
    waybill: str
    """``own``, or one that other orders may have too."""

    @property
    def left(self) -> datetime:
        """When the seller marked it as shipped."""
        return MONDAY + self.hours * HOUR

    @property
    def paid(self) -> datetime:
        """When the customer paid."""
        return self.left - self.paid_before * HOUR

    @property
    def handed_over(self) -> datetime:
        """When the carrier had it, else when the seller says so."""
        return self.scan or self.left

    @property
    def scan(self) -> datetime | None:
        """The carrier's first scan."""
        return None if self.scanned_after is None else self.left + timedelta(hours=self.scanned_after)


sent = st.builds(
    Sent, place=st.sampled_from(PLACES), hours=st.sampled_from([0, 1, 24, 60]),
    scanned_after=st.sampled_from([None, 1, 1, 1, 47.9, 48.1]),
    weight=st.sampled_from([None, 1.0, 1.0, 0.4, 0.3, 0.32, 0.34, 0.6]),
    pieces=st.sampled_from([1, 1, 2]), paid_before=st.sampled_from([1, 40, 200]),
    agent=st.sampled_from([None, None, "您好", "缺货，先给您发个赠品"]),
    customer=st.sampled_from([None, None, "什么时候到", "收到的是空包裹"]), sku=st.sampled_from(["a", "a", "b"]),
    waybill=st.sampled_from(["own", "own", "own", "shared"]),
)  # fmt: skip
counts_of_b = st.lists(
    st.tuples(st.sampled_from(["north", "south"]), st.sampled_from([-5, 0, 12, 30, 70]), st.sampled_from([0, 0, 4])),
    max_size=4, unique_by=lambda row: row[:2],
)  # fmt: skip


def is_stock_gone(counts: list[tuple[str, int, int]], order: Sent) -> bool:
    """Whether its SKU was at zero, each warehouse by its latest snapshot, counted before payment in the day before it left.

    A zero counted after payment may leave out the very goods that were reserved for the order.
    """
    latest: dict[str, int] = {}
    counted = None
    for warehouse, hours, pieces in sorted(counts, key=lambda row: row[1]):
        if MONDAY + hours * HOUR <= order.handed_over:
            latest[warehouse], counted = pieces, MONDAY + hours * HOUR
    if counted is None or sum(latest.values()):
        return False
    return counted <= order.paid and order.handed_over - counted < DAY


def has_sign(order: Sent, everything: list[Sent], counts: list[tuple[str, int, int]], until: datetime) -> bool:
    """Whether one of the signs speaks against an order."""
    others = [other for other in everything if order.waybill == other.waybill == "shared" and other is not order]
    is_shared = any(other.place[0] != order.place[0] and other.place[1:] != order.place[1:] for other in others)
    is_light = order.weight is not None and order.weight < USUAL_KG * order.pieces / 3
    is_unseen = (order.scan or until) - order.left >= NO_SCAN
    return any(
        (order.agent == "缺货，先给您发个赠品", order.customer == "收到的是空包裹", is_light, is_unseen, is_shared,
         order.sku == "b" and is_stock_gone(counts, order))
    )  # fmt: skip


@examples(200, **RANDOM_STORES)
@given(drawn=st.lists(sent, min_size=1, max_size=5), counts=counts_of_b)
def test_other_signs_of_gifts_are_those_of_the_second_implementation(
    drawn: list[Sent], counts: list[tuple[str, int, int]]
) -> None:
    usual = [
        Sent(("u", "浙江", "杭州"), 0, 1, USUAL_KG, 1, 200, None, None, sku, "own")
        for sku in ("a", "b")
        for _ in range(20)
    ]
    rows: Rows = {"orders": [], "order_lines": [], "shipments": [], "messages": [], "stock": []}
    for number, order in enumerate([*drawn, *usual]):
        name = f"o{number}"
        buyer, province, city = order.place
        rows["orders"].append(
            {"order_id": name, "status": "shipped", "created_at": order.paid, "paid_at": order.paid,
             "buyer_id": buyer if number < len(drawn) else name, "province": province, "city": city}
        )  # fmt: skip
        rows["order_lines"].append({"order_id": name, "line_id": "1", "sku_id": order.sku, "quantity": order.pieces})
        rows["shipments"].append(
            {"waybill_no": "shared" if order.waybill == "shared" else name, "order_id": name, "shipped_at": order.left,
             "picked_up_at": order.scan, "weight_kg": order.weight}
        )  # fmt: skip
        for late, role, text in ((0, "customer", order.customer), (20, "agent", order.agent)):
            if text:
                rows["messages"].append(
                    {"conversation_id": f"t{number}", "message_id": f"{name}{role}", "sender_role": role, "text": text,
                     "sent_at": MONDAY + 9 * DAY + timedelta(seconds=late),
                     "sender_id": role, "customer_id": name, "order_id": name}
                )  # fmt: skip
    rows["stock"] = [
        {"sku_id": "b", "warehouse": warehouse, "taken_at": MONDAY + hours * HOUR, "available": pieces}
        for warehouse, hours, pieces in counts
    ] + [{"sku_id": "x", "warehouse": "north", "taken_at": MONDAY, "available": 0}]
    until = max(at for order in [*drawn, *usual] for at in (order.left, order.scan) if at)
    expected = {
        f"o{number}": "late" if has_sign(order, drawn, counts, until) else "met" for number, order in enumerate(drawn)
    }
    found = count_outcomes(rows, "LG12")
    assert {key: outcome for key, outcome in found if key in expected} == expected


# -- DQ01: a run of empty days -----------------------------------------------------------------------------------------


def find_gaps(usual: list[int], days: int, gap: tuple[int, int], last: int | None) -> Counter[str]:
    """Each day of the file: missing where a run of empty days should have brought too many rows for chance."""
    start = date(2026, 3, 2)
    rows = [usual[(start + number * DAY).weekday()] if not gap[0] <= number < sum(gap) else 0 for number in range(days)]
    if last is not None:
        rows[-1] = last
    first, end = (next(number for number in order if rows[number]) for order in (range(days), range(days - 1, -1, -1)))
    found: Counter[str] = Counter()
    run: list[int] = []
    for number in range(first, end + 1):
        if rows[number] == 0:
            run.append(number)
            continue
        lost = sum(usual[(start + day * DAY).weekday()] for day in run)
        is_gap = lost >= log(20 * (end - first + 1))
        for day in run:
            is_missing = is_gap and usual[(start + day * DAY).weekday()] > 0
            found["late" if is_missing else "met"] += 1
        run = []
        is_partial = number == end and rows[number] < usual[(start + number * DAY).weekday()] / 2
        found["exempt" if is_partial else "met"] += 1
    return found


@examples(200, **RANDOM_STORES)
@given(
    usual=st.lists(st.sampled_from([0, 1, 2, 5, 12]), min_size=7, max_size=7).filter(any),
    weeks=st.integers(5, 12), gap=st.tuples(st.integers(1, 20), st.integers(0, 7)), last=st.none() | st.integers(1, 6),
)  # fmt: skip
def test_missing_days_are_those_of_the_second_implementation(
    usual: list[int], weeks: int, gap: tuple[int, int], last: int | None
) -> None:
    days = 7 * weeks
    rows: Rows = {"orders": []}
    for number in range(days):
        at = MONDAY + number * DAY
        count = last if number == days - 1 and last else usual[at.weekday()]
        if not gap[0] <= number < sum(gap):
            rows["orders"] += [
                {"order_id": f"{number}-{place}", "status": "paid", "created_at": at + 12 * HOUR}
                for place in range(count)
            ]
    assert sum_outcomes(count_outcomes(rows, "DQ01")) == find_gaps(usual, days, gap, last)


# -- DQ07: who answers -------------------------------------------------------------------------------------------------

MANY = 40
people = st.lists(
    st.tuples(st.sampled_from(["agent", "bot", "unknown", "customer"]), st.booleans(), st.sampled_from([1, MANY])),
    min_size=1, max_size=4,
)  # fmt: skip


@examples(200, **RANDOM_STORES)
@given(drawn=people)
def test_guessed_senders_are_those_of_the_second_implementation(drawn: list[tuple[str, bool, int]]) -> None:
    """A line's word or the workbook tells who answers; else many chats with many customers only suggest it."""
    rows: Rows = {"messages": [], "conversations": []}
    expected: Counter[tuple[str, str]] = Counter()
    for place, (role, is_listed, chats) in enumerate(drawn):
        name = f"p{place}"
        for number in range(chats):
            room, at = f"{name}-{number}", MONDAY + number * HOUR
            rows["messages"] += [
                {"conversation_id": room, "message_id": f"{room}{late}", "sent_at": at + timedelta(seconds=late),
                 "sender_role": word, "sender_id": sender, "customer_id": f"c{room}", "text": "Which size?"}
                for late, word, sender in ((0, "unknown", f"c{room}"), (20, role, name))
            ]  # fmt: skip
        if is_listed:
            rows["conversations"].append(
                {"conversation_id": f"w{name}", "started_at": MONDAY, "customer_id": "z", "agent_id": name}
            )
        if role in ("agent", "bot") or is_listed:
            expected[name, "met"] = 1
        elif role == "unknown" and chats == MANY:
            expected[name, "late"] = 1
    found = count_outcomes(rows, "DQ07")
    names = {f"p{place}" for place in range(len(drawn))}
    assert {key for key in found if key[0] in names and key[1] != "exempt"} == set(expected)


# -- DQ08: chats of the log and rows of the workbook -------------------------------------------------------------------

starts = st.tuples(
    st.sampled_from(["shared", "own", "own", "own"]), st.sampled_from([0, 0, 1, 60, 119, 121, 200, 400]),
    st.sampled_from(["x****yz", "xu***yz", "b****cd"]),
)  # fmt: skip


def join_chats(log_rows: list[tuple[str, int, str]], book_rows: list[tuple[str, int, str]]) -> set[tuple[int, int]]:
    """Pairs of places: by id, then second and name, then second alone, then two minutes; only where both are single."""
    joined: set[tuple[int, int]] = set()

    def is_alike(one: str, other: str) -> bool:
        return (one[0], one[-2:]) == (other[0], other[-2:])

    def join(is_candidate: Any) -> None:
        free = [place for place in range(len(log_rows)) if place not in {pair[0] for pair in joined}]
        left = [place for place in range(len(book_rows)) if place not in {pair[1] for pair in joined}]
        pairs = [(one, other) for one in free for other in left if is_candidate(log_rows[one], book_rows[other])]
        ones, others = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
        joined.update(pair for pair in pairs if ones[pair[0]] == others[pair[1]] == 1)

    join(lambda one, other: one[0] == other[0])
    join(lambda one, other: one[1] == other[1] and is_alike(one[2], other[2]))
    join(lambda one, other: one[1] == other[1])
    join(lambda one, other: abs(one[1] - other[1]) <= 120)
    return joined


@examples(200, **RANDOM_STORES)
@given(log_rows=st.lists(starts, min_size=1, max_size=4), book_rows=st.lists(starts, min_size=1, max_size=4))
def test_joined_chats_are_those_of_the_second_implementation(
    log_rows: list[tuple[str, int, str]], book_rows: list[tuple[str, int, str]]
) -> None:
    seen: defaultdict[str, int] = defaultdict(int)

    def name(rows: list[tuple[str, int, str]], kind: str) -> list[tuple[str, int, str]]:
        seen[kind] = 0
        named = []
        for place, (number, seconds, customer) in enumerate(rows):
            is_shared = number == "shared" and not seen[kind]
            seen[kind] += is_shared
            named.append(("shared" if is_shared else f"{kind}{place}", seconds, customer))
        return named

    log_rows, book_rows = name(log_rows, "s"), name(book_rows, "w")
    edges = [("first", -900, "a****bc"), ("last", 900, "a****bc")]  # both files cover all of it
    rows: Rows = {
        "messages": [
            {"conversation_id": number, "message_id": number, "sent_at": MONDAY + timedelta(seconds=seconds),
             "sender_role": "customer", "sender_id": customer, "text": "Which size?"}
            for number, seconds, customer in [*log_rows, *edges]
        ],
        "conversations": [
            {"conversation_id": number, "started_at": MONDAY + timedelta(seconds=seconds), "customer_id": customer,
             "agent_id": "amy"}
            for number, seconds, customer in [*book_rows, *edges]
        ],
    }  # fmt: skip
    joined = join_chats(log_rows, book_rows)
    left = len(book_rows) - len(joined)
    expected = Counter({"met": len(joined) + len(edges), "late": len(log_rows) - len(joined) + left})
    assert sum_outcomes(count_outcomes(rows, "DQ08")) == +expected
