"""The installed Chromium that tests drive, and pages of a few made-up stores.

Where no browser is installed, such tests are skipped; with STOREHEALTH_REQUIRE_BROWSER=1, as in CI, they fail instead.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from storehealth.output.checkup.pdf import find_browser

REQUIRED = os.environ.get("STOREHEALTH_REQUIRE_BROWSER") == "1"
BROWSER = find_browser()
ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
needs_browser = pytest.mark.skipif(
    BROWSER is None and not REQUIRED,
    reason="no Chromium is installed (STOREHEALTH_REQUIRE_BROWSER=1 makes this a failure)",
)


@contextmanager
def launch() -> Iterator[Any]:
    """A running browser of Playwright's."""
    from playwright.sync_api import sync_playwright

    assert BROWSER, "no Chromium is installed, and STOREHEALTH_REQUIRE_BROWSER says that the tests must have one"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=list(ARGUMENTS))
        yield browser
        browser.close()


def write_page(folder: Path, content: bytes, name: str = "page") -> str:
    """Write a page and return its address."""
    path = folder / f"{name}.html"
    path.write_bytes(content)
    return path.as_uri()
