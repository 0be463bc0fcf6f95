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
from typing import NamedTuple
from weakref import WeakKeyDictionary

import duckdb

try:
    import resource
except ImportError:  # pragma: no cover - Windows
    resource = None  # type: ignore[assignment]

OF_THE_TEXT = (duckdb.BinderException, duckdb.ParserException, duckdb.CatalogException, duckdb.SyntaxException)
"""Errors that quote the SQL and no cell."""
LONGEST = 600.0
"""Seconds that one query of a rule or view may take; the slowest built-in one takes seconds over a million rows."""
SLACK = (1 << 30) + (os.cpu_count() or 1) * (16 << 20)
"""Bytes beside those that the database counts. Over a million messages the built-in rules take a quarter of them."""
AFTER = SLACK // 4
"""Bytes that a query may ask for after one has asked for all there was, and has given them back: addresses are kept."""
MEMORY_FILE = Path("/proc/self/statm")
LEFT_FILE = Path("/proc/meminfo")
CONTAINER = Path("/sys/fs/cgroup")
UNITS = {"bytes": 0, "KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40}


class _Allowed(NamedTuple):
    """What the process held in memory and had asked for when it was settled, and how many bytes more it may hold."""

    held: int
    asked: int
    more: int


_ALLOWED: WeakKeyDictionary[duckdb.DuckDBPyConnection, _Allowed] = WeakKeyDictionary()


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
        _ALLOWED.pop(con, None)
    allowed = _allowed(con)
    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        with nullcontext() if allowed is None else _LIMIT.at(allowed):
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
    """Settle how much the process may hold while connections to one database run such SQL.

    Once for all of it, so that memory which one query leaves behind, or takes on another of the connections, gives the
    next no more. A connection alone is settled when the first of it runs.
    """
    if resource is not None and MEMORY_FILE.is_file():
        ((said,),) = hands[0].execute("SELECT current_setting('memory_limit')").fetchall()
        number, unit = re.findall(r"[\d.]+|\w+", str(said))
        more = min(int(float(number) * (1 << UNITS[unit])) + SLACK, _left())
        _ALLOWED.update(dict.fromkeys(hands, _Allowed(*_pages(), more)))


def _allowed(con: duckdb.DuckDBPyConnection) -> _Allowed | None:
    """What the process may hold while the connection runs such SQL; None where that cannot be limited."""
    if con not in _ALLOWED:
        settle([con])
    return _ALLOWED.get(con)


def _pages() -> tuple[int, int]:
    """Bytes that the process holds in memory of its own, and bytes it has asked for.

    The database's allocator keeps the addresses of what it has given back: they stay among the latter for good.
    """
    _, resident, shared, _, _, data, _ = map(int, MEMORY_FILE.read_bytes().split())
    size = os.sysconf("SC_PAGE_SIZE")
    return (resident - shared) * size, data * size


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
        self.running: list[tuple[_Allowed, int]] = []
        self.before = (0, 0)

    @contextmanager
    def at(self, allowed: _Allowed) -> Iterator[None]:
        """Hold the process to what it is allowed; where several threads audit, to the most that one of them is."""
        with self.lock:
            if not self.running:
                self.before = resource.getrlimit(resource.RLIMIT_DATA)
            one = (allowed, self._ceiling(allowed))
            self.running.append(one)
            self._set()
        try:
            yield
        finally:
            with self.lock:
                self.running.remove(one)
                self._set()

    def _ceiling(self, allowed: _Allowed) -> int:
        """Bytes that may be asked for in all: as many as for the other connections to one database."""
        for other, ceiling in self.running:
            if other is allowed:
                return ceiling
        held, asked = _pages()
        left = max(allowed.more - max(held - allowed.held, 0), 0)
        return max(allowed.asked + allowed.more, asked + min(left, AFTER))

    def _set(self) -> None:
        """Never above what the user has set."""
        soft, hard = self.before
        if self.running:
            most = max(ceiling for _, ceiling in self.running)
            soft = most if soft == resource.RLIM_INFINITY else min(soft, most)
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


_LIMIT = _Limit()
