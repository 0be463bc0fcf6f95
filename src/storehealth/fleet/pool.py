"""One machine: a process per store, forked from one that has everything loaded; hanging and crashing ones are replaced.

A process lives for one store. What is slow to load, the imports and the catalogue, is loaded once before the fork; whatever
one store does to its process (a crash, a leak, a limit) ends with it.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple

from storehealth.errors import ExitCode
from storehealth.fleet.work import USUAL, StoreTask, audit_task, describe_failure, measure_bytes
from storehealth.model.base import FrozenModel
from storehealth.model.fleet import StoreResult, StoreStatus
from storehealth.schedule import RunFolders
from storehealth.schedule.schedules import read_last_attempt
from storehealth.support.message import message

BIG_BYTES = 64 << 20
"""Bytes of exports from which a store is big: it may use all cores, and runs beside small ones, but one at a time."""
STORE_MB = 400
"""Memory that a small store's process needs at most, for choosing how many run at once."""
PROCESS_MB = 3072
"""Memory limit of a small store's process: DuckDB's default of 1 GB, what it does not count, and Python's."""
BIG_TIMES = 2
"""By how much the limits of a big store, and of a second attempt, are larger."""
RETRIED: tuple[StoreStatus, ...] = ("timeout", "memory", "crashed")
POLL_SECONDS = 5.0
EVERYTHING = "+86 138 1234 5678, ES91 2100 0418 4502 0005 1332"
"""A text for which the detector of personal values loads all of its metadata and patterns."""
Work = Callable[[StoreTask], StoreResult]


class PoolOptions(NamedTuple):
    """How many stores at once (None: as cores and memory allow), and the limits of each, in seconds and MB."""

    jobs: int | None = None
    timeout: float = 900.0
    process_mb: int | None = PROCESS_MB
    big_bytes: int = BIG_BYTES


class _Running(NamedTuple):
    task: StoreTask
    process: BaseProcess
    answers: Connection
    started_at: datetime
    ends: float
    is_big: bool


def count_jobs(jobs: int | None = None) -> int:
    """Count the stores to audit at once: as asked for, else as many as cores and free memory allow."""
    if jobs is not None:
        return jobs
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, _measure_free_mb() // STORE_MB))


def _measure_free_mb() -> int:
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) >> 10
    return sys.maxsize


def load_everything(formats: Iterable[str] = USUAL) -> None:
    """Import and read once what every store needs; no database is opened, since its threads do not survive a fork."""
    from storehealth.catalogue import load_catalogue
    from storehealth.i18n.po import read_texts
    from storehealth.i18n.values import format_decimal
    from storehealth.output.checkup import CHECKUP_FORMATS

    load_catalogue()
    _load_readers()
    for language in ("en", "zh", "es"):
        read_texts(language)
        format_decimal(0.5, language)
    for name in formats:
        CHECKUP_FORMATS.find(name)
    gc.collect()
    gc.freeze()  # else the collector touches, and so copies, every page that the forks share


def _load_readers() -> None:
    """Import what is else imported when a file, a figure or a text is met that needs it."""
    import babel.dates  # noqa: F401

    import storehealth.intake.read  # noqa: F401
    from storehealth.intake.containers import load_archives, load_containers
    from storehealth.privacy.detector import find_spans

    load_containers()
    load_archives()
    list(find_spans(EVERYTHING))
    _build_records(FrozenModel)


def _build_records(record: type[FrozenModel]) -> None:
    """Build the validators of all records, which are else built when the first of each is made."""
    for kind in record.__subclasses__():
        kind.model_rebuild()
        _build_records(kind)


def run_tasks(tasks: Iterable[StoreTask], options: PoolOptions, work: Work = audit_task) -> Iterator[StoreResult]:
    """Audit stores side by side, and yield each result as soon as it is there; big stores begin first.

    Args:
        tasks: The stores.
        options: How many at once, and the limits of each.
        work: What to do with a store; runs in the process of that store.
    """
    context = multiprocessing.get_context(choose_start_method())
    if context.get_start_method() == "fork":
        load_everything()
    lanes = _Lanes(tasks, options)
    running: list[_Running] = []
    try:
        while lanes.has_more or running:
            while len(running) < lanes.jobs and (pick := lanes.pick(any(task.is_big for task in running))):
                running.append(_start(context, pick[0], pick[1], options, work))
            for ended in _wait(running):
                running.remove(ended)
                result = _collect(ended)
                if result.status in RETRIED and ended.task.attempt == 1:
                    lanes.retry(ended.task)
                else:
                    yield result
    finally:
        for left in running:
            left.process.kill()
            left.process.join()
        gc.unfreeze()


