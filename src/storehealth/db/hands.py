"""Connections that work on one database side by side.

Over few rows most of a query's time is its planning, which takes one core; two queries at a time keep two busy. Over
millions of rows one query does.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from queue import SimpleQueue
from typing import TypeVar

import duckdb

from storehealth.db import sql
from storehealth.errors import OutOfMemory

Con = duckdb.DuckDBPyConnection
Hands = Sequence[Con]
K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
FEW = 3_000_000
"""Rows of all tables below which there is more than one, and the database lives in memory."""
MOST = 4
PAUSE = 0.05
"""Seconds between two interrupts: one that comes between two queries ends neither."""


def hands_for(rows: int) -> int:
    """How many connections work on so many rows."""
    return min(MOST, os.cpu_count() or 1) if rows < FEW else 1


def share_variables(hands: Hands) -> None:
    """Give all connections the variables of the first: each knows only its own."""
    first, *others = hands
    if not others:
        return
    names = [name for (name,) in first.execute("SELECT name FROM duckdb_variables()").fetchall()]
    held = ", ".join(f"getvariable({sql.value(name)}) AS {sql.name(name)}" for name in names)
    first.execute(f"CREATE OR REPLACE TABLE shared_variables AS SELECT {held}")
    taken = ";".join(
        f"SET VARIABLE {sql.name(name)} = (SELECT {sql.name(name)} FROM shared_variables)" for name in names
    )
    for other in others:
        other.execute(taken)
    first.execute("DROP TABLE shared_variables")


def side_by_side(hands: Hands, jobs: Mapping[K, Callable[[Con], T]], after: Mapping[K, Iterable[K]]) -> dict[K, T]:
    """Do every job with one of the connections, each after those it waits for.

    Args:
        hands: One alone does the jobs in their order.
        jobs: What to do with the connection, by name.
        after: For each job those it waits for, which stand before it.

    Returns:
        What came of each, in the order of the jobs.

    Raises:
        Exception: That of the first job, in their order, that failed; none is begun after that. Where memory lacked, what is
            left is done one after the other: it may do for one at a time, and if not, it is known for which.
    """
    if len(hands) == 1:
        return {name: job(hands[0]) for name, job in jobs.items()}
    free: SimpleQueue[Con] = SimpleQueue()
    for hand in hands:
        free.put(hand)

    def done_by_one(job: Callable[[Con], T]) -> T:
        hand = free.get()
        try:
            return job(hand)
        finally:
            free.put(hand)

    line = TopologicalSorter({name: tuple(after.get(name, ())) for name in jobs})
    line.prepare()
    begun: dict[K, Future[T]] = {}
    running: dict[Future[T], K] = {}
    failed = False
    with ThreadPoolExecutor(len(hands)) as pool:
        try:
            while line.is_active() and not failed:
                for name in line.get_ready():
                    begun[name] = pool.submit(done_by_one, jobs[name])
                    running[begun[name]] = name
                done = wait(running, return_when=FIRST_COMPLETED).done
                line.done(*(running.pop(future) for future in done))
                failed = any(future.exception() is not None for future in done)
            pool.shutdown(cancel_futures=True)
        except BaseException:  # the user's interrupt: queries under way are ended, not waited for
            pool.shutdown(wait=False, cancel_futures=True)
            while not all(future.done() for future in begun.values()):
                for hand in hands:
                    hand.interrupt()
                time.sleep(PAUSE)
            raise
    return _results(hands[0], jobs, begun)


def _results(hand: Con, jobs: Mapping[K, Callable[[Con], T]], begun: Mapping[K, Future[T]]) -> dict[K, T]:
    """What came of the jobs; those that found no memory, and those after them, done now."""
    ended = {name: future for name, future in begun.items() if not future.cancelled()}
    failed = [error for future in ended.values() if (error := future.exception()) is not None]
    if not failed or not all(isinstance(error, OutOfMemory) for error in failed):
        return {name: ended[name].result() for name in jobs if name in ended}
    return {
        name: ended[name].result() if name in ended and ended[name].exception() is None else job(hand)
        for name, job in jobs.items()
    }
