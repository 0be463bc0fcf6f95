"""Records of judge, score and advise: verdicts, the headline, what to do, and the platform's own view.

That view compares the raw rate with the limit at which the platform acts.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from storehealth.model.base import Area, BandName, Change, Direction, FrozenModel, Note, Severity, State, Status
from storehealth.model.measurement import EvidenceRow, ExemptedRows, MoneyAtRisk, RowStates, SideFigure, Window
from storehealth.support.message import Message


class OutcomeCounts(FrozenModel):
    """Rows by outcome, as published."""

    met: int
    late: int
    overdue: int
    undecided: int
    not_judgeable: int
    exempt: int


class LimitSource(FrozenModel):
    """Where a limit comes from and how well it is confirmed."""

    source: Message
    effective_from: date | None = None
    verified: Literal["official", "code", "third-party", "unverified", "assumed"]
    own: bool = Field(default=False, description="The store has set the limit itself.")


class SliceVerdict(FrozenModel):
    """A slice for which the store has set a limit."""

    segment: dict[str, str]
    limit: float
    value: float | None = Field(description="In the rule's own direction.")
    defects: int
    judged: int
    status: Literal["pass", "watch", "fail", "inconclusive"]


class Driver(FrozenModel):
    """A slice that explains more of the defects than its size does."""

    segment: dict[str, str | None]
    defects: int
    judged: int
    share_of_defects: float
    same_rows: tuple[dict[str, str | None], ...] = Field(
        default=(),
        description="Slices of other dimensions with nearly the same rows: which of them is the cause is open.",
    )


class MissCause(FrozenModel):
    """Misses of one rule with one cause. Each miss has exactly one, so that all add up to the misses."""

    id: str = Field(description="As in the rule file, or unexplained.")
    name: Message
    segment: dict[str, str] = Field(default={}, description="The slice that stands out, where the cause is one.")
    misses: int
    share: float = Field(description="Of all misses.")


class VerdictCounts(FrozenModel):
    """Counts the verdict on a share rests on: only the first defect of each customer or order per day."""

    defects: int
    judged: int
    days: int = Field(description="Days with judged rows; from 14 on, whole days are resampled as well.")
    defect_days: int | None = Field(default=None, description="Days with defects.")


class EvidenceSummary(FrozenModel):
    """The rows behind a finding: their number, the first of them, and the file that lists all (if written)."""

    count: int
    rows: tuple[EvidenceRow, ...] = ()
    file: str | None = None


class AlternativeFigure(FrozenModel):
    """The figure by another definition."""

    says: Message
    value: float | None
    rows: int


class PrintedFigure(FrozenModel):
    """A figure the platform prints for what the rule measures, ours over the same rows, and what explains a difference.

    That a definition gives the printed figure is a sign that the platform uses it, no proof.
    """

    name: str
    title: Message
    unit: Literal["share", "seconds", "hours"]
    theirs: float
    theirs_rows: int
    held: int = Field(description="Chats or cases of the same agents and days that our files hold.")
    ours: float | None
    ours_rows: int
    ours_says: Message = Field(description="How the rule counts.")
    difference: float | None = Field(description="Ours minus theirs.")
    verdict: Literal["agrees", "explained", "nearer", "unexplained"] = Field(
        description="explained: another definition gives theirs; nearer: one leaves at most half of the difference."
    )
    by: AlternativeFigure | None = Field(default=None, description="The definition that explains it, or comes nearer.")
    readings: tuple[AlternativeFigure, ...] = Field(description="All other definitions tried.")


class MuteMark(FrozenModel):
    """A finding is known and accepted until a day. It keeps its status and its weight in the score."""

    reason: str
    owner: str
    until: date
    segment: dict[str, str] = Field(default={}, description="The accepted slice; the rest does not fail.")


class Finding(FrozenModel):
    """A rule's verdict on one store. ``value`` is in the rule's own direction (``higher_is``)."""

    code: str
    id: str
    title: Message
    why: Note
    area: Area
    severity: Severity
    scored: bool
    status: Status
    note: Note = None
    withdrawn: bool = Field(
        default=False, description="It would pass or be watched, but rows that are missing could change that."
    )
    value: float | None
    higher_is: Direction
    unit: Literal["share", "seconds", "hours", "days", "number"]
    counts: OutcomeCounts
    defects: int
    judged: int
    undecided: int
    interval: tuple[float | None, float | None]
    interval_kind: Literal["wilson", "day_blocks", "order_statistics"] | None = Field(
        default=None,
        description="Wilson; or whole days resampled 1,000 times, for an end that lies farther out that way; or ranks.",
    )
    verdict_counts: VerdictCounts | None = Field(default=None, description="Shares only; None without judged rows.")
    target: float | None
    limit: float | None
    limit_source: LimitSource | None
    band: BandName | None = Field(default=None, description="The platform's own colour, where it has bands.")
    window: Window
    usual_window: Window | None = Field(
        default=None, description="The platform's, if it held too few rows and the window was stretched."
    )
    beside: tuple[SideFigure, ...] = ()
    printed: tuple[PrintedFigure, ...] = Field(
        default=(), description="Comparison with figures the platform itself prints."
    )
    drivers: tuple[Driver, ...] = ()
    own_slices: tuple[SliceVerdict, ...] = Field(default=(), description="Slices with limits of the store's own.")
    causes: tuple[MissCause, ...] = Field(
        default=(), description="Each miss once, by its cause, the largest first; empty where the rule names no causes."
    )
    evidence: EvidenceSummary
    money_at_risk: MoneyAtRisk | None = Field(
        default=None, description="None if the platform has no bands, or no defect is compensated."
    )
    previous: float | None = Field(default=None, description="The value in the run this one is compared with.")
    change: Change | None = Field(default=None, description="Since that run; within_noise if chance can explain it.")
    state: State | None = Field(
        default=None, description="From the verdicts of all stored runs; runs that could not judge it do not count."
    )
    since: datetime | None = Field(default=None, description="as_of of the run in which the state began.")
    rows: RowStates | None = Field(default=None, description="None if its rows are not tracked one by one.")
    muted: MuteMark | None = Field(
        default=None, description="Ignored by --fail-on and notifications; the score counts it like any other."
    )
    unsure: int = Field(
        default=0, description="Rows not judgeable only because a column is not recorded or a cell could not be read."
    )
    basis: tuple[str, ...] = Field(
        default=(),
        description="Assumptions the rows were judged under (docs/inputs.md); of alternative columns those that were used.",
    )
    unrecorded: tuple[str, ...] = Field(
        default=(), description="Columns that the outcome could depend on and in which no file has any value."
    )
    exempted: tuple[ExemptedRows, ...] = Field(
        default=(), description="Rows exempted by mutes.yaml, part of counts.exempt; the platform still counts them."
    )


class NotJudged(FrozenModel):
    """A rule that could not be judged, and which export would change that."""

    code: str
    title: Message
    area: Area
    reason: Note
    needs: tuple[str, ...]
    how_to_export: tuple[Message, ...]


class ExportSuggestion(FrozenModel):
    """A missing file, or columns that a file lacks, and which rules could be judged with them."""

    tables: tuple[str, ...] = Field(description="Canonical tables it would fill.")
    columns: tuple[str, ...] = Field(
        default=(), description="Such as orders.paid_at, if the file exists; empty if it is missing."
    )
    headers: tuple[str, ...] = Field(default=(), description="Headers of these columns in the layout.")
    files: tuple[str, ...] = Field(default=(), description="The files that lack the columns.")
    layouts: tuple[str, ...] = Field(description="Layouts that would provide it, best first.")
    menu: Note = Field(default=None, description="Menu that exports the first layout; None for a generic table.")
    areas: tuple[Area, ...]
    codes: tuple[str, ...] = Field(description="Rules that this export alone makes judgeable.")
    with_others: tuple[str, ...] = Field(default=(), description="Rules that also need another export.")


class Score(FrozenModel):
    """The headline, 0-100. ``None`` if less than the required share of the weight could be judged.

    ``low`` and ``high`` are approximate: the errors of the figures are assumed independent.
    """

    value: float | None
    uncapped: float | None
    low: float | None
    high: float | None
    grade: str | None
    coverage: float
    cap_reason: Message | None = None
    by_assumed_limits: bool = Field(
        default=False, description="The grade rests only on failures of unconfirmed limits."
    )


class AreaScore(FrozenModel):
    """One area's score, 0-100; ``None`` with coverage 0 if nothing in it could be judged."""

    id: Area
    score: float | None
    coverage: float
    low: float | None = None
    high: float | None = None
    worst: str | None = Field(default=None, description="Code of the scored finding that costs most.")
    loses: float | None = Field(
        default=None, description="Points the headline, before any cap, would gain with the area at its targets."
    )
    weight: float = Field(
        default=0.0, description="The area's weight in the headline, before missing areas are left out."
    )


