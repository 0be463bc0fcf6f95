"""Rules over after-sales cases and ratings count what the second implementation counts, case by case."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from storehealth.catalogue.common import Fact
from storehealth.db import StoreSettings, open_store_from_rows
from tests.effort import examples
from tests.oracle.aftersales import Claim, judge_claims, judge_negatives, judge_quality, judge_ratings
from tests.oracle.test_chats import platforms, read_values
from tests.oracle.test_orders import RANDOM_STORES, read_outcomes
from tests.views.test_fulfilments_property import BOOK

MONDAY = datetime.fromisoformat("2026-03-02 08:00")
DELIVERED = ("o0", "o1", "o2", "o3")

moments = st.builds(
    lambda hours, seconds: MONDAY + timedelta(hours=hours, seconds=seconds),
    st.sampled_from([0, 6, 24, 48, 72, 96, 144, 168, 200]),
    st.sampled_from([0, 0, 1, -1]),
)
claims = st.builds(
    Claim, id=st.just(""), order=st.sampled_from(DELIVERED),
    reason=st.sampled_from(["质量问题", "不喜欢", "broken on arrival"]),
    kind=st.sampled_from(["return", "exchange", "repair", "refund_only", "other"]),
    status=st.sampled_from([None, "open", "open", "closed", "cancelled"]), applied=moments,
    reviewed=st.none() | moments, returned=st.none() | moments, received=st.none() | moments,
    refunded=st.none() | moments, closed=st.none() | st.none() | moments,
    auto_reviewed=st.sampled_from([False, False, False, True]), instant=st.sampled_from([False, False, False, True]),
    intervened=st.booleans(),
)  # fmt: skip
ratings = st.lists(st.tuples(st.sampled_from(DELIVERED), st.integers(1, 5)), max_size=5)


def to_row(claim: Claim) -> dict[str, Any]:
    """A claim as a row of the table."""
    return {
        "case_id": claim.id, "order_id": claim.order, "kind": claim.kind, "reason": claim.reason, "status": claim.status,
        "applied_at": claim.applied, "reviewed_at": claim.reviewed, "returned_at": claim.returned,
        "received_at": claim.received, "refunded_at": claim.refunded, "closed_at": claim.closed,
        "auto_reviewed": claim.auto_reviewed, "instant_refund": claim.instant, "platform_intervened": claim.intervened,
    }  # fmt: skip


def build_rows(drawn: list[Claim], stars: list[tuple[str, int]]) -> dict[str, list[dict[str, Any]]]:
    """Tables of a store whose four orders have all arrived; a first case records every column."""
    first = Claim(
        "first", "first", "return", "x", "cancelled", MONDAY, MONDAY, MONDAY, MONDAY, MONDAY, MONDAY, True, True, False
    )
    return {
        "orders": [
            {"order_id": order, "status": "completed", "created_at": MONDAY, "paid_at": MONDAY, "completed_at": MONDAY}
            for order in DELIVERED
        ],
        "aftersales": [to_row(claim) for claim in [first, *drawn]],
        "reviews": [
            {"review_id": f"r{number}", "order_id": order, "stars": value, "rated_at": MONDAY + timedelta(days=1)}
            for number, (order, value) in enumerate(stars)
        ],
    }


def find_outcomes(drawn: list[Claim], stars: list[tuple[str, int]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Rule → outcomes in the database, and by the second implementation."""
    expected = judge_claims(drawn, max([MONDAY, *(at for claim in drawn for at in claim.events)]))
    expected |= {"AS05": judge_quality(DELIVERED, drawn), "AS07": judge_ratings(stars)}
    settings = StoreSettings("shop", BOOK.platforms["generic"], BOOK.platforms["generic"].facts)
    with open_store_from_rows(build_rows(drawn, stars), BOOK, settings, ["cases", "fulfilments"]) as store:
        found = {code: read_outcomes(store, code) for code in expected}
    return found, {code: dict(outcomes) for code, outcomes in expected.items()}


@examples(200, **RANDOM_STORES)
@given(drawn=st.lists(claims, min_size=1, max_size=8), stars=ratings)
def test_cases_and_ratings_have_the_outcomes_of_the_second_implementation(
    drawn: list[Claim], stars: list[tuple[str, int]]
) -> None:
    for number, claim in enumerate(drawn):
        claim.id = f"c{number}"
    found, expected = find_outcomes(drawn, stars)
    pairs = {(code, *key) for code, outcomes in found.items() for key in outcomes}
    assert pairs ^ {(code, *key) for code, outcomes in expected.items() for key in outcomes.items()} == set()
    assert all(count == 1 for outcomes in found.values() for count in outcomes.values())


@examples(200, **RANDOM_STORES)
@given(stars=ratings.filter(bool), platform=platforms, base=st.sampled_from([None, "orders", "ratings"]),
       paid=st.lists(st.tuples(st.sampled_from([*DELIVERED, None]), st.integers(-300, 300)), max_size=4))  # fmt: skip
def test_ratings_and_compensations_have_the_figures_of_the_second_implementation(
    stars: list[tuple[str, int]], platform: str, base: str | None, paid: list[tuple[str | None, int]]
) -> None:
    facts = {"rating_base": Fact(value=base, source="test", verified="assumed")} if base else {}
    settings = StoreSettings("shop", BOOK.platforms[platform], facts)
    known = {**BOOK.platforms["generic"].facts, **BOOK.platforms[platform].facts, **facts}
    rows = build_rows([], stars) | {
        "penalties": [
            {"entry_id": f"p{number}", "order_id": order, "kind": "late", "amount": amount, "booked_at": MONDAY}
            for number, (order, amount) in enumerate(paid)
        ]
    }
    with open_store_from_rows(rows, BOOK, settings, ["fulfilments"]) as store:
        outcomes = Counter(dict(read_outcomes(store, "AS09")))
        amounts = read_values(store, "AS08") if paid else Counter()
    found: Counter[str] = Counter()
    for (_, outcome), count in outcomes.items():
        found[outcome] += count
    negative, per = int(known["negative_stars"].value), str(known["rating_base"].value)  # type: ignore[call-overload]
    assert found == judge_negatives(DELIVERED, stars, negative, per)
    assert amounts == Counter(float(abs(amount)) for _, amount in paid)
