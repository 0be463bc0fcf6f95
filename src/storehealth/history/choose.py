"""Select a run by its id or the start of it, by ``latest`` or ``previous``, or by the day or time of its as_of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from storehealth.errors import UsageError
from storehealth.model import RunSummary

RUN_HINT = "`storehealth history list` shows the runs; a run is named by its id, its day, latest or previous."


def select_run(lines: Sequence[RunSummary], name: str, label: str = "RUN") -> RunSummary:
    """Find the run that a user names.

    Args:
        lines: The runs to choose from.
        name: What the user wrote.
        label: Name of the option or argument, for error messages.

    Raises:
        UsageError: No run matches, or runs of several stores or platforms do.
    """
    if not lines:
        raise UsageError(f"{label} {name}: no run is remembered", "`storehealth audit EXPORTS` remembers one.")
    by_id = [line for line in lines if line.run == name] or [line for line in lines if line.run.startswith(name)]
    if len(by_id) == 1:
        return by_id[0]
    if len(by_id) > 1 and name != "":
        raise UsageError(f"{label} {name}: several runs begin like that", RUN_HINT)
    candidates = [line for line in lines if name in ("latest", "previous") or _is_as_of(line, name)]
    _check_one_series(candidates, name, label)
    ranked = sorted(candidates, key=lambda line: (line.as_of, line.made_at))
    index = -2 if name == "previous" else -1
    if len(ranked) < -index:
        raise UsageError(f"{label} {name}: there is no such run", RUN_HINT)
    return ranked[index]


def _is_as_of(line: RunSummary, name: str) -> bool:
    """Whether the run's as_of is this time, or a time on this day."""
    try:
        moment = datetime.fromisoformat(name)
    except ValueError:
        return False
    if len(name) <= len("2025-03-01"):
        return line.as_of.date() == moment.date()
    return line.as_of == moment or line.as_of.replace(second=0, microsecond=0) == moment


def _check_one_series(lines: Sequence[RunSummary], name: str, label: str) -> None:
    """Refuse to guess between stores, platforms and ways of counting."""
    series = sorted({describe_series(line) for line in lines})
    if len(series) > 1:
        raise UsageError(
            f"{label} {name} could be of any of: {'; '.join(series)}",
            "Say which: --store, --platform, or the run's id.",
        )


def describe_series(line: RunSummary) -> str:
    """Return store, platform and options of a run's series as one text."""
    return " · ".join(part for part in (line.folder or line.store, line.platform, line.how) if part)


def find_outdated(lines: Sequence[RunSummary], oldest: datetime | None, last: int | None) -> list[RunSummary]:
    """Find runs that may be deleted: made before ``oldest``, or not among the ``last`` of their series.

    The latest run of a series is never among them.

    Args:
        lines: All runs.
        oldest: With an offset, like ``made_at``; None: age does not matter.
        last: Runs of each series to keep; None: their number does not matter.
    """
    rank: dict[str, int] = {}
    for series in dict.fromkeys(map(describe_series, lines)):
        runs = sorted(
            (line for line in lines if describe_series(line) == series), key=lambda line: line.as_of, reverse=True
        )
        rank |= {line.run: position for position, line in enumerate(runs)}
    return [
        line
        for line in lines
        if rank[line.run] > 0
        and ((oldest is not None and line.made_at < oldest) or (last is not None and rank[line.run] >= last))
    ]
