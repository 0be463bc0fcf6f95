"""How each file is understood, without judging anything: what ``storehealth inspect`` shows."""

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
    """Describe how each file is understood.

    Args:
        exports: Folder of exported files, or one file.
        request: Options as for an audit; those about verdicts have no effect.
        preview: Rows shown of each table and file.

    Raises:
        NoDataError: The folder is missing or holds no file at all.
        UsageError: An option or setting names something that does not exist.
    """
    inputs = take(exports, request)
    mask = mask_for(request)
    with opened(inputs, request, views=False) as store:
        reader = Reader(store, inputs.intake, inputs.catalogue, mask)
        sources = tuple(_describe_file(source, reader, preview) for source in _split_duplicates(inputs, store))
        if request.rejects:
            request.rejects.write(reader)
    return Inspection(
        zone=inputs.intake.zone, platform=inputs.platform.name, language=inputs.settings.language, sources=sources
    )


def _split_duplicates(inputs: Taken, store: Store) -> tuple[InspectedFile, ...]:
    """The sources, with duplicates within a file and across files counted separately."""
    pairs = zip(inputs.intake.sources, accounted(inputs.intake.sources, store), strict=True)
    return tuple(
        InspectedFile(
            **merged.model_dump(),
            duplicates_within=alone.duplicates,
            duplicates_across=merged.duplicates - alone.duplicates,
        )
        for alone, merged in pairs
    )


def _describe_file(source: InspectedFile, reader: Reader, preview: int) -> InspectedFile:
    readings = {reading.source: reading for reading in reader.intake.readings}
    reading = readings.get(source.path, Reading(source=source.path))
    if source.layout is None:
        return source.model_copy(update=_describe_unknown(source, reading, reader))
    return source.model_copy(
        update={
            "columns": tuple(
                ColumnRead(header=reader.mask("told", header), fills=fills) for header, fills in reading.columns.items()
            ),
            "unread": _mask_headers(reading.unread, reader.mask),
            "rejects": tuple(reject_groups(reader, source.path)),
            "preview": tuple(previews(reader, source.path, preview)),
        }
    )


def _describe_unknown(source: Source, reading: Reading, reader: Reader) -> dict[str, object]:
    """The header of a sheet that no layout fits, if one can be recognised, and the nearest layout."""
    place = header_of(reading.top)
    header = reading.top[place] if place is not None else ()
    layouts = [layout for layout in reader.catalogue.layouts.values() if source.container in layout.containers]
    nearest = nearest_of(layouts, reading.top)
    return {
        "unread": _mask_headers(dict.fromkeys(" ".join(cell.split()) for cell in header if cell.strip()), reader.mask),
        "nearest": _to_nearest_layout(nearest, reader.mask) if nearest else None,
    }


def _to_nearest_layout(nearest: Nearest, mask: Mask) -> NearestLayout:
    return NearestLayout(layout=nearest.layout, found=_mask_headers(nearest.found, mask), missing=nearest.missing)


def _mask_headers(headers: Iterable[str], mask: Mask) -> tuple[str, ...]:
    return tuple(mask("told", header) for header in headers)