def choose_start_method() -> str:
    """Choose how processes begin: forked where that is safe, that is, on Linux and while there is a single thread."""
    is_safe = sys.platform.startswith("linux") and threading.active_count() == 1
    return "fork" if is_safe else "spawn"


class _Lanes:
    """The stores that wait: small ones, and big ones, of which one runs at a time. Second attempts are big."""

    def __init__(self, tasks: Iterable[StoreTask], options: PoolOptions) -> None:
        self.jobs = count_jobs(options.jobs)
        sizes = {task: measure_bytes(task.store) for task in tasks}
        ranked = sorted(sizes, key=lambda task: -sizes[task])
        self._big = deque(task for task in ranked if sizes[task] >= options.big_bytes)
        self._small = deque(task for task in sizes if sizes[task] < options.big_bytes)

    @property
    def has_more(self) -> bool:
        """Whether any store waits."""
        return bool(self._big or self._small)

    def pick(self, big_runs: bool) -> tuple[StoreTask, bool] | None:
        """Take the next store, and say whether it is big; None where only big ones wait and one runs."""
        if self._big and not big_runs:
            return self._big.popleft(), True
        return (self._small.popleft(), False) if self._small else None

    def retry(self, task: StoreTask) -> None:
        """Put a store at the end, as a big one."""
        self._big.append(task._replace(attempt=task.attempt + 1))


def _start(
    context: multiprocessing.context.BaseContext, task: StoreTask, is_big: bool, options: PoolOptions, work: Work
) -> _Running:
    times = BIG_TIMES if is_big else 1
    limit = options.process_mb * times if options.process_mb else None
    threads = None if is_big and task.attempt == 1 else task.threads
    task = task._replace(process_mb=limit, threads=threads)
    answers, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run_child, args=(sender, task, work), daemon=True)  # type: ignore[attr-defined]
    process.start()
    sender.close()
    return _Running(task, process, answers, datetime.now(UTC), time.monotonic() + options.timeout * times, is_big)


def _run_child(sender: Connection, task: StoreTask, work: Work) -> None:
    """Run in the store's own process. Ctrl-C is for the parent, which ends all; nothing of a store's goes to the screen."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if task.threads is not None:  # a small store leaves little garbage, and its process ends with it
        gc.disable()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    sender.send(work(task))
    sender.close()


def _wait(running: list[_Running]) -> list[_Running]:
    """Wait until a process answers, ends or runs out of time; return those."""
    now = time.monotonic()
    left = max(0.0, min(min(worker.ends for worker in running) - now, POLL_SECONDS))
    ready = set(wait([*(worker.answers for worker in running), *(worker.process.sentinel for worker in running)], left))
    now = time.monotonic()
    return [
        worker
        for worker in running
        if worker.answers in ready or worker.process.sentinel in ready or worker.ends <= now
    ]


def _collect(ended: _Running) -> StoreResult:
    """Take the answer of a process, or say how it ended without one: out of time, or crashed."""
    answer: StoreResult | None = None
    is_late = not wait([ended.answers, ended.process.sentinel], 0)
    with suppress(EOFError, OSError):
        if not is_late and ended.answers.poll(1.0):  # a process that crashed may still be closing its end
            answer = ended.answers.recv()
    _end(ended, is_late)
    return answer or _report_loss(ended, is_late)


def _end(ended: _Running, is_late: bool) -> None:
    """Let a process that has answered or crashed come to its end; kill one that is late or does not end."""
    ended.answers.close()
    if not is_late:
        ended.process.join(timeout=1.0)
    if ended.process.is_alive():
        ended.process.kill()
    ended.process.join()


def _report_loss(ended: _Running, is_late: bool) -> StoreResult:
    """Say that a process gave no answer, in the result and in the record of the store's run."""
    seconds = (datetime.now(UTC) - ended.started_at).total_seconds()
    reason = message("fleet.timeout", seconds=round(seconds))
    if not is_late:
        reason = message("fleet.crashed", code=ended.process.exitcode or 0)
    result = describe_failure(ended.task, ended.started_at, "timeout" if is_late else "crashed", reason)
    _record_end(ended.task, result)
    return result


def _record_end(task: StoreTask, result: StoreResult) -> None:
    """Complete the record of the store's run, which its process could not."""
    folder = RunFolders(Path(task.state), task.name).folder
    last = read_last_attempt(folder)
    if last is not None and last.ended_at is None:
        ended = {"ended_at": datetime.now(UTC), "exit_code": int(ExitCode.INTERNAL), "reasons": result.reasons}
        with suppress(OSError):
            last.model_copy(update=ended).write(folder)
