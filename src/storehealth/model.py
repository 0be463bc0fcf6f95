"""The records, in the order an audit makes them: source → measurement → finding → recommendation → checkup.

All are frozen pydantic models. :class:`Checkup` is the one result of an audit: what is shown, written and remembered
is a pure function of it, and its JSON form is described by ``docs/checkup.schema.json``.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = "1.0.0"

Area = Literal["logistics", "customer_service", "stock", "aftersales", "team", "data_quality"]
Severity = Literal["critical", "high", "medium", "low", "info"]
Status = Literal["pass", "watch", "fail", "informative", "inconclusive", "not_applicable"]
Outcome = Literal["met", "late", "overdue", "undecided", "not_judgeable", "exempt"]
Direction = Literal["better", "worse"]


class Record(BaseModel):
    """Base of all records: frozen, and strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# -- intake ------------------------------------------------------------------------------------------------------


class Source(Record):
    """What became of one file (or one sheet of a workbook). ``rows = kept + duplicates + rejected``, in source rows."""

    path: str = Field(description="Path below the exports folder; a sheet follows after '#'.")
    container: str | None = None
    layout: str | None = None
    tables: tuple[str, ...] = ()
    encoding: str | None = None
    rows: int = 0
    kept: int = 0
    duplicates: int = 0
    rejected: int = 0
    first: datetime | None = Field(default=None, description="First event in the file, in the store's zone.")
    last: datetime | None = Field(default=None, description="Last event in the file, in the store's zone.")
    note: str = Field(default="", description="Why the file was refused, or what the reader should know about it.")


class StoredTable(Record):
    """One canonical table of one file in the lake: a Parquet file with the table's columns and ``source_row``."""

    table: str
    source: str = Field(description="The Source.path it was read from; becomes the column source_file.")
    parquet: Path
    rows: int
    distinct_keys: int = Field(description="Distinct values of the table's key; less than rows where keys repeat.")
    first: datetime | None = Field(default=None, description="First event, in the store's zone.")
    last: datetime | None = Field(default=None, description="Last event, in the store's zone.")


class Intake(Record):
    """What intake hands on: facts about files, and where their typed rows are."""

    sources: tuple[Source, ...]
    tables: tuple[StoredTable, ...]
    rejects: tuple[StoredTable, ...] = Field(
        default=(), description="Parquet: line, column_name, value, reason, row_lost."
    )
    zone: str = Field(description="IANA zone all times are in.")


# -- measure -----------------------------------------------------------------------------------------------------


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
    value: float | None = None
    defects: int | None = None
    judged: int | None = None


class EvidenceRow(Record):
    """One row behind a finding. ``file`` and ``line`` point into the export; personal values are masked."""

    file: str | None
    line: int | None
    entity: str | None
    at: datetime | None
    outcome: Outcome
    details: dict[str, str | int | float | bool | None] = {}


class Mended(Record):
    """What one advice would reach: the defects its condition names, and the value if the share it removes were gone."""

    advice: str
    defects: int
    value_after: float | None = Field(default=None, description="In the rule's own unit; None for shares.")


class Missing(Record):
    """Why a rule has nothing to judge."""

    needs: tuple[str, ...] = Field(description="Tables or table.columns that no file provides.")


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
    segments: tuple[Segment, ...] = ()
    beside: tuple[Beside, ...] = ()
    mended: tuple[Mended, ...] = ()
    evidence: tuple[EvidenceRow, ...] = ()
    resolution_seconds: int = Field(default=1, description="Coarsest step of the times this rule reads.")
    missing: Missing | None = None


# -- judge -------------------------------------------------------------------------------------------------------


class Counts(Record):
    """Rows by outcome, as published."""

    met: int
    late: int
    overdue: int
    undecided: int
    not_judgeable: int
    exempt: int


class LimitSource(Record):
    """Where a limit comes from and how sure it is."""

    source: str
    effective_from: date | None = None
    verified: Literal["official", "code", "third-party", "unverified", "assumed"]


