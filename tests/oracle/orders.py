"""Outcomes of orders and parcels: rules LG01 to LG16, OP01 and ST02."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta

from tests.views.naive_fulfilments import (
    ARRIVED,
    Order,
    Parcel,
    Scan,
    Story,
    first_scan,
    known_at,
    parcel_at,
    real,
    tell,
)

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TOLERATED = timedelta(hours=48)
"""How long past its promise an order may stay before LG09 counts it."""
CALLED_VALID = timedelta(days=3)
"""How young a waybill without a scan may be before LG15 calls it invalid."""
OUT_OF_STOCK = "out_of_stock"


@dataclass
class OrderFile:
    """All that the files of one store tell of its orders."""

    orders: list[Order]
    parcels: list[Parcel]
    scans: list[Scan]
    reasons: dict[str, str | None] = field(default_factory=dict)
    """Order → why it was cancelled."""

    def at(self, moment: datetime) -> OrderFile:
        """The files as an export of that moment would hold them."""
        parcels = [known for parcel in self.parcels if (known := parcel_at(moment, parcel))]
        scans = [scan for scan in self.scans if scan.at <= moment]
        orders = [known_at(moment, order, self._moved_after(moment, order)) for order in self.orders]
        hidden = {
            old.number for old, new in zip(self.orders, orders, strict=True) if old.cancelled and not new.cancelled
        }
        reasons = {number: None if number in hidden else reason for number, reason in self.reasons.items()}
        return OrderFile(orders, parcels, scans, reasons)

    def _moved_after(self, moment: datetime, order: Order) -> bool:
        own = [parcel for parcel in self.parcels if parcel.order == order.number]
        waybills = {parcel.waybill for parcel in own}
        events = [at for parcel in own for at in parcel.events]
        return any(at > moment for at in [*events, *(scan.at for scan in self.scans if scan.waybill in waybills)])

    @property
    def parcels_end(self) -> datetime | None:
        """The last event of the files that would show a scan: how long waybills were watched."""
        times = [at for parcel in self.parcels for at in parcel.events] + [scan.at for scan in self.scans]
        return max(times, default=None)

    @property
    def end(self) -> datetime | None:
        """The last event of the files, which is how long open orders were watched."""
        times = [
            at
            for order in self.orders
            if order.listed
            for at in (order.created, order.paid, order.shipped, order.completed, order.cancelled)
        ]
        times += [at for parcel in self.parcels for at in parcel.events] + [scan.at for scan in self.scans]
        return max((at for at in times if at), default=None)


@dataclass
class Case:
    """One order with what became of it."""

    order: Order
    story: Story
    parcels: list[Parcel]
    reason: str | None
    until: datetime
    cutoff: timedelta
    """Time of day up to which a payment is due to be scanned on the same day; a whole day: there is no cut-off."""

    @property
    def scans(self) -> list[datetime | None]:
        """The first scan of each parcel."""
        return [first_scan(parcel) for parcel in self.parcels]

    @property
    def scanned(self) -> datetime | None:
        """The first scan of the last parcel; None while one parcel has none."""
        scans = self.scans
        known = [at for at in scans if at]
        return max(known) if known and len(known) == len(scans) else None

    @property
    def is_over(self) -> bool:
        """Whether the goods are there although no scan tells since when they travelled."""
        return self.order.status in ARRIVED or self.order.completed is not None

    def first_scan_by(self, due: datetime | None) -> str:
        """Outcome of a limit on the first carrier scan: LG01, LG02 and LG03."""
        stopped = self.scanned
        left_unseen = self.order.status == "shipped" and not self.story.handed_over
        if self.story.cancelled and stopped is None:
            by_seller = self.order.cancelled_by == "seller" and self.order.cancelled is not None
            if not (by_seller and due is not None and self.order.cancelled is not None and self.order.cancelled > due):
                return "exempt"
            stopped = None if self.is_over or left_unseen else self.order.cancelled
        on_the_way = any(parcel.picked or parcel.hub for parcel in self.parcels)
        arrived_unseen = self.story.delivered and not on_the_way and not self.story.handed_over
        if due is None or arrived_unseen or (stopped is None and (self.is_over or left_unseen)):
            return "not_judgeable"
        if self.story.cancelled and not any(parcel.picked or parcel.hub for parcel in self.parcels) and self.scanned:
            return "not_judgeable"  # cancelled, yet delivered without a scan on the way: the file contradicts itself
        if stopped is not None:
            return "met" if stopped <= due else "late"
        return "overdue" if self.until > due else "undecided"

    @property
    def moved(self) -> bool:
        """Whether it is an order to ship at all: paid, or already under way."""
        return self.story.paid or self.story.handed_over is not None or self.story.delivered is not None

    def outcomes(self) -> dict[str, str]:
        """Rule → outcome."""
        return {
            **{code: self.story.states[code] for code in ("LG04", "LG05", "LG06", "LG11")},
            "LG01": self.same_day(),
            "LG02": self.within_a_day(),
            "LG03": self.within_two_days(),
            "LG09": self.long_overdue(),
            "LG16": self.tracked_arrival(),
            "OP01": self.cancelled_by_store(),
            "ST02": self.out_of_stock(),
        }

    def same_day(self) -> str:
        """LG01: scanned on the calendar day of payment, or by the end of the next where paid at or after the cut-off."""
        if not (self.story.paid or self.scanned) or self.order.kind != "normal":
            return "exempt"
        paid = self.order.paid
        if paid is None:
            return self.first_scan_by(None)
        midnight = datetime.combine(paid.date(), time())
        last_day = paid.date() + (DAY if paid - midnight >= self.cutoff else timedelta())
        return self.first_scan_by(datetime.combine(last_day, time.max))

    def within_a_day(self) -> str:
        """LG02: 24 hours from payment to the first scan; presale and made-to-order items have until their promise."""
        if not (self.story.paid or self.scanned):
            return "exempt"
        if self.order.kind != "normal":
            return self.first_scan_by(self.story.due)
        return self.first_scan_by(self.order.paid and self.order.paid + DAY)

    def within_two_days(self) -> str:
        """LG03: 48 hours, for orders to which neither the file nor the platform promises a time."""
        if not (self.story.paid or self.scanned) or self.order.kind != "normal" or self.story.due:
            return "exempt"
        return self.first_scan_by(self.order.paid and self.order.paid + 2 * DAY)

    def long_overdue(self) -> str:
        """LG09: still unshipped now, more than 48 hours past its promise. Cancelled ones that left are judged like any."""
        has_left = any((self.story.handed_over, self.story.delivered, self.is_over, self.order.status == "shipped"))
        if not self.moved or (self.story.cancelled and not self.story.handed_over):
            return "exempt"
        if self.story.due is None:
            return "not_judgeable"
        if has_left:
            return "met"
        return "overdue" if self.until - self.story.due > TOLERATED else "undecided"

    def tracked_arrival(self) -> str:
        """LG16: as LG06, but only orders a carrier has scanned, and none that were cancelled."""
        if not self.story.paid or self.story.cancelled or not any(p.picked or p.hub for p in self.parcels):
            return "exempt"
        return self.story.states["LG06"]

    def pace(self) -> tuple[str, float | None]:
        """LG13: hours from payment to hand-over; those of an order that is still there grow."""
        order, story = self.order, self.story
        gone = self.is_over or order.status in ("shipped", "delivered") or story.delivered
        unseen = story.handed_over is None and (story.cancelled or gone)
        if order.paid is None or order.kind != "normal" or story.impossible or unseen:
            return "exempt", None
        hours = ((story.handed_over or self.until) - order.paid) / HOUR
        return "met" if story.handed_over else "undecided", hours

    def out_of_stock(self) -> str:
        """ST02: paid orders; a defect is one cancelled because the goods were missing, and not by the customer."""
        if not self.story.paid:
            return "exempt"
        by_store = self.order.cancelled_by != "buyer"
        return "late" if self.story.cancelled and by_store and self.reason == OUT_OF_STOCK else "met"

    def cancelled_by_store(self) -> str:
        """OP01: paid orders; a defect is one the seller cancelled; unknown who: not judged."""
        if not self.story.paid:
            return "exempt"
        if not self.story.cancelled:
            return "met"
        if self.order.cancelled_by is None:
            return "not_judgeable"
        return "late" if self.order.cancelled_by == "seller" else "met"


def list_cases(file: OrderFile, within: timedelta, cutoff: timedelta, until: datetime) -> dict[str, Case]:
    """All orders of the files, those that only lines or parcels know included."""
    found = {}
    for order in file.orders:
        own = [parcel for parcel in file.parcels if parcel.order == order.number]
        if not (order.listed or order.line_promises or real(own)):
            continue
        story = tell(order, own, file.scans, within, until)
        seen = order if order.listed else Order(order.number, False, line_promises=order.line_promises)
        parcels = real([trace(parcel, file.scans) for parcel in own])
        found[order.number] = Case(seen, story, parcels, file.reasons.get(order.number), until, cutoff)
    return found


def trace(parcel: Parcel, scans: Sequence[Scan]) -> Parcel:
    """A parcel with the times that only the trace list has."""
    own = [scan for scan in scans if scan.waybill == parcel.waybill]

    def choose(event: str, pick: object) -> datetime | None:
        times = [scan.at for scan in own if scan.event == event]
        return (min(times) if pick is min else max(times)) if times else None

    return replace(
        parcel,
        picked=parcel.picked or choose("picked_up", min),
        hub=parcel.hub or choose("hub", min),
        delivered=parcel.delivered or choose("delivered", max),
    )


def judge_waybills(file: OrderFile, cases: dict[str, Case], until: datetime) -> dict[str, Counter[tuple[str, str]]]:
    """LG07 and LG15: rule → how many waybills of an order have which outcome."""
    found: dict[str, Counter[tuple[str, str]]] = {"LG07": Counter(), "LG15": Counter()}
    own = [[parcel for parcel in file.parcels if parcel.order == order.number] for order in file.orders]
    for parcel in (trace(parcel, file.scans) for parcels in own for parcel in real(parcels)):
        case = cases.get(parcel.order)
        scan = first_scan(parcel)
        withdrawn = case is not None and case.story.cancelled and scan is None
        over = case is not None and case.is_over and scan is None
        wait = (
            "not_judgeable"
            if over and not withdrawn
            else _judge_wait(parcel.shipped, scan, DAY, until, withdrawn=withdrawn)
        )
        found["LG07"][parcel.order, wait] += 1
        valid = (
            "not_judgeable"
            if over and not withdrawn
            else _judge_validity(parcel.shipped, scan, until, withdrawn=withdrawn)
        )
        found["LG15"][parcel.order, valid] += 1
    return found


def _judge_wait(
    start: datetime | None, stop: datetime | None, limit: timedelta, until: datetime, *, withdrawn: bool
) -> str:
    if withdrawn:
        return "exempt"
    if start is None:
        return "not_judgeable"
    if stop is not None:
        return "met" if stop - start <= limit else "late"
    return "overdue" if until - start >= limit else "undecided"


def _judge_validity(start: datetime | None, scan: datetime | None, until: datetime, *, withdrawn: bool) -> str:
    if scan is not None:
        return "met"
    if withdrawn:
        return "exempt"
    if start is None:
        return "not_judgeable"
    return "late" if until - start >= CALLED_VALID else "not_judgeable"


def outcomes_by_rule(cases: Iterable[Case]) -> dict[str, dict[str, str]]:
    """Rule → order → outcome."""
    found: dict[str, dict[str, str]] = {}
    for case in cases:
        for code, outcome in case.outcomes().items():
            found.setdefault(code, {})[case.order.number] = outcome
    return found


def measure_journeys(
    file: OrderFile, cases: dict[str, Case], until: datetime
) -> Counter[tuple[str, str, float | None]]:
    """LG14: (order, outcome, hours) of each parcel, from the carrier's first scan to delivery; on the way, they grow."""
    found: Counter[tuple[str, str, float | None]] = Counter()
    own = [[parcel for parcel in file.parcels if parcel.order == order.number] for order in file.orders]
    for parcel in (trace(parcel, file.scans) for parcels in own for parcel in real(parcels)):
        began = min((at for at in (parcel.picked, parcel.hub) if at), default=None)
        case = cases.get(parcel.order)
        if began is None or (parcel.delivered and parcel.delivered < began):
            outcome, hours = "exempt", None
        elif parcel.delivered is None and case is not None and case.is_over:
            outcome, hours = "not_judgeable", None
        else:
            outcome = "met" if parcel.delivered else "undecided"
            hours = ((parcel.delivered or until) - began) / HOUR
        found[parcel.order, outcome, hours] += 1
    return found
