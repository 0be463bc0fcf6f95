"""Tables and grids of the page, cell by cell: what a checkup holds, written as the reader's language writes it."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import groupby
from typing import NamedTuple

from storehealth.i18n import Words, findings, limits
from storehealth.i18n.history import GAP, build_trend_rows, name_trend_lines
from storehealth.model import (
    AreaScore,
    Breakdowns,
    Checkup,
    EvidenceRow,
    Finding,
    OrderStep,
    PlatformLine,
    Trend,
    WeekHour,
)
from storehealth.output.checkup._charts import name_group

FEW_QUESTIONS = 5
"""Below this many questions a cell of the heat map is hatched instead of coloured."""
FEW_ANSWERS = 20
"""Below this many answers an agent's share of late ones is not shown."""
SHORTAGE = 1.0
"""People missing from which a cell is marked."""
SHADES = (0.05, 0.15, 0.3, 0.5)
"""Shares of late answers at which the next darker shade begins."""
MUTE_DAYS = 30
WORST_HOURS = 3
WORST_AREAS = 3
"""Areas named in the head of the page."""


class Cell(NamedTuple):
    """A cell; a number's value is what the table is sorted by. ``bar``: a share that is drawn as well."""

    text: str
    value: float | None = None
    numeric: bool = False
    bar: float | None = None


class PageTable(NamedTuple):
    """A table with its headers, which are keys of texts or texts, and rows."""

    headers: tuple[str, ...]
    rows: list[list[Cell]]


def show(text: str | None) -> Cell:
    """A cell with a text, or a dash."""
    return Cell(text or "—")


def count(value: int | None, words: Words) -> Cell:
    """A cell with a whole number."""
    return Cell(words.format_whole(value), value, True)


def measure(value: float | None, unit: str, words: Words) -> Cell:
    """A cell with a figure in its unit."""
    return Cell(words.format_figure(value, unit), value, True)


def decimal(value: float | None, words: Words) -> Cell:
    """A cell with a plain number of one decimal."""
    return Cell(words.format_decimal(value), value, True)


def list_worst(checkup: Checkup) -> list[tuple[AreaScore, Finding]]:
    """The areas that lose points, those that lose most first, each with the finding that costs most; without the muted.

    Where no score is given, nothing loses points: the areas whose worst finding fails or is to be watched.
    """
    by_code = {finding.code: finding for finding in findings.select_troubles(checkup)}
    if checkup.score.value is not None:
        by_code = {finding.code: finding for finding in checkup.findings if finding.muted is None}
    listed = [area for area in checkup.areas if area.loses or checkup.score.value is None]
    listed.sort(key=lambda area: -(area.loses or 0.0))
    return [(area, by_code[area.worst]) for area in listed if area.worst in by_code][:WORST_AREAS]


# -- hours -------------------------------------------------------------------------------------------------------


class HeatCell(NamedTuple):
    """A cell of the heat map: its shade, the share of late answers, the questions, and whether people are missing."""

    shade: str
    share: str
    questions: str
    short: bool


class HeatMap(NamedTuple):
    """Hours as columns, a row of cells for each weekday."""

    hours: tuple[int, ...]
    rows: list[tuple[str, list[HeatCell]]]
    worst: list[str]


def draw_hours(breakdowns: Breakdowns, words: Words) -> HeatMap | None:
    """Arrange the hours of the week as a grid; None without questions."""
    busy = [cell for cell in breakdowns.hours if cell.questions]
    if not busy:
        return None
    hours = tuple(range(min(cell.hour for cell in busy), max(cell.hour for cell in busy) + 1))
    cells = {(cell.weekday, cell.hour): cell for cell in breakdowns.hours}
    days = sorted({cell.weekday for cell in breakdowns.hours})
    rows = [
        (words.say(f"weekday.{day}"), [_shade_hour(cells.get((day, hour)), words) for hour in hours]) for day in days
    ]
    late = sorted((cell for cell in busy if cell.missed), key=lambda cell: (-cell.missed, cell.weekday, cell.hour))
    return HeatMap(hours, rows, [_name_hour(cell, words) for cell in late[:WORST_HOURS]])


def _shade_hour(cell: WeekHour | None, words: Words) -> HeatCell:
    judged = cell.met + cell.missed if cell else 0
    if cell is None or not judged:
        return HeatCell("few", "", words.format_whole(cell.questions) if cell and cell.questions else "", False)
    share = cell.missed / judged
    shade = "few" if judged < FEW_QUESTIONS else f"h{sum(share > bound for bound in SHADES)}"
    short = cell.agents_needed is not None and cell.agents_needed - cell.agents >= SHORTAGE
    return HeatCell(shade, f"{share:.0%}", words.format_whole(judged), short)


