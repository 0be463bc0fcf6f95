"""A workbook to work in: what to do with columns for owner and status, findings, their rows, and who, when and where.

Numbers are those of the checkup, ids are text, times are dates that Excel can sort. Nothing is a formula or a macro.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime
from functools import partial
from io import BytesIO
from typing import Any, NamedTuple

import xlsxwriter

from storehealth.catalogue.texts import name_dimension
from storehealth.i18n import translate
from storehealth.model import Checkup, Finding, PublishedMeasurement
from storehealth.support.control_chars import CONTROL_CHARS
from storehealth.support.message import Message, Name, message

NAME, SUFFIX, ALIASES = "xlsx", ".xlsx", ("excel",)
MAX_ROWS = 1_048_575
"""Rows below the header of a sheet; further ones go on a second sheet."""
MAX_TEXT = 32_767
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""Beginnings that a spreadsheet takes for a formula, also when a cell is edited or copied into a CSV."""
NUMBER_FORMATS = {"share": "0.0%", "seconds": "#,##0", "hours": "#,##0.0", "days": "#,##0.0", "whole": "#,##0"}
FILLS = {"fail": "#F8CBAD", "watch": "#FFE699", "pass": "#C6E0B4"}
AGENT_DIMENSIONS = ("agent_id", "handled_by", "handler_id", "reviewer_id", "person", "sender_id")
TIME_DIMENSIONS = ("hour", "weekday", "day", "month")
HOURS, WEEKDAYS = range(24), range(1, 8)
FIRST_ACTIONS = 5
"""Actions that the first sheet shows."""
TO_FILL_IN = ("owner", "due", "action_status")
"""Columns that are left to the manager."""


class Figure(NamedTuple):
    """A number and its unit, which decides how it is shown."""

    value: float | None
    unit: str


class Column(NamedTuple):
    """A column: the message that heads it, and its width in characters."""

    key: str
    width: int = 12


Cell = str | int | float | bool | date | Figure | Message | None
Rows = Iterable[Sequence[Cell]]


def render(checkup: Checkup) -> bytes:
    """Render the workbook in the language of the checkup."""
    out = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(out, options)
    # Without a time of its own the same checkup would give another file each time.
    book.set_properties({"created": checkup.run.started_at.replace(tzinfo=None), "title": checkup.store})
    writer = _Writer(book, checkup.language)
    _add_summary(writer, checkup)
    writer.add_table("actions", ACTION_COLUMNS, _list_actions(checkup))
    _add_findings(writer, checkup)
    details = list(dict.fromkeys(name for f in checkup.findings for row in f.evidence.rows for name in row.details))
    writer.add_table("evidence", EVIDENCE_COLUMNS, _list_evidence(checkup, details), extra=details)
    slices = checkup.measurements
    titles = {finding.code: finding for finding in checkup.findings}
    agents = [cut for cut in slices if any(name in AGENT_DIMENSIONS for name in cut.segment)]
    writer.add_table("agents", SLICE_COLUMNS, _list_slices(agents, titles))
    _add_hours(writer, slices, titles)
    for sheet, area in (("orders", "logistics"), ("aftersales", "aftersales")):
        of_area = [
            cut
            for cut in slices
            if cut.code in titles and titles[cut.code].area == area and not set(cut.segment) & set(TIME_DIMENSIONS)
        ]
        writer.add_table(sheet, SLICE_COLUMNS, _list_slices(of_area, titles))
    writer.add_table("rejects", FILE_COLUMNS, _list_files(checkup))
    writer.add_table("method", METHOD_COLUMNS, _list_method(checkup))
    book.close()
    return out.getvalue()


