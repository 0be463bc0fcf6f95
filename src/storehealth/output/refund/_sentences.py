"""Sentences shared by all output formats. Text from the dossier and the exports is not escaped here: formats do that."""

from __future__ import annotations

from storehealth.refund.status import CaseAttachment, CaseStatus, ExportAnswer, ExportRow, ItemStatus, PaperNote
from storehealth.refund.words import RefundWords

CERTAIN = ("given", "official")
SHOWN = 5


def render_status(item: ItemStatus, words: RefundWords) -> str:
    """Word the status of an item beyond its state: since when, until when, what it waits for."""
    parts = [*_word_cause(item, words), *_word_dates(item, words)]
    if item.returned:
        parts.append(words.render("returned", count=item.returned))
    return " · ".join(parts)


def _word_cause(item: ItemStatus, words: RefundWords) -> list[str]:
    if item.state == "blocked":
        return [item.obstacle]
    if item.state == "later":
        return [words.render("waits_for", items=words.join(item.waiting_for))]
    if item.state == "open" and item.again:
        return [words.render("send_again")]
    if item.state == "open" and item.returned and item.waiting_for:
        return [words.render("came_back", items=words.join(item.waiting_for))]
    if item.state == "waiting":
        who = [words.name_desk(item.who)] if item.who != "merchant" else []
        if item.days_waiting is None:
            return who
        return [*who, words.render_days("days_waiting", "day_waiting", item.days_waiting, since=item.since)]
    return [str(item.since)] if item.state == "done" and item.since else []


def _word_dates(item: ItemStatus, words: RefundWords) -> list[str]:
    parts = []
    if item.due and item.overdue:
        parts.append(words.render("was_due", on=item.due))
    elif item.deadline:
        parts.append(words.render("due_on", on=item.deadline))
    elif item.chase_on:
        parts.append(words.render("ask_on", on=item.chase_on))
    if item.ready_on and item.state in ("waiting", "open"):
        parts.append(_word_end_of_period(item, words))
    return parts


def _word_end_of_period(item: ItemStatus, words: RefundWords) -> str:
    if item.state == "open":
        return words.render("ready_now", on=item.ready_on)
    if item.ready_least:
        return words.render("ready_between", least=item.ready_least, on=item.ready_on)
    return words.render("ready_on", on=item.ready_on)


def render_certainty(item: ItemStatus, words: RefundWords) -> str:
    """Return ``(unverified)`` and such, to be appended to the text; empty for what is certain."""
    return "" if item.source.sure in CERTAIN else words.bracket(words.name_certainty(item.source.sure))


def render_next_steps(standing: CaseStatus, words: RefundWords) -> list[str]:
    """Word the next step, then what follows."""
    if standing.finished_on:
        return [words.render("finished", on=standing.finished_on)]
    lines = []
    for place, name in enumerate(standing.next):
        item = standing.get_item(name)
        head = words.render("next" if place == 0 else "then")
        action, detail = (
            _word_reminder(item, words)
            if item.overdue and item.who != "merchant"
            else (item.what, render_status(item, words))
        )
        lines.append(
            f"{head}{words.colon}{action}{render_certainty(item, words)} [{name}]" + (f" — {detail}" if detail else "")
        )
    return lines or [words.render("nothing_now")]


def _word_reminder(item: ItemStatus, words: RefundWords) -> tuple[str, str]:
    """Word whom to ask what, and how long they have had it."""
    if item.days_waiting is None:
        return item.ask, render_status(item, words)
    return item.ask, words.render_days("asked_late", "asked_late_one", item.days_waiting, on=item.due)


def render_earliest_date(standing: CaseStatus, words: RefundWords) -> str:
    """Word the earliest day for the refund or the application; empty if it is unknown or past."""
    earliest = standing.earliest
    if earliest is None:
        return ""
    days = words.render("span_days", least=earliest.least, most=earliest.on) if earliest.least else str(earliest.on)
    return words.render(f"earliest_{earliest.until}", on=f"{days}{words.bracket(words.name_certainty(earliest.sure))}")


def render_desks(standing: CaseStatus, words: RefundWords) -> list[tuple[str, str]]:
    """Word the days of each desk that has had the case: the desk, the days."""
    lines = []
    for desk in standing.desks:
        if desk.days_now is None and not desk.days_total:
            continue
        if desk.days_now is None:
            text = words.render("desk_none", total=desk.days_total)
        else:
            text = words.render("desk_line", now=desk.days_now, total=desk.days_total)
        lines.append((words.name_desk(desk.who), f"{text}  {', '.join(desk.items)}".rstrip()))
    return lines


