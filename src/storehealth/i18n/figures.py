"""How figures are written: a missing value is a dash, never 0, and rounding never turns 99.96 % into 100 %.

Digits, groups and the per cent sign come from Babel's locales. Units of time are the symbols of the SI, which readers of
English and Spanish share, where Babel would write ``hr`` and ``sec``.
"""

from __future__ import annotations

import math
from decimal import Decimal
from functools import cache
from typing import Any

from babel import Locale, numbers

DASH = "—"
UNITS = {
    "en": {"s": "s", "min": "min", "h": "h", "d": "d"},
    "zh": {"s": "秒", "min": "分", "h": "小时", "d": "天"},
    "es": {"s": "s", "min": "min", "h": "h", "d": "d"},
}
GLUE = "\u00a0"
STEPS = (
    (3600, ("s", "min", 1, 60)),
    (48 * 3600, ("min", "h", 60, 60)),
    (math.inf, ("h", "d", 3600, 24)),
)
"""Durations below a number of seconds: small unit, large unit, seconds of the small one, how many make the large one."""


class _SpanishLocale(Locale):
    """Spanish with a blank between thousands, as the Academy writes it.

    A point there is a decimal point in Mexico, and a comma is one in Spain; both read the blank.
    """

    @property
    def number_symbols(self) -> Any:
        latin = {**super().number_symbols["latn"], "group": GLUE}
        return {**super().number_symbols, "latn": latin}


@cache
def find_locale(language: str) -> Locale:
    """Babel's locale of a language of ours."""
    if language == "es":
        return _SpanishLocale("es")
    return Locale("zh", script="Hans") if language == "zh" else Locale("en")


def format_whole(number: int | None, language: str) -> str:
    """A whole number with thousands grouped: ``41,208`` in English and Chinese, ``41 208`` in Spanish."""
    return DASH if number is None else numbers.format_decimal(number, "#,##0", find_locale(language))


def format_decimal(value: float | Decimal | None, language: str, digits: int = 1) -> str:
    """A number with at most ``digits`` decimals and no trailing zeros."""
    if value is None or math.isnan(value):
        return DASH
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    # Rounded here, since Babel rounds the digits of the decimal form, and 0.25 in binary may lie below them.
    rounded = Decimal(str(round(value, digits) or 0))  # "or 0": never -0
    return numbers.format_decimal(rounded, "#,##0." + "#" * digits if digits else "#,##0", find_locale(language))


def format_money(value: float | Decimal, language: str) -> str:
    """An amount with two decimals, without its currency."""
    return numbers.format_decimal(value, "#,##0.00", find_locale(language))


def format_figure(value: float | None, unit: str, language: str, never: str) -> str:
    """A finding's value in its unit: share, seconds, hours, days or number."""
    if value is None or math.isnan(value):
        return DASH
    if math.isinf(value):
        return never
    if unit == "share":
        return format_share(value, language)
    if unit == "number":
        return format_decimal(value, language, 2)
    if unit == "seconds":
        return format_duration(value, language)
    return f"{format_decimal(value, language)}{_glue(language)}{UNITS[language][unit[0]]}"


def format_share(value: float, language: str) -> str:
    """A share as per cent, to one decimal; more where one would claim all or nothing."""
    percent = value * 100
    digits = next((digits for digits in (1, 2, 3) if _is_honest(percent, digits)), 4)
    pattern = "#,##0." + "#" * digits + (f"{GLUE}%" if language == "es" else "%")
    rounded = Decimal(repr(round(percent, digits) or 0)) / 100  # exact, so that Babel does not round a second time
    return numbers.format_percent(rounded, pattern, find_locale(language))


def _is_honest(percent: float, digits: int) -> bool:
    rounded = round(percent, digits)
    return rounded not in (0, 100) or math.isclose(rounded, percent, abs_tol=1e-9)


def format_duration(seconds: float, language: str) -> str:
    """Seconds as people say them: ``4.2 s``, ``3 min 20 s``, ``5 h 12 min``, from two days on ``34 d 1 h``."""
    units, glue, size = UNITS[language], _glue(language), abs(seconds)
    if size < 60:
        return f"{format_decimal(seconds, language)}{glue}{units['s']}"
    small, large, step, parts = next(names for limit, names in STEPS if size < limit)
    total = round(size / step)
    sign = "-" if seconds < 0 else ""
    rest = f"{glue}{total % parts}{glue}{units[small]}" if total % parts else ""
    return f"{sign}{format_whole(total // parts, language)}{glue}{units[large]}{rest}"


def _glue(language: str) -> str:
    """Between a number and its unit: nothing in Chinese, a blank that does not break elsewhere."""
    return "" if language == "zh" else GLUE
