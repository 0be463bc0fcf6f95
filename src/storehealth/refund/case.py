"""What a merchant can enter in the dossier. Each entry is checked against the dossier under its lock."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from storehealth.catalogue.common import Language
from storehealth.errors import UsageError
from storehealth.refund.checklist import Checklist, ChecklistItem
from storehealth.refund.dates import add_days
from storehealth.refund.dossier import CaseEntry, Dossier, append_entry
from storehealth.refund.entries import AttachEntry, BeginEntry, DeadlineEntry, LogEntry, MarkEntry, MarkState, UndoEntry
from storehealth.refund.words import load_words

CHUNK = 1 << 20


@dataclass(frozen=True)
class RefundCase:
    """One store's case on one platform; ``today`` is the only clock.

    Every method appends one entry and returns it with remarks for the merchant. All raise UsageError, and write nothing,
    if the entry is impossible: an unknown item, an impossible day, a damaged dossier.
    """

    checklist: Checklist
    path: Path
    store: str
    today: date
    language: Language = "en"
    after_sales_days: int | None = None

    def mark(self, name: str, state: MarkState, on: date, note: str = "") -> tuple[CaseEntry, list[str]]:
        """Mark an item as done, open again, or waiting for its desk, since a day."""
        item = self.checklist.get_item(name)
        _check_not_in_future(on, self.today)
        remarks: list[str] = []

        def make(dossier: Dossier) -> CaseEntry:
            marks = _group_marks(dossier)
            _check_after_last_mark(item, on, marks)
            _check_after_prerequisites(item, state, on, marks)
            _check_before_dependents(self.checklist, item, state, on, marks)
            remarks.extend(self._find_remarks(item, state, on, marks))
            return MarkEntry(**self._make_head(dossier), item=item.id, state=state, on=on, note=note)

        entry, notices = self._append(make)
        return entry, [*notices, *remarks]

    def log(self, text: str, on: date, name: str | None = None) -> tuple[CaseEntry, list[str]]:
        """Log an event; with an item, it counts as a reminder to that item's desk."""
        item = self.checklist.get_item(name).id if name else None
        _check_not_in_future(on, self.today)
        if not text.strip():
            raise UsageError("there is nothing to log", 'Write what happened: log "called settlement, they have it".')
        return self._append(lambda dossier: LogEntry(**self._make_head(dossier), text=text.strip(), on=on, item=item))

    def attach(self, name: str, file: Path, note: str = "") -> tuple[CaseEntry, list[str]]:
        """Record a file of an item by name, size and digest. The file stays where it is."""
        item = self.checklist.get_item(name).id
        size, digest = compute_fingerprint(file)
        absolute = file.expanduser().absolute()

        def make(dossier: Dossier) -> CaseEntry:
            head = self._make_head(dossier)
            return AttachEntry(
                **head,
                item=item,
                path=str(absolute),
                name=absolute.name,
                size=size,
                sha256=digest,
                on=self.today,
                note=note,
            )

        return self._append(make)

    def set_deadline(self, name: str, due: date | None, note: str = "") -> tuple[CaseEntry, list[str]]:
        """Set the day by which an item must progress, or remove it."""
        item = self.checklist.get_item(name)
        if due is not None and due < self.today:
            raise UsageError(
                f"a deadline on {due} lies in the past (today is {self.today})", "Give a day from today on."
            )

        def make(dossier: Dossier) -> CaseEntry:
            marks = _group_marks(dossier).get(item.id, [])
            if marks and marks[-1].state == "done":
                raise UsageError(f"{item.id} is done since {marks[-1].on}", f"First: mark {item.id} open.")
            return DeadlineEntry(**self._make_head(dossier), item=item.id, due=due, on=self.today, note=note)

        return self._append(make)

    def undo(self) -> tuple[CaseEntry, CaseEntry, list[str]]:
        """Take the last entry out of force; both stay in the file."""
        targets: list[CaseEntry] = []

        def make(dossier: Dossier) -> CaseEntry:
            counting = dossier.list_active_entries()
            if not counting:
                raise UsageError("there is nothing to undo", "The dossier holds no entry that counts.")
            targets.append(counting[-1])
            return UndoEntry(**self._make_head(dossier), undoes=counting[-1].n, on=self.today)

        entry, remarks = self._append(make)
        return entry, targets[0], remarks

    def _append(self, make: Callable[[Dossier], CaseEntry]) -> tuple[CaseEntry, list[str]]:
        begin = BeginEntry(n=0, written=self.today, platform=self.checklist.name, store=self.store)
        entry, aside = append_entry(self.path, begin, make)
        say = load_words(self.language).render
        return entry, [say("torn_aside", name=self.path.name, aside=aside.name)] if aside else []

    def _make_head(self, dossier: Dossier) -> dict[str, Any]:
        check_owner(dossier, self.checklist.name, self.store)
        return {"n": max(dossier.next_number, 1), "written": self.today}

    def _find_remarks(
        self, item: ChecklistItem, state: MarkState, on: date, marks: dict[str, list[MarkEntry]]
    ) -> list[str]:
        """Return remarks on a mark that is possible, but unusual."""
        say = load_words(self.language)
        if state == "open":
            papers = say.join(self.checklist.list_papers_to_redo(item))
            return [f"{item.id}{say.colon}{say.render('came_back', items=papers)}"] if papers else []
        missing = [name for name in item.blocked_by if not _is_done(marks.get(name))]
        remarks = [say.render("after_items", item=item.id, items=say.join(missing))] if missing else []
        own = marks.get(item.id)
        if state == "done" and own and own[-1].state == "done" and on != own[-1].on:
            remarks.append(say.render("done_twice", item=item.id, on=own[-1].on))
        if state == "done":
            periods = (item, *(self.checklist.get_item(name) for name in missing))
            remarks += [
                text for period in periods if (text := self._describe_running(period, on, marks.get(period.id)))
            ]
        return remarks

    def _describe_running(self, item: ChecklistItem, on: date, marks: list[MarkEntry] | None) -> str:
        """Say that a period that must pass is not over on a day; empty if it is."""
        if item.takes is None or item.takes.kind != "at_least" or not marks or marks[-1].state != "waiting":
            return ""
        own = self.after_sales_days if item.answered_by == "refund_date" else None
        over = add_days(marks[-1].on, item.takes.most if own is None else own, item.takes.unit)
        say, sure = load_words(self.language), self.checklist.sources[item.takes.source].sure
        return say.render("period_runs", item=item.id, over=over, sure=say.name_certainty(sure)) if on < over else ""


