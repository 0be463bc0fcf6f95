"""The detailed part of the report: all findings with drivers and rows, files, sources, method."""

from __future__ import annotations

from storehealth.i18n import Words
from storehealth.i18n.comparison import describe_rows
from storehealth.i18n.findings import (
    describe_deadline,
    describe_driver,
    describe_replies,
    describe_source,
    format_detail,
    format_place,
    format_segment,
    group_not_judged,
    list_beside,
    list_causes,
    list_own_slices,
    select_measured,
    select_refused,
    summarise_rows,
)
from storehealth.i18n.limits import compare_printed, describe_limit, describe_money
from storehealth.i18n.sources import describe_days, group_refused
from storehealth.model import Checkup, EvidenceRow, Finding
from storehealth.output.terminal.history import add_history
from storehealth.output.terminal.page import Page, TextRun
from storehealth.output.terminal.summary import add_finding, add_missing_exports, add_not_judged, add_refused

UNSEEN = ("new", "reappeared")
"""Row states that are shown."""
ROWS = 20
"""Evidence rows shown per finding."""


def add_details(page: Page, checkup: Checkup, words: Words) -> None:
    """Earlier runs, all findings, what could not be judged, files, deadlines, reply times and method."""
    add_history(page, checkup, words)
    page.add_heading(words.say("heading.all_findings"))
    for finding in sorted(select_measured(checkup), key=lambda finding: finding.muted is not None):
        page.add_blank()
        _add_depth(page, finding, add_finding(page, finding, words, checkup.window), words)
    _add_platform(page, checkup, words)
    add_missing_exports(page, checkup, words)
    if group_not_judged(checkup):
        page.add_heading(words.say("heading.not_judged"))
    for members in group_not_judged(checkup):
        add_not_judged(page, members, words)
    if select_refused(checkup):
        page.add_heading(words.say("heading.refused"))
    for files in group_refused(select_refused(checkup)):
        add_refused(page, files, words)
    _add_sources(page, checkup, words)
    _add_deadlines(page, checkup, words)
    _add_replies(page, checkup, words)
    _add_method(page, checkup, words)


def _add_platform(page: Page, checkup: Checkup, words: Words) -> None:
    """Each limit of the platform with the store's figure."""
    if checkup.platform_view:
        page.add_heading(words.say("heading.platform"))
    for line in checkup.platform_view:
        page.add(TextRun(line.code, "bold", keep=True), f"  {words.render(line.title)}", indent=2, hang=4)
        page.add("  ".join(describe_limit(line, words)), indent=4, hang=4)


def _add_depth(page: Page, finding: Finding, indent: int, words: Words) -> None:
    """Why it matters, where the limits come from, its days, figures beside it, drivers and rows."""
    page.add(words.render(finding.why), indent=indent)
    parts = [text for text in (describe_source(finding, words), describe_days(finding.window, words)) if text]
    page.add(TextRun("  ".join(parts), "dim"), indent=indent)
    for name, text in list_beside(finding, words):
        page.add(f"{name}{words.say('unit.colon')}", TextRun(text, keep=True), indent=indent, hang=indent + 2)
    for name, text in compare_printed(finding, words):
        page.add(f"{name}{words.say('unit.colon')}", text, indent=indent, hang=indent + 2)
    if finding.money_at_risk:
        money = describe_money(finding.money_at_risk, words)
        page.add(f"{words.say('against.money_name')}{words.say('unit.colon')}{money}", indent=indent, hang=indent + 2)
    rows = describe_rows(finding, words)
    if rows:
        page.add(rows, indent=indent, hang=indent + 2)
    for text in list_own_slices(finding, words):
        page.add(text, indent=indent, hang=indent + 2)
    if finding.causes:
        page.add(TextRun(words.say("heading.causes"), "italic"), indent=indent)
    for text in list_causes(finding, words):
        page.add(text, indent=indent + 2, hang=indent + 4)
    if finding.drivers:
        page.add(TextRun(words.say("heading.drivers"), "italic"), indent=indent)
    for driver in finding.drivers:
        page.add(
            TextRun(format_segment(driver.segment, words), keep=True),
            f"  {describe_driver(driver, words)}",
            indent=indent + 2,
        )
    _add_rows(page, finding, indent, words)


