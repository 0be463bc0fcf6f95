"""A workbook to work in: what to do with columns for owner and status, findings, their rows, and who, when and where.

Numbers are those of the checkup, ids are text, times are dates that Excel can sort. Nothing is a formula or a macro.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from io import BytesIO
from typing import Any

import xlsxwriter

from storehealth.catalogue.texts import name_dimension
from storehealth.i18n import Words
from storehealth.i18n.findings import name_detail, select_actions
from storehealth.model import AreaScore, Breakdowns, Checkup, Finding, OrderStep, PublishedMeasurement
from storehealth.output.checkup._workbook import Cell, Column, Figure, SheetWriter
from storehealth.output.tools.xlsx import write_block
from storehealth.support.message import Message, Name, message

NAME, SUFFIX, ALIASES = "xlsx", ".xlsx", ("excel",)
FILLS = {"fail": "#F8CBAD", "watch": "#FFE699", "pass": "#C6E0B4"}
AGENT_DIMENSIONS = ("agent_id", "handled_by", "handler_id", "reviewer_id", "person", "sender_id")
TIME_DIMENSIONS = ("hour", "weekday", "day", "month")
HOURS, WEEKDAYS = range(24), range(1, 8)
DONE = "#C6E0B4"
FACTS_ROW = 2
SCORE_COLOURS = {
    "type": "3_color_scale", "min_type": "num", "min_value": 0, "min_color": "#F8696B", "mid_type": "num", "mid_value": 50,
    "mid_color": "#FFEB84", "max_type": "num", "max_value": 90, "max_color": "#63BE7B",
}  # fmt: skip
"""Red to green by what a score means: 50 is at the limit, 90 on target; the best of poor areas is not green."""
GAIN_COLUMN = 7
"""Column of the first sheet that says what an action brings: far enough from its name, and still on the screen."""
FIRST_ACTIONS = 5
"""Actions that the first sheet shows."""
TO_FILL_IN = ("owner", "due", "action_status")
"""Columns that are left to the manager."""


def render(checkup: Checkup) -> bytes:
    """Render the workbook in the language of the checkup."""
    out = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    workbook = xlsxwriter.Workbook(out, options)
    # Without a time of its own the same checkup would give another file each time.
    workbook.set_properties({"created": checkup.run.started_at.replace(tzinfo=None)})
    writer = SheetWriter(workbook, checkup.language)
    _add_summary(writer, checkup)
    _add_actions(writer, checkup)
    _add_findings(writer, checkup)
    if any(finding.causes for finding in checkup.findings):
        writer.add_table("causes", CAUSE_COLUMNS, _list_causes(checkup))
    details = list(dict.fromkeys(name for f in checkup.findings for row in f.evidence.rows for name in row.details))
    writer.add_table(
        "evidence", EVIDENCE_COLUMNS, _list_evidence(checkup, details), extra=_name_details(details, checkup)
    )
    slices = checkup.measurements
    titles = {finding.code: finding for finding in checkup.findings}
    agents = [cut for cut in slices if any(name in AGENT_DIMENSIONS for name in cut.segment)]
    writer.add_table("agents", SLICE_COLUMNS, _list_slices(agents, titles))
    _add_hours(writer, slices, titles)
    tables = checkup.breakdowns or Breakdowns()
    _add_week(writer, tables)
    for sheet, area in (("orders", "logistics"), ("aftersales", "aftersales")):
        of_area = [
            cut
            for cut in slices
            if cut.code in titles and titles[cut.code].area == area and not set(cut.segment) & set(TIME_DIMENSIONS)
        ]
        writer.add_table(sheet, SLICE_COLUMNS, _list_slices(of_area, titles))
    _add_order_steps(writer, tables)
    _add_stock_gaps(writer, tables)
    _add_case_steps(writer, tables)
    _add_agents(writer, tables)
    for block in checkup.tools:
        write_block(writer, block)
    writer.add_table("files", FILE_COLUMNS, _list_files(checkup))
    writer.add_table("rejects", REJECT_COLUMNS, _list_rejects(tables))
    writer.add_table("method", METHOD_COLUMNS, _list_method(checkup))
    workbook.close()
    return out.getvalue()


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
CAUSE_COLUMNS = (
    Column("code", 8), Column("finding", 40), Column("page.cause", 48), Column("slice", 24), Column("defects", 10),
    Column("share", 20),
)  # fmt: skip
"""Each miss of a finding is in one of its rows."""
SLICE_COLUMNS = (
    Column("code", 8), Column("finding", 40), Column("dimension", 20), Column("slice", 30), Column("measured", 12),
    Column("defects", 10), Column("judged", 10), Column("undecided", 10),
)  # fmt: skip
FILE_COLUMNS = (
    Column("file", 32), Column("layout", 22), Column("rows", 10), Column("kept", 10), Column("duplicates", 10),
    Column("rejected", 10), Column("first", 19), Column("last", 19), Column("note", 60),
)  # fmt: skip
REJECT_COLUMNS = (
    Column("file", 32), Column("page.reason", 60), Column("page.column", 24), Column("page.unread", 10),
    Column("page.rows_lost", 10), Column("page.lines", 24), Column("page.cells", 40),
)  # fmt: skip
WEEK_COLUMNS = (
    Column("page.weekday", 14), Column("page.hour", 8), Column("page.questions", 12), Column("page.met", 12),
    Column("page.late", 12), Column("page.late_share", 12), Column("page.people", 12), Column("page.needed", 14),
)  # fmt: skip
STEP_COLUMNS = (
    Column("page.group", 30), Column("page.step", 24), Column("page.orders", 12), Column("page.median_hours", 14),
    Column("page.p90_hours", 14),
)  # fmt: skip
GAP_COLUMNS = (
    Column("page.sku", 20), Column("page.item", 32), Column("page.from_day", 12), Column("page.to_day", 12),
    Column("page.days", 8), Column("page.units_missed", 14), Column("page.state", 16),
)  # fmt: skip
CASE_COLUMNS = (
    Column("page.step", 20), Column("page.cases", 12), Column("page.median_hours", 14), Column("page.p90_hours", 14),
)  # fmt: skip
AGENT_COLUMNS = (
    Column("page.agent", 24), Column("page.work_days", 8), Column("page.answered", 12), Column("page.late_answers", 12),
    Column("page.median_wait", 14), Column("page.p90_wait", 14),
)  # fmt: skip
PROGRESS = ("open", "begun", "done")
METHOD_COLUMNS = (Column("subject", 30), Column("explanation", 100))


def _add_summary(writer: SheetWriter, checkup: Checkup) -> None:
    """Add the first sheet: what is wrong, how bad, what to do first, what it brings."""
    sheet = writer.add_sheet("summary")
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 20)
    sheet.set_column(2, GAIN_COLUMN + 1, 14)
    sheet.set_column(GAIN_COLUMN, GAIN_COLUMN, 22)
    writer.write(sheet, 0, 0, checkup.headline, writer.make_format(bold=True, font_size=16))
    end = _write_facts(writer, sheet, checkup)
    _write_first_actions(writer, sheet, checkup)
    if checkup.areas:
        _write_areas(writer, sheet, checkup, end + 2)


def _write_facts(writer: SheetWriter, sheet: Any, checkup: Checkup) -> int:
    """Write store, days and score below the headline; return the last row."""
    score, window = checkup.score, checkup.window
    facts: dict[str, Cell] = {"store": checkup.store, "platform": checkup.platform, "as_of": checkup.as_of}
    facts |= {"first": window.first, "last": window.last}
    figures = {"score": score.value, "low": score.low, "high": score.high}
    facts |= {key: Figure(value, "score") for key, value in figures.items()} | {"grade": score.grade}
    facts |= {"coverage": Figure(score.coverage, "share")}
    for row, (key, cell) in enumerate(facts.items(), FACTS_ROW):
        writer.write(sheet, row, 0, message(f"xlsx.column.{key}"), writer.make_format(bold=True))
        writer.write(sheet, row, 1, cell)
    return FACTS_ROW + len(facts) - 1


def _write_first_actions(writer: SheetWriter, sheet: Any, checkup: Checkup) -> None:
    """Write the first actions beside the facts, not wrapped, so that they extend over the empty cells beside them."""
    plain, points = writer.make_format(), writer.make_format(num_format="+0.0;-0.0;0")
    writer.write(sheet, FACTS_ROW, 3, message("xlsx.first_actions"), writer.make_format(bold=True))
    writer.write(sheet, FACTS_ROW, GAIN_COLUMN + 2, message("xlsx.column.gain_points"), writer.make_format(bold=True))
    for row, action in enumerate(select_actions(checkup)[:FIRST_ACTIONS], FACTS_ROW + 1):
        writer.write(sheet, row, 3, action.name or action.text, plain)
        writer.write(sheet, row, GAIN_COLUMN, action.gain_units, plain)
        writer.write(sheet, row, GAIN_COLUMN + 2, action.gain_points, points)


AREA_HEADERS = (
    "xlsx.column.area", "xlsx.column.score", "xlsx.column.low", "xlsx.column.high", "xlsx.column.weight",
    "xlsx.column.coverage", "column.loses", "xlsx.column.worst", "xlsx.column.value", "xlsx.column.finding",
)  # fmt: skip


def _write_areas(writer: SheetWriter, sheet: Any, checkup: Checkup, top: int) -> None:
    """Write the areas' scores with what costs most from a row on, and a chart of them."""
    areas, by_code = checkup.areas, {finding.code: finding for finding in checkup.findings}
    for row, area in enumerate(areas, top + 1):
        for place, cell in enumerate(_list_area_cells(area, by_code.get(area.worst or ""))):
            is_text = isinstance(cell, Message | str)
            writer.write(
                sheet, row, place, cell, writer.make_format(num_format="@", align="left", indent=1) if is_text else None
            )
    for place, key in enumerate(AREA_HEADERS):
        is_number = key not in ("xlsx.column.area", "xlsx.column.worst", "xlsx.column.finding")
        head = writer.make_format(bold=True, **({"align": "right"} if is_number else {"align": "left", "indent": 1}))
        writer.write(sheet, top, place, message(key), head)
    end = top + len(areas)
    sheet.conditional_format(top + 1, 1, end, 1, SCORE_COLOURS)
    chart = writer.book.add_chart({"type": "bar"})
    chart.add_series({"categories": [sheet.name, top + 1, 0, end, 0], "values": [sheet.name, top + 1, 1, end, 1]})
    chart.set_title({"name": writer.say(message("xlsx.column.score"))})
    chart.set_legend({"none": True})
    chart.set_x_axis({"min": 0, "max": 100})
    chart.set_y_axis({"reverse": True})
    sheet.insert_chart(end + 2, 0, chart)


