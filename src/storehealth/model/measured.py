"""Records of measure: counts, values and rows, without any opinion."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import ConfigDict, Field

from storehealth.model.base import Outcome, Record, RowState


class Tally(Record):
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
        """Rows a verdict rests on."""
        return self.met + self.defects


class Window(Record):
    """The days a rule looks at, both inclusive; ``None`` at an end means open."""

    first: date | None = Field(default=None, alias="from")
    last: date | None = Field(default=None, alias="to")

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Segment(Record):
    """The tally of one slice, such as ``{"agent_id": "amy"}``."""

    segment: dict[str, str | None]
    tally: Tally
    value: float | None = None


class Beside(Record):
    """A figure shown beside a finding, without a verdict of its own."""

    name: str
    title: str = Field(default="", description="The name in plain words, in the language of the checkup.")
    unit: Literal["share", "seconds", "hours", "days", "number"] = "share"
    value: float | None = Field(
        default=None, description="Shares: that of the rows the name speaks of, so count of judged. Else in its unit."
    )
    count: int | None = Field(default=None, description="Of a share: the rows that the name speaks of.")
    defects: int | None = Field(default=None, description="Of a share: the bad rows, whatever the name speaks of.")
    judged: int | None = Field(default=None, description="Rows the figure rests on.")


class Taken(Record):
    """A figure and how many chats, questions or cases it rests on."""

    value: float | None
    rows: int


class Compared(Record):
    """A figure that the platform prints, and the same by each definition of the rule's list, in its order."""

    name: str
    theirs: Taken
    held: int = Field(description="How many of what theirs rests on are in our rows.")
    readings: tuple[Taken, ...]


class EvidenceRow(Record):
    """One row behind a finding. ``file`` and ``line`` point into the export; personal values are masked."""

    file: str | None
    line: int | None
    entity: str | None
    at: datetime | None
    outcome: Outcome
    details: dict[str, str | int | float | bool | None] = {}
    state: RowState | None = Field(
        default=None, description="Of its customer or order against the run compared with; None where none is followed."
    )


class Mended(Record):
    """What one advice would reach: the defects its condition names, and the value if the share it removes were gone."""

    advice: str
    defects: int
    value_after: float | None = Field(default=None, description="In the rule's own unit; None for shares.")


class Missing(Record):
    """Why a rule has nothing to judge."""

    needs: tuple[str, ...] = Field(description="Tables or table.columns that no file provides; a|b: neither of them.")


class Hole(Record):
    """What a table lacks in the days a rule looks at: a defect of the export, not of the store."""

    table: str
    cause: Literal["days", "hours", "cut", "short"] = Field(
        description="days, hours: without rows although they usually have some; cut: a file ends at a row limit; short: the "
        "table begins later or ends earlier than the days looked at."
    )
    count: int = Field(description="Days or hours that lack; of a short table, the days that are there.")
    of: int = Field(default=0, description="Days looked at.")
    first: date | None = Field(default=None, description="The first day that lacks.")
    file: str | None = Field(default=None, description="The file that was cut.")
    share: float | None = Field(
        default=None, description="Estimated share of the table's rows that lacks for it, days and hours together."
    )


class MoneyAtRisk(Record):
    """What the platform's compensation bands ask for the present defects: the least and the most they can come to."""

    low: float
    high: float
    currency: str
    orders: int = Field(description="Orders that are in the two sums.")
    without_amount: int = Field(
        description="Orders whose price is not known, or is in another currency: in neither sum."
    )
    source: str
    verified: Literal["official", "code", "third-party", "unverified", "assumed"] = Field(
        description="That of the least sure band."
    )


class Usual(Record):
    """The platform's own window, of a rule that was judged over a longer one, and what it held."""

    window: Window
    tally: Tally
    value: float | None = None


class Exempted(Record):
    """Rows that ``mutes.yaml`` takes out of a rule: on neither side of the rate, counted beside it."""

    reason: str
    rows: int


class Measurement(Record):
    """Everything the later stages need of one rule over one store; nothing after this touches the data."""

    code: str
    window: Window
    tally: Tally = Tally()
    value: float | None = Field(
        default=None, description="Defect share for counted rules; seconds or number otherwise."
    )
    low: float | None = None
    high: float | None = None
    entities: int = Field(default=0, description="Distinct customers or orders among the defects.")
    repeats: dict[str, int] = Field(
        default={}, description="Per day: defects beyond the first one of the same customer or order."
    )
    segments: tuple[Segment, ...] = ()
    beside: tuple[Beside, ...] = ()
    mended: tuple[Mended, ...] = ()
    evidence: tuple[EvidenceRow, ...] = ()
    resolution_seconds: int = Field(default=1, description="Coarsest step of the times this rule reads.")
    missing: Missing | None = None
    holes: tuple[Hole, ...] = Field(default=(), description="What the tables it reads lack in its days.")
    usual: Usual | None = Field(default=None, description="Where the days were stretched for want of rows.")
    money: MoneyAtRisk | None = None
    printed: tuple[Compared, ...] = Field(default=(), description="Figures that the platform prints for the same.")
    exempted: tuple[Exempted, ...] = ()


class RowStates(Record):
    """Customers or orders behind a finding, against those behind it in the run it is compared with."""

    new: int = Field(description="Never seen before.")
    persisting: int
    reappeared: int = Field(description="Not there in that run, but in one before it.")
    resolved: int | None = Field(
        description="Still in the files and the days looked at, and no miss any more. None where only two remembered runs "
        "are compared, whose rows are not at hand: these are among gone then."
    )
    gone: int = Field(description="No longer in the files or the days looked at, so neither resolved nor there.")


class ReplyBracket(Record):
    """How many replies came within so many seconds (cumulative)."""

    within_seconds: int
    first_replies: int
    turns: int


class FirstReplies(Record):
    """First human replies of sessions a customer began. ``open`` ones count as never."""

    n: int
    median: float | None
    p90: float | None
    open: int


class TurnReplies(Record):
    """Replies to every turn. ``median`` and ``p90`` count open turns as never; ``median_answered`` leaves them out."""

    answered: int
    open: int
    median: float | None
    p90: float | None
    median_answered: float | None


class ReplySummary(Record):
    """Quantiles of reply time, in seconds."""

    first_replies: FirstReplies
    turns: TurnReplies


class Distributions(Record):
    """Distributions shown whole. Absent without chats."""

    reply_time: tuple[ReplyBracket, ...] = ()
    reply_time_summary: ReplySummary | None = None


class PublishedMeasurement(Record):
    """One figure of one slice, kept so that a past run can be judged again."""

    code: str
    segment: dict[str, str | None]
    value: float | None
    defects: int
    judged: int
    undecided: int