def _add_rows(page: Page, finding: Finding, indent: int, words: Words) -> None:
    rows = finding.evidence.rows[:ROWS]
    if rows:
        page.add(TextRun(words.say("heading.evidence"), "italic"), indent=indent)
    for row in rows:
        page.add(*_format_row(page, row, words), indent=indent + 2, hang=indent + 4)
    more = summarise_rows(finding, len(rows), words)
    if rows and more:
        page.add(TextRun(more, "dim"), indent=indent + 2)


def _format_row(page: Page, row: EvidenceRow, words: Words) -> list[TextRun | str]:
    place = TextRun(format_place(row), page.link("dim", row.file), keep=True)
    parts: list[TextRun | str] = [place, "  ", TextRun(row.entity or "—", "bold", keep=True)]
    parts += ["  ", TextRun(words.format_moment(row.at), keep=True), f"  {words.say(f'outcome.{row.outcome}')}"]
    parts += [f"  {words.say(f'row_state.{row.state}')}"] if row.state in UNSEEN else []
    for name, value in row.details.items():
        parts += ["  ", TextRun(format_detail(name, value, words), keep=True)]
    return parts


def _add_sources(page: Page, checkup: Checkup, words: Words) -> None:
    page.add_heading(words.say("heading.sources"))
    for source in checkup.sources:
        parts = [fact for fact in (source.layout, source.encoding, ", ".join(source.tables)) if fact]
        parts.append(words.count("count.rows", source.rows))
        parts += [words.count("count.repeated", source.duplicates - source.duplicates_elsewhere)]
        parts += [words.count("count.elsewhere", source.duplicates_elsewhere)] if source.duplicates_elsewhere else []
        parts += [words.count("count.rejected", source.rejected)]
        parts += [f"{words.format_moment(source.first)} – {words.format_moment(source.last)}"] if source.first else []
        parts += [words.render(source.note)] if source.note else []
        page.add(TextRun(source.path, "bold", keep=True), f"  {'  '.join(parts)}", indent=2, hang=4)


def _add_deadlines(page: Page, checkup: Checkup, words: Words) -> None:
    if checkup.deadlines:
        page.add_heading(words.say("heading.due"))
    for deadline in sorted(checkup.deadlines, key=lambda deadline: deadline.due_at):
        parts = describe_deadline(deadline, words)
        page.add(TextRun(f"{deadline.kind} {deadline.id}", "bold", keep=True), f"  {'  '.join(parts)}", indent=2)


def _add_replies(page: Page, checkup: Checkup, words: Words) -> None:
    lines = describe_replies(checkup, words)
    if lines:
        page.add_heading(words.say("heading.replies"))
    for line in lines:
        page.add(line, indent=2)


def _add_method(page: Page, checkup: Checkup, words: Words) -> None:
    method = checkup.method
    page.add_heading(words.say("heading.method"))
    page.add(words.say("screen.rules", digest=method.rules_digest), f"  storehealth {checkup.tool.version}", indent=2)
    for recommendation in checkup.recommendations:
        page.add(
            f"{recommendation.id}{words.say('unit.colon')}",
            words.say("screen.assumption", text=words.render(recommendation.assumption)),
            indent=2,
        )
    for caveat in method.caveats:
        page.add(words.render(caveat), indent=2)
    if method.facts:
        page.add_heading(words.say("heading.facts"))
    for name, fact in method.facts.items():
        page.add(TextRun(name, "bold", keep=True), f"  {words.render(fact)}", indent=2, hang=4)
