"""Finds which views, rules and modules read each platform fact. The rest are recorded for the reader only."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping

from storehealth.catalogue.platform import Platform
from storehealth.catalogue.rule import Rule
from storehealth.catalogue.view import View

FACT_IN_SQL = re.compile(r"(?:getvariable\(\s*'|after_)(\w+)(?:'\s*\)|\()")
"""Matches ``getvariable('session_gap')``, and ``after_review_night(…)``, the macro that db defines from that fact."""
FACTS_READ_IN_PYTHON = {"service_hours": "service_days", "holidays": "service_days"}
"""Facts that Python reads instead of SQL, with the table it builds from each."""

INFORMATIVE_FACTS = {
    "cancel_rate_limit": "highest share of orders the seller may cancel, for whatever reason is the seller's",
    "case_rate_limit": "highest share of orders with a claim or case against the seller",
    "defect_rate_limit": "highest share of orders with a defect as the platform defines it",
    "late_rate_limit": "highest share of late orders, where the platform's 'late' is not this project's",
    "least_orders": "orders in the window below which the platform gives no score",
    "on_time_delivery_rate": "lowest share delivered in time, where the platform counts otherwise than LG06",
    "out_of_stock_after": "lateness from which an order counts as out of stock",
    "pickup_night": "orders paid in these hours have their pick-up clock started at their end",
    "sales_cut_at": "share of one day's due orders late at which the shop's orders are limited",
    "short_wait": "who leaves sooner could hardly have been served",
    "valid_tracking_rate": "lowest share of parcels whose number a carrier has scanned",
}
"""Facts that are shown but judge nothing, with their meaning. A rule of a pack may still read them."""


def find_fact_readers(views: Mapping[str, View], rules: Iterable[Rule]) -> dict[str, tuple[str, ...]]:
    """Map each fact to the views (by name) and rules (by code) that read it; facts that nobody reads are absent."""
    readers_of: dict[str, dict[str, None]] = {name: {module: None} for name, module in FACTS_READ_IN_PYTHON.items()}
    for view in views.values():
        for name in FACT_IN_SQL.findall(view.sql):
            readers_of.setdefault(name, {})[view.view] = None
    for rule in rules:
        for name in find_rule_facts(rule):
            readers_of.setdefault(name, {})[rule.code] = None
    return {name: tuple(by) for name, by in readers_of.items()}


def find_rule_facts(rule: Rule) -> Iterator[str]:
    """Yield the facts that a rule's own SQL reads; its view may read more."""
    timed = rule.measure.in_time
    if timed and isinstance(timed.within, str):
        yield timed.within
    yield from FACT_IN_SQL.findall(rule.measure.model_dump_json())
    yield from FACT_IN_SQL.findall(" ".join(advice.mends for advice in rule.advice))


def find_unread_facts(
    platforms: Mapping[str, Platform], views: Mapping[str, View], rules: Iterable[Rule]
) -> Iterator[str]:
    """Report facts that nobody reads and that are not listed as informative: most likely typing errors."""
    known = {*find_fact_readers(views, rules), *INFORMATIVE_FACTS}
    for stem, platform in platforms.items():
        for name in platform.facts:
            if name not in known:
                near = difflib.get_close_matches(name, sorted(known), n=1)
                yield f"{stem}.yaml: facts.{name}: nothing reads it{f'; nearest is {near[0]}' if near else ''}"