def _list_area_cells(area: AreaScore, worst: Finding | None) -> list[Cell]:
    scores = [Figure(value, "score") for value in (area.score, area.low, area.high)]
    shares = [Figure(area.weight, "share"), Figure(area.coverage, "share")]
    about: list[Cell] = [Figure(worst.value, worst.unit), worst.title] if worst else []
    return [message(f"area.{area.id}"), *scores, *shares, Figure(area.loses, "points"), area.worst, *about]


def _add_actions(writer: SheetWriter, checkup: Checkup) -> None:
    """Add the actions, with a list to choose the progress from and a colour for what is done."""
    place = [column.key for column in ACTION_COLUMNS].index("action_status")
    last = max(len(checkup.recommendations), 1)
    choices = [writer.say(message(f"xlsx.progress.{name}")) for name in PROGRESS]
    for sheet in writer.add_table("actions", ACTION_COLUMNS, _list_actions(checkup)):
        sheet.data_validation(1, place, last, place, {"validate": "list", "source": choices})
        rule = {
            "type": "cell",
            "criteria": "==",
            "value": f'"{choices[-1]}"',
            "format": writer.make_format(bg_color=DONE),
        }
        sheet.conditional_format(1, place, last, place, rule)


def _list_actions(checkup: Checkup) -> Iterator[Sequence[Cell]]:
    for number, action in enumerate(checkup.recommendations, 1):
        effort = message(f"effort.{action.effort}")
        yield (
            number, action.name or action.text, action.text, action.where, ", ".join(action.findings), effort,
            action.gain_points, action.gain_units, action.assumption, action.check_on, *[None for _ in TO_FILL_IN],
        )  # fmt: skip


