"""How many rows a verdict needs, and how many a figure rests on."""

from __future__ import annotations

from storehealth.catalogue.rule import Rule
from storehealth.catalogue.scoring import Scoring
from storehealth.limits import Bounds
from storehealth.model import Tally
from storehealth.stats import least_values

QUANTILES = {"median": 0.5, "p90": 0.9}


def least_rows(rule: Rule, bounds: Bounds | None, scoring: Scoring) -> int:
    """Fewest rows for a verdict: of a share the rule's own number or the usual one, of a quantile what its interval needs.

    Args:
        rule: Not one of a mean, which has no verdict.
        bounds: Carry the rule's own least number.
        scoring: The usual least number of a share.
    """
    value, own = rule.measure.value, bounds.least if bounds else None
    if value is None:
        return own or scoring.least_judged
    return max(own or 0, least_values(QUANTILES[value.statistic]))


def rows_counted(rule: Rule, tally: Tally) -> int:
    """Rows the figure rests on: open ones belong to a quantile, but not to a share."""
    return tally.judged + (tally.undecided if rule.measure.value is not None else 0)
