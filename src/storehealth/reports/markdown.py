"""The checkup as Markdown: for chats, wikis and mails, readable as plain text too."""

from __future__ import annotations

from storehealth.model import Checkup, EvidenceRow, Finding, PlatformLine
from storehealth.reports import _history
from storehealth.reports._markdown import bullets, escape, table
from storehealth.wording import Words
from storehealth.wording.against import extra, margin_text, money_text
from storehealth.wording.basis import data_statement, days
from storehealth.wording.change import rows_then
from storehealth.wording.phrases import (
    beside_lines,
    bounds,
    counts_line,
    driver_text,
    facts_of,
    figure,
    gain_parts,
    grouped,
    origin,
    refused,
    reply_lines,
    rows_shown,
    score_name,
    score_parts,
    segment,
    shown_detail,
    todo,
    with_figures,
)
from storehealth.wording.printed import printed_lines
from storehealth.wording.sure import UNSURE, since
from storehealth.wording.unused import alike, rejected_text, unused_text
from storehealth.wording.wanted import wanted_text

NAME = "markdown"
SUFFIX = ".md"
ROWS = 20
SYMBOLS = {"pass": "✓", "watch": "!", "fail": "✗", "informative": "·", "inconclusive": "?", "not_applicable": "–"}


def render(checkup: Checkup) -> bytes:
    """The whole report in the language of the checkup."""
    words = Words(checkup.language)
    blocks = (
        _head,
        _todo,
        _due,
        _areas,
        _history.blocks,
        _platform_view,
        _limits,
        _findings,
        _not_judged,
        _sources,
        _method,
    )
    lines = [line for block in blocks for line in block(checkup, words)]
    return ("\n".join(lines).rstrip() + "\n").encode(errors="replace")


def _heading(words: Words, key: str) -> list[str]:
    return [f"## {words.say(f'report.{key}')}", ""]


def _head(checkup: Checkup, words: Words) -> list[str]:
    name, parts = score_name(checkup, words), score_parts(checkup, words)
    score = f"**{words.say('screen.score')} {escape(name)}** · {escape(' · '.join(parts))}"
    return [
        f"# {escape(words.say('report.title', store=checkup.store))}",
        "",
        f"**{escape(checkup.headline)}**",
        "",
        score,
        "",
        *_history.brief(checkup, words),
        *_heading(words, "basis"),
        *bullets(data_statement(checkup, words)),
    ]


def _todo(checkup: Checkup, words: Words) -> list[str]:
    actions = todo(checkup)
    if not actions:
        return []
    lines = [*_heading(words, "todo"), words.say("report.todo_note"), ""]
    for number, one in enumerate(actions, 1):
        lines.append(f"{number}. **{escape(one.name or one.text)}** {escape(' · '.join(gain_parts(one, words)))}")
        lines += [f"   {escape(one.text)}"] if one.name else []
        lines.append(f"   {escape(words.say('screen.assumption', text=one.assumption))}")
    return [*lines, ""]


def _due(checkup: Checkup, words: Words) -> list[str]:
    """What turns into a breach unless it is done, soonest first."""
    lines = []
    for one in sorted(checkup.deadlines, key=lambda deadline: deadline.due_at):
        said = [words.moment(one.due_at), words.say("screen.hours_left", hours=words.decimal(one.hours_left))]
        if one.amount_at_risk is not None:
            said.append(words.say("screen.at_risk", amount=words.decimal(one.amount_at_risk, 2)))
        lines.append(f"{one.kind} {one.id}: {' · '.join(said)}")
    return [f"## {words.say('heading.due')}", "", *bullets(lines)] if lines else []


def _areas(checkup: Checkup, words: Words) -> list[str]:
    header = [words.say(f"column.{key}") for key in ("area", "score", "coverage", "code")]
    rows = [
        (
            words.say(f"area.{area.id}"),
            words.decimal(area.score, 0),
            words.figure(area.coverage, "share"),
            area.worst or "—",
        )
        for area in checkup.areas
    ]
    return [*_heading(words, "areas"), *table(header, rows)] if rows else []


