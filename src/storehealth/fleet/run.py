"""A run over a fleet: which stores need an audit, and what is stored of it."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from storehealth.catalogue.common import Language
from storehealth.errors import ExitCode
from storehealth.model.fleet import FleetRun, FleetStatus, StoreResult
from storehealth.schedule import RunFolders
from storehealth.schedule.runs import CompletedRun, list_names
from storehealth.schedule.schedules import Attempt
from storehealth.score.exit_status import pick_exit_code
from storehealth.support.atomic_files import describe_os_error
from storehealth.support.message import Message, Name, message

if TYPE_CHECKING:
    from storehealth.fleet.stores import FleetStore
    from storehealth.fleet.work import StoreTask

STORES_FOLDER = "stores"
"""In the state folder; each store has its own state folder below it."""
RUN_FILE = "fleet.json"


class TaskOptions(NamedTuple):
    """What all stores of a run have in common; a store's own language comes before ``language``."""

    memory: str | None = None
    keep: int | None = 90
    formats: tuple[str, ...] = ()
    fail_on: str = "fail"
    strict_data: bool = False
    as_of: datetime | None = None
    window: str | None = None
    language: Language | None = None
    packs: tuple[str, ...] = ()


def locate_store_state(state: Path, name: str) -> Path:
    """Return the state folder of one store."""
    return state / STORES_FOLDER / name


def plan_tasks(stores: Iterable[FleetStore], state: Path, options: TaskOptions) -> list[StoreTask]:
    """Build the task of each store."""
    from storehealth.fleet.work import StoreTask, fingerprint_store  # imports what audits; status needs none of it

    shared = options._asdict()
    language, packs = shared.pop("language"), shared.pop("packs")
    tasks = []
    for store in stores:
        configured = store._replace(
            language=store.language or language, packs=tuple(dict.fromkeys((*store.packs, *packs)))
        )
        task = StoreTask(store=configured, state=str(locate_store_state(state, store.name)), **shared)
        tasks.append(task._replace(fingerprint=fingerprint_store(task)))
    return tasks


def split_unchanged(tasks: Iterable[StoreTask]) -> tuple[list[StoreResult], list[StoreTask]]:
    """Part the stores whose last result still holds, as results, from those to audit."""
    from storehealth.fleet.work import read_stored_result

    unchanged, left = [], []
    for task in tasks:
        stored = read_stored_result(task.state)
        if stored is not None and stored.fingerprint == task.fingerprint != "":
            unchanged.append(stored.result.model_copy(update={"status": "unchanged", "owner": task.store.owner}))
        else:
            left.append(task)
    return unchanged, left


def build_run(name: str, started: datetime, results: Sequence[StoreResult]) -> FleetRun:
    """Put the results together, by name, with the worst of their exit codes."""
    codes = [ExitCode(result.exit_code) for result in results]
    code = pick_exit_code(*codes)
    if code is ExitCode.OK and ExitCode.BUSY in codes:
        code = ExitCode.BUSY
    return FleetRun(
        name=name,
        id=f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
        started_at=started,
        ended_at=datetime.now(UTC),
        exit_code=int(code),
        results=tuple(sorted(results, key=lambda result: result.name)),
    )


def store_run(state: Path, run: FleetRun, keep: int | None = 90) -> Message | None:
    """Store a run as the latest of its fleet; return what prevented it, if anything did."""
    runs = RunFolders(state, run.name)
    marker = CompletedRun(run=run.id, started_at=run.started_at, exit_code=run.exit_code)
    attempt = Attempt.start(run.started_at).model_copy(
        update={"ended_at": run.ended_at, "exit_code": run.exit_code, "run": run.id}
    )
    try:
        runs.sweep()
        runs.write_run(marker, {RUN_FILE: run.model_dump_json().encode(errors="replace")})
        runs.mark_latest(run.id)
        attempt.write(runs.folder)
    except OSError as error:
        return message("schedule.unwritable", path=Name(str(runs.folder)), reason=describe_os_error(error))
    if keep is not None:
        runs.prune(keep, datetime.now(UTC))
    return None


def read_run(state: Path, name: str) -> FleetRun | None:
    """Read the latest run of a fleet; None where there is none, or none that this version can read."""
    folder = RunFolders(state, name).find_latest()
    try:
        return None if folder is None else FleetRun.model_validate_json((folder / RUN_FILE).read_bytes())
    except (OSError, ValidationError):
        return None


def summarise_runs(state: Path) -> tuple[FleetStatus, ...]:
    """Say of each fleet in a state folder how its latest run ended for how many stores."""
    runs = (read_run(state, name) for name in list_names(state))
    return tuple(_summarise(run) for run in runs if run is not None)


def _summarise(run: FleetRun) -> FleetStatus:
    counts = Counter(result.status for result in run.results)
    failed = tuple(result.name for result in run.results if not result.is_done)
    return FleetStatus(
        name=run.name, stores=len(run.results), ended_at=run.ended_at, counts=dict(counts), failed=failed
    )