class Recommendation(FrozenModel):
    """One action, the findings it helps and its expected gain: an estimate, see ``assumption``."""

    id: str
    name: Note = Field(default=None, description="The action in a few words.")
    where: Note = Field(default=None, description="Where most of the misses are; None if nothing stands out.")
    text: Message = Field(description="Who does what by when, and where most of the misses are.")
    notes: dict[str, str] = Field(
        default={}, description="A message to customers in en, zh and es, ready to paste; blanks are in brackets."
    )
    aside: Note = Field(default=None, description="Why the first action is not for the area that loses most.")
    findings: tuple[str, ...]
    effort: Literal["low", "medium", "high"]
    gain_points: float | None
    gain_units: Message
    assumption: Message
    basis: Literal["assumed", "slices", "history"] = Field(
        default="assumed",
        description="What the gain rests on: an assumed share; what the store's other slices achieve; or what the same action "
        "did here before.",
    )
    check_on: date | None
    command: Note = Field(default=None, description="The command that does the work, where there is one.")


class UpcomingDeadline(FrozenModel):
    """Something that becomes a breach unless it is done in time."""

    kind: str
    id: str
    what: Message | None = Field(default=None, description="What has to be done by then.")
    due_at: datetime
    hours_left: float
    amount_at_risk: float | None = None


