"""The status of a refund case: the state of each item, what is next, whom to ask when, with sources, papers and log.

:class:`CaseStatus` is to a refund case what a checkup is to an audit: every output format is a pure function of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from pydantic import Field

from storehealth.catalogue.checklist import (
    CERTAIN,
    Certainty,
    Checklist,
    ChecklistItem,
    Desk,
    Question,
    SourcedText,
    Unit,
)
from storehealth.catalogue.common import Language
from storehealth.errors import UsageError
from storehealth.model import FrozenModel
from storehealth.refund.case import compute_fingerprint
from storehealth.refund.dossier import AttachEntry, CaseEntry, Dossier, LogEntry, MarkEntry
from storehealth.support.message import Message, Name, message, verbatim

STATUS_VERSION = "2.0.0"
ItemState = Literal["done", "open", "blocked", "waiting", "later", "not_needed"]
DateKind = Literal["deadline", "chase", "ready", "refund", "apply"]
SHORTEST = "The same by the shortest period, if it differs."


class ExportRow(FrozenModel):
    """A row of an export; it never holds a personal column."""

    file: str | None
    line: int | None
    id: str | None
    state: str | None
    at: datetime | None


class ExportAnswer(FrozenModel):
    """The answer of the exports to one question. ``unknown`` is neither yes nor no."""

    question: Question
    state: Literal["clear", "pending", "unknown"]
    count: int | None = Field(default=None, description="Rows that prevent the exit; None if no file can tell.")
    by_state: dict[str, int] = {}
    rows: tuple[ExportRow, ...] = Field(
        default=(), description="All of them, oldest first; for the date, the last order."
    )
    first: date | None = Field(default=None, description="First day the files cover for this question.")
    last: date | None = Field(default=None, description="Last day the files cover for this question.")
    last_completed: ExportRow | None = None
    earliest: date | None = Field(default=None, description="Earliest refund date by the longest after-sales period.")
    earliest_least: date | None = Field(default=None, description=SHORTEST)
    period_days: tuple[int, int] | None = None
    period_sure: Certainty | None = None
    until: Literal["refund", "apply"] = Field(default="refund", description="What can happen on the earliest date.")
    unfinished: int | None = Field(default=None, description="Orders still open, which will move the date.")
    needs: tuple[str, ...] = Field(default=(), description="Tables or table.columns that no file has.")
    how_to_export: tuple[Message, ...] = ()
    starts: date | None = Field(default=None, description="First day of the rows, if all are later than the day.")


class SourceNote(FrozenModel):
    """Where a fact comes from and how certain it is."""

    title: Message
    ref: str = ""
    effective_from: date | None = None
    sure: Certainty


class ItemDuration(FrozenModel):
    """How long something takes."""

    kind: Literal["usual", "at_least"]
    least: int
    most: int
    unit: Unit
    source: SourceNote


class CaseAttachment(FrozenModel):
    """A file attached to an item, and whether it has changed since."""

    name: str
    path: str
    size: int
    sha256: str
    on: date
    now: Literal["same", "changed", "gone"]


class PaperNote(FrozenModel):
    """A paper that an item requires."""

    id: str
    name: Message
    sure: Certainty
    draft: str | None = None


class CertainText(FrozenModel):
    """A reason for a return, or a general remark, and how certain it is."""

    text: Message
    sure: Certainty


class ItemStatus(FrozenModel):
    """The status of one item. ``waiting_for`` holds item ids (later, blocked; open: what a desk sent back) or a desk."""

    id: str
    stage: str
    what: Message
    detail: Message | None
    why: Message
    who: Desk
    source: SourceNote
    state: ItemState
    waiting_for: tuple[str, ...] = ()
    since: date | None = Field(default=None, description="Day of the last mark, or since which a desk has it.")
    days_waiting: int | None = None
    deadline: date | None = None
    chase_on: date | None = None
    ready_on: date | None = Field(default=None, description="Day on which a period that must pass is over.")
    ready_least: date | None = Field(default=None, description=SHORTEST)
    overdue: bool = False
    obstacle: Message | None = Field(default=None, description="What prevents it.")
    ask: Message = Field(description="What to ask the desk once its time is up.")
    again: bool = Field(
        default=False, description="It was done, but what it sent came back, so it has to be sent again."
    )
    returned: int = Field(default=0, description="Times it came back: marked open after done or waiting.")
    note: str = ""
    takes: ItemDuration | None = None
    papers: tuple[PaperNote, ...] = ()
    returns: tuple[CertainText, ...] = ()
    attachments: tuple[CaseAttachment, ...] = ()
    answered_by: Question | None = None

    @property
    def due(self) -> date | None:
        """The day after which it is overdue: the deadline, else the day to ask."""
        return self.deadline or self.chase_on


class StageStatus(FrozenModel):
    """A stage and its items."""

    id: str
    title: Message
    state: ItemState
    items: tuple[ItemStatus, ...]


class DeskStatus(FrozenModel):
    """How long a desk has had the case: the current wait, and all waits together, in calendar days."""

    who: Desk
    items: tuple[str, ...] = Field(description="Items it has now.")
    days_now: int | None = Field(description="Days of the longest current wait; None if it has nothing.")
    days_total: int


class CaseDate(FrozenModel):
    """A date to keep: a desk to ask, a deadline, the end of a period."""

    on: date
    kind: DateKind
    item: str
    what: Message
    who: Desk
    overdue: bool
    uid: str = Field(description="The same on every run for the same item and kind of date.")


class EarliestDate(FrozenModel):
    """The earliest day for the refund, or for the application, by the longest after-sales period."""

    on: date
    least: date | None = Field(default=None, description=SHORTEST)
    until: Literal["refund", "apply"]
    sure: Certainty


class CaseLogLine(FrozenModel):
    """One entry of the dossier in words."""

    n: int
    on: date
    did: str
    item: str | None
    text: Message


class CaseOutcome(FrozenModel):
    """The exit code and the reasons for it."""

    exit_code: int
    reasons: tuple[Message, ...]


class CaseStatus(FrozenModel):
    """The status of the whole case on one day."""

    schema_version: str = STATUS_VERSION
    platform: str
    title: Message
    about: Message
    store: str
    as_of: date
    language: Language = Field(default="en", description="Language of the run, in which it is shown.")
    dossier: str
    finished_on: date | None
    outcome: CaseOutcome
    next: tuple[str, ...] = Field(description="Items to do now, the first one first.")
    next_chase: date | None = Field(description="The next date to ask or to keep, today or later.")
    earliest: EarliestDate | None = None
    stages: tuple[StageStatus, ...]
    desks: tuple[DeskStatus, ...]
    dates: tuple[CaseDate, ...]
    over: tuple[CaseDate, ...] = Field(default=(), description="Dates that applied once and no longer do.")
    sequence: int = Field(
        default=0, description="Grows with every day and entry, so that calendars recognise the newer one."
    )
    answers: tuple[ExportAnswer, ...] = ()
    log: tuple[CaseLogLine, ...] = ()
    remarks: tuple[CertainText, ...] = ()
    warnings: tuple[Message, ...] = ()

    @property
    def items(self) -> tuple[ItemStatus, ...]:
        """All items, in order."""
        return tuple(item for stage in self.stages for item in stage.items)

    def get_item(self, name: str) -> ItemStatus:
        """Return the item with that id."""
        return next(item for item in self.items if item.id == name)


def add_certainty(text: Message, certainty: Certainty) -> Message:
    """Append how certain a text is."""
    return message("refund.with_note", text=text, note=message(f"refund.sureness.{certainty}"))


def describe_source(checklist: Checklist, name: str) -> SourceNote:
    """Describe a source."""
    origin = checklist.sources[name]
    title = checklist.to_message(origin.title, "sources", name, "title")
    return SourceNote(title=title, ref=origin.ref, effective_from=origin.effective_from, sure=origin.sure)


def describe_text(checklist: Checklist, item: ChecklistItem, key: Literal["detail", "why"]) -> Message | None:
    """Return a sentence about an item, followed by how certain its own source is, unless it is certain."""
    text = item.detail if key == "detail" else item.why
    if text is None:
        return None
    sentence = checklist.to_message(text, "items", item.id, key)
    sure = checklist.sources[text.source].sure if text.source else "given"
    return sentence if sure in CERTAIN else add_certainty(sentence, sure)


def describe_duration(checklist: Checklist, item: ChecklistItem) -> ItemDuration | None:
    """Describe how long an item takes, with the source."""
    takes = item.takes
    if takes is None:
        return None
    source = describe_source(checklist, takes.source)
    return ItemDuration(kind=takes.kind, least=takes.least, most=takes.most, unit=takes.unit, source=source)


def describe_papers(checklist: Checklist, item: ChecklistItem) -> tuple[PaperNote, ...]:
    """Describe the papers that an item requires."""
    return tuple(
        PaperNote(
            id=name,
            name=checklist.to_message(checklist.papers[name].name, "papers", name, "name"),
            sure=checklist.sources[checklist.papers[name].source].sure,
            draft=checklist.papers[name].draft,
        )
        for name in item.papers
    )


def describe_reasons(checklist: Checklist, reasons: Sequence[SourcedText], *keys: str) -> tuple[CertainText, ...]:
    """Describe sentences with their sources; ``keys`` lead to them in the checklist."""
    return tuple(
        CertainText(text=checklist.to_message(text, *keys, str(place)), sure=checklist.sources[text.source].sure)
        for place, text in enumerate(reasons)
    )


def compare_attachments(item: str, entries: Sequence[CaseEntry]) -> tuple[CaseAttachment, ...]:
    """List the files attached to an item, the latest entry for each path, compared with the files on disk."""
    latest = {entry.path: entry for entry in entries if isinstance(entry, AttachEntry) and entry.item == item}
    return tuple(
        CaseAttachment(
            **entry.model_dump(include={"name", "path", "size", "sha256", "on"}), now=_compare_with_disk(entry)
        )
        for entry in latest.values()
    )


def _compare_with_disk(entry: AttachEntry) -> Literal["same", "changed", "gone"]:
    path = Path(entry.path)
    try:
        # The size first: most changes show there, and a large file need not be read then.
        is_same = path.stat().st_size == entry.size and compute_fingerprint(path) == (entry.size, entry.sha256)
    except (OSError, UsageError):
        return "gone"
    return "same" if is_same else "changed"


def describe_log(dossier: Dossier, until: date) -> tuple[CaseLogLine, ...]:
    """Describe what happened, oldest first."""
    entries = sorted(dossier.list_active_entries(until), key=lambda entry: (entry.on, entry.n))
    return tuple(
        CaseLogLine(
            n=entry.n, on=entry.on, did=entry.did, item=getattr(entry, "item", None), text=describe_entry(entry)
        )
        for entry in entries
    )


def describe_entry(entry: CaseEntry) -> Message:
    """Describe an entry, with the merchant's note."""
    if isinstance(entry, LogEntry):
        return verbatim(entry.text)
    if isinstance(entry, MarkEntry):
        text = message("refund.log_mark", state=message(f"refund.states.{entry.state}"))
    elif isinstance(entry, AttachEntry):
        text = message("refund.log_attach", name=Name(entry.name), size=entry.size)
    elif entry.did == "deadline" and entry.due:
        text = message("refund.log_deadline", due=entry.due)
    else:
        text = message("refund.log_no_deadline")
    note = getattr(entry, "note", "")
    return message("refund.labelled", label=text, text=Name(note)) if note else text


def word_date(moment: CaseDate) -> Message:
    """Word what a date is for."""
    if moment.kind == "chase":
        return message("refund.date_to_ask", what=moment.what)
    return message("refund.labelled", label=message(f"refund.moments.{moment.kind}"), text=moment.what)
