"""``carriers``: carrier by lane and warehouse, and what moving a lane's parcels to the best carrier there would bring.

Figures are of parcels that have had the time to arrive: those picked up long enough before the end of the files. A gain is
only claimed where the difference is beyond chance, from the store's own parcels on the same lane.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import mean
from typing import Any, ClassVar, NamedTuple

from pydantic import Field

from storehealth.catalogue.thresholds import resolve_bounds
from storehealth.db import Store
from storehealth.db.views import has_view
from storehealth.model.tools import Days, Figure, Hours, Money, Share, ToolRecord, ToolRow
from storehealth.support.message import Message, Name, message, quantity
from storehealth.support.stats import bonferroni_z, newcombe_interval, score_curve, two_proportion_z, wilson_interval
from storehealth.tools import Row, ToolInputs, explain_need, read_own_csv, to_number

FEWEST_PARCELS = 20
"""With fewer on a lane a carrier is shown, but nothing is moved to it."""
COSTS = "costs.csv"
MOVES_NAMED = 2
"""Moves that an advice names; the tool lists all."""
NO_NAME = ("?", "*")
"""What stands for a warehouse or a province that no file names."""
BEST_SELLERS = 0.5
"""Share of a warehouse's orders that its best sellers make up."""
NEXT_DAY = "LG04"
FASTER_CARRIER = "faster-carrier"
"""The advice that these comparisons belong to."""


class CarrierLane(ToolRow):
    """Parcels of a carrier from a warehouse to a province."""

    SCREEN = ("carrier", "warehouse", "lane", "parcels", "transit", "next_day", "same_day", "stuck")

    carrier: str
    warehouse: str
    lane: str = Field(description="Province of the customer; all where no file names provinces.")
    parcels: int
    transit: Hours = Field(description="Median from pick-up to signature; parcels that never arrived count as longest.")
    transit_low: Hours
    transit_high: Hours
    same_day: Share = Field(description="Picked up on the day of payment.")
    same_day_low: Share
    same_day_high: Share
    next_day: Share = Field(description="Delivered on the day after payment or before.")
    next_day_low: Share
    next_day_high: Share
    late: Share = Field(description="Delivered after the promise.")
    stuck: int = Field(description="Picked up, and not delivered after three times the usual time.")
    stuck_high: Share = Field(description="Upper end of the interval of that share.")


class LaneMove(ToolRow):
    """What moving a lane's parcels to the best carrier there would bring."""

    SCREEN = ("warehouse", "lane", "carrier", "best", "parcels", "days_saved", "next_day_gain", "break_even", "pays")

    warehouse: str
    lane: str
    carrier: str
    best: str
    parcels: int = Field(description="Parcels of the files that would have gone otherwise.")
    days_saved: Days = Field(description="Median transit, now less then.")
    next_day_gain: Share
    next_day_gain_low: Share
    next_day_gain_high: Share
    next_day_more: Figure = Field(description="Parcels that would have arrived the next day besides.")
    transit_now: Hours = Field(default=None, description="Median from pick-up to signature.")
    transit_best: Hours = Field(default=None, description="The same of the best carrier there.")
    price_now: Money
    price_best: Money
    break_even: Money = Field(description="Price up to which the move costs nothing: price now and compensation saved.")
    pays: bool | None


class WarehouseMove(ToolRow):
    """What it would bring if a warehouse's best sellers left as those of the best warehouse do, such as a cloud warehouse."""

    warehouse: str
    orders: int
    same_day: Share
    best_warehouse: str
    best_same_day: Share
    skus: int = Field(description="Best sellers that make up half of the orders.")
    orders_moved: int
    same_day_more: Figure = Field(description="Orders picked up on the day of payment besides.")


