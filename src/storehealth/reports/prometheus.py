"""The checkup as figures for Prometheus: a text file for the node exporter's collector, or any scraper.

Moments are seconds since 1970, so that ages are counted where they are shown: ``time() - storehealth_as_of_…``. What could
not be judged has no figure, rather than 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple, get_args
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from storehealth.errors import Exit
from storehealth.model import Checkup, Status

NAME = "prometheus"
SUFFIX = ".prom"
GOOD = (Exit.OK, Exit.FINDINGS)


def render(checkup: Checkup) -> bytes:
    """Metrics in Prometheus' text format, each with the labels ``store`` and ``platform``."""
    return _text(_Seen(checkup))


VERDICTS = ("pass", "watch", "fail")


class Watched:
    """The same of a run that nobody watches, with the label ``schedule``: several may look at one store.

    Args:
        schedule: The name of the runs.
        last_success: When the last earlier one began whose data sufficed; told as long as none does since.
    """

    NAME = NAME
    SUFFIX = SUFFIX

    def __init__(self, schedule: str, last_success: datetime | None) -> None:
        self.schedule = schedule
        self.last_success = last_success

    def render(self, checkup: Checkup) -> bytes:
        """The metrics."""
        return _text(_Seen(checkup, {"schedule": self.schedule}, self.last_success))


class _Seen(NamedTuple):
    """What is told of: a checkup, labels besides the store's, and an earlier success."""

    checkup: Checkup
    labels: Mapping[str, str] = {}
    last_success: datetime | None = None


def _text(seen: _Seen) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Figures(seen))
    return generate_latest(registry)


class _Figures(Collector):
    def __init__(self, seen: _Seen) -> None:
        self.seen = seen

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every family that has a figure."""
        families = (*_scores(self.seen), *_findings(self.seen), *_moments(self.seen))
        yield from (family for family in families if family.samples)


class _Family(GaugeMetricFamily):
    """A gauge whose labels begin with the store's."""

    def __init__(self, seen: _Seen, name: str, told: str, *labels: str) -> None:
        super().__init__(f"storehealth_{name}", told, labels=("store", "platform", *seen.labels, *labels))
        self.store = (seen.checkup.store, seen.checkup.platform, *seen.labels.values())

    def put(self, value: float | None, *labels: str) -> None:
        """Add a figure, unless there is none."""
        if value is not None:
            said = [label.encode(errors="replace").decode() for label in (*self.store, *labels)]
            self.add_metric(said, value)


def _scores(seen: _Seen) -> Iterator[_Family]:
    checkup = seen.checkup
    whole = _Family(seen, "score", "Health of the store, 0 to 100.")
    whole.put(checkup.score.value)
    coverage = _Family(seen, "score_coverage_ratio", "Share of the score's weight that could be judged.")
    coverage.put(checkup.score.coverage)
    areas = _Family(seen, "area_score", "Health of one area, 0 to 100.", "area")
    for area in checkup.areas:
        areas.put(area.score, area.id)
    yield from (whole, coverage, areas)


def _findings(seen: _Seen) -> Iterator[_Family]:
    checkup = seen.checkup
    by_status = _Family(seen, "findings", "Findings by status.", "status")
    for status in get_args(Status):
        by_status.put(sum(one.status == status for one in checkup.findings), status)
    defects = _Family(seen, "finding_defects", "Rows of a rule that missed what it asks for.", "code", "area")
    judged = _Family(seen, "finding_judged", "Rows of a rule that could be judged.", "code", "area")
    failing = _Family(seen, "finding_failing", "1 where a rule fails, else 0.", "code", "area")
    for one in checkup.findings:
        if one.status in (*VERDICTS, "inconclusive"):
            defects.put(one.defects, one.code, one.area)
            judged.put(one.judged, one.code, one.area)
        if one.status in VERDICTS:
            failing.put(one.status == "fail", one.code, one.area)
    yield from (by_status, defects, judged, failing)


def _moments(seen: _Seen) -> Iterator[_Family]:
    checkup = seen.checkup
    as_of = _Family(seen, "as_of_timestamp_seconds", "The moment the store was judged at.")
    as_of.put(_seconds(checkup.as_of, checkup.timezone))
    tables = _Family(seen, "table_last_event_timestamp_seconds", "Last event of a table of the exports.", "table")
    for name, end in checkup.table_ends.items():
        tables.put(_seconds(end.last, checkup.timezone), name)
    started, code = checkup.run.started_at.timestamp(), checkup.outcome.exit_code
    ran = _Family(seen, "last_run_timestamp_seconds", "When the run began that wrote this.")
    ran.put(started)
    success = _Family(seen, "last_success_timestamp_seconds", "When the last run began whose data sufficed.")
    success.put(started if code in GOOD else seen.last_success.timestamp() if seen.last_success else None)
    ended = _Family(seen, "exit_code", "Exit code of the audit: 0 nothing found, 1 findings, 3 data do not suffice.")
    ended.put(code)
    yield from (as_of, tables, ran, success, ended)


def _seconds(moment: datetime | None, zone: str) -> float | None:
    """Seconds since 1970 of a time in the store's own zone."""
    return None if moment is None else moment.replace(tzinfo=ZoneInfo(zone)).timestamp()
