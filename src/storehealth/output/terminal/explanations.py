"""Screens of ``explain`` and ``inspect``: a score's areas and weights, one row's timeline, and what was found in a folder.

A timeline draws a conversation or an order line by line, then each clock as a bar: what counted, what was closed, when it
was due.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from storehealth.catalogue.thresholds import Scoring
from storehealth.i18n import Words, load_texts
from storehealth.i18n.findings import format_bounds, format_value, name_score
from storehealth.model import (
    AreaScore,
    Checkup,
    Finding,
    InspectedFile,
    RejectGroup,
    RuleClock,
    TablePreview,
    Timeline,
    TimelineEvent,
)
from storehealth.output.terminal.page import STYLES, SYMBOLS, Page, TextRun, pad_text
from storehealth.score import rebuild_scoring
from storehealth.score.metrics import TARGET_SCORE, compute_headline_weights, is_weighted

CODE = 6
BAR = 40
"""Cells of a bar."""
AS_STATUS = {"met": "pass", "late": "fail", "overdue": "fail", "undecided": "watch"}
MARKS = ("█", "░", "│")
"""Time that counts, time that does not, and the moment it was due."""
GROUPS = 20
"""Groups of rejects shown per file."""


def add_score(page: Page, checkup: Checkup, words: Words) -> None:
    """The calculation, from the checkup alone: ``method.constants`` holds the weights used when it was made."""
    scoring = rebuild_scoring(checkup.method.constants)
    parts = compute_headline_weights(checkup.findings, scoring)
    page.add(TextRun(f"{words.say('screen.score')} {name_score(checkup, words)}", "bold"), f"  {checkup.store}")
    page.add_blank()
    page.add(_say(words, "curve"))
    severities = ", ".join(
        _name_severity(name, f"{weight:g}", words) for name, weight in scoring.severity_weights.items() if weight
    )
    page.add(_say(words, "weights", severities=severities))
    for area in checkup.areas:
        page.add_blank()
        _add_area(page, area, checkup, parts, words)
    page.add_blank()
    _add_sum(page, checkup, scoring, words)


def _say(words: Words, key: str, **values: object) -> str:
    return words.say(f"score_explained.{key}", **values)


def _name_severity(name: str, number: str, words: Words) -> str:
    return f"{words.say(f'severity.{name}')} {number}"


def _add_area(
    page: Page, area: AreaScore, checkup: Checkup, parts: dict[str, tuple[float, float]], words: Words
) -> None:
    """An area's line, then its findings, the most costly first."""
    findings = [finding for finding in checkup.findings if finding.area == area.id and finding.code in parts]
    name = words.say(f"area.{area.id}")
    if not findings:
        page.add(TextRun(_say(words, "area_out", area=name, weight=words.format_figure(area.weight, "share")), "dim"))
        return
    weight = sum(parts[finding.code][0] for finding in findings)
    points = sum(100 * parts[finding.code][0] * parts[finding.code][1] for finding in findings)
    values = {"area": name, "score": words.format_decimal(area.score), "points": words.format_decimal(points)}
    page.add(TextRun(_say(words, "area", weight=words.format_figure(weight, "share"), **values), "bold"))
    for finding in sorted(findings, key=lambda finding: -_compute_cost(finding, parts)):
        _add_finding(page, finding, parts, words)


def _compute_cost(finding: Finding, parts: dict[str, tuple[float, float]]) -> float:
    """Points of the headline up to its target, as the first screen counts them."""
    weight, score = parts[finding.code]
    return 100 * weight * max(0.0, TARGET_SCORE - score)


def _add_finding(page: Page, finding: Finding, parts: dict[str, tuple[float, float]], words: Words) -> None:
    weight, score = parts[finding.code]
    texts = [
        _say(
            words,
            "line",
            score=words.format_decimal(100 * score, 0),
            weight=words.format_figure(weight, "share"),
            cost=words.format_decimal(_compute_cost(finding, parts)),
        ),
        words.say(f"severity.{finding.severity}"),
        words.format_figure(finding.value, finding.unit),
        *format_bounds(finding, words),
        *([_say(words, "muted")] if finding.muted else []),
    ]
    mark = TextRun(f"{SYMBOLS[finding.status]} {pad_text(finding.code, CODE)}", STYLES[finding.status], keep=True)
    page.add(mark, "  ".join(texts), indent=2, hang=4 + CODE)


