"""Parsers of option values, for typer's ``parser=``: text in, value out.

A value prints as it was written, since ``schedule add`` stores the command line of an audit.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from datetime import datetime, time
from pathlib import Path
from typing import Literal, NamedTuple, cast

from storehealth.errors import UsageError
from storehealth.support.message import Name, message, sentences
from storehealth.support.validation import suggest_name

KnownLanguage = Literal["en", "zh", "es"]
OutputFormat = Literal["text", "json"]
FORMATS: tuple[OutputFormat, ...] = ("text", "json")
LANGUAGES: tuple[KnownLanguage, ...] = ("en", "zh", "es")
DATE_ORDERS = ("day-first", "month-first")
ENCODINGS = ("utf-8", "utf-16", "gb18030", "gbk", "big5", "latin-1", "cp1252", "shift_jis", "euc_kr")
"""Encodings that are suggested; any that Python knows is accepted."""
MAX_LISTED_NAMES = 24
"""Longer lists are left out of an error that suggests a nearest name."""


class FileChoice(NamedTuple):
    """``FILE=NAME``: which layout or encoding the files of a name are read with."""

    file: str
    name: str

    def __str__(self) -> str:
        return f"{self.file}={self.name}"


class OutputOption(NamedTuple):
    """``-o FORMAT=PATH``; no path: to stdout."""

    format: str
    path: Path | None

    def __str__(self) -> str:
        return f"{self.format}={self.path or '-'}"


class ToolChoice(NamedTuple):
    """The managers' tools of ``--with``."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return ",".join(self.names)


def require_one_of(value: str, known: Iterable[str], option: str) -> str:
    """Require that a value is known, and return it.

    Raises:
        UsageError: It is unknown; the nearest name is suggested.
    """
    names = list(known)
    if value in names:
        return value
    # "cn" is not nearly "en": where all names are listed anyway, a far-fetched guess only misleads
    hint = suggest_name(value, names, cutoff=0.6 if len(names) <= MAX_LISTED_NAMES else 0.4)
    if len(names) <= MAX_LISTED_NAMES or not hint:
        hint.append(message("names.choose", names=tuple(map(Name, names))))
    raise UsageError(message("usage.unknown_value", value=Name(value), option=Name(option)), sentences(hint))


def parse_language(text: str) -> KnownLanguage:
    """Parse the value of ``--lang``."""
    return cast("KnownLanguage", require_one_of(text, LANGUAGES, "--lang"))


def parse_format(text: str) -> OutputFormat:
    """Parse the value of ``--format``."""
    return cast("OutputFormat", require_one_of(text, FORMATS, "--format"))


def parse_layout(text: str) -> FileChoice:
    """Parse ``FILE=LAYOUT``; whether there is such a layout is known once the packs are."""
    return _parse_file_choice(text, "--layout")


def parse_encoding(text: str) -> FileChoice:
    """Parse ``GLOB=ENCODING`` and require an encoding that Python knows."""
    choice = _parse_file_choice(text, "--encoding")
    try:
        codecs.lookup(choice.name)
    except LookupError:
        require_one_of(choice.name, ENCODINGS, "--encoding")
    return choice


def parse_date_order(text: str) -> str:
    """Parse the value of ``--date-order`` into ``day_first`` or ``month_first``."""
    # what it returns is read back too: a schedule stores values as they print
    return require_one_of(text.replace("_", "-"), DATE_ORDERS, "--date-order").replace("-", "_")


def _parse_file_choice(text: str, option: str) -> FileChoice:
    """Parse ``FILE=NAME``; the file is everything before the last ``=``.

    Raises:
        UsageError: There is no ``=``, or nothing on one side of it.
    """
    file, _, name = text.rpartition("=")
    if not file or not name:
        raise UsageError(
            message("usage.pair_without_name", option=Name(option), text=Name(text)),
            message("usage.write_pair", option=Name(option)),
        )
    return FileChoice(file, name)


def parse_output(text: str) -> OutputOption:
    """Parse ``FORMAT=PATH``; the path ``-`` is stdout.

    Raises:
        UsageError: There is no path.
    """
    name, _, place = text.partition("=")
    if not name or not place:
        raise UsageError(message("usage.output_without_path", text=Name(text)), message("usage.output_examples"))
    return OutputOption(name, None if place == "-" else Path(place))


def parse_tools(text: str) -> ToolChoice:
    """Parse the value of ``--with``: names of tools separated by commas, or ``all``."""
    from storehealth.commands.tools import TOOLS

    names = [name.strip() for name in str(text).split(",") if name.strip()]
    if names == ["all"]:
        return ToolChoice(TOOLS)
    return ToolChoice(tuple(dict.fromkeys(require_one_of(name, TOOLS, "--with") for name in names)))


EARLIEST, LATEST = 1980, 2199
"""Years in which a shop may have been audited; windows and promises reach beyond the day itself."""


def parse_as_of(text: str | datetime) -> datetime:
    """Parse a time in the store's zone; a date without a time means the end of that day.

    Raises:
        UsageError: It is not a time, or has an offset.
    """
    text = str(text).strip()
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(message("usage.invalid_time", text=Name(text)), message("usage.time_examples")) from None
    if not EARLIEST <= parsed.year <= LATEST:
        years = message("usage.time_beyond", text=Name(text), first=Name(str(EARLIEST)), last=Name(str(LATEST)))
        raise UsageError(years, message("usage.time_examples"))
    if parsed.tzinfo is not None:
        raise UsageError(message("usage.time_with_offset", text=Name(text)), message("usage.local_time"))
    is_date = re.fullmatch(r"\d{4}-?\d{2}-?\d{2}|\d{4}-?W\d{2}(-?\d)?", text)
    return datetime.combine(parsed, time(23, 59, 59)) if is_date else parsed


def parse_window(text: str) -> str:
    """Check a window: ``30d`` or ``all``.

    Raises:
        UsageError: It is neither.
    """
    if text == "all" or re.fullmatch(r"[1-9]\d{0,4}d", text):
        return text
    number = re.match(r"\s*(\d+)", text)
    suggestion = f"{int(number[1]) or 1}d" if number else "all" if text.startswith("a") else None
    hint = [message("names.did_you_mean", name=Name(suggestion))] if suggestion else []
    hint.append(message("usage.window_examples"))
    raise UsageError(message("usage.invalid_window", text=Name(text)), sentences(hint))


def parse_memory(text: str) -> str:
    """Check a size such as ``1GB``.

    Raises:
        UsageError: It is not a size.
    """
    if re.fullmatch(r"(?i)\d+(\.\d+)?\s*[kmgt]i?b", text.strip()):
        return text
    raise UsageError(message("usage.invalid_memory", text=Name(text)), message("usage.memory_examples"))


def parse_pack(text: str | Path) -> Path:
    """Require that a pack is a folder.

    Raises:
        UsageError: It is not.
    """
    path = Path(text)
    if not path.is_dir():
        raise UsageError(message("usage.pack_missing", path=Name(path)), message("usage.give_pack_folder"))
    return path


def parse_config(text: str | Path) -> Path:
    """Require that the settings file exists.

    Raises:
        UsageError: It does not.
    """
    path = Path(text)
    if not path.is_file():
        raise UsageError(message("usage.config_missing", path=Name(path)), message("usage.give_config"))
    return path


def parse_fail_on(text: str) -> str:
    """Check the value of ``--fail-on``.

    Raises:
        UsageError: There is no such level.
    """
    from storehealth.score.exit_status import check_fail_on

    return check_fail_on(text)
