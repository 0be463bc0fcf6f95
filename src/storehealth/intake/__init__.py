"""Intake: files of whatever format → typed canonical rows in the lake.

``discover`` lists the files, ``containers`` open them as sheets of text, ``recognise`` finds the layout of each sheet,
``normalise`` and ``read`` turn text into typed rows, ``lake`` keeps them. Intake knows nothing of rules or limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from storehealth.catalogue import Catalogue
from storehealth.errors import UsageError
from storehealth.intake.discover import IntakeOptions, discover, expand_archives
from storehealth.intake.file_reader import FileInspection, FileReader
from storehealth.intake.lake import Lake
from storehealth.intake.pack_sql import check_pack_sql
from storehealth.model import Intake
from storehealth.support.message import Message, Name, message
from storehealth.support.validation import list_nearest

__all__ = ["IntakeOptions", "read_exports"]


def _ignore(_: Message) -> None:
    """Discard a progress message."""


def read_exports(
    exports: Path,
    catalogue: Catalogue,
    lake: Path,
    options: IntakeOptions | None = None,
    tell: Callable[[Message], None] = _ignore,
) -> Intake:
    """Read all files of an exports folder, or one file, into the lake.

    A file that cannot be read becomes a source with a note. Nothing is ever written into the folder.

    Args:
        exports: A folder, read with its sub-folders, or one file.
        catalogue: Layouts and tables.
        lake: Folder for what was read; files that have not changed since are not read again.
        options: Zone, layouts, encodings and caching, as the user chose them.
        tell: Receives one line of progress per file that is read.

    Returns:
        Sources in name order and their tables; all times are naive, in ``Intake.zone``.

    Raises:
        NoDataError: There is no such folder, or nothing is in it.
        UsageError: An option names a layout or a zone that does not exist.
        CatalogueError: The SQL of a pack's layout or table is not a plain expression, or runs too long.
        OutOfMemory: That SQL needs more memory than is allowed.
    """
    options = options or IntakeOptions()
    _check_options(options, catalogue)
    check_pack_sql(catalogue)
    files = discover(exports)
    store = Lake(lake, trusted=options.cache)
    with store.open_scratch() as scratch:
        reader = FileReader(catalogue, store, options, scratch, tell)
        # All files are inspected before any is read: the store's zone may follow from the layouts of all of them.
        inspections = [reader.inspect(file) for file in expand_archives(files)]
        zone = options.zone or _find_common_zone(inspections, catalogue)
        reader.read_alike(inspections, zone)
        results = [reader.read(inspection, zone) for inspection in inspections]
        store.save_digests()
        if store.doubts:
            tell(message("progress.cache_damaged", n=len(store.doubts)))
        reader.close()
    return Intake(
        sources=tuple(source for result in results for source in result.sources),
        tables=tuple(table for result in results for table in result.tables),
        rejects=tuple(table for result in results for table in result.rejects),
        readings=tuple(reading for result in results for reading in result.readings),
        zone=zone,
    )


def _find_common_zone(inspections: Iterable[FileInspection], catalogue: Catalogue) -> str:
    names = {part.match.layout for inspection in inspections for part in inspection.parts if part.match}
    zones = {zone for name in names if (zone := catalogue.layouts[name].zone)}
    return zones.pop() if len(zones) == 1 else "UTC"


def _check_options(options: IntakeOptions, catalogue: Catalogue) -> None:
    for name in options.layouts.values():
        if name not in catalogue.layouts:
            raise _refuse_layout(name, catalogue)
    if options.zone is not None:
        try:
            ZoneInfo(options.zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise UsageError(message("intake.no_zone", name=Name(options.zone)), message("intake.write_zone")) from None


def _refuse_layout(name: str, catalogue: Catalogue) -> UsageError:
    nearest = tuple(map(Name, list_nearest(name, catalogue.layouts, 3)))
    if not nearest:
        return UsageError(message("intake.no_layout_near", name=Name(name)), message("intake.list_layouts"))
    return UsageError(message("intake.no_layout", name=Name(name), nearest=nearest), message("intake.list_layouts"))
