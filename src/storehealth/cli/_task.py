"""Options of unattended audits, in addition to those of every audit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from storehealth.errors import UsageError

UNITS = {"s": 1, "m": 60, "h": 3600, "": 1}


class UnattendedTask(NamedTuple):
    """An unattended audit. ``keep``: days, None is for ever; ``wait``: seconds to wait for a run of the same name."""

    name: str
    exports: Path
    state: Path
    keep: int | None
    wait: float

    @classmethod
    def of(cls, name: str | None, exports: Path, state: Path, keep: str, wait: str) -> UnattendedTask:
        """Build it from the options.

        Raises:
            UsageError: An option is invalid.
        """
        return cls(choose_run_name(name, exports), exports, state, parse_days(keep), parse_seconds(wait))


def choose_run_name(given: str | None, exports: Path) -> str:
    """Return the name of the runs: the one given, else one made from the exports folder's.

    Raises:
        UsageError: The one given is not a valid name.
    """
    from storehealth.schedule.book import check_name

    return (
        check_name(given) if given is not None else re.sub(r"[^\w]+", "-", exports.resolve().name).strip("-") or "store"
    )


def parse_days(text: str) -> int | None:
    """Parse ``90d`` as 90, and ``all`` as None.

    Raises:
        UsageError: It is neither.
    """
    if text == "all":
        return None
    match = re.fullmatch(r"([1-9]\d{0,4})d", text)
    if not match:
        raise UsageError(f"--keep {text!r} is no number of days", "Write a number of days such as 90d, or all.")
    return int(match[1])


def parse_seconds(text: str) -> float:
    """Parse ``5m``, ``30s``, ``1h`` or ``0``.

    Raises:
        UsageError: It is of no such form.
    """
    match = re.fullmatch(r"(\d{1,5})([smh]?)", text)
    if not match:
        raise UsageError(f"--lock-wait {text!r} is no time", "Write it as 30s, 5m or 1h; 0 does not wait.")
    return float(match[1]) * UNITS[match[2]]


def check_options(cron: bool, unmask: bool, outputs: Sequence[str] | None, given: Iterable[bool]) -> None:
    """Check that the options fit together.

    Args:
        cron: Whether the audit runs unattended.
        unmask: Whether personal values are to be shown.
        outputs: The ``-o`` options.
        given: For each option that needs ``--cron``, whether it is given.

    Raises:
        UsageError: One of them is given without ``--cron``; something goes to stdout, which cron would mail; or personal
            values would be stored.
    """
    if not cron and any(given):
        raise UsageError("--name, --keep and --lock-wait go with --cron", "Add --cron, or leave them off.")
    if cron and unmask:
        raise UsageError("--unmask and --cron contradict each other", "Personal data are never written to files.")
    if cron and any(text.endswith("=-") for text in outputs or ()):
        raise UsageError("--cron prints nothing, and -o sends something to stdout", "Give it a path.")
