"""A schedule as a line of the user's crontab.

The crontab is edited as bytes, and only lines that end with our mark are ours: the others stay as they are, to the blank.
``CRON_TZ`` is not set: Debian's cron does not know it, and where it is known (cronie) it moves the lines below it, also those
of others. Where somebody else has set it, a line that comes every hour is right by either clock.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from datetime import datetime
from zoneinfo import available_timezones

from storehealth.errors import UsageError
from storehealth.schedule.book import Schedule
from storehealth.schedule.call import Call
from storehealth.schedule.when import every_hour, same_clock

MARK = "# storehealth:"
PROGRAM = "crontab"
CRON_TZ = re.compile(rb"^[ \t]*CRON_TZ[ \t]*=[ \t]*[\"']?([^\"'\s]+)", re.MULTILINE)
NONE = (b"no crontab", b"No such file")
"""What crontabs say where the user has none yet."""


def line(schedule: Schedule, call: Call, machine: str, now: datetime, moved: str | None = None) -> str:
    """The line, its mark at the end.

    Args:
        schedule: What to run, when, in which zone.
        call: The command.
        machine: The zone cron counts by.
        now: From here on the zones are compared.
        moved: The zone that the crontab's ``CRON_TZ`` names, which cron may count by instead.
    """
    same = is_own_clock(schedule.zone, machine, now, moved)
    times = schedule.cron if same else every_hour(schedule.cron, schedule.zone, _clocks(machine, moved), now)
    words = [f"{name}={shlex.quote(value)}" for name, value in call.environment.items()]
    words += map(shlex.quote, (*call.command, *(() if same else call.guarded)))
    return f"{times} {' '.join(words)} {MARK}{schedule.name}".replace("%", r"\%")


def is_own_clock(zone: str, machine: str, now: datetime, moved: str | None) -> bool:
    """Whether cron counts by the clock of a zone, whether it follows ``CRON_TZ`` or not."""
    clocks = _clocks(machine, moved)
    return moved in (None, *clocks) and all(same_clock(zone, clock, now) for clock in clocks)


def _clocks(machine: str, moved: str | None) -> list[str]:
    """The zones by which cron may count, as far as they are known."""
    return [machine, moved] if moved and moved in available_timezones() else [machine]


def moved() -> str | None:
    """The zone that ``CRON_TZ`` names at the end of the user's crontab; None where there is none, or no crontab to read."""
    try:
        found = CRON_TZ.findall(_read())
    except UsageError:
        return None
    return found[-1].decode(errors="replace") if found else None


def without(table: bytes, name: str) -> bytes:
    """A crontab without our line of this name."""
    return b"".join(one for one in table.splitlines(keepends=True) if not _is_ours(one, name))


def with_line(table: bytes, name: str, added: str) -> bytes:
    """A crontab in which our line of this name is the one given, at the end; all others are as they were."""
    rest = without(table, name)
    gap = b"" if not rest or rest.endswith(b"\n") else b"\n"
    return rest + gap + os.fsencode(added) + b"\n"


def _is_ours(one: bytes, name: str) -> bool:
    return one.rstrip(b"\r\n").endswith(f" {MARK}{name}".encode())


def has(name: str) -> bool:
    """Whether the user's crontab has our line of this name."""
    return any(_is_ours(one, name) for one in _read().splitlines())


def install(name: str, added: str) -> None:
    """Put a line into the user's crontab in place of ours of the same name.

    Raises:
        UsageError: There is no crontab program, or it refuses.
    """
    _write(with_line(_read(), name, added))


def uninstall(name: str) -> bool:
    """Take our line of this name out of the user's crontab; returns whether there was one.

    Raises:
        UsageError: There is no crontab program, or it refuses.
    """
    before = _read()
    after = without(before, name)
    if after != before:
        _write(after)
    return after != before


def _read() -> bytes:
    """The crontab as it is; what cannot be read is never overwritten."""
    done = _run("-l")
    if done.returncode and not any(words in done.stderr for words in NONE):
        raise _refused(done)
    return b"" if done.returncode else done.stdout


def _write(table: bytes) -> None:
    done = _run("-", given=table)
    if done.returncode:
        raise _refused(done)


def _run(*arguments: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603 - fixed arguments
            [PROGRAM, *arguments],
            input=given,
            stdin=None if given is not None else subprocess.DEVNULL,
            capture_output=True,
            env=os.environ | {"LC_ALL": "C"},
            check=False,
        )
    except OSError as error:
        raise UsageError(
            f"there is no program {PROGRAM} here: {error.strerror}",
            "Install cron, or give --systemd, or give --no-install and start the line that is printed by other means.",
        ) from None


def _refused(done: subprocess.CompletedProcess[bytes]) -> UsageError:
    said = " ".join(done.stderr.decode(errors="replace").split()) or f"exit code {done.returncode}"
    return UsageError(f"{PROGRAM} refuses: {said}", "Nothing was changed.")
