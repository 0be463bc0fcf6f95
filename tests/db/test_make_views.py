"""Views made side by side."""

from __future__ import annotations

import duckdb
import pytest

from storehealth.catalogue.view import View
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