class Driver(Record):
    """A slice that explains more of the defects than its size does."""

    segment: dict[str, str | None]
    defects: int
    judged: int
    share_of_defects: float


class Evidence(Record):
    """The rows behind a finding: how many there are, the first of them, and the file that lists all (if written)."""

    count: int
    rows: tuple[EvidenceRow, ...] = ()
    file: str | None = None


class Finding(Record):
    """A rule's verdict on one store. ``value`` is in the rule's own direction (``higher_is``)."""

    code: str
    id: str
    title: str
    why: str
    area: Area
    severity: Severity
    scored: bool
    status: Status
    note: str = ""
    value: float | None
    higher_is: Direction
    unit: Literal["share", "seconds", "hours", "days", "number"]
    counts: Counts
    defects: int
    judged: int
    undecided: int
    interval: tuple[float | None, float | None]
    target: float | None
    limit: float | None
    limit_source: LimitSource
    window: Window
    beside: tuple[Beside, ...] = ()
    drivers: tuple[Driver, ...] = ()
    evidence: Evidence
    previous: float | None = None
    change: str | None = None


class NotJudged(Record):
    """A rule that could not be judged, and which export would let it."""

    code: str
    title: str
    area: Area
    reason: str
    needs: tuple[str, ...]
    how_to_export: tuple[str, ...]


# -- score and advise --------------------------------------------------------------------------------------------


class Score(Record):
    """The headline, 0-100. ``None`` where less than the demanded share of the weight could be judged."""

    value: float | None
    uncapped: float | None
    low: float | None
    high: float | None
    grade: str | None
    coverage: float
    cap_reason: str | None = None


class AreaScore(Record):
    """One area's score, 0-100; ``None`` with coverage 0 where nothing in it could be judged."""

    id: Area
    score: float | None
    coverage: float
    low: float | None = None
    high: float | None = None
    worst: str | None = Field(default=None, description="Code of the scored finding that costs most.")


class Recommendation(Record):
    """One action, the findings it helps and what it is expected to bring: an estimate, see ``assumption``."""

    id: str
    text: str
    findings: tuple[str, ...]
    effort: Literal["low", "medium", "high"]
    gain_points: float | None
    gain_units: str
    assumption: str
    check_on: date | None


class Deadline(Record):
    """Something that turns into a breach unless it is done."""

    kind: str
    id: str
    due_at: datetime
    hours_left: float
    amount_at_risk: float | None = None


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


# -- the checkup -------------------------------------------------------------------------------------------------


class Run(Record):
    """The only part that differs between two runs over the same input."""

    id: str
    started_at: datetime


class Tool(Record):
    """What made the checkup."""

    name: str = "storehealth"
    version: str


class OutcomeOfRun(Record):
    """The exit code and everything that speaks for it."""

    exit_code: int
    reasons: tuple[str, ...]


class TableEnd(Record):
    """Last event of a table and how long before ``as_of`` that is."""

    last: datetime
    age_hours: float


class Method(Record):
    """How the figures were made: rule set, platform facts that were used, and caveats."""

    rules_digest: str
    constants: dict[str, float]
    facts: dict[str, str] = {}
    caveats: tuple[str, ...] = ()


class Checkup(Record):
    """The result of one audit of one store."""

    schema_version: str = SCHEMA_VERSION
    run: Run
    tool: Tool
    store: str
    platform: str
    as_of: datetime | None
    table_ends: dict[str, TableEnd]
    window: Window
    timezone: str
    language: Literal["en", "zh", "es"]
    outcome: OutcomeOfRun
    headline: str = Field(
        description="One plain sentence: where the store loses most, and what mending it would bring."
    )
    score: Score
    areas: tuple[AreaScore, ...]
    sources: tuple[Source, ...]
    findings: tuple[Finding, ...]
    not_judged: tuple[NotJudged, ...]
    measurements: tuple[PublishedMeasurement, ...]
    distributions: Distributions
    recommendations: tuple[Recommendation, ...]
    deadlines: tuple[Deadline, ...] = ()
    method: Method
