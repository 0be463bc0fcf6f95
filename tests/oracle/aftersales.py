"""Outcomes of after-sales cases and ratings: rules AS01 to AS09."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

REVIEW_WITHIN = timedelta(hours=24)
HANDLE_WITHIN = timedelta(hours=72)
REFUND_WITHIN = timedelta(hours=48)
DECIDED_AFTER = timedelta(days=7)
WARNED_BEFORE = timedelta(hours=24)
WITH_GOODS = ("return", "exchange", "repair")
QUALITY = ("质量", "瑕疵", "故障", "quality", "faulty", "defective", "broken")


@dataclass
class Claim:
    """One row of the after-sales file."""

    id: str
    order: str
    kind: str
    reason: str
    status: str | None
    applied: datetime
    reviewed: datetime | None
    returned: datetime | None
    received: datetime | None
    refunded: datetime | None
    closed: datetime | None
    auto_reviewed: bool
    instant: bool
    intervened: bool

    @property
    def events(self) -> list[datetime]:
        """All that happened to it."""
        steps = (self.applied, self.reviewed, self.returned, self.received, self.refunded, self.closed)
        return [at for at in steps if at]

    @property
    def end(self) -> datetime | None:
        """When it was settled, as far as the file tells."""
        return self.closed or self.refunded

    @property
    def by_system(self) -> bool:
        """Whether nobody at the store had to do anything."""
        return self.auto_reviewed or self.instant

    @property
    def moves_goods(self) -> bool:
        """Whether goods travel back."""
        return self.kind in WITH_GOODS or self.returned is not None or self.received is not None


def judge_wait(start: datetime, stop: datetime | None, limit: timedelta, until: datetime) -> str:
    """Outcome of one clock."""
    if stop is not None:
        return "met" if stop - start <= limit else "late"
    return "overdue" if until - start >= limit else "undecided"


def judge_review(claim: Claim, until: datetime) -> str:
    """AS01: from the application to the first review."""
    if claim.by_system or (claim.status == "cancelled" and claim.reviewed is None):
        return "exempt"
    if claim.reviewed is None and (claim.end is not None or claim.status == "closed"):
        return "not_judgeable"  # to count only those settled in time would flatter the store
    return judge_wait(claim.applied, claim.reviewed, REVIEW_WITHIN, until)


def judge_deadline(claim: Claim, until: datetime) -> str:
    """AS03: an open case that the platform decides within the next 24 hours."""
    if claim.end is not None or claim.instant or claim.status in ("closed", "cancelled"):
        return "exempt"
    if claim.received is None and (claim.auto_reviewed or (claim.moves_goods and claim.reviewed is not None)):
        return "exempt"
    since = max(at for at in (claim.applied, claim.reviewed, claim.received) if at)
    return "late" if until - since >= DECIDED_AFTER - WARNED_BEFORE else "met"


def judge_refund(claim: Claim, until: datetime) -> str:
    """AS04: from the goods' return to the refund. An automatic review settles nothing: the store still has to refund."""
    if claim.received is None or claim.kind in ("exchange", "repair") or claim.instant or claim.status == "cancelled":
        return "exempt"
    if claim.refunded is None and (claim.closed is not None or claim.status == "closed"):
        return "exempt"
    return judge_wait(claim.received, claim.refunded, REFUND_WITHIN, until)


def judge_handling(claim: Claim, until: datetime) -> str:
    """AS02: the time that waits for the store: to the review, and from the returned goods to the end."""
    if claim.by_system or claim.status == "cancelled":
        return "exempt"
    end = claim.end
    if end is None and claim.status == "closed":
        if claim.received is not None or claim.reviewed is None:
            return "not_judgeable"
        end = claim.reviewed  # closed with no later step: the review ended it
    stop, back = end or until, claim.received
    if end is not None and back is None:
        back = claim.returned  # how long the parcel travelled is not in the file
    waited = stop - claim.applied
    if claim.moves_goods and claim.reviewed is not None and (back is not None or end is None):
        waited = claim.reviewed - claim.applied
        if back is not None:
            waited += max(stop - max(back, claim.reviewed), timedelta())
    if end is not None:
        return "met" if waited <= HANDLE_WITHIN else "late"
    return "overdue" if waited >= HANDLE_WITHIN else "undecided"


def judge_claims(claims: Iterable[Claim], until: datetime) -> dict[str, dict[str, str]]:
    """Rule → case → outcome."""
    return {
        "AS01": {claim.id: judge_review(claim, until) for claim in claims},
        "AS02": {claim.id: judge_handling(claim, until) for claim in claims},
        "AS03": {claim.id: judge_deadline(claim, until) for claim in claims},
        "AS04": {claim.id: judge_refund(claim, until) for claim in claims},
        "AS06": {claim.id: "late" if claim.intervened else "met" for claim in claims},
    }


def judge_quality(arrived: Iterable[str], claims: Iterable[Claim]) -> dict[str, str]:
    """AS05: order → outcome. Only the first request of an order counts."""
    by_order = defaultdict(list)
    for claim in claims:
        by_order[claim.order].append(claim)
    found = {}
    for order in arrived:
        first = min(by_order.get(order, []), key=lambda claim: (claim.applied, claim.id), default=None)
        found[order] = "late" if first and any(word in first.reason for word in QUALITY) else "met"
    return found


def judge_ratings(stars: Iterable[tuple[str, int]]) -> dict[str, str]:
    """AS07: order → outcome, by its lowest rating."""
    lowest: dict[str, int] = {}
    for order, value in stars:
        lowest[order] = min(value, lowest.get(order, value))
    return {order: "late" if value <= 2 else "met" for order, value in lowest.items()}


def judge_negatives(paid: Iterable[str], stars: Iterable[tuple[str, int]], negative: int, base: str) -> Counter[str]:
    """AS09: of every rating, or of every paid order by its lowest one; an order without a rating is not negative."""
    rated = list(stars)
    if base == "ratings":
        return Counter("late" if value <= negative else "met" for _, value in rated)
    low = {order for order, value in rated if value <= negative}
    return Counter("late" if order in low else "met" for order in paid)