RowUnit = Literal["chat", "question", "order", "parcel", "case", "sku", "row"]


class MinimumOrders(FrozenModel):
    """Minimum orders from which the platform judges at all, and how many were paid in the window."""

    orders: int
    counted: int | None = Field(default=None, description="None without an order file.")
    source: LimitSource


class LimitProjection(FrozenModel):
    """A platform's limit a week ahead, if as many rows come as in the last week of its window."""

    on: date = Field(description="Last day of the window then.")
    certain: int = Field(description="Present misses that still count then.")
    judged: int = Field(description="Rows that count then.")
    best: float = Field(description="The share, in the rule's own direction, if nothing more is missed.")
    at_pace: float = Field(description="The share if misses come as in the last week.")
    room: int = Field(description="Further misses there is room for; negative: this many too many, whatever happens.")


class PlatformLine(FrozenModel):
    """One rule as the platform would judge it today: the plain figure, without any allowance for chance.

    ``margin`` is in rows of ``counts``. Within the limit: how many more misses fit, each also one more judged row.
    Past it, negative: how many of the present misses would have had to be met to stay within it.
    """

    code: str
    title: Message
    unit: Literal["share", "seconds", "hours", "days", "number"]
    higher_is: Direction
    value: float | None = Field(
        description="In the rule's own direction. None: too many are open, so it is still growing."
    )
    limit: float
    limit_source: LimitSource
    band: BandName | None = Field(default=None, description="The platform's own colour, where it has bands.")
    window: Window = Field(description="The platform's own, even where the finding's days were stretched.")
    counts: RowUnit = Field(description="The unit of a judged row.")
    defects: int
    judged: int
    undecided: int
    margin: int | None = Field(
        description="None for durations and numbers, and if no number of misses reaches the limit."
    )
    over: bool = Field(description="Past the limit; exactly on it does not count.")
    at_worst: float | None = Field(
        default=None, description="Of a share: the value if everything still open is missed; None if nothing is open."
    )
    least: MinimumOrders | None = Field(default=None, description="Set if the platform has a minimum number.")
    projection: LimitProjection | None = Field(
        default=None, description="None for durations and numbers, and where the window holds no two weeks."
    )