def _name_hour(cell: WeekHour, words: Words) -> str:
    counts = {"missed": words.format_whole(cell.missed), "judged": words.format_whole(cell.met + cell.missed)}
    return words.say("page.hours_part", weekday=words.say(f"weekday.{cell.weekday}"), hour=cell.hour, **counts)


def list_hours(breakdowns: Breakdowns, words: Words) -> PageTable:
    """List all figures of the heat map, a row per hour with questions."""
    rows = [
        [
            Cell(words.say(f"weekday.{cell.weekday}"), cell.weekday),
            Cell(f"{cell.hour}:00", cell.hour, True),
            count(cell.questions, words),
            count(cell.missed, words),
            decimal(cell.agents, words),
            decimal(cell.agents_needed, words),
        ]
        for cell in breakdowns.hours
        if cell.questions
    ]
    return PageTable(("page.weekday", "page.hour", "page.questions", "page.late", "page.people", "page.needed"), rows)


# -- orders, stock, cases, agents ----------------------------------------------------------------------------------


def list_order_steps(breakdowns: Breakdowns, words: Words) -> PageTable:
    """List the steps as columns, a row for all orders, each warehouse and each carrier."""
    steps = list(dict.fromkeys(step.step for step in breakdowns.order_steps))
    by_key = {(step.by, step.name, step.step): step for step in breakdowns.order_steps}
    rows = []
    for by, name in dict.fromkeys((step.by, step.name) for step in breakdowns.order_steps):
        medians = [by_key.get((by, name, step)) for step in steps]
        orders = max(step.orders for step in medians if step)
        rows.append(
            [show(name_group(by, name, words)), count(orders, words), *(_write_step(step, words) for step in medians)]
        )
    return PageTable(("page.group", "page.orders", *(f"page.step_{step}" for step in steps)), rows)


def _write_step(step: OrderStep | None, words: Words) -> Cell:
    """A step's median, with the time that 90 % of the orders keep in brackets."""
    if step is None:
        return Cell("—", None, True)
    ends = {"median": step.median_hours, "p90": step.p90_hours}
    texts = {name: words.format_figure(value, "hours") for name, value in ends.items()}
    return Cell(words.say("page.median_p90", **texts), step.median_hours, True)


def list_stock_gaps(breakdowns: Breakdowns, words: Words) -> PageTable:
    """List the goods that ran out, the longest first."""
    rows = [
        [
            show(gap.sku_id),
            show(gap.item_name),
            show(words.format_day(gap.first)),
            show(words.format_day(gap.last)),
            count(gap.days, words),
            count(gap.units_missed, words),
            show(words.say("page.lasts" if gap.lasts else "page.ended")),
        ]
        for gap in breakdowns.stock_gaps
    ]
    keys = ("page.sku", "page.item", "page.from_day", "page.to_day", "page.days", "page.units_missed", "page.state")
    return PageTable(keys, rows)


def list_case_steps(breakdowns: Breakdowns, words: Words) -> PageTable:
    """List the steps of after-sales cases with their times."""
    steps = breakdowns.case_steps
    counts: list[tuple[str, int, float | None, float | None]] = [("applied", steps[0].of, None, None)] if steps else []
    counts += [(step.step, step.cases, step.median_hours, step.p90_hours) for step in steps]
    rows = [
        [show(words.say(f"page.case_{step}")), count(cases, words), *(measure(time, "hours", words) for time in times)]
        for step, cases, *times in counts
    ]
    return PageTable(("page.step", "page.cases", "page.median_hours", "page.p90_hours"), rows)


def list_agents(breakdowns: Breakdowns, words: Words) -> PageTable:
    """List the agents by name."""
    rows = [
        [
            show(agent.agent),
            count(agent.days, words),
            count(agent.answered, words),
            count(agent.missed, words),
            measure(agent.missed / agent.answered if agent.answered >= FEW_ANSWERS else None, "share", words),
            measure(agent.median_seconds, "seconds", words),
            measure(agent.p90_seconds, "seconds", words),
        ]
        for agent in breakdowns.agents
    ]
    keys = ("agent", "work_days", "answered", "late_answers", "late_share", "median_wait", "p90_wait")
    return PageTable(tuple(f"page.{key}" for key in keys), rows)


def list_rejects(breakdowns: Breakdowns, words: Words) -> PageTable:
    """List what could not be read: file, reason, column, how often, rows lost by it, first lines and cells."""
    rows = [
        [
            show(group.file),
            show(words.render(group.reason)),
            show(group.column),
            count(group.count, words),
            count(group.rows_lost, words),
            show(", ".join(map(str, group.lines))),
            show(" · ".join(group.values)),
        ]
        for group in breakdowns.rejects
    ]
    keys = ("page.reason", "page.column", "page.unread", "page.rows_lost", "page.lines", "page.cells")
    return PageTable(("column.file", *keys), rows)