def _add_sum(page: Page, checkup: Checkup, scoring: Scoring, words: Words) -> None:
    """The sum, the cap, the range, the coverage and what each of them means."""
    score = checkup.score
    if score.uncapped is not None:
        page.add(TextRun(_say(words, "sum", uncapped=words.format_decimal(score.uncapped)), "bold"))
    if score.cap_reason:
        cap = words.format_decimal(score.value)
        page.add(TextRun(_say(words, "capped", cap=cap, reason=words.render(score.cap_reason)), "bold"))
    caps = [
        _say(words, "cap", severity=words.say(f"severity.{name}"), cap=words.format_decimal(cap))
        for name, cap in scoring.caps.items()
    ]
    page.add(_say(words, "caps", caps=words.say("unit.comma").join(caps)))
    if score.low is not None and score.high is not None:
        page.add(_say(words, "range", low=words.format_decimal(score.low, 0), high=words.format_decimal(score.high, 0)))
    shares = {"share": score.coverage, "least": scoring.least_coverage, "grade": scoring.least_coverage_for_grade}
    page.add(_say(words, "coverage", **{name: words.format_figure(share, "share") for name, share in shares.items()}))
    grades = [f"{name} ≥ {least:g}" for name, least in scoring.grades.items()]
    page.add(_say(words, "grades", grades=words.say("unit.comma").join(grades)))
    open_ones = [
        finding.code
        for finding in checkup.findings
        if finding.status == "inconclusive" and is_weighted(finding, scoring)
    ]
    if open_ones:
        page.add(_say(words, "left_out", codes=" ".join(open_ones)))


def add_timeline(page: Page, timeline: Timeline, words: Words) -> None:
    """Heading, moments, clocks, and a legend of the bars."""
    name = words.say(f"timeline.{timeline.kind}")
    page.add(TextRun(f"{name} {timeline.id}".strip(), "bold"), f"  {timeline.place}  {timeline.timezone}")
    if timeline.reply_clock:
        hours = words.say("unit.comma").join(timeline.service_hours) or words.say("timeline.always_open")
        page.add(words.say(f"timeline.clock_{timeline.reply_clock}", hours=hours))
    page.add_blank()
    width = max((len(_locate(moment)) for moment in timeline.moments), default=0)
    day = None
    for moment in timeline.moments:
        if moment.at.date() != day:
            day = moment.at.date()
            page.add(TextRun(words.format_day(day), "bold"))
        _add_moment(page, moment, width, words)
    if timeline.clocks:
        page.add_heading(words.say("timeline.clocks"))
    for clock in timeline.clocks:
        _add_clock(page, clock, words)
    if timeline.clocks:
        page.add(TextRun("  ".join(_list_signs(timeline, words)), "dim"), indent=2)
    else:
        page.add_blank()
        page.add(words.say("timeline.no_clock"))
    if timeline.masked:
        page.add(TextRun(words.say("inspect.masked"), "dim"))


def _list_signs(timeline: Timeline, words: Words) -> list[str]:
    """The legend, only for signs that occur."""
    counts, closed, due = MARKS
    stood = any(clock.closed for clock in timeline.clocks)
    signs = [("counts", counts), *([("closed_hours", closed)] if stood else []), ("due_here", due)]
    return [f"{sign} {words.say(f'timeline.{name}')}" for name, sign in signs]


def _locate(moment: TimelineEvent) -> str:
    return f"{moment.file}:{moment.line}" if moment.line is not None else moment.file


