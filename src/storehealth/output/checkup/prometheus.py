"""The checkup as figures for Prometheus: a text file for the node exporter's collector, or any scraper.

Moments are seconds since 1970, so that ages are computed where they are shown: ``time() - storehealth_as_of_…``. What could
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

from storehealth.errors import ExitCode
from storehealth.model import Checkup, Status

NAME = "prometheus"
SUFFIX = ".prom"
GOOD = (ExitCode.OK, ExitCode.FINDINGS)


def render(checkup: Checkup) -> bytes:
    """Metrics in Prometheus' text format, each with the labels ``store`` and ``platform``."""
    return _text(_Subject(checkup))


VERDICTS = ("pass", "watch", "fail")


class ScheduleMetrics:
    """The same metrics for an unattended run, labelled with its schedule: several schedules may audit one store.

    Args:
        schedule: The name of the runs.
        last_success: Start of the last earlier run whose data sufficed; reported until a later one does.
    """

    NAME = NAME
    SUFFIX = SUFFIX

    def __init__(self, schedule: str, last_success: datetime | None) -> None:
        self.schedule = schedule
        self.last_success = last_success

    def render(self, checkup: Checkup) -> bytes:
        """The metrics."""
        return _text(_Subject(checkup, {"schedule": self.schedule}, self.last_success))


class _Subject(NamedTuple):
    """A checkup, labels besides the store's, and the start of an earlier success."""

    checkup: Checkup
    labels: Mapping[str, str] = {}
    last_success: datetime | None = None


def _text(subject: _Subject) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Figures(subject))
    return generate_latest(registry)


class _Figures(Collector):
    def __init__(self, subject: _Subject) -> None:
        self.subject = subject

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every family that has a figure."""
        families = (*_measure_scores(self.subject), *_findings(self.subject), *_measure_moments(self.subject))
        yield from (family for family in families if family.samples)


class _Family(GaugeMetricFamily):
    """A gauge whose labels begin with the store's."""

    def __init__(self, subject: _Subject, name: str, description: str, *labels: str) -> None:
        super().__init__(f"storehealth_{name}", description, labels=("store", "platform", *subject.labels, *labels))
        self.store = (subject.checkup.store, subject.checkup.platform, *subject.labels.values())

    def put(self, value: float | None, *labels: str) -> None:
        """Add a figure, unless there is none."""
        if value is not None:
            values = [label.encode(errors="replace").decode() for label in (*self.store, *labels)]
            self.add_metric(values, value)


def _measure_scores(subject: _Subject) -> Iterator[_Family]:
    checkup = subject.checkup
    total = _Family(subject, "score", "Health of the store, 0 to 100.")
    total.put(checkup.score.value)
    coverage = _Family(subject, "score_coverage_ratio", "Share of the score's weight that could be judged.")
    coverage.put(checkup.score.coverage)
    areas = _Family(subject, "area_score", "Health of one area, 0 to 100.", "area")
    for area in checkup.areas:
        areas.put(area.score, area.id)
    yield from (total, coverage, areas)


def _findings(subject: _Subject) -> Iterator[_Family]:
    checkup = subject.checkup
    by_status = _Family(subject, "findings", "Findings by status.", "status")
    for status in get_args(Status):
        by_status.put(sum(finding.status == status for finding in checkup.findings), status)
    defects = _Family(subject, "finding_defects", "Rows of a rule that missed what it asks for.", "code", "area")
    judged = _Family(subject, "finding_judged", "Rows of a rule that could be judged.", "code", "area")
    failing = _Family(subject, "finding_failing", "1 where a rule fails, else 0.", "code", "area")
    for finding in checkup.findings:
        if finding.status in (*VERDICTS, "inconclusive"):
            defects.put(finding.defects, finding.code, finding.area)
            judged.put(finding.judged, finding.code, finding.area)
        if finding.status in VERDICTS:
            failing.put(finding.status == "fail", finding.code, finding.area)
    yield from (by_status, defects, judged, failing)


def _measure_moments(subject: _Subject) -> Iterator[_Family]:
    checkup = subject.checkup
    as_of = _Family(subject, "as_of_timestamp_seconds", "The moment the store was judged at.")
    as_of.put(_to_seconds(checkup.as_of, checkup.timezone))
    tables = _Family(subject, "table_last_event_timestamp_seconds", "Last event of a table of the exports.", "table")
    for name, end in checkup.table_ends.items():
        tables.put(_to_seconds(end.last, checkup.timezone), name)
    started, code = checkup.run.started_at.timestamp(), checkup.outcome.exit_code
    ran = _Family(subject, "last_run_timestamp_seconds", "When the run began that wrote this.")
    ran.put(started)
    success = _Family(subject, "last_success_timestamp_seconds", "When the last run began whose data sufficed.")
    success.put(started if code in GOOD else subject.last_success.timestamp() if subject.last_success else None)
    ended = _Family(subject, "exit_code", "Exit code of the audit: 0 nothing found, 1 findings, 3 data do not suffice.")
    ended.put(code)
    yield from (as_of, tables, ran, success, ended)


def _to_seconds(moment: datetime | None, zone: str) -> float | None:
    """Seconds since 1970 of a time in the store's own zone."""
    return None if moment is None else moment.replace(tzinfo=ZoneInfo(zone)).timestamp()
