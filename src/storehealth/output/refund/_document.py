"""A refund case as sentences of one language, in the order in which all formats print them.

Text of the dossier and the exports is not escaped here: formats do that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

from storehealth.catalogue.checklist import CERTAIN, Certainty
from storehealth.i18n import has_text, translate
from storehealth.refund.status import (
    CaseStatus,
    ExportAnswer,
    ExportRow,
    ItemDuration,
    ItemState,
    ItemStatus,
    add_certainty,
    word_date,
)
from storehealth.support.message import Message, Name, clauses, message

SHOWN_ROWS = 20
SEPARATOR = " · "
Say = Callable[[Message], str]


class Detail(NamedTuple):
    """Something known of an item: a label and a text, also as one line. ``key`` names the kind."""

    key: str
    label: str
    text: str
    line: str


class ItemBlock(NamedTuple):
    """An item: what it is, its state and what goes with the state, notes, and details."""

    id: str
    state: ItemState
    overdue: bool
    what: str
    state_name: str
    status: str
    detail: str
    note: str
    details: tuple[Detail, ...]

    @property
    def state_line(self) -> str:
        """The state and what goes with it."""
        return SEPARATOR.join(filter(None, (self.state_name, self.status)))

    @property
    def notes(self) -> tuple[str, ...]:
        """The checklist's sentence and the merchant's note, as far as there are any."""
        return tuple(filter(None, (self.detail, self.note)))


class StageBlock(NamedTuple):
    """A stage and its items."""

    title: str
    state: str
    items: tuple[ItemBlock, ...]


class Entry(NamedTuple):
    """A line of a section: a label and a text, as one line, and lines below it."""

    label: str
    text: str
    line: str
    rows: tuple[str, ...] = ()


class Section(NamedTuple):
    """A heading and its lines."""

    key: str
    title: str
    entries: tuple[Entry, ...]


class CaseDocument(NamedTuple):
    """Everything that is printed of a case."""

    title: str
    facts: tuple[str, ...]
    outlook: tuple[str, ...]
    steps: tuple[str, ...]
    about: str
    stages: tuple[StageBlock, ...]
    sections: tuple[Section, ...]
    closing: str


def build_document(status: CaseStatus, shown_rows: int = SHOWN_ROWS) -> CaseDocument:
    """Word the status in its language; of the rows of each answer at most ``shown_rows``."""
    say: Say = partial(translate, language=status.language)
    sections = (_build_section(key, entries, say) for key, entries in _iter_sections(status, shown_rows, say))
    return CaseDocument(
        title=say(status.title),
        facts=tuple(map(say, _iter_facts(status))),
        outlook=tuple(map(say, _iter_outlook(status))),
        steps=tuple(word_steps(status)),
        about=say(status.about),
        stages=tuple(
            StageBlock(say(stage.title), say(word_state(stage.state)), tuple(_build_item(i, say) for i in stage.items))
            for stage in status.stages
        ),
        sections=tuple(section for section in sections if section.entries),
        closing=f"{say(message('refund.working_day_note'))} {say(message('refund.not_advice'))}",
    )


def label(key: Message, text: Message | Name) -> Message:
    """A label and its text: ``Store: Fern``."""
    return message("refund.labelled", label=key, text=text)


def word_state(state: str) -> Message:
    """Name a state."""
    return message(f"refund.states.{state}")


def word_steps(status: CaseStatus) -> Iterator[str]:
    """Word the next step, then what follows."""
    say: Say = partial(translate, language=status.language)
    if status.finished_on:
        yield say(message("refund.finished", on=status.finished_on))
    elif not status.next:
        yield say(message("refund.nothing_now"))
    else:
        for place, name in enumerate(status.next):
            yield _word_step(status.get_item(name), place, say)


def _word_step(item: ItemStatus, place: int, say: Say) -> str:
    is_reminder = item.overdue and item.who != "merchant"
    action = item.ask if is_reminder else item.what
    detail = _word_status(item, say)
    if is_reminder and item.days_waiting is not None and item.due:
        detail = say(message("refund.asked_late", n=item.days_waiting, on=item.due))
    head = say(label(message("refund.then" if place else "refund.next"), _mark_uncertain(action, item.source.sure)))
    return f"{head} [{item.id}]" + (f" — {detail}" if detail else "")


def _mark_uncertain(text: Message, sure: Certainty) -> Message:
    return text if sure in CERTAIN else add_certainty(text, sure)


def _iter_facts(status: CaseStatus) -> Iterator[Message]:
    if status.store:
        yield message("refund.store", store=Name(status.store))
    yield message("refund.as_of", day=status.as_of)


def _iter_outlook(status: CaseStatus) -> Iterator[Message]:
    if status.next_chase:
        yield message("refund.next_chase", on=status.next_chase)
    earliest = status.earliest
    if earliest:
        span = message("refund.period_ends", least=earliest.least, most=earliest.on) if earliest.least else None
        yield add_certainty(message(f"refund.earliest_{earliest.until}", on=span or earliest.on), earliest.sure)


# -- items -----------------------------------------------------------------------------------------------------------


def _build_item(item: ItemStatus, say: Say) -> ItemBlock:
    details = ((key, message(f"refund.{key}"), text) for key, text in _iter_details(item))
    return ItemBlock(
        id=item.id,
        state=item.state,
        overdue=item.overdue,
        what=say(_mark_uncertain(item.what, item.source.sure)),
        state_name=say(word_state(item.state)),
        status=_word_status(item, say),
        detail=say(item.detail) if item.detail else "",
        note=item.note,
        details=tuple(Detail(key, say(name), say(text), say(label(name, text))) for key, name, text in details),
    )


def _word_status(item: ItemStatus, say: Say) -> str:
    """Word what goes with the state of an item: since when, until when, what it waits for."""
    parts = [*_iter_causes(item), *_iter_dates(item)]
    if item.returned:
        parts.append(message("refund.returned", n=item.returned))
    return SEPARATOR.join(map(say, parts))


def _iter_causes(item: ItemStatus) -> Iterator[Message]:
    waiting_for = tuple(map(Name, item.waiting_for))
    if item.state == "blocked" and item.obstacle:
        yield item.obstacle
    elif item.state == "later":
        yield message("refund.waits_for", items=waiting_for)
    elif item.state == "open" and item.again:
        yield message("refund.send_again")
    elif item.state == "open" and item.returned and waiting_for:
        yield message("refund.came_back", items=waiting_for)
    elif item.state == "waiting":
        if item.who != "merchant":
            yield message(f"refund.desks.{item.who}")
        if item.days_waiting is not None and item.since:
            yield message("refund.days_waiting", n=item.days_waiting, since=item.since)
    elif item.state == "done" and item.since:
        yield message("refund.day", day=item.since)


def _iter_dates(item: ItemStatus) -> Iterator[Message]:
    if item.due and item.overdue:
        yield message("refund.was_due", on=item.due)
    elif item.deadline:
        yield message("refund.due_on", on=item.deadline)
    elif item.chase_on:
        yield message("refund.ask_on", on=item.chase_on)
    if item.ready_on and item.state == "open":
        yield message("refund.ready_now", on=item.ready_on)
    elif item.ready_on and item.state == "waiting":
        if item.ready_least:
            yield message("refund.ready_between", least=item.ready_least, on=item.ready_on)
        else:
            yield message("refund.ready_on", on=item.ready_on)


def _iter_details(item: ItemStatus) -> Iterator[tuple[str, Message]]:
    """Yield everything the checklist and the dossier know of an item."""
    yield "who", message(f"refund.desks.{item.who}")
    yield "why", item.why
    if item.takes:
        yield "takes", add_certainty(word_duration(item.takes), item.takes.source.sure)
    for paper in item.papers:
        name = _mark_uncertain(paper.name, paper.sure)
        draft = Name(paper.draft.replace("_", "-")) if paper.draft else None
        yield "papers", message("refund.paper_with_draft", name=name, draft=draft) if draft else name
    yield from (("returns", add_certainty(reason.text, reason.sure)) for reason in item.returns)
    for file in item.attachments:
        now, digest = message(f"refund.{file.now}"), Name(file.sha256[:12])
        text = message("refund.attachment", name=Name(file.name), on=file.on, size=file.size, digest=digest, now=now)
        yield "attached", text
    source = item.source
    ref = message("refund.with_ref", title=source.title, ref=Name(source.ref)) if source.ref else source.title
    since = message("refund.in_force_from", source=ref, on=source.effective_from) if source.effective_from else ref
    yield "source", add_certainty(since, source.sure)


def word_duration(takes: ItemDuration) -> Message:
    """Word how long something takes: usually 15-30 working days."""
    return message(f"refund.{takes.kind}", span=_word_span(takes.least, takes.most, takes.unit))


def _word_span(least: int, most: int, unit: str = "days") -> Message:
    if least == most:
        return message(f"refund.{unit}", n=most)
    if least:
        return message(f"refund.{unit}_between", least=least, n=most)
    return message(f"refund.{unit}_at_most", n=most)


# -- sections --------------------------------------------------------------------------------------------------------


def _build_section(key: str, entries: Iterable[Entry], say: Say) -> Section:
    return Section(key, say(message(f"refund.{key}")), tuple(entries))


def _iter_sections(status: CaseStatus, shown_rows: int, say: Say) -> Iterator[tuple[str, Iterable[Entry]]]:
    answers = ([say(line) for line in word_answer(answer, shown_rows)] for answer in status.answers)
    yield "from_files", (Entry("", head, head, tuple(rows)) for head, *rows in answers)
    yield "desks", _iter_desks(status, say)
    yield "dates", (_make_entry(str(moment.on), f"{say(word_date(moment))} [{moment.item}]") for moment in status.dates)
    yield "log", (_make_entry(str(line.on), f"{line.item or ''} {say(line.text)}".strip()) for line in status.log)
    yield "warnings", (_make_entry("", say(warning)) for warning in status.warnings)
    yield "remarks", (_make_entry("", say(add_certainty(remark.text, remark.sure))) for remark in status.remarks)


def _make_entry(label: str, text: str) -> Entry:
    return Entry(label, text, f"{label} {text}".strip())


def _iter_desks(status: CaseStatus, say: Say) -> Iterator[Entry]:
    """Yield the days of each desk that has had the case."""
    for desk in status.desks:
        if desk.days_now is None and not desk.days_total:
            continue
        name = message(f"refund.desks.{desk.who}")
        if desk.days_now is None:
            days = message("refund.desk_none", total=desk.days_total)
        else:
            days = message("refund.desk_line", now=desk.days_now, total=desk.days_total)
        items = f"  {', '.join(desk.items)}" if desk.items else ""
        yield Entry(say(name), say(days) + items, say(label(name, days)) + items)


def word_answer(answer: ExportAnswer, shown_rows: int) -> Iterator[Message]:
    """Word what the files say to one question: the headline, then rows with file and line."""
    question = word_question(answer)
    if answer.state == "unknown":
        needs = tuple(_word_need(need) for need in answer.needs)
        yield label(
            question,
            message("refund.rows_begin", on=answer.starts)
            if answer.starts
            else message("refund.no_file_tells", needs=needs),
        )
        if answer.how_to_export:
            yield message("refund.export_from", menus=clauses(answer.how_to_export))
    elif answer.question == "refund_date":
        yield label(question, _word_refund_date(answer))
        yield from _iter_orders(answer)
    elif answer.state == "clear":
        yield label(
            question, message("refund.with_note", text=message("refund.none_in_files"), note=_word_days(answer))
        )
    else:
        states = [message("refund.state_count", state=word_row_state(s), n=n) for s, n in answer.by_state.items()]
        note = clauses((message("refund.counts", counts=tuple(states)), _word_days(answer)))
        total = message("refund.row_count", n=answer.count or 0)
        yield label(question, message("refund.with_note", text=total, note=note))
        yield from (_word_row(row) for row in answer.rows[:shown_rows])
        if (answer.count or 0) > shown_rows:
            yield message("refund.more_rows", shown=shown_rows, n=answer.count or 0)


def word_question(answer: ExportAnswer) -> Message:
    """Word what was asked of the exports."""
    if answer.question == "refund_date" and answer.until == "apply":
        return message("refund.moments.apply")
    return message(f"refund.questions.{answer.question}")


def word_row_state(state: str | None) -> Message | Name:
    """Name the state of a row; one that has no name is shown as it is."""
    key = f"refund.order_states.{state or 'unknown'}"
    return message(f"refund.order_states.{state or 'unknown'}") if has_text(key) else Name(state or "")


def _word_need(need: str) -> Message:
    """Name a table, or a table's column, that no file has."""
    table, _, column = need.partition(".")
    name = message(f"refund.tables.{table}")
    return message("refund.with_note", text=name, note=message(f"refund.columns.{column}")) if column else name


