"""How each file is understood, without judging anything: what ``storehealth inspect`` shows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from storehealth.commands.prepare import (
    AuditRequest,
    PreparedInputs,
    choose_mask,
    count_merged_rows,
    open_inputs,
    prepare_inputs,
)
from storehealth.db import Store
from storehealth.db.source_rows import RejectsFile, SourceReader, group_rejects, read_previews
from storehealth.intake.guess import find_header
from storehealth.intake.recognise import ClosestLayout, find_closest_layout
from storehealth.model import ColumnMapping, InspectedFile, Inspection, NearestLayout, SheetReading, Source
from storehealth.privacy import Mask, show_header


def inspect_exports(
    exports: Path, request: AuditRequest, preview: int = 3, rejects: RejectsFile | None = None
) -> Inspection:
    """Describe how each file is understood.

    Args:
        exports: Folder of exported files, or one file.
        request: Options as for an audit; those about verdicts have no effect.
        preview: Rows shown of each table and file.
        rejects: Where rejected rows and cells are written to, if anywhere.

    Raises:
        NoDataError: The folder is missing or holds no file at all.
        UsageError: An option or setting names something that does not exist.
    """
    inputs = prepare_inputs(exports, request)
    mask = choose_mask(request, inputs)
    with open_inputs(inputs, request, views=False) as store:
        reader = SourceReader(store, inputs.intake, inputs.catalogue, mask)
        sources = tuple(_describe_file(source, reader, preview) for source in _split_duplicates(inputs, store))
        if rejects:
            rejects.write(reader)
    return Inspection(
        zone=inputs.intake.zone, platform=inputs.platform.name, language=inputs.settings.language, sources=sources
    )


def _split_duplicates(inputs: PreparedInputs, store: Store) -> tuple[InspectedFile, ...]:
    """The sources, with duplicates within a file and across files counted separately."""
    pairs = zip(inputs.intake.sources, count_merged_rows(inputs.intake.sources, store), strict=True)
    return tuple(
        InspectedFile(
            **merged.model_dump(),
            duplicates_within=alone.duplicates,
            duplicates_across=merged.duplicates - alone.duplicates,
        )
        for alone, merged in pairs
    )


def _describe_file(source: InspectedFile, reader: SourceReader, preview: int) -> InspectedFile:
    reading = reader.readings.get(source.path, SheetReading(source=source.path))
    if source.layout is None:
        return source.model_copy(update=_describe_unknown(source, reading, reader))
    return source.model_copy(
        update={
            "columns": tuple(
                ColumnMapping(header=reader.mask("told", header), fills=fills)
                for header, fills in reading.columns.items()
            ),
            "unread": _mask_headers(reading.unread, reader.mask),
            "rejects": tuple(group_rejects(reader, source.path)),
            "preview": tuple(read_previews(reader, source.path, preview)),
        }
    )


def _describe_unknown(source: Source, reading: SheetReading, reader: SourceReader) -> dict[str, object]:
    """The header of a sheet that no layout fits, if one can be recognised, and the nearest layout."""
    place = find_header(reading.top)
    header = reading.top[place] if place is not None else ()
    layouts = [layout for layout in reader.catalogue.layouts.values() if source.container in layout.containers]
    nearest = find_closest_layout(layouts, reading.top)
    return {
        "unread": _mask_headers(dict.fromkeys(show_header(cell) for cell in header if cell.strip()), reader.mask),
        "nearest": _to_nearest_layout(nearest, reader.mask) if nearest else None,
    }


def _to_nearest_layout(nearest: ClosestLayout, mask: Mask) -> NearestLayout:
    return NearestLayout(layout=nearest.layout, found=_mask_headers(nearest.found, mask), missing=nearest.missing)


def _mask_headers(headers: Iterable[str], mask: Mask) -> tuple[str, ...]:
    return tuple(mask("told", header) for header in headers)