class CarrierComparison(ToolRecord):
    """Carriers compared on their lanes."""

    FIRST: ClassVar[Mapping[str, int]] = {"moves": 10, "warehouse_moves": 5, "carriers": 10, "lanes": 12}

    settle_days: Days = Field(default=None, description="Days before the end of the files whose parcels are left out.")
    next_day_now: Share = None
    next_day_then: Share = Field(default=None, description="The store's next-day share with all moves made.")
    points_gain: Figure = Field(default=None, description="Points of the next-day rule that this share would bring.")
    moves: tuple[LaneMove, ...] = ()
    warehouse_moves: tuple[WarehouseMove, ...] = ()
    carriers: tuple[CarrierLane, ...] = ()
    lanes: tuple[CarrierLane, ...] = ()


# -- reading ---------------------------------------------------------------------------------------------------------

PARCELS = """
    WITH base AS (
        SELECT coalesce(carrier, '?') AS carrier, coalesce(warehouse, '?') AS warehouse, coalesce(province, '*') AS lane,
               paid_at, picked_up_at, delivered_at, promised_delivery_at, getvariable('delivery_end') AS ends,
               elapsed(picked_up_at, delivered_at) / 3600 AS transit
        FROM parcels
        WHERE carrier IS NOT NULL AND picked_up_at IS NOT NULL AND NOT cancelled AND NOT delivered_unread
          AND (delivered_at IS NULL OR delivered_at >= picked_up_at) AND returned_at IS NULL
          AND (delivered_at IS NOT NULL OR NOT order_ended)
    ),
    usual AS (SELECT greatest(72, 1.5 * quantile_cont(transit, 0.95)) AS settle, 3 * median(transit) AS long FROM base),
    ripe AS (
        SELECT b.*, settle, coalesce(transit, 'inf'::DOUBLE) AS hours,
               delivered_at IS NULL AND elapsed(picked_up_at, ends) / 3600 > long AS is_stuck
        FROM base AS b CROSS JOIN usual
        WHERE picked_up_at <= ends - to_seconds((settle * 3600)::BIGINT)
    )
    SELECT carrier, {warehouse} AS warehouse, {lane} AS lane, count(*) AS parcels,
           list_sort(list(hours)) AS hours, any_value(settle) / 24 AS settle,
           count(paid_at) AS paid, count(*) FILTER (picked_up_at::DATE <= paid_at::DATE) AS same_day,
           count(*) FILTER (delivered_at::DATE <= paid_at::DATE + 1) AS next_day,
           count(promised_delivery_at) AS promised,
           count(*) FILTER (promised_delivery_at < coalesce(delivered_at, ends)) AS late,
           count(*) FILTER (is_stuck) AS stuck
    FROM ripe
    GROUP BY ALL
    ORDER BY warehouse, lane, parcels DESC, carrier
"""
WAREHOUSES = """
    WITH picked AS (
        SELECT warehouse, order_id, sku_id, first_scan_at::DATE <= paid_at::DATE AS is_same_day
        FROM fulfilments
        WHERE warehouse IS NOT NULL AND paid_at IS NOT NULL AND first_scan_at IS NOT NULL AND NOT cancelled
          AND kind = 'normal' AND NOT first_scan_is_latest
    ),
    ranked AS (
        SELECT warehouse, sku_id, count(*) AS orders, count(*) FILTER (is_same_day) AS same_day,
               sum(count(*)) OVER (PARTITION BY warehouse ORDER BY count(*) DESC, sku_id ROWS UNBOUNDED PRECEDING) AS up_to,
               sum(count(*)) OVER (PARTITION BY warehouse) AS total
        FROM picked GROUP BY warehouse, sku_id
    )
    SELECT warehouse, any_value(total)::BIGINT AS orders, sum(same_day)::BIGINT AS same_day,
           count(*) FILTER (up_to - orders < $best * total) AS skus,
           coalesce(sum(orders) FILTER (up_to - orders < $best * total), 0)::BIGINT AS moved,
           coalesce(sum(same_day) FILTER (up_to - orders < $best * total), 0)::BIGINT AS moved_same_day
    FROM ranked GROUP BY warehouse ORDER BY orders DESC, warehouse
"""
BY_LANE = PARCELS.format(warehouse="warehouse", lane="lane")
NEEDS = ("shipments.carrier", "shipments.picked_up_at|scans.event", "shipments.delivered_at|scans.event")


