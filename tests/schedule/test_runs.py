"""Folders of runs, each complete or absent; the lock of a name; the log that turns over."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from storehealth.schedule import Attempt, RunFolders, runs
from storehealth.schedule.runs import COMPLETE, CompletedRun
from storehealth.schedule.schedules import BusyError, hold_lock, is_locked, read_last_attempt
from storehealth.support.atomic_files import write_atomically

NOW = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
REPORTS = {"checkup.json": b"{}", "report.md": b"# fine"}


def done(days_ago: int) -> CompletedRun:
    begun = NOW - timedelta(days=days_ago)
    return CompletedRun(run=f"{begun:%Y%m%dT%H%M%SZ}-abc123", started_at=begun, exit_code=0)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# -- complete or absent ------------------------------------------------------------------------------------------


def test_complete_is_written_after_every_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    real = write_atomically
    monkeypatch.setattr(
        runs, write_atomically.__name__, lambda path, content: (written.append(path.name), real(path, content))
    )
    RunFolders(tmp_path, "tea").write_run(done(0), REPORTS)
    assert written == [*REPORTS, COMPLETE]


@pytest.mark.parametrize("fails", [*REPORTS, COMPLETE])
def test_a_folder_that_cannot_be_completed_is_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    real = write_atomically

    def full(path: Path, content: bytes) -> None:
        if path.name == fails:
            raise OSError(28, "No space left on device")
        real(path, content)

    monkeypatch.setattr(runs, write_atomically.__name__, full)
    with pytest.raises(OSError, match="No space"):
        RunFolders(tmp_path, "tea").write_run(done(0), REPORTS)
    assert names(tmp_path / "runs" / "tea") == []


def test_latest_names_complete_runs_only(tmp_path: Path) -> None:
    kept = RunFolders(tmp_path, "tea")
    assert kept.find_latest() is None
    folder = kept.write_run(done(0), REPORTS)
    kept.mark_latest(folder.name)
    assert kept.find_latest() == folder
    (folder / COMPLETE).unlink()
    assert kept.find_latest() is None
    for elsewhere in ("..", "../../other", "", "\udcff"):
        (kept.folder / "latest").write_bytes(elsewhere.encode(errors="surrogateescape"))
        assert kept.find_latest() is None


def test_what_a_killed_run_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    kept = RunFolders(tmp_path, "tea")
    folder = kept.write_run(done(0), REPORTS)
    for left in (".20260301T083000Z-abc123.0a1b", ".gone-20250301T083000Z-abc123"):
        (kept.folder / left).mkdir()
        (kept.folder / left / "report.md").write_bytes(b"half")
    (kept.folder / ".latest.0a1b.tmp").write_bytes(b"half")
    (kept.folder / "notes of mine").mkdir()
    kept.sweep()
    assert names(kept.folder) == sorted([folder.name, "notes of mine"])


# -- how long runs are kept --------------------------------------------------------------------------------------


def test_old_runs_go_but_never_the_newest_nor_the_one_named_latest(tmp_path: Path) -> None:
    kept = RunFolders(tmp_path, "tea")
    ages = (400, 300, 200, 91)
    folders = {age: kept.write_run(done(age), REPORTS) for age in ages}
    kept.mark_latest(folders[300].name)
    assert kept.prune(90, NOW) == [done(400).run, done(200).run]
    assert [run.run for run in kept.list_completed()] == [done(300).run, done(91).run]


def test_a_run_is_kept_to_the_last_second_of_its_time(tmp_path: Path) -> None:
    kept = RunFolders(tmp_path, "tea")
    for age in (91, 90, 89, 0):
        kept.write_run(done(age), REPORTS)
    assert kept.prune(90, NOW) == [done(91).run]


def test_folders_that_are_no_complete_runs_are_left_alone(tmp_path: Path) -> None:
    kept = RunFolders(tmp_path, "tea")
    kept.write_run(done(0), REPORTS)
    for name in ("20200101T000000Z-abc123", "2020", "my own reports"):
        (kept.folder / name).mkdir()
    assert kept.prune(1, NOW) == []
    assert len(names(kept.folder)) == 4


# -- one at a time -----------------------------------------------------------------------------------------------

HOLDER = f"""
import sys, time
from pathlib import Path
from {hold_lock.__module__} import {hold_lock.__name__} as hold
with hold(Path(sys.argv[1]), 0):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Any:
    """Another process that holds the lock."""
    started = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert started.stdout.readline() == "held\n"
    yield started
    started.kill()
    started.wait()
    started.stdout.close()


