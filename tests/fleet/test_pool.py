"""Processes that hang, crash or run out of something stop nobody else."""

from __future__ import annotations

import os
from pathlib import Path

from storehealth.fleet.pool import PoolOptions, run_tasks
from storehealth.fleet.run import build_run
from storehealth.fleet.stores import read_stores
from storehealth.fleet.work import StoreTask, audit_task
from storehealth.model.fleet import StoreResult
from tests.fleet import works
from tests.fleet.conftest import write_orders

WAITS = True


def plan(place: Path, state: Path) -> list[StoreTask]:
    return [StoreTask(store=store, state=str(state / store.name)) for store in read_stores(place)]


def run_by_name(tasks: list[StoreTask], options: PoolOptions, work: object) -> dict[str, StoreResult]:
    results = list(run_tasks(tasks, options, work))  # type: ignore[arg-type]
    assert sorted(result.name for result in results) == sorted(task.name for task in tasks)
    return {result.name: result for result in results}


def test_a_store_that_crashes_is_tried_once_more_and_named(tmp_path: Path) -> None:
    for name in ("a", "crash", "once", "z"):
        (tmp_path / "stores" / name).mkdir(parents=True)
    tasks = plan(tmp_path / "stores", tmp_path / "state")
    results = run_by_name(tasks, PoolOptions(jobs=3), works.behave)
    assert {name: (result.status, result.attempts) for name, result in results.items()} == {
        "a": ("done", 1), "crash": ("crashed", 2), "once": ("done", 2), "z": ("done", 1),
    }  # fmt: skip
    assert build_run("fleet", results["a"].started_at, list(results.values())).exit_code == 70


def test_a_store_that_hangs_is_ended_in_time_and_tried_once_more(tmp_path: Path) -> None:
    for name in ("hang", "next"):
        (tmp_path / "stores" / name).mkdir(parents=True)
    tasks = plan(tmp_path / "stores", tmp_path / "state")
    results = run_by_name(tasks, PoolOptions(jobs=1, timeout=5), works.behave)
    assert results["next"].status == "done"
    assert (results["hang"].status, results["hang"].attempts) == ("timeout", 2)
    assert "not finished after" in str(results["hang"].reasons[0])


def test_a_store_that_would_end_just_after_its_time_ran_out_of_time_and_did_not_crash(tmp_path: Path) -> None:
    (tmp_path / "stores/slow").mkdir(parents=True)
    tasks = plan(tmp_path / "stores", tmp_path / "state")
    results = run_by_name(tasks, PoolOptions(timeout=0.05), works.behave)
    assert (results["slow"].status, results["slow"].attempts) == ("timeout", 2)


def test_a_pipe_among_the_rules_of_a_store_hangs_only_that_store(tmp_path: Path) -> None:
    rules = tmp_path / "stores/pipe/storehealth.d/rules"
    rules.mkdir(parents=True)
    os.mkfifo(rules / "x.yaml")
    tasks = plan(tmp_path / "stores", tmp_path / "state")
    results = run_by_name(tasks, PoolOptions(timeout=1.5), audit_task)
    assert (results["pipe"].status, results["pipe"].attempts) == ("timeout", 2)


def test_a_full_disk_a_pipe_a_huge_a_corrupt_and_an_empty_store_leave_the_others_whole(tmp_path: Path) -> None:
    place = tmp_path / "stores"
    for name in ("full", "good"):
        write_orders(place / name, 4)
    write_orders(place / "huge", 2)
    os.truncate(place / "huge/orders.csv", 1 << 40)
    (place / "pipe").mkdir()
    os.mkfifo(place / "pipe/orders.csv")
    (place / "empty").mkdir()
    (place / "corrupt").mkdir()
    (place / "corrupt/orders.xlsx").write_bytes(b"PK\x03\x04 not a workbook")
    results = run_by_name(plan(place, tmp_path / "state"), PoolOptions(), works.audit_with_little_room)
    assert {name: (result.status, result.exit_code) for name, result in results.items() if name != "good"} == {
        "full": ("failed", 2), "empty": ("failed", 3), "huge": ("failed", 3), "pipe": ("failed", 3), "corrupt": ("failed", 3),
    }  # fmt: skip
    assert str(results["corrupt"].reasons[0]) == "no file could be used; 1 file could not be read"
    assert results["corrupt"].brief is None
    assert results["good"].status == "done"
    assert "disk" in str(results["full"].reasons[0])
    good = results["good"].brief
    assert good is not None
    assert good.orders == 4