def _platform_view(checkup: Checkup, words: Words) -> list[str]:
    """The bare figures against the platform's own limits, with the margin in rows."""
    keys = ("code", "rule", "value", "limit", "counted", "margin", "days", "sure")
    rows = [_platform_row(one, words) for one in checkup.platform_view]
    if not rows:
        return []
    shown = table([words.say(f"column.{key}") for key in keys], rows)
    return [*_heading(words, "platform_view"), words.say("report.platform_note"), "", *shown]


def _platform_row(line: PlatformLine, words: Words) -> list[str]:
    value, limit = words.figure(line.value, line.unit), words.bound(line.limit, line.unit, line.higher_is)
    counted = words.say("screen.count_of", count=words.whole(line.defects), judged=words.whole(line.judged))
    margin = words.say("unit.semicolon").join([margin_text(line, words), *extra(line, words)])
    sure = words.say(f"verified.{line.limit_source.verified}")
    shown = counted if line.unit == "share" else "—"
    return [line.code, line.title, value, limit, shown, margin, days(line.window, words), sure]


def _limits(checkup: Checkup, words: Words) -> list[str]:
    """Each finding against target and limit, with source, date and how sure they are."""
    keys = ("code", "rule", "value", "target", "limit", "sure", "since", "source")
    rows = [_limit_row(one, words) for one in with_figures(checkup) if one.limit_source and bounds(one, words)]
    return [*_heading(words, "platform"), *table([words.say(f"column.{key}") for key in keys], rows)] if rows else []


def _limit_row(finding: Finding, words: Words) -> list[str]:
    source = finding.limit_source
    ends = [words.bound(value, finding.unit, finding.higher_is) for value in (finding.target, finding.limit)]
    if source is None:
        return [finding.code, finding.title, figure(finding, words), *ends, "—", "—", "—"]
    sure = words.say(f"verified.{source.verified}")
    shown = f"⚠ {sure}" if source.verified in UNSURE else sure
    day = words.day(source.effective_from) if source.effective_from else since(source, words) or "—"
    return [finding.code, finding.title, figure(finding, words), *ends, shown, day, source.source]


def _findings(checkup: Checkup, words: Words) -> list[str]:
    lines = [*_heading(words, "findings"), escape(counts_line(checkup, words)), ""]
    lines += bullets([f"! {warning}" for warning in checkup.warnings]) if checkup.warnings else []
    for finding in sorted(with_figures(checkup), key=lambda one: one.muted is not None):
        lines += _finding(finding, words)
    return lines


def _finding(finding: Finding, words: Words) -> list[str]:
    """One finding: verdict, why, where the limits come from, what drives it, and its first rows."""
    state = f"{SYMBOLS[finding.status]} {words.say(f'status.{finding.status}').upper()}"
    facts = [
        *facts_of(finding, words),
        f"{words.say('column.severity')}{words.say('unit.colon')}{words.say(f'severity.{finding.severity}')}",
    ]
    counts = words.say("unit.comma").join(
        f"{words.say(f'outcome.{outcome}')} {words.whole(number)}" for outcome, number in finding.counts
    )
    about = [words.say("report.why", why=finding.why), words.say("report.looked_at", days=days(finding.window, words))]
    about.append(words.say("report.counted", counts=counts))
    source = origin(finding, words)
    about += [words.say("report.limits_from", origin=source)] if source else []
    said = [*beside_lines(finding, words), *printed_lines(finding, words)]
    about += [f"{name}{words.say('unit.colon')}{text}" for name, text in said]
    if finding.money_at_risk:
        about.append(
            f"{words.say('against.money_name')}{words.say('unit.colon')}{money_text(finding.money_at_risk, words)}"
        )
    rows = rows_then(finding, words)
    about += [rows] if rows else []
    return [
        f"### {state} {finding.code} {escape(finding.title)}",
        "",
        escape(" · ".join(facts)),
        *([escape(finding.note)] if finding.note else []),
        "",
        *bullets(about),
        *_drivers(finding, words),
        *_rows(finding, words),
    ]


