"""Records of a fleet: how each store's audit ended, what of it is compared with other stores, and the fleet's report."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from storehealth.model.base import Area, Change, Direction, FrozenModel, Note, Severity, State, Status
from storehealth.support.message import Message

FLEET_SCHEMA_VERSION = "1.0.0"
StoreStatus = Literal["done", "unchanged", "failed", "timeout", "memory", "crashed", "busy"]


class FindingBrief(FrozenModel):
    """What a fleet's report needs of a finding."""

    code: str
    title: Message
    area: Area
    severity: Severity
    scored: bool
    status: Status
    value: float | None
    unit: str
    higher_is: Direction
    interval: tuple[float | None, float | None]
    defects: int
    judged: int
    points: float = Field(default=0.0, description="What the finding costs the headline, before any cap, in points.")
    change: Change | None = None
    state: State | None = None
    muted: bool = False
    slices: tuple[tuple[str, str, int, int], ...] = Field(
        default=(),
        description="Slices that mean the same in every store, such as a carrier: dimension, value, defects, judged rows.",
    )


class AreaBrief(FrozenModel):
    """An area's score."""

    id: Area
    score: float | None
    low: float | None = None
    high: float | None = None
    coverage: float = 0.0
    points: float | None = Field(
        default=None, description="Points the headline would gain with the area at its targets."
    )


class StoreBrief(FrozenModel):
    """What a fleet's report needs of a store's checkup."""

    run: str
    started_at: datetime
    store: str
    platform: str
    site: str | None = None
    timezone: str
    language: Literal["en", "zh", "es"]
    as_of: datetime | None
    orders: int = Field(description="Orders of the exports that were used.")
    rows: int
    score: float | None
    low: float | None = None
    high: float | None = None
    grade: str | None = None
    coverage: float
    previous: float | None = Field(default=None, description="The score of the run compared with.")
    score_change: Change | None = None
    areas: tuple[AreaBrief, ...] = ()
    findings: tuple[FindingBrief, ...] = ()
    headline: Message
    action: Note = Field(default=None, description="What to do first.")
    gain: float | None = Field(default=None, description="Points that the first action may bring.")
    wanted: tuple[str, ...] = Field(default=(), description="Tables that no file fills and that more rules need.")
    refused: int = Field(default=0, description="Files that could not be read.")
    behind: dict[str, float] = Field(default={}, description="Tables that end more than a day before as_of, in hours.")


class StoreResult(FrozenModel):
    """How the audit of one store of a fleet ended."""

    name: str
    status: StoreStatus
    exit_code: int
    owner: str | None = None
    attempts: int = 1
    started_at: datetime
    seconds: float
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0
    folder: str | None = Field(default=None, description="The folder of the store's own reports.")
    page: str | None = Field(default=None, description="The store's own page there, where one was written.")
    reasons: tuple[Message, ...] = ()
    brief: StoreBrief | None = Field(
        default=None, description="Of the latest audit that gave a result, also an earlier one."
    )
    worker: str = Field(default="", description="The machine that did it.")

    @property
    def is_done(self) -> bool:
        """Whether there is a result of this run, or the files have not changed since."""
        return self.status in ("done", "unchanged")


class FleetRun(FrozenModel):
    """One run over a fleet: what ``fleet audit`` stores and ``fleet report`` reads."""

    schema_version: str = FLEET_SCHEMA_VERSION
    name: str
    id: str
    started_at: datetime
    ended_at: datetime | None = None
    exit_code: int = 0
    results: tuple[StoreResult, ...] = ()


class FleetStatus(FrozenModel):
    """How the latest run of a fleet ended, for ``status``."""

    name: str
    stores: int
    ended_at: datetime | None
    counts: dict[str, int] = Field(description="Stores by how their audit ended.")
    failed: tuple[str, ...] = Field(description="Stores without a result.")


class PeerGroup(FrozenModel):
    """Stores that are like each other: of one platform and market, and of one size by orders."""

    platform: str
    orders_from: int
    orders_below: int | None = Field(description="None: no upper end.")


