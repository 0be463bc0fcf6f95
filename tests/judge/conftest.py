"""Texts of data files are found through whatever catalogue was read last; here each test has its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from storehealth.i18n import provide_texts


@pytest.fixture(autouse=True)
def _own_texts() -> Iterator[None]:
    provide_texts(None)
    yield
    provide_texts(None)