def check_owner(dossier: Dossier, platform: str, store: str) -> None:
    """Refuse a dossier of another platform or store. One that names no store fits any.

    Raises:
        UsageError: It belongs to another platform or store.
    """
    begin = dossier.begin
    if begin and (begin.platform != platform or begin.store not in ("", store)):
        raise UsageError(
            f"the dossier {dossier.path} is that of store {begin.store!r} on {begin.platform}",
            f"Give --platform {begin.platform} --store {begin.store!r}, or another --dossier.",
        )


def compute_fingerprint(file: Path) -> tuple[int, str]:
    """Return size in bytes and SHA-256 of a file.

    Raises:
        UsageError: It is no file, or cannot be read.
    """
    total, size = hashlib.sha256(), 0
    try:
        with file.expanduser().open("rb") as stream:
            while chunk := stream.read(CHUNK):
                total.update(chunk)
                size += len(chunk)
    except OSError as error:
        raise UsageError(f"{file} cannot be attached: {error.strerror}", "Give the path of a file.") from None
    return size, total.hexdigest()


def _group_marks(dossier: Dossier) -> dict[str, list[MarkEntry]]:
    """Group the marks in force by item, in the order written."""
    marks: dict[str, list[MarkEntry]] = {}
    for entry in dossier.list_active_entries():
        if isinstance(entry, MarkEntry):
            marks.setdefault(entry.item, []).append(entry)
    return marks


def _is_done(marks: list[MarkEntry] | None) -> bool:
    return bool(marks) and marks is not None and marks[-1].state == "done"


def _check_not_in_future(on: date, today: date) -> None:
    if on > today:
        raise UsageError(
            f"{on} lies in the future (today is {today})", "Mark what has happened; for what will, set a deadline."
        )


def _check_after_last_mark(item: ChecklistItem, on: date, marks: dict[str, list[MarkEntry]]) -> None:
    own = marks.get(item.id)
    if own and on < own[-1].on:
        raise UsageError(
            f"{item.id} was marked {own[-1].state} on {own[-1].on}; it cannot change on {on}, before that",
            "Give a later --on, or undo the earlier mark first.",
        )


def _check_before_dependents(
    checklist: Checklist, item: ChecklistItem, state: MarkState, on: date, marks: dict[str, list[MarkEntry]]
) -> None:
    """Refuse an item that would be done for the first time after an item that depends on it."""
    if state != "done" or any(mark.state == "done" for mark in marks.get(item.id, ())):
        return
    for dependent in checklist.items:
        own = marks.get(dependent.id)
        if item.id in dependent.blocked_by and own and own[-1].state == "done" and own[-1].on < on:
            raise UsageError(
                f"{item.id} cannot be done on {on}: {dependent.id}, which rests on it, was done on {own[-1].on}",
                f"Check the two days; if {dependent.id} is to be done again, first mark it open.",
            )


def _check_after_prerequisites(
    item: ChecklistItem, state: MarkState, on: date, marks: dict[str, list[MarkEntry]]
) -> None:
    """Refuse an item that would be done before its prerequisites were done for the first time."""
    if state != "done":
        return
    for name in item.blocked_by:
        first = next((mark.on for mark in marks.get(name, ()) if mark.state == "done"), None)
        if first and on < first:
            raise UsageError(
                f"{item.id} cannot be done on {on}: {name}, which it rests on, was done on {first}",
                "Check the two days; undo takes back the last entry.",
            )
