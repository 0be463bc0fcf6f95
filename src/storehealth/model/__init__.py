"""The records, in the order an audit makes them: source → measurement → finding → recommendation → checkup.

All are frozen pydantic models. :class:`Checkup` is the one result of an audit: what is shown, written and remembered
is a pure function of it, and its JSON form is described by ``docs/checkup.schema.json``.
"""

from __future__ import annotations

from storehealth.model.base import Area, Direction, Outcome, Record, Severity, Status
from storehealth.model.checkup import SCHEMA_VERSION, Checkup, Method, OutcomeOfRun, Run, TableEnd, Tool
from storehealth.model.inspection import (
    ColumnRead,
    InspectedFile,
    Inspection,
    NearestLayout,
    Preview,
    RejectGroup,
)
from storehealth.model.intake import Intake, Reading, Source, StoredTable
from storehealth.model.measured import (
    Beside,
    Distributions,
    EvidenceRow,
    FirstReplies,
    Hole,
    Measurement,
    Mended,
    Missing,
    PublishedMeasurement,
    ReplyBracket,
    ReplySummary,
    Segment,
    Tally,
    TurnReplies,
    Window,
)
from storehealth.model.verdict import (
    AreaScore,
    Counts,
    Deadline,
    Driver,
    Evidence,
    ExportWanted,
    Finding,
    LimitSource,
    NotJudged,
    Recommendation,
    Score,
    VerdictCounts,
)

__all__ = [
    "SCHEMA_VERSION",
    "Area",
    "AreaScore",
    "Beside",
    "Checkup",
    "ColumnRead",
    "Counts",
    "Deadline",
    "Direction",
    "Distributions",
    "Driver",
    "Evidence",
    "EvidenceRow",
    "ExportWanted",
    "Finding",
    "FirstReplies",
    "Hole",
    "InspectedFile",
    "Inspection",
    "Intake",
    "LimitSource",
    "Measurement",
    "Mended",
    "Method",
    "Missing",
    "NearestLayout",
    "NotJudged",
    "Outcome",
    "OutcomeOfRun",
    "Preview",
    "PublishedMeasurement",
    "Reading",
    "Recommendation",
    "Record",
    "RejectGroup",
    "ReplyBracket",
    "ReplySummary",
    "Run",
    "Score",
    "Segment",
    "Severity",
    "Source",
    "Status",
    "StoredTable",
    "TableEnd",
    "Tally",
    "Tool",
    "TurnReplies",
    "VerdictCounts",
    "Window",
]
