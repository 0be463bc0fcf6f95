"""Counts suspected automatic replies as bot messages, and shows beside it the result if they count as answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from storehealth.catalogue.platform import PlatformLimit
from storehealth.catalogue.rule import Rule
from storehealth.measure import MeasureOptions, measure
from storehealth.model import Measurement, SideFigure, Window

if TYPE_CHECKING:
    from storehealth.db import Store

NAME = "if_suspected_automatic_replies_count_as_answers"
REPLY_VIEWS = frozenset({"turns", "sessions"})
"""Views whose rows depend on whether a message is an automatic reply."""


def measure_both_ways(
    store: Store,
    rules: Iterable[Rule],
    limits: Mapping[str, PlatformLimit],
    windows: Mapping[str, Window],
    lens: MeasureOptions,
) -> list[Measurement]:
    """Like :func:`measure`, with the suspected texts counted as a bot's. The store's views stay changed.

    Rules over turns and sessions carry the result of the other count beside their own, under :data:`NAME`. Where
    nothing is suspected both counts are equal, and nothing is added.
    """
    rules = tuple(rules)
    affected = [rule for rule in rules if rule.measure.over in REPLY_VIEWS]
    without_marks = replace(lens, marks=None)
    plain = {measured.code: measured for measured in measure(store, affected, limits, windows, without_marks)}
    suspected = store.count_suspects_as_bots(lens.catalogue.views)
    measurements = measure(store, rules, limits, windows, lens)
    if not suspected:
        return measurements
    return [_add_plain(measured, plain.get(measured.code), lens) for measured in measurements]


def _add_plain(measured: Measurement, plain: Measurement | None, lens: MeasureOptions) -> Measurement:
    if plain is None or plain.missing is not None:
        return measured
    return measured.model_copy(update={"beside": (*measured.beside, _beside(plain, lens.catalogue.rules[plain.code]))})


def _beside(plain: Measurement, rule: Rule) -> SideFigure:
    """The plain count as a figure beside: a share in the direction of the rule's own figure, or its statistic."""
    value, tally = rule.measure.value, plain.tally
    if value is not None:
        return SideFigure(name=NAME, unit=value.unit, value=plain.value, judged=tally.judged + tally.undecided)
    worse = rule.limits is not None and rule.limits.higher_is == "worse"
    count = tally.defects if worse else tally.met
    share = count / tally.judged if tally.judged else None
    return SideFigure(name=NAME, value=share, count=count, defects=tally.defects, judged=tally.judged)
