"""The status of a refund case: the state of each item, what is next, whom to ask when.

:class:`Standing` is to a refund case what a checkup is to an audit: every output format is a pure function of it.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from storehealth.catalogue.common import Language
from storehealth.model import FrozenModel
from storehealth.refund.checklist import Certainty, Desk, Question

STATUS_VERSION = "1.0.0"
ItemState = Literal["done", "open", "blocked", "waiting", "later", "not_needed"]
DateKind = Literal["deadline", "chase", "ready", "refund", "apply"]


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
    earliest_least: date | None = Field(default=None, description="The same by the shortest period, if it differs.")
    period_days: tuple[int, int] | None = None
    period_sure: Certainty | None = None
    until: Literal["refund", "apply"] = Field(default="refund", description="What can happen on the earliest date.")
    unfinished: int | None = Field(default=None, description="Orders still open, which will move the date.")
    needs: tuple[str, ...] = Field(default=(), description="Tables or table.columns that no file has.")
    how_to_export: tuple[str, ...] = ()
    starts: date | None = Field(default=None, description="First day of the rows, if all are later than the day.")


class SourceNote(FrozenModel):
    """Where a fact comes from and how certain it is."""

    title: str
    ref: str = ""
    effective_from: date | None = None
    sure: Certainty


class ItemDuration(FrozenModel):
    """How long something takes."""

    kind: Literal["usual", "at_least"]
    least: int
    most: int
    unit: Literal["days", "working_days"]
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
    name: str
    sure: Certainty
    draft: str | None = None


class ReturnReason(FrozenModel):
    """A common reason why an item comes back."""

    text: str
    sure: Certainty


class ItemStatus(FrozenModel):
    """The status of one item. ``waiting_for`` holds item ids (later, blocked; open: what a desk sent back) or a desk."""

    id: str
    stage: str
    what: str
    detail: str
    why: str
    who: Desk
    source: SourceNote
    state: ItemState
    waiting_for: tuple[str, ...] = ()
    since: date | None = Field(default=None, description="Day of the last mark, or since which a desk has it.")
    days_waiting: int | None = None
    deadline: date | None = None
    chase_on: date | None = None
    ready_on: date | None = Field(default=None, description="Day on which a period that must pass is over.")
    ready_least: date | None = Field(default=None, description="The same by the shortest period, if it differs.")
    overdue: bool = False
    obstacle: str = Field(default="", description="What prevents it, in words.")
    ask: str = Field(default="", description="What to ask the desk once its time is up.")
    again: bool = Field(
        default=False, description="It was done, but what it sent came back, so it has to be sent again."
    )
    returned: int = Field(default=0, description="Times it came back: marked open after done or waiting.")
    note: str = ""
    takes: ItemDuration | None = None
    papers: tuple[PaperNote, ...] = ()
    returns: tuple[ReturnReason, ...] = ()
    attachments: tuple[CaseAttachment, ...] = ()
    answered_by: Question | None = None

    @property
    def due(self) -> date | None:
        """The day after which it is overdue: the deadline, else the day to ask."""
        return self.deadline or self.chase_on


class StageStatus(FrozenModel):
    """A stage and its items."""

    id: str
    title: str
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
    what: str
    who: Desk
    overdue: bool
    uid: str = Field(description="The same on every run for the same item and kind of date.")


class EarliestDate(FrozenModel):
    """The earliest day for the refund, or for the application, by the longest after-sales period."""

    on: date
    least: date | None = Field(default=None, description="The same by the shortest period, if it differs.")
    until: Literal["refund", "apply"]
    sure: Certainty


class CaseLogLine(FrozenModel):
    """One entry of the dossier in words."""

    n: int
    on: date
    did: str
    item: str | None
    text: str


class CaseOutcome(FrozenModel):
    """The exit code and the reasons for it."""

    exit_code: int
    reasons: tuple[str, ...]


class CaseStatus(FrozenModel):
    """The status of the whole case on one day."""

    schema_version: str = STATUS_VERSION
    platform: str
    title: str
    about: str
    store: str
    as_of: date
    language: Language
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
    remarks: tuple[ReturnReason, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def items(self) -> tuple[ItemStatus, ...]:
        """All items, in order."""
        return tuple(item for stage in self.stages for item in stage.items)

    def get_item(self, name: str) -> ItemStatus:
        """The item of that id."""
        return next(item for item in self.items if item.id == name)
