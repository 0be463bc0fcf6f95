"""Sentences shared by all output formats. Text from the dossier and the exports is not escaped here: formats do that."""

from __future__ import annotations

from storehealth.deposit.standing import Answer, Attachment, ItemStanding, PaperNote, Row, Standing
from storehealth.deposit.words import Words

CERTAIN = ("given", "official")
SHOWN = 5


def status(item: ItemStanding, words: Words) -> str:
    """Word the status of an item beyond its state: since when, until when, what it waits for."""
    parts = [*_word_cause(item, words), *_word_dates(item, words)]
    if item.returned:
        parts.append(words.say("returned", count=item.returned))
    return " · ".join(parts)


def _word_cause(item: ItemStanding, words: Words) -> list[str]:
    if item.state == "blocked":
        return [item.obstacle]
    if item.state == "later":
        return [words.say("waits_for", items=words.listed(item.waiting_for))]
    if item.state == "open" and item.again:
        return [words.say("send_again")]
    if item.state == "open" and item.returned and item.waiting_for:
        return [words.say("came_back", items=words.listed(item.waiting_for))]
    if item.state == "waiting":
        who = [words.desk(item.who)] if item.who != "merchant" else []
        if item.days_waiting is None:
            return who
        return [*who, words.days("days_waiting", "day_waiting", item.days_waiting, since=item.since)]
    return [str(item.since)] if item.state == "done" and item.since else []


def _word_dates(item: ItemStanding, words: Words) -> list[str]:
    parts = []
    if item.due and item.overdue:
        parts.append(words.say("was_due", on=item.due))
    elif item.deadline:
        parts.append(words.say("due_on", on=item.deadline))
    elif item.chase_on:
        parts.append(words.say("ask_on", on=item.chase_on))
    if item.ready_on and item.state in ("waiting", "open"):
        parts.append(_word_end_of_period(item, words))
    return parts


def _word_end_of_period(item: ItemStanding, words: Words) -> str:
    if item.state == "open":
        return words.say("ready_now", on=item.ready_on)
    if item.ready_least:
        return words.say("ready_between", least=item.ready_least, on=item.ready_on)
    return words.say("ready_on", on=item.ready_on)


def unsure(item: ItemStanding, words: Words) -> str:
    """Return ``(unverified)`` and such, to be appended to the text; empty for what is certain."""
    return "" if item.source.sure in CERTAIN else words.aside(words.sure(item.source.sure))


def next_lines(standing: Standing, words: Words) -> list[str]:
    """Word the next step, then what follows."""
    if standing.finished_on:
        return [words.say("finished", on=standing.finished_on)]
    lines = []
    for place, name in enumerate(standing.next):
        item = standing.item(name)
        head = words.say("next" if place == 0 else "then")
        action, detail = (
            _word_reminder(item, words) if item.overdue and item.who != "merchant" else (item.what, status(item, words))
        )
        lines.append(f"{head}{words.colon}{action}{unsure(item, words)} [{name}]" + (f" — {detail}" if detail else ""))
    return lines or [words.say("nothing_now")]


def _word_reminder(item: ItemStanding, words: Words) -> tuple[str, str]:
    """Word whom to ask what, and how long they have had it."""
    if item.days_waiting is None:
        return item.ask, status(item, words)
    return item.ask, words.days("asked_late", "asked_late_one", item.days_waiting, on=item.due)


def earliest_line(standing: Standing, words: Words) -> str:
    """Word the earliest day for the refund or the application; empty if it is unknown or past."""
    earliest = standing.earliest
    if earliest is None:
        return ""
    days = words.say("span_days", least=earliest.least, most=earliest.on) if earliest.least else str(earliest.on)
    return words.say(f"earliest_{earliest.until}", on=f"{days}{words.aside(words.sure(earliest.sure))}")


def desk_lines(standing: Standing, words: Words) -> list[tuple[str, str]]:
    """Word the days of each desk that has had the case: the desk, the days."""
    lines = []
    for desk in standing.desks:
        if desk.days_now is None and not desk.days_total:
            continue
        if desk.days_now is None:
            text = words.say("desk_none", total=desk.days_total)
        else:
            text = words.say("desk_line", now=desk.days_now, total=desk.days_total)
        lines.append((words.desk(desk.who), f"{text}  {', '.join(desk.items)}".rstrip()))
    return lines


