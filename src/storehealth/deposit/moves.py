"""What a merchant can write into the dossier, and what cannot be: checked against the dossier under its lock."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from storehealth.catalogue.common import Language
from storehealth.deposit.checklist import Checklist, Item
from storehealth.deposit.dates import later
from storehealth.deposit.dossier import Dossier, Made, append
from storehealth.deposit.entries import Attach, Begin, Deadline, Log, Mark, State, Undo
from storehealth.deposit.words import words
from storehealth.errors import UsageError

CHUNK = 1 << 20


@dataclass(frozen=True)
class Matter:
    """One store's matter on one platform; ``today`` is the only clock.

    Every method appends one entry and returns it with what else there is to tell. All raise UsageError, and write
    nothing, when the entry cannot be: unknown item, a day that cannot be, a damaged dossier.
    """

    checklist: Checklist
    path: Path
    store: str
    today: date
    language: Language = "en"
    after_sales_days: int | None = None

    def mark(self, name: str, state: State, on: date, note: str = "") -> tuple[Made, list[str]]:
        """Say that an item is done, open again, or waits for its desk, since a day."""
        item = self.checklist.item(name)
        _not_in_future(on, self.today)
        remarks: list[str] = []

        def make(dossier: Dossier) -> Made:
            marks = _marks(dossier)
            _after_last_mark(item, on, marks)
            _after_what_it_needs(item, state, on, marks)
            _before_what_rests_on_it(self.checklist, item, state, on, marks)
            remarks.extend(self._remarks(item, state, on, marks))
            return Mark(**self._head(dossier), item=item.id, state=state, on=on, note=note)

        entry, told = self._append(make)
        return entry, [*told, *remarks]

    def log(self, text: str, on: date, name: str | None = None) -> tuple[Made, list[str]]:
        """Note what happened; with an item, it counts as a reminder to that item's desk."""
        item = self.checklist.item(name).id if name else None
        _not_in_future(on, self.today)
        if not text.strip():
            raise UsageError("there is nothing to log", 'Write what happened: log "called settlement, they have it".')
        return self._append(lambda dossier: Log(**self._head(dossier), text=text.strip(), on=on, item=item))

    def attach(self, name: str, file: Path, note: str = "") -> tuple[Made, list[str]]:
        """Remember a file of an item by name, size and digest. The file stays where it is."""
        item = self.checklist.item(name).id
        size, digest = fingerprint(file)
        where = file.expanduser().absolute()

        def make(dossier: Dossier) -> Made:
            head = self._head(dossier)
            return Attach(
                **head, item=item, path=str(where), name=where.name, size=size, sha256=digest, on=self.today, note=note
            )

        return self._append(make)

    def deadline(self, name: str, due: date | None, note: str = "") -> tuple[Made, list[str]]:
        """Set the day by which an item must move, or take it away."""
        item = self.checklist.item(name)
        if due is not None and due < self.today:
            raise UsageError(
                f"a deadline on {due} lies in the past (today is {self.today})", "Give a day from today on."
            )

        def make(dossier: Dossier) -> Made:
            last = _marks(dossier).get(item.id, [])
            if last and last[-1].state == "done":
                raise UsageError(f"{item.id} is done since {last[-1].on}", f"First: mark {item.id} open.")
            return Deadline(**self._head(dossier), item=item.id, due=due, on=self.today, note=note)

        return self._append(make)

    def undo(self) -> tuple[Made, Made, list[str]]:
        """Take the last entry that counts out of force; both stay in the file."""
        undone: list[Made] = []

        def make(dossier: Dossier) -> Made:
            counting = dossier.in_force()
            if not counting:
                raise UsageError("there is nothing to undo", "The dossier holds no entry that counts.")
            undone.append(counting[-1])
            return Undo(**self._head(dossier), undoes=counting[-1].n, on=self.today)

        entry, told = self._append(make)
        return entry, undone[0], told

    def _append(self, make: Callable[[Dossier], Made]) -> tuple[Made, list[str]]:
        begin = Begin(n=0, written=self.today, platform=self.checklist.name, store=self.store)
        entry, aside = append(self.path, begin, make)
        say = words(self.language).say
        return entry, [say("torn_aside", name=self.path.name, aside=aside.name)] if aside else []

    def _head(self, dossier: Dossier) -> dict[str, Any]:
        check_owner(dossier, self.checklist.name, self.store)
        return {"n": max(dossier.next_number, 1), "written": self.today}

    def _remarks(self, item: Item, state: State, on: date, marks: dict[str, list[Mark]]) -> list[str]:
        """What is odd about a mark, though it can be."""
        say = words(self.language)
        if state == "open":
            anew = say.listed(self.checklist.sent_for(item))
            return [f"{item.id}{say.colon}{say.say('came_back', items=anew)}"] if anew else []
        missing = [name for name in item.blocked_by if not _is_done(marks.get(name))]
        told = [say.say("after_items", item=item.id, items=say.listed(missing))] if missing else []
        own = marks.get(item.id)
        if state == "done" and own and own[-1].state == "done" and on != own[-1].on:
            told.append(say.say("done_twice", item=item.id, on=own[-1].on))
        if state == "done":
            running = (item, *(self.checklist.item(name) for name in missing))
            told += [text for one in running if (text := self._still_runs(one, on, marks.get(one.id)))]
        return told

    def _still_runs(self, item: Item, on: date, marks: list[Mark] | None) -> str:
        """That a period which must pass runs on beyond a day."""
        if item.takes is None or item.takes.kind != "at_least" or not marks or marks[-1].state != "waiting":
            return ""
        own = self.after_sales_days if item.answered_by == "refund_date" else None
        over = later(marks[-1].on, item.takes.most if own is None else own, item.takes.unit)
        say, sure = words(self.language), self.checklist.sources[item.takes.source].sure
        return say.say("period_runs", item=item.id, over=over, sure=say.sure(sure)) if on < over else ""


