"""A schedule as a line of the user's crontab, or as a command for Windows' task scheduler.

The crontab is edited as bytes, and only lines that end with our mark are ours; the others stay as they are, byte for byte.
We never set ``CRON_TZ``: Debian's cron ignores it, and where it is supported (cronie) it also changes the times of all lines
below it. Where somebody else has set it, a line that runs every hour is right by either clock. The command for Windows is
printed for the user to run, never run by us.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from datetime import UTC, datetime
from subprocess import list2cmdline
from zoneinfo import available_timezones

from cronsim import CronSim

from storehealth.errors import UsageError
from storehealth.schedule.schedules import RunCommand, Schedule, describe_refusal
from storehealth.schedule.timing import convert_to_hourly, has_same_clock
from storehealth.support.atomic_files import describe_os_error
from storehealth.support.message import Name, message

MARK = "# storehealth:"
PROGRAM = "crontab"
CRON_TZ = re.compile(rb"^[ \t]*CRON_TZ[ \t]*=[ \t]*[\"']?([^\"'\s]+)", re.MULTILINE)
NO_CRONTAB = (b"no crontab", b"No such file")
"""Messages of ``crontab -l`` where the user has no crontab yet."""


def format_crontab_line(
    schedule: Schedule, call: RunCommand, machine: str, now: datetime, moved: str | None = None
) -> str:
    """Format the line, with our mark at the end.

    Args:
        schedule: What to run, when, in which zone.
        call: The command.
        machine: The machine's zone, which cron uses.
        now: The zones' clocks are compared from this time on.
        moved: The zone that the crontab's ``CRON_TZ`` names, which cron may use instead.
    """
    matches = is_cron_clock(schedule.zone, machine, now, moved)
    times = (
        schedule.cron if matches else convert_to_hourly(schedule.cron, schedule.zone, _list_clocks(machine, moved), now)
    )
    words = [f"{name}={shlex.quote(value)}" for name, value in call.environment.items()]
    words += map(shlex.quote, (*call.command, *(() if matches else call.guarded)))
    return f"{times} {' '.join(words)} {MARK}{schedule.name}".replace(
        "%", r"\%"
    )  # cron turns a bare % into a line break


def is_cron_clock(zone: str, machine: str, now: datetime, moved: str | None) -> bool:
    """Whether cron's clock is that of a zone, whether it follows ``CRON_TZ`` or not."""
    clocks = _list_clocks(machine, moved)
    return moved in (None, *clocks) and all(has_same_clock(zone, clock, now) for clock in clocks)


def _list_clocks(machine: str, moved: str | None) -> list[str]:
    """List the zones whose clock cron may use, as far as they are known."""
    return [machine, moved] if moved and moved in available_timezones() else [machine]


def read_cron_zone() -> str | None:
    """Return the zone that the last ``CRON_TZ`` of the user's crontab names; None without one, or without a crontab."""
    try:
        zones = CRON_TZ.findall(_read_crontab())
    except UsageError:
        return None
    return zones[-1].decode(errors="replace") if zones else None


def remove_line(crontab: bytes, name: str) -> bytes:
    """Return a crontab without our line of this name."""
    return b"".join(line for line in crontab.splitlines(keepends=True) if not _is_ours(line, name))


def replace_line(crontab: bytes, name: str, added: str) -> bytes:
    """Return a crontab with our line of this name replaced by the one given, at the end; all others are unchanged."""
    others = remove_line(crontab, name)
    gap = b"" if not others or others.endswith(b"\n") else b"\n"
    return others + gap + os.fsencode(added) + b"\n"


def _is_ours(line: bytes, name: str) -> bool:
    return line.rstrip(b"\r\n").endswith(f" {MARK}{name}".encode())


def has_line(name: str) -> bool:
    """Whether the user's crontab has our line of this name."""
    return any(_is_ours(line, name) for line in _read_crontab().splitlines())


def install(name: str, added: str) -> None:
    """Add a line to the user's crontab, replacing ours of the same name.

    Raises:
        UsageError: There is no crontab program, or it refuses.
    """
    _write_crontab(replace_line(_read_crontab(), name, added))


def uninstall(name: str) -> bool:
    """Remove our line of this name from the user's crontab; return whether there was one.

    Raises:
        UsageError: There is no crontab program, or it refuses.
    """
    before = _read_crontab()
    after = remove_line(before, name)
    if after != before:
        _write_crontab(after)
    return after != before


def _read_crontab() -> bytes:
    """Read the crontab as bytes. Raises where it cannot be read, so that it is never overwritten."""
    process = _run_program("-l")
    if process.returncode and not any(text in process.stderr for text in NO_CRONTAB):
        raise _to_error(process)
    return b"" if process.returncode else process.stdout


def _write_crontab(crontab: bytes) -> None:
    process = _run_program("-", stdin=crontab)
    if process.returncode:
        raise _to_error(process)


def _run_program(*arguments: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603 - fixed arguments
            [PROGRAM, *arguments],
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            env=os.environ | {"LC_ALL": "C"},  # so that "no crontab" is said in English
            check=False,
        )
    except OSError as error:
        raise UsageError(
            message("schedule.no_program", program=Name(PROGRAM), reason=describe_os_error(error)),
            message("schedule.no_cron_hint"),
        ) from None


def _to_error(process: subprocess.CompletedProcess[bytes]) -> UsageError:
    return UsageError(describe_refusal(PROGRAM, process), message("schedule.unchanged"))


DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
MAX_COMMAND_LENGTH = 261
"""Most characters that schtasks accepts in a command."""


def format_schtasks_command(schedule: Schedule, call: RunCommand, machine: str, now: datetime) -> str:
    """Format the schtasks command. Times it cannot express become a start every hour; the run checks whether it is due.

    Raises:
        UsageError: The command is longer than schtasks accepts.
    """
    times = _list_daily_or_weekly_arguments(schedule.cron) if has_same_clock(schedule.zone, machine, now) else None
    guard = () if times else call.guarded
    times = times or _list_hourly_arguments(convert_to_hourly(schedule.cron, schedule.zone, [machine], now))
    command = list2cmdline((*call.command, *guard))
    if len(command) > MAX_COMMAND_LENGTH:
        raise UsageError(
            message("schedule.too_long", n=len(command), most=MAX_COMMAND_LENGTH), message("schedule.too_long_hint")
        )
    return list2cmdline(["schtasks", "/Create", "/F", "/TN", f"storehealth\\{schedule.name}", *times, "/TR", command])


def _list_daily_or_weekly_arguments(cron: str) -> list[str] | None:
    """Return the arguments for daily or weekly at one time; None where schtasks cannot express the schedule."""
    sim = CronSim(cron, datetime(2024, 1, 1, tzinfo=UTC))
    is_every_day = len(sim.days) == 31 and len(sim.months) == 12
    if not is_every_day or len(sim.hours) > 1 or len(sim.minutes) > 1:
        return None
    start = ["/ST", f"{min(sim.hours):02}:{min(sim.minutes):02}"]
    days = sorted({int(day) % 7 for day in sim.weekdays if isinstance(day, int)})
    if len(days) == len(DAYS):
        return ["/SC", "DAILY", *start]
    return ["/SC", "WEEKLY", "/D", ",".join(DAYS[day] for day in days), *start]


def _list_hourly_arguments(hourly: str) -> list[str]:
    minutes = hourly.split()[0]
    if minutes.isdigit():
        return ["/SC", "HOURLY", "/ST", f"00:{int(minutes):02}"]
    return ["/SC", "MINUTE", "/MO", "1"]
