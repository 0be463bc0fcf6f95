"""A small lake on disk, as intake leaves it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.views.conftest import catalogue, open_rows

from storehealth.catalogue import Catalogue
from storehealth.catalogue.table import Table
from storehealth.db import Store, StoreSettings, open_store, sql
from storehealth.model import Intake, Source, StoredTable

__all__ = ["catalogue", "open_rows"]

Rows = list[dict[str, Any]]
OpenFiles = Callable[..., Store]


def stored(folder: Path, table: Table, source: str, rows: Rows) -> StoredTable:
    """Write rows as one Parquet file of a table, with the facts intake would give."""
    path = folder / f"{source}.{table.name}.parquet"
    with duckdb.connect() as con:
        typed = {name: table.sql_type(name) for name in table.columns} | {"source_row": "BIGINT", "unread": "VARCHAR[]"}
        con.execute(f"CREATE TABLE t ({', '.join(f'{sql.quote_name(name)} {kind}' for name, kind in typed.items())})")
        for number, row in enumerate(rows):
            full = [row.get(name, number + 2 if name == "source_row" else None) for name in typed]
            con.execute(f"INSERT INTO t VALUES ({', '.join('?' * len(full))})", full)
        con.execute(f"COPY t TO {sql.quote_value(str(path))} (FORMAT parquet)")
        least, most = (
            (f"{which}({sql.quote_names(table.events)})" if table.events else "NULL") for which in ("least", "greatest")
        )
        facts = f"SELECT count(*), count(DISTINCT row({sql.quote_names(table.key)})), min({least}), max({most}) FROM t"
        count, distinct, first, last = con.execute(facts).fetchall()[0]
    kept = {"rows": count, "distinct_keys": distinct, "first": first, "last": last}
    return StoredTable(table=table.name, source=source, parquet=path, **kept)


@pytest.fixture
def open_files(catalogue: Catalogue, tmp_path: Path, request: pytest.FixtureRequest) -> OpenFiles:
    """A function ``({source: {table: rows}}, as_of=, memory=) -> Store`` over Parquet files; no views with ``VIEWS = []``."""
    if getattr(request.module, "VIEWS", None) == []:
        catalogue = catalogue._replace(views={})

    def _open(files: dict[str, dict[str, Rows]], as_of: datetime | None = None, memory: str | None = None) -> Store:
        parts = [
            stored(tmp_path, catalogue.tables[table], source, rows)
            for source, tables in files.items()
            for table, rows in tables.items()
        ]
        sources = tuple(Source(path=source, tables=tuple(tables)) for source, tables in files.items())
        rejected = catalogue.tables["rejects"]
        rejects = (stored(tmp_path, rejected, "bad.csv", [{"line": 7, "column_name": "paid_at", "row_lost": True}]),)
        intake = Intake(sources=sources, tables=tuple(parts), rejects=rejects, zone="UTC")
        scratch = tmp_path / "scratch"
        scratch.mkdir(exist_ok=True)
        asked = StoreSettings("shop", catalogue.platforms["generic"], as_of=as_of, memory=memory)
        return open_store(intake, catalogue, asked, scratch)

    return _open
