"""Which run is meant: an id or its beginning, ``latest``, ``previous``, or the day or time it was as of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from storehealth.errors import UsageError
from storehealth.model import RunLine

HINT = "`storehealth history list` shows the runs; a run is named by its id, its day, latest or previous."


def chosen(lines: Sequence[RunLine], name: str, what: str = "RUN") -> RunLine:
    """The run that is meant.

    Args:
        lines: The runs to choose from.
        name: What the user wrote.
        what: Option or argument, for the message.

    Raises:
        UsageError: None fits, or several that are not of one store and platform.
    """
    if not lines:
        raise UsageError(f"{what} {name}: no run is remembered", "`storehealth audit EXPORTS` remembers one.")
    by_id = [one for one in lines if one.run == name] or [one for one in lines if one.run.startswith(name)]
    if len(by_id) == 1:
        return by_id[0]
    if len(by_id) > 1 and name != "":
        raise UsageError(f"{what} {name}: several runs begin like that", HINT)
    fitting = [one for one in lines if name in ("latest", "previous") or _is_of(one, name)]
    _one_series(fitting, name, what)
    ranked = sorted(fitting, key=lambda one: (one.as_of, one.made_at))
    place = -2 if name == "previous" else -1
    if len(ranked) < -place:
        raise UsageError(f"{what} {name}: there is no such run", HINT)
    return ranked[place]


def _is_of(line: RunLine, name: str) -> bool:
    """Whether the run is as of this time, or of a time on this day."""
    try:
        at = datetime.fromisoformat(name)
    except ValueError:
        return False
    if len(name) <= len("2025-03-01"):
        return line.as_of.date() == at.date()
    return line.as_of == at or line.as_of.replace(second=0, microsecond=0) == at


def _one_series(lines: Sequence[RunLine], name: str, what: str) -> None:
    """Refuse to guess between stores, platforms and ways of counting."""
    series = sorted({series_name(one) for one in lines})
    if len(series) > 1:
        raise UsageError(
            f"{what} {name} could be of any of: {'; '.join(series)}", "Say which: --store, --platform, or the run's id."
        )


def series_name(line: RunLine) -> str:
    """Store, platform and way of counting in words."""
    return " · ".join(part for part in (line.folder or line.store, line.platform, line.how) if part)


def outdated(lines: Sequence[RunLine], oldest: datetime | None, last: int | None) -> list[RunLine]:
    """Runs that may be forgotten: made before ``oldest``, or not among the ``last`` of their series; its latest stays.

    Args:
        lines: All runs.
        oldest: With an offset, as ``made_at``; None: age does not matter.
        last: None: their number does not matter.
    """
    place: dict[str, int] = {}
    for series in dict.fromkeys(map(series_name, lines)):
        own = sorted((one for one in lines if series_name(one) == series), key=lambda one: one.as_of, reverse=True)
        place |= {one.run: number for number, one in enumerate(own)}
    return [
        one
        for one in lines
        if place[one.run] > 0
        and ((oldest is not None and one.made_at < oldest) or (last is not None and place[one.run] >= last))
    ]