def _add_moment(page: Page, moment: TimelineEvent, width: int, words: Words) -> None:
    start = f"  {moment.at:%H:%M:%S}  {pad_text(_locate(moment), width)}  "
    known = f"timeline.{moment.what}" in load_texts()
    what = words.say(f"timeline.{moment.what}") if known else moment.what.replace("_", " ")
    parts = [what, moment.who or ""]
    style = "dim" if moment.kind in ("event", "promise") else "bold" if moment.opens else ""
    pieces: list[TextRun | str] = [TextRun(start, keep=True), TextRun(" ".join(part for part in parts if part), style)]
    if moment.text:
        pieces.append(f"  {moment.text}")
    if moment.opens:
        pieces.append(TextRun(f"  ► {words.say('timeline.waits')}", "dim"))
    page.add(*pieces, hang=4)


def _add_clock(page: Page, clock: RuleClock, words: Words) -> None:
    """Title and verdict, then the bar with its ends."""
    status = AS_STATUS[clock.outcome]
    mark = f"{SYMBOLS[status]} {words.say(f'outcome.{clock.outcome}')}"
    page.add(
        TextRun(f"{mark}  ", STYLES[status], keep=True),
        TextRun(clock.code, "bold"),
        f"  {words.render(clock.title)}",
        indent=2,
        hang=4,
    )
    end = clock.done or clock.until
    ends = [words.say("timeline.began", at=_format_moment(clock.began))]
    ends += [words.say("timeline.due", at=_format_moment(clock.due))] if clock.due else []
    ends.append(words.say("timeline.done", at=_format_moment(clock.done)) if clock.done else words.say("timeline.open"))
    page.add(words.say("unit.comma").join([*ends, *_describe_wait(clock, words)]), indent=4, hang=4)
    bar = _draw_bar(clock, end)
    if bar:
        page.add(TextRun(bar, STYLES[status], keep=True), indent=4)


def _format_moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _describe_wait(clock: RuleClock, words: Words) -> Sequence[str]:
    """The wait on the rule's clock and the time allowed; without these, the distance from the promise."""
    if clock.waited_seconds is not None and clock.allowed_seconds is not None:
        waited, allowed = (
            words.format_figure(seconds, "seconds") for seconds in (clock.waited_seconds, clock.allowed_seconds)
        )
        return [words.say("timeline.waited", waited=waited, allowed=allowed)]
    end = clock.done or clock.until
    if clock.due is None or end is None:
        return []
    apart = (end - clock.due).total_seconds()
    key = "after" if apart > 0 else "before"
    return [words.say(f"timeline.{key}", time=words.format_figure(abs(apart), "seconds"))]


def _draw_bar(clock: RuleClock, end: datetime | None) -> str:
    """From the beginning to the end, or to when it was due if that is later; empty where there is nothing to draw."""
    last = max((moment for moment in (clock.due, end) if moment is not None), default=None)
    if last is None or last <= clock.began:
        return ""
    step = (last - clock.began) / BAR
    counts, closed, due = MARKS
    cells = []
    for number in range(BAR):
        middle = clock.began + step * (number + 0.5)
        ran = end is not None and middle <= end
        stood = any(pause.begins <= middle < pause.ends for pause in clock.closed)
        cells.append(closed if stood else counts if ran else " ")
    if clock.due is not None and clock.due >= clock.began:
        cells[min(BAR - 1, int((clock.due - clock.began) / step))] = due
    return "".join(cells).rstrip()


def add_files(page: Page, sources: Sequence[InspectedFile], words: Words, masked: bool = True) -> None:
    """Per file: kind, layout, encoding, columns, rows, days, rejects, first canonical rows and note."""
    for source in sources:
        page.add_blank()
        _add_file(page, source, words)
    page.add_blank()
    if not any(source.layout for source in sources):
        page.add(TextRun(f"✗ {words.say('files.none')}", "bold red"))
    elif masked and any(source.preview for source in sources):
        page.add(TextRun(words.say("inspect.masked"), "dim"))


