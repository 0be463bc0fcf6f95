"""The status of a refund case: the state of each item, what is next, whom to ask when.

:class:`CaseStatus` is to a refund case what a checkup is to an audit: every output format is a pure function of it.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from storehealth.catalogue.checklist import Certainty, Desk, Question, Unit
from storehealth.catalogue.common import Language
from storehealth.model import FrozenModel
from storehealth.support.message import Message

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