def build_carriers(inputs: ToolInputs) -> CarrierComparison:
    """Compare carriers; needs parcels with carrier, pick-up and delivery."""
    header = inputs.to_header("carriers")
    lacking = [need for need in NEEDS if not inputs.has(need)]
    if lacking:
        needs = explain_need("tools.part.carriers", *lacking)
        return CarrierComparison(**header, headline=message("tools.carriers.none"), missing=(needs,))
    by_lane = inputs.fetch(BY_LANE)
    if not by_lane:
        return CarrierComparison(**header, headline=message("tools.carriers.none"))
    whole = inputs.fetch(PARCELS.format(warehouse="'*'", lane="'*'"))
    costs, owed = read_costs(inputs), _find_compensation(inputs)
    moves = tuple(sorted(find_moves(by_lane, costs, owed), key=lambda move: -(move.next_day_more or 0)))
    now, then = _sum_next_day(by_lane, moves)
    return CarrierComparison(
        **header,
        headline=_say_headline(moves, now, then),
        notes=tuple(_list_notes(inputs, by_lane, bool(costs), _score_gain(inputs, now, then) if moves else None)),
        settle_days=to_number(by_lane[0]["settle"]),
        next_day_now=now,
        next_day_then=then,
        points_gain=_score_gain(inputs, now, then),
        moves=moves,
        warehouse_moves=tuple(_compare_warehouses(inputs)),
        carriers=tuple(_to_lane(row) for row in sorted(whole, key=lambda row: -row["parcels"])),
        lanes=tuple(_to_lane(row) for row in by_lane),
    )


