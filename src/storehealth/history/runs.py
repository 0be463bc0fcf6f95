"""The saved runs of a state folder: what an audit reads of them, and how a run is added.

A run is selected by its id or the start of it, by ``latest`` or ``previous``, or by the day or time of its as_of.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from storehealth.errors import UsageError
from storehealth.history.events import EventCalendar
from storehealth.history.storage import (
    HistoryUnusable,
    open_for_reading,
    open_for_writing,
    pack_brief,
    pack_checkup,
    pack_counts,
    pack_marks,
    reclaim_space,
)
from storehealth.model import Checkup, Measurement, RunSummary
from storehealth.support.message import Name, message

MAX_EARLIER_RUNS = 60
"""Earlier runs that states, trend and follow-ups are worked out from."""
RUNS_WITH_MARKS = 12
"""Runs of a store whose fingerprints are kept; of older runs only the counts are."""
BLOB_COLUMNS = "basis, brief, checkup, measured, marks, anew, anew_by"
LINE_COLUMNS = "run, store, store_key, platform, how, as_of, made_at, score, grade, fails, watches"


class RunSeries(NamedTuple):
    """Runs that are compared with each other.

    ``store`` is the store's name in its settings, else the folder of its exports, so that two stores whose folders are
    both called ``exports`` stay apart. ``how`` names the options that change the figures.
    """

    store: str
    platform: str
    how: str = ""


class StoredRun(NamedTuple):
    """A run as it is stored in the file, its records still compressed."""

    line: RunSummary
    series: RunSeries
    basis: str
    brief: bytes
    checkup: bytes
    measured: bytes
    marks: bytes | None
    later_verdicts: bytes | None = None
    later_rules: str | None = None


@dataclass(frozen=True)
class PendingRun:
    """What an audit hands over to be remembered besides its checkup."""

    series: RunSeries
    basis: str
    questions: Mapping[str, str]
    measured: Sequence[Measurement]
    marks: Mapping[str, Mapping[int, int]]


@dataclass
class RunHistory:
    """The runs saved in a state folder.

    Attributes:
        folder: The state folder; ``history.sqlite`` is created in it when the first run is remembered.
        baseline: The run to compare with, as the user names it; None: the latest earlier one.
        calendar: The store's own events, and the countries whose holidays the trend marks.
        noted: What the current audit has handed over to be remembered.
        anew: Verdicts on earlier runs by later rules: run → which rules, and the verdicts. They are kept because judging
            all earlier runs again takes longer than the audit itself.
        troubles: What is wrong with the file, if anything; the audit then continues without past runs.
    """

    folder: Path
    baseline: str | None = None
    calendar: EventCalendar = field(default_factory=EventCalendar)
    pending: PendingRun | None = None
    later_verdicts: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    errors: list[HistoryUnusable] = field(default_factory=list)

    def list_before(self, series: RunSeries, as_of: datetime, most: int = MAX_EARLIER_RUNS) -> list[StoredRun]:
        """Read the latest runs of a series before ``as_of``, oldest first; none where the file is unusable."""
        return self._select(
            "store_key = ? AND platform = ? AND how = ? AND as_of < ? ORDER BY as_of DESC LIMIT ?",
            (*series, as_of.isoformat(), most),
        )[::-1]

    def list_runs(self, store: str | None = None, platform: str | None = None) -> list[RunSummary]:
        """List all runs, or those of one store (by name or folder) or platform: by store, then oldest first."""
        where = "(?1 IS NULL OR store = ?1 OR store_key = ?1) AND (?2 IS NULL OR platform = ?2)"
        order = "ORDER BY store, store_key, platform, how, as_of"
        try:
            with open_for_reading(self.folder) as con:
                rows = (
                    con.execute(f"SELECT {LINE_COLUMNS} FROM runs WHERE {where} {order}", (store, platform))
                    if con
                    else ()
                )
                return [_to_line(row) for row in rows]
        except HistoryUnusable as error:
            self.errors.append(error)
            return []

    def load_run(self, run: str) -> StoredRun:
        """Read one run by its full id.

        Raises:
            KeyError: There is none.
        """
        rows = self._select("run = ?", (run,))
        if not rows:
            raise KeyError(run)
        return rows[0]

    def _select(self, where: str, values: tuple[Any, ...]) -> list[StoredRun]:
        try:
            with open_for_reading(self.folder) as con:
                sql = f"SELECT {LINE_COLUMNS}, {BLOB_COLUMNS} FROM runs WHERE {where}"
                return [_to_stored_run(row) for row in con.execute(sql, values)] if con else []
        except HistoryUnusable as error:
            self.errors.append(error)
            return []


def delete_runs(folder: Path, runs: Sequence[str]) -> int:
    """Delete runs, and return their space to the disk.

    Returns:
        How many were deleted.

    Raises:
        HistoryUnusable: The file cannot be written; nothing is deleted then.
    """
    with open_for_writing(folder) as con:
        count = sum(con.execute("DELETE FROM runs WHERE run = ?", (run,)).rowcount for run in runs)
    reclaim_space(folder)
    return count


def _to_line(row: Sequence[Any]) -> RunSummary:
    run, store, key, platform, how, as_of, made_at, score, grade, fails, watches = row
    return RunSummary(
        run=run,
        store=store,
        folder=key if key != store else "",
        platform=platform,
        how=how,
        as_of=datetime.fromisoformat(as_of),
        made_at=datetime.fromisoformat(made_at),
        score=score,
        grade=grade,
        fails=fails,
        watches=watches,
    )


def _to_stored_run(row: Sequence[Any]) -> StoredRun:
    line, blobs = row[:11], row[11:]
    return StoredRun(_to_line(line), RunSeries(row[2], row[3], row[4]), *blobs)


def remember_run(history: RunHistory, checkup: Checkup, key: bytes) -> bool:
    """Add a run to the history; one of the same series and as_of is replaced.

    Args:
        history: Holds what the audit handed over; without that, or without an as_of, there is nothing to remember.
        checkup: The audit's result, personal values masked.
        key: Secret the fingerprints were made with; only a digest of it is written.

    Returns:
        Whether the run was added. What went wrong is in ``history.troubles``: an audit is valid without it.
    """
    noted = history.pending
    if noted is None or checkup.as_of is None:
        return False
    try:
        with open_for_writing(history.folder) as con:
            _insert_run(con, checkup, noted, key)
            con.executemany(
                "UPDATE runs SET anew_by = ?, anew = ? WHERE run = ?",
                [(*verdicts, run) for run, verdicts in history.later_verdicts.items()],
            )
    except HistoryUnusable as error:
        history.errors.append(error)
        return False
    return True


def _insert_run(con: sqlite3.Connection, checkup: Checkup, noted: PendingRun, key: bytes) -> None:
    statuses = [finding.status for finding in checkup.findings]
    values = {
        **dict(zip(("store_key", "platform", "how"), noted.series, strict=True)),
        "store": checkup.store,
        "as_of": checkup.as_of.isoformat() if checkup.as_of else "",
        "run": checkup.run.id,
        "made_at": checkup.run.started_at.isoformat(timespec="seconds"),
        "score": checkup.score.value,
        "grade": checkup.score.grade,
        "fails": statuses.count("fail"),
        "watches": statuses.count("watch"),
        "basis": noted.basis,
        "brief": pack_brief(checkup),
        "checkup": pack_checkup(checkup),
        "measured": pack_counts(noted.measured, noted.questions),
        "marks": pack_marks(noted.marks, digest_key(key)),
    }
    names = ", ".join(values)
    con.execute(f"INSERT OR REPLACE INTO runs ({names}) VALUES ({', '.join(f':{name}' for name in values)})", values)
    # fingerprints take most of the room; those of runs so old are no longer compared
    con.execute(
        "UPDATE runs SET marks = NULL WHERE marks IS NOT NULL AND number IN (SELECT number FROM runs "
        "WHERE store_key = ? AND platform = ? AND how = ? ORDER BY as_of DESC LIMIT -1 OFFSET ?)",
        (*noted.series, RUNS_WITH_MARKS),
    )


def digest_key(key: bytes) -> str:
    """Return a digest of a key, which tells the fingerprints of one key from those of another."""
    # blake2b takes keys of up to 64 bytes
    return hashlib.blake2b(b"which key", key=key[:64], digest_size=8).hexdigest()


RUN_LABEL = Name("RUN")


def select_run(lines: Sequence[RunSummary], name: str, label: Name = RUN_LABEL) -> RunSummary:
    """Find the run that a user names.

    Args:
        lines: The runs to choose from.
        name: What the user wrote.
        label: Name of the option or argument, for error messages.

    Raises:
        UsageError: No run matches, or runs of several stores or platforms do.
    """
    if not lines:
        raise UsageError(message("history.none", label=label, name=Name(name)), message("history.none_hint"))
    by_id = [line for line in lines if line.run == name] or [line for line in lines if line.run.startswith(name)]
    if len(by_id) == 1:
        return by_id[0]
    if len(by_id) > 1 and name != "":
        raise UsageError(message("history.ambiguous", label=label, name=Name(name)), message("history.run_hint"))
    candidates = [line for line in lines if name in ("latest", "previous") or _is_as_of(line, name)]
    _check_one_series(candidates, name, label)
    ranked = sorted(candidates, key=lambda line: (line.as_of, line.made_at))
    index = -2 if name == "previous" else -1
    if len(ranked) < -index:
        raise UsageError(message("history.absent", label=label, name=Name(name)), message("history.run_hint"))
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


def _check_one_series(lines: Sequence[RunSummary], name: str, label: Name) -> None:
    """Refuse to guess between stores, platforms and ways of counting."""
    series = sorted({describe_series(line) for line in lines})
    if len(series) > 1:
        raise UsageError(
            message("history.several", label=label, name=Name(name), parts=tuple(map(Name, series))),
            message("history.several_hint"),
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
