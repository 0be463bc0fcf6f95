"""What a merchant can enter in the dossier, each entry checked under its lock, and ``[deposit]`` of ``storehealth.toml``.

Days are read as people write them, and counted in calendar or working days.
``[deposit]`` says who the merchant is and where the deposit goes. Every key is optional.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from storehealth.catalogue.checklist import Checklist, ChecklistItem, Unit
from storehealth.errors import UsageError
from storehealth.refund.dossier import (
    AttachEntry,
    BeginEntry,
    CaseEntry,
    DeadlineEntry,
    Dossier,
    LogEntry,
    MarkEntry,
    MarkState,
    UndoEntry,
    append_entry,
)
from storehealth.settings.model import explain_problems, find_line
from storehealth.support.atomic_files import describe_os_error
from storehealth.support.message import Message, Name, lines, message, verbatim
from storehealth.support.validation import InvalidValue

FORMS = (
    re.compile(r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})"),
    re.compile(r"(?P<y>\d{4})\s*年\s*(?P<m>\d{1,2})\s*月\s*(?P<d>\d{1,2})\s*日?"),
    re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})"),
)
TODAY = frozenset({"today", "hoy", "今天"})
YESTERDAY = frozenset({"yesterday", "ayer", "昨天"})
EARLIEST = date(2000, 1, 1)
SATURDAY = 5


def parse_day(text: str, today: date) -> date:
    """Parse a day: 2026-03-01, 2026/3/1, 2026年3月1日, today, yesterday.

    Raises:
        UsageError: It is not a calendar day, or is not written year first.
    """
    word = text.strip().lower()
    if word in TODAY | YESTERDAY:
        return today - timedelta(days=int(word in YESTERDAY))
    match = next((hit for pattern in FORMS if (hit := pattern.fullmatch(word))), None)
    if match is None:
        raise UsageError(message("refund.no_date", text=Name(text)), message("refund.write_date"))
    try:
        day = date(int(match["y"]), int(match["m"]), int(match["d"]))
    except ValueError:
        raise UsageError(message("refund.no_calendar_day", text=Name(text)), message("refund.write_date")) from None
    if day < EARLIEST:
        raise UsageError(
            message("refund.year_too_early", text=Name(text), year=Name(EARLIEST.year)), message("refund.check_year")
        )
    return day


def add_days(day: date, count: int, unit: Unit) -> date:
    """Return the day ``count`` days later. Working days are Monday to Friday; public holidays are unknown here."""
    if unit == "days":
        return day + timedelta(days=count)
    while count > 0:
        day += timedelta(days=1)
        count -= day.weekday() < SATURDAY
    return day


Marks = Mapping[str, list[MarkEntry]]
"""Marks in force by item, in the order written."""
BLANK = "________"
MAX_LENGTH = 300


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
    after_sales_days: int | None = None

    def mark(self, name: str, state: MarkState, on: date, note: str = "") -> tuple[CaseEntry, list[Message]]:
        """Mark an item as done, open again, or waiting for its desk, since a day."""
        item = self.checklist.get_item(name)
        self._check_not_in_future(on)
        remarks: list[Message] = []

        def make(dossier: Dossier) -> CaseEntry:
            marks = _group_marks(dossier)
            _check_after_last_mark(item, on, marks)
            if state == "done":
                _check_after_prerequisites(item, on, marks)
                _check_before_dependents(self.checklist, item, on, marks)
            remarks[:] = self._find_remarks(item, state, on, marks)
            return MarkEntry(**self._make_head(dossier), item=item.id, state=state, on=on, note=note)

        return self._append(make), remarks

    def log(self, text: str, on: date, name: str | None = None) -> CaseEntry:
        """Log an event; with an item, it counts as a reminder to that item's desk."""
        item = self.checklist.get_item(name).id if name else None
        self._check_not_in_future(on)
        if not text.strip():
            raise UsageError(message("refund.nothing_to_log"), message("refund.write_log"))
        return self._append(lambda dossier: LogEntry(**self._make_head(dossier), text=text.strip(), on=on, item=item))

    def attach(self, name: str, file: Path, note: str = "") -> CaseEntry:
        """Record a file of an item by name, size and digest. The file stays where it is."""
        item = self.checklist.get_item(name).id
        size, digest = compute_fingerprint(file)
        path = file.expanduser().absolute()
        content = {"path": str(path), "name": path.name, "size": size, "sha256": digest, "on": self.today, "note": note}
        return self._append(lambda dossier: AttachEntry(**self._make_head(dossier), item=item, **content))

    def set_deadline(self, name: str, due: date | None, note: str = "") -> CaseEntry:
        """Set the day by which an item must progress, or remove it."""
        item = self.checklist.get_item(name)
        if due is not None and due < self.today:
            raise UsageError(message("refund.deadline_past", due=due, today=self.today), message("refund.from_today"))

        def make(dossier: Dossier) -> CaseEntry:
            marks = _group_marks(dossier).get(item.id, [])
            if marks and marks[-1].state == "done":
                raise UsageError(
                    message("refund.done_since", item=Name(item.id), on=marks[-1].on),
                    message("refund.mark_open_first", item=Name(item.id)),
                )
            return DeadlineEntry(**self._make_head(dossier), item=item.id, due=due, on=self.today, note=note)

        return self._append(make)

    def undo(self) -> CaseEntry:
        """Take the last entry out of force and return it; both stay in the dossier."""
        targets: list[CaseEntry] = []

        def make(dossier: Dossier) -> CaseEntry:
            targets[:] = dossier.list_active_entries()[-1:]
            if not targets:
                raise UsageError(message("refund.nothing_to_undo"), message("refund.no_entry"))
            return UndoEntry(**self._make_head(dossier), undoes=targets[0].n, on=self.today)

        self._append(make)
        return targets[0]

    def _append(self, make: Callable[[Dossier], CaseEntry]) -> CaseEntry:
        begin = BeginEntry(n=0, written=self.today, platform=self.checklist.name, store=self.store)
        return append_entry(self.path, begin, make)

    def _make_head(self, dossier: Dossier) -> dict[str, Any]:
        check_owner(dossier, self.checklist.name, self.store)
        return {"n": max(dossier.next_number, 1), "written": self.today}

    def _check_not_in_future(self, on: date) -> None:
        if on > self.today:
            raise UsageError(message("refund.in_future", on=on, today=self.today), message("refund.mark_the_past"))

    def _find_remarks(self, item: ChecklistItem, state: MarkState, on: date, marks: Marks) -> list[Message]:
        """Return remarks on a mark that is possible, but unusual."""
        if state == "open":
            papers = tuple(map(Name, self.checklist.list_papers_to_redo(item)))
            came_back = message("refund.came_back", items=papers)
            return [message("refund.labelled", label=_name(item), text=came_back)] if papers else []
        missing = [name for name in item.blocked_by if not _is_done(marks.get(name))]
        remarks = [message("refund.after_items", item=_name(item), items=tuple(map(Name, missing)))] if missing else []
        if state != "done":
            return remarks
        mark = marks.get(item.id)
        if mark and mark[-1].state == "done" and on != mark[-1].on:
            remarks.append(message("refund.done_twice", item=_name(item), on=mark[-1].on))
        for period in (item, *(self.checklist.get_item(name) for name in missing)):
            remarks += self._find_running_period(period, on, marks.get(period.id))
        return remarks

    def _find_running_period(self, item: ChecklistItem, on: date, marks: list[MarkEntry] | None) -> list[Message]:
        """Remark on a period that must pass and is not over on a day."""
        if item.takes is None or item.takes.kind != "at_least" or not marks or marks[-1].state != "waiting":
            return []
        days = self.after_sales_days if item.answered_by == "refund_date" else None
        end = add_days(marks[-1].on, item.takes.most if days is None else days, item.takes.unit)
        sure = self.checklist.sources[item.takes.source].sure
        certainty = message(f"refund.sureness.{sure}")
        return [message("refund.period_runs", item=_name(item), end=end, certainty=certainty)] if on < end else []


