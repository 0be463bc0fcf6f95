"""Whether rows lie on a rule's limit and just past it, where a wrong sign or a wrong clock would show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from storehealth.catalogue import Catalogue
from storehealth.catalogue.platform import PlatformLimit
from storehealth.catalogue.rule import InTimeMeasure, Rule
from storehealth.catalogue.thresholds import Bounds, resolve_bounds
from storehealth.measure.query import RuleQuery
from storehealth.measure.rule_sql import COUNTED, build_limit_seconds
from storehealth.model import Window
from storehealth.privacy import mask

if TYPE_CHECKING:
    from storehealth.db import Store


class Edges(NamedTuple):
    """Whether a row lies on the limit or less than one second (day, unit) below it, and whether one lies as little above."""

    on: bool
    past: bool


def find_edges(
    store: Store, rule: Rule, limits: Mapping[str, PlatformLimit], window: Window, catalogue: Catalogue
) -> Edges | None:
    """Find whether rows of a store lie at a rule's limit; None where single rows have no limit.

    Args:
        store: An open store with the rule's views.
        rule: The rule.
        limits: The platform's, by code.
        window: The days that are measured.
        catalogue: Tables and views.
    """
    query = RuleQuery(store.con, rule, resolve_bounds(rule, limits), window, catalogue, mask)
    distance = _distance(rule, query.bounds)
    if distance is None:
        return None
    near = "coalesce(bool_or(d > -1 AND d <= 0), false), coalesce(bool_or(d > 0 AND d <= 1), false)"
    ((on, past),) = query.run(f"SELECT {near} FROM (SELECT {distance} AS d FROM {query.every_row} WHERE {COUNTED})")
    return Edges(on, past)


def _distance(rule: Rule, bounds: Bounds | None) -> str | None:
    """SQL of how far a row is beyond the limit, in seconds, days or the value's unit."""
    in_time, value = rule.measure.in_time, rule.measure.value
    if in_time is not None:
        return _time_distance(in_time)
    if value is None or bounds is None or value.statistic == "mean":
        return None
    sign = "-" if bounds.higher_is == "better" else ""
    return f"{sign}(_value - {float(bounds.limit)!r})"


def _time_distance(in_time: InTimeMeasure) -> str:
    if in_time.within is not None:
        return f"_waited - {build_limit_seconds(in_time.within)}"
    if in_time.by_date is not None:
        return "(coalesce(_to, _until)::DATE - _promise::DATE)"
    return "epoch(coalesce(_to, _until) - _promise)"