class LeagueLine(FrozenModel):
    """A store in the league. Stores whose score intervals overlap stand level: neither is placed before the other."""

    name: str
    store: str
    owner: str | None
    peers: PeerGroup
    place: int | None = Field(description="1 + the stores that are surely better; None without a score.")
    last_place: int | None = Field(description="Stores with a score less those that are surely worse.")
    score: float | None
    low: float | None
    high: float | None
    grade: str | None
    previous: float | None
    change: Change | None
    orders: int
    fails: int
    watches: int
    status: StoreStatus
    headline: Message
    page: str | None = Field(default=None, description="Path of the store's own report.")


class HelpLine(FrozenModel):
    """A store that needs help, and what to do there first."""

    name: str
    store: str
    owner: str | None
    weight: float = Field(description="Points lost times orders.")
    points: float = Field(description="Points missing from the score compared with its targets, before any cap.")
    orders: int
    worst: tuple[str, ...] = Field(description="Codes of the failing findings that cost most.")
    first: Note = Field(default=None, description="What should be true and is not, of the first of these.")
    action: Note
    gain: float | None


class Spread(FrozenModel):
    """How a figure is spread over the stores of one peer group: an area's score, or a rule's value."""

    peers: PeerGroup
    area: Area
    code: str = Field(default="", description="Of a rule; empty for an area's score.")
    title: Note = None
    unit: str = "points"
    higher_is: Direction = "better"
    stores: int
    fails: int = 0
    low: float
    quarter: float
    median: float
    three_quarters: float
    high: float


class CommonFinding(FrozenModel):
    """Something that many stores share: a rule that most of a platform's stores fail, or a slice such as a carrier."""

    code: str
    title: Message
    platform: str | None = Field(description="Of a rule shared by one platform's stores; None for a slice.")
    dimension: str = ""
    value: str = ""
    stores: tuple[str, ...]
    judged_stores: int
    defects: int
    judged: int
    elsewhere: float | None = Field(default=None, description="Of a slice: the share of defects among all other rows.")
    points: float = Field(description="Points it costs those stores together.")


class ChangeLine(FrozenModel):
    """What has changed in a store beyond noise."""

    name: str
    store: str
    change: Change | None
    previous: float | None
    score: float | None
    new: tuple[str, ...] = Field(description="Codes that fail now and did not, or fail again.")
    resolved: tuple[str, ...]


class ExportTrouble(FrozenModel):
    """A store whose exports are incomplete or old."""

    name: str
    store: str
    reasons: tuple[Message, ...]


class PeerStanding(FrozenModel):
    """A store's standing among its peers, without their names; None if there are too few."""

    name: str
    peers: PeerGroup
    stores: int
    area: Area
    score: float
    median: float
    better_than: float = Field(description="Share of the peers with a lower score; of equals, half.")


class FleetFailure(FrozenModel):
    """A store without a result of this run."""

    name: str
    status: StoreStatus
    attempts: int
    reasons: tuple[Message, ...]
    last_result: datetime | None = Field(description="When the audit was made that the report shows for it.")


class FleetReport(FrozenModel):
    """The report over all stores of a fleet: a pure function of its latest run."""

    schema_version: str = FLEET_SCHEMA_VERSION
    name: str
    run: str
    made_at: datetime
    language: Literal["en", "zh", "es"]
    stores: int
    judged: int = Field(description="Stores with a score.")
    orders: int
    counts: dict[str, int] = Field(description="Stores by how their audit ended.")
    bands: dict[str, int] = Field(description="Stores by grade.")
    median: float | None = Field(description="Median of the scores.")
    help: tuple[HelpLine, ...] = Field(description="Who needs help first: by points lost times orders.")
    common: tuple[CommonFinding, ...]
    changes: tuple[ChangeLine, ...]
    failures: tuple[FleetFailure, ...]
    exports: tuple[ExportTrouble, ...]
    league: tuple[LeagueLine, ...]
    areas: tuple[Spread, ...]
    rules: tuple[Spread, ...]
    standings: tuple[PeerStanding, ...]
