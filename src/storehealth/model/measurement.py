"""Records of measure: counts, values and rows, without any verdict."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import ConfigDict, Field

from storehealth.model.base import FrozenModel, Note, Outcome, RowState
from storehealth.support.message import Message


class Tally(FrozenModel):
    """Rows of one rule by outcome. ``defects = late + overdue``; ``judged = met + defects``."""

    met: int = 0
    late: int = 0
    overdue: int = 0
    undecided: int = 0
    not_judgeable: int = 0
    exempt: int = 0

    @property
    def defects(self) -> int:
        """Rows done too late, or not done although the limit has passed."""
        return self.late + self.overdue

    @property
    def judged(self) -> int:
        """Rows that the verdict rests on."""
        return self.met + self.defects


class Window(FrozenModel):
    """The days a rule looks at, both inclusive; ``None`` at an end means open."""

    first: date | None = Field(default=None, alias="from")
    last: date | None = Field(default=None, alias="to")

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Segment(FrozenModel):
    """The tally of one slice, such as ``{"agent_id": "amy"}``."""

    segment: dict[str, str | None]
    tally: Tally
    value: float | None = None


CauseMark = bool | tuple[str, ...] | None
"""Whether a cause holds, or the values of its columns; None where one is missing."""


class CauseGroup(FrozenModel):
    """Judged rows of a rule that are alike in everything its causes look at."""

    marks: tuple[CauseMark, ...] = Field(description="One per cause, in the rule's order.")
    defects: int
    judged: int


class SideFigure(FrozenModel):
    """A figure shown beside a finding, without its own verdict."""

    name: str
    title: Note = Field(default=None, description="The name in plain words.")
    unit: Literal["share", "seconds", "hours", "days", "number"] = "share"
    value: float | None = Field(default=None, description="A share is count / judged; other figures are in their unit.")
    count: int | None = Field(default=None, description="Of a share: the rows that the name describes.")
    defects: int | None = Field(
        default=None, description="Of a share: the bad rows, whether the name describes good or bad ones."
    )
    judged: int | None = Field(default=None, description="Rows the figure rests on.")


class PrintedValue(FrozenModel):
    """A figure and how many chats, questions or cases it rests on."""

    value: float | None
    rows: int


class PrintedComparison(FrozenModel):
    """A figure that the platform prints, and ours by each of the rule's definitions, in their order."""

    name: str
    theirs: PrintedValue
    held: int = Field(description="How many of the chats, questions or cases behind theirs are in our rows.")
    readings: tuple[PrintedValue, ...]


class EvidenceRow(FrozenModel):
    """One row behind a finding. ``file`` and ``line`` point into the export; personal values are masked."""

    file: str | None
    line: int | None
    entity: str | None
    at: datetime | None
    outcome: Outcome
    details: dict[str, str | int | float | bool | None] = {}
    state: RowState | None = Field(
        default=None, description="State of its customer or order since the compared run; None if not tracked."
    )


class AdviceReach(FrozenModel):
    """What one advice would reach: the defects its condition matches, and the value without the share it removes."""

    advice: str
    defects: int
    value_after: float | None = Field(default=None, description="In the rule's own unit; None for shares.")


class MissingInputs(FrozenModel):
    """Why a rule has nothing to judge."""

    needs: tuple[str, ...] = Field(description="Tables or table.columns that no file provides; a|b: none of these.")
    silent_chats: int = Field(
        default=0, description="Chats of a log in which only customers ever wrote: half of it must be missing."
    )


class DataHole(FrozenModel):
    """Rows that a table lacks within a rule's window: a fault of the export, not of the store."""

    table: str
    cause: Literal["days", "hours", "cut", "short", "lost", "unread", "unsure"] = Field(
        description="days, hours: without rows although they usually have some; cut: a file ends at a row limit; short: the "
        "table begins later or ends earlier than the window; lost: rows that could not be read; unread: rows with a cell that "
        "could not be read and that the outcome depends on; unsure: rows not judgeable for lack of a record."
    )
    count: int = Field(description="Missing days, hours or rows; of a short table, the days it covers.")
    of: int = Field(default=0, description="Days of the window.")
    first: date | None = Field(default=None, description="The first missing day.")
    file: str | None = Field(default=None, description="The truncated file.")
    share: float | None = Field(
        default=None, description="Estimated share of the table's rows that is missing, days and hours together."
    )


