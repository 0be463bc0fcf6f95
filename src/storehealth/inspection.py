"""How each file of a folder is understood, without judging anything: what ``storehealth inspect`` shows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from storehealth.db import Store
from storehealth.db.preview import previews
from storehealth.db.rejects import Reader, reject_groups
from storehealth.intake.guess import header_of
from storehealth.intake.recognise import Nearest, nearest_of
from storehealth.model import ColumnRead, InspectedFile, Inspection, NearestLayout, Reading, Source
from storehealth.opening import Taken, accounted, opened, take
from storehealth.privacy import Mask
from storehealth.request import AuditRequest, mask_for


def inspect(exports: Path, request: AuditRequest, preview: int = 3) -> Inspection:
    """Say how each file is understood.

    Args:
        exports: Folder of exported files, or one file.
        request: What an audit would be asked for; what concerns verdicts does not matter.
        preview: Rows shown of each table and file.

    Raises:
        NoDataError: The folder is missing or holds no file at all.
        UsageError: An option or setting names something that does not exist.
    """
    given = take(exports, request)
    mask = mask_for(request)
    with opened(given, request, views=False) as store:
        reader = Reader(store, given.intake, given.catalogue, mask)
        sources = tuple(_file(source, reader, preview) for source in _accounted(given, store))
        if request.rejects:
            request.rejects.write(reader)
    return Inspection(
        zone=given.intake.zone, platform=given.platform.name, language=given.settings.language, sources=sources
    )


def _accounted(given: Taken, store: Store) -> tuple[InspectedFile, ...]:
    """The sources with both kinds of duplicates told apart."""
    pairs = zip(given.intake.sources, accounted(given.intake.sources, store), strict=True)
    return tuple(
        InspectedFile(
            **whole.model_dump(),
            duplicates_within=own.duplicates,
            duplicates_across=whole.duplicates - own.duplicates,
        )
        for own, whole in pairs
    )


def _file(source: InspectedFile, reader: Reader, preview: int) -> InspectedFile:
    readings = {one.source: one for one in reader.intake.readings}
    reading = readings.get(source.path, Reading(source=source.path))
    if source.layout is None:
        return source.model_copy(update=_stranger(source, reading, reader))
    return source.model_copy(
        update={
            "columns": tuple(
                ColumnRead(header=reader.mask("told", header), fills=fills) for header, fills in reading.columns.items()
            ),
            "unread": _headers(reading.unread, reader.mask),
            "rejects": tuple(reject_groups(reader, source.path)),
            "preview": tuple(previews(reader, source.path, preview)),
        }
    )


def _stranger(source: Source, reading: Reading, reader: Reader) -> dict[str, object]:
    """The header of a sheet no layout fits, where it plainly has one, and the layout that comes closest."""
    place = header_of(reading.top)
    header = reading.top[place] if place is not None else ()
    layouts = [one for one in reader.catalogue.layouts.values() if source.container in one.containers]
    closest = nearest_of(layouts, reading.top)
    return {
        "unread": _headers(dict.fromkeys(" ".join(cell.split()) for cell in header if cell.strip()), reader.mask),
        "nearest": _nearest(closest, reader.mask) if closest else None,
    }


def _nearest(closest: Nearest, mask: Mask) -> NearestLayout:
    return NearestLayout(layout=closest.layout, found=_headers(closest.found, mask), missing=closest.missing)


def _headers(headers: Iterable[str], mask: Mask) -> tuple[str, ...]:
    return tuple(mask("told", header) for header in headers)
