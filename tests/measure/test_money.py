"""Money at risk: the bands' least and most, over orders, exact, and never 0 for want of an amount."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from storehealth.audit import AuditRequest, audit
from storehealth.catalogue.platform import Compensation, Platform
from storehealth.catalogue.view import View
from storehealth.measure import MeasureOptions, measure
from storehealth.model import MoneyAtRisk, Window
from tests.effort import examples
from tests.made import SHIPPING, judged
from tests.measure.fakes import SAID, catalogue_of, rule_of, store_of

RULE = rule_of(good="ok", limits=SHIPPING)
LATE = {"kind": "late", "code": "CS01", "share": 0.05, "least": 5, "most": 50, "currency": "CNY", "source": "a page",
        "verified": "official"}  # fmt: skip
Order = tuple[str, float | None, str | None, float | None]


def band(**changes: Any) -> Compensation:
    return Compensation.model_validate({**LATE, **changes})


def at_risk(*orders: Order, bands: tuple[Compensation, ...] = (band(),), **row: Any) -> MoneyAtRisk | None:
    """Money at risk where every order given (id, price, currency, hours promised) is late."""
    store = store_of(*[{"entity": order[0], "ok": False, **row} for order in orders], {"entity": "fine", "ok": True})
    store.con.execute("CREATE TABLE fulfilments (order_id VARCHAR, paid_amount DECIMAL(18, 4), currency VARCHAR, "
                      "paid_at TIMESTAMP, promised_ship_at TIMESTAMP)")  # fmt: skip
    for name, paid, currency, hours in dict.fromkeys((*orders, ("fine", 9e6, "CNY", 1.0))):
        store.con.execute(
            "INSERT INTO fulfilments VALUES (?, ?, ?, TIMESTAMP '2026-03-01', TIMESTAMP '2026-03-01' + to_seconds(?))",
            [name, paid, currency, None if hours is None else 3600 * hours],
        )
    catalogue = catalogue_of(RULE)
    views = {**catalogue.views, "fulfilments": View(view="fulfilments", about="o", group="orders", sql="SELECT 1")}
    lens = MeasureOptions(catalogue._replace(views=views), bands={"CS01": bands})
    (measurement,) = measure(store, [RULE], {}, {"CS01": Window()}, lens)  # type: ignore[arg-type]
    assert judged(RULE, measurement)[0].money_at_risk == measurement.money
    return measurement.money


@pytest.mark.parametrize(("paid", "owed"), [(20, 5), (100, 5), (100.2, 5.01), (400, 20), (1000, 50), (9999, 50)])
def test_a_share_of_the_price_within_its_band(paid, owed) -> None:
    """Five per cent, at least 5 and at most 50; the same at both ends where one band applies."""
    money = at_risk(("a", paid, "CNY", 24.0))
    assert (money.low, money.high, money.orders, money.without_amount) == (owed, owed, 1, 0)


@examples(30)
@given(st.floats(0.01, 5000), st.floats(0, 0.5), st.integers(0, 20), st.integers(0, 500))
def test_the_sum_of_one_order_is_what_the_band_says(paid: float, share: float, least: int, more: int) -> None:
    """As ``Compensation.owed`` has it, to the cent."""
    cheap = band(share=round(share + 0.01, 2), least=least, most=least + more)
    paid = round(paid, 2)
    assert at_risk(("a", paid, "CNY", 1.0), bands=(cheap,)).low == pytest.approx(cheap.compute_amount(paid), abs=0.0051)


def test_steps_give_a_range() -> None:
    """The first step or the second: 3 to 10 for one order, three times that for three."""
    steps = (band(share=0.01, least=3), band(share=0.05, least=5))
    money = at_risk(*[(name, 200, "CNY", 300.0) for name in "abc"], bands=steps)
    assert (money.low, money.high, money.orders) == (9, 30, 3)


def test_the_time_promised_decides_which_band_applies() -> None:
    """Up to 48 h 5 %, longer 10 %; of an unknown promise either may, and on 48 h exactly the first."""
    bands = (band(promise_up_to="48 h"), band(share=0.10, promise_over="48 h"))
    ends = [(money.low, money.high) for hours in (48.0, 48.1, None)
            for money in [at_risk(("a", 200, "CNY", hours), bands=bands)]]  # fmt: skip
    assert ends == [(10, 10), (20, 20), (10, 20)]


def test_an_order_that_no_band_covers_costs_nothing() -> None:
    """Whether its price is known or not."""
    bands = (band(promise_over="48 h"),)
    assert at_risk(("a", 200, "CNY", 24.0), ("b", None, "CNY", 24.0), bands=bands) is None


def test_a_band_for_cheap_orders_takes_the_place_of_the_general_one() -> None:
    """All of 8 yuan, at least 5; from 10 yuan on 30 %, at least 10."""
    bands = (band(share=0.3, least=10, most=500), band(share=1, least=5, most=10, paid_under=10))
    assert [at_risk(("a", paid, None, 1.0), bands=bands).high for paid in (3, 8, 10, 100)] == [5, 8, 10, 30]


def test_orders_without_an_amount_are_counted_not_summed() -> None:
    """No price, another currency, or an order that no file has; a currency that is not named is the platform's."""
    orders = (("a", None, "CNY", 1.0), ("b", 200, "USD", 1.0), ("c", 200, None, 1.0), ("d", 200, "cny", 1.0))
    money = at_risk(*orders)
    assert (money.low, money.high, money.orders, money.without_amount) == (20, 20, 2, 2)
    only = at_risk(("a", None, "CNY", 1.0))
    assert (only.low, only.orders, only.without_amount) == (0, 0, 1)


def test_an_order_counts_once() -> None:
    """Two late parcels of one order are one claim."""
    money = at_risk(("a", 200, "CNY", 1.0), ("a", 200, "CNY", 1.0))
    assert (money.low, money.orders) == (10, 1)


def test_a_store_without_defects_has_nothing_at_risk() -> None:
    """Nor one whose platform sets no bands."""
    assert at_risk() is None
    assert at_risk(("a", 200, "CNY", 1.0), bands=()) is None


def test_the_least_sure_band_says_how_sure_the_sum_is() -> None:
    """And all sources are named once."""
    bands = (band(), band(verified="unverified", source="a repost"), band(source="a repost"))
    money = at_risk(("a", 200, "CNY", 1.0), bands=bands)
    assert (money.verified, money.source) == ("unverified", "a page; a repost")


def test_the_bands_of_a_rule_are_in_one_currency() -> None:
    """Sums of two would be neither."""
    bands = [LATE, {**LATE, "currency": "USD"}]
    with pytest.raises(ValidationError, match="bands in CNY and USD"):
        Platform.model_validate({"name": "made", "title": SAID, "compensations": bands})


def test_late_orders_of_the_sample_store_cost_what_tmall_asks(tmp_path: Path) -> None:
    """All late and open orders have a price, each costs 5 to 50 yuan; and so have those that look like false shipments."""
    made = audit(Path(__file__).parents[2] / "sample_exports", AuditRequest(state=tmp_path, platform="tmall"))
    found = {finding.code: finding.money_at_risk for finding in made.findings if finding.money_at_risk}
    assert found.keys() == {"LG05", "LG12", "ST02"}
    assert found["LG05"].orders == next(finding.defects for finding in made.findings if finding.code == "LG05")
    assert 5 * found["LG05"].orders <= found["LG05"].low == found["LG05"].high <= 50 * found["LG05"].orders
