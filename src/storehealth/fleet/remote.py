"""One store on a machine that shares nothing but an object store or a shared folder, reached by fsspec (``s3://``, ``gs://``).

::

    EXPORTS_URL ──fetch──▶ local folder ─┐
    STATE_URL/NAME/00000007.tar.gz ──────┴─▶ a subprocess audits ─▶ STATE_URL/NAME/00000008.tar.gz   (created, never replaced)
                                                                  └▶ STATE_URL/NAME/latest/…          the store's own reports

A store's state is fetched, used on local disk and returned as one archive with the next number. It is created only where no
archive of that number exists, so of two workers that audit one store the later one notices, fetches the new state and
begins again: no update is lost, and no SQLite file is opened over a network. Credentials come from the environment of the
worker (``AWS_…``, ``GOOGLE_APPLICATION_CREDENTIALS``), never from the task.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import platform
import re
import subprocess
import sys
import tarfile
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from storehealth.errors import NoDataError, StorehealthError, UsageError
from storehealth.fleet.work import StoreTask, describe_failure, read_stored_result
from storehealth.model.fleet import StoreResult, StoreStatus
from storehealth.support.message import Message, Name, message, verbatim

ARCHIVE = re.compile(r"(\d{8})\.tar\.gz")
KEPT_ARCHIVES = 3
ATTEMPTS = 2
CONFLICTS = 3
NOT_KEPT = ("scratch-", ".in-use", "run.lock")


class StateConflict(StorehealthError):  # noqa: N818 - it says what happened
    """Another worker has returned this store's state in the meantime."""


class RemoteTask(NamedTuple):
    """A store whose files are elsewhere; ``task`` says how to audit it, its paths are filled in on the worker."""

    task: StoreTask
    exports: str
    states: str
    timeout: float = 900.0
    settings: str | None = None
    changed: bool = False


def check_url(url: str) -> str:
    """Check that a URL holds no credentials, which would be shown and logged.

    Raises:
        UsageError: It does.
    """
    if re.match(r"[\w+]+://[^/]*@", url):
        raise UsageError(message("fleet.url_secret"), message("fleet.url_secret_hint"))
    return url


def open_place(url: str) -> tuple[Any, str]:
    """Open the file system of a URL; return it and the path in it.

    Raises:
        UsageError: fsspec, or its part for this kind of URL, is not installed.
    """
    try:
        import fsspec

        system, path = fsspec.core.url_to_fs(url, skip_instance_cache=True, use_listings_cache=False)
    except (ImportError, ValueError) as error:
        kind = url.partition("://")[0]
        raise UsageError(message("fleet.no_fsspec", kind=Name(kind)), message("fleet.install_dask")) from error
    return system, path.rstrip("/")


def list_remote_stores(url: str) -> list[str]:
    """List the URLs of the folders below a URL, each of which is a store.

    Raises:
        NoDataError: The place cannot be listed: it does not exist, does not answer, or asks for other credentials.
    """
    try:
        system, path = open_place(check_url(url))
        folders = [entry["name"] for entry in system.ls(path, detail=True) if entry["type"] == "directory"]
    except StorehealthError:
        raise
    except Exception as error:  # each kind of place raises its own; what it says may hold credentials
        kind = Name(type(error).__name__)
        raise NoDataError(
            message("fleet.not_listed", url=Name(url), error=kind), message("fleet.check_access")
        ) from error
    return [str(system.unstrip_protocol(folder.rstrip("/"))) for folder in sorted(folders)]


def audit_remote(remote: RemoteTask) -> StoreResult:
    """Audit one store on this machine, in a local folder that is gone afterwards.

    Returns:
        The result; whatever goes wrong is in it.
    """
    started = datetime.now(UTC)
    for _ in range(CONFLICTS):
        with tempfile.TemporaryDirectory(prefix="storehealth-", ignore_cleanup_errors=True) as folder:
            task = _localize(remote, Path(folder))
            try:
                return _audit_here(remote, task)
            except StateConflict:
                continue
            except Exception as error:  # noqa: BLE001 - one store's trouble is a value for the fleet
                return describe_failure(task, started, "failed", _describe(error))
    return describe_failure(remote.task, started, "busy", message("fleet.state_conflict"))


def _describe(error: Exception) -> BaseException | Message:
    """An error of ours as it is; of another only its class, since its text may hold addresses with keys."""
    if isinstance(error, StorehealthError):
        return error
    return message("fleet.no_access", error=verbatim(type(error).__name__))


def _localize(remote: RemoteTask, folder: Path) -> StoreTask:
    home = folder / "home"
    home.mkdir()
    settings = str(home / "storehealth.toml") if remote.settings else None
    store = remote.task.store._replace(exports=str(home / "exports"), folder=str(home), settings=settings)
    return remote.task._replace(store=store, state=str(folder / "state"))


def _audit_here(remote: RemoteTask, task: StoreTask) -> StoreResult:
    states = f"{remote.states.rstrip('/')}/{task.name}"
    number = fetch_state(states, Path(task.state))
    task = task._replace(fingerprint=_fingerprint(remote))
    stored = read_stored_result(task.state)
    if remote.changed and stored and stored.fingerprint == task.fingerprint:
        return stored.result.model_copy(update={"status": "unchanged", "owner": task.store.owner})
    _fetch_folder(remote.exports, Path(task.store.exports))
    if remote.settings and task.store.settings:
        system, path = open_place(remote.settings)
        system.get_file(path, task.store.settings)
    result = _run_with_retry(remote, task)
    if result.is_done:
        return_state(states, Path(task.state), number)
        folder = _return_reports(states, result)
        page = f"{folder}/{Path(result.page).name}" if result.page else None
        result = result.model_copy(
            update={"folder": folder, "page": page, "worker": f"{platform.node()}:{os.getpid()}"}
        )
    return result