def check_owner(dossier: Dossier, platform: str, store: str) -> None:
    """Refuse a dossier of another platform or store. One that names no store fits any.

    Raises:
        UsageError: It belongs to another platform or store.
    """
    begin = dossier.begin
    if begin and (begin.platform != platform or begin.store not in ("", store)):
        owner = {"store": Name(begin.store), "platform": Name(begin.platform)}
        raise UsageError(
            message("refund.other_owner", path=Name(dossier.path), **owner), message("refund.name_owner", **owner)
        )


def compute_fingerprint(file: Path) -> tuple[int, str]:
    """Return size in bytes and SHA-256 of a file.

    Raises:
        UsageError: It is not a file, or cannot be read.
    """
    try:
        with file.expanduser().open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            return stream.tell(), digest
    except OSError as error:
        reason = describe_os_error(error)
        raise UsageError(
            message("refund.not_attached", path=Name(file), why=reason), message("refund.give_file")
        ) from None


def _name(item: ChecklistItem) -> Name:
    return Name(item.id)


def _group_marks(dossier: Dossier) -> Marks:
    marks: dict[str, list[MarkEntry]] = {}
    for entry in dossier.list_active_entries():
        if isinstance(entry, MarkEntry):
            marks.setdefault(entry.item, []).append(entry)
    return marks


