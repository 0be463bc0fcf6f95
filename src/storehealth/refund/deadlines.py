"""Calendar days: parse them as people write them, and count working days."""

from __future__ import annotations

import re
from datetime import date, timedelta

from storehealth.catalogue.checklist import Unit
from storehealth.errors import UsageError
from storehealth.support.message import Name, message

FORMS = (
    re.compile(r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})"),
    re.compile(r"(?P<y>\d{4})\s*年\s*(?P<m>\d{1,2})\s*月\s*(?P<d>\d{1,2})\s*日?"),
    re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})"),
)
TODAY = frozenset({"today", "hoy", "今天"})
YESTERDAY = frozenset({"yesterday", "ayer", "昨天"})
EARLIEST = date(2000, 1, 1)
SATURDAY = 5


def parse_day(text: str, today: date) -> date:
    """Parse a day: 2026-03-01, 2026/3/1, 2026年3月1日, today, yesterday.

    Raises:
        UsageError: It is not a calendar day, or is not written year first.
    """
    word = text.strip().lower()
    if word in TODAY | YESTERDAY:
        return today - timedelta(days=int(word in YESTERDAY))
    match = next((hit for pattern in FORMS if (hit := pattern.fullmatch(word))), None)
    if match is None:
        raise UsageError(message("refund.no_date", text=Name(text)), message("refund.write_date"))
    try:
        day = date(int(match["y"]), int(match["m"]), int(match["d"]))
    except ValueError:
        raise UsageError(message("refund.no_calendar_day", text=Name(text)), message("refund.write_date")) from None
    if day < EARLIEST:
        raise UsageError(
            message("refund.year_too_early", text=Name(text), year=Name(EARLIEST.year)), message("refund.check_year")
        )
    return day


def add_days(day: date, count: int, unit: Unit) -> date:
    """Return the day ``count`` days later. Working days are Monday to Friday; public holidays are unknown here."""
    if unit == "days":
        return day + timedelta(days=count)
    while count > 0:
        day += timedelta(days=1)
        count -= day.weekday() < SATURDAY
    return day
