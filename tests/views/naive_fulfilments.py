"""Orders told by looking at one after the other: slow, plain, and written from the definition alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

DAY = timedelta(days=1)
LEFT = ("shipped", "delivered", "completed")
ARRIVED = ("delivered", "completed")


@dataclass
class Scan:
    """A line of a trace list."""

    waybill: str
    at: datetime
    event: str


@dataclass
class Parcel:
    """A waybill of an order; one under the order's own number stands in for parcels no file tells of."""

    waybill: str
    order: str
    shipped: datetime | None = None
    picked: datetime | None = None
    hub: datetime | None = None
    delivered: datetime | None = None
    promised: datetime | None = None

    @property
    def events(self) -> list[datetime]:
        """All that happened to it."""
        return [at for at in (self.shipped, self.picked, self.hub, self.delivered) if at]


@dataclass
class Order:
    """A row of the orders file; ``listed`` is False for orders that only other files know."""

    number: str
    listed: bool = True
    status: str | None = None
    kind: str = "normal"
    created: datetime | None = None
    paid: datetime | None = None
    promised_ship: datetime | None = None
    promised_delivery: datetime | None = None
    shipped: datetime | None = None
    completed: datetime | None = None
    cancelled: datetime | None = None
    cancelled_by: str | None = None
    line_promises: list[datetime] = field(default_factory=list)


@dataclass
class Story:
    """What became of an order."""

    paid: bool
    cancelled: bool
    due: datetime | None
    due_there: datetime | None
    handed_over: datetime | None
    proof: str | None
    delivered: datetime | None
    impossible: str | None
    states: dict[str, str]


def known_at(moment: datetime, order: Order, is_moved_later: bool = False) -> Order:
    """The order as it stood: what had not happened yet is unknown, and so is a status that may say it had.

    ``is_moved_later``: whether its parcels or their traces show that something happened after the moment.
    """
    if not order.listed:
        return order
    if order.created and order.created > moment:
        return replace(order, listed=False, line_promises=[])
    names = ("created", "paid", "shipped", "completed", "cancelled")
    hidden = {name: None for name in names if (at := getattr(order, name)) and at > moment}
    return replace(order, **hidden, **({"status": None} if hidden or is_moved_later else {}))


def parcel_at(moment: datetime, parcel: Parcel) -> Parcel | None:
    """The parcel as it stood; None before anything had happened to it."""
    if parcel.events and min(parcel.events) > moment:
        return None
    names = ("shipped", "picked", "hub", "delivered")
    return replace(parcel, **{name: None for name in names if (at := getattr(parcel, name)) and at > moment})


def tell(order: Order, parcels: Iterable[Parcel], scans: Sequence[Scan], within: timedelta, until: datetime) -> Story:
    """The story of one order.

    Args:
        order: The order.
        parcels: Its own parcels.
        scans: The trace list, of all parcels.
        within: The platform's promise where an order carries none; zero: there is none.
        until: How far the files reach.
    """
    own = real([_traced(parcel, scans) for parcel in parcels])
    if not order.listed:
        order = Order(order.number, False, line_promises=order.line_promises)
    paid = order.paid is not None or order.status in ("paid", *LEFT) or (order.status is None and bool(own))
    handed_over, proof = _handed_over(order, own)
    delivered = _last([parcel.delivered for parcel in own])
    cancelled = order.status == "cancelled" or order.cancelled is not None
    due = min([at for at in (order.promised_ship, *order.line_promises) if at], default=None)
    if due is None and within and order.kind == "normal" and order.paid:
        due = order.paid + within
    due_there = min([at for at in (order.promised_delivery, *(parcel.promised for parcel in own)) if at], default=None)
    story = Story(paid, cancelled, due, due_there, handed_over, proof, delivered, None, {})
    story.impossible = _impossible(order, story, _last([parcel.picked for parcel in own]))
    story.states = {
        "LG04": _arrival(order, story, order.paid and order.paid + DAY, until) if order.kind == "normal" else "exempt",
        "LG05": _departure(order, story, own, until),
        "LG06": _arrival(order, story, due_there, until),
        "LG11": "exempt" if not (handed_over or delivered) else "late" if story.impossible else "met",
    }
    return story


