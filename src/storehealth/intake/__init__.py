"""Intake: files of whatever format → typed canonical rows in the lake.

``discover`` lists the files, ``containers`` open them as sheets of text, ``recognise`` finds the layout of each sheet,
``normalise`` and ``read`` turn text into typed rows, ``lake`` keeps them. Intake knows nothing of rules or limits.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from storehealth.catalogue import Catalogue
from storehealth.errors import UsageError
from storehealth.intake.discover import discover
from storehealth.intake.expressions import check_packs
from storehealth.intake.files import Files, Look
from storehealth.intake.lake import Lake
from storehealth.intake.members import spread
from storehealth.intake.options import IntakeOptions
from storehealth.model import Intake

__all__ = ["IntakeOptions", "take_in"]


def _silent(_: str) -> None:
    """Tell nobody."""


def take_in(
    exports: Path,
    catalogue: Catalogue,
    lake: Path,
    options: IntakeOptions | None = None,
    tell: Callable[[str], None] = _silent,
) -> Intake:
    """Read all files of an exports folder, or one file, into the lake.

    A file that cannot be read becomes a source with a note. The folder is only read, never written to.

    Args:
        exports: A folder, read with its sub-folders, or one file.
        catalogue: Layouts and tables.
        lake: Folder for what was read; files that have not changed since are not read again.
        options: What the user said about files.
        tell: Is told which file is being read.

    Returns:
        Sources in name order and their tables; all times are naive, in ``Intake.zone``.

    Raises:
        NoDataError: There is no such folder, or nothing is in it.
        UsageError: An option names a layout or a zone that does not exist.
        CatalogueError: SQL of a pack's layout or table is more than an expression, or runs too long.
        OutOfMemory: It asks for more memory than is allowed.
    """
    options = options or IntakeOptions()
    _check(options, catalogue)
    check_packs(catalogue)
    found = discover(exports)
    store = Lake(lake, trusted=options.cache)
    with store.scratch() as scratch:
        files = Files(catalogue, store, options, scratch, tell)
        looks = [files.look(one) for one in spread(found)]
        zone = options.zone or _agreed_zone(looks, catalogue)
        taken = [files.take(look, zone) for look in looks]
        store.remember_digests()
        files.close()
    return Intake(
        sources=tuple(source for one in taken for source in one.sources),
        tables=tuple(table for one in taken for table in one.tables),
        rejects=tuple(table for one in taken for table in one.rejects),
        readings=tuple(reading for one in taken for reading in one.readings),
        zone=zone,
    )


def _agreed_zone(looks: Iterable[Look], catalogue: Catalogue) -> str:
    names = {part.match.layout for look in looks for part in look.parts if part.match}
    zones = {zone for name in names if (zone := catalogue.layouts[name].zone)}
    return zones.pop() if len(zones) == 1 else "UTC"


def _check(options: IntakeOptions, catalogue: Catalogue) -> None:
    for name in options.layouts.values():
        if name not in catalogue.layouts:
            near = ", ".join(difflib.get_close_matches(name, catalogue.layouts, n=3)) or "none"
            raise UsageError(
                f"There is no layout {name!r}; nearest: {near}", "`storehealth inspect` lists all layouts."
            )
    if options.zone is not None:
        try:
            ZoneInfo(options.zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise UsageError(f"There is no time zone {options.zone!r}", "Write it like Asia/Shanghai.") from None
