"""How many rows a verdict requires, and how many a figure rests on."""

from __future__ import annotations

from storehealth.catalogue.rule import Rule
from storehealth.catalogue.scoring import Scoring
from storehealth.limits import Bounds
from storehealth.model import Tally
from storehealth.stats import min_sample_size

QUANTILES = {"median": 0.5, "p90": 0.9}


def count_required_rows(rule: Rule, bounds: Bounds | None, scoring: Scoring) -> int:
    """Minimum rows for a verdict: for a share the rule's own number or the usual one, for a quantile what its interval needs.

    Args:
        rule: Not one that measures a mean, which gets no verdict.
        bounds: Hold the rule's own minimum.
        scoring: Holds the usual minimum of a share.
    """
    value, own_minimum = rule.measure.value, bounds.least if bounds else None
    if value is None:
        return own_minimum or scoring.least_judged
    return max(own_minimum or 0, min_sample_size(QUANTILES[value.statistic]))


def count_rows(rule: Rule, tally: Tally) -> int:
    """Rows the figure rests on: open ones enter a quantile, but not a share."""
    return tally.judged + (tally.undecided if rule.measure.value is not None else 0)
