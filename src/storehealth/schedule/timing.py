"""When a schedule is due: a cron expression in a time zone, interpreted as Debian's cron does.

Cron uses one zone, the machine's or that of ``CRON_TZ``. A schedule of another zone is started every hour
(:func:`convert_to_hourly`), and the run itself checks whether it is due (:func:`is_due`). So clock changes on either side
do no harm.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from storehealth.errors import UsageError
from storehealth.support.message import Name, message
from storehealth.support.validation import with_nearest

DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MAX_DELAY = timedelta(minutes=15)
"""How late a run may begin and still count as the one that was due."""
COMPARED_SPAN = timedelta(days=400)
"""How far ahead the offsets of two zones are compared: more than a year, so that all clock changes are in it."""
CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def parse_daily(time: str) -> str:
    """Return the cron expression for every day at a time such as ``08:30``.

    Raises:
        UsageError: It is not a time of day.
    """
    hour, minute = _parse_clock(time)
    return f"{minute} {hour} * * *"


def parse_weekly(days: str, time: str) -> str:
    """Return the cron expression for days of the week, such as ``mon`` or ``mon,thu``, at a time.

    Raises:
        UsageError: A day or the time is invalid.
    """
    names = [day.strip().lower()[:3] for day in days.split(",")]
    unknown = [day for day, name in zip(days.split(","), names, strict=True) if name not in DAYS]
    if unknown:
        text = message("schedule.weekday", text=Name(unknown[0].strip()))
        raise UsageError(text, message("schedule.weekday_hint", names=tuple(map(Name, DAYS))))
    hour, minute = _parse_clock(time)
    numbers = sorted({DAYS.index(name) for name in names})
    return f"{minute} {hour} * * {','.join(map(str, numbers))}"


def _parse_clock(text: str) -> tuple[int, int]:
    match = CLOCK.fullmatch(text.strip())
    if not match:
        raise UsageError(message("schedule.clock", text=Name(text)), message("schedule.clock_hint"))
    return int(match[1]), int(match[2])


def check_expression(text: str) -> str:
    """Check a cron expression of five fields: every cron must accept it, and it must match some day.

    Raises:
        UsageError: A field is invalid, or no day ever matches.
    """
    hint = message("schedule.expression_hint")
    fields = text.lower().split()
    invalid = [field for field, pattern in zip(fields, _FIELD_PATTERNS, strict=False) if not pattern.fullmatch(field)]
    if len(fields) != len(_FIELD_PATTERNS) or invalid:
        raise UsageError(message("schedule.expression", text=Name(text)), hint)
    try:
        next(CronSim(" ".join(fields), datetime(2024, 1, 1)))  # noqa: DTZ001 - any day will do
    except (CronSimError, StopIteration):
        raise UsageError(message("schedule.never_comes", text=Name(text)), hint) from None
    return " ".join(fields)


def _build_field_pattern(names: tuple[str, ...] = ()) -> re.Pattern[str]:
    """Return the pattern of a field. A step needs a range, since cron refuses ``5/15``; there is no ``L`` and no ``#``."""
    value = "|".join((r"\d{1,2}", *names))
    term = rf"(\*|(?:{value})-(?:{value}))(/\d{{1,2}})?|(?:{value})"
    return re.compile(rf"(?:{term})(?:,(?:{term}))*")


_FIELD_PATTERNS = (
    _build_field_pattern(),
    _build_field_pattern(),
    _build_field_pattern(),
    _build_field_pattern(MONTHS),
    _build_field_pattern(DAYS),
)


def find_next_run(cron: str, zone: str, now: datetime) -> datetime:
    """Return the first time after ``now`` at which a schedule is due, in its zone."""
    return next(CronSim(cron, now.astimezone(ZoneInfo(zone)))).replace(microsecond=0)


def list_next_runs(cron: str, zone: str, now: datetime, count: int) -> list[datetime]:
    """List the next times at which a schedule is due, in its zone."""
    times = [find_next_run(cron, zone, now)]
    while len(times) < count:
        times.append(find_next_run(cron, zone, times[-1]))
    return times


def find_last_due(cron: str, zone: str, now: datetime) -> datetime:
    """Return the last time up to and including ``now`` at which a schedule was due, in its zone."""
    # CronSim looks strictly before its start, and a run due at this very second counts
    after = now.astimezone(ZoneInfo(zone)).replace(microsecond=0) + timedelta(seconds=1)
    return next(CronSim(cron, after, reverse=True))


def is_due(cron: str, zone: str, now: datetime, last: datetime | None) -> bool:
    """Whether a run that begins now is the one that is due.

    Args:
        cron: The expression.
        zone: The zone it is meant in.
        now: With an offset.
        last: When the last run began.
    """
    due = find_last_due(cron, zone, now)
    return now - due < MAX_DELAY and (last is None or last < due)


def convert_to_hourly(cron: str, zone: str, clocks: Iterable[str], now: datetime) -> str:
    """Return an expression that matches every hour and, by any of cron's clocks, whenever the schedule is due."""
    minutes = CronSim(cron, now).minutes
    shifts = {
        round(difference.total_seconds() / 60)
        for clock in clocks
        for difference in _offset_differences(zone, clock, now)
    }
    shifted = sorted({(minute - shift) % 60 for minute in minutes for shift in shifts})
    return f"{'*' if len(shifted) == 60 else ','.join(map(str, shifted))} * * * *"


def has_same_clock(zone: str, machine: str, now: datetime) -> bool:
    """Whether two zones show the same time all year."""
    return zone == machine or _offset_differences(zone, machine, now) == {timedelta()}


def _offset_differences(zone: str, machine: str, now: datetime) -> set[timedelta]:
    """List by how much one zone is ahead of another on the days to come."""
    first, second = ZoneInfo(zone), ZoneInfo(machine)
    moments = (now.astimezone(UTC) + timedelta(hours=6 * step) for step in range(COMPARED_SPAN // timedelta(hours=6)))
    return {
        (moment.astimezone(first).utcoffset() or timedelta()) - (moment.astimezone(second).utcoffset() or timedelta())
        for moment in moments
    }


def check_zone(name: str) -> str:
    """Check that a time zone exists.

    Raises:
        UsageError: It does not; the nearest name is suggested.
    """
    known = available_timezones()
    if name in known:
        return name
    text = with_nearest(message("schedule.zone", name=Name(name)), name, sorted(known))
    raise UsageError(text, message("schedule.zone_hint"))


def find_machine_zone() -> str:
    """Return the machine's own zone, which cron uses; cron ignores the shell's ``TZ``. UTC where none is set."""
    import warnings

    from tzlocal import reload_localzone

    shell = os.environ.pop("TZ", None)  # tzlocal would prefer it
    try:
        with warnings.catch_warnings(action="ignore"):
            name = str(reload_localzone())
    except (OSError, ValueError, LookupError):
        return "UTC"
    finally:
        if shell is not None:
            os.environ["TZ"] = shell
    return name if name in available_timezones() else "UTC"