# -- findings ------------------------------------------------------------------------------------------------------


def list_platform_limits(checkup: Checkup, words: Words) -> PageTable:
    """List the platform's limits: rule, figure, limit, misses, margin, certainty."""
    rows = [_list_platform_cells(line, words) for line in checkup.platform_view]
    return PageTable(tuple(f"column.{key}" for key in ("rule", "value", "limit", "counted", "margin", "sure")), rows)


def _list_platform_cells(line: PlatformLine, words: Words) -> list[Cell]:
    margin = [limits.describe_margin(line, words), *limits.describe_caveats(line, words)]
    counted = words.say(
        "screen.count_of", count=words.format_whole(line.defects), judged=words.format_whole(line.judged)
    )
    return [
        show(f"{line.code} {words.render(line.title)}"),
        measure(line.value, line.unit, words),
        Cell(words.format_bound(line.limit, line.unit, line.higher_is), line.limit, True),
        Cell(counted, line.defects, True),
        Cell(words.say("unit.semicolon").join(margin), line.margin if line.margin is not None else 0),
        show(words.say(f"verified.{line.limit_source.verified}")),
    ]


def list_evidence(finding: Finding, words: Words, most: int) -> PageTable:
    """List the first evidence rows: place, entity, time, outcome, details."""
    rows = [[show(text) for text in _list_row(row, words)] for row in finding.evidence.rows[:most]]
    return PageTable(tuple(f"column.{key}" for key in ("place", "entity", "at", "outcome", "details")), rows)


def _list_row(row: EvidenceRow, words: Words) -> list[str]:
    details = (findings.format_detail(name, value, words) for name, value in row.details.items() if value is not None)
    outcome = words.say(f"outcome.{row.outcome}")
    return [
        findings.format_place(row),
        row.entity or "—",
        words.format_moment(row.at),
        outcome,
        words.say("unit.comma").join(details),
    ]


def list_cause_rows(finding: Finding, words: Words) -> PageTable:
    """List the causes of the misses, each miss in one row, the largest first."""
    rows = [
        [
            show(findings.name_cause(cause, words)),
            count(cause.misses, words),
            Cell(words.format_figure(round(cause.share, 2), "share"), cause.share, True, cause.share),
        ]
        for cause in finding.causes
    ]
    return PageTable(("page.cause", "column.counted", "column.share"), rows)


def list_drivers(finding: Finding, words: Words) -> PageTable:
    """List the slices in which the misses are."""
    rows = [
        [
            show(findings.format_segment(driver.segment, words)),
            measure(driver.share_of_defects, "share", words)._replace(bar=driver.share_of_defects),
            count(driver.defects, words),
            count(driver.judged, words),
        ]
        for driver in finding.drivers
    ]
    return PageTable(("page.driver_slice", "column.share", "column.counted", "page.of_rows"), rows)


def write_mute(finding: Finding, checkup: Checkup) -> str:
    """Write the lines of ``mutes.yaml`` that mute a finding for a month."""
    since = checkup.as_of.date() if checkup.as_of else date(2026, 1, 1)
    until = since + timedelta(days=MUTE_DAYS)
    return f"mutes:\n  - code: {finding.code}\n    reason: …\n    owner: …\n    since: {since}\n    until: {until}"


def list_trend(trend: Trend, words: Words) -> PageTable:
    """List the runs with score and areas, gaps and events."""
    lines = [line for line in trend.lines if line.kind != "finding"]
    rows: list[list[Cell]] = []
    for row in build_trend_rows(trend, lines, words):
        if row.gap:
            rows.append([show(words.say("history.gap")), *(show(GAP) for _ in lines), show(None)])
        rows.append([show(row.at), *(Cell(value, None, True) for value in row.values), show("; ".join(row.events))])
    names = name_trend_lines(lines, words)
    return PageTable((words.say("column_then.run"), *names, words.say("column_then.events")), rows)


def draw_sparkline(trend: Trend | None, name: str) -> list[str]:
    """The values of a trend line as polylines in a box of 100 by 100; a gap, or a run without a value, begins a new one."""
    line = next((line for line in trend.lines if line.name == name), None) if trend and len(trend.runs) > 1 else None
    if trend is None or line is None:
        return []
    step = 100 / (len(line.values) - 1)
    points = [
        (value is None or run.gap, None if value is None else f"{place * step:.1f},{100 - value:.1f}")
        for place, (run, value) in enumerate(zip(trend.runs, line.values, strict=True))
    ]
    part, parts = 0, []
    for breaks, point in points:
        part += breaks
        parts.append((part, point))
    runs = ([point for _, point in members if point] for _, members in groupby(parts, key=lambda pair: pair[0]))
    return [" ".join(run) for run in runs if run]
