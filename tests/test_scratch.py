"""Folders for work in progress: gone when it is done, swept where their process was killed, and never while one works."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from storehealth.support.atomic_files import LOCK_NAME, make_temporary_folder

WORKER = """
import sys, time
from pathlib import Path
from storehealth.support.atomic_files import make_temporary_folder
with make_temporary_folder(Path(sys.argv[1]), "work-") as folder:
    (folder / "rows.duckdb").write_bytes(bytes(1000))
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another process at work, and its folder, which looks an hour old."""
    started = subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    folder = Path(started.stdout.readline().strip())
    age(folder)
    yield started, folder
    started.kill()
    started.wait()
    started.stdout.close()


def age(folder: Path) -> None:
    then = folder.stat().st_mtime - 3600
    os.utime(folder, (then, then))


def test_it_is_its_owner_s_alone_and_gone_afterwards(tmp_path: Path) -> None:
    with make_temporary_folder(tmp_path, "work-") as folder:
        assert folder.parent == tmp_path
        assert folder.stat().st_mode & 0o077 == 0
        (folder / "rows").mkdir()
    assert list(tmp_path.iterdir()) == []


def test_it_is_gone_after_an_error_too(tmp_path: Path) -> None:
    with pytest.raises(KeyError), make_temporary_folder(tmp_path, "work-"):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_one_that_is_worked_in_stays_however_old(tmp_path: Path, worker: tuple[subprocess.Popen[str], Path]) -> None:
    with make_temporary_folder(tmp_path, "work-"):
        pass
    assert (worker[1] / "rows.duckdb").exists()


def test_one_whose_process_was_killed_is_swept_by_the_next(
    tmp_path: Path, worker: tuple[subprocess.Popen[str], Path]
) -> None:
    process, folder = worker
    process.kill()
    process.wait()
    with make_temporary_folder(tmp_path, "work-") as own:
        assert not folder.exists()
        assert own.exists()


def test_one_that_was_left_before_it_had_a_lock_is_swept_unless_it_is_young(tmp_path: Path) -> None:
    for name in ("work-old", "work-young", "other"):
        (tmp_path / name).mkdir()
    age(tmp_path / "work-old")
    age(tmp_path / "other")
    with make_temporary_folder(tmp_path, "work-"):
        assert {path.name for path in tmp_path.iterdir()} >= {"work-young", "other"}
        assert not (tmp_path / "work-old").exists()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / LOCK_NAME).touch()
    age(tmp_path / "mine")
    (tmp_path / "work-link").symlink_to(tmp_path / "mine")
    with make_temporary_folder(tmp_path, "work-"):
        assert (tmp_path / "mine" / LOCK_NAME).exists()


def test_an_audit_leaves_nothing_of_its_own_and_sweeps_what_a_killed_one_left(tmp_path: Path) -> None:
    from storehealth.audit import AuditRequest, audit

    state, exports = tmp_path / "state", tmp_path / "exports"
    exports.mkdir()
    (exports / "orders.csv").write_text("order_id,created_at\n1,2026-03-01 10:00:00\n", encoding="utf-8")
    for left in (state / "scratch-abandoned", state / "lake" / ".work-abandoned"):
        left.mkdir(parents=True)
        age(left)
    audit(exports, AuditRequest(state=state))
    assert list(state.glob("scratch-*")) == []
    assert list((state / "lake").glob(".work-*")) == []
