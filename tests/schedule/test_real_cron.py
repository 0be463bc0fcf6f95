"""A schedule put into this machine's own cron, left to fire, and its reports read as the user finds them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import jsonschema
import pytest

from storehealth.schedule import RunFolders

WAITS = True

ROOT = Path(__file__).parents[2]
PATIENCE = 240
"""Seconds: the next full minute, an audit on a busy machine, and some more."""
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def cron() -> Iterator[Callable[[], None]]:
    """Sees to it, whenever it is called, that a cron daemon runs: the machine's, another test's, or ours."""
    program = shutil.which("cron", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None or shutil.which("crontab") is None:
        pytest.skip("there is no cron here: install Debian's package cron")
    if os.geteuid() != 0:
        pytest.skip("only root can start a cron daemon")
    started: list[subprocess.Popen[bytes]] = []

    def running() -> None:
        if not started or started[-1].poll() is not None:  # it leaves at once where another one holds its lock
            started.append(subprocess.Popen([program, "-f"], stderr=subprocess.DEVNULL))

    yield running
    for process in started:
        process.terminate()
        process.wait()


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Run the command line in a process of its own, with a state folder whose name every shell and cron stumbles over."""
    state = tmp_path / '50% off, 茶\'s "state"'
    return lambda *words: subprocess.run(
        [sys.executable, "-m", "storehealth", *map(str, words), "--state", str(state)], capture_output=True, text=True
    )


@pytest.fixture
def names(command: Command) -> Iterator[tuple[str, str]]:
    """Names that no other test has in the crontab, taken out of it at the end."""
    found = (f"tea-{os.getpid()}", f"茶-{os.getpid()}")
    yield found
    for name in found:
        command("schedule", "remove", name)


def test_cron_starts_it_and_the_reports_are_there(
    command: Command, names: tuple[str, str], cron: Callable[[], None], tmp_path: Path
) -> None:
    exports = tmp_path / "100% 导出"
    shutil.copytree(ROOT / "tests" / "stores" / "small" / "exports", exports)
    copy, state = tmp_path / "tea.md", tmp_path / '50% off, 茶\'s "state"'
    here, elsewhere = names
    every_minute = ("--cron", "* * * * *")
    added = command("schedule", "add", here, exports, *every_minute, "-o", f"markdown={copy}")
    assert (added.returncode, added.stderr) == (0, "")
    assert command("schedule", "add", elsewhere, exports, *every_minute, "--timezone", "Asia/Kathmandu").returncode == 0
    table = subprocess.run(["crontab", "-l"], capture_output=True, text=True, check=True).stdout
    assert [name for name in names if f"# storehealth:{name}\n" in table] == [here, elsewhere]
    assert "--when-due" in next(line for line in table.splitlines() if line.endswith(elsewhere))

    waiting = time.monotonic() + PATIENCE
    while time.monotonic() < waiting and not all(RunFolders(state, name).find_latest() for name in names):
        cron()
        time.sleep(1)
    for name in names:
        assert command("schedule", "remove", name).returncode == 0, "it could not be taken out"
    table = subprocess.run(["crontab", "-l"], capture_output=True, text=True).stdout
    assert not any(name in table for name in names)

    for name in names:
        log = state / "logs" / f"{name}.log"
        folder = RunFolders(state, name).find_latest()
        assert folder is not None, (
            f"cron left no report in {PATIENCE} s; log: {log.read_text() if log.exists() else '-'}"
        )
        assert {path.name for path in folder.iterdir()} == {
            "checkup.json", "report.md", "report.html", "report.xlsx", "metrics.prom", "COMPLETE",
        }  # fmt: skip
        found = json.loads((folder / "checkup.json").read_text(encoding="utf-8"))
        jsonschema.validate(found, json.loads((ROOT / "docs" / "checkup.schema.json").read_text(encoding="utf-8")))
        assert found["score"]["value"] is not None
        assert {one["path"].partition("#")[0] for one in found["sources"]} == {path.name for path in exports.iterdir()}
        assert "ended with exit code 1" in log.read_text(encoding="utf-8")
        assert " ERROR " not in log.read_text(encoding="utf-8")
    assert copy.read_text(encoding="utf-8").startswith("#")
