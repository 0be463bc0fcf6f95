"""Options that several commands share, and the checks that need no catalogue.

Options of ``audit`` that only ``schedule add`` also takes.

Names of platforms and layouts, checked against the files that define them before any work is done.
"""

from __future__ import annotations

import codecs
import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
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


ReportOutputs = Annotated[
    list[str] | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FORMAT=PATH",
        help="Also write a report, evidence=DIR or rejects=PATH; repeatable. - means stdout.",
    ),
]
Details = Annotated[bool, typer.Option("--details", help="Show every finding with its rows, not just one screen.")]
FailOn = Annotated[
    str,
    typer.Option("--fail-on", metavar="LEVEL", help="When to exit with code 1: fail, watch, new, never, or score<60."),
]
StrictData = Annotated[
    bool, typer.Option("--strict-data", help="Exit with code 3 if a file is refused or an area cannot be judged.")
]
AssumeAuto = Annotated[
    bool, typer.Option("--assume-auto", help="Count suspected auto-replies as bot messages; show both results.")
]
Platform = Annotated[
    str | None,
    typer.Option(
        "--platform",
        metavar="NAME",
        help="Platform whose limits and clocks apply. Default: from the files, else generic.",
    ),
]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="TIME", help="Judge as of this time. Default: the last event in the files."),
]
Window = Annotated[
    str | None, typer.Option("--window", metavar="30d|all", help="Days to judge. Default: set by the platform.")
]
Notify = Annotated[
    bool,
    typer.Option("--notify", help="Send notifications, as configured in the settings, after the reports are written."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="With --notify: show the message on stderr but send nothing.")]

NoHistory = Annotated[
    bool, typer.Option("--no-history", help="Do not compare with earlier runs, and do not store this one.")
]
Baseline = Annotated[
    str | None,
    typer.Option(
        "--baseline", metavar="RUN", help="Compare with this run. Default: the latest run with an earlier time."
    ),
]
Cron = Annotated[
    bool,
    typer.Option("--cron", help="For cron: print only errors; write the reports to runs/NAME/ in the state folder."),
]
RunName = Annotated[
    str | None,
    typer.Option("--name", metavar="NAME", help="Name of the unattended runs. Default: the name of the folder."),
]
Keep = Annotated[
    str,
    typer.Option("--keep", metavar="90d|all", help="Remove older unattended runs, but never the latest complete one."),
]
LockWait = Annotated[
    str,
    typer.Option(
        "--lock-wait",
        metavar="5m",
        help="Unattended: wait this long for another run of this name, then exit with code 75.",
    ),
]
CheckOnly = Annotated[bool, typer.Option("--check", help="Check options, settings and rule files, then exit.")]


class CatalogueNames:
    """The names that the built-in data files and the packs define.

    Args:
        packs: Folders of the ``--pack`` options.
    """

    def __init__(self, packs: tuple[Path, ...]) -> None:
        self.packs = packs

    def require_platform(self, name: str | None) -> str | None:
        """Require that a platform exists; None stays None.

        Raises:
            UsageError: It does not exist; the nearest name is suggested.
        """
        return None if name is None else require_one_of(name, self._list_names("platforms"), "--platform")

    def list_platforms(self) -> tuple[str, ...]:
        """Names of all platforms."""
        return tuple(self._list_names("platforms"))

    def parse_layouts(self, texts: Sequence[str] | None) -> dict[str, str]:
        """Parse ``FILE=NAME`` options and require that the layouts exist.

        Raises:
            UsageError: A layout does not exist; the nearest name is suggested.
        """
        layouts = parse_pairs(texts, "--layout")
        known = sorted(self._list_names("layouts")) if layouts else []
        return {file: require_one_of(name, known, "--layout") for file, name in layouts.items()}

    def list_layouts(self) -> set[str]:
        """Names of all layouts."""
        return set(self._list_names("layouts"))

    def _list_names(self, kind: str) -> Iterator[str]:
        from storehealth.catalogue import FOLDERS

        names: dict[str, None] = {}  # a dict keeps the order and drops repetitions
        for folder in (FOLDERS[kind], *(pack / kind for pack in self.packs)):
            names |= dict.fromkeys(path.stem for path in sorted(folder.rglob("*.yaml")))
        yield from names