def test_a_lock_that_is_held_turns_others_away_with_pid_and_start(tmp_path: Path, holder: Any) -> None:
    Attempt(pid=holder.pid, host="shop-pc", started_at=NOW).write(tmp_path)
    assert is_locked(tmp_path)
    since = NOW.astimezone().strftime("%Y-%m-%d %H:%M:%S %z")
    with pytest.raises(BusyError, match=f"process {holder.pid} on shop-pc, since {since}".replace("+", r"\+")):
        hold_lock(tmp_path, 0).__enter__()


def test_who_waits_gets_the_lock_when_its_holder_is_done(tmp_path: Path, holder: Any) -> None:
    threading.Timer(1.5, holder.kill).start()
    with hold_lock(tmp_path, 30):
        assert holder.wait(10) == -signal.SIGKILL


def test_the_lock_of_a_holder_that_was_killed_is_free_whoever_has_its_number_now(tmp_path: Path, holder: Any) -> None:
    Attempt(pid=os.getppid(), host="shop-pc", started_at=NOW).write(tmp_path)
    holder.kill()
    holder.wait()
    assert not is_locked(tmp_path)
    with hold_lock(tmp_path, 0):
        assert is_locked(tmp_path)


def test_looking_whether_a_run_goes_on_turns_none_away(tmp_path: Path) -> None:
    ended = time.monotonic() + 1
    looking = threading.Thread(
        target=lambda: [is_locked(tmp_path) for _ in iter(lambda: time.monotonic() < ended, False)]
    )
    with hold_lock(tmp_path, 0):
        pass
    looking.start()
    while time.monotonic() < ended:
        with hold_lock(tmp_path, 0):
            pass
    looking.join()


def test_a_record_that_is_damaged_is_no_record(tmp_path: Path) -> None:
    (tmp_path / "attempt.json").write_text('{"pid": "x"', encoding="utf-8")
    assert read_last_attempt(tmp_path) is None


# -- the log -----------------------------------------------------------------------------------------------------


def test_a_log_turns_over_by_size_and_so_many_old_ones_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "SIZE", 300)
    for count in range(40):
        runs.write_log(tmp_path, "tea", logging.INFO, f"line {count:02}")
    files = names(tmp_path / "logs")
    assert files == ["tea.log", *(f"tea.log.{count}" for count in range(1, runs.LOGS_KEPT + 1))]
    assert all((tmp_path / "logs" / name).stat().st_size <= 300 for name in files)
    newest = (tmp_path / "logs" / "tea.log").read_text(encoding="utf-8").splitlines()[-1]
    assert newest.endswith("line 39")


def test_what_is_logged_is_one_line_and_holds_no_key(tmp_path: Path) -> None:
    runs.write_log(tmp_path, "tea", logging.ERROR, "two\nlines\x1b[2J, json://user:pa55w0rd@example.com/5ecr3t")
    (line,) = (tmp_path / "logs" / "tea.log").read_text(encoding="utf-8").splitlines()
    assert "two lines" in line
    assert "pa55w0rd" not in line
    assert "5ecr3t" not in line
    assert "\x1b" not in line


def test_a_log_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be", encoding="utf-8")
    runs.write_log(tmp_path, "tea", logging.INFO, "nothing")
    assert capfd.readouterr() == ("", "")
