"""Records of history: what an earlier run said, what has changed since, the trend, and whether past advice helped."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from storehealth.model.base import Area, Change, Direction, FrozenModel, Note, State, Status
from storehealth.model.measurement import RowStates
from storehealth.support.message import Message

Unit = Literal["share", "seconds", "hours", "days", "number", "points"]


class ScorePart(FrozenModel):
    """What one finding has added to, or taken from, the headline since then."""

    code: str
    points: float


class ScoreChange(FrozenModel):
    """Change of the headline before any cap, and its parts: ``points = figures + coverage + rules``."""

    points: float
    change: Change = Field(description="Whether the difference is beyond what chance explains.")
    figures: float = Field(description="From findings judged in both runs: the sum of weight x (score now - then).")
    coverage: float = Field(description="From findings judged in only one of the runs, and the weights they shift.")
    rules: float = Field(description="From rules, limits or weights that have changed: the old counts, scored again.")
    parts: tuple[ScorePart, ...] = Field(default=(), description="The parts of figures, largest first.")


class AreaChange(FrozenModel):
    """An area's score then, by the current rules, and the difference if both runs have one."""

    id: Area
    score: float | None
    points: float | None = None


class PreviousRun(FrozenModel):
    """The run this one is compared with: the latest one with an earlier as_of, or the requested baseline."""

    as_of: datetime
    score: float | None = Field(description="The headline as published then.")
    uncapped: float | None
    grade: str | None
    score_change: ScoreChange | None = Field(default=None, description="None if one of the two has no headline.")
    areas: tuple[AreaChange, ...] = ()
    rejudged: bool = Field(default=False, description="Its counts were judged again, because the rules have changed.")
    baseline: bool = Field(default=False, description="It was requested by name.")
    same_weekdays: bool = Field(default=True, description="False: the days of the two runs mix weekdays differently.")


class TrendRun(FrozenModel):
    """One run of the trend."""

    as_of: datetime
    gap: bool = Field(default=False, description="Runs that usually come in between are missing before this one.")


class TrendLine(FrozenModel):
    """One figure over the runs of the trend; None for runs that could not judge it."""

    kind: Literal["score", "area", "finding"]
    name: str = Field(description="``score``, the area, or the rule's code.")
    title: Note = None
    unit: Unit
    higher_is: Direction
    values: tuple[float | None, ...]


class TrendEvent(FrozenModel):
    """An event that may explain a step in the trend."""

    first: date
    last: date
    name: Note = Field(description="None for make-up work days.")
    kind: Literal["promotion", "holiday", "make_up_work_day", "rule_change", "other"]


class Trend(FrozenModel):
    """The last runs, oldest first, ending with this one. Scores are before any cap, by the current rules."""

    runs: tuple[TrendRun, ...]
    lines: tuple[TrendLine, ...]
    events: tuple[TrendEvent, ...] = ()


class PeriodCounts(FrozenModel):
    """The counts of a finding, or of one slice of it, at one run."""

    defects: int
    judged: int
    value: float | None = Field(description="In the finding's own direction and unit.")
    days: int | None = Field(default=None, description="Days these rows span.")


class FollowUp(FrozenModel):
    """Earlier advice, reviewed on its day. What changed since is not necessarily its effect."""

    id: str
    name: Note
    given_on: date
    check_on: date
    code: str = Field(description="The finding it was given for.")
    title: Note = None
    unit: Unit
    segment: dict[str, str | None] = Field(default={}, description="Where most misses were then; empty: everywhere.")
    before: PeriodCounts
    after: PeriodCounts | None = Field(description="None if it can no longer be judged.")
    change: Change | None
    points: float | None = Field(
        default=None, description="What the findings it was given for have added to the headline."
    )


class RunSummary(FrozenModel):
    """A stored run in one line."""

    run: str
    store: str
    folder: str = Field(default="", description="The exports folder, if the settings give the store no name.")
    platform: str
    how: str = Field(default="", description="Options that change the figures, such as window=7d.")
    as_of: datetime
    made_at: datetime
    score: float | None
    grade: str | None
    fails: int
    watches: int


class FindingComparison(FrozenModel):
    """One finding in two runs, judged by the same rules."""

    code: str
    title: Message
    area: Area
    unit: Unit
    status_then: Status | None
    status_now: Status | None
    before: PeriodCounts | None
    after: PeriodCounts | None
    change: Change | None
    state: State | None
    rows: RowStates | None


class RunComparison(FrozenModel):
    """Two stored runs side by side."""

    schema_version: str = "1.0.0"
    first: RunSummary
    second: RunSummary
    previous: PreviousRun
    findings: tuple[FindingComparison, ...]