def render_details(item: ItemStatus, words: RefundWords) -> list[tuple[str, str]]:
    """Word everything the checklist and the dossier know of an item, as labels and texts."""
    lines = [(words.render("who"), words.name_desk(item.who)), (words.render("why"), item.why)]
    if item.takes:
        lines.append(
            (
                words.render("takes"),
                words.render_duration(item.takes) + words.bracket(words.name_certainty(item.takes.source.sure)),
            )
        )
    lines += [(words.render("papers"), _word_paper(paper, words)) for paper in item.papers]
    lines += [
        (words.render("returns"), reason.text + words.bracket(words.name_certainty(reason.sure)))
        for reason in item.returns
    ]
    lines += [
        (words.render("attached"), f"{file.name}{words.bracket(_word_file(file))}{words.colon}{words.render(file.now)}")
        for file in item.attachments
    ]
    origin = " ".join(part for part in (item.source.title, item.source.ref and f"[{item.source.ref}]") if part)
    since = f", {item.source.effective_from}" if item.source.effective_from else ""
    lines.append((words.render("source"), f"{origin}{since}{words.bracket(words.name_certainty(item.source.sure))}"))
    return lines


def _word_file(file: CaseAttachment) -> str:
    return f"{file.on}, {file.size} B, sha256 {file.sha256[:12]}"


def _word_paper(paper: PaperNote, words: RefundWords) -> str:
    name = paper.name if paper.sure in CERTAIN else paper.name + words.bracket(words.name_certainty(paper.sure))
    return f"{name} — {words.render('draft', name=paper.draft.replace('_', '-'))}" if paper.draft else name


def render_answer(answer: ExportAnswer, words: RefundWords, shown: int = SHOWN) -> list[str]:
    """Word what the files say to one question: the headline, then rows with file and line."""
    head = render_question(answer, words) + words.colon
    if answer.state == "unknown":
        return [f"{head}{_word_needs(answer, words)}", *_word_menus(answer, words)]
    if answer.question == "refund_date":
        return [f"{head}{_word_refund_date(answer, words)}", *_word_orders(answer, words)]
    if answer.state == "clear":
        return [f"{head}{words.render('none_in_files')}{words.bracket(_word_span(answer, words))}"]
    counts = words.join(f"{words.name_row_state(state)} {count}" for state, count in answer.by_state.items())
    lines = [f"{head}{answer.count}{words.bracket(words.semicolon.join((counts, _word_span(answer, words))))}"]
    lines += [render_row(row, words) for row in answer.rows[:shown]]
    if (answer.count or 0) > shown:
        lines.append(words.render("more_rows", shown=shown, count=answer.count))
    return lines


def render_question(answer: ExportAnswer, words: RefundWords) -> str:
    """Word what was asked of the exports."""
    is_application = answer.question == "refund_date" and answer.until == "apply"
    return words.name_date_kind("apply") if is_application else words.name_question(answer.question)


def _word_needs(answer: ExportAnswer, words: RefundWords) -> str:
    if answer.starts:
        return words.render("rows_begin", on=answer.starts)
    return words.render("no_file_tells", needs=" / ".join(words.name_need(need) for need in answer.needs))


def _word_menus(answer: ExportAnswer, words: RefundWords) -> list[str]:
    if not answer.how_to_export:
        return []
    return [words.render("export_from", menus=words.semicolon.join(answer.how_to_export))]


def _word_span(answer: ExportAnswer, words: RefundWords) -> str:
    """Word which days the files cover, as far as is known."""
    if answer.last is None:
        return words.render("cover_unknown")
    if answer.first is None:
        return words.render("cover_to", last=answer.last)
    return words.render("cover", first=answer.first, last=answer.last)


def render_row(row: ExportRow, words: RefundWords) -> str:
    """``orders.csv:12  2601  shipped  2026-01-02``."""
    day = row.at.date().isoformat() if row.at else ""
    return "  ".join(
        part for part in (f"{row.file}:{row.line}", row.id or "", words.name_row_state(row.state), day) if part
    )


def _word_refund_date(answer: ExportAnswer, words: RefundWords) -> str:
    least, most = answer.period_days or (0, 0)
    days = str(most) if least == most else f"{least}-{most}"
    sure = words.bracket(words.name_certainty(answer.period_sure or "assumed"))
    if answer.earliest_least:
        return words.render("earliest_range", least=answer.earliest_least, on=answer.earliest, days=days, sure=sure)
    return words.render("earliest", on=answer.earliest, days=days, sure=sure)


def _word_orders(answer: ExportAnswer, words: RefundWords) -> list[str]:
    last = answer.last_completed
    lines = []
    if last and last.at:
        order = words.render("last_completed", id=last.id, on=last.at.date())
        lines.append(f"{order}  {last.file}:{last.line}")
    if answer.unfinished:
        phrase = "still_moves_one" if answer.unfinished == 1 else "still_moves"
        lines.append(words.render(phrase, count=answer.unfinished))
    return lines
