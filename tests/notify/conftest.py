"""Settings that tell the servers of this machine, and a clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from storehealth.settings import NotifySettings, Settings
from tests.servers import Mails, Web, mails, web

__all__ = ["NOON", "Mails", "Web", "hours", "mails", "web"]
NOON = datetime(2025, 4, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the tests Apprise's pause between two messages to one service."""
    from apprise.plugins import NotifyBase

    monkeypatch.setattr(NotifyBase, "request_rate_per_sec", 0)


@pytest.fixture
def asks(tmp_path: Path) -> Callable[..., Settings]:
    """Settings that tell these addresses; other keys of [notify] as given."""

    def made(*urls: str, zone: str | None = None, **keys: Any) -> Settings:
        path = tmp_path / "notify.urls"
        path.write_text("".join(f"{url}\n" for url in urls), encoding="utf-8")
        path.chmod(0o600)
        return Settings(timezone=zone, notify=NotifySettings(urls_file=path, **keys))

    return made


def hours(count: float) -> datetime:
    """So many hours after noon."""
    return NOON + timedelta(hours=count)
