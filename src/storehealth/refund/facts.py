"""What a case's status is derived from: checklist, dossier, answers, day, and the history of the marks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from storehealth.catalogue.checklist import Checklist, ChecklistItem, Question
from storehealth.refund.dossier import DeadlineEntry, Dossier, LogEntry, MarkEntry
from storehealth.refund.status import ExportAnswer
from storehealth.support.message import Message


@dataclass(frozen=True)
class StatusRequest:
    """What to derive a status for: day, answers of the exports, numbers that override the checklist's."""

    as_of: date
    answers: tuple[ExportAnswer, ...] = ()
    chase_every: int | None = None
    warnings: tuple[Message, ...] = ()
    after_sales_days: int | None = None


@dataclass
class DeskWait:
    """The days a desk has an item; ``until`` None means it still has it."""

    since: date
    until: date | None = None

    def count_days(self, today: date) -> int:
        """Return the calendar days of the wait."""
        return ((self.until or today) - self.since).days


@dataclass
class MarkHistory:
    """The history of the marks: last mark, waits and returns of each item."""

    last: dict[str, MarkEntry] = field(default_factory=dict)
    waits: dict[str, list[DeskWait]] = field(default_factory=dict)
    returned: dict[str, int] = field(default_factory=dict)
    handed_over: set[str] = field(default_factory=set)
    to_resend: set[str] = field(default_factory=set)
    """Items that sent papers of which one has come back since: they have to be sent again."""

    def is_done(self, name: str) -> bool:
        """Whether an item is marked done."""
        return name in self.last and self.last[name].state == "done"

    def list_reopened(self, item: ChecklistItem) -> tuple[str, ...]:
        """Return the prerequisites of an item that were reopened: marked open or waiting, not merely never marked."""
        return tuple(name for name in item.blocked_by if name in self.last and not self.is_done(name))

    def find_current_wait(self, name: str) -> DeskWait | None:
        """Return the wait an item is in now, if any."""
        waits = self.waits.get(name)
        return waits[-1] if waits and waits[-1].until is None else None


@dataclass(frozen=True)
class CaseFacts:
    """Everything an item's status is derived from."""

    checklist: Checklist
    dossier: Dossier
    request: StatusRequest
    history: MarkHistory
    answers: Mapping[Question, ExportAnswer]
    deadlines: Mapping[str, DeadlineEntry]
    reminders: Mapping[str, date]
    finished_on: date | None = None

    @property
    def reminder_days(self) -> int:
        """Days to wait for a desk whose usual time is unknown, and between two reminders."""
        return self.request.chase_every or self.checklist.chase.every

    def is_settled(self, name: str) -> bool:
        """Whether an item is done, and nothing it sent has come back since."""
        return self.history.is_done(name) and name not in self.history.to_resend

    def find_answer(self, item: ChecklistItem) -> ExportAnswer | None:
        """Return what the exports say about an item; None if they were not read or the item has no question."""
        return self.answers.get(item.answered_by) if item.answered_by else None


def gather_facts(checklist: Checklist, dossier: Dossier, request: StatusRequest) -> CaseFacts:
    """Gather the facts. Entries dated after the requested day are not known yet."""
    entries = dossier.list_active_entries(request.as_of)
    listed_ids = {item.id for item in checklist.items}
    history = replay_marks(
        checklist, (entry for entry in entries if isinstance(entry, MarkEntry) and entry.item in listed_ids)
    )
    final = next(item for item in checklist.items if item.final)
    reminders: dict[str, date] = {}
    for entry in entries:
        if isinstance(entry, LogEntry) and entry.item:
            reminders[entry.item] = max(entry.on, reminders.get(entry.item, entry.on))
    return CaseFacts(
        checklist=checklist,
        dossier=dossier,
        request=request,
        history=history,
        answers={answer.question: answer for answer in request.answers},
        deadlines={entry.item: entry for entry in entries if isinstance(entry, DeadlineEntry)},
        reminders=reminders,
        finished_on=history.last[final.id].on if history.is_done(final.id) else None,
    )


def replay_marks(checklist: Checklist, marks: Iterable[MarkEntry]) -> MarkHistory:
    """Replay the marks in the order of their days.

    A desk has an item when the merchant marks it ``waiting``, and also as soon as all its prerequisites are done: once
    the papers are mailed, the settlement department has the receipt without a further mark. A paper that came back and
    was redone reaches its desk with the next mailing; the wait of a desk that kept its own paper continues.
    """
    history = MarkHistory()
    for mark in sorted(marks, key=lambda mark: (mark.on, mark.n)):
        _apply_mark(history, checklist, mark)
        for item in checklist.items:
            _update_wait(history, item, mark)
    return history


def _apply_mark(history: MarkHistory, checklist: Checklist, mark: MarkEntry) -> None:
    previous = history.last.get(mark.item)
    if mark.state == "open" and (previous is None or previous.state != "open"):
        was_out = previous is not None or history.find_current_wait(mark.item) is not None
        history.returned[mark.item] = history.returned.get(mark.item, 0) + int(was_out)
    history.last[mark.item] = mark
    if mark.state == "open":
        history.handed_over.discard(mark.item)
        history.to_resend |= {item.id for item in checklist.items if _has_sent(history, item, mark.item)}
    if mark.state == "done":
        history.to_resend.discard(mark.item)
        history.handed_over |= {item.id for item in checklist.items if _hands_over(history, item, mark.item)}


def _has_sent(history: MarkHistory, item: ChecklistItem, returned: str) -> bool:
    return item.sends and returned in item.blocked_by and history.is_done(item.id)


def _hands_over(history: MarkHistory, item: ChecklistItem, done: str) -> bool:
    return item.who != "merchant" and done in item.blocked_by and all(history.is_done(name) for name in item.blocked_by)


def _update_wait(history: MarkHistory, item: ChecklistItem, applied: MarkEntry) -> None:
    """Start or end the wait of an item after a mark was applied.

    An item marked waiting again starts a new wait: the papers arrived, or went out again.
    """
    mark = history.last.get(item.id)
    is_marked = mark is not None and mark.state == "waiting"
    is_handed_over = item.id in history.handed_over and (mark is None or mark.state == "open")
    waits = (is_marked or is_handed_over) and not history.list_reopened(item)
    running = history.find_current_wait(item.id)
    if running is None and history.to_resend.intersection(item.blocked_by):
        return  # what came back has not been mailed again yet
    if running is not None and (not waits or (is_marked and applied.item == item.id)):
        running.until = applied.on
        running = None
    if waits and running is None:
        history.waits.setdefault(item.id, []).append(DeskWait(applied.on))
