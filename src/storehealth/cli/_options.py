"""Options that several commands share, and the checks that need no catalogue."""

from __future__ import annotations

import codecs
import difflib
import re
from collections.abc import Iterable, Sequence
from datetime import datetime, time
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from storehealth.errors import UsageError

Exports = Annotated[Path, typer.Argument(metavar="EXPORTS", help="Folder of exported files, or one file.")]
Language = Annotated[
    str | None,
    typer.Option("--lang", metavar="en|zh|es", help="Output language. Default: from the settings, else en."),
]
Packs = Annotated[
    list[Path] | None,
    typer.Option("--pack", metavar="DIR", help="Folder with your own rules, layouts and platforms; repeatable."),
]
State = Annotated[
    Path | None, typer.Option("--state", metavar="DIR", help="Folder that keeps the data cache and logs between runs.")
]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings file. Default: ./storehealth.toml, if it exists."),
]
Layouts = Annotated[
    list[str] | None,
    typer.Option("--layout", metavar="FILE=NAME", help="Read files of this name with this layout; repeatable."),
]
Encodings = Annotated[
    list[str] | None, typer.Option("--encoding", metavar="GLOB=NAME", help="Encoding of these files; repeatable.")
]
Memory = Annotated[str | None, typer.Option("--memory", metavar="SIZE", help="Memory limit, such as 1GB.")]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Read every file again.")]
NoColor = Annotated[bool, typer.Option("--no-color", help="Do not use colour.")]
Ascii = Annotated[bool, typer.Option("--ascii", help="Use ASCII instead of symbols such as ✓ and ≥.")]
Unmask = Annotated[bool, typer.Option("--unmask", help="Show personal data unmasked; on a terminal only.")]
Format = Annotated[str, typer.Option("--format", metavar="text|json", help="Output format.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only findings.")]
Silent = Annotated[bool, typer.Option("--silent", "-s", help="Print only errors.")]
Verbose = Annotated[int, typer.Option("--verbose", "-v", count=True, help="Show every step on stderr.")]

KnownLanguage = Literal["en", "zh", "es"]
FORMATS = ("text", "json")
LANGUAGES = ("en", "zh", "es")
MAX_LISTED_NAMES = 24
"""Longer lists are left out of an error that suggests a nearest name."""


def require_one_of(value: str, known: Iterable[str], what: str) -> str:
    """Require that a value is known, and return it.

    Raises:
        UsageError: It is unknown; the nearest name is suggested.
    """
    names = list(known)
    if value in names:
        return value
    close = difflib.get_close_matches(value, names, n=1, cutoff=0.4)
    nearest = f"Nearest is {close[0]}. " if close else ""
    choices = f"Choose one of: {', '.join(names)}." if len(names) <= MAX_LISTED_NAMES or not close else ""
    raise UsageError(f"{what} does not know {value!r}", (nearest + choices).strip())


def parse_language(value: str | None) -> KnownLanguage | None:
    """Check the value of ``--lang``; None stays None."""
    return None if value is None else cast("KnownLanguage", require_one_of(value, LANGUAGES, "--lang"))


def parse_pairs(texts: Sequence[str] | None, option: str) -> dict[str, str]:
    """Parse ``FILE=NAME`` options into a mapping; the file is everything before the last ``=``.

    Raises:
        UsageError: A text has no ``=``, or nothing on one side of it.
    """
    values = {}
    for text in texts or ():
        key, _, value = text.rpartition("=")
        if not key or not value:
            raise UsageError(f"{option} {text!r} has no name", f"Write {option} 'file.csv=name'.")
        values[key] = value
    return values


def parse_encodings(texts: Sequence[str] | None) -> dict[str, str]:
    """Parse ``GLOB=NAME`` options and require encodings that Python knows."""
    by_glob = parse_pairs(texts, "--encoding")
    for name in by_glob.values():
        try:
            codecs.lookup(name)
        except LookupError:
            known = ("utf-8", "utf-16", "gb18030", "gbk", "big5", "latin-1", "cp1252", "shift_jis", "euc_kr")
            require_one_of(name, known, "--encoding")
    return by_glob


def parse_as_of(text: str | None) -> datetime | None:
    """Parse a time in the store's zone; a date without a time means the end of that day.

    Raises:
        UsageError: It is not a time, or has an offset.
    """
    if text is None:
        return None
    try:
        parsed = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"--as-of {text!r} is no time", "Write 2025-03-31 or 2025-03-31T18:00.") from None
    if parsed.tzinfo is not None:
        raise UsageError(f"--as-of {text!r} has an offset", "Write it in the store's own time, without one.")
    is_date = re.fullmatch(r"\d{4}-?\d{2}-?\d{2}|\d{4}-?W\d{2}(-?\d)?", text.strip())
    return datetime.combine(parsed, time(23, 59, 59)) if is_date else parsed


def parse_window(text: str | None) -> str | None:
    """Check a window: ``30d`` or ``all``.

    Raises:
        UsageError: It is neither.
    """
    if text is None or text == "all" or re.fullmatch(r"[1-9]\d{0,4}d", text):
        return text
    number = re.match(r"\s*(\d+)", text)
    nearest = f"Nearest is {int(number[1]) or 1}d. " if number else "Nearest is all. " if text.startswith("a") else ""
    raise UsageError(f"--window {text!r} is no window", f"{nearest}Write a number of days such as 30d, or all.")


def parse_memory(text: str | None) -> str | None:
    """Check a size such as ``1GB``.

    Raises:
        UsageError: It is not a size.
    """
    if text is None or re.fullmatch(r"(?i)\d+(\.\d+)?\s*[kmgt]i?b", text.strip()):
        return text
    raise UsageError(f"--memory {text!r} is no size", "Write it as 500MB or 2GB.")


def require_folders(paths: Sequence[Path] | None) -> tuple[Path, ...]:
    """Require that every pack is a folder.

    Raises:
        UsageError: One is not.
    """
    for path in paths or ():
        if not path.is_dir():
            raise UsageError(f"--pack {path} is no folder", "Give the folder that holds rules/, layouts/ and so on.")
    return tuple(paths or ())


def require_settings_file(path: Path | None) -> Path | None:
    """Require that the settings file exists; None stays None.

    Raises:
        UsageError: It does not exist.
    """
    if path is not None and not path.is_file():
        raise UsageError(f"--config {path} does not exist", "Give the path of a storehealth.toml.")
    return path
