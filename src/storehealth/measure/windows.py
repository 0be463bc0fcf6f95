"""The window of days over which each rule is measured."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from storehealth.catalogue.platform import Platform
from storehealth.catalogue.rule import Rule
from storehealth.errors import UsageError
from storehealth.model import Window


def choose_windows(
    rules: Iterable[Rule], platform: Platform, choice: str | None, as_of: datetime | None
) -> dict[str, Window]:
    """Choose the window of each rule, by code.

    Args:
        rules: The rules to measure.
        platform: Its windows apply where ``choice`` is None; a rule without one is measured over all days.
        choice: ``all``, a number of days such as ``30d`` (they end on the day of ``as_of``), or None.
        as_of: The audit's moment; without it all windows are open.

    Raises:
        UsageError: ``choice`` is neither of these.
    """
    days = _parse_choice(choice)
    return {rule.code: _window(rule.code, platform, days, as_of) for rule in rules}


def _parse_choice(choice: str | None) -> int | str | None:
    match = re.fullmatch(r"([1-9]\d{0,4})d", choice or "all")
    if match is None and choice not in (None, "all"):
        raise UsageError(f"--window does not know {choice!r}", "Use all, or a number of days such as 30d.")
    return int(match[1]) if match else choice


def _window(code: str, platform: Platform, chosen: int | str | None, as_of: datetime | None) -> Window:
    if as_of is None or chosen == "all":
        return Window()
    if isinstance(chosen, int):
        return _days_until(as_of.date(), chosen)
    own = platform.windows.get(code) or platform.windows.get("default")
    if own is None or own.days is None:
        return Window()
    return _days_until(as_of.date() - timedelta(days=own.lag), own.days)


def _days_until(last: date, days: int) -> Window:
    return Window(first=last - timedelta(days=days - 1), last=last)
