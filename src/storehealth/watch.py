"""Ends what runs too long or takes too much: SQL of a pack may ask for more rows than there are seconds, or bytes.

The database counts what it keeps in blocks, and not the lists and texts that it makes inside one row. Those are held back
by the system's own limit on a process's data, which is set while such SQL runs. The database takes a refused allocation
for what it is and can be asked on. Where the system has no such limit (Windows, macOS), only what is counted is limited.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from weakref import WeakKeyDictionary

import duckdb

try:
    import resource
except ImportError:  # pragma: no cover - Windows
    resource = None  # type: ignore[assignment]

LONGEST = 600.0
"""Seconds that one query of a rule or view may take; the slowest built-in one takes seconds over a million rows."""
SLACK = (1 << 30) + (os.cpu_count() or 1) * (16 << 20)
"""Bytes beside those that the database counts. Over a million messages the built-in rules take a quarter of them."""
MEMORY_FILE = Path("/proc/self/statm")
LEFT_FILE = Path("/proc/meminfo")
CONTAINER = Path("/sys/fs/cgroup")
UNITS = {"bytes": 0, "KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40}
_CEILINGS: WeakKeyDictionary[duckdb.DuckDBPyConnection, int] = WeakKeyDictionary()


class TookTooLongError(Exception):
    """A query was stopped."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"ran longer than {seconds:g} seconds and was stopped; let it read fewer rows")


class TookTooMuchError(Exception):
    """A query was refused more memory."""

    def __init__(self) -> None:
        super().__init__("was refused more memory")


@contextmanager
def within(con: duckdb.DuckDBPyConnection, seconds: float, anew: bool = False) -> Iterator[None]:
    """Let the connection run so many seconds, and take the memory it is allowed and :data:`SLACK`.

    Args:
        con: An open database whose memory limit stays as it is.
        seconds: After which it is interrupted; its functions look for that within a row too.
        anew: Whether what the process has by now counts in full, since it has read a file in between.

    Raises:
        TookTooLongError: It was interrupted for the time, and not by the user.
        TookTooMuchError: The database or the system refused it memory.
    """
    fired = threading.Event()

    def stop() -> None:
        fired.set()
        con.interrupt()

    if anew:
        _CEILINGS.pop(con, None)
    ceiling = _ceiling(con)
    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        with nullcontext() if ceiling is None else _LIMIT.at(ceiling):
            yield
    except duckdb.InterruptException:
        if fired.is_set():
            raise TookTooLongError(seconds) from None
        raise
    except (duckdb.OutOfMemoryException, MemoryError):
        raise TookTooMuchError from None
    finally:
        timer.cancel()
        timer.join()  # it holds the connection, which no thread may be the last to hold when the process ends


def settle(hands: Sequence[duckdb.DuckDBPyConnection]) -> None:
    """Settle how much the process may have while connections to one database run such SQL.

    Once for all of it, so that memory which one query leaves behind, or takes on another of the connections, gives the
    next no more. A connection alone is settled when the first of it runs.
    """
    if resource is not None and MEMORY_FILE.is_file():
        _CEILINGS.update(dict.fromkeys(hands, _most(hands[0])))


def _ceiling(con: duckdb.DuckDBPyConnection) -> int | None:
    """Most bytes this process may have while the connection runs such SQL; None where that cannot be limited."""
    if con not in _CEILINGS:
        settle([con])
    return _CEILINGS.get(con)


def _most(con: duckdb.DuckDBPyConnection) -> int:
    """What the process has, what the database may keep, and the slack; no more than there is."""
    ((said,),) = con.execute("SELECT current_setting('memory_limit')").fetchall()
    number, unit = re.findall(r"[\d.]+|\w+", str(said))
    used = int(MEMORY_FILE.read_bytes().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    return used + min(int(float(number) * (1 << UNITS[unit])) + SLACK, _left())


def _left() -> int:
    """Bytes that the machine, or the container, still has: beyond them the process is killed, and nothing refused."""
    left = sys.maxsize
    with suppress(OSError, KeyError):  # what a system does not tell is no limit
        told = dict(re.findall(r"(\w+): +(\d+) kB", LEFT_FILE.read_text(encoding="ascii")))
        left = int(told["MemAvailable"]) + int(told["SwapFree"]) << 10
    with suppress(OSError):
        most = (CONTAINER / "memory.max").read_text(encoding="ascii").strip()
        taken = re.search(r"^anon (\d+)", (CONTAINER / "memory.stat").read_text(encoding="ascii"), re.MULTILINE)
        if most != "max" and taken is not None:
            left = min(left, int(most) - int(taken[1]))
    return max(left, 0)


class _Limit:
    """The system's limit on this process's data while such SQL runs; the one before comes back when none does."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.ceilings: list[int] = []
        self.before = (0, 0)

    @contextmanager
    def at(self, ceiling: int) -> Iterator[None]:
        """Hold the process to a ceiling; where several hold, which is where several threads audit, to the highest."""
        with self.lock:
            if not self.ceilings:
                self.before = resource.getrlimit(resource.RLIMIT_DATA)
            self.ceilings.append(ceiling)
            self._set()
        try:
            yield
        finally:
            with self.lock:
                self.ceilings.remove(ceiling)
                self._set()

    def _set(self) -> None:
        """Never above what the user has set."""
        soft, hard = self.before
        if self.ceilings:
            soft = max(self.ceilings) if soft == resource.RLIM_INFINITY else min(soft, max(self.ceilings))
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


_LIMIT = _Limit()
