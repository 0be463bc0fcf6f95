"""A schedule as a command for Windows' task scheduler: printed for the user to run, never run by us."""

from __future__ import annotations

from datetime import UTC, datetime
from subprocess import list2cmdline

from cronsim import CronSim

from storehealth.errors import UsageError
from storehealth.schedule.schedules import RunCommand, Schedule
from storehealth.schedule.timing import convert_to_hourly, has_same_clock
from storehealth.support.message import message

DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
MAX_COMMAND_LENGTH = 261
"""Most characters that schtasks accepts in a command."""


def format_schtasks_command(schedule: Schedule, call: RunCommand, machine: str, now: datetime) -> str:
    """Format the schtasks command. Times it cannot express become a start every hour; the run checks whether it is due.

    Raises:
        UsageError: The command is longer than schtasks accepts.
    """
    times = _daily_or_weekly_arguments(schedule.cron) if has_same_clock(schedule.zone, machine, now) else None
    guard = () if times else call.guarded
    times = times or _hourly_arguments(convert_to_hourly(schedule.cron, schedule.zone, [machine], now))
    command = list2cmdline((*call.command, *guard))
    if len(command) > MAX_COMMAND_LENGTH:
        raise UsageError(
            message("schedule.too_long", n=len(command), most=MAX_COMMAND_LENGTH), message("schedule.too_long_hint")
        )
    return list2cmdline(["schtasks", "/Create", "/F", "/TN", f"storehealth\\{schedule.name}", *times, "/TR", command])


def _daily_or_weekly_arguments(cron: str) -> list[str] | None:
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


def _hourly_arguments(hourly: str) -> list[str]:
    minutes = hourly.split()[0]
    if minutes.isdigit():
        return ["/SC", "HOURLY", "/ST", f"00:{int(minutes):02}"]
    return ["/SC", "MINUTE", "/MO", "1"]