def _is_done(marks: list[MarkEntry] | None) -> bool:
    return bool(marks) and marks is not None and marks[-1].state == "done"


def _check_after_last_mark(item: ChecklistItem, on: date, marks: Marks) -> None:
    mark = marks.get(item.id)
    if mark and on < mark[-1].on:
        state = message(f"refund.states.{mark[-1].state}")
        raise UsageError(
            message("refund.marked_later", item=_name(item), state=state, last=mark[-1].on, on=on),
            message("refund.give_later_day"),
        )


def _check_before_dependents(checklist: Checklist, item: ChecklistItem, on: date, marks: Marks) -> None:
    """Refuse an item that would be done for the first time after an item that depends on it."""
    if any(mark.state == "done" for mark in marks.get(item.id, ())):
        return
    for dependent in checklist.items:
        later = marks.get(dependent.id)
        if item.id in dependent.blocked_by and later and _is_done(later) and later[-1].on < on:
            names = {"item": _name(item), "dependent": _name(dependent)}
            raise UsageError(
                message("refund.dependent_done", on=on, when=later[-1].on, **names),
                message("refund.mark_dependent_open", dependent=_name(dependent)),
            )


def _check_after_prerequisites(item: ChecklistItem, on: date, marks: Marks) -> None:
    """Refuse an item that would be done before its prerequisites were done for the first time."""
    for name in item.blocked_by:
        first = next((mark.on for mark in marks.get(name, ()) if mark.state == "done"), None)
        if first and on < first:
            raise UsageError(
                message("refund.prerequisite_later", item=_name(item), on=on, prerequisite=Name(name), when=first),
                message("refund.check_days"),
            )


def _check_line(value: Any) -> Any:
    """Accept one line of text. A number in TOML would lose its leading zeros, so it has to be quoted."""
    if not isinstance(value, str):
        raise InvalidValue(message("refund.write_in_quotes"))
    if len(value) > MAX_LENGTH or re.search(r"[\x00-\x1f\x7f]", value):
        raise InvalidValue(message("refund.write_on_one_line"))
    return value.strip()


def _check_email(value: Any) -> Any:
    if value != "" and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", _check_line(value)):
        raise InvalidValue(message("refund.write_email"))
    return value.strip()


def _to_decimal(value: Any) -> Any:
    """Convert money from its decimal notation, so that no binary fraction gets in."""
    return Decimal(str(value)) if isinstance(value, float) else value


