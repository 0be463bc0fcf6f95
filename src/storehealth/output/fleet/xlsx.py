"""The fleet's report as a workbook: one sheet per block, figures as numbers, so that people can sort and filter."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

import xlsxwriter

from storehealth.i18n import Words
from storehealth.i18n.fleet import (
    describe_change,
    describe_common,
    describe_peers,
    describe_result,
    name_figure,
)
from storehealth.model.fleet import FleetReport
from storehealth.output.checkup._workbook import Cell, Figure, SheetWriter

NAME, SUFFIX, ALIASES = "xlsx", ".xlsx", ("excel",)
Row = Sequence[Cell]


def render(report: FleetReport) -> bytes:
    """The workbook in the language of the report."""
    buffer, words = io.BytesIO(), Words(report.language)
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "default_date_format": "yyyy-mm-dd hh:mm"}) as workbook:
        workbook.set_properties({"created": report.made_at.replace(tzinfo=None)})
        writer = SheetWriter(workbook, report.language)
        for key, columns, rows in _list_sheets(report, words):
            _write_sheet(writer, words, key, columns, list(rows))
    return buffer.getvalue()


def _write_sheet(writer: SheetWriter, words: Words, key: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    sheet = writer.book.add_worksheet(words.say(f"fleet.sheet.{key}"))
    bold = writer.make_format(bold=True, text_wrap=True, bottom=1)
    for place, column in enumerate(columns):
        writer.write(sheet, 0, place, words.say(f"fleet.column.{column}"), bold)
        sheet.set_column(place, place, 40 if column in ("headline", "action", "figure", "what", "reason") else 14)
    for number, row in enumerate(rows, 1):
        for place, cell in enumerate(row):
            writer.write(sheet, number, place, cell)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(len(rows), 1), len(columns) - 1)


def _list_sheets(report: FleetReport, words: Words) -> Iterator[tuple[str, Sequence[str], Iterator[Row]]]:
    yield (
        "league",
        ("place", "last_place", "store", "title", "owner", "peers", "score", "low_end", "high_end", "grade", "was",
         "orders", "fails", "watches", "headline"),
        _list_league(report, words),
    )  # fmt: skip
    yield ("help", ("store", "owner", "weight", "points", "orders", "worst", "action", "gain"), _list_help(report))
    yield ("common", ("what", "stores", "names"), _list_common(report, words))
    yield (
        "changes",
        ("store", "was", "score", "what"),
        (
            [line.name, Figure(line.previous, "hours"), Figure(line.score, "hours"), describe_change(line, words)]
            for line in report.changes
        ),
    )
    yield ("troubles", ("store", "reason"), _list_troubles(report, words))
    yield (
        "spread",
        ("figure", "peers", "stores", "fails", "low", "quarter", "median", "three_quarters", "high"),
        _list_spreads(report, words),
    )
    yield (
        "standings",
        ("store", "figure", "peers", "stores", "score", "median", "better_than"),
        (
            [line.name, name_figure(line, words), describe_peers(line.peers, words), line.stores,
             Figure(line.score, "hours"), Figure(line.median, "hours"), Figure(line.better_than, "share")]
            for line in report.standings
        ),
    )  # fmt: skip


def _list_league(report: FleetReport, words: Words) -> Iterator[Row]:
    for line in report.league:
        scores = (line.score, line.low, line.high)
        yield [
            line.place, line.last_place, line.name, line.store, line.owner, describe_peers(line.peers, words),
            *(Figure(score, "hours") for score in scores), line.grade, Figure(line.previous, "hours"), line.orders,
            line.fails, line.watches, line.headline,
        ]  # fmt: skip


def _list_help(report: FleetReport) -> Iterator[Row]:
    for line in report.help:
        yield [
            line.name, line.owner, line.weight, line.points, line.orders, ", ".join(line.worst), line.action, line.gain,
        ]  # fmt: skip


def _list_common(report: FleetReport, words: Words) -> Iterator[Row]:
    for line in report.common:
        yield [describe_common(line, words), len(line.stores), ", ".join(line.stores)]


def _list_troubles(report: FleetReport, words: Words) -> Iterator[Row]:
    for failure in report.failures:
        yield [failure.name, words.render(describe_result(failure))]
    for line in report.exports:
        yield [line.name, words.say("unit.semicolon").join(map(words.render, line.reasons))]


def _list_spreads(report: FleetReport, words: Words) -> Iterator[Row]:
    for line in (*report.areas, *report.rules):
        unit = "hours" if line.unit == "points" else line.unit
        figures = (line.low, line.quarter, line.median, line.three_quarters, line.high)
        yield [
            name_figure(line, words), describe_peers(line.peers, words), line.stores, line.fails if line.code else None,
            *(Figure(value, unit) for value in figures),
        ]  # fmt: skip
