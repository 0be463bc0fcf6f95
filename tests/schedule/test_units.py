"""Units of systemd and the line for Windows."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from tests.effort import examples
from tests.schedule.conftest import NASTY, NOW, scheduled
from tests.schedule.test_when import EXPRESSIONS

from storehealth.errors import UsageError
from storehealth.schedule import RunCommand, crontab, systemd, timing

ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not on this machine")


def test_a_timer_has_the_schedule_s_own_zone_and_catches_up(call: RunCommand) -> None:
    files = systemd.format_units(scheduled(zone="Asia/Shanghai", cron="30 8 * * 1,4"), call)
    timer = files["storehealth-tea-house.timer".replace("-house", r"\x2dhouse")]
    assert "OnCalendar=Mon,Thu *-*-* 08:30:00 Asia/Shanghai\n" in timer
    assert "Persistent=true" in timer


@pytest.mark.parametrize(
    ("cron", "meant"),
    [
        ("30 8 * * *", ["*-*-* 08:30:00"]),
        ("0 0,12 1 1-3 *", ["*-01,02,03-01 00,12:00:00"]),
        ("* * * * 7", ["Sun *-*-* *:*:00"]),
        ("5 4 1,15 * 5", ["*-*-01,15 04:05:00", "Fri *-*-* 04:05:00"]),
    ],
)
def test_expressions_as_systemd_writes_them(cron: str, meant: list[str]) -> None:
    assert systemd.convert_to_calendars(cron) == meant


@needs_systemd
@given(EXPRESSIONS)
@examples(25)
def test_systemd_takes_it_to_mean_the_same(cron: str) -> None:
    start = datetime(2026, 3, 1, 12, tzinfo=UTC)
    found = []
    for calendar in systemd.convert_to_calendars(cron):
        done = subprocess.run(
            [ANALYZE, "calendar", "--base-time=2026-03-01 12:00:00 UTC", f"{calendar} UTC"],
            capture_output=True, text=True, check=True, env={"TZ": "UTC", "LC_ALL": "C"},
        )  # fmt: skip
        line = next(line for line in done.stdout.splitlines() if "Next elapse:" in line)
        stamp = line.partition(":")[2].strip().removesuffix(" UTC").partition(" ")[2]
        found.append(datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC))
    assert min(found) == timing.find_next_run(cron, "UTC", start)


@needs_systemd
def test_systemd_reads_every_sign_of_the_command(call: RunCommand, tmp_path: Path) -> None:
    """It looks for the program that is called, and complains of every other mistake."""
    for name, text in systemd.format_units(scheduled(), call).items():
        (tmp_path / name).write_text(text.replace("/usr/bin/python3", "/bin/true"), encoding="utf-8")
    (service,) = tmp_path.glob("*.service")
    done = subprocess.run([ANALYZE, "verify", "--man=no", str(service)], capture_output=True, text=True)
    assert "ignoring" not in done.stderr.lower()
    assert "storehealth" not in done.stderr
    assert NASTY.replace("%", "%%").replace("$", "$$").replace('"', '\\"') in service.read_text(encoding="utf-8")


FAKE = '#!/bin/sh\necho "$@" >> "$0.calls"\n{end}\n'


def control(folder: Path, monkeypatch: pytest.MonkeyPatch, end: str = "exit 0") -> Path:
    """A systemctl that notes how it was called; gives where."""
    program = folder / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(FAKE.format(end=end), encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    return folder / "bin" / "systemctl.calls"


def test_units_are_written_started_and_taken_away(
    call: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = control(tmp_path, monkeypatch)
    systemd.install("tea", systemd.format_units(scheduled(name="tea"), call))
    assert systemd.has_timer("tea")
    assert calls.read_text() == "--user daemon-reload\n--user enable --now storehealth-tea.timer\n"
    assert systemd.uninstall("tea")
    assert not list(systemd.locate_units().iterdir())
    assert not systemd.uninstall("tea")


def test_where_systemd_refuses_nothing_stays(call: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    control(tmp_path, monkeypatch, "echo 'Failed to connect to bus' >&2; exit 1")
    with pytest.raises(UsageError, match="systemctl refused: Failed to connect to bus"):
        systemd.install("tea", systemd.format_units(scheduled(name="tea"), call))
    assert not list(systemd.locate_units().iterdir())


WINDOWS = RunCommand((r"C:\Program Files\Python\python.exe", "-m", "storehealth", "schedule", "run", "tea"), {})


@pytest.mark.parametrize(
    ("cron", "zone", "times"),
    [
        ("30 8 * * *", "UTC", "/SC DAILY /ST 08:30"),
        ("5 23 * * 0,4", "UTC", "/SC WEEKLY /D SUN,THU /ST 23:05"),
        ("30 8 1 * *", "UTC", "/SC HOURLY /ST 00:30"),
        ("30 8 * * *", "Asia/Kolkata", "/SC HOURLY /ST 00:00"),
        ("*/5 * * * *", "UTC", "/SC MINUTE /MO 1"),
    ],
)
def test_windows_is_told_when(cron: str, zone: str, times: str) -> None:
    line = crontab.format_schtasks_command(scheduled(cron=cron, zone=zone), WINDOWS, "UTC", NOW)
    assert line.startswith(f'schtasks /Create /F /TN storehealth\\tea-house {times} /TR "\\"C:\\Program Files')
    assert ("--when-due" in line) == ("DAILY" not in line and "WEEKLY" not in line)


def test_a_command_too_long_for_windows_is_told() -> None:
    with pytest.raises(UsageError, match="schtasks accepts 261"):
        crontab.format_schtasks_command(scheduled(), RunCommand(("python", "x" * 260), {}), "UTC", NOW)
