"""A schedule as a systemd timer of the user, with its service."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from cronsim import CronSim

from storehealth.errors import UsageError
from storehealth.schedule.schedules import RunCommand, Schedule, describe_refusal
from storehealth.support.atomic_files import describe_os_error, make_private_folder, write_atomically
from storehealth.support.message import Name, message

PROGRAM = "systemctl"
DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
SERVICE = """\
[Unit]
Description=storehealth audit: {name}

[Service]
Type=oneshot
{environment}ExecStart={command}
SuccessExitStatus=1
"""
TIMER = """\
[Unit]
Description=storehealth audit: {name}

[Timer]
{calendar}
AccuracySec=1min
Persistent=true

[Install]
WantedBy=timers.target
"""


def name_unit(name: str) -> str:
    """Return the name of a schedule's units, without suffix, other characters escaped the way systemd does it."""
    escaped = re.sub(rb"[^A-Za-z0-9_.]", lambda found: b"\\x%02x" % found[0][0], name.encode())
    return f"storehealth-{escaped.decode()}"


def format_units(schedule: Schedule, call: RunCommand) -> dict[str, str]:
    """Return the unit files by name. A run that was missed while the machine was off is made up for, once."""
    calendar = "\n".join(f"OnCalendar={each} {schedule.zone}" for each in convert_to_calendars(schedule.cron))
    environment = "".join(f"Environment={_quote(f'{name}={value}')}\n" for name, value in call.environment.items())
    command = " ".join(map(_quote, call.command))
    title = schedule.name.replace("%", "%%")
    return {
        f"{name_unit(schedule.name)}.service": SERVICE.format(name=title, environment=environment, command=command),
        f"{name_unit(schedule.name)}.timer": TIMER.format(name=title, calendar=calendar),
    }


def convert_to_calendars(cron: str) -> list[str]:
    """Convert a cron expression; to two where cron means "this day of the month or that day of the week"."""
    sim = CronSim(cron, datetime(2024, 1, 1, tzinfo=UTC))
    months, days = _join_numbers(sim.months, 12), _join_numbers(sim.days, 31)
    clock = f"{_join_numbers(sim.hours, 24)}:{_join_numbers(sim.minutes, 60)}:00"
    numbers = sorted({int(day) % 7 for day in sim.weekdays if isinstance(day, int)})  # cron: 0 and 7 are Sunday
    week = "" if len(numbers) == len(DAYS) else ",".join(DAYS[number] for number in numbers) + " "
    if sim.day_and:
        return [f"{week}*-{months}-{days} {clock}"]
    return [f"*-{months}-{days} {clock}", f"{week}*-{months}-* {clock}"]


def _join_numbers(numbers: Iterable[int], most: int) -> str:
    distinct = sorted(set(numbers))
    return "*" if len(distinct) == most else ",".join(f"{number:02}" for number in distinct)


def _quote(text: str) -> str:
    """Quote a word for a unit file, in which ``%`` and ``$`` are special."""
    inner = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{inner}"'


def locate_units() -> Path:
    """Return the folder of the user's units."""
    home = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(home) if home else Path.home() / ".config") / "systemd" / "user"


def has_timer(name: str) -> bool:
    """Whether there is a timer of this name."""
    return (locate_units() / f"{name_unit(name)}.timer").exists()


def install(name: str, files: dict[str, str]) -> None:
    """Write the units and start the timer; where systemd refuses, they are deleted again.

    Raises:
        UsageError: They cannot be written, or systemd refuses.
    """
    target = locate_units()
    try:
        make_private_folder(target)
        for file, text in files.items():
            write_atomically(target / file, os.fsencode(text))
    except OSError as error:
        problem = message("schedule.unwritable", path=Name(str(target)), reason=describe_os_error(error))
        raise UsageError(problem, message("schedule.no_systemd_hint")) from None
    try:
        _run_systemctl("daemon-reload")
        _run_systemctl("enable", "--now", f"{name_unit(name)}.timer")
    except UsageError:
        _delete_units(name)
        raise


def uninstall(name: str) -> bool:
    """Stop the timer and delete the units; return whether there were any."""
    if not has_timer(name):
        return False
    with suppress(UsageError):
        _run_systemctl("disable", "--now", f"{name_unit(name)}.timer")
    _delete_units(name)
    with suppress(UsageError):
        _run_systemctl("daemon-reload")
    return True


def _delete_units(name: str) -> None:
    for suffix in ("service", "timer"):
        with suppress(OSError):
            (locate_units() / f"{name_unit(name)}.{suffix}").unlink(missing_ok=True)


def _run_systemctl(*arguments: str) -> None:
    try:
        process = subprocess.run(  # noqa: S603 - fixed arguments
            [PROGRAM, "--user", *arguments], stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except OSError as error:
        text = message("schedule.no_program", program=Name(PROGRAM), reason=describe_os_error(error))
        raise UsageError(text, message("schedule.no_systemd_hint")) from None
    if process.returncode:
        raise UsageError(describe_refusal(PROGRAM, process), message("schedule.no_systemd_hint"))
