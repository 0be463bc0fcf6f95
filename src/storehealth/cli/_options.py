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

Exports = Annotated[Path, typer.Argument(metavar="EXPORTS", help="Folder with the files you exported, or one file.")]
Language = Annotated[
    str | None,
    typer.Option("--lang", metavar="en|zh|es", help="Language of what is shown. Default: the settings', else en."),
]
Packs = Annotated[
    list[Path] | None,
    typer.Option("--pack", metavar="DIR", help="Folder with rules, layouts, platforms of your own; repeatable."),
]
State = Annotated[
    Path | None, typer.Option("--state", metavar="DIR", help="Where the lake and logs are kept between runs.")
]
Config = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Settings file. Default: ./storehealth.toml, if any.")
]
Layouts = Annotated[
    list[str] | None,
    typer.Option("--layout", metavar="FILE=NAME", help="Read files of this name by this layout; repeatable."),
]
Encodings = Annotated[
    list[str] | None, typer.Option("--encoding", metavar="GLOB=NAME", help="Encoding of these files; repeatable.")
]
Memory = Annotated[str | None, typer.Option("--memory", metavar="SIZE", help="Most memory to use, such as 1GB.")]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Read every file anew.")]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colour.")]
Ascii = Annotated[bool, typer.Option("--ascii", help="Signs such as ✓ and ≥ in plain ASCII.")]
Unmask = Annotated[bool, typer.Option("--unmask", help="Show personal data as they are; on a terminal only.")]
Format = Annotated[str, typer.Option("--format", metavar="text|json", help="What is printed.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print findings only.")]
Silent = Annotated[bool, typer.Option("--silent", "-s", help="Print nothing but errors.")]
Verbose = Annotated[int, typer.Option("--verbose", "-v", count=True, help="Name every step on stderr.")]

KnownLanguage = Literal["en", "zh", "es"]
FORMATS = ("text", "json")
LANGUAGES = ("en", "zh", "es")
MOST_LISTED = 24
"""Longer lists are left out of a message that can name the nearest."""


def one_of(value: str, known: Iterable[str], what: str) -> str:
    """The value, if it is known.

    Raises:
        UsageError: It is not; the nearest is named.
    """
    names = list(known)
    if value in names:
        return value
    close = difflib.get_close_matches(value, names, n=1, cutoff=0.4)
    nearest = f"Nearest is {close[0]}. " if close else ""
    listed = f"Choose one of: {', '.join(names)}." if len(names) <= MOST_LISTED or not close else ""
    raise UsageError(f"{what} does not know {value!r}", (nearest + listed).strip())


def language(value: str | None) -> KnownLanguage | None:
    """The language asked for, or None."""
    return None if value is None else cast("KnownLanguage", one_of(value, LANGUAGES, "--lang"))


def pairs(texts: Sequence[str] | None, option: str) -> dict[str, str]:
    """``FILE=NAME`` options as a mapping; what is before the last ``=`` is the file.

    Raises:
        UsageError: A text has no ``=`` or an empty side.
    """
    found = {}
    for text in texts or ():
        key, _, value = text.rpartition("=")
        if not key or not value:
            raise UsageError(f"{option} {text!r} has no name", f"Write {option} 'file.csv=name'.")
        found[key] = value
    return found


def encodings(texts: Sequence[str] | None) -> dict[str, str]:
    """``GLOB=NAME`` options whose names Python knows."""
    found = pairs(texts, "--encoding")
    for name in found.values():
        try:
            codecs.lookup(name)
        except LookupError:
            known = ("utf-8", "utf-16", "gb18030", "gbk", "big5", "latin-1", "cp1252", "shift_jis", "euc_kr")
            one_of(name, known, "--encoding")
    return found


def moment(text: str | None) -> datetime | None:
    """A time in the store's own zone; a day alone means its end.

    Raises:
        UsageError: It is no time, or has an offset.
    """
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"--as-of {text!r} is no time", "Write 2025-03-31 or 2025-03-31T18:00.") from None
    if found.tzinfo is not None:
        raise UsageError(f"--as-of {text!r} has an offset", "Write it in the store's own time, without one.")
    day_alone = re.fullmatch(r"\d{4}-?\d{2}-?\d{2}|\d{4}-?W\d{2}(-?\d)?", text.strip())
    return datetime.combine(found, time(23, 59, 59)) if day_alone else found


def window(text: str | None) -> str | None:
    """``30d`` or ``all``.

    Raises:
        UsageError: It is neither.
    """
    if text is None or text == "all" or re.fullmatch(r"[1-9]\d{0,4}d", text):
        return text
    number = re.match(r"\s*(\d+)", text)
    nearest = f"Nearest is {int(number[1]) or 1}d. " if number else "Nearest is all. " if text.startswith("a") else ""
    raise UsageError(f"--window {text!r} is no window", f"{nearest}Write a number of days such as 30d, or all.")


def memory(text: str | None) -> str | None:
    """A size such as ``1GB``.

    Raises:
        UsageError: It is none.
    """
    if text is None or re.fullmatch(r"(?i)\d+(\.\d+)?\s*[kmgt]i?b", text.strip()):
        return text
    raise UsageError(f"--memory {text!r} is no size", "Write it as 500MB or 2GB.")


def folders(paths: Sequence[Path] | None) -> tuple[Path, ...]:
    """Packs that are folders.

    Raises:
        UsageError: One is not.
    """
    for path in paths or ():
        if not path.is_dir():
            raise UsageError(f"--pack {path} is no folder", "Give the folder that holds rules/, layouts/ and so on.")
    return tuple(paths or ())


def settings_file(path: Path | None) -> Path | None:
    """A settings file that is there.

    Raises:
        UsageError: It is not.
    """
    if path is not None and not path.is_file():
        raise UsageError(f"--config {path} does not exist", "Give the path of a storehealth.toml.")
    return path