def _traced(parcel: Parcel, scans: Sequence[Scan]) -> Parcel:
    """What its own row does not say, the trace list does."""
    seen: dict[str, list[datetime]] = {}
    for scan in scans:
        if scan.waybill == parcel.waybill:
            seen.setdefault(scan.event, []).append(scan.at)
    return replace(
        parcel,
        picked=parcel.picked or min(seen.get("picked_up", []), default=None),
        hub=parcel.hub or min(seen.get("hub", []), default=None),
        delivered=parcel.delivered or max(seen.get("delivered", []), default=None),
    )


def real(parcels: list[Parcel]) -> list[Parcel]:
    """Stand-ins count only alone, and only if something happened to them."""
    named = [parcel for parcel in parcels if parcel.waybill != parcel.order]
    return named or [parcel for parcel in parcels if parcel.events]


def _last(times: Sequence[datetime | None]) -> datetime | None:
    """When the last of all has happened; None while one has not, or where there is none."""
    happened = [at for at in times if at]
    return max(happened) if happened and len(happened) == len(times) else None


def _handed_over(order: Order, parcels: list[Parcel]) -> tuple[datetime | None, str | None]:
    """With the carrier: by its first scan where it scanned any parcel, else by what the seller says."""
    if any(parcel.picked or parcel.hub for parcel in parcels):
        return _last([first_scan(parcel) for parcel in parcels]), "scan"
    clicks = [parcel.shipped for parcel in parcels]
    if len(clicks) < 2 and clicks in ([], [None]):
        clicks = [order.shipped]
    at = _last(clicks)
    return at, "click" if at else None


def first_scan(parcel: Parcel) -> datetime | None:
    """The earlier of pick-up and first hub; a parcel with neither has its delivery alone."""
    return min((at for at in (parcel.picked, parcel.hub) if at), default=parcel.delivered)


def _impossible(order: Order, story: Story, picked: datetime | None) -> str | None:
    def before(first: datetime | None, second: datetime | None) -> bool:
        return first is not None and second is not None and first < second

    if before(story.handed_over, order.created):
        return "handed_over_before_order"
    if before(picked, order.paid):
        return "scan_before_payment"
    if before(story.handed_over, order.paid):
        return "handed_over_before_payment"
    if before(story.delivered, story.handed_over):
        return "delivered_before_handed_over"
    return "delivered_before_order" if before(story.delivered, order.paid or order.created) else None


def _departure(order: Order, story: Story, parcels: list[Parcel], until: datetime) -> str:
    """LG05. Cancelled before it left: exempt, unless the seller cancelled it after the deadline."""
    if not (story.paid or story.handed_over or story.delivered):
        return "exempt"
    stopped = story.handed_over
    if story.cancelled and not story.handed_over:
        if not (order.cancelled_by == "seller" and order.cancelled and story.due and order.cancelled > story.due):
            return "exempt"
        stopped = order.cancelled
    scanned = any(parcel.picked or parcel.hub for parcel in parcels)
    gone = has_ended(order) or (not scanned and (story.delivered or order.status in LEFT))
    if story.due is None or (gone and story.handed_over is None):
        return "not_judgeable"
    if stopped:
        return "met" if stopped <= story.due else "late"
    return "overdue" if until > story.due else "undecided"


def has_ended(order: Order) -> bool:
    """Whether the order says of itself that the goods are there; without a scan, nobody knows since when."""
    return order.status in ARRIVED or order.completed is not None


def _arrival(order: Order, story: Story, due: datetime | None, until: datetime) -> str:
    """LG04 and LG06, by calendar day. Cancelled before it arrived: exempt."""
    if not (story.paid or story.handed_over or story.delivered) or (story.cancelled and not story.delivered):
        return "exempt"
    if due is None or (story.delivered is None and has_ended(order)):
        return "not_judgeable"
    if story.delivered:
        return "met" if story.delivered.date() <= due.date() else "late"
    return "overdue" if until.date() > due.date() else "undecided"
