"""How a schedule's run is called, from anywhere: this interpreter, this state folder, nothing that a shell must know."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NamedTuple

from storehealth.errors import UsageError

STATE_HOME = "XDG_STATE_HOME"
"""Where a user has moved his state: cron does not know it, and the key of the pseudonyms lies there."""


class Call(NamedTuple):
    """A command line with what it needs of the environment; every path is absolute."""

    command: tuple[str, ...]
    environment: dict[str, str]
    guarded: tuple[str, ...] = ("--when-due",)
    """What is added where it is called more often than it is due."""

    @classmethod
    def of(cls, name: str, state: Path) -> Call:
        """The call that runs a schedule of a state folder.

        Raises:
            UsageError: A path has a character that neither crontab nor unit can hold.
        """
        command = (
            str(Path(sys.executable).absolute()), "-m", "storehealth", "schedule", "run", name, "--state",
            str(state.absolute()),
        )  # fmt: skip
        home = os.environ.get(STATE_HOME, "")
        environment = {STATE_HOME: str(Path(home).absolute())} if home else {}
        for text in (*command, *environment.values()):
            if any(sign in text for sign in "\n\r\\") and os.name != "nt":
                raise UsageError(f"{text!r} has a line break or backslash in it", "No crontab can hold it. Rename it.")
        return cls(command, environment)