def check_owner(dossier: Dossier, platform: str, store: str) -> None:
    """Refuse a dossier that belongs to another platform or store. One begun without a store belongs to any.

    Raises:
        UsageError: It does.
    """
    begin = dossier.begin
    if begin and (begin.platform != platform or begin.store not in ("", store)):
        raise UsageError(
            f"the dossier {dossier.path} is that of store {begin.store!r} on {begin.platform}",
            f"Give --platform {begin.platform} --store {begin.store!r}, or another --dossier.",
        )


def fingerprint(file: Path) -> tuple[int, str]:
    """Size in bytes and SHA-256 of a file.

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


def _marks(dossier: Dossier) -> dict[str, list[Mark]]:
    """Marks in force by item, in the order written."""
    found: dict[str, list[Mark]] = {}
    for entry in dossier.in_force():
        if isinstance(entry, Mark):
            found.setdefault(entry.item, []).append(entry)
    return found


def _is_done(marks: list[Mark] | None) -> bool:
    return bool(marks) and marks is not None and marks[-1].state == "done"


def _not_in_future(on: date, today: date) -> None:
    if on > today:
        raise UsageError(
            f"{on} lies in the future (today is {today})", "Mark what has happened; for what will, set a deadline."
        )


def _after_last_mark(item: Item, on: date, marks: dict[str, list[Mark]]) -> None:
    own = marks.get(item.id)
    if own and on < own[-1].on:
        raise UsageError(
            f"{item.id} was marked {own[-1].state} on {own[-1].on}; it cannot change on {on}, before that",
            "Give a later --on, or undo the earlier mark first.",
        )


def _before_what_rests_on_it(
    checklist: Checklist, item: Item, state: State, on: date, marks: dict[str, list[Mark]]
) -> None:
    """An item cannot be done for the first time after something that rests on it."""
    if state != "done" or any(mark.state == "done" for mark in marks.get(item.id, ())):
        return
    for later_one in checklist.items:
        own = marks.get(later_one.id)
        if item.id in later_one.blocked_by and own and own[-1].state == "done" and own[-1].on < on:
            raise UsageError(
                f"{item.id} cannot be done on {on}: {later_one.id}, which rests on it, was done on {own[-1].on}",
                f"Check the two days; if {later_one.id} is to be done again, first mark it open.",
            )


def _after_what_it_needs(item: Item, state: State, on: date, marks: dict[str, list[Mark]]) -> None:
    """An item cannot be done before what it rests on was done for the first time."""
    if state != "done":
        return
    for name in item.blocked_by:
        first = next((mark.on for mark in marks.get(name, ()) if mark.state == "done"), None)
        if first and on < first:
            raise UsageError(
                f"{item.id} cannot be done on {on}: {name}, which it rests on, was done on {first}",
                "Check the two days; undo takes back the last entry.",
            )