def _drivers(finding: Finding, words: Words) -> list[str]:
    if not finding.drivers:
        return []
    lines = [
        f"{segment(one.segment, words)}{words.say('unit.colon')}{driver_text(one, words)}" for one in finding.drivers
    ]
    return [f"**{words.say('heading.drivers')}**", "", *bullets(lines)]


def _rows(finding: Finding, words: Words) -> list[str]:
    rows = finding.evidence.rows[:ROWS]
    if not rows:
        return []
    header = [words.say(f"column.{key}") for key in ("place", "entity", "at", "outcome", "details")]
    more = rows_shown(finding, len(rows), words)
    shown = table(header, [_row(row, words) for row in rows])
    return [f"**{words.say('heading.evidence')}**", "", *shown, *([escape(more), ""] if more else [])]


def _row(row: EvidenceRow, words: Words) -> list[str]:
    where = f"{row.file or '—'}:{row.line if row.line is not None else '—'}"
    details = words.say("unit.comma").join(shown_detail(name, value, words) for name, value in row.details.items())
    outcome = words.say(f"outcome.{row.outcome}")
    if row.state in ("new", "reappeared"):
        outcome = words.say("unit.brackets", what=outcome, inside=words.say(f"row_state.{row.state}"))
    return [where, row.entity or "—", words.moment(row.at), outcome, details]


def _not_judged(checkup: Checkup, words: Words) -> list[str]:
    said = [wanted_text(one, words) for one in checkup.exports_wanted]
    lines = [*_heading(words, "to_export"), *bullets(said)] if said else []
    if not grouped(checkup):
        return lines
    header = [words.say(f"column.{key}") for key in ("area", "rule", "reason", "export")]
    rows = []
    for members in grouped(checkup):
        areas = words.say("unit.comma").join(dict.fromkeys(words.say(f"area.{one.area}") for one in members))
        titles = "; ".join(f"{one.code} {one.title}" for one in members)
        reasons = "; ".join(dict.fromkeys(one.reason for one in members))
        rows.append((areas, titles, reasons, "; ".join(members[0].how_to_export) or "—"))
    return [*lines, *_heading(words, "not_judged"), *table(header, rows)]


def _sources(checkup: Checkup, words: Words) -> list[str]:
    keys = ("file", "layout", "encoding", "rows", "kept", "duplicates", "rejected", "first", "last", "note")
    rows = [
        (
            one.path,
            one.layout or "—",
            one.encoding or "—",
            *(words.whole(number) for number in (one.rows, one.kept, one.duplicates, one.rejected)),
            words.moment(one.first),
            words.moment(one.last),
            words.reason(one.note) or ("" if one.layout else words.say("screen.no_reason")),
        )
        for one in checkup.sources
    ]
    lines = [*_heading(words, "sources"), *table([words.say(f"column.{key}") for key in keys], rows)]
    said = [unused_text(members, words) for members in alike(refused(checkup))]
    return [*lines, *bullets([*said, *filter(None, [rejected_text(checkup, words)])])]


def _method(checkup: Checkup, words: Words) -> list[str]:
    method, colon = checkup.method, words.say("unit.colon")
    code, reasons = checkup.outcome.exit_code, "; ".join(checkup.outcome.reasons) or "—"
    said = [words.say("screen.rules", digest=method.rules_digest), *method.caveats]
    said.append(words.say("report.exit", code=code, reasons=reasons))
    lines = [*_heading(words, "method"), *bullets(said)]
    for key, texts in (
        ("replies", reply_lines(checkup, words)),
        ("facts", [f"{name}{colon}{fact}" for name, fact in method.facts.items()]),
        ("constants", [f"{name}{colon}{number:g}" for name, number in method.constants.items()]),
    ):
        lines += [f"**{words.say(f'heading.{key}')}**", "", *bullets(texts)] if texts else []
    return [*lines, escape(words.say("report.made_by", version=checkup.tool.version, run=checkup.run.id))]
