"""The statistics behind verdicts and scores: Wilson and Newcombe intervals, order-statistic ranks, the score curve."""

from __future__ import annotations

import math
from statistics import NormalDist

Z_TWO_SIDED = NormalDist().inv_cdf(0.975)
Z_ONE_SIDED = NormalDist().inv_cdf(0.95)
CURVE = 0.9061938024368232
"""Where 1 - erf(z) is 0.2: places 90 points at the target when 50 stand at the limit."""
EXACT_RANKS_UP_TO = 10_000
"""Beyond this many values the normal approximation of a rank is off by less than one."""
NO_SPREAD = 1e-9
"""Least distance, in logarithms, of target and limit; those that coincide make a step."""
ZERO_TARGET = 0.1
"""A target of no defects at all has no place on a logarithmic scale; this share of the limit stands in for it."""


def wilson(hits: int, trials: int, z: float = Z_TWO_SIDED) -> tuple[float, float]:
    """Wilson's interval of a share; (0, 1) without trials.

    Args:
        hits: Rows counted, at most ``trials``.
        trials: Rows looked at.
        z: 1.96 for a two-sided 95 % interval, 1.645 for one-sided 95 % bounds.
    """
    if trials == 0:
        return 0.0, 1.0
    share, spread = hits / trials, z * z / trials
    middle = share + spread / 2
    half = z * math.sqrt(share * (1 - share) / trials + spread / (4 * trials))
    low = 0.0 if hits == 0 else (middle - half) / (1 + spread)
    high = 1.0 if hits == trials else (middle + half) / (1 + spread)
    return max(0.0, low), min(1.0, high)


def newcombe(hits: int, trials: int, other_hits: int, other_trials: int) -> tuple[float, float]:
    """Newcombe's 95 % interval of the first share less the second, from Wilson's of each; (-1, 1) without trials.

    Args:
        hits: Rows counted, at most ``trials``.
        trials: Rows looked at.
        other_hits: The same of the share that is taken away.
        other_trials: The same of the share that is taken away.
    """
    if trials == 0 or other_trials == 0:
        return -1.0, 1.0
    share, other = hits / trials, other_hits / other_trials
    return apart((share, *wilson(hits, trials)), (other, *wilson(other_hits, other_trials)))


def apart(one: tuple[float, float, float], other: tuple[float, float, float]) -> tuple[float, float]:
    """The interval of a difference, from each figure with the low and the high end of its own (square and add)."""
    (point, low, high), (taken, taken_low, taken_high) = one, other
    middle = point - taken
    return middle - math.hypot(point - low, taken_high - taken), middle + math.hypot(high - point, taken - taken_low)


def order_ranks(values: int, quantile: float) -> tuple[int | None, int | None]:
    """Ranks (from 1) of the sorted values between which a quantile lies with 95 % confidence.

    None where too few values exist for that end.
    """
    if values == 0:
        return None, None
    below, above = _binomial_ends(values, quantile)
    return (below if below >= 1 else None), (above if above <= values else None)


def _binomial_ends(trials: int, share: float) -> tuple[int, int]:
    """Largest l with P(B <= l - 1) <= 0.025 and smallest u with P(B <= u - 1) >= 0.975, for B ~ Binomial."""
    if trials > EXACT_RANKS_UP_TO:
        middle, half = trials * share, Z_TWO_SIDED * math.sqrt(trials * share * (1 - share))
        return math.floor(middle - half), math.ceil(middle + half) + 1
    odds, everything = math.log(share / (1 - share)), math.lgamma(trials + 1)
    nothing = trials * math.log(1 - share)
    total, below = 0.0, 0
    for hits in range(trials + 1):
        choose = everything - math.lgamma(hits + 1) - math.lgamma(trials - hits + 1)
        total += math.exp(nothing + choose + hits * odds)
        if total <= 0.025:
            below = hits + 1
        if total >= 0.975:
            return below, hits + 1
    return below, trials + 1


def least_values(quantile: float) -> int:
    """Fewest values for which both ends of a quantile's 95 % interval exist: 6 for a median, 36 for a p90."""
    return math.ceil(math.log(0.025) / math.log(max(quantile, 1 - quantile)))


def quantile_places(values: int, quantile: float) -> tuple[int, int, float]:
    """Ranks (from 1) of the two sorted values a quantile lies between, and how far it is from the first one."""
    position = quantile * (values - 1)
    first = math.floor(position + 1e-9)
    rest = max(0.0, position - first)
    return first + 1, min(first + 2, values), 0.0 if rest < 1e-9 else rest


def z_for_tests(tests: int) -> float:
    """One-sided normal bound that keeps false alarms over so many tests at 5 % (Bonferroni)."""
    return NormalDist().inv_cdf(1 - 0.05 / max(tests, 1))


def z_of_difference(hits: int, trials: int, other_hits: int, other_trials: int) -> float:
    """How many standard errors the first share lies above the second; 0 where that cannot be said."""
    if trials == 0 or other_trials == 0:
        return 0.0
    pooled = (hits + other_hits) / (trials + other_trials)
    error = math.sqrt(pooled * (1 - pooled) * (1 / trials + 1 / other_trials))
    return (hits / trials - other_hits / other_trials) / error if error > 0 else 0.0


def curve(value: float, good: float, poor: float) -> float:
    """Score of a metric of which less is better: 1 at nothing, 0.9 at ``good``, 0.5 at ``poor``, towards 0 beyond.

    Args:
        value: Defect share, or a duration; infinity is allowed.
        good: The target.
        poor: The limit. Target and limit that coincide make a step.
    """
    if value <= 0:
        return 1.0
    if math.isinf(value) or poor <= 0:
        return 0.0
    good = min(good if good > 0 else poor * ZERO_TARGET, poor)
    beyond = math.log(value) - math.log(poor)
    spread = max(math.log(poor) - math.log(good), NO_SPREAD) if good > 0 else NO_SPREAD
    raw = 0.5 * (1 - math.erf(beyond * CURVE / spread))
    if value <= good:
        return min(1.0, max(0.9, raw))
    if value <= poor:
        return min(math.nextafter(0.9, 0), max(0.5, raw))
    return min(math.nextafter(0.5, 0), max(0.0, raw))
