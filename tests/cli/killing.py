"""Runs ``audit --cron`` again and again, each time killed one step further, and says what lay on the disk afterwards.

A program of its own, with one thread, so that it can fork. A step is a file opened, renamed, made or removed anywhere in
the state folder. Arguments: EXPORTS STATE SETTINGS. Prints one JSON line per round: the code (negative: the signal), what
``latest`` named before and names now, folders without ``COMPLETE``, letters that wait, and after some of them how an
undisturbed run ended.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.checkups import checkup

from storehealth.cli import main
from storehealth.model import RunIdentity
from storehealth.schedule import RunFolders
from storehealth.schedule.runs import COMPLETE, STAMP

BEGUN = datetime(2026, 3, 1, tzinfo=UTC)
FIRST = 1
MOST = 300
"""Steps; a run has about a hundred, unless what is left makes every next one longer."""
UNDISTURBED = 4
"""After so many killed runs one is left alone."""
EVENTS = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir"}


class Killer:
    """Kills this process at the n-th step within a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.left = str(folder), 0
        sys.addaudithook(self.see)

    def see(self, event: str, given: tuple[Any, ...]) -> None:
        """Count one step."""
        if self.left and event in EVENTS and str(given[0]).startswith(self.folder):
            self.left -= 1
            if not self.left:
                os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def open_audit(_: Path, request: Any) -> Iterator[Any]:
    """The audit that stands in: its run is named by its number."""
    begun = BEGUN + timedelta(hours=request.count)
    made = checkup(run=RunIdentity(id=f"{begun:%Y%m%dT%H%M%SZ}-abc123", started_at=begun))
    yield types.SimpleNamespace(checkup=made, build_pending=lambda: None)


def stand_in(count: int) -> None:
    """Have the next audit be the one of this number."""
    module = types.ModuleType("storehealth.audit")
    module.open_audit = open_audit  # type: ignore[attr-defined]
    module.AuditRequest = lambda **given: types.SimpleNamespace(**given, count=count)  # type: ignore[attr-defined]
    sys.modules["storehealth.audit"] = module


def forked(count: int, killer: Killer, steps: int, words: list[str]) -> int:
    """Run in a child that is killed after so many steps (0: never); its exit code, or minus the signal."""
    child = os.fork()
    if child == 0:
        stand_in(count)
        killer.left = steps
        os._exit(main(words))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def found(state: Path) -> dict[str, Any]:
    """What lies on the disk."""
    runs = RunFolders(state, "tea")
    latest = runs.find_latest()
    named = [path for path in runs.folder.iterdir() if STAMP.fullmatch(path.name)]
    return {
        "latest": latest.name if latest else None,
        "readable": bool(latest and json.loads((latest / "checkup.json").read_bytes())["findings"]),
        "half": [path.name for path in named if not (path / COMPLETE).exists()],
        "runs": len(named),
        "hidden": [path.name for path in runs.folder.iterdir() if path.name.startswith(".")],
        "letters": len(list((state / "outbox").glob("*.json"))),
    }


def main_(exports: str, folder: str, settings: str) -> None:
    """Every round until a run is done before its turn to be killed comes."""
    state, count, steps, code = Path(folder), FIRST, 0, -9
    words = ["audit", exports, "--cron", "--name", "tea", "--state", folder, "--notify", "--config", settings]
    killer = Killer(state)
    stand_in(0)
    main([*words, "--dry-run"])  # here, so that every child finds all modules loaded; sending would start a thread
    while code < 0 and steps < MOST:
        steps, before = steps + 1, found(state)["latest"]
        code = forked(count, killer, steps, words)
        told = {"before": before, "count": count, "code": code, **found(state)}
        count += 1
        if code >= 0 or steps % UNDISTURBED == 0:
            told |= {"next": forked(count, killer, 0, words), "next_count": count, "then": found(state)}
            count += 1
        print(json.dumps(told))


if __name__ == "__main__":
    main_(*sys.argv[1:])
