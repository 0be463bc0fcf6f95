"""How a run went: written down when it begins and when it ends, so that one that was killed is known by its missing end."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from storehealth.model.base import Record
from storehealth.outputs import write_whole

FILE = "attempt.json"


class Attempt(Record):
    """One run, whether it got anywhere or not. ``run``: the folder it left, if any."""

    pid: int
    host: str
    started_at: datetime
    ended_at: datetime | None = None
    exit_code: int | None = None
    reasons: tuple[str, ...] = ()
    run: str | None = None

    @classmethod
    def begun(cls, now: datetime) -> Attempt:
        """The run of this process."""
        return cls(pid=os.getpid(), host=platform.node(), started_at=now)

    def write(self, folder: Path) -> None:
        """Keep it beside the runs.

        Raises:
            OSError: The folder takes nothing; what was there before stays.
        """
        write_whole(folder / FILE, f"{self.model_dump_json()}\n".encode(errors="replace"))


def last_attempt(folder: Path) -> Attempt | None:
    """The last run that began, if its record can be read."""
    try:
        return Attempt.model_validate_json((folder / FILE).read_bytes())
    except (OSError, ValidationError):
        return None


def forget(folder: Path) -> None:
    """Have no record of the last run any more, where there is one; its reports stay."""
    with suppress(OSError):
        (folder / FILE).unlink()
