"""What weighs most among the signs of a substitute stands first: what people say, then the parcels, then the stock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from storehealth.catalogue import load_catalogue
from storehealth.commands.rule_tests import open_example
from storehealth.db import StoreSettings, open_store_from_rows
from storehealth.measure import MeasureOptions, measure
from storehealth.measure.rule_sql import build_source

CATALOGUE = load_catalogue()
RULE = CATALOGUE.rules["LG12"]


@pytest.mark.parametrize(
    ("example", "weights"),
    [(0, {"o1": 16, "o2": 8, "o3": 4, "o4": 4}), (1, {"o1": 2, "o4": 2}), (2, {"o1": 1, "o6": 1})],
    ids=["said", "light parcels", "none in stock"],
)
def test_each_sign_weighs_by_itself(example: int, weights: dict[str, int]) -> None:
    """None needs another one to count."""
    with open_example(RULE, RULE.examples[example].model_copy(update={"repeat": 1}), CATALOGUE) as store:
        source = build_source(RULE.measure.over)
        found = store.con.execute(
            f"SELECT order_id, {RULE.measure.worst} FROM {source} WHERE NOT ({RULE.measure.good})"
        )
        assert dict(found.fetchall()) == weights


DAY = datetime.fromisoformat("2026-03-02 10:00:00")
SIGNS: dict[str, dict[str, Any]] = {
    "no_note_of_a_gift_sent_first": {"seller_note": "fragile"},
    "no_parcel_far_too_light": {"weight_kg": 0.5},
    "scanned_within_48_hours": {"picked_up_at": DAY + timedelta(hours=3)},
}


@pytest.mark.parametrize("recorded", [(), *((name,) for name in SIGNS)])
def test_only_signs_that_could_show_are_counted_and_without_any_nothing_is_judged(recorded: tuple[str, ...]) -> None:
    """Orders of which the files say only when they left held whatever they held."""
    columns = {name: value for sign in recorded for name, value in SIGNS[sign].items()}
    orders = [
        {
            "order_id": f"o{number}",
            "buyer_id": f"b{number}",
            "created_at": DAY,
            "paid_at": DAY,
            "seller_note": columns.get("seller_note"),
        }
        for number in range(40)
    ]
    parcels = [
        {"order_id": f"o{number}", "waybill_no": f"w{number}", "shipped_at": DAY + timedelta(hours=2)}
        | {name: value for name, value in columns.items() if name != "seller_note"}
        for number in range(40)
    ]
    settings = StoreSettings("shop", CATALOGUE.platforms["generic"], CATALOGUE.platforms["generic"].facts)
    with open_store_from_rows({"orders": orders, "shipments": parcels}, CATALOGUE, settings) as store:
        (measured,) = measure(store, [RULE], {}, {}, MeasureOptions(CATALOGUE))
    assert measured.tally.met == (40 if recorded else 0)
    assert bool(measured.missing) == (not recorded)
    seen = {figure.name for figure in measured.beside if figure.judged}
    assert seen & SIGNS.keys() == set(recorded)


def test_a_parcel_without_an_order_is_no_sign_and_leaves_the_orders_judged() -> None:
    """It has no scan 48 hours after its waybill, and no order of which that could tell."""
    sent, scanned = DAY + timedelta(hours=2), DAY + timedelta(hours=3)
    orders = [{"order_id": f"o{number}", "created_at": DAY, "paid_at": DAY} for number in range(40)]
    parcels: list[dict[str, Any]] = [
        {"order_id": f"o{number}", "waybill_no": f"w{number}", "shipped_at": sent, "picked_up_at": scanned}
        for number in range(40)
    ]
    parcels += [
        {"waybill_no": "stray", "shipped_at": sent},
        {"waybill_no": "last", "shipped_at": sent, "picked_up_at": DAY + timedelta(days=4)},
    ]
    settings = StoreSettings("shop", CATALOGUE.platforms["generic"], CATALOGUE.platforms["generic"].facts)
    with open_store_from_rows({"orders": orders, "shipments": parcels}, CATALOGUE, settings) as store:
        (measured,) = measure(store, [RULE], {}, {}, MeasureOptions(CATALOGUE))
    assert (measured.tally.met, measured.tally.judged) == (40, 40)