def _fingerprint(remote: RemoteTask) -> str:
    """Digest the options and the files, by what their store says of them."""
    total = hashlib.sha256(remote.task.fingerprint.encode())
    for url in filter(None, (remote.exports, remote.settings)):
        system, path = open_place(url)
        for name, entry in sorted(system.find(path, detail=True).items()):
            moment = entry.get("ETag") or entry.get("etag") or entry.get("mtime")
            total.update(f"{name}\0{entry.get('size')}\0{moment}\0".encode())
    return total.hexdigest()[:24]


def _fetch_folder(url: str, target: Path) -> None:
    system, path = open_place(check_url(url))
    target.mkdir(parents=True)
    for source in system.find(path):
        local = target / source[len(path) :].lstrip("/")
        if local.resolve().is_relative_to(target.resolve()):
            local.parent.mkdir(parents=True, exist_ok=True)
            system.get_file(source, str(local))


def _run_with_retry(remote: RemoteTask, task: StoreTask) -> StoreResult:
    for attempt in range(1, ATTEMPTS + 1):
        result = _run_subprocess(task._replace(attempt=attempt), remote.timeout)
        if result.status not in ("timeout", "crashed", "memory"):
            break
    return result


def _run_subprocess(task: StoreTask, timeout: float) -> StoreResult:
    """Audit in a subprocess: a crash costs no worker, and Dask's workers may have no children of multiprocessing."""
    started, status = datetime.now(UTC), "crashed"
    try:
        process = subprocess.run(
            [sys.executable, "-m", "storehealth.fleet.work"], input=pickle.dumps(task), stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, timeout=timeout, check=False,
        )  # fmt: skip
        if process.returncode == 0:
            return StoreResult.model_validate_json(process.stdout)
        reason = message("fleet.crashed", code=process.returncode)
    except subprocess.TimeoutExpired:
        status, reason = "timeout", message("fleet.timeout", seconds=round(timeout))
    return describe_failure(task, started, _as_status(status), reason)


def _as_status(status: str) -> StoreStatus:
    return "timeout" if status == "timeout" else "crashed"


# -- state --------------------------------------------------------------------------------------------------------------


def fetch_state(url: str, folder: Path) -> int:
    """Fetch the newest archive of a store's state into a folder; return its number, 0 where there is none."""
    system, path = open_place(url)
    number = max(_list_archives(system, path), default=0)
    folder.mkdir(parents=True, mode=0o700)
    if number:
        content = system.cat_file(_archive_path(path, number))
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            archive.extractall(folder, filter="data")
    return number


def return_state(url: str, folder: Path, number: int) -> None:
    """Return a store's state as the archive after ``number``, and delete those that are older than the last few.

    Raises:
        StateConflict: That archive exists: another worker was faster.
    """
    system, path = open_place(url)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for part in sorted(folder.iterdir()):
            archive.add(part, part.name, filter=_leave_out)
    _create(system, _archive_path(path, number + 1), buffer.getvalue())
    for old in _list_archives(system, path):
        if old <= number + 1 - KEPT_ARCHIVES:
            with suppress(OSError):
                system.rm_file(_archive_path(path, old))


def read_remote_result(url: str) -> StoreResult | None:
    """Read the last result of a store from the newest archive of its state; None where there is none."""
    with tempfile.TemporaryDirectory(prefix="storehealth-") as folder:
        state = Path(folder) / "state"
        stored = read_stored_result(str(state)) if fetch_state(url, state) else None
        return stored.result if stored else None


def _leave_out(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    name = entry.name.rpartition("/")[2]
    return None if name.startswith(NOT_KEPT) else entry


def _archive_path(path: str, number: int) -> str:
    return f"{path}/{number:08}.tar.gz"


def _list_archives(system: Any, path: str) -> list[int]:
    try:
        names = system.ls(path, detail=False)
    except FileNotFoundError:
        return []
    matches = (ARCHIVE.fullmatch(str(name).rstrip("/").rpartition("/")[2]) for name in names)
    return sorted(int(match[1]) for match in matches if match)


def _create(system: Any, path: str, content: bytes) -> None:
    """Create a file that must not exist yet, at once or not at all."""
    protocols = system.protocol if isinstance(system.protocol, tuple) else (system.protocol,)
    try:
        if "file" in protocols:
            _create_local(Path(path), content)
        else:
            system.pipe_file(path, content, mode="create")
    except FileExistsError:
        raise StateConflict(message("fleet.state_conflict")) from None
    except OSError as error:
        # services name the failed condition in different ways; that the file is there now tells
        if system.exists(path):
            raise StateConflict(message("fleet.state_conflict")) from None
        raise error


def _create_local(path: Path, content: bytes) -> None:
    """Write a temporary file and link it into place, which fails where the name is in use."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as stream:
        stream.write(content)
    try:
        os.link(stream.name, path)
    finally:
        Path(stream.name).unlink()


def _return_reports(url: str, result: StoreResult) -> str:
    """Copy the store's own reports to where people can open them; return the folder."""
    system, path = open_place(url)
    folder = f"{path}/latest"
    for report in sorted(Path(result.folder or "").iterdir()) if result.folder else ():
        system.makedirs(folder, exist_ok=True)
        system.pipe_file(f"{folder}/{report.name}", report.read_bytes())
    return str(system.unstrip_protocol(folder))
