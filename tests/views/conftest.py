"""Opens a store over a few rows, under the platform a test names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from storehealth.catalogue import Catalogue, load_catalogue
from storehealth.catalogue.common import Fact
from storehealth.db import Store, StoreSettings, open_store_from_rows

Open = Callable[..., Store]


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """Tables, views and platforms as shipped, without rules: what a database is made of."""
    return load_catalogue()._replace(rules={}, layouts={})


@pytest.fixture
def open_rows(catalogue: Catalogue, request: pytest.FixtureRequest) -> Iterator[Open]:
    """A function ``(rows, platform=, as_of=, staff=, views=, **facts) -> Store``; the stores are closed after the test.

    A module that looks at few views names them in ``VIEWS``: making all takes longest.
    """
    stores: list[Store] = []
    usual = getattr(request.module, "VIEWS", None)

    def _open(
        rows: dict[str, list[dict[str, Any]]],
        platform: str = "generic",
        as_of: str | None = None,
        staff: dict[str, str] | None = None,
        views: list[str] | None = None,
        zone: str = "UTC",
        **facts: Any,
    ) -> Store:
        own = {name: Fact(value=value, source="test", verified="assumed") for name, value in facts.items()}
        moment = datetime.fromisoformat(as_of) if as_of else None
        settings = StoreSettings("shop", catalogue.platforms[platform], own, zone=zone, as_of=moment, staff=staff or {})
        stores.append(open_store_from_rows(rows, catalogue, settings, usual if views is None else views))
        return stores[-1]

    yield _open
    for store in stores:
        store.con.close()


def rows_of(store: Store, query: str) -> list[dict[str, Any]]:
    """The rows of a query as dictionaries."""
    cursor = store.con.execute(query)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
