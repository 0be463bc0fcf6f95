"""The one result of an audit, with the tables that pages and workbooks show besides findings.

The timeline of one conversation or order, as ``explain FILE:LINE`` shows it, stands here too.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from storehealth.model.base import FrozenModel, Outcome
from storehealth.model.history import FollowUp, PreviousRun, Trend
from storehealth.model.intake import FileRejects, Source
from storehealth.model.measurement import Distributions, PublishedMeasurement, Window
from storehealth.model.tools import ToolBlock
from storehealth.model.verdict import (
    AreaScore,
    ExportSuggestion,
    Finding,
    NotJudged,
    PlatformLine,
    Recommendation,
    Score,
    UpcomingDeadline,
)
from storehealth.support.message import Message

OrderStepName = Literal["pack", "pickup", "delivery"]
CaseStepName = Literal["reviewed", "returned", "received", "refunded", "ended"]


class WeekHour(FrozenModel):
    """An hour of the week: questions of customers in it, how many were answered in time, and people at work."""

    weekday: int = Field(description="1 is Monday.")
    hour: int
    slots: int = Field(description="How many such hours the chat logs hold.")
    questions: int
    met: int
    missed: int
    agents: float = Field(description="People who replied, on average: replies observed, not a roster.")
    agents_needed: float | None = Field(default=None, description="Estimate from arrivals and capacity.")


class OrderStep(FrozenModel):
    """How long one step of orders takes, of all orders or of those of one warehouse or carrier."""

    step: OrderStepName = Field(
        description="pack: payment to dispatch; pickup: to the first scan; delivery: to the door."
    )
    by: Literal["all", "warehouse", "carrier"]
    name: str | None = Field(description="The warehouse or carrier; None for all orders.")
    orders: int = Field(description="Orders in which both ends of the step are known.")
    median_hours: float
    p90_hours: float


class StockGap(FrozenModel):
    """Days in a row on which a SKU in demand was out of stock, as far as the stock snapshots show."""

    sku_id: str
    item_name: str | None
    first: date
    last: date
    days: int = Field(description="Days with a snapshot that shows nothing left.")
    lasts: bool = Field(description="Still out of stock in the SKU's latest snapshot.")
    units_a_day: float | None = Field(description="Units sold per day before it ran out.")
    units_missed: int | None = Field(description="Estimate: units_a_day for all these days.")


class CaseStep(FrozenModel):
    """How many after-sales cases have reached a step, and how long it takes from the step before that is known."""

    step: CaseStepName
    cases: int
    of: int = Field(description="All cases.")
    median_hours: float | None
    p90_hours: float | None


class AgentReplies(FrozenModel):
    """One agent's replies in service hours. Differences in load and hours are not taken out."""

    agent: str
    days: int = Field(description="Days with a reply.")
    answered: int
    missed: int = Field(description="Of these, after the goal.")
    median_seconds: float
    p90_seconds: float


class Breakdowns(FrozenModel):
    """Tables of a checkup that carry no verdict. Empty where the exports do not tell."""

    reply_goal_seconds: float | None = Field(default=None, description="The time within which a question is met.")
    hours: tuple[WeekHour, ...] = ()
    order_steps: tuple[OrderStep, ...] = ()
    stock_gaps: tuple[StockGap, ...] = Field(default=(), description="The longest first; see stock_gaps_total.")
    stock_gaps_total: int = 0
    case_steps: tuple[CaseStep, ...] = ()
    agents: tuple[AgentReplies, ...] = Field(default=(), description="By name: no ranking.")
    rejects: tuple[FileRejects, ...] = Field(
        default=(), description="What could not be read, by file, reason and column; the commonest of each file first."
    )


SCHEMA_VERSION = "2.2.0"


class RunIdentity(FrozenModel):
    """The only part that differs between two runs over the same input."""

    id: str
    started_at: datetime


class ToolVersion(FrozenModel):
    """The program that made the checkup."""

    name: str = "storehealth"
    version: str


class RunOutcome(FrozenModel):
    """The exit code and all its reasons."""

    exit_code: int
    reasons: tuple[Message, ...]


class TableEnd(FrozenModel):
    """Last event of a table, how long before ``as_of`` that is, and how many days of the window it covers."""

    last: datetime
    age_hours: float
    days: int | None = Field(
        default=None, description="Days of the window with data; null for tables that are not measured in days."
    )
    of_days: int | None = Field(default=None, description="Days of the window, up to as_of.")


