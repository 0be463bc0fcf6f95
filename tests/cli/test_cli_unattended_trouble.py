"""``audit --cron`` when the machine is against it: killed, disk full, read-only, somebody else running."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.checkups import checkup
from tests.cli.conftest import Faked
from tests.servers import Web, web

from storehealth.model import RunIdentity as RunOf
from storehealth.schedule import RunFolders

WAITS = True

__all__ = ["web"]
Run = Callable[..., Any]
ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "sample_exports"
BEGUN = datetime(2026, 3, 1, tzinfo=UTC)


def number(count: int) -> Any:
    """A checkup of a run of its own."""
    begun = BEGUN + timedelta(hours=count)
    return checkup(run=RunOf(id=f"{begun:%Y%m%dT%H%M%SZ}-abc123", started_at=begun))


# -- killed at any moment ----------------------------------------------------------------------------------------


@pytest.fixture
def tells(tmp_path: Path, web: Web) -> Path:
    """Settings that tell the web server of this machine of every run."""
    urls, settings = tmp_path / "notify.urls", tmp_path / "shop.toml"
    urls.write_text(f"{web.url()}\n", encoding="utf-8")
    urls.chmod(0o600)
    settings.write_text('[notify]\nurls_file = "notify.urls"\nwhen = "always"\nsuppress = 0\n', encoding="utf-8")
    return settings


def test_a_run_that_is_killed_at_any_step_leaves_the_one_before_whole(
    exports: Path, tmp_path: Path, tells: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.cli.killing", exports, tmp_path / "state", tells],
        cwd=ROOT, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rounds = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rounds) > 20, "the steps of a run were not seen"
    assert [killed["code"] for killed in rounds] == [-9] * (len(rounds) - 1) + [1]
    for killed in rounds:
        this = number(killed["count"]).run.id
        assert killed["latest"] in (killed["before"], this)
        assert killed["readable"]
        assert killed["half"] == []
    undisturbed = [killed for killed in rounds if "next" in killed]
    assert len(undisturbed) > 5
    for killed in undisturbed:
        assert killed["next"] == 1, "the run after the killed ones did not do what it should"
        assert killed["then"]["latest"] == number(killed["next_count"]).run.id
        assert killed["then"]["hidden"] == []
        assert killed["then"]["letters"] == 0
    moved = [killed["latest"] == number(killed["count"]).run.id for killed in rounds]
    assert moved == sorted(moved), "latest moved, and then moved back"


# -- a disk that is full, or takes nothing -----------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own of 4 MB."""
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(disk: Path, left: int) -> None:
    """Leave so many bytes free."""
    (disk / "filler").unlink(missing_ok=True)
    (disk / "filler").write_bytes(bytes(max(0, shutil.disk_usage(disk).free - left)))


def whole(state: Path) -> str | None:
    """The name of the latest run, whose reports can be read."""
    latest = RunFolders(state, "tea").find_latest()
    if latest is None:
        return None
    assert json.loads((latest / "checkup.json").read_bytes())["findings"]
    assert (latest / "report.md").read_bytes().endswith(b"\n")
    return latest.name


def test_a_disk_that_fills_up_at_any_point_leaves_the_run_before_whole(
    faked: Faked, run: Run, exports: Path, disk: Path, tells: Path, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apprise.plugins import NotifyBase

    monkeypatch.setattr(NotifyBase, "request_rate_per_sec", 0)
    state, codes = disk / "state", []
    asked = (
        "audit",
        exports,
        "--cron",
        "--name",
        "tea",
        "--state",
        state,
        "--keep",
        "all",
        "--notify",
        "--config",
        tells,
    )
    faked.checkup = number(0)
    assert run(*asked).code == 1
    for count, left in enumerate((*range(0, 64 * 1024, 4096), 1024 * 1024), 1):
        before = whole(state)
        fill(disk, left)
        faked.checkup = number(count)
        ended = run(*asked)
        codes.append(ended.code)
        if ended.code == 1:
            assert (whole(state), ended.err) == (number(count).run.id, "")
        else:
            assert "No space left on device" in ended.err or "is full" in ended.err
            assert all(line.startswith("storehealth: ") for line in ended.err.splitlines())
            assert whole(state) in (before, number(count).run.id)
        assert [path for path in RunFolders(state, "tea").folder.iterdir() if path.name.startswith(".")] == []
    assert codes[0] == 2, "a state folder that takes nothing is known before the work"
    assert 4 in codes, "no audit met a disk that filled up in the middle"
    assert codes[-1] == 1, "a disk with room again did not bring the next report"
    assert list((state / "outbox").glob("*.json")) == []
    assert str(whole(state)) in web.got[-1]["message"]


def test_a_disk_that_fills_up_during_a_real_audit_is_said_and_the_run_before_stays(run: Run, disk: Path) -> None:
    state = disk / "state"
    asked = ("audit", SAMPLE, "--cron", "--name", "tea", "--state", state)
    assert run(*asked).code == 1
    before = whole(state)
    fill(disk, 16 * 1024)
    ended = run(*asked, "--no-cache")
    assert ended.code in (2, 4)
    assert "Traceback" not in ended.err
    assert whole(state) == before
    (disk / "filler").unlink()
    ended = run(*asked)
    assert (ended.code, ended.err) == (1, "")
    assert whole(state) != before


@pytest.mark.parametrize("there", [True, False])
def test_a_disk_that_became_read_only_is_two_and_the_run_before_stays(
    faked: Faked, run: Run, exports: Path, disk: Path, there: bool
) -> None:
    state = disk / "state"
    asked = ("audit", exports, "--cron", "--name", "tea", "--state", state)
    if there:
        assert run(*asked).code == 1
    before = whole(state)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    faked.asked = None
    ended = run(*asked)
    assert ended.code == 2
    assert ended.err == (
        f"storehealth: The state folder {state} cannot be used: Read-only file system."
        " Give --state a folder that you can write to\n"
    )
    assert faked.asked is None
    assert whole(state) == before


LIMITED = """
import resource, signal, sys
size = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
from storehealth.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("size", [20_000, 150_000])
def test_where_files_may_not_grow_no_export_is_blamed_and_no_half_report_stays(tmp_path: Path, size: int) -> None:
    state = tmp_path / "state"
    asked = ("audit", SAMPLE, "--cron", "--name", "tea", "--state", state)
    limited = subprocess.run(
        [sys.executable, "-c", LIMITED, str(size), *map(str, asked)],
        capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert limited.returncode in (2, 4), limited.stderr
    assert "is full" in limited.stderr or "File too large" in limited.stderr
    assert "no file could be used" not in limited.stderr
    assert "Traceback" not in limited.stderr
    assert whole(state) is None
    assert [path.name for path in RunFolders(state, "tea").folder.glob("*") if path.is_dir()] == []