def list_lane_moves(store: Store) -> tuple[LaneMove, ...]:
    """List what ``carriers`` would move, most parcels first, without prices; nothing where the files do not tell."""
    if not all(any(part in store.filled for part in need.split("|")) for need in NEEDS):
        return ()
    if not has_view(store.con, "parcels"):
        return ()
    result = store.con.execute(BY_LANE)
    names = [column[0] for column in result.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    return tuple(sorted(find_moves(rows), key=lambda move: -(move.next_day_more or 0)))


def describe_lane_moves(moves: Sequence[LaneMove]) -> Message | None:
    """Say of the largest moves which carrier on which lane would bring what; None without any."""
    if not moves:
        return None
    named = tuple(_describe_move(move) for move in moves[:MOVES_NAMED])
    return message("advice.lanes", n=len(moves), lanes=named)


def _describe_move(move: LaneMove) -> Message:
    values: dict[str, Any] = {
        "lane": _name_lane(move), "best": Name(move.best), "carrier": Name(move.carrier),
        "n": round(move.next_day_more or 0), "of": move.parcels,
    }  # fmt: skip
    if move.transit_now is None or move.transit_best is None:
        return message("advice.lane_next_day", **values)
    hours = {"now": quantity(move.transit_now, "hours"), "then": quantity(move.transit_best, "hours")}
    return message("advice.lane_hours", **values, **hours)


def _name_lane(move: LaneMove) -> Message | Name:
    known = [Name(name) for name in (move.warehouse, move.lane) if name not in NO_NAME]
    if len(known) == 2:
        return message("advice.lane_of", warehouse=known[0], lane=known[1])
    return known[0] if known else message("advice.every_lane")


class PriceList(NamedTuple):
    """Prices per parcel; the most particular line that fits counts."""

    lines: tuple[tuple[str, str, str, float], ...]

    def find(self, carrier: str, warehouse: str, lane: str) -> float | None:
        """Return the price of a carrier from a warehouse to a lane."""
        fitting = [
            line for line in self.lines
            if line[0] == carrier and line[1] in ("", warehouse) and line[2] in ("", lane)
        ]  # fmt: skip
        return max(fitting, key=lambda line: bool(line[1]) + bool(line[2]))[3] if fitting else None


def read_costs(inputs: ToolInputs) -> PriceList | None:
    """Read ``costs.csv`` beside the settings: ``carrier,price`` and, where they matter, ``warehouse`` and ``province``.

    Raises:
        UsageError: A row has no carrier or no price that is a number.
    """
    lines = read_own_csv(inputs, COSTS, "tools.costs_form", _parse_price)
    return None if lines is None else PriceList(tuple(lines))


def _parse_price(row: Mapping[str, str]) -> tuple[str, str, str, float]:
    return row["carrier"], row.get("warehouse", ""), row.get("province", ""), float(row["price"])


def _find_compensation(inputs: ToolInputs) -> float:
    """What a late order costs on average by the platform's bands; 0 where it names none."""
    bands = inputs.platform.group_compensations()
    rows = bands.get("LG06") or bands.get("LG05") or ()
    paid = inputs.fetch_value("SELECT avg(paid_amount) FROM orders") if rows else None
    return mean(row.compute_amount(float(paid)) for row in rows) if rows and paid is not None else 0.0


# -- arithmetic ------------------------------------------------------------------------------------------------------


def find_moves(rows: Iterable[Row], costs: PriceList | None = None, owed: float = 0.0) -> Iterator[LaneMove]:
    """Find on each lane the carriers whose parcels another carrier there delivers the next day more often, beyond chance."""
    lanes: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row["parcels"] >= FEWEST_PARCELS and row["paid"]:
            lanes[row["warehouse"], row["lane"]].append(row)
    bound = bonferroni_z(sum(len(own) - 1 for own in lanes.values()))  # of many lanes some differ by chance
    for _, own in sorted(lanes.items()):
        best = max(own, key=lambda row: (row["next_day"] / row["paid"], row["parcels"]))
        for row in own:
            counts = (best["next_day"], best["paid"], row["next_day"], row["paid"])
            low, high = newcombe_interval(*counts)
            if row is best or low <= 0 or two_proportion_z(*counts) <= bound:
                continue
            gain = best["next_day"] / best["paid"] - row["next_day"] / row["paid"]
            yield _to_move(row, best, (gain, low, high), costs, owed)


def _to_move(row: Row, best: Row, gain: tuple[float, float, float], costs: PriceList | None, owed: float) -> LaneMove:
    warehouse, lane = row["warehouse"], row["lane"]
    now = costs.find(row["carrier"], warehouse, lane) if costs else None
    then = costs.find(best["carrier"], warehouse, lane) if costs else None
    fewer_late = _share(row["late"], row["promised"]) - _share(best["late"], best["promised"])
    break_even = None if now is None else now + max(0.0, fewer_late) * owed
    return LaneMove(
        warehouse=warehouse, lane=lane, carrier=row["carrier"], best=best["carrier"], parcels=row["parcels"],
        days_saved=_subtract(find_quantile(row["hours"]), find_quantile(best["hours"])),
        transit_now=_to_hours(row), transit_best=_to_hours(best), next_day_gain=gain[0],
        next_day_gain_low=gain[1], next_day_gain_high=gain[2], next_day_more=gain[0] * row["parcels"], price_now=now,
        price_best=then, break_even=break_even, pays=None if then is None or break_even is None else then <= break_even,
    )  # fmt: skip


def _to_hours(row: Row) -> float | None:
    """Median hours; None where parcels mostly never arrived."""
    hours = find_quantile(row["hours"])
    return hours if math.isfinite(hours) else None


def _subtract(now: float, then: float) -> float | None:
    """Days between two medians in hours; None where parcels mostly never arrived."""
    return (now - then) / 24 if math.isfinite(now) and math.isfinite(then) else None


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def find_quantile(hours: Sequence[float], rank: float = 0.5) -> float:
    """Return the value at a rank of sorted values, without interpolation: what never came stays infinite."""
    return float(hours[min(len(hours) - 1, int(rank * len(hours)))])


def _to_lane(row: Row) -> CarrierLane:
    n, paid = row["parcels"], row["paid"]
    low, high = wilson_interval(n // 2, n)  # ranks of the median, by the interval of a half
    same, next_day, stuck = (wilson_interval(row[name], base) for name, base in (
        ("same_day", paid), ("next_day", paid), ("stuck", n)))  # fmt: skip
    return CarrierLane(
        carrier=row["carrier"], warehouse=row["warehouse"], lane=row["lane"], parcels=n,
        transit=find_quantile(row["hours"]), transit_low=find_quantile(row["hours"], low),
        transit_high=find_quantile(row["hours"], high), same_day=row["same_day"] / paid if paid else None,
        same_day_low=same[0], same_day_high=same[1], next_day=row["next_day"] / paid if paid else None,
        next_day_low=next_day[0], next_day_high=next_day[1],
        late=row["late"] / row["promised"] if row["promised"] else None, stuck=row["stuck"], stuck_high=stuck[1],
    )  # fmt: skip


def _sum_next_day(rows: Sequence[Row], moves: Sequence[LaneMove]) -> tuple[float | None, float | None]:
    paid, met = sum(row["paid"] for row in rows), sum(row["next_day"] for row in rows)
    if not paid:
        return None, None
    return met / paid, (met + sum(move.next_day_more or 0 for move in moves)) / paid


def _score_gain(inputs: ToolInputs, now: float | None, then: float | None) -> float | None:
    """Points of the next-day rule, of a hundred; None where it has no limits."""
    bounds = resolve_bounds(inputs.catalogue.rules[NEXT_DAY], inputs.platform.limits)
    if bounds is None or now is None or then is None:
        return None
    before, after = (score_curve(1 - share, 1 - bounds.target, 1 - bounds.limit) for share in (now, then))
    return 100 * (after - before)


def _compare_warehouses(inputs: ToolInputs) -> Iterator[WarehouseMove]:
    """Compare each warehouse's pick-up on the day of payment with that of the best one."""
    rows = [row for row in inputs.fetch(WAREHOUSES, best=BEST_SELLERS) if row["orders"] >= FEWEST_PARCELS]
    best = max(rows, key=lambda row: row["same_day"] / row["orders"], default=None)
    for row in rows:
        if best is None or row is best:
            continue
        low, _ = newcombe_interval(best["same_day"], best["orders"], row["same_day"], row["orders"])
        if low > 0:
            then = best["same_day"] / best["orders"]
            yield WarehouseMove(
                warehouse=row["warehouse"], orders=row["orders"], same_day=row["same_day"] / row["orders"],
                best_warehouse=best["warehouse"], best_same_day=then, skus=row["skus"], orders_moved=row["moved"],
                same_day_more=max(0.0, then * row["moved"] - row["moved_same_day"]),
            )  # fmt: skip


# -- what it says ----------------------------------------------------------------------------------------------------


def _say_headline(moves: Sequence[LaneMove], now: float | None, then: float | None) -> Message:
    if not moves or now is None or then is None:
        return message("tools.carriers.no_move")
    parcels = sum(move.parcels for move in moves)
    best = max({move.best for move in moves}, key=lambda name: sum(m.parcels for m in moves if m.best == name))
    return message("tools.carriers.headline", n=len(moves), parcels=parcels, best=Name(best), now=now, then=then)


def _list_notes(inputs: ToolInputs, rows: Sequence[Row], has_costs: bool, points: float | None) -> Iterator[Message]:
    if points is not None:
        yield message("tools.carriers.points", points=points, code=Name(NEXT_DAY))
    yield message("tools.carriers.settle", days=float(rows[0]["settle"]), least=FEWEST_PARCELS)
    if not inputs.has("shipments.province|orders.province"):
        yield message("tools.carriers.no_lanes")
    if not has_costs:
        yield message("tools.carriers.no_costs", file=Name(COSTS))


RECORD: Any = CarrierComparison
