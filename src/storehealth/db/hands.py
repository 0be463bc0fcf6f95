"""Connections that work on one database side by side.

Over few rows most of a query's time is its planning, which takes one core; two queries at a time keep two busy. Over
many rows one query does, and two would take twice the memory.
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

Con = duckdb.DuckDBPyConnection
Hands = Sequence[Con]
K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
FEW = 500_000
"""Rows of all tables up to which there is more than one."""
MOST = 4

PAUSE = 0.05
"""Seconds between two interrupts: one that comes between two queries ends neither."""


def hands_for(rows: int) -> int:
    """How many connections work on so many rows."""
    return min(MOST, os.cpu_count() or 1) if rows <= FEW else 1


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
        Exception: That of the first job, in their order, that failed; none is begun after that.
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
    return {name: begun[name].result() for name in jobs if name in begun and not begun[name].cancelled()}
