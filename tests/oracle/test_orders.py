"""Rules over orders and parcels count what the second implementation counts, case by case."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from hypothesis import Phase, given
from hypothesis import strategies as st

from storehealth.catalogue.common import Fact
from storehealth.db import Store, StoreSettings, open_store_from_rows
from storehealth.measure.query import RuleQuery
from storehealth.model import Window
from tests.effort import PROFILE, examples
from tests.oracle.orders import OrderFile, judge_waybills, list_cases, outcomes_by_rule
from tests.views.test_fulfilments_property import BOOK, LATER, MONDAY, _numbered, _rows, moments, orders

OF_ORDERS = ("LG01", "LG02", "LG03", "LG09", "LG16", "OP01")
OF_WAYBILLS = ("LG07", "LG15")
RANDOM_STORES: dict[str, Any] = {
    "derandomize": PROFILE == "ci",
    "phases": [Phase.explicit, Phase.reuse, Phase.generate],
}
"""The same stores in each CI run, others every night. Shrinking six orders of eleven columns would take too long."""


def read_outcomes(store: Store, code: str) -> Counter[tuple[str, str]]:
    """How many rows of an entity have which outcome of one rule in the database."""
    rule = BOOK.rules[code].model_copy(update={"advice": (), "causes": ()})
    query = RuleQuery(store.con, rule, None, Window(), BOOK, lambda _, text: text)
    return Counter(query.run(f"SELECT _entity, _outcome FROM {query.rows} WHERE _entity <> 'first'"))


@examples(200, **RANDOM_STORES)
@given(
    drawn=st.lists(orders, min_size=1, max_size=6).map(_numbered),
    within=st.sampled_from([0, 24, 48]),
    cutoff=st.sampled_from([24, 15]),
    moment=st.sampled_from([None]) | moments,
)
def test_orders_and_waybills_have_the_outcomes_of_the_second_implementation(
    drawn: Any, within: int, cutoff: int, moment: datetime | None
) -> None:
    values = {"ship_within": within * 3600, "same_day_cutoff": cutoff * 3600}
    facts = {name: Fact(value=value, source="test", verified="assumed") for name, value in values.items()}
    wanted = StoreSettings("shop", BOOK.platforms["generic"], facts, as_of=moment)
    with open_store_from_rows(_rows(drawn), BOOK, wanted, ["fulfilments", "parcels"]) as store:
        found = {code: read_outcomes(store, code) for code in (*OF_ORDERS, *OF_WAYBILLS)}
    file = OrderFile(*drawn).at(moment or LATER)
    until = file.end or MONDAY - timedelta(days=3)
    cases = list_cases(file, timedelta(hours=within), timedelta(hours=cutoff), until)
    expected = outcomes_by_rule(cases.values())
    assert {code: found[code] for code in OF_ORDERS} == {
        code: Counter(expected.get(code, {}).items()) for code in OF_ORDERS
    }
    assert {code: found[code] for code in OF_WAYBILLS} == judge_waybills(file, cases, until)