class _Writer:
    """Adds sheets and writes cells by their type."""

    def __init__(self, book: Any, language: str) -> None:
        self.book = book
        self.say = partial(translate, language=language)
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}

    def make_format(self, **properties: Any) -> Any:
        """Return the format with these properties; a workbook may hold each only once."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self.book.add_format({"valign": "top", **properties})
        return self._formats[key]

    def add_sheet(self, key: str, part: int = 0) -> Any:
        """Add a sheet that prints on one page's width."""
        name = self.say(message(f"xlsx.sheet.{key}"))
        sheet = self.book.add_worksheet(name if not part else f"{name} {part + 1}")
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        return sheet

    def add_table(self, key: str, columns: Sequence[Column], rows: Rows, extra: Sequence[str] = ()) -> list[Any]:
        """Add a sheet with a table, or several where one cannot hold its rows.

        Args:
            key: The sheet.
            columns: Its columns.
            rows: A cell for each column.
            extra: Headers of further columns that are names of the data, not texts of ours.
        """
        listed = list(rows)
        sheets = []
        for part, start in enumerate(range(0, max(len(listed), 1), MAX_ROWS)):
            sheet = self.add_sheet(key, part)
            self.write_table(sheet, columns, listed[start : start + MAX_ROWS], extra)
            sheets.append(sheet)
        return sheets

    def write_table(self, sheet: Any, columns: Sequence[Column], rows: Rows, extra: Sequence[str] = ()) -> int:
        """Write header and rows from the top; return the number of rows."""
        headers: list[Cell] = [*(message(f"xlsx.column.{column.key}") for column in columns), *extra]
        bold = self.make_format(bold=True, text_wrap=True, bottom=1)
        for place, header in enumerate(headers):
            self.write(sheet, 0, place, header, bold)
            sheet.set_column(place, place, columns[place].width if place < len(columns) else 16)
        count = 0
        for count, row in enumerate(rows, 1):
            for place, cell in enumerate(row):
                self.write(sheet, count, place, cell)
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        sheet.autofilter(0, 0, max(count, 1), len(headers) - 1)
        return count

    def write(self, sheet: Any, row: int, place: int, cell: Cell, style: Any = None) -> None:
        """Write one cell."""
        if isinstance(cell, Message):
            self._write_text(sheet, row, place, self.say(cell), style or self.make_format(text_wrap=True))
        elif isinstance(cell, str):
            self._write_text(sheet, row, place, cell, style)
        elif isinstance(cell, Figure):
            shown = style or self.make_format(num_format=NUMBER_FORMATS.get(cell.unit, "General"))
            self._write_number(sheet, row, place, cell.value, shown)
        elif isinstance(cell, bool):
            sheet.write_boolean(row, place, cell, style or self.make_format())
        elif isinstance(cell, int | float):
            self._write_number(sheet, row, place, cell, style or self.make_format())
        elif isinstance(cell, date):
            has_time = isinstance(cell, datetime)
            shown = self.make_format(num_format="yyyy-mm-dd hh:mm:ss" if has_time else "yyyy-mm-dd")
            sheet.write_datetime(row, place, cell.replace(tzinfo=None) if isinstance(cell, datetime) else cell, shown)

    def _write_number(self, sheet: Any, row: int, place: int, value: float | None, style: Any) -> None:
        if value is not None and math.isfinite(value):  # Excel knows neither infinity nor "not a number"
            sheet.write_number(row, place, value, style)

    def _write_text(self, sheet: Any, row: int, place: int, text: str, style: Any) -> None:
        """Write a text that stays one when it is edited: format @, and quoted where it begins like a formula."""
        clean = CONTROL_CHARS.sub(" ", text).encode("utf-8", "replace").decode()[:MAX_TEXT]
        if text.startswith(FORMULA_STARTS):
            style = self.make_format(num_format="@", quote_prefix=True)
        sheet.write_string(row, place, clean, style or self.make_format(num_format="@"))


# -- sheets ----------------------------------------------------------------------------------------------------------

ACTION_COLUMNS = (
    Column("number", 5), Column("action", 32), Column("text", 70), Column("where", 32), Column("findings", 14),
    Column("effort", 10), Column("gain_points", 10), Column("gain", 34), Column("assumption", 40), Column("check_on", 12),
    Column("owner", 16), Column("due", 12), Column("action_status", 14),
)  # fmt: skip
FINDING_COLUMNS = (
    Column("code", 8), Column("finding", 40), Column("area", 18), Column("severity", 10), Column("status", 12),
    Column("value", 10), Column("unit", 10), Column("target", 10), Column("limit", 10), Column("low", 10),
    Column("high", 10), Column("defects", 10), Column("judged", 10), Column("undecided", 10), Column("exempt", 10),
    Column("previous", 10), Column("change", 14), Column("state", 12), Column("muted_until", 12), Column("note", 50),
    Column("why", 60),
)  # fmt: skip
EVIDENCE_COLUMNS = (
    Column("code", 8), Column("outcome", 12), Column("entity", 22), Column("at", 19), Column("file", 26), Column("line", 8),
)  # fmt: skip
SLICE_COLUMNS = (
    Column("code", 8), Column("finding", 40), Column("dimension", 20), Column("slice", 30), Column("measured", 12),
    Column("defects", 10), Column("judged", 10), Column("undecided", 10),
)  # fmt: skip
FILE_COLUMNS = (
    Column("file", 32), Column("layout", 22), Column("rows", 10), Column("kept", 10), Column("duplicates", 10),
    Column("rejected", 10), Column("first", 19), Column("last", 19), Column("note", 60),
)  # fmt: skip
METHOD_COLUMNS = (Column("subject", 30), Column("explanation", 100))