def _add_findings(writer: SheetWriter, checkup: Checkup) -> None:
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
            values = (_to_time(name, row.details.get(name)) for name in details)
            outcome = message(f"outcome.{row.outcome}")
            yield (finding.code, outcome, row.entity, row.at, row.file, row.line, *values)


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


def _list_causes(checkup: Checkup) -> Iterator[Sequence[Cell]]:
    for finding in checkup.findings:
        for cause in finding.causes:
            segment, share = " ".join(cause.segment.values()), Figure(cause.share, "share")
            yield (finding.code, finding.title, cause.name, segment, cause.misses, share)


def _name_details(names: Sequence[str], checkup: Checkup) -> list[str]:
    """Headers of the columns that rules show; in English they are the names themselves, as in other formats."""
    return list(names) if checkup.language == "en" else [name_detail(name, Words(checkup.language)) for name in names]


def _group_by_time(slices: Iterable[PublishedMeasurement]) -> dict[str, dict[tuple[str, str | None], float | None]]:
    """Rule → hour or weekday → its figure."""
    grid: dict[str, dict[tuple[str, str | None], float | None]] = {}
    for cut in slices:
        if len(cut.segment) == 1 and set(cut.segment) & {"hour", "weekday"}:
            grid.setdefault(cut.code, {}).update(dict.fromkeys(cut.segment.items(), cut.value))
    return grid


