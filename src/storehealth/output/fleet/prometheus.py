"""The fleet as figures for Prometheus, each with a label per store; what could not be judged has no figure."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from storehealth.model.fleet import FleetReport, LeagueLine

NAME = "prometheus"
SUFFIX = ".prom"


def render(report: FleetReport) -> bytes:
    """Metrics in Prometheus' text format, labelled with ``fleet``, ``store``, ``platform`` and ``owner``."""
    registry = CollectorRegistry()
    registry.register(_Figures(report))
    return generate_latest(registry)


class _Figures(Collector):
    def __init__(self, report: FleetReport) -> None:
        self.report = report

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield every family."""
        report = self.report
        stores = _family("stores", "Stores by how their audit ended.", "fleet", "status")
        for status, count in report.counts.items():
            _put(stores, count, report.name, status)
        ended = _family("last_run_timestamp_seconds", "When the fleet's latest run ended.", "fleet")
        _put(ended, report.made_at.timestamp(), report.name)
        yield from (stores, ended, *_list_families(report))


def _list_families(report: FleetReport) -> Iterator[GaugeMetricFamily]:
    labels = ("fleet", "store", "platform", "owner")
    score = _family("store_score", "Health of a store, 0 to 100.", *labels)
    fails = _family("store_failing_findings", "Findings of a store that fail.", *labels)
    orders = _family("store_orders", "Orders of a store that were looked at.", *labels)
    for line in report.league:
        store_labels = _label(report, line)
        if line.score is not None:
            _put(score, line.score, *store_labels)
        _put(fails, line.fails, *store_labels)
        _put(orders, line.orders, *store_labels)
    audited = _family("store_audited", "1 where the latest run gave a result for a store, else 0.", "fleet", "store")
    failed = {failure.name for failure in report.failures}
    for name in sorted({*failed, *(line.name for line in report.league)}):
        _put(audited, name not in failed, report.name, name)
    yield from (score, fails, orders, audited)


def _label(report: FleetReport, line: LeagueLine) -> tuple[str, ...]:
    return (report.name, line.name, line.peers.platform, line.owner or "")


def _family(name: str, description: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"storehealth_fleet_{name}", description, labels=labels)


def _put(family: GaugeMetricFamily, value: float, *labels: str) -> None:
    family.add_metric([label.encode(errors="replace").decode() for label in labels], value)
