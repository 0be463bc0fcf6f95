"""Where a schedule stands: never run, fine, running, failed, killed, missed; in its own time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from tests.schedule.conftest import scheduled

from storehealth.schedule import Attempt, RunFolders, ScheduleBook, ScheduleStatus, read_statuses
from storehealth.schedule.runs import CompletedRun
from storehealth.support.message import verbatim

ADDED = datetime(2026, 3, 1, 0, 0, tzinfo=UTC)


def day(count: int, hour: int = 8, minute: int = 30) -> datetime:
    return datetime(2026, 3, count, hour, minute, tzinfo=UTC)


def ran(state: Path, at: datetime, code: int | None, name: str = "tea-house") -> None:
    """A run that began then and ended with this code; None: it never ended."""
    runs, run = RunFolders(state, name), f"{at:%Y%m%dT%H%M%SZ}-abc123"
    if code in (0, 1, 3):
        runs.write_run(CompletedRun(run=run, started_at=at, exit_code=code), {"report.md": b"x"})
        runs.mark_latest(run)
    runs.folder.mkdir(parents=True, exist_ok=True)
    ended = (
        {}
        if code is None
        else {"ended_at": at + timedelta(seconds=9), "exit_code": code, "reasons": (verbatim("why"),)}
    )
    Attempt(pid=1, host="shop-pc", started_at=at, **ended).write(runs.folder)


def now(state: Path, at: datetime, **changes: Any) -> ScheduleStatus:
    ScheduleBook(state).put(scheduled(**({"created_at": ADDED} | changes)))
    (found,) = read_statuses(state, at).schedules
    return found


def test_before_its_first_run_it_waits_and_is_not_late(tmp_path: Path) -> None:
    found = now(tmp_path, day(1, 8, 0))
    assert (found.state, found.last_run, found.last_success, found.overdue_since) == ("waiting", None, None, None)
    assert found.next_run == day(1)
    assert not found.needs_attention


@pytest.mark.parametrize(("code", "state"), [(0, "fine"), (1, "fine"), (3, "failed"), (4, "failed"), (70, "failed")])
def test_a_run_that_ended_is_fine_or_failed(tmp_path: Path, code: int, state: str) -> None:
    ran(tmp_path, day(1), 0)
    ran(tmp_path, day(2), code)
    found = now(tmp_path, day(2, 9))
    assert (found.state, found.needs_attention) == (state, state == "failed")
    assert found.last_success is not None
    assert found.last_success.started_at == (day(2) if state == "fine" else day(1))
    assert found.next_run == day(3)


def test_a_run_without_an_end_goes_on_while_its_lock_is_held_and_was_killed_when_it_is_not(tmp_path: Path) -> None:
    ran(tmp_path, day(1), 0)
    ran(tmp_path, day(2), None)
    with FileLock(tmp_path / "runs" / "tea-house" / "run.lock"):
        found = now(tmp_path, day(2, 9))
        assert (found.state, found.needs_attention) == ("running", False)
    found = now(tmp_path, day(2, 9))
    assert (found.state, found.needs_attention) == ("stopped", True)
    assert found.folder is not None
    assert found.folder.endswith("20260301T083000Z-abc123")


@pytest.mark.parametrize(
    ("at", "missed"),
    [
        (day(2, 8, 29), None),
        (day(2, 8, 44), None),
        (day(2, 8, 46), day(2)),
        (day(5, 12), day(5)),
    ],
)
def test_a_run_that_did_not_come_is_missed_after_a_quarter_of_an_hour(
    tmp_path: Path, at: datetime, missed: datetime | None
) -> None:
    ran(tmp_path, day(1), 0)
    found = now(tmp_path, at)
    assert found.overdue_since == missed
    assert found.needs_attention == (missed is not None)


def test_a_schedule_that_never_ran_at_all_is_missed_too(tmp_path: Path) -> None:
    assert now(tmp_path, day(1, 8, 50)).overdue_since == day(1)
    assert now(tmp_path, day(1, 8, 50), created_at=day(1, 8, 40)).overdue_since is None


def test_times_are_the_schedule_s_own(tmp_path: Path) -> None:
    found = now(tmp_path, day(1, 0, 0), zone="Asia/Shanghai")
    assert found.next_run.isoformat() == "2026-03-01T08:30:00+08:00"


def test_the_last_success_survives_a_long_row_of_failures(tmp_path: Path) -> None:
    ran(tmp_path, day(1), 0)
    for count in range(2, 10):
        ran(tmp_path, day(count), 3)
    RunFolders(tmp_path, "tea-house").prune(3, day(9, 9))
    assert [run.started_at.day for run in RunFolders(tmp_path, "tea-house").list_completed()] == [1, 7, 8, 9]
    found = now(tmp_path, day(9, 9))
    assert found.last_success is not None
    assert found.last_success.started_at == day(1)


def test_runs_that_no_schedule_knows_are_listed_and_fail_too(tmp_path: Path) -> None:
    """A line that somebody has written into a crontab by hand."""
    now(tmp_path, day(1, 8, 0))
    ran(tmp_path, day(1), 0, "by-hand")
    ran(tmp_path, day(2), 3, "by-hand")
    (tmp_path / "runs" / "never ran").mkdir()
    found = read_statuses(tmp_path, day(2, 8, 31))
    assert [run.name for run in found.all_runs] == ["tea-house", "by-hand"]
    (other,) = found.others
    assert (other.state, other.last_run.exit_code) == ("failed", 3)
    assert other.last_success is not None
    assert other.last_success.started_at == day(1)
    assert "by-hand" in found.names_in_trouble
    ran(tmp_path, day(3), 1, "by-hand")
    assert "by-hand" not in read_statuses(tmp_path, day(3, 8, 31)).names_in_trouble