SingleLine = Annotated[str, BeforeValidator(_check_line)]
Email = Annotated[str, BeforeValidator(_check_email)]
Money = Annotated[Decimal, BeforeValidator(_to_decimal), Field(gt=0, max_digits=18, decimal_places=2)]


class MerchantDetails(BaseModel):
    """The values that fill in the papers. A key that is not set stays a visible blank."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    company: SingleLine | None = Field(default=None, description="Contracting company, as in the contract.")
    credit_code: SingleLine | None = Field(default=None, description="Unified social credit code, or tax number.")
    legal_representative: SingleLine | None = None
    store: SingleLine | None = Field(
        default=None, description="Store's name on the platform, if not the top-level store."
    )
    store_id: SingleLine | None = None
    contract_number: SingleLine | None = None
    contact: SingleLine | None = None
    phone: SingleLine | None = None
    email: Email | None = None
    address: SingleLine | None = None
    account_name: SingleLine | None = Field(
        default=None, description="Name of the account; it should be the company's."
    )
    bank: SingleLine | None = None
    account: SingleLine | None = Field(default=None, description="Account number, in quotes.")
    amount: Money | None = Field(default=None, description="The deposit paid.")
    currency: SingleLine | None = None
    paid_on: date | None = Field(default=None, description="Day the deposit was paid.")
    receipt_number: SingleLine | None = None
    closed_on: date | None = Field(default=None, description="Day the store stopped selling.")
    recipient: SingleLine | None = Field(default=None, description="Whom the papers are addressed to.")
    recipient_address: SingleLine | None = None
    after_sales_days: int | None = Field(default=None, ge=0, le=1000, description="Overrides the checklist's period.")
    chase_every: int | None = Field(
        default=None, ge=1, le=365, description="Overrides the checklist's reminder interval, in days."
    )

    def format_value(self, name: str) -> str:
        """Return the value as printed in a paper, or a visible blank."""
        if name == "amount" and self.amount is not None:
            return f"{self.amount:,.2f} {self.currency or BLANK}"
        value = getattr(self, name)
        return BLANK if value in (None, "") else str(value)

    def find_missing_key(self, name: str) -> str:
        """Return the key to set so that a value leaves no blank; empty if it leaves none."""
        if BLANK not in self.format_value(name):
            return ""
        return "currency" if name == "amount" and self.amount is not None else name

    def list_remarks(self, today: date) -> tuple[Message, ...]:
        """List what the platform would probably send back: days in the future, an account of another name."""
        days = (("closed_on", self.closed_on), ("paid_on", self.paid_on))
        remarks = [
            message("refund.setting_in_future", key=Name(f"deposit.{key}"), day=day, today=today)
            for key, day in days
            if day and day > today
        ]
        if self.company and self.account_name and self.company != self.account_name:
            remarks.append(message("refund.other_account_name"))
        return tuple(remarks)


class _Section(BaseModel):
    """The settings file as far as it matters here, so that problems name ``deposit.key``."""

    deposit: MerchantDetails


def read_merchant_details(section: Mapping[str, Any], path: Path) -> MerchantDetails:
    """Validate the section.

    Args:
        section: ``[deposit]`` as read from TOML.
        path: The settings file, for messages.

    Raises:
        UsageError: With one line for each invalid key.
    """
    try:
        return _Section.model_validate({"deposit": dict(section)}).deposit
    except ValidationError as error:
        places = {f"deposit.{key}": verbatim(f"{path.name}:{_find_line(path, key)}") for key in section}
        problems = lines(explain_problems(error, _Section, places, ()))
        known = tuple(map(Name, MerchantDetails.model_fields))
        raise UsageError(problems, message("refund.setting_keys", keys=known)) from None


def _find_line(path: Path, key: str) -> int:
    return find_line(path, ("deposit", key)) if path.is_file() else 1
