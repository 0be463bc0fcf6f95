"""Time and memory limits for pack SQL, which may ask for more rows or bytes than the machine can deliver.

DuckDB's memory limit counts the blocks it keeps, but not lists and texts built inside one row. Those are limited by the
system's limit on a process's data (RLIMIT_DATA), which is set only while such SQL runs. DuckDB handles a refused
allocation and stays usable. Without such a limit (Windows, macOS) only what DuckDB counts is limited.
"""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import NamedTuple
from weakref import WeakKeyDictionary

import duckdb

from storehealth.support.message import message

try:
    import resource
except ImportError:  # pragma: no cover - Windows
    resource = None  # type: ignore[assignment]

SQL_TEXT_ERRORS = (duckdb.BinderException, duckdb.ParserException, duckdb.CatalogException, duckdb.SyntaxException)
"""Errors whose text quotes SQL but never a cell."""
MAX_QUERY_SECONDS = 600.0
"""Seconds that one query of a rule or view may take. The slowest built-in query takes seconds over a million rows."""
MEMORY_SLACK = (1 << 30) + (os.cpu_count() or 1) * (16 << 20)
"""Bytes allowed beyond those that DuckDB counts. The built-in rules need a quarter of them for a million messages."""
RETRY_ALLOWANCE = MEMORY_SLACK // 4
"""Bytes that a query may request after an earlier one has used up and freed all of them: DuckDB keeps the addresses."""
PROCESS_MEMORY_FILE = Path("/proc/self/statm")
SYSTEM_MEMORY_FILE = Path("/proc/meminfo")
CGROUP_FOLDER = Path("/sys/fs/cgroup")
UNITS = {"bytes": 0, "KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40}


_threads: int | None = None


def limit_threads(threads: int | None) -> None:
    """Limit this process's databases, from now on, to this many threads; None: as many as there are cores.

    Of many processes side by side each takes one: over few rows most of a query is planning, which uses one core.
    """
    global _threads  # noqa: PLW0603 - of the whole process, as its memory limit is
    _threads = threads


def count_threads() -> int:
    """Count the threads that a database may use."""
    return _threads or os.cpu_count() or 1


def apply_thread_limit(con: duckdb.DuckDBPyConnection) -> None:
    """Apply the limit to a database, if there is one; DuckDB's own default knows containers, too."""
    if _threads is not None:
        con.execute(f"SET threads = {_threads}")


class _Allowance(NamedTuple):
    """Bytes resident and requested when the allowance was granted, and how many more the process may hold."""

    resident: int
    requested: int
    more: int


_ALLOWANCES: WeakKeyDictionary[duckdb.DuckDBPyConnection, _Allowance] = WeakKeyDictionary()


class QueryTimeoutError(Exception):
    """A query was stopped."""

    def __init__(self, seconds: float) -> None:
        self.problem = message("sql.too_long", seconds=seconds)
        super().__init__(self.problem)


class QueryMemoryError(Exception):
    """A query was refused more memory."""

    def __init__(self) -> None:
        super().__init__("was refused more memory")


@contextmanager
def limit_query(con: duckdb.DuckDBPyConnection, seconds: float, anew: bool = False) -> Iterator[None]:
    """Limit the queries of a connection to this many seconds, and to its memory limit plus :data:`SLACK`.

    Args:
        con: An open database; its own memory limit stays as it is.
        seconds: After these it is interrupted, within a row too.
        anew: Whether to grant a new allowance, because the process has read a file in between.

    Raises:
        TookTooLongError: The time was up; an interruption by the user is raised as it is.
        TookTooMuchError: DuckDB or the system refused memory.
    """
    if anew:
        _ALLOWANCES.pop(con, None)
    allowance = _find_allowance(con)
    watched = _WATCHDOG.watch(con, seconds)
    try:
        with nullcontext() if allowance is None else _LIMIT.apply(allowance):
            yield
    except duckdb.InterruptException:
        if watched.timed_out:
            raise QueryTimeoutError(seconds) from None
        raise
    except (duckdb.OutOfMemoryException, MemoryError):
        raise QueryMemoryError from None
    finally:
        _WATCHDOG.release(watched)


@dataclass(eq=False)
class _Watched:
    """A running query: its connection, when it is interrupted (on the monotonic clock), and whether it was."""

    con: duckdb.DuckDBPyConnection
    deadline: float
    timed_out: bool = False


class _Watchdog:
    """Interrupts queries whose time is up. One thread watches all of them: one per query would cost more than most queries."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.running: set[_Watched] = set()
        self.wakes_at = inf
        self.thread: threading.Thread | None = None

    def watch(self, con: duckdb.DuckDBPyConnection, seconds: float) -> _Watched:
        """Interrupt a connection after so many seconds, unless it is released before."""
        watched = _Watched(con, time.monotonic() + seconds)
        with self.changed:
            self.running.add(watched)
            if self.thread is None:
                self.thread = threading.Thread(target=self._guard, name="query-watchdog", daemon=True)
                self.thread.start()
            elif watched.deadline < self.wakes_at:
                self.changed.notify()
        return watched

    def release(self, watched: _Watched) -> None:
        """Watch a query no longer. Afterwards it is not interrupted, and nothing here refers to its connection."""
        with self.changed:
            self.running.discard(watched)

    def _guard(self) -> None:
        with self.changed:
            while self.running:
                now = time.monotonic()
                for watched in self.running:
                    if watched.deadline <= now:
                        watched.timed_out = True
                        watched.con.interrupt()
                        watched.deadline = (
                            now + INTERRUPT_INTERVAL
                        )  # one that comes before the query has begun stops nothing
                # also while no query runs the thread stays until it would have woken: the next query comes soon
                self.wakes_at = min(watched.deadline for watched in self.running)
                del watched
                self.changed.wait(max(self.wakes_at - now, 0))
            self.thread, self.wakes_at = None, inf


_WATCHDOG = _Watchdog()
INTERRUPT_INTERVAL = 0.05
"""Seconds between interrupts of a query whose time is up."""


def _forget_threads() -> None:
    """Start anew in a forked process: the threads of its parent are not in it."""
    global _WATCHDOG  # noqa: PLW0603 - as above
    _WATCHDOG = _Watchdog()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)


def grant_memory(connections: Sequence[duckdb.DuckDBPyConnection]) -> None:
    """Grant the connections to one database a common memory allowance.

    It is granted once, so that memory which one query leaves behind, or uses on another connection, is not granted again
    to the next. A single connection gets its allowance when its first query runs.
    """
    if resource is not None and PROCESS_MEMORY_FILE.is_file():
        ((memory_limit,),) = connections[0].execute("SELECT current_setting('memory_limit')").fetchall()
        number, unit = re.findall(r"[\d.]+|\w+", str(memory_limit))
        more = min(int(float(number) * (1 << UNITS[unit])) + MEMORY_SLACK, measure_available())
        _ALLOWANCES.update(dict.fromkeys(connections, _Allowance(*_measure_memory(), more)))


def _find_allowance(con: duckdb.DuckDBPyConnection) -> _Allowance | None:
    """The allowance of a connection, granted if need be; None where the system cannot limit memory."""
    if con not in _ALLOWANCES:
        grant_memory([con])
    return _ALLOWANCES.get(con)


def _measure_memory() -> tuple[int, int]:
    """Measure the bytes resident in the process's own memory, and the bytes it has requested.

    DuckDB's allocator keeps the addresses of freed memory, so the second figure never falls.
    """
    _, resident, shared, _, _, data, _ = map(int, PROCESS_MEMORY_FILE.read_bytes().split())
    size = os.sysconf("SC_PAGE_SIZE")
    return (resident - shared) * size, data * size


def measure_available() -> int:
    """Measure the bytes still free on the machine or in the container; beyond them the kernel kills the process."""
    available = sys.maxsize
    with suppress(OSError, KeyError):  # a figure that the system does not publish is no limit
        fields = dict(re.findall(r"(\w+): +(\d+) kB", SYSTEM_MEMORY_FILE.read_text(encoding="ascii")))
        available = int(fields["MemAvailable"]) + int(fields["SwapFree"]) << 10
    with suppress(OSError):
        maximum = (CGROUP_FOLDER / "memory.max").read_text(encoding="ascii").strip()
        used = re.search(r"^anon (\d+)", (CGROUP_FOLDER / "memory.stat").read_text(encoding="ascii"), re.MULTILINE)
        if maximum != "max" and used is not None:
            available = min(available, int(maximum) - int(used[1]))
    return max(available, 0)


class _ProcessLimit:
    """The system's limit on this process's data; set while pack SQL runs, and restored when none does."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running: list[tuple[_Allowance, int]] = []
        self.before = (0, 0)

    @contextmanager
    def apply(self, allowance: _Allowance) -> Iterator[None]:
        """Limit the process to the allowance; where several threads audit, to the largest of theirs."""
        with self.lock:
            if not self.running:
                self.before = resource.getrlimit(resource.RLIMIT_DATA)
            entry = (allowance, self._compute_ceiling(allowance))
            self.running.append(entry)
            self._set()
        try:
            yield
        finally:
            with self.lock:
                self.running.remove(entry)
                self._set()

    def _compute_ceiling(self, allowance: _Allowance) -> int:
        """Bytes that may be requested in all: the same for every connection to one database."""
        for other, ceiling in self.running:
            if other is allowance:
                return ceiling
        resident, requested = _measure_memory()
        remaining = max(allowance.more - max(resident - allowance.resident, 0), 0)
        return max(allowance.requested + allowance.more, requested + min(remaining, RETRY_ALLOWANCE))

    def _set(self) -> None:
        """Set the largest ceiling, never above the limit that the user has set."""
        soft, hard = self.before
        if self.running:
            largest = max(ceiling for _, ceiling in self.running)
            soft = largest if soft == resource.RLIM_INFINITY else min(soft, largest)
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


_LIMIT = _ProcessLimit()
