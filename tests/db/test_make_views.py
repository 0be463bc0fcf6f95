"""Views made side by side."""

from __future__ import annotations

import duckdb
import pytest
from tests.db.conftest import OpenFiles

from storehealth.catalogue.view import View
from storehealth.db.store import NEEDED_OPTIMIZERS
from storehealth.db.views import create_views
from storehealth.errors import CatalogueError

SLOW = "SELECT count(*) AS x FROM range(3000) a, range(30000) b WHERE hash(a.range, b.range) % 7 = 0"


def view(name: str, sql: str, *after: str) -> View:
    """A view of the orders' group."""
    return View(view=name, about="one row", group="orders", after=after, sql=sql)


def test_a_view_waits_for_one_that_it_reads_without_saying_so() -> None:
    views = {item.view: item for item in (view("a", SLOW), view("b", "SELECT x FROM range(1), a"))}
    with duckdb.connect() as con, con.cursor() as other:
        create_views((con, other), views)
        assert con.execute("SELECT count(*) FROM b").fetchall() == [(1,)]


def test_the_first_wrong_view_is_told() -> None:
    wrong = [view("slow", SLOW), view("bad", "SELECT nothing", "slow"), view("worse", "SELECT nowhere", "slow")]
    with duckdb.connect() as con, con.cursor() as other, pytest.raises(CatalogueError, match=r"bad\.sql"):
        create_views((con, other), {item.view: item for item in wrong})


VIEWS: list[str] = []
JOINS = (
    "SELECT count(*) FROM orders AS a, orders AS b WHERE a.order_id = b.order_id",
    "SELECT count(*) FROM orders AS a WHERE EXISTS (FROM orders AS b WHERE a.order_id = b.order_id AND b.status = 'paid')",
)


@pytest.mark.parametrize("query", JOINS)
def test_a_small_store_is_planned_in_short_but_joined_by_hash(open_files: OpenFiles, query: str) -> None:
    rows = [{"order_id": f"A{number}", "status": "paid"} for number in range(20)]
    with open_files({"a.csv": {"orders": rows}}) as store:
        ((disabled,),) = store.con.execute("SELECT current_setting('disabled_optimizers')").fetchall()
        assert "join_order" in disabled
        assert not set(NEEDED_OPTIMIZERS) & set(disabled.split(","))
        assert "Hash Join" in store.con.execute(f"EXPLAIN {query}").fetchall()[0][1]