def _add_file(page: Page, source: InspectedFile, words: Words) -> None:
    used = source.layout is not None
    mark = TextRun("✓ " if used else f"✗ {words.say('files.not_used')}  ", "green" if used else "bold red", keep=True)
    kind = "  ".join(dict.fromkeys(part for part in (source.layout, source.container, source.encoding) if part))
    page.add(mark, TextRun(source.path, "bold", keep=True), f"  {kind}", hang=4)
    if not used:
        _add_unused_file(page, source, words)
        return
    numbers = {"kept": source.kept, "within": source.duplicates_within, "across": source.duplicates_across}
    parts = {name: words.format_whole(number) for name, number in numbers.items()} | {
        "rejected": words.format_whole(source.rejected)
    }
    page.add(words.say("inspect.counts", rows=words.count("count.rows", source.rows), **parts), indent=4)
    days = f"{words.format_moment(source.first)} – {words.format_moment(source.last)}"
    tables = words.say("unit.comma").join(map(words.name_table, source.tables))
    page.add(TextRun(days, keep=True), f"  {words.say('files.gives', tables=tables)}", indent=4)
    if source.note:
        page.add(words.render(source.note), indent=4)
    _add_columns(page, source, words)
    _add_rejects(page, source, words)
    for preview in source.preview:
        _add_preview(page, preview, words)


def _add_unused_file(page: Page, source: InspectedFile, words: Words) -> None:
    """Why a file is not used, which layout comes closest, and what its headers are."""
    page.add(words.render(source.note) if source.note else words.say("screen.no_reason"), indent=4)
    _add_list(page, words.say("inspect.headers"), source.unread)


def _add_columns(page: Page, source: InspectedFile, words: Words) -> None:
    pairs = (f"{column.header} → {_short(column.fills)}" for column in source.columns)
    _add_list(page, words.say("inspect.reads"), pairs)
    _add_list(page, words.say("inspect.unread"), source.unread)


def _short(fills: Sequence[str]) -> str:
    """Canonical columns, each named once: order_id for orders.order_id and order_lines.order_id."""
    return " + ".join(dict.fromkeys(column.partition(".")[2] for column in fills))


def _add_list(page: Page, name: str, parts: Iterable[str]) -> None:
    pieces: list[TextRun | str] = []
    for part in parts:
        pieces += ["  ", TextRun(part, keep=True)]
    if pieces:
        page.add(TextRun(name, "italic"), *pieces, indent=4, hang=8)


def _quote_cells(group: RejectGroup, words: Words) -> str:
    """The header of a column, and the contents of its unread cells."""
    cells = words.say("unit.comma").join(f"“{value}”" for value in group.values)
    return f"{group.column} {cells}".strip()


def _add_rejects(page: Page, source: InspectedFile, words: Words) -> None:
    if source.rejects:
        page.add(TextRun(words.say("inspect.rejects"), "italic"), indent=4)
    for group in source.rejects[:GROUPS]:
        lines = words.say("unit.comma").join(str(line) for line in group.lines)
        more = " …" if group.count > len(group.lines) else ""
        key = "inspect.line" if len(group.lines) == 1 and not more else "inspect.lines"
        column = f"{_quote_cells(group, words)}{words.say('unit.colon')}" if group.column else ""
        text = f"{column}{words.render(group.reason)}  ({words.say(key, lines=lines + more)})"
        page.add(TextRun(f"{words.format_whole(group.count)} × ", keep=True), text, indent=8, hang=10)
    if len(source.rejects) > GROUPS:
        shown, total = words.format_whole(GROUPS), words.format_whole(len(source.rejects))
        page.add(TextRun(words.say("screen.showing", shown=shown, total=total), "dim"), indent=8)


def _add_preview(page: Page, preview: TablePreview, words: Words) -> None:
    """Rows as ``column=value``, and how many there are of them."""
    if not preview.rows:
        return
    counted = words.say(
        "screen.showing", shown=words.format_whole(len(preview.rows)), total=words.format_whole(preview.total)
    )
    title = words.say("inspect.preview", table=words.name_table(preview.table))
    page.add(TextRun(words.say("unit.brackets", what=title, inside=counted), "italic"), indent=4)
    for row in preview.rows:
        pieces: list[TextRun | str] = []
        for name, value in row.items():
            pieces += [TextRun(f"{name}={format_value(value)}", keep=True), "  "] if value is not None else []
        page.add(*pieces, indent=8, hang=10)
