"""A Dask cluster of two worker processes that share nothing but an S3 server, one of which is killed in the middle."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import fsspec
import pytest

from storehealth.errors import NoDataError, UsageError
from storehealth.fleet.dask_engine import run_on_dask
from storehealth.fleet.remote import (
    RemoteTask,
    StateConflict,
    audit_remote,
    check_url,
    fetch_state,
    list_remote_stores,
    return_state,
)
from storehealth.fleet.stores import read_stores
from storehealth.fleet.work import StoreTask
from storehealth.model.fleet import StoreResult
from tests.fleet.conftest import write_orders

WAITS = True

SECRET = "a-secret-of-the-tests"  # noqa: S105
STORES = 4


class Cluster(NamedTuple):
    """A scheduler's address, its workers, and the folder of all logs."""

    address: str
    workers: list[subprocess.Popen[bytes]]
    logs: Path


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """An S3 server with a bucket; the environment of workers and tests leads to it."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    names = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1", "PYTHONWARNINGS": "ignore",
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for name, value in names.items():
            patch.setenv(name, value)
        system = fsspec.filesystem("s3", skip_instance_cache=True)
        system.mkdir("fleet")
        yield system
    server.stop()


@pytest.fixture(scope="module")
def cluster(s3: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler and two workers, each a process with a working folder of its own."""
    place = tmp_path_factory.mktemp("cluster")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "STOREHEALTH_PSEUDONYM_KEY": "shared"}
    processes = []

    def start(name: str, *command: str) -> subprocess.Popen[bytes]:
        (place / name).mkdir()
        own = {**environment, "XDG_STATE_HOME": str(place / name), "TMPDIR": str(place / name)}
        log = (place / f"{name}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli." + command[0], *command[1:]], cwd=place / name, env=own,
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        processes.append(process)
        return process

    file = place / "scheduler.json"
    start("scheduler", "dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
          "--scheduler-file", str(file))  # fmt: skip
    while not file.exists():
        time.sleep(0.05)
    import json

    address = json.loads(file.read_text())["address"]
    options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--death-timeout", "60")
    workers = [start(f"worker{n}", "dask_worker", address, *options, "--name", f"worker{n}") for n in (1, 2)]
    yield Cluster(address, workers, place)
    for process in processes:
        process.kill()
        process.wait()


def put_stores(s3: Any, place: Path) -> None:
    for number in range(STORES):
        write_orders(place / f"tea{number}", number + 2)
    (place / "corrupt").mkdir()
    (place / "corrupt/orders.xlsx").write_bytes(b"PK\x03\x04 not a workbook")
    s3.put(str(place), "fleet/stores", recursive=True)


@pytest.mark.filterwarnings("ignore")
def test_a_worker_is_killed_and_every_store_is_done_once(s3: Any, cluster: Cluster, tmp_path: Path) -> None:
    put_stores(s3, tmp_path / "stores")
    stores = read_stores("s3://fleet/stores")
    assert [store.name for store in stores] == ["corrupt", *(f"tea{number}" for number in range(STORES))]
    tasks = [
        RemoteTask(StoreTask(store=store, state=""), store.exports, "s3://fleet/states", timeout=300)
        for store in stores
    ]
    results: list[StoreResult] = []
    for result in run_on_dask(tasks, cluster.address):
        if not results:
            cluster.workers[0].kill()  # what it holds and what it has done is lost
        results.append(result)
    assert sorted(result.name for result in results) == [store.name for store in stores]
    expected = {store.name: "done" for store in stores} | {"corrupt": "failed"}  # none of its files can be used
    assert {result.name: result.status for result in results} == expected
    for result in (result for result in results if result.status == "done"):
        assert result.folder is not None
        assert s3.exists(f"{result.folder}/checkup.json")
        assert s3.exists(f"fleet/states/{result.name}/00000001.tar.gz")
    logs = b"".join(path.read_bytes() for path in cluster.logs.glob("*.log"))
    assert SECRET.encode() not in logs
    # what has not changed is not done again, on whichever worker is left
    (again,) = run_on_dask([tasks[1]._replace(changed=True)], cluster.address)
    assert again.status == "unchanged"


def test_two_workers_that_return_one_state_are_told_apart(s3: Any, tmp_path: Path) -> None:
    for url in ("s3://fleet/conflict", (tmp_path / "shared").as_uri()):
        first, second = tmp_path / url[:2] / "first", tmp_path / url[:2] / "second"
        assert (fetch_state(url, first), fetch_state(url, second)) == (0, 0)
        (first / "history.sqlite").write_text("first")
        return_state(url, first, 0)
        with pytest.raises(StateConflict):
            return_state(url, second, 0)
        third = tmp_path / url[:2] / "third"
        assert fetch_state(url, third) == 1
        assert (third / "history.sqlite").read_text() == "first"
        for number in range(1, 5):
            return_state(url, third, number)
        system, path = fsspec.core.url_to_fs(url, skip_instance_cache=True)
        assert len(system.ls(path)) == 3


def test_trouble_with_the_store_of_files_is_that_stores_result(tmp_path: Path) -> None:
    store = read_stores(write_orders(tmp_path / "stores/a", 1).parent)[0]
    task = RemoteTask(StoreTask(store=store, state=str(tmp_path / "s")), "nowhere://x", (tmp_path / "states").as_uri())
    result = audit_remote(task)
    assert (result.status, result.exit_code) == ("failed", 2)


@pytest.mark.parametrize("url", ["s3://key:secret@bucket/x", "s3://key@bucket"])
def test_an_address_with_a_key_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_url(url)
    assert "key:" not in str(caught.value)
    with pytest.raises(UsageError):
        list_remote_stores(url)


def test_a_place_that_cannot_be_listed_is_no_internal_error(tmp_path: Path) -> None:
    """Of the error only its class is named: its text may hold addresses with keys."""
    with pytest.raises(NoDataError, match="FileNotFoundError"):
        list_remote_stores((tmp_path / "nowhere").as_uri())