def _add_summary(writer: _Writer, checkup: Checkup) -> None:
    sheet = writer.add_sheet("summary")
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 6, 16)
    bold, large = writer.make_format(bold=True), writer.make_format(bold=True, font_size=16)
    score = checkup.score
    lines: list[tuple[str, Cell]] = [
        ("store", checkup.store),
        ("platform", checkup.platform),
        ("as_of", checkup.as_of),
        ("first", checkup.window.first),
        ("last", checkup.window.last),
        ("score", score.value),
        ("low", score.low),
        ("high", score.high),
        ("grade", score.grade),
        ("coverage", Figure(score.coverage, "share")),
    ]
    writer.write(sheet, 0, 0, checkup.headline, large)
    for row, (key, cell) in enumerate(lines, 2):
        writer.write(sheet, row, 0, message(f"xlsx.column.{key}"), bold)
        writer.write(sheet, row, 1, cell)
    writer.write(sheet, 2, 3, message("xlsx.first_actions"), bold)
    for row, action in enumerate(checkup.recommendations[:FIRST_ACTIONS], 3):
        # not wrapped, so that it runs on over the empty cells beside it
        writer.write(sheet, row, 3, action.name or action.text, writer.make_format())
        writer.write(sheet, row, 10, action.gain_units, writer.make_format())
    top = len(lines) + 3
    for place, key in enumerate(("area", "score", "low", "high", "weight", "coverage", "worst")):
        writer.write(sheet, top, place, message(f"xlsx.column.{key}"), bold)
    for row, area in enumerate(checkup.areas, top + 1):
        cells = (message(f"area.{area.id}"), area.score, area.low, area.high)
        shares = (Figure(area.weight, "share"), Figure(area.coverage, "share"))
        for place, cell in enumerate((*cells, *shares, area.worst)):
            writer.write(sheet, row, place, cell)
    if not checkup.areas:
        return
    end = top + len(checkup.areas)
    sheet.conditional_format(top + 1, 1, end, 1, {"type": "3_color_scale"})
    chart = writer.book.add_chart({"type": "bar"})
    chart.add_series({"categories": [sheet.name, top + 1, 0, end, 0], "values": [sheet.name, top + 1, 1, end, 1]})
    chart.set_title({"name": writer.say(message("xlsx.column.score"))})
    chart.set_legend({"none": True})
    chart.set_x_axis({"min": 0, "max": 100})
    sheet.insert_chart(end + 2, 0, chart)


def _list_actions(checkup: Checkup) -> Iterator[Sequence[Cell]]:
    for number, action in enumerate(checkup.recommendations, 1):
        effort = message(f"effort.{action.effort}")
        yield (
            number, action.name or action.text, action.text, action.where, ", ".join(action.findings), effort,
            action.gain_points, action.gain_units, action.assumption, action.check_on, *[None for _ in TO_FILL_IN],
        )  # fmt: skip


def _add_findings(writer: _Writer, checkup: Checkup) -> None:
    sheets = writer.add_table("findings", FINDING_COLUMNS, map(_list_finding, checkup.findings))
    place = [column.key for column in FINDING_COLUMNS].index("status")
    for sheet in sheets:
        for status, fill in FILLS.items():
            name = writer.say(message(f"status.{status}"))
            rule = {"type": "cell", "criteria": "==", "value": f'"{name}"', "format": writer.make_format(bg_color=fill)}
            sheet.conditional_format(1, place, max(len(checkup.findings), 1), place, rule)


def _list_finding(finding: Finding) -> Sequence[Cell]:
    figures = (finding.target, finding.limit, *finding.interval)
    return (
        finding.code, finding.title, message(f"area.{finding.area}"), message(f"severity.{finding.severity}"),
        message(f"status.{finding.status}"), Figure(finding.value, finding.unit), message(f"xlsx.unit.{finding.unit}"),
        *(Figure(figure, finding.unit) for figure in figures),
        finding.defects, finding.judged, finding.undecided, finding.counts.exempt, Figure(finding.previous, finding.unit),
        message(f"change.{finding.change}") if finding.change else None,
        message(f"xlsx.state.{finding.state}") if finding.state else None,
        finding.muted.until if finding.muted else None, finding.note, finding.why,
    )  # fmt: skip


