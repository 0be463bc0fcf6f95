"""Everything a checkup knows, below the picture: all findings with drivers and rows, files, sources, method."""

from __future__ import annotations

from storehealth.console.page import Page, Piece
from storehealth.console.verdicts import add_finding, add_not_judged, add_refused, by_urgency, grouped, refused
from storehealth.model import Checkup, Driver, EvidenceRow, Finding
from storehealth.wording import Words

ROWS = 20
"""Evidence rows shown per finding."""


def add_details(page: Page, checkup: Checkup, words: Words) -> None:
    """All findings, what could not be judged, files, deadlines, reply times and method."""
    page.heading(words.say("heading.all_findings"))
    for finding in by_urgency(checkup.findings):
        page.blank()
        add_finding(page, finding, words)
        _add_depth(page, finding, words)
    if checkup.not_judged:
        page.heading(words.say("heading.not_judged"))
    for members, menus in grouped(checkup.not_judged):
        add_not_judged(page, members, menus, words)
    if refused(checkup):
        page.heading(words.say("heading.refused"))
    for source in refused(checkup):
        add_refused(page, source, words)
    _add_sources(page, checkup, words)
    _add_deadlines(page, checkup, words)
    _add_replies(page, checkup, words)
    _add_method(page, checkup, words)


def _add_depth(page: Page, finding: Finding, words: Words) -> None:
    """Why it matters, where the limits come from, its days, figures beside it, drivers and rows."""
    page.add(finding.why, indent=8)
    page.add(*(Piece(part + "  ", "dim", keep=True) for part in origin(finding, words)), indent=8)
    for one in finding.beside:
        counts = f"  {words.whole(one.defects)}/{words.whole(one.judged)}" if one.judged is not None else ""
        value = words.figure(one.value, "share") if one.judged is not None else words.decimal(one.value)
        page.add(Piece(one.name, keep=True), f"  {value}{counts}", indent=8)
    if finding.drivers:
        page.add(Piece(words.say("heading.drivers"), "italic"), indent=8)
    for driver in finding.drivers:
        page.add(Piece(segment(driver.segment), keep=True), f"  {driver_text(driver, words)}", indent=10)
    _add_rows(page, finding, words)


def origin(finding: Finding, words: Words) -> list[str]:
    """Where the limits come from, how sure that is, and the days the finding looks at."""
    source, said = finding.limit_source, []
    if finding.limit is not None or finding.target is not None:
        since = (
            f", {words.say('screen.from_day', day=words.day(source.effective_from))}" if source.effective_from else ""
        )
        said.append(f"{source.source} ({words.say(f'verified.{source.verified}')}{since})")
    window = finding.window
    if window.first or window.last:
        said.append(words.say("screen.window", first=words.day(window.first), last=words.day(window.last)))
    else:
        said.append(words.say("screen.all_days"))
    return said


def segment(parts: dict[str, str | None]) -> str:
    """A slice as ``agent_id=amy hour=21``."""
    return " ".join(f"{name}={'—' if value is None else value}" for name, value in parts.items())


def driver_text(driver: Driver, words: Words) -> str:
    """How much of the defects a slice holds."""
    return words.say(
        "screen.share_of_misses",
        share=words.figure(driver.share_of_defects, "share"),
        defects=words.whole(driver.defects),
        judged=words.whole(driver.judged),
    )


def _add_rows(page: Page, finding: Finding, words: Words) -> None:
    rows, total = finding.evidence.rows[:ROWS], finding.evidence.count
    if not rows:
        return
    page.add(Piece(words.say("heading.evidence"), "italic"), indent=8)
    for row in rows:
        page.add(*_row(row, words), indent=10, hang=12)
    if total > len(rows):
        said = words.say("screen.showing", shown=words.whole(len(rows)), total=words.whole(total))
        if finding.evidence.file:
            said += words.say("unit.comma") + words.say("screen.all_in", file=finding.evidence.file)
        page.add(Piece(said, "dim"), indent=10)


def _row(row: EvidenceRow, words: Words) -> list[Piece | str]:
    where = f"{row.file or '—'}:{row.line if row.line is not None else '—'}"
    parts: list[Piece | str] = [Piece(where, "dim", keep=True), "  ", Piece(row.entity or "—", "bold", keep=True)]
    parts += ["  ", Piece(words.moment(row.at), keep=True), f"  {words.say(f'outcome.{row.outcome}')}"]
    for name, value in row.details.items():
        parts += ["  ", Piece(f"{name}={shown_value(value)}", keep=True)]
    return parts


def shown_value(value: str | int | float | bool | None) -> str:
    """A value of an evidence row; a dash where there is none."""
    if value is None:
        return "—"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _add_sources(page: Page, checkup: Checkup, words: Words) -> None:
    page.heading(words.say("heading.sources"))
    for source in checkup.sources:
        said = [words.count("count.rows", source.rows)]
        said += [words.count(f"count.{key}", getattr(source, key)) for key in ("duplicates", "rejected")]
        facts = [fact for fact in (source.layout, source.encoding, ", ".join(source.tables)) if fact]
        days = f"{words.moment(source.first)} – {words.moment(source.last)}" if source.first else ""
        page.add(Piece(source.path, "bold", keep=True), "  ", "  ".join([*facts, *said, days, source.note]),
                 indent=2, hang=4)  # fmt: skip


def _add_deadlines(page: Page, checkup: Checkup, words: Words) -> None:
    if checkup.deadlines:
        page.heading(words.say("heading.due"))
    for one in sorted(checkup.deadlines, key=lambda deadline: deadline.due_at):
        said = [words.moment(one.due_at), words.say("screen.hours_left", hours=words.decimal(one.hours_left))]
        if one.amount_at_risk is not None:
            said.append(words.say("screen.at_risk", amount=words.decimal(one.amount_at_risk, 2)))
        page.add(Piece(f"{one.kind} {one.id}", "bold", keep=True), "  ", "  ".join(said), indent=2)


def _add_replies(page: Page, checkup: Checkup, words: Words) -> None:
    summary = checkup.distributions.reply_time_summary
    if summary is None:
        return
    page.heading(words.say("heading.replies"))
    for line in reply_lines(checkup, words):
        page.add(line, indent=2)


def reply_lines(checkup: Checkup, words: Words) -> list[str]:
    """Quantiles of reply time and how many replies came within so many seconds."""
    summary, lines = checkup.distributions.reply_time_summary, []
    if summary:
        for key, part in (("screen.median", summary.first_replies), ("screen.turns", summary.turns)):
            counts = {name: words.whole(value) for name, value in part.model_dump().items() if isinstance(value, int)}
            times = {name: words.figure(getattr(part, name), "seconds") for name in ("median", "p90")}
            lines.append(words.say(key, **{**counts, **times}))
    for bracket in checkup.distributions.reply_time:
        within = words.say("screen.within", time=words.figure(bracket.within_seconds, "seconds"))
        counted = words.say(
            "screen.answers", first=words.whole(bracket.first_replies), turns=words.whole(bracket.turns)
        )
        lines.append(f"{within}{words.say('unit.colon')}{counted}")
    return lines


def _add_method(page: Page, checkup: Checkup, words: Words) -> None:
    method = checkup.method
    page.heading(words.say("heading.method"))
    page.add(words.say("screen.rules", digest=method.rules_digest), f"  storehealth {checkup.tool.version}", indent=2)
    for caveat in method.caveats:
        page.add(caveat, indent=2)
    if method.facts:
        page.heading(words.say("heading.facts"))
    for name, fact in method.facts.items():
        page.add(Piece(name, "bold", keep=True), f"  {fact}", indent=2, hang=4)