def _add_hours(writer: SheetWriter, slices: Iterable[PublishedMeasurement], titles: dict[str, Finding]) -> None:
    """Add a grid of the rules by hour and weekday, coloured row by row: each rule has its own scale."""
    grid = _group_by_time(slices)
    sheet = writer.add_sheet("hours")
    bold = writer.make_format(bold=True)
    names = [f"{hour}:00" for hour in HOURS] + [message(f"weekday.{day}") for day in WEEKDAYS]
    for place, header in enumerate((message("xlsx.column.code"), message("xlsx.column.finding"), *names)):
        writer.write(sheet, 0, place, header, bold)
    for row, (code, values) in enumerate(grid.items(), 1):
        _write_times(writer, sheet, row, (code, titles.get(code)), values)
    sheet.set_column(1, 1, 40)
    sheet.set_column(2, 1 + len(names), 7)
    sheet.freeze_panes(1, 2)
    if grid:
        _add_hours_chart(writer, sheet, len(grid) + 2)


def _write_times(
    writer: SheetWriter,
    sheet: Any,
    row: int,
    rule: tuple[str, Finding | None],
    values: dict[tuple[str, str | None], float | None],
) -> None:
    """Write one rule's values by hour and by weekday."""
    code, finding = rule
    keys = [*(("hour", str(hour)) for hour in HOURS), *(("weekday", str(day)) for day in WEEKDAYS)]
    figures = (Figure(values.get(key), finding.unit if finding else "") for key in keys)
    for place, cell in enumerate((code, finding.title if finding else None, *figures)):
        writer.write(sheet, row, place, cell)
    for first, last in ((2, 1 + len(HOURS)), (2 + len(HOURS), 1 + len(keys))):
        sheet.conditional_format(row, first, row, last, {"type": "3_color_scale"} | _choose_colours(finding))


def _add_hours_chart(writer: SheetWriter, sheet: Any, row: int) -> None:
    """Add a chart of the first rule by hour."""
    chart = writer.book.add_chart({"type": "column"})
    hours = {"categories": [sheet.name, 0, 2, 0, 1 + len(HOURS)], "values": [sheet.name, 1, 2, 1, 1 + len(HOURS)]}
    chart.add_series({"name": [sheet.name, 1, 1], **hours})
    chart.set_legend({"position": "bottom"})
    sheet.insert_chart(row, 1, chart)


def _choose_colours(finding: Finding | None) -> dict[str, str]:
    """Green to red. The slices of a share count its misses, so that more of them is always worse."""
    is_better = finding is not None and finding.unit != "share" and finding.higher_is == "better"
    ends = {"min_color": "#63BE7B", "mid_color": "#FFEB84", "max_color": "#F8696B"}
    return ends | {"min_color": "#F8696B", "max_color": "#63BE7B"} if is_better else ends


