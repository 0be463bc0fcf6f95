"""What weighs most among the signs of a substitute stands first: what people say, then the parcels, then the stock."""

from __future__ import annotations

import pytest

from storehealth.catalogue import load_catalogue
from storehealth.commands.rule_tests import open_example
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
