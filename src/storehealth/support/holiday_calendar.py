"""Public holidays and make-up work days, from the ``holidays`` package, with names in the reader's language.

Chinese make-up work days follow the yearly notices of the State Council, which the package knows; for a year whose notice it
does not know yet there are only the holidays themselves. Imported late, since the package takes a while to load.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

LOCALES = {"en": "en_US", "zh": "zh_CN", "es": "es"}


class Holiday(NamedTuple):
    """A day off.

    ``name`` is in English where the package has it, else in the country's own language. ``is_moved``: a day off that only
    joins others and has no name of its own.
    """

    day: date
    name: str
    is_moved: bool


class HolidayYears(NamedTuple):
    """The holidays of some years, and the weekend days that are worked in exchange for one."""

    holidays: tuple[Holiday, ...]
    make_up_days: tuple[date, ...]


def find_unknown_country(codes: Iterable[str]) -> str | None:
    """Return the first code that is no country with known holidays."""
    import holidays

    known = holidays.list_supported_countries()
    return next((code for code in codes if code not in known), None)


@lru_cache(maxsize=64)
def read_holidays(country: str, first_year: int, last_year: int) -> HolidayYears:
    """Read the holidays of a country, in order of their days.

    Args:
        country: ISO code.
        first_year: The first year.
        last_year: The last year; included.
    """
    # a holiday of next January may be observed in December
    calendar = _load(country, first_year, last_year + 1, "en")
    moved, observed = _read_marks(calendar)
    days = tuple(
        Holiday(day, name.removesuffix(observed), name.startswith(moved))
        for day, name in sorted(calendar.items())
        if first_year <= day.year <= last_year
    )
    return HolidayYears(days, tuple(sorted(getattr(calendar, "weekend_workdays", ()))))


@lru_cache(maxsize=512)
def name_holiday(country: str, day: date, language: str) -> str | None:
    """Return a holiday's name in a language, where the package has it; None where it does not."""
    calendar = _load(country, day.year, day.year + 1, language)
    if LOCALES.get(language) not in calendar.supported_languages:
        return None
    name = calendar.get(day)
    return None if name is None else str(name).removesuffix(_read_marks(calendar)[1])


@lru_cache(maxsize=64)
def _load(country: str, first_year: int, last_year: int, language: str) -> Any:
    import holidays

    years = range(first_year, last_year + 1)
    calendar = holidays.country_holidays(country, years=years)
    # asking for a language the package lacks would fall back to another one without a warning
    locale = LOCALES.get(language)
    known = locale in calendar.supported_languages
    return holidays.country_holidays(country, years=years, language=locale) if known else calendar


def _read_marks(calendar: Any) -> tuple[str, str]:
    """Read how a country marks a moved day off (text before its date) and a moved holiday (text after its name).

    NUL, which no name contains, where it has no such mark.
    """
    moved, observed = (getattr(calendar, f"{name}_label", None) for name in ("substituted", "observed"))
    return (
        calendar.tr(moved).partition("%s")[0] if moved else "\0",
        calendar.tr(observed).partition("%s")[2] if observed else "\0",
    )
