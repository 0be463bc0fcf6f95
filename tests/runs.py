"""Remembered runs made by hand: a day, some findings, and what was advised."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from storehealth.history import (
    CurrentAudit,
    DefectMarks,
    EarlierRun,
    EarlierRuns,
    HistoryComparison,
    compare_with_history,
)
from storehealth.model import Checkup, Driver, Finding, PublishedMeasurement, Recommendation, TrendEvent, Window
from storehealth.score import score_findings
from storehealth.support.message import verbatim
from tests.checkups import checkup
from tests.made import SHIPPING, finding
from tests.measure.fakes import SCORING

MONTH = 30


def at(day: str, hour: int = 23) -> datetime:
    """An hour of a day."""
    return datetime.combine(date.fromisoformat(day), time(hour))


def month(day: str) -> Window:
    """The thirty days that end on a day."""
    last = date.fromisoformat(day)
    return Window(first=last - timedelta(days=MONTH - 1), last=last)


def late(defects: int, judged: int, day: str = "2025-03-31", **changes: Any) -> Finding:
    """Late parcels: at most 1 % wanted, 4 % the limit; the status follows from the counts unless given."""
    given = {"code": "LG05", "title": verbatim("Parcels leave in time"), "area": "logistics", "window": month(day)}
    return finding(defects, judged, changes.pop("limits", SHIPPING), **(given | changes))


def gap(code: str = "LG05", **changes: Any) -> Finding:
    """A finding that could not be judged."""
    none = {"status": "inconclusive", "value": None, "judged": 0, "interval": (None, None)}
    return late(0, 20, code=code).model_copy(update=none | changes)


def told(day: str, *findings: Finding, **changes: Any) -> Checkup:
    """What a run told, scored as it would be."""
    total, areas = score_findings(findings, SCORING)
    given = {"as_of": at(day), "window": month(day), "findings": findings, "score": total, "areas": areas}
    return checkup(**({"recommendations": (), "headline": verbatim("Said.")} | given | changes))


def past_run(
    day: str, *findings: Finding, marks: Mapping[str, Mapping[int, int]] | None = None, **changes: Any
) -> EarlierRun:
    """A remembered run whose rules are still the same."""
    made = told(day, *findings, **changes)
    return EarlierRun(made, made.findings, made.score, made.areas, is_rejudged=False, marks=marks or {})


def runs(*past: EarlierRun, baseline: bool = False, events: tuple[TrendEvent, ...] = ()) -> EarlierRuns:
    """Earlier runs, the last of them the one that is compared with."""
    return EarlierRuns(past, past, baseline, events)


def present(
    day: str, *findings: Finding, seen: DefectMarks | None = None, counts: tuple[PublishedMeasurement, ...] = ()
) -> CurrentAudit:
    """The audit at hand."""
    total, areas = score_findings(findings, SCORING)
    return CurrentAudit(at(day), month(day), findings, total, areas, counts, seen or DefectMarks({}, {}))


def against(past: EarlierRuns, now: CurrentAudit) -> HistoryComparison:
    """Hold it against the runs before it."""
    return compare_with_history(past, now, SCORING)


def checkup_against(past: EarlierRuns, now: CurrentAudit, **changes: Any) -> Checkup:
    """A whole checkup that speaks of the runs before it."""
    found = against(past, now)
    given = {**found._asdict(), "as_of": now.as_of, "window": now.window, "score": now.total, "areas": now.areas}
    return checkup(**({"recommendations": (), "headline": verbatim("Said.")} | given | changes))


def advice(code: str = "LG05", check_on: str = "2025-03-31", **changes: Any) -> Recommendation:
    """Keep the cut-off."""
    given = {
        "id": "cut-off", "name": "Keep the cut-off", "text": "Hand parcels over before 16:00", "findings": (code,),
        "effort": "low", "gain_points": 5.0, "gain_units": "", "assumption": "half of them go",
        "check_on": date.fromisoformat(check_on),
    }  # fmt: skip
    return Recommendation(**(given | changes))


def driver(defects: int, judged: int, share: float = 0.6, **segment: str) -> Driver:
    """A slice that stands out."""
    return Driver(segment=segment or {"warehouse": "WH2"}, defects=defects, judged=judged, share_of_defects=share)


def counted(defects: int, judged: int, code: str = "LG05", **segment: str) -> PublishedMeasurement:
    """The counts of a slice now."""
    slice_ = segment or {"warehouse": "WH2"}
    return PublishedMeasurement(code=code, segment=slice_, value=None, defects=defects, judged=judged, undecided=0)
