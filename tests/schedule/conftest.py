"""A schedule and its call, whose parts every starter must quote."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from storehealth.schedule import RunCommand, Schedule

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NASTY = '/srv/50% off/茶 house\'s "best" #1/$HOME'


def scheduled(**changes: Any) -> Schedule:
    """A schedule of a tea house, unless changed."""
    given: dict[str, Any] = {
        "name": "tea-house",
        "exports": "/srv/exports",
        "cron": "30 8 * * *",
        "zone": "UTC",
        "by": "cron",
        "created_at": NOW,
    }
    return Schedule(**(given | changes))


@pytest.fixture
def call() -> RunCommand:
    """The call of a run whose state folder has every sign that a shell knows."""
    command = ("/usr/bin/python3", "-m", "storehealth", "schedule", "run", "tea-house", "--state", NASTY)
    return RunCommand(command, {"XDG_STATE_HOME": NASTY})
