"""A rule from a stranger's pack can read the store's tables, and nothing else."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from tests.db.conftest import OpenFiles
from tests.views.conftest import Open

ORDERS = {"o.csv": {"orders": [{"order_id": "o", "created_at": "2026-03-01 10:00:00"}]}}
FORBIDDEN = [
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM glob('/etc/*')",
    "COPY orders TO '/tmp/stolen.csv'",
    "EXPORT DATABASE '/tmp/stolen'",
    "ATTACH '/tmp/stolen.db'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET threads = 1",
    "SET enable_external_access = true",
    "RESET memory_limit",
    "SET allowed_paths = ['/etc/passwd']",
]


@pytest.mark.parametrize("query", FORBIDDEN)
def test_nothing_outside_is_in_reach(open_files: OpenFiles, query: str) -> None:
    """No file, network, other database or setting."""
    with open_files(ORDERS) as store, pytest.raises(duckdb.Error):
        store.con.execute(query)


def test_the_stores_own_tables_stay_readable(open_files: OpenFiles) -> None:
    """The lake's files can still be read through their tables."""
    with open_files(ORDERS, memory="500MB") as store:
        assert store.con.execute("SELECT count(*) FROM orders").fetchall() == [(1,)]
        assert store.find_query_problem("SELECT order_id FROM orders") is None


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT nothing FROM orders", "nothing"),
        ("SELEC 1", "SELEC"),
        ("SELECT 1; DROP TABLE turns", "one SELECT"),
        ("DELETE FROM turns", "one SELECT"),
        ("COPY turns TO '/tmp/x.csv'", "one SELECT"),
    ],
)
def test_a_query_is_checked_without_running(open_rows: Open, query: str, reason: str) -> None:
    """Wrong names, wrong SQL, and anything that is not one SELECT."""
    store = open_rows({}, views=["turns"])
    assert reason in (store.find_query_problem(query) or "")
    assert store.con.execute("SELECT count(*) FROM turns").fetchall() == [(0,)]


def test_work_beyond_memory_goes_to_the_scratch_folder(open_files: OpenFiles, tmp_path: Path) -> None:
    """A sort larger than the memory allowed still ends, and only the scratch folder is written to."""
    before = set(tmp_path.iterdir())
    with open_files(ORDERS, memory="60MB") as store:
        wide = "SELECT hash(i) AS h, repeat('x', 40) AS t FROM range(1500000) r(i)"
        query = f"SELECT max(n) FROM (SELECT *, row_number() OVER (ORDER BY h) AS n FROM ({wide}))"
        assert store.con.execute(query).fetchall() == [(1500000,)]
    assert {path.name for path in set(tmp_path.iterdir()) - before} <= {
        "scratch",
        "o.csv.orders.parquet",
        "bad.csv.rejects.parquet",
    }