class MethodNote(FrozenModel):
    """How the figures were made: rule set, platform facts used, and caveats."""

    rules_digest: str
    constants: dict[str, float]
    facts: dict[str, Message] = {}
    caveats: tuple[Message, ...] = ()


class PlainFigures(FrozenModel):
    """How many of what the files hold, judged or not; None where no file records it."""

    orders: int | None = None
    paid: int | None = None
    unpaid: int | None = Field(default=None, description="Neither paid nor cancelled, and not cash on delivery.")
    cancelled: int | None = None
    refunded: int | None = Field(default=None, description="Orders of which some or all was refunded.")
    stock_at_zero: int | None = Field(default=None, description="SKUs without stock in each warehouse's latest count.")


class Checkup(FrozenModel):
    """The result of one audit of one store."""

    schema_version: str = SCHEMA_VERSION
    run: RunIdentity
    tool: ToolVersion
    store: str
    platform: str
    site: str | None = Field(default=None, description="Country or market of the platform, where it has several.")
    as_of: datetime | None
    table_ends: dict[str, TableEnd]
    window: Window
    timezone: str
    language: Literal["en", "zh", "es"]
    outcome: RunOutcome
    headline: Message = Field(
        description="One plain sentence: where the store loses most, and what fixing it would bring."
    )
    score: Score
    areas: tuple[AreaScore, ...]
    sources: tuple[Source, ...]
    platform_view: tuple[PlatformLine, ...] = Field(
        default=(), description="The platform's own limits and the plain figures, as it would judge today."
    )
    findings: tuple[Finding, ...]
    not_judged: tuple[NotJudged, ...]
    exports_wanted: tuple[ExportSuggestion, ...] = Field(
        default=(), description="What to export next: missing files and columns, the most useful first."
    )
    measurements: tuple[PublishedMeasurement, ...]
    distributions: Distributions
    figures: PlainFigures = PlainFigures()
    breakdowns: Breakdowns | None = Field(
        default=None, description="Tables for pages and workbooks; None where no report was asked for."
    )
    recommendations: tuple[Recommendation, ...]
    deadlines: tuple[UpcomingDeadline, ...] = ()
    previous: PreviousRun | None = Field(default=None, description="None without an earlier run.")
    trend: Trend | None = None
    followups: tuple[FollowUp, ...] = Field(default=(), description="Earlier advice whose review day has come.")
    warnings: tuple[Message, ...] = Field(
        default=(),
        description="Mutes and exemptions that have ended or match nothing; tables that begin only after as_of.",
    )
    method: MethodNote
    tools: tuple[ToolBlock, ...] = Field(
        default=(), description="Blocks of managers' tools that the report was composed with; a plain audit has none."
    )


class TimelineEvent(FrozenModel):
    """One event or promise, and the row that records it."""

    at: datetime
    file: str
    line: int | None
    kind: Literal["message", "event", "milestone", "promise"]
    what: str = Field(description="customer, agent, bot, system; or a column of a canonical table, such as paid_at.")
    who: str | None = Field(default=None, description="Of a message; customers by pseudonym. Of a scan, its event.")
    text: str | None = Field(default=None, description="Masked unless requested otherwise.")
    opens: bool = Field(default=False, description="A message that waits for an answer.")


class ClockPause(FrozenModel):
    """A period in which a clock stands still."""

    begins: datetime
    ends: datetime


class RuleClock(FrozenModel):
    """One rule's clock over one row of its view."""

    code: str
    title: Message
    outcome: Outcome
    began: datetime
    due: datetime | None = Field(
        default=None, description="None if the platform's own clock cannot be mapped to wall time."
    )
    done: datetime | None = Field(default=None, description="None while open.")
    until: datetime | None = Field(default=None, description="If open, the end of what the files cover.")
    waited_seconds: float | None = Field(default=None, description="On the rule's own clock.")
    allowed_seconds: float | None = None
    closed: tuple[ClockPause, ...] = Field(
        default=(), description="Periods that do not count, between began and the end."
    )


class Timeline(FrozenModel):
    """The messages of a conversation, or the milestones of an order, in chronological order."""

    kind: Literal["conversation", "order", "row"]
    id: str
    place: str
    timezone: str
    as_of: datetime | None
    reply_clock: str | None = Field(default=None, description="Of a conversation: clip, exclude_by_start or wall.")
    service_hours: tuple[str, ...] = ()
    moments: tuple[TimelineEvent, ...]
    clocks: tuple[RuleClock, ...]
    masked: bool = True
