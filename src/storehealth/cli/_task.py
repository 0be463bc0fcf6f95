"""What an audit that nobody watches is asked for besides the audit's own options."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from storehealth.errors import UsageError

UNITS = {"s": 1, "m": 60, "h": 3600, "": 1}


class Task(NamedTuple):
    """What runs unattended. ``keep``: days, None is for ever; ``wait``: seconds for a run of the same name to end."""

    name: str
    exports: Path
    state: Path
    keep: int | None
    wait: float

    @classmethod
    def of(cls, name: str | None, exports: Path, state: Path, keep: str, wait: str) -> Task:
        """From the options.

        Raises:
            UsageError: An option is invalid.
        """
        return cls(name_for(name, exports), exports, state, days(keep), seconds(wait))


def name_for(given: str | None, exports: Path) -> str:
    """The name of the runs: the one given, else the exports folder's, as far as it can be one.

    Raises:
        UsageError: The one given cannot.
    """
    from storehealth.schedule.book import name_of

    return name_of(given) if given is not None else re.sub(r"[^\w]+", "-", exports.resolve().name).strip("-") or "store"


def days(text: str) -> int | None:
    """``90d``, or ``all`` for None.

    Raises:
        UsageError: It is neither.
    """
    if text == "all":
        return None
    found = re.fullmatch(r"([1-9]\d{0,4})d", text)
    if not found:
        raise UsageError(f"--keep {text!r} is no number of days", "Write a number of days such as 90d, or all.")
    return int(found[1])


def seconds(text: str) -> float:
    """``5m``, ``30s``, ``1h`` or ``0``.

    Raises:
        UsageError: It is no such time.
    """
    found = re.fullmatch(r"(\d{1,5})([smh]?)", text)
    if not found:
        raise UsageError(f"--lock-wait {text!r} is no time", "Write it as 30s, 5m or 1h; 0 does not wait.")
    return float(found[1]) * UNITS[found[2]]


def check(cron: bool, unmask: bool, outputs: Sequence[str] | None, given: Iterable[bool]) -> None:
    """Whether the options fit together.

    Args:
        cron: Whether nobody watches.
        unmask: Whether personal values are to be shown.
        outputs: The ``-o`` options.
        given: Which of the options that need ``--cron`` are there.

    Raises:
        UsageError: One of them is there without it; something goes to stdout, which cron would mail; or personal values
            would be kept.
    """
    if not cron and any(given):
        raise UsageError("--name, --keep and --lock-wait go with --cron", "Add --cron, or leave them off.")
    if cron and unmask:
        raise UsageError("--unmask and --cron contradict each other", "Personal data are never written to files.")
    if cron and any(text.endswith("=-") for text in outputs or ()):
        raise UsageError("--cron prints nothing, and -o sends something to stdout", "Give it a path.")
