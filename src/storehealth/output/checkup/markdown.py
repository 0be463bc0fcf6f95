"""The checkup as Markdown: for chats, wikis and mails, readable as plain text too.

:func:`render` writes one page: the story of the first screen. :func:`render_full` writes everything; it is the format
``markdown-full``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from storehealth.i18n import Words
from storehealth.i18n.comparison import describe_rows
from storehealth.i18n.findings import (
    count_rows,
    count_statuses,
    describe_deadline,
    describe_driver,
    describe_finding,
    describe_gain,
    describe_replies,
    describe_score,
    describe_source,
    format_bounds,
    format_detail,
    format_interval,
    format_place,
    format_segment,
    group_not_judged,
    list_beside,
    list_causes,
    list_own_slices,
    name_score,
    select_actions,
    select_measured,
    select_refused,
    select_troubles,
    summarise_causes,
    summarise_rows,
)
from storehealth.i18n.history import summarise_change
from storehealth.i18n.limits import (
    UNSURE,
    compare_printed,
    describe_caveats,
    describe_margin,
    describe_money,
    describe_since,
    summarise_limits,
)
from storehealth.i18n.sources import (
    describe_data,
    describe_days,
    describe_export,
    describe_refused,
    describe_rejected,
    group_refused,
)
from storehealth.model import Checkup, EvidenceRow, Finding, PlatformLine
from storehealth.output.checkup import _markdown
from storehealth.output.checkup._markdown import escape, write_bullets, write_table

NAME = "markdown"
SUFFIX = ".md"
ROWS = 20
SYMBOLS = {"pass": "✓", "watch": "!", "fail": "✗", "informative": "·", "inconclusive": "?", "not_applicable": "–"}


ACTIONS, FINDINGS, EXPORTS = 3, 6, 3
"""Actions, findings and missing exports on the one page."""


def render(checkup: Checkup) -> bytes:
    """One page in the language of the checkup: headline, areas, first actions, what fails, what to export."""
    return _write(
        checkup,
        (
            _write_short_head,
            _write_short_areas,
            _write_short_actions,
            _write_deadlines,
            _write_limits_brief,
            _write_short_findings,
            _write_short_ends,
        ),
    )


def render_full(checkup: Checkup) -> bytes:
    """The whole report in the language of the checkup."""
    blocks = (
        _write_head,
        _write_actions,
        _write_deadlines,
        _write_areas,
        _markdown.build_blocks,
        _write_platform_view,
        _write_limits,
        _write_findings,
        _write_not_judged,
        _write_sources,
        _write_method,
    )
    return _write(checkup, blocks)


def _write(checkup: Checkup, blocks: Iterable[Callable[[Checkup, Words], list[str]]]) -> bytes:
    words = Words(checkup.language)
    lines = [line for block in blocks for line in block(checkup, words)]
    return ("\n".join(lines).rstrip() + "\n").encode(errors="replace")


# -- the one page ------------------------------------------------------------------------------------------------


def _write_short_head(checkup: Checkup, words: Words) -> list[str]:
    name, parts = name_score(checkup, words), describe_score(checkup, words)
    since = summarise_change(checkup, words)
    return [
        f"# {escape(words.say('report.title', store=checkup.store))}",
        "",
        f"**{escape(words.render(checkup.headline))}**",
        "",
        f"**{words.say('screen.score')} {escape(name)}** · {escape(' · '.join(parts))}",
        "",
        *([escape(since), ""] if since else []),
        escape(" · ".join(describe_data(checkup, words))),
        "",
    ]


def _write_short_areas(checkup: Checkup, words: Words) -> list[str]:
    """Per area: score, points it costs, and the finding that costs most."""
    header = [words.say(f"column.{key}") for key in ("area", "score", "loses", "code")]
    by_code = {finding.code: finding for finding in checkup.findings}
    rows = []
    for area in checkup.areas:
        worst = by_code.get(area.worst or "")
        loses = words.say("screen.loses", points=words.format_decimal(area.loses, 0)) if area.loses else "—"
        shown = [words.say(f"area.{area.id}"), words.format_decimal(area.score, 0), loses]
        rows.append([*shown, f"{worst.code} {words.render(worst.title)}" if worst else "—"])
    return write_table(header, rows)


def _write_short_actions(checkup: Checkup, words: Words) -> list[str]:
    lines = []
    for number, action in enumerate(select_actions(checkup)[:ACTIONS], 1):
        name, gain = words.render(action.name or action.text), " · ".join(describe_gain(action, words))
        lines.append(f"{number}. **{escape(name)}** {escape(gain)}")
        lines += [f"   {escape(words.render(note))}" for note in (action.where, action.aside) if note]
    return [f"## {words.say('heading.todo')}", "", *lines, ""] if lines else []


def _write_limits_brief(checkup: Checkup, words: Words) -> list[str]:
    text = summarise_limits(checkup, words)
    return [escape(text), ""] if text else []


def _write_short_findings(checkup: Checkup, words: Words) -> list[str]:
    """What fails and what needs watching, a line each; how many there are of each status."""
    shown = select_troubles(checkup)
    rows = [
        (
            f"{SYMBOLS[finding.status]} {words.say(f'status.{finding.status}')}",
            f"{finding.code} {words.render(finding.title)}",
            words.format_figure(finding.value, finding.unit),
            count_rows(finding, words),
            " · ".join(format_bounds(finding, words)),
        )
        for finding in shown[:FINDINGS]
    ]
    header = [words.say(f"column.{key}") for key in ("verdict", "rule", "value", "counted", "limit")]
    lines = [*write_table(header, rows), *_write_short_causes(shown[:FINDINGS], words)]
    return [*_write_heading(words, "findings"), *lines, escape(count_statuses(checkup, words)), ""]


def _write_short_causes(shown: list[Finding], words: Words) -> list[str]:
    """The largest causes of each finding, a bullet each."""
    causes = [f"{finding.code} {text}" for finding in shown if (text := summarise_causes(finding, words))]
    return write_bullets(causes) if causes else []


def _write_short_ends(checkup: Checkup, words: Words) -> list[str]:
    """Rejected rows and warnings, what to export next, and the headline with the first action once more."""
    notes = [*filter(None, [describe_rejected(checkup, words)]), *map(words.render, checkup.warnings)]
    exports = [describe_export(export, words, most=5) for export in checkup.exports_wanted[:EXPORTS]]
    first = next(iter(select_actions(checkup)), None)
    lines = [*write_bullets(notes)] if notes else []
    lines += [*_write_heading(words, "to_export"), *write_bullets(exports)] if exports else []
    lines += [f"**{escape(words.render(checkup.headline))}**", ""]
    if first is not None and first.name is not None:
        lines += [escape(words.say("screen.first_action", action=words.render(first.name))), ""]
    about = words.say("report.short_note", version=checkup.tool.version, run=checkup.run.id)
    return [*lines, escape(about)]


# -- everything --------------------------------------------------------------------------------------------------


def _write_heading(words: Words, key: str) -> list[str]:
    return [f"## {words.say(f'report.{key}')}", ""]


def _write_head(checkup: Checkup, words: Words) -> list[str]:
    name, parts = name_score(checkup, words), describe_score(checkup, words)
    score = f"**{words.say('screen.score')} {escape(name)}** · {escape(' · '.join(parts))}"
    return [
        f"# {escape(words.say('report.title', store=checkup.store))}",
        "",
        f"**{escape(words.render(checkup.headline))}**",
        "",
        score,
        "",
        *_markdown.describe_history(checkup, words),
        *_write_heading(words, "basis"),
        *write_bullets(describe_data(checkup, words)),
    ]


def _write_actions(checkup: Checkup, words: Words) -> list[str]:
    actions = select_actions(checkup)
    if not actions:
        return []
    lines = [*_write_heading(words, "todo"), words.say("report.todo_note"), ""]
    for number, action in enumerate(actions, 1):
        lines.append(
            f"{number}. **{escape(words.render(action.name or action.text))}** "
            f"{escape(' · '.join(describe_gain(action, words)))}"
        )
        lines += [f"   {escape(words.render(action.text))}"] if action.name else []
        lines.append(f"   {escape(words.say('screen.assumption', text=words.render(action.assumption)))}")
    return [*lines, ""]


def _write_deadlines(checkup: Checkup, words: Words) -> list[str]:
    """Deadlines that become breaches unless met, soonest first."""
    lines = []
    for deadline in sorted(checkup.deadlines, key=lambda deadline: deadline.due_at):
        lines.append(f"{deadline.kind} {deadline.id}: {' · '.join(describe_deadline(deadline, words))}")
    return [f"## {words.say('heading.due')}", "", *write_bullets(lines)] if lines else []


def _write_areas(checkup: Checkup, words: Words) -> list[str]:
    header = [words.say(f"column.{key}") for key in ("area", "score", "coverage", "code")]
    rows = [
        (
            words.say(f"area.{area.id}"),
            words.format_decimal(area.score, 0),
            words.format_figure(area.coverage, "share"),
            area.worst or "—",
        )
        for area in checkup.areas
    ]
    return [*_write_heading(words, "areas"), *write_table(header, rows)] if rows else []


def _write_platform_view(checkup: Checkup, words: Words) -> list[str]:
    """The store's figures against the platform's own limits, with the margin in rows."""
    keys = ("code", "rule", "value", "limit", "counted", "margin", "days", "sure")
    rows = [_list_platform_cells(line, words) for line in checkup.platform_view]
    if not rows:
        return []
    shown = write_table([words.say(f"column.{key}") for key in keys], rows)
    return [*_write_heading(words, "platform_view"), words.say("report.platform_note"), "", *shown]


def _list_platform_cells(line: PlatformLine, words: Words) -> list[str]:
    value, limit = words.format_figure(line.value, line.unit), words.format_bound(line.limit, line.unit, line.higher_is)
    counted = words.say(
        "screen.count_of", count=words.format_whole(line.defects), judged=words.format_whole(line.judged)
    )
    margin = words.say("unit.semicolon").join([describe_margin(line, words), *describe_caveats(line, words)])
    sure = words.say(f"verified.{line.limit_source.verified}")
    shown = counted if line.unit == "share" else "—"
    return [line.code, words.render(line.title), value, limit, shown, margin, describe_days(line.window, words), sure]


def _write_limits(checkup: Checkup, words: Words) -> list[str]:
    """Each finding against target and limit, with source, date and certainty."""
    keys = ("code", "rule", "value", "target", "limit", "sure", "since", "source")
    rows = [
        _list_limit_cells(finding, words)
        for finding in select_measured(checkup)
        if finding.limit_source and format_bounds(finding, words)
    ]
    return (
        [*_write_heading(words, "platform"), *write_table([words.say(f"column.{key}") for key in keys], rows)]
        if rows
        else []
    )


def _list_limit_cells(finding: Finding, words: Words) -> list[str]:
    source = finding.limit_source
    ends = [words.format_bound(value, finding.unit, finding.higher_is) for value in (finding.target, finding.limit)]
    if source is None:
        return [finding.code, words.render(finding.title), format_interval(finding, words), *ends, "—", "—", "—"]
    sure = words.say(f"verified.{source.verified}")
    shown = f"⚠ {sure}" if source.verified in UNSURE else sure
    day = words.format_day(source.effective_from) if source.effective_from else describe_since(source, words) or "—"
    return [
        finding.code,
        words.render(finding.title),
        format_interval(finding, words),
        *ends,
        shown,
        day,
        words.render(source.source),
    ]


def _write_findings(checkup: Checkup, words: Words) -> list[str]:
    lines = [*_write_heading(words, "findings"), escape(count_statuses(checkup, words)), ""]
    lines += write_bullets([f"! {words.render(warning)}" for warning in checkup.warnings]) if checkup.warnings else []
    for finding in sorted(select_measured(checkup), key=lambda finding: finding.muted is not None):
        lines += _write_finding(finding, words)
    return lines


def _write_finding(finding: Finding, words: Words) -> list[str]:
    """One finding: verdict, why it matters, source of its limits, drivers, and first rows."""
    state = f"{SYMBOLS[finding.status]} {words.say(f'status.{finding.status}').upper()}"
    facts = [
        *describe_finding(finding, words),
        f"{words.say('column.severity')}{words.say('unit.colon')}{words.say(f'severity.{finding.severity}')}",
    ]
    counts = words.say("unit.comma").join(
        f"{words.say(f'outcome.{outcome}')} {words.format_whole(number)}" for outcome, number in finding.counts
    )
    about = [
        words.say("report.why", why=words.render(finding.why)),
        words.say("report.looked_at", days=describe_days(finding.window, words)),
    ]
    about.append(words.say("report.counted", counts=counts))
    source = describe_source(finding, words)
    about += [words.say("report.limits_from", origin=source)] if source else []
    parts = [*list_beside(finding, words), *compare_printed(finding, words)]
    about += [f"{name}{words.say('unit.colon')}{text}" for name, text in parts]
    if finding.money_at_risk:
        about.append(
            f"{words.say('against.money_name')}{words.say('unit.colon')}{describe_money(finding.money_at_risk, words)}"
        )
    about += list_own_slices(finding, words)
    rows = describe_rows(finding, words)
    about += [rows] if rows else []
    return [
        f"### {state} {finding.code} {escape(words.render(finding.title))}",
        "",
        escape(" · ".join(facts)),
        *([escape(words.render(finding.note))] if finding.note else []),
        "",
        *write_bullets(about),
        *_write_causes(finding, words),
        *_write_drivers(finding, words),
        *_write_rows(finding, words),
    ]


def _write_causes(finding: Finding, words: Words) -> list[str]:
    """Each miss once, by its cause."""
    if not finding.causes:
        return []
    return [f"**{words.say('heading.causes')}**", "", *write_bullets(list_causes(finding, words))]


def _write_drivers(finding: Finding, words: Words) -> list[str]:
    if not finding.drivers:
        return []
    lines = [
        f"{format_segment(driver.segment, words)}{words.say('unit.colon')}{describe_driver(driver, words)}"
        for driver in finding.drivers
    ]
    return [f"**{words.say('heading.drivers')}**", "", *write_bullets(lines)]


def _write_rows(finding: Finding, words: Words) -> list[str]:
    rows = finding.evidence.rows[:ROWS]
    if not rows:
        return []
    header = [words.say(f"column.{key}") for key in ("place", "entity", "at", "outcome", "details")]
    more = summarise_rows(finding, len(rows), words)
    shown = write_table(header, [_write_row(row, words) for row in rows])
    return [f"**{words.say('heading.evidence')}**", "", *shown, *([escape(more), ""] if more else [])]


def _write_row(row: EvidenceRow, words: Words) -> list[str]:
    details = words.say("unit.comma").join(format_detail(name, value, words) for name, value in row.details.items())
    outcome = words.say(f"outcome.{row.outcome}")
    if row.state in ("new", "reappeared"):
        outcome = words.say("unit.brackets", what=outcome, inside=words.say(f"row_state.{row.state}"))
    return [format_place(row), row.entity or "—", words.format_moment(row.at), outcome, details]


def _write_not_judged(checkup: Checkup, words: Words) -> list[str]:
    parts = [describe_export(export, words) for export in checkup.exports_wanted]
    lines = [*_write_heading(words, "to_export"), *write_bullets(parts)] if parts else []
    if not group_not_judged(checkup):
        return lines
    header = [words.say(f"column.{key}") for key in ("area", "rule", "reason", "export")]
    rows = []
    for members in group_not_judged(checkup):
        areas = words.say("unit.comma").join(dict.fromkeys(words.say(f"area.{rule.area}") for rule in members))
        titles = "; ".join(f"{rule.code} {words.render(rule.title)}" for rule in members)
        reasons = "; ".join(dict.fromkeys(words.render(rule.reason) for rule in members))
        rows.append((areas, titles, reasons, "; ".join(map(words.render, members[0].how_to_export)) or "—"))
    return [*lines, *_write_heading(words, "not_judged"), *write_table(header, rows)]


def _write_sources(checkup: Checkup, words: Words) -> list[str]:
    keys = ("file", "layout", "encoding", "rows", "kept", "duplicates", "rejected", "first", "last", "note")
    rows = [
        (
            source.path,
            source.layout or "—",
            source.encoding or "—",
            *(words.format_whole(number) for number in (source.rows, source.kept, source.duplicates, source.rejected)),
            words.format_moment(source.first),
            words.format_moment(source.last),
            words.render(source.note) or ("" if source.layout else words.say("screen.no_reason")),
        )
        for source in checkup.sources
    ]
    lines = [*_write_heading(words, "sources"), *write_table([words.say(f"column.{key}") for key in keys], rows)]
    parts = [describe_refused(members, words) for members in group_refused(select_refused(checkup))]
    return [*lines, *write_bullets([*parts, *filter(None, [describe_rejected(checkup, words)])])]


def _write_method(checkup: Checkup, words: Words) -> list[str]:
    method, colon = checkup.method, words.say("unit.colon")
    code, reasons = checkup.outcome.exit_code, "; ".join(map(words.render, checkup.outcome.reasons)) or "—"
    parts = [words.say("screen.rules", digest=method.rules_digest), *map(words.render, method.caveats)]
    parts.append(words.say("report.exit", code=code, reasons=reasons))
    lines = [*_write_heading(words, "method"), *write_bullets(parts)]
    for key, texts in (
        ("replies", describe_replies(checkup, words)),
        ("facts", [f"{name}{colon}{words.render(fact)}" for name, fact in method.facts.items()]),
        ("constants", [f"{name}{colon}{number:g}" for name, number in method.constants.items()]),
    ):
        lines += [f"**{words.say(f'heading.{key}')}**", "", *write_bullets(texts)] if texts else []
    return [*lines, escape(words.say("report.made_by", version=checkup.tool.version, run=checkup.run.id))]