def _word_days(answer: ExportAnswer) -> Message:
    """Word which days the files cover, as far as is known."""
    if answer.last is None:
        return message("refund.cover_unknown")
    if answer.first is None:
        return message("refund.cover_to", last=answer.last)
    return message("refund.cover", first=answer.first, last=answer.last)


def _word_row(row: ExportRow) -> Message:
    """``orders.csv:12  2601  shipped  2026-01-02``."""
    place = Name(f"{row.file}:{row.line}")
    parts = (place, Name(row.id or ""), word_row_state(row.state), Name(row.at.date() if row.at else ""))
    return message("refund.row", parts=tuple(part for part in parts if part))


def _word_refund_date(answer: ExportAnswer) -> Message:
    days = _word_span(*(answer.period_days or (0, 0)))
    period = message("refund.with_note", text=days, note=message(f"refund.sureness.{answer.period_sure or 'assumed'}"))
    if answer.earliest is None:
        return period
    if answer.earliest_least:
        return message("refund.earliest_range", least=answer.earliest_least, on=answer.earliest, period=period)
    return message("refund.earliest", on=answer.earliest, period=period)


def _iter_orders(answer: ExportAnswer) -> Iterator[Message]:
    last = answer.last_completed
    if last and last.at:
        place = Name(f"{last.file}:{last.line}")
        yield message("refund.last_completed", id=Name(last.id or ""), on=last.at.date(), place=place)
    if answer.unfinished:
        yield message("refund.still_moves", n=answer.unfinished)
