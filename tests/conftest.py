"""What several test folders share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--rebaseline`` accepts the present checkup as the golden one."""
    parser.addoption("--rebaseline", action="store_true", help="write the golden checkup anew")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real orders and chats with independently computed truth; the test is skipped where it is absent."""
    folder = Path(os.environ.get("STOREHEALTH_REAL_DATA", ROOT.parent / "shared" / "real-data"))
    if not folder.is_dir():
        pytest.skip("real data are not on this machine: set STOREHEALTH_REAL_DATA to their folder")
    return folder


@pytest.fixture(autouse=True)
def _isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the caller's settings, state and colours out of the tests."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
    for name in [name for name in os.environ if name.startswith("STOREHEALTH_") and name != "STOREHEALTH_REAL_DATA"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("STOREHEALTH_PSEUDONYM_KEY", "a key for tests")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