class MoneyAtRisk(FrozenModel):
    """What the platform's compensation bands demand for the present defects: the lowest and highest possible sum."""

    low: float
    high: float
    currency: str
    orders: int = Field(description="Orders included in the two sums.")
    without_amount: int = Field(description="Orders left out of both sums: price unknown or in another currency.")
    source: str
    verified: Literal["official", "code", "third-party", "unverified", "assumed"] = Field(
        description="That of the least confirmed band."
    )


class UsualWindow(FrozenModel):
    """The platform's own window and its counts, of a rule that was judged over a longer one."""

    window: Window
    tally: Tally
    value: float | None = None


class ExemptedRows(FrozenModel):
    """Rows that ``mutes.yaml`` exempts from a rule: in neither side of the rate, but counted."""

    reason: Message
    rows: int


class Measurement(FrozenModel):
    """Everything the later stages need to know of one rule; nothing after this touches the data."""

    code: str
    window: Window
    tally: Tally = Tally()
    value: float | None = Field(
        default=None, description="Defect share for counted rules; seconds or number otherwise."
    )
    low: float | None = None
    high: float | None = None
    entities: int = Field(default=0, description="Distinct customers or orders among the defects.")
    judged_entities: int | None = Field(
        default=None,
        description="Distinct customers or orders among all judged rows; counted only where defects touch few.",
    )
    repeats: dict[str, int] = Field(
        default={}, description="Per day: defects beyond the first one of the same customer or order."
    )
    segments: tuple[Segment, ...] = ()
    cause_groups: tuple[CauseGroup, ...] = ()
    beside: tuple[SideFigure, ...] = ()
    mended: tuple[AdviceReach, ...] = ()
    evidence: tuple[EvidenceRow, ...] = ()
    resolution_seconds: int = Field(default=1, description="Coarsest step of the times this rule reads.")
    missing: MissingInputs | None = None
    holes: tuple[DataHole, ...] = Field(
        default=(), description="Rows missing from the tables it reads, within its window."
    )
    usual: UsualWindow | None = Field(
        default=None, description="Set if the window was stretched because it held too few rows."
    )
    money: MoneyAtRisk | None = None
    printed: tuple[PrintedComparison, ...] = Field(
        default=(), description="Figures that the platform prints for the same thing."
    )
    exempted: tuple[ExemptedRows, ...] = ()
    unsure: int = Field(
        default=0, description="Rows not judgeable only because a column is not recorded or a cell could not be read."
    )
    basis: tuple[str, ...] = Field(
        default=(), description="Assumptions that rows were judged under, and the alternative columns that were used."
    )
    unrecorded: tuple[str, ...] = Field(
        default=(), description="Columns that the outcome could depend on and in which no file has any value."
    )


class RowStates(FrozenModel):
    """Customers or orders behind a finding, compared with those in the compared run."""

    new: int = Field(description="Never seen before.")
    persisting: int
    reappeared: int = Field(description="Absent from that run, but present in an earlier one.")
    resolved: int | None = Field(
        description="Still in the files and the window, and no longer a miss. None when two stored runs are compared, "
        "whose rows are not available: these then count as gone."
    )
    gone: int = Field(description="No longer in the files or the window, so neither resolved nor present.")


class ReplyBracket(FrozenModel):
    """How many replies came within this many seconds (cumulative)."""

    within_seconds: int
    first_replies: int
    turns: int


class FirstReplies(FrozenModel):
    """First human replies of sessions a customer began. ``open`` ones count as never."""

    n: int
    median: float | None
    p90: float | None
    open: int


class TurnReplies(FrozenModel):
    """Replies to every turn. ``median`` and ``p90`` count open turns as never; ``median_answered`` leaves them out."""

    answered: int
    open: int
    median: float | None
    p90: float | None
    median_answered: float | None


class ReplySummary(FrozenModel):
    """Quantiles of reply time, in seconds."""

    first_replies: FirstReplies
    turns: TurnReplies


class Distributions(FrozenModel):
    """Distributions shown in full. Empty without chats."""

    reply_time: tuple[ReplyBracket, ...] = ()
    reply_time_summary: ReplySummary | None = None


class PublishedMeasurement(FrozenModel):
    """One figure of one slice, kept so that a past run can be judged again."""

    code: str
    segment: dict[str, str | None]
    value: float | None
    defects: int
    judged: int
    undecided: int
