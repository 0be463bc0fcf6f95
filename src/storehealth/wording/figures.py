"""How figures are written: a missing value is a dash, never 0, and rounding never turns 99.96 % into 100 %."""

from __future__ import annotations

import math

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


def whole(number: int | None, language: str) -> str:
    """A whole number with thousands grouped: ``41,208`` in English and Chinese, ``41 208`` in Spanish."""
    if number is None:
        return DASH
    return f"{number:,}".replace(",", GLUE) if language == "es" else f"{number:,}"


def decimal(value: float | None, language: str, digits: int = 1) -> str:
    """A number with at most ``digits`` decimals and no trailing zeros."""
    if value is None or math.isnan(value):
        return DASH
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    text = f"{value:,.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return _local("0" if text == "-0" else text, language)


def figure(value: float | None, unit: str, language: str, never: str) -> str:
    """A finding's value in its unit: share, seconds, hours, days or number."""
    if value is None or math.isnan(value):
        return DASH
    if math.isinf(value):
        return never
    if unit == "share":
        return share(value, language)
    if unit == "number":
        return decimal(value, language, 2)
    if unit == "seconds":
        return duration(value, language)
    return f"{decimal(value, language)}{_glue(language)}{UNITS[language][unit[0]]}"


def share(value: float, language: str) -> str:
    """A share as per cent, to one decimal; more where one would claim all or nothing."""
    percent = value * 100
    digits = next((digits for digits in (1, 2, 3) if _honest(percent, digits)), 4)
    sign = f"{GLUE}%" if language == "es" else "%"
    return decimal(percent, language, digits) + sign


def _honest(percent: float, digits: int) -> bool:
    rounded = round(percent, digits)
    return rounded not in (0, 100) or math.isclose(rounded, percent, abs_tol=1e-9)


def duration(seconds: float, language: str) -> str:
    """Seconds as people say them: ``4.2 s``, ``3 min 20 s``, ``5 h 12 min``, from two days on ``34 d 1 h``."""
    units, glue, size = UNITS[language], _glue(language), abs(seconds)
    if size < 60:
        return f"{decimal(seconds, language)}{glue}{units['s']}"
    small, large, step, parts = next(one for limit, one in STEPS if size < limit)
    total = round(size / step)
    sign = "-" if seconds < 0 else ""
    rest = f"{glue}{total % parts}{glue}{units[small]}" if total % parts else ""
    return f"{sign}{whole(total // parts, language)}{glue}{units[large]}{rest}"


def _glue(language: str) -> str:
    """Between a number and its unit: nothing in Chinese, a blank that does not break elsewhere."""
    return "" if language == "zh" else GLUE


def _local(text: str, language: str) -> str:
    if language != "es":
        return text
    return text.replace(",", GLUE).replace(".", ",")
