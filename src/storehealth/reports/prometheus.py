"""The checkup as figures for Prometheus: a text file for the node exporter's collector, or any scraper.

Moments are seconds since 1970, so that ages are counted where they are shown: ``time() - storehealth_as_of_…``. What could
not be judged has no figure, rather than 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import get_args
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
    registry = CollectorRegistry()
    registry.register(_Figures(checkup))
    return generate_latest(registry)


class _Figures(Collector):
    def __init__(self, checkup: Checkup) -> None:
        self.checkup = checkup

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every family that has a figure."""
        families = (*_scores(self.checkup), *_findings(self.checkup), *_moments(self.checkup))
        yield from (family for family in families if family.samples)


class _Family(GaugeMetricFamily):
    """A gauge whose labels begin with the store's."""

    def __init__(self, checkup: Checkup, name: str, told: str, *labels: str) -> None:
        super().__init__(f"storehealth_{name}", told, labels=("store", "platform", *labels))
        self.store = (checkup.store, checkup.platform)

    def put(self, value: float | None, *labels: str) -> None:
        """Add a figure, unless there is none."""
        if value is not None:
            said = [label.encode(errors="replace").decode() for label in (*self.store, *labels)]
            self.add_metric(said, value)


def _scores(checkup: Checkup) -> Iterator[_Family]:
    whole = _Family(checkup, "score", "Health of the store, 0 to 100.")
    whole.put(checkup.score.value)
    coverage = _Family(checkup, "score_coverage_ratio", "Share of the score's weight that could be judged.")
    coverage.put(checkup.score.coverage)
    areas = _Family(checkup, "area_score", "Health of one area, 0 to 100.", "area")
    for area in checkup.areas:
        areas.put(area.score, area.id)
    yield from (whole, coverage, areas)


def _findings(checkup: Checkup) -> Iterator[_Family]:
    by_status = _Family(checkup, "findings", "Findings by status.", "status")
    for status in get_args(Status):
        by_status.put(sum(one.status == status for one in checkup.findings), status)
    defects = _Family(checkup, "finding_defects", "Rows of a rule that missed what it asks for.", "code", "area")
    judged = _Family(checkup, "finding_judged", "Rows of a rule that could be judged.", "code", "area")
    failing = _Family(checkup, "finding_failing", "1 where a rule fails, else 0.", "code", "area")
    for one in checkup.findings:
        defects.put(one.defects, one.code, one.area)
        judged.put(one.judged, one.code, one.area)
        if one.status in ("pass", "watch", "fail"):
            failing.put(one.status == "fail", one.code, one.area)
    yield from (by_status, defects, judged, failing)


def _moments(checkup: Checkup) -> Iterator[_Family]:
    as_of = _Family(checkup, "as_of_timestamp_seconds", "The moment the store was judged at.")
    as_of.put(_seconds(checkup.as_of, checkup.timezone))
    tables = _Family(checkup, "table_last_event_timestamp_seconds", "Last event of a table of the exports.", "table")
    for name, end in checkup.table_ends.items():
        tables.put(_seconds(end.last, checkup.timezone), name)
    started, code = checkup.run.started_at.timestamp(), checkup.outcome.exit_code
    ran = _Family(checkup, "last_run_timestamp_seconds", "When the run began that wrote this.")
    ran.put(started)
    success = _Family(checkup, "last_success_timestamp_seconds", "When the run began, where the data sufficed.")
    success.put(started if code in GOOD else None)
    ended = _Family(checkup, "exit_code", "Exit code of the audit: 0 nothing found, 1 findings, 3 data do not suffice.")
    ended.put(code)
    yield from (as_of, tables, ran, success, ended)


def _seconds(moment: datetime | None, zone: str) -> float | None:
    """Seconds since 1970 of a time in the store's own zone."""
    return None if moment is None else moment.replace(tzinfo=ZoneInfo(zone)).timestamp()
