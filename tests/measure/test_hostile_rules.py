"""A rule out of a stranger's pack reads the store's rows and does nothing else."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from storehealth.catalogue import Catalogue, load
from storehealth.db import StoreSettings, store_from_rows
from storehealth.errors import CatalogueError
from storehealth.measure import Lens, measure

PAID = datetime.fromisoformat("2026-01-01 10:00:00")
ORDERS = [
    {"order_id": f"o{i}", "created_at": PAID, "paid_at": PAID, "shipped_at": PAID, "status": "paid"} for i in range(3)
]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """The built-in files."""
    return load()


@pytest.mark.parametrize(
    "expression",
    [
        "true FROM fulfilments); COPY (SELECT 1) TO '{target}'; SELECT (1",
        "(SELECT count(*) FROM read_csv('/etc/hostname')) > 0",
        "(SELECT count(*) FROM read_text('{target}')) > 0",
        "(SELECT count(*) FROM glob('/*')) > 0",
        "getenv('HOME') IS NOT NULL",
        "true) FROM fulfilments); SET VARIABLE as_of = NULL; SELECT (true",
        "true) FROM fulfilments); DROP TABLE fulfilments; SELECT (true",
    ],
    ids=["copy", "read-a-file", "read-text", "list-files", "environment", "variable", "drop"],
)
def test_an_expression_reaches_nothing_but_the_rows(catalogue: Catalogue, tmp_path: Path, expression: str) -> None:
    """Each try ends in a message that names the rule's file; nothing was written, and the store is whole."""
    target = tmp_path / "stolen.txt"
    rule = catalogue.rules["LG05"]
    hostile = rule.model_copy(
        update={"measure": rule.measure.model_copy(update={"when": expression.format(target=target)})}
    )
    settings = StoreSettings(
        "store", catalogue.platforms["generic"], catalogue.platforms["generic"].facts, "UTC", None, {}, None
    )
    with store_from_rows({"orders": ORDERS}, catalogue, settings) as store:
        with pytest.raises(CatalogueError, match=r"handed-over-by-promise\.yaml"):
            measure(store, [hostile], {}, {}, Lens(catalogue))
        assert not target.exists()
        assert measure(store, [rule], {}, {}, Lens(catalogue))[0].tally is not None
