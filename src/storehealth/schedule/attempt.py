"""How the last run went: recorded when it begins and when it ends, so a killed run is recognised by its missing end."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from storehealth.model.base import FrozenModel
from storehealth.outputs import write_atomically

ATTEMPT_FILE = "attempt.json"


class Attempt(FrozenModel):
    """One run, successful or not. ``run``: name of the folder it left, if any."""

    pid: int
    host: str
    started_at: datetime
    ended_at: datetime | None = None
    exit_code: int | None = None
    reasons: tuple[str, ...] = ()
    run: str | None = None

    @classmethod
    def start(cls, now: datetime) -> Attempt:
        """Create the record of this process's run."""
        return cls(pid=os.getpid(), host=platform.node(), started_at=now)

    def write(self, folder: Path) -> None:
        """Store the record in the folder of the runs.

        Raises:
            OSError: The folder cannot be written to; the previous record stays.
        """
        write_atomically(folder / ATTEMPT_FILE, f"{self.model_dump_json()}\n".encode(errors="replace"))


def read_last_attempt(folder: Path) -> Attempt | None:
    """Read the record of the last run that began, if it can be read."""
    try:
        return Attempt.model_validate_json((folder / ATTEMPT_FILE).read_bytes())
    except (OSError, ValidationError):
        return None


def delete_attempt(folder: Path) -> None:
    """Delete the record of the last run, if there is one; its reports stay."""
    with suppress(OSError):
        (folder / ATTEMPT_FILE).unlink()
