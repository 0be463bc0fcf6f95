"""What a process of the pool does with a store in tests; importable, since some systems have no forks."""

from __future__ import annotations

import os
import resource
import time
from datetime import UTC, datetime

from storehealth.fleet.work import StoreTask, audit_task
from storehealth.model.fleet import StoreResult


def behave(task: StoreTask) -> StoreResult:
    """As the store's name says: be ``slow``, ``hang``, ``crash``, crash ``once`` and then be done; else be done at once."""
    if task.name.startswith("slow"):
        time.sleep(0.4)
    if task.name.startswith("hang"):
        time.sleep(600)
    if task.name.startswith("crash") or (task.name.startswith("once") and task.attempt == 1):
        os.kill(os.getpid(), 9)
    return StoreResult(
        name=task.name, status="done", exit_code=0, started_at=datetime.now(UTC), seconds=0, attempts=task.attempt
    )


def audit_with_little_room(task: StoreTask) -> StoreResult:
    """Audit; the store named ``full`` finds no room on its disk, as ``ulimit -f`` shows it."""
    if task.name == "full":
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
    return audit_task(task)
