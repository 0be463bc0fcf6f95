"""When a schedule is due: a cron expression in a time zone, read as Debian's cron reads it.

Cron knows one zone, the machine's, or that of ``CRON_TZ``. Where a schedule lives in another, cron starts it every hour
(:func:`every_hour`) and the run itself sees whether it is due (:func:`is_due`): so summer time on either side moves nothing.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from storehealth.errors import UsageError

DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
PATIENCE = timedelta(minutes=15)
"""How late a run may begin, and still be the one that was due."""
LOOKAHEAD = timedelta(days=400)
"""How far the offsets of two zones are compared: beyond a year, so that both changes of summer time are in it."""
CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def daily(time: str) -> str:
    """The expression for every day at a time such as ``08:30``.

    Raises:
        UsageError: It is no time of day.
    """
    hour, minute = _clock(time)
    return f"{minute} {hour} * * *"


def weekly(days: str, time: str) -> str:
    """The expression for one or more days of the week, such as ``mon`` or ``mon,thu``, at a time.

    Raises:
        UsageError: A day or the time is none.
    """
    names = [day.strip().lower()[:3] for day in days.split(",")]
    wrong = [day for day, name in zip(days.split(","), names, strict=True) if name not in DAYS]
    if wrong:
        raise UsageError(f"{wrong[0].strip()!r} is no day of the week", f"Choose one of: {', '.join(DAYS)}.")
    hour, minute = _clock(time)
    numbers = sorted({DAYS.index(name) for name in names})
    return f"{minute} {hour} * * {','.join(map(str, numbers))}"


def _clock(text: str) -> tuple[int, int]:
    found = CLOCK.fullmatch(text.strip())
    if not found:
        raise UsageError(f"{text!r} is no time of day", "Write hours and minutes, such as 08:30.")
    return int(found[1]), int(found[2])


def expression(text: str) -> str:
    """A cron expression of five fields, if every cron reads it and it comes at all.

    Raises:
        UsageError: A field is invalid, or no day is meant by it.
    """
    hint = 'Write five fields: minute, hour, day, month, weekday. "30 8 * * *" is 08:30 every day.'
    fields = text.lower().split()
    wrong = [field for field, pattern in zip(fields, _PATTERNS, strict=False) if not pattern.fullmatch(field)]
    if len(fields) != len(_PATTERNS) or wrong:
        raise UsageError(f"{text!r} is no cron expression", hint)
    try:
        next(CronSim(" ".join(fields), datetime(2024, 1, 1)))  # noqa: DTZ001 - any day will do
    except (CronSimError, StopIteration):
        raise UsageError(f"{text!r} is no cron expression, or never comes", hint) from None
    return " ".join(fields)


def _pattern(names: tuple[str, ...] = ()) -> re.Pattern[str]:
    """What a field may be: a step needs a range before it, since cron refuses ``5/15``; no ``L`` and no ``#``."""
    value = "|".join((r"\d{1,2}", *names))
    term = rf"(\*|(?:{value})-(?:{value}))(/\d{{1,2}})?|(?:{value})"
    return re.compile(rf"(?:{term})(?:,(?:{term}))*")


_PATTERNS = (_pattern(), _pattern(), _pattern(), _pattern(MONTHS), _pattern(DAYS))


def following(cron: str, zone: str, now: datetime) -> datetime:
    """The first time after ``now`` that a schedule is due, in its zone."""
    return next(CronSim(cron, now.astimezone(ZoneInfo(zone)))).replace(microsecond=0)


def preceding(cron: str, zone: str, now: datetime) -> datetime:
    """The last time up to and with ``now`` that a schedule was due, in its zone."""
    after = now.astimezone(ZoneInfo(zone)).replace(microsecond=0) + timedelta(seconds=1)
    return next(CronSim(cron, after, reverse=True))


def is_due(cron: str, zone: str, now: datetime, last: datetime | None) -> bool:
    """Whether a run that begins now is the one that is due.

    Args:
        cron: The expression.
        zone: Where it holds.
        now: With an offset.
        last: When the last run began.
    """
    due = preceding(cron, zone, now)
    return now - due < PATIENCE and (last is None or last < due)


def every_hour(cron: str, zone: str, clocks: Iterable[str], now: datetime) -> str:
    """An expression that comes every hour, and whenever the schedule is due in its zone, by whichever clock cron counts."""
    minutes = CronSim(cron, now).minutes
    shifts = {round(apart.total_seconds() / 60) for clock in clocks for apart in _apart(zone, clock, now)}
    shifted = sorted({(minute - shift) % 60 for minute in minutes for shift in shifts})
    return f"{'*' if len(shifted) == 60 else ','.join(map(str, shifted))} * * * *"


def same_clock(zone: str, machine: str, now: datetime) -> bool:
    """Whether two zones show the same time all year."""
    return zone == machine or _apart(zone, machine, now) == {timedelta()}


def _apart(zone: str, machine: str, now: datetime) -> set[timedelta]:
    """How far one zone is ahead of the other, on any day to come."""
    one, other = ZoneInfo(zone), ZoneInfo(machine)
    moments = (now.astimezone(UTC) + timedelta(hours=6 * step) for step in range(LOOKAHEAD // timedelta(hours=6)))
    return {
        (at.astimezone(one).utcoffset() or timedelta()) - (at.astimezone(other).utcoffset() or timedelta())
        for at in moments
    }


def zone_named(name: str) -> str:
    """A time zone that exists.

    Raises:
        UsageError: There is none of this name; the nearest is named.
    """
    known = available_timezones()
    if name in known:
        return name
    close = difflib.get_close_matches(name, sorted(known), n=1)
    nearest = f"Nearest is {close[0]}. " if close else ""
    raise UsageError(f"There is no time zone {name!r}", f"{nearest}Write it like Asia/Shanghai.")


def machine_zone() -> str:
    """The zone this machine lives in, by which cron counts; the shell's ``TZ`` is not cron's. UTC where none is set."""
    import warnings

    from tzlocal import reload_localzone

    shell = os.environ.pop("TZ", None)
    try:
        with warnings.catch_warnings(action="ignore"):
            name = str(reload_localzone())
    except (OSError, ValueError, LookupError):
        return "UTC"
    finally:
        if shell is not None:
            os.environ["TZ"] = shell
    return name if name in available_timezones() else "UTC"
