"""A pool of connections that query one database in parallel.

Over few rows most of a query's time is planning, which uses one core; two queries at a time keep two busy. Over
millions of rows a single query uses all cores.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from queue import SimpleQueue
from typing import TypeVar

import duckdb

from storehealth.db import sql
from storehealth.errors import OutOfMemory
from storehealth.support.sandbox import count_threads

Connection = duckdb.DuckDBPyConnection
Connections = Sequence[Connection]
K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
FEW = 3_000_000
"""Rows of all tables below which there are several connections, and the database lives in memory."""
MOST = 4
PAUSE = 0.05
"""Seconds between interrupts: an interrupt that comes between two queries stops neither, so it is repeated."""


def count_connections(rows: int) -> int:
    """Number of connections for that many rows."""
    return min(MOST, count_threads()) if rows < FEW else 1


def share_variables(connections: Connections) -> None:
    """Copy the variables of the first connection to all others: DuckDB keeps them per connection."""
    first, *others = connections
    if not others:
        return
    names = [name for (name,) in first.execute("SELECT name FROM duckdb_variables()").fetchall()]
    values = ", ".join(f"getvariable({sql.quote_value(name)}) AS {sql.quote_name(name)}" for name in names)
    first.execute(f"CREATE OR REPLACE TABLE shared_variables AS SELECT {values}")
    copy = ";".join(
        f"SET VARIABLE {sql.quote_name(name)} = (SELECT {sql.quote_name(name)} FROM shared_variables)" for name in names
    )
    for other in others:
        other.execute(copy)
    first.execute("DROP TABLE shared_variables")


def run_parallel(
    connections: Connections, jobs: Mapping[K, Callable[[Connection], T]], after: Mapping[K, Iterable[K]]
) -> dict[K, T]:
    """Run every job on one of the connections, each after the jobs it depends on.

    Args:
        connections: The connections; a single one runs the jobs in their order.
        jobs: Functions that take a connection, by name.
        after: For each job the jobs it depends on, which come before it.

    Returns:
        The result of each job, in the order of the jobs.

    Raises:
        Exception: That of the first job, in their order, that failed; no job starts after a failure. If memory ran out,
            the remaining jobs run one at a time: memory may suffice for one, and if not, it is known for which.
    """
    if len(connections) == 1:
        return {name: job(connections[0]) for name, job in jobs.items()}
    free: SimpleQueue[Connection] = SimpleQueue()
    for con in connections:
        free.put(con)

    def run_job(job: Callable[[Connection], T]) -> T:
        con = free.get()
        try:
            return job(con)
        finally:
            free.put(con)

    order = TopologicalSorter({name: tuple(after.get(name, ())) for name in jobs})
    order.prepare()
    started: dict[K, Future[T]] = {}
    running: dict[Future[T], K] = {}
    failed = False
    with ThreadPoolExecutor(len(connections)) as pool:
        try:
            while order.is_active() and not failed:
                for name in order.get_ready():
                    started[name] = pool.submit(run_job, jobs[name])
                    running[started[name]] = name
                done = wait(running, return_when=FIRST_COMPLETED).done
                order.done(*(running.pop(future) for future in done))
                failed = any(future.exception() is not None for future in done)
            pool.shutdown(cancel_futures=True)
        except BaseException:  # the user's interrupt: running queries are interrupted, not waited for
            pool.shutdown(wait=False, cancel_futures=True)
            while not all(future.done() for future in started.values()):
                for con in connections:
                    con.interrupt()
                time.sleep(PAUSE)
            raise
    return _results(connections[0], jobs, started)


def _results(
    con: Connection, jobs: Mapping[K, Callable[[Connection], T]], started: Mapping[K, Future[T]]
) -> dict[K, T]:
    """The results of the jobs. Jobs that ran out of memory, and those after them, are run now, one at a time."""
    ended = {name: future for name, future in started.items() if not future.cancelled()}
    failed = [error for future in ended.values() if (error := future.exception()) is not None]
    if not failed or not all(isinstance(error, OutOfMemory) for error in failed):
        return {name: ended[name].result() for name in jobs if name in ended}
    return {
        name: ended[name].result() if name in ended and ended[name].exception() is None else job(con)
        for name, job in jobs.items()
    }