def _list_evidence(checkup: Checkup, details: Sequence[str]) -> Iterator[Sequence[Cell]]:
    for finding in checkup.findings:
        for row in finding.evidence.rows:
            own = (_to_time(name, row.details.get(name)) for name in details)
            outcome = message(f"outcome.{row.outcome}")
            yield (finding.code, outcome, row.entity, row.at, row.file, row.line, *own)


def _to_time(name: str, value: str | float | bool | None) -> Cell:
    """Turn the text of a time column into a time, so that Excel can sort and filter it."""
    if isinstance(value, str) and name.endswith("_at"):
        with suppress(ValueError):
            return datetime.fromisoformat(value)
    return value


def _list_slices(slices: Iterable[PublishedMeasurement], titles: dict[str, Finding]) -> Iterator[Sequence[Cell]]:
    for cut in slices:
        finding = titles.get(cut.code)
        dimension = message("xlsx.names", names=tuple(map(name_dimension, cut.segment)))
        segment = ", ".join(str(value) for value in cut.segment.values() if value is not None)
        value = Figure(cut.value, finding.unit if finding else "")
        title = finding.title if finding else None
        yield (cut.code, title, dimension, segment, value, cut.defects, cut.judged, cut.undecided)


def _add_hours(writer: _Writer, slices: Iterable[PublishedMeasurement], titles: dict[str, Finding]) -> None:
    """Add a grid of the rules by hour and weekday, coloured row by row: each rule has its own scale."""
    grid: dict[str, dict[tuple[str, str | None], float | None]] = {}
    for cut in slices:
        if len(cut.segment) == 1 and set(cut.segment) & {"hour", "weekday"}:
            grid.setdefault(cut.code, {}).update(dict.fromkeys(cut.segment.items(), cut.value))
    keys = [*(("hour", str(hour)) for hour in HOURS), *(("weekday", str(day)) for day in WEEKDAYS)]
    sheet = writer.add_sheet("hours")
    bold = writer.make_format(bold=True)
    headers = (message("xlsx.column.code"), message("xlsx.column.finding"))
    names = [f"{hour}:00" for hour in HOURS] + [message(f"weekday.{day}") for day in WEEKDAYS]
    for place, header in enumerate((*headers, *names)):
        writer.write(sheet, 0, place, header, bold)
    for row, (code, values) in enumerate(grid.items(), 1):
        finding = titles.get(code)
        unit = finding.unit if finding else ""
        cells = (Figure(values.get(key), unit) for key in keys)
        for place, cell in enumerate((code, finding.title if finding else None, *cells)):
            writer.write(sheet, row, place, cell)
        for first, last in ((2, 1 + len(HOURS)), (2 + len(HOURS), 1 + len(keys))):
            sheet.conditional_format(row, first, row, last, {"type": "3_color_scale"} | _colours(finding))
    sheet.set_column(1, 1, 40)
    sheet.set_column(2, 1 + len(keys), 7)
    sheet.freeze_panes(1, 2)
    if grid:
        chart = writer.book.add_chart({"type": "column"})
        span = [1, 2, 1, 1 + len(HOURS)]
        series = {"name": [sheet.name, 1, 1], "categories": [sheet.name, 0, 2, 0, 1 + len(HOURS)]}
        chart.add_series(series | {"values": [sheet.name, *span]})
        chart.set_legend({"position": "bottom"})
        sheet.insert_chart(len(grid) + 2, 1, chart)


def _colours(finding: Finding | None) -> dict[str, str]:
    """Green to red. The slices of a share count its misses, so that more of them is always worse."""
    is_better = finding is not None and finding.unit != "share" and finding.higher_is == "better"
    ends = {"min_color": "#63BE7B", "mid_color": "#FFEB84", "max_color": "#F8696B"}
    return ends | {"min_color": "#F8696B", "max_color": "#63BE7B"} if is_better else ends


def _list_files(checkup: Checkup) -> Iterator[Sequence[Cell]]:
    for source in checkup.sources:
        counts = (source.rows, source.kept, source.duplicates, source.rejected)
        yield (source.path, source.layout, *counts, source.first, source.last, source.note)


def _list_method(checkup: Checkup) -> Iterator[Sequence[Cell]]:
    for rule in checkup.not_judged:
        not_judged = message("xlsx.not_judged", code=Name(rule.code))
        yield (not_judged, rule.reason)
    for name, fact in checkup.method.facts.items():
        yield (name, fact)
    for name, constant in checkup.method.constants.items():
        yield (name, constant)
    for caveat in (*checkup.method.caveats, *checkup.warnings):
        yield (message("xlsx.caveat"), caveat)
    yield (message("xlsx.rules"), checkup.method.rules_digest)
