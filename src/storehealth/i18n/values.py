"""How a language writes the values of a message: by kind, or as the hint in the text says, ``{wait:duration}``.

A missing value is a dash, never 0, and rounding never turns 99.96 % into 100 %. Digits, groups and the per cent sign come
from Babel's locales. Units of time are the symbols of the SI, which readers of English and Spanish share, where Babel would
write ``hr`` and ``sec``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache, cached_property
from typing import Any

from babel import Locale, numbers
from babel.lists import format_list

from storehealth.i18n.po import read_texts
from storehealth.support.message import Language, Message, Name, Value

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


def write_value(value: Value | str, hint: str, language: Language) -> str:
    """A value as text.

    Args:
        value: Text that is already written stays as it is.
        hint: One of ``HINTS``; empty: as its kind is usually written.
        language: Of the sentence it stands in.
    """
    if hint:
        return HINTS[hint](value, language)
    # bool before int, and datetime before date: each is one of the other.
    if isinstance(value, Message):
        return _translate_part(value, language)
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return _list(value, language)
    if isinstance(value, bool):
        return _text("value.true" if value else "value.false", language)
    if isinstance(value, int):
        return format_whole(value, language)
    if isinstance(value, timedelta):
        return _write_duration(value, language)
    if isinstance(value, date):
        return _write_moment(value, language) if isinstance(value, datetime) else _write_day(value, language)
    return format_decimal(value, language, 2)


def _translate_part(value: Message | Name, language: Language) -> str:
    from storehealth.i18n import translate

    return translate(value, language) if isinstance(value, Message) else value


def _text(id: str, language: Language) -> str:  # noqa: A002
    text = read_texts(language).form(id)
    return id if text is None else text  # some separators are empty


def _number(value: Value | str) -> float:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bool | int | float | Decimal):
        return float(value)
    raise TypeError(f"{value!r} is no number")


def _as_number(write: Callable[[float, Language], str]) -> Callable[[Value | str, Language], str]:
    """A way to write numbers; text that is already written stays as it is."""
    return lambda value, language: value if isinstance(value, str) else write(_number(value), language)


def _figure(unit: str) -> Callable[[Value | str, Language], str]:
    return _as_number(lambda value, language: format_figure(value, unit, language, _text("figure.never", language)))


def _build_decimal_writer(digits: int) -> Callable[[Value | str, Language], str]:
    return _as_number(lambda value, language: format_decimal(value, language, digits))


def _write_signed(value: float, language: Language) -> str:
    """A difference with its sign; one too small to be written is plain 0."""
    text = format_decimal(value, language, 1)
    return text if text == "0" or value < 0 else f"+{text}"


def _write_money(value: Value | str, language: Language) -> str:
    """An amount with two decimals, without its currency."""
    if isinstance(value, str) or not isinstance(value, int | float | Decimal):
        return write_value(value, "", language)
    return format_money(value, language)


def _write_duration(value: Value | str, language: Language) -> str:
    return _figure("seconds")(value, language)


def _write_day(value: Value | str, language: Language) -> str:  # noqa: ARG001
    """A day as ISO writes it, in every language: exports hold it so, and it cannot be misread."""
    if isinstance(value, datetime):
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)


def _write_moment(value: Value | str, language: Language) -> str:  # noqa: ARG001
    """A time to the minute."""
    return value.strftime("%Y-%m-%d %H:%M") if isinstance(value, date) else str(value)


def _clock(value: Value | str, language: Language) -> str:  # noqa: ARG001
    """The time of day to the minute."""
    return value.strftime("%H:%M") if isinstance(value, datetime) else str(value)


def _plain(value: Value | str, language: Language) -> str:
    """A number that counts nothing (a line, a port, a year), without groups."""
    return str(value) if isinstance(value, int) else write_value(value, "", language)


def _lower(value: Value | str, language: Language) -> str:
    """A name of ours as it stands within a sentence."""
    text = write_value(value, "", language)
    return text if language == "zh" else text.lower()


def _capitalise(value: Value | str, language: Language) -> str:
    """A phrase that begins a sentence."""
    text = write_value(value, "", language)
    return text[:1].upper() + text[1:]


def _drop_stop(value: Value | str, language: Language) -> str:
    """A sentence that goes on: without the stop at its end."""
    return write_value(value, "", language).rstrip(" .。")


def _parts(value: Value | str, language: Language) -> list[str]:
    return [_translate_part(part, language) for part in (value if isinstance(value, tuple) else (Name(value),))]


def _list(value: Sequence[Message | Name], language: Language) -> str:
    """A plain list, with the comma of the language and no "and"."""
    return _text("unit.comma", language).join(_translate_part(part, language) for part in value)


def _join_list(style: str) -> Callable[[Value | str, Language], str]:
    """A list with "and" or "or" before its last part, as Babel knows it."""
    return lambda value, language: format_list(
        _parts(value, language),
        style="or" if style == "or" else "standard",
        locale=find_locale(language),
    )


def _separate_by(separator: str) -> Callable[[Value | str, Language], str]:
    """A list separated by a text of the catalogue."""
    return lambda value, language: _text(separator, language).join(_parts(value, language))


HINTS: dict[str, Callable[[Value | str, Language], str]] = {
    "share": _figure("share"),
    "seconds": _figure("seconds"),
    "hours": _figure("hours"),
    "days": _figure("days"),
    "duration": _write_duration,
    "number": _build_decimal_writer(2),
    "decimal": _build_decimal_writer(1),
    "whole": _build_decimal_writer(0),
    "signed": _as_number(_write_signed),
    "money": _write_money,
    "plain": _plain,
    "date": _write_day,
    "moment": _write_moment,
    "clock": _clock,
    "lower": _lower,
    "capital": _capitalise,
    "clause": _drop_stop,
    "and": _join_list("and"),
    "or": _join_list("or"),
    "clauses": _separate_by("unit.semicolon"),
    "lines": _separate_by("list.line"),
    "sentences": _separate_by("list.sentence"),
    "spaced": _separate_by("list.blank"),
}
"""Hints allowed after the colon of a ``{name:hint}``; ``docs/messages.md`` lists them."""


class _SpanishLocale(Locale):
    """Spanish with a blank between thousands, as the Academy writes it.

    A point there is a decimal point in Mexico, and a comma is one in Spain; both read the blank.
    """

    @cached_property
    def number_symbols(self) -> Any:  # asked for several times per figure
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


BEYOND = 1e21
"""Numbers from here on are no counts or amounts, and Babel fails on their digits."""


def format_decimal(value: float | Decimal | None, language: str, digits: int = 1) -> str:
    """A number with at most ``digits`` decimals and no trailing zeros."""
    if value is None or math.isnan(value):
        return DASH
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if abs(float(value)) >= BEYOND:
        return f"{value:.3g}"
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
    return f"{format_decimal(value, language)}{GLUE}{UNITS[language][unit[0]]}"


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
    units, glue, size = UNITS[language], GLUE, abs(seconds)
    if size < 60:
        return f"{format_decimal(seconds, language)}{glue}{units['s']}"
    small, large, step, parts = next(names for limit, names in STEPS if size < limit)
    total = round(size / step)
    sign = "-" if seconds < 0 else ""
    rest = f"{glue}{total % parts}{glue}{units[small]}" if total % parts else ""
    return f"{sign}{format_whole(total // parts, language)}{glue}{units[large]}{rest}"