def detail_lines(item: ItemStanding, words: Words) -> list[tuple[str, str]]:
    """Word everything the checklist and the dossier know of an item, as labels and texts."""
    lines = [(words.say("who"), words.desk(item.who)), (words.say("why"), item.why)]
    if item.takes:
        lines.append((words.say("takes"), words.span(item.takes) + words.aside(words.sure(item.takes.source.sure))))
    lines += [(words.say("papers"), _word_paper(paper, words)) for paper in item.papers]
    lines += [(words.say("returns"), reason.text + words.aside(words.sure(reason.sure))) for reason in item.returns]
    lines += [
        (words.say("attached"), f"{file.name}{words.aside(_word_file(file))}{words.colon}{words.say(file.now)}")
        for file in item.attachments
    ]
    origin = " ".join(part for part in (item.source.title, item.source.ref and f"[{item.source.ref}]") if part)
    since = f", {item.source.effective_from}" if item.source.effective_from else ""
    lines.append((words.say("source"), f"{origin}{since}{words.aside(words.sure(item.source.sure))}"))
    return lines


def _word_file(file: Attachment) -> str:
    return f"{file.on}, {file.size} B, sha256 {file.sha256[:12]}"


def _word_paper(paper: PaperNote, words: Words) -> str:
    name = paper.name if paper.sure in CERTAIN else paper.name + words.aside(words.sure(paper.sure))
    return f"{name} — {words.say('draft', name=paper.draft.replace('_', '-'))}" if paper.draft else name


def answer_lines(answer: Answer, words: Words, shown: int = SHOWN) -> list[str]:
    """Word what the files say to one question: the headline, then rows with file and line."""
    head = asked(answer, words) + words.colon
    if answer.state == "unknown":
        return [f"{head}{_word_needs(answer, words)}", *_word_menus(answer, words)]
    if answer.question == "refund_date":
        return [f"{head}{_word_refund_date(answer, words)}", *_word_orders(answer, words)]
    if answer.state == "clear":
        return [f"{head}{words.say('none_in_files')}{words.aside(_word_span(answer, words))}"]
    counts = words.listed(f"{words.row_state(state)} {count}" for state, count in answer.by_state.items())
    lines = [f"{head}{answer.count}{words.aside(words.semicolon.join((counts, _word_span(answer, words))))}"]
    lines += [row_line(row, words) for row in answer.rows[:shown]]
    if (answer.count or 0) > shown:
        lines.append(words.say("more_rows", shown=shown, count=answer.count))
    return lines


def asked(answer: Answer, words: Words) -> str:
    """Word what was asked of the exports."""
    is_application = answer.question == "refund_date" and answer.until == "apply"
    return words.moment("apply") if is_application else words.question(answer.question)


def _word_needs(answer: Answer, words: Words) -> str:
    if answer.starts:
        return words.say("rows_begin", on=answer.starts)
    return words.say("no_file_tells", needs=" / ".join(words.need(need) for need in answer.needs))


def _word_menus(answer: Answer, words: Words) -> list[str]:
    if not answer.how_to_export:
        return []
    return [words.say("export_from", menus=words.semicolon.join(answer.how_to_export))]


def _word_span(answer: Answer, words: Words) -> str:
    """Word which days the files cover, as far as is known."""
    if answer.last is None:
        return words.say("cover_unknown")
    if answer.first is None:
        return words.say("cover_to", last=answer.last)
    return words.say("cover", first=answer.first, last=answer.last)


def row_line(row: Row, words: Words) -> str:
    """``orders.csv:12  2601  shipped  2026-01-02``."""
    day = row.at.date().isoformat() if row.at else ""
    return "  ".join(part for part in (f"{row.file}:{row.line}", row.id or "", words.row_state(row.state), day) if part)


def _word_refund_date(answer: Answer, words: Words) -> str:
    least, most = answer.period_days or (0, 0)
    days = str(most) if least == most else f"{least}-{most}"
    sure = words.aside(words.sure(answer.period_sure or "assumed"))
    if answer.earliest_least:
        return words.say("earliest_range", least=answer.earliest_least, on=answer.earliest, days=days, sure=sure)
    return words.say("earliest", on=answer.earliest, days=days, sure=sure)


def _word_orders(answer: Answer, words: Words) -> list[str]:
    last = answer.last_completed
    lines = []
    if last and last.at:
        order = words.say("last_completed", id=last.id, on=last.at.date())
        lines.append(f"{order}  {last.file}:{last.line}")
    if answer.unfinished:
        phrase = "still_moves_one" if answer.unfinished == 1 else "still_moves"
        lines.append(words.say(phrase, count=answer.unfinished))
    return lines
