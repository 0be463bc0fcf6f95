"""Run the examples of layouts: a few lines of a file in, canonical rows out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from storehealth.catalogue import Catalogue
from storehealth.catalogue.files import locate_key
from storehealth.catalogue.layout import Layout, LayoutExample
from storehealth.errors import FileRefused, StorehealthError
from storehealth.intake.draft import LayoutTrial, open_sheet, try_layout
from storehealth.intake.recognise import recognise, select_layouts
from storehealth.support.message import Message, Name, load_message, message


class LayoutExampleRun(NamedTuple):
    """One example of a layout and what is wrong with it: nothing, if ``problems`` is empty."""

    layout: Layout
    place: str
    problems: tuple[Message, ...]


def run_layout_examples(layout: Layout, catalogue: Catalogue) -> Iterator[LayoutExampleRun]:
    """Run the examples of a layout one after the other."""
    path = catalogue.paths.get(f"layouts/{layout.name}")
    for number, example in enumerate(layout.examples):
        place = locate_key(path, f"examples.{number}").rpartition(": ")[0] if path else f"{layout.name}.yaml"
        yield LayoutExampleRun(layout, place, tuple(find_layout_problems(layout, example, catalogue)))


def find_layout_problems(layout: Layout, example: LayoutExample, catalogue: Catalogue) -> Iterator[Message]:
    """Find what is wrong with an example: rows that differ from the promised ones, or another layout that claims it."""
    try:
        trial = try_layout(layout, example.given, catalogue)
    except StorehealthError as error:
        yield error.problem
        return
    if len(trial.rejects) != example.rejected:
        found = message("layouts.rejected", n=len(trial.rejects), expected=example.rejected)
        yield found if not trial.rejects else message("layouts.first_reject", what=found, **_describe_reject(trial))
    for table, rows in example.expect.items():
        yield from _compare_rows(table, rows, _to_example_rows(trial.tables.get(table, []), rows))
    for table in trial.tables.keys() - example.expect.keys():
        if trial.tables[table]:
            yield message("layouts.unexpected_table", table=Name(table), n=len(trial.tables[table]))
    yield from _find_claims(layout, example, catalogue)


def _describe_reject(trial: LayoutTrial) -> dict[str, Name | Message]:
    first = trial.rejects[0]
    return {
        "column": Name(first["column_name"] or "-"),
        "value": Name(first["value"]),
        "reason": load_message(first["reason"]),
    }


def _compare_rows(
    table: str, expected: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]
) -> Iterator[Message]:
    if len(expected) != len(found):
        yield message("layouts.row_count", table=Name(table), n=len(found), expected=len(expected))
    for number, (wanted, row) in enumerate(zip(expected, found, strict=False), 1):
        for column in wanted:
            if row.get(column) != wanted[column]:
                yield message(
                    "layouts.cell_differs",
                    place=Name(f"{table} {number}"),
                    column=Name(column),
                    expected=Name(wanted[column]),
                    found=Name(row.get(column)),
                )


def _to_example_rows(rows: Sequence[Mapping[str, Any]], expected: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The columns that the example names, as it writes them; rows that it does not expect whole."""
    return [
        {
            column: _to_plain(value)
            for column, value in row.items()
            if place >= len(expected) or column in expected[place]
        }
        for place, row in enumerate(rows)
    ]


def _to_plain(value: Any) -> Any:
    """A cell as examples write it."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return float(value) if isinstance(value, Decimal) else value


def _find_claims(layout: Layout, example: LayoutExample, catalogue: Catalogue) -> Iterator[Message]:
    """Find layouts that claim the example: it must be recognised as its own, and as that of no other platform."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "given.txt"
        path.write_text(example.given, encoding="utf-8", newline="")
        sheet, container = open_sheet(layout, path)
        layouts = select_layouts(catalogue.layouts.values(), sheet)
        try:
            best = recognise(sheet.top, container, layouts).layout
        except FileRefused as error:
            yield error.problem
            return
        if best != layout.name:
            yield message("layouts.recognised_as", layout=Name(best))
        others = [other for other in layouts if other is not layout and other.platform]
        try:
            claim = recognise(sheet.top, container, others).layout
        except FileRefused:
            return
        yield message("layouts.also_claimed", layout=Name(claim))
