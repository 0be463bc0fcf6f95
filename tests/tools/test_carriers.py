"""Carriers are compared on their lanes; only what is beyond chance is proposed."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from storehealth.errors import UsageError
from storehealth.i18n import Words
from storehealth.tools.carriers import CarrierComparison, LaneMove, build_carriers, describe_lane_moves, find_moves
from tests.tools.conftest import SETTINGS, OpenSample

VIEWS = ["fulfilments", "parcels"]


@pytest.fixture
def comparison(open_sample: OpenSample) -> CarrierComparison:
    """The sample's carriers."""
    return build_carriers(open_sample())


def test_the_slow_carrier_is_moved_on_its_lanes(comparison: CarrierComparison) -> None:
    """中通 takes a day longer everywhere; 京东 and 顺丰 are alike."""
    assert {move.carrier for move in comparison.moves} == {"中通快递"}
    assert {move.best for move in comparison.moves} <= {"京东快递", "顺丰速运"}
    for move in comparison.moves:
        assert 0.5 < move.days_saved < 1.2
        assert 0 < move.next_day_gain_low <= move.next_day_gain <= move.next_day_gain_high
        assert move.next_day_more == pytest.approx(move.next_day_gain * move.parcels)
    assert comparison.next_day_then > comparison.next_day_now + 0.1
    assert comparison.points_gain > 0


def test_the_warehouse_with_one_truck_is_found(comparison: CarrierComparison) -> None:
    """Its best sellers would leave on the day of payment from the other one."""
    (move,) = comparison.warehouse_moves
    assert move.warehouse == "西南仓"
    assert move.same_day < 0.05 < 0.6 < move.best_same_day
    assert 0 < move.orders_moved < move.orders
    assert move.same_day_more == pytest.approx(move.best_same_day * move.orders_moved, abs=0.05 * move.orders)


def test_lanes_add_up_to_the_carriers(comparison: CarrierComparison) -> None:
    """Every ripe parcel counts once."""
    for carrier in comparison.carriers:
        assert carrier.parcels == sum(lane.parcels for lane in comparison.lanes if lane.carrier == carrier.carrier)
    assert all(lane.next_day_low <= lane.next_day <= lane.next_day_high for lane in comparison.lanes)


def test_prices_say_whether_a_move_pays(open_sample: OpenSample, tmp_path: Path) -> None:
    """The break-even is the price now and the compensation saved; the line for a province counts before the general one."""
    lines = [("carrier", "price", "warehouse", "province"), ("中通快递", "3.0", "", ""), ("京东快递", "3.0", "", ""),
             ("京东快递", "50", "", "江苏"), ("顺丰速运", "2.0", "", "")]  # fmt: skip
    with (tmp_path / "costs.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(lines)
    moves = {move.lane: move for move in build_carriers(open_sample()).moves}
    assert moves["浙江"].price_now == moves["浙江"].price_best == 3
    assert moves["浙江"].break_even >= 3
    assert moves["浙江"].pays
    assert moves["江苏"].price_best == 50
    assert moves["江苏"].pays is False


def test_with_the_samples_prices_the_agreed_lanes_pay(open_sample: OpenSample) -> None:
    """Where 京东快递 has an agreed price; elsewhere it costs more than a day is worth."""
    moves = build_carriers(open_sample(folder=SETTINGS)).moves
    assert {move.lane for move in moves if move.pays} == {"江苏", "浙江", "上海"}
    assert len(moves) == 7


def test_prices_that_cannot_be_read_are_named(open_sample: OpenSample, tmp_path: Path) -> None:
    """With their line."""
    (tmp_path / "costs.csv").write_text("carrier,price\nSF,cheap\n", encoding="utf-8")
    with pytest.raises(UsageError, match="line 2"):
        build_carriers(open_sample())


def _lane(carrier: str, next_day: int, parcels: int) -> dict[str, Any]:
    hours = sorted([20.0] * next_day + [44.0] * (parcels - next_day))
    return {"carrier": carrier, "warehouse": "w", "lane": "l", "parcels": parcels, "paid": parcels, "next_day": next_day,
            "same_day": parcels, "hours": hours, "late": 0, "promised": 0, "stuck": 0}  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second", "moves"),
    [((50, 100), (80, 100), 1), ((75, 100), (80, 100), 0), ((5, 10), (95, 100), 0), ((60, 100), (19, 19), 0)],
)
def test_a_move_needs_parcels_and_a_difference(first: Any, second: Any, moves: int) -> None:
    """Nothing is moved to or from a carrier with few parcels, and nothing by chance."""
    assert len(list(find_moves([_lane("a", *first), _lane("b", *second)]))) == moves


