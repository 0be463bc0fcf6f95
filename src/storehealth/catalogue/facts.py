"""Finds which views, rules and modules read each platform fact. The rest are recorded for the reader only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from storehealth.catalogue.files import describe_problem
from storehealth.catalogue.platform import Platform
from storehealth.catalogue.rule import Rule
from storehealth.catalogue.view import View
from storehealth.support.message import Message, message
from storehealth.support.validation import with_nearest

FACT_IN_SQL = re.compile(r"(?:getvariable\(\s*'|after_)(\w+)(?:'\s*\)|\()")
"""Matches ``getvariable('session_gap')``, and ``after_review_night(…)``, the macro that db defines from that fact."""
FACTS_READ_IN_PYTHON = {"service_hours": "service_days", "holidays": "service_days", "least_orders": "platform_view"}
"""Facts that Python reads instead of SQL, with the table or part of the checkup it builds from each."""

INFORMATIVE_FACTS = {
    "case_rate_limit": "highest share of orders with a claim or case against the seller",
    "defect_rate_limit": "highest share of orders with a defect as the platform defines it",
    "late_rate_limit": "highest share of late orders, where the platform's 'late' is not this project's",
}
"""Rates that join facts no export holds: the method of a checkup lists them, and nothing is judged by them. A pack's rule
may still read them."""


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
) -> Iterator[Message]:
    """Report facts that nobody reads and that are not listed as informative: most likely typing errors."""
    known = {*find_fact_readers(views, rules), *INFORMATIVE_FACTS}
    for stem, platform in platforms.items():
        for name in platform.facts:
            if name not in known:
                problem = with_nearest(message("catalogue.unread_fact"), name, sorted(known))
                yield describe_problem(f"{stem}.yaml: facts.{name}", problem)
