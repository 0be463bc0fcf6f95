"""The command that runs a schedule, from anywhere: this interpreter and this state folder, nothing a shell must provide."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NamedTuple

from storehealth.errors import UsageError

STATE_HOME = "XDG_STATE_HOME"
"""Variable by which a user moves the state folder. Cron does not set it, and the key of pseudonyms is stored there."""


class RunCommand(NamedTuple):
    """A command line and the environment it needs; every path is absolute."""

    command: tuple[str, ...]
    environment: dict[str, str]
    guarded: tuple[str, ...] = ("--when-due",)
    """Arguments to add where cron starts it more often than it is due."""

    @classmethod
    def of(cls, name: str, state: Path) -> RunCommand:
        """Build the command that runs a schedule of a state folder.

        Raises:
            UsageError: A path has a character that neither a crontab nor a unit file can hold.
        """
        command = (
            str(Path(sys.executable).absolute()), "-m", "storehealth", "schedule", "run", name, "--state",
            str(state.absolute()),
        )  # fmt: skip
        home = os.environ.get(STATE_HOME, "")
        environment = {STATE_HOME: str(Path(home).absolute())} if home else {}
        for text in (*command, *environment.values()):
            if any(char in text for char in "\n\r\\") and os.name != "nt":
                raise UsageError(f"{text!r} has a line break or backslash in it", "No crontab can hold it. Rename it.")
        return cls(command, environment)