def _parcel(number: int, picked: str, delivered: str | None, carrier: str = "a") -> dict[str, Any]:
    return {"waybill_no": f"w{number}", "order_id": f"o{number}", "carrier": carrier, "warehouse": "w", "province": "p",
            "picked_up_at": picked, "delivered_at": delivered}  # fmt: skip


def test_parcels_that_had_no_time_to_arrive_count_for_nobody_and_lost_ones_count_longest(open_made: Any) -> None:
    """Without that the carrier of the last days would look best, and a lost parcel would not count at all."""
    parcels = [_parcel(n, "2026-01-05 10:00:00", "2026-01-06 10:00:00") for n in range(20)]
    parcels += [_parcel(20 + n, "2026-01-05 10:00:00", None) for n in range(21)]
    parcels += [_parcel(50 + n, "2026-01-19 10:00:00", None) for n in range(30)]
    parcels.append(_parcel(99, "2026-01-18 10:00:00", "2026-01-20 10:00:00"))
    orders = [{"order_id": row["order_id"], "status": "shipped", "created_at": "2026-01-05 09:00:00",
               "paid_at": "2026-01-05 09:00:00"} for row in parcels]  # fmt: skip
    (carrier,) = build_carriers(open_made({"shipments": parcels, "orders": orders})).carriers
    assert carrier.parcels == 41
    assert carrier.stuck == 21
    assert carrier.transit == float("inf")
    assert carrier.next_day == pytest.approx(20 / 41)


def test_chats_alone_say_what_is_needed(open_made: Any) -> None:
    """Nothing is made up."""
    record = build_carriers(open_made({"messages": [{"sent_at": "2026-01-05 10:00:00", "sender_role": "customer"}]}))
    assert record.lanes == ()
    assert [text.id for text in record.missing] == ["tools.needs"]


def test_a_difference_on_one_of_many_lanes_is_no_reason_to_move() -> None:
    """Of thirty lanes on which two carriers are alike, one differs by twelve in a hundred: chance brings that."""
    alike = [_lane(carrier, 50, 100) | {"lane": str(number)} for number in range(30) for carrier in "ab"]
    one = [_lane("a", 50, 100), _lane("b", 66, 100)]
    assert len(list(find_moves(one))) == 1
    assert list(find_moves([*alike, *one])) == []


def test_an_audit_names_carrier_and_lane_with_what_a_change_would_bring(open_made: Any) -> None:
    """The same moves as the tool's, in words."""
    move = {"warehouse": "w", "lane": "p", "carrier": "slow", "best": "fast", "parcels": 90, "days_saved": 1.0,
            "next_day_gain": 0.5, "next_day_gain_low": 0.4, "next_day_gain_high": 0.6, "next_day_more": 45.0,
            "transit_now": 44.7, "transit_best": 24.1,
            "price_now": None, "price_best": None, "break_even": None, "pays": None}  # fmt: skip
    told = describe_lane_moves([LaneMove(**move)])
    assert told is not None
    assert Words("en").render(told).replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ") == (
        "w → p: fast takes 24.1 h, slow 44.7 h; moved, about 45 of its 90 parcels more arrive the next day"
    )
    unnamed = describe_lane_moves([LaneMove(**(move | {"warehouse": "?", "lane": "*", "transit_now": None}))])
    assert unnamed is not None
    assert Words("en").render(unnamed).startswith("all lanes: moved from slow to fast")
    assert describe_lane_moves([]) is None
