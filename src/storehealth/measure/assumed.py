"""Measures with suspected automatic replies taken for a robot's, and shows beside it what comes out if they are answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from storehealth.catalogue.platform import PlatformLimit
from storehealth.catalogue.rule import Rule
from storehealth.measure import Lens, measure
from storehealth.model import Beside, Measurement, Window

if TYPE_CHECKING:
    from storehealth.db import Store

NAME = "if_suspected_automatic_replies_count_as_answers"
CHAT = frozenset({"turns", "sessions"})
"""Views whose rows an automatic reply changes."""


def measure_assumed(
    store: Store, rules: Iterable[Rule], limits: Mapping[str, PlatformLimit], windows: Mapping[str, Window], lens: Lens
) -> list[Measurement]:
    """As :func:`measure`, with the suspected texts as a robot's; the store is changed for good.

    Rules over turns and sessions carry the other way of counting beside them, under :data:`NAME`. Where nothing is
    suspected, both ways are one and nothing is added.
    """
    rules = tuple(rules)
    asked = [rule for rule in rules if rule.measure.over in CHAT]
    plain = {one.code: one for one in measure(store, asked, limits, windows, replace(lens, files=None, marks=None))}
    suspected = store.assume_auto_replies(lens.catalogue.views)
    measured = measure(store, rules, limits, windows, lens)
    return [_with(one, plain.get(one.code), lens) for one in measured] if suspected else measured


def _with(one: Measurement, plain: Measurement | None, lens: Lens) -> Measurement:
    if plain is None or plain.missing is not None:
        return one
    return one.model_copy(update={"beside": (*one.beside, _beside(plain, lens.catalogue.rules[plain.code]))})


def _beside(plain: Measurement, rule: Rule) -> Beside:
    """A share of good rows, as the rule's own figure; or its statistic."""
    value, tally = rule.measure.value, plain.tally
    if value is not None:
        return Beside(name=NAME, unit=value.unit, value=plain.value, judged=tally.judged + tally.undecided)
    worse = rule.limits is not None and rule.limits.higher_is == "worse"
    count = tally.defects if worse else tally.met
    share = count / tally.judged if tally.judged else None
    return Beside(name=NAME, value=share, count=count, defects=tally.defects, judged=tally.judged)
