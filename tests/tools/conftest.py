"""Opens the sample store, or a store made of a few rows, for a tool."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from storehealth.catalogue import Catalogue, load_catalogue
from storehealth.commands.prepare import AuditRequest, PreparedInputs, open_inputs, prepare_inputs
from storehealth.commands.tools import collect_tool_inputs
from storehealth.db import Store, StoreSettings, open_store_from_rows
from storehealth.settings import Settings
from storehealth.tools import ToolInputs

SAMPLES = Path(__file__).parents[2] / "sample_exports"
SETTINGS = Path(__file__).parents[2] / "sample_settings"
OpenSample = Callable[..., ToolInputs]


@pytest.fixture(scope="session")
def sample_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PreparedInputs, Store, AuditRequest]]:
    """The sample store's open database; queries change nothing in it."""
    folder = tmp_path_factory.mktemp("tools")
    (folder / "storehealth.toml").write_text("", encoding="utf-8")
    request = AuditRequest(state=folder / "state", config=folder / "storehealth.toml")
    inputs = prepare_inputs(SAMPLES, request)
    with open_inputs(inputs, request) as store:
        yield inputs, store, request


@pytest.fixture
def open_sample(sample_store: tuple[PreparedInputs, Store, AuditRequest], tmp_path: Path) -> OpenSample:
    """A function ``(now=, folder=, **options) -> ToolInputs`` over the sample store."""
    inputs, store, request = sample_store

    def call(now: str | None = None, folder: Path = tmp_path, **options: Any) -> ToolInputs:
        made = collect_tool_inputs(inputs, store, request, options)
        made.folder = folder
        made.now = datetime.fromisoformat(now) if now else store.as_of
        return made

    return call


@pytest.fixture(scope="session")
def whole_catalogue() -> Catalogue:
    """All data files as shipped."""
    return load_catalogue()


@pytest.fixture
def open_made(
    whole_catalogue: Catalogue, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[..., ToolInputs]]:
    """A function ``(rows, platform=, as_of=, now=, language=, **options) -> ToolInputs`` over rows of canonical tables.

    A module names the views that its tool reads in ``VIEWS``: making all takes longest.
    """
    views = getattr(request.module, "VIEWS", None)
    with ExitStack() as stores:

        def call(
            rows: dict[str, list[dict[str, Any]]],
            platform: str = "generic",
            as_of: str | None = None,
            now: str | None = None,
            language: Any = "en",
            **options: Any,
        ) -> ToolInputs:
            named = whole_catalogue.platforms[platform]
            moment = datetime.fromisoformat(as_of) if as_of else None
            settings = StoreSettings("shop", named, named.facts, as_of=moment)
            store = stores.enter_context(open_store_from_rows(rows, whole_catalogue, settings, views))
            own = Settings(store="shop", language=language)
            clock = datetime.fromisoformat(now) if now else store.as_of
            return ToolInputs(
                store, whole_catalogue, named, own, (), "UTC", lambda kind, _: f"<{kind}>", tmp_path, clock, options
            )

        yield call