def _add_week(writer: SheetWriter, tables: Breakdowns) -> None:
    """Add the hours of the week as a table, with the share of late answers coloured."""
    cells = [cell for cell in tables.hours if cell.questions]
    if not cells:
        return
    rows = (
        (
            message(f"weekday.{cell.weekday}"), cell.hour, cell.questions, cell.met, cell.missed,
            Figure(cell.missed / (cell.met + cell.missed) if cell.met + cell.missed else None, "share"), cell.agents,
            cell.agents_needed,
        )
        for cell in cells
    )  # fmt: skip
    (sheet,) = writer.add_table("week", WEEK_COLUMNS, rows)
    sheet.conditional_format(1, 5, len(cells), 5, {"type": "3_color_scale"} | _choose_colours(None))


def _add_order_steps(writer: SheetWriter, tables: Breakdowns) -> None:
    """Add the steps of orders, and a chart of those of all orders."""
    steps = tables.order_steps
    if not steps:
        return
    rows = (
        (_name_group(writer, step), message(f"page.step_{step.step}"), step.orders, step.median_hours, step.p90_hours)
        for step in sorted(steps, key=lambda step: step.by != "all")
    )
    (sheet,) = writer.add_table("order_steps", STEP_COLUMNS, rows)
    _add_bars(writer, sheet, (1, sum(step.by == "all" for step in steps)), (1, 3), (len(steps) + 2, 0))


def _name_group(writer: SheetWriter, step: OrderStep) -> str:
    if step.name is None:
        return writer.say(message("page.all_orders"))
    return writer.say(message(f"slice.{step.by}")) + writer.say(message("unit.colon")) + step.name


def _add_stock_gaps(writer: SheetWriter, tables: Breakdowns) -> None:
    """Add the goods that ran out."""
    rows = [
        (
            gap.sku_id, gap.item_name, gap.first, gap.last, gap.days, gap.units_missed,
            message("page.lasts" if gap.lasts else "page.ended"),
        )
        for gap in tables.stock_gaps
    ]  # fmt: skip
    if rows:
        writer.add_table("stock_gaps", GAP_COLUMNS, rows)


def _add_case_steps(writer: SheetWriter, tables: Breakdowns) -> None:
    """Add the steps of after-sales cases, and a chart of them."""
    steps = tables.case_steps
    if not steps:
        return
    rows: list[Sequence[Cell]] = [(message("page.case_applied"), steps[0].of, None, None)]
    rows += [(message(f"page.case_{step.step}"), step.cases, step.median_hours, step.p90_hours) for step in steps]
    (sheet,) = writer.add_table("case_steps", CASE_COLUMNS, rows)
    _add_bars(writer, sheet, (1, len(rows)), (0, 1), (len(rows) + 2, 0))


def _add_agents(writer: SheetWriter, tables: Breakdowns) -> None:
    """Add the agents' replies, by name."""
    rows = [
        (
            agent.agent, agent.days, agent.answered, agent.missed, Figure(agent.median_seconds, "seconds"),
            Figure(agent.p90_seconds, "seconds"),
        )
        for agent in tables.agents
    ]  # fmt: skip
    if rows:
        writer.add_table("replies", AGENT_COLUMNS, rows)


def _add_bars(
    writer: SheetWriter, sheet: Any, rows: tuple[int, int], columns: tuple[int, int], at: tuple[int, int]
) -> None:
    """Add a chart of bars: first and last row, the columns of names and of values, and where it stands."""
    chart = writer.book.add_chart({"type": "bar"})
    names, values = ([sheet.name, rows[0], column, rows[1], column] for column in columns)
    chart.add_series({"categories": names, "values": values, "name": [sheet.name, 0, columns[1]]})
    chart.set_legend({"none": True})
    chart.set_y_axis({"reverse": True})
    sheet.insert_chart(*at, chart)


def _list_files(checkup: Checkup) -> Iterator[Sequence[Cell]]:
    for source in checkup.sources:
        counts = (source.rows, source.kept, source.duplicates, source.rejected)
        yield (source.path, source.layout, *counts, source.first, source.last, source.note)


def _list_rejects(tables: Breakdowns) -> Iterator[Sequence[Cell]]:
    for group in tables.rejects:
        lines, cells = ", ".join(map(str, group.lines)), " · ".join(group.values)
        yield (group.file, group.reason, group.column, group.count, group.rows_lost, lines, cells)


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
