"""The statistics behind verdicts, scores and tools: Wilson and Newcombe intervals, ranks, the score curve, Erlang C."""

from __future__ import annotations

import math
from statistics import NormalDist

Z_TWO_SIDED = NormalDist().inv_cdf(0.975)
Z_ONE_SIDED = NormalDist().inv_cdf(0.95)
CURVE_STEEPNESS = 0.9061938024368232
"""Where 1 - erf(z) is 0.2: places 90 points at the target when 50 stand at the limit."""
EXACT_RANKS_UP_TO = 10_000
"""Above this many values the normal approximation of a rank is off by less than one."""
MIN_LOG_SPREAD = 1e-9
"""Minimum logarithmic distance of target and limit; if they coincide the curve is a step."""
ZERO_TARGET_SHARE = 0.1
"""A target of zero has no place on a logarithmic scale; this share of the limit stands in for it."""


def wilson_interval(hits: int, trials: int, z: float = Z_TWO_SIDED) -> tuple[float, float]:
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


def newcombe_interval(hits: int, trials: int, other_hits: int, other_trials: int) -> tuple[float, float]:
    """Newcombe's 95 % interval of the first share minus the second, from Wilson's of each; (-1, 1) without trials.

    Args:
        hits: Rows counted, at most ``trials``.
        trials: Rows looked at.
        other_hits: Hits of the share that is subtracted.
        other_trials: Trials of the share that is subtracted.
    """
    if trials == 0 or other_trials == 0:
        return -1.0, 1.0
    share, other = hits / trials, other_hits / other_trials
    return difference_interval(
        (share, *wilson_interval(hits, trials)), (other, *wilson_interval(other_hits, other_trials))
    )


def difference_interval(first: tuple[float, float, float], second: tuple[float, float, float]) -> tuple[float, float]:
    """Interval of a difference, from two figures given as (point, low, high), by the square-and-add method."""
    (point, low, high), (subtracted, subtracted_low, subtracted_high) = first, second
    middle = point - subtracted
    return middle - math.hypot(point - low, subtracted_high - subtracted), middle + math.hypot(
        high - point, subtracted - subtracted_low
    )


def quantile_interval_ranks(values: int, quantile: float) -> tuple[int | None, int | None]:
    """Ranks (from 1) of the sorted values between which a quantile lies with 95 % confidence.

    None for an end that needs more values.
    """
    if values == 0:
        return None, None
    below, upper = _find_binomial_tail_ranks(values, quantile)
    return (below if below >= 1 else None), (upper if upper <= values else None)


def _find_binomial_tail_ranks(trials: int, share: float) -> tuple[int, int]:
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


def min_sample_size(quantile: float) -> int:
    """Minimum values for which both ends of a quantile's 95 % interval exist: 6 for a median, 36 for a p90."""
    return math.ceil(math.log(0.025) / math.log(max(quantile, 1 - quantile)))


def quantile_ranks(values: int, quantile: float) -> tuple[int, int, float]:
    """Ranks (from 1) of the two sorted values a quantile lies between, and the fraction of the way from the first."""
    position = quantile * (values - 1)
    # the product carries a rounding error: without the slack a whole position could fall to the rank below
    first = math.floor(position + 1e-9)
    fraction = max(0.0, position - first)
    return first + 1, min(first + 2, values), 0.0 if fraction < 1e-9 else fraction


def bonferroni_z(tests: int) -> float:
    """One-sided normal bound that keeps false alarms at 5 % over this many tests (Bonferroni)."""
    return NormalDist().inv_cdf(1 - 0.05 / max(tests, 1))


def two_proportion_z(hits: int, trials: int, other_hits: int, other_trials: int) -> float:
    """How many standard errors the first share lies above the second; 0 where that is undefined."""
    if trials == 0 or other_trials == 0:
        return 0.0
    pooled = (hits + other_hits) / (trials + other_trials)
    error = math.sqrt(pooled * (1 - pooled) * (1 / trials + 1 / other_trials))
    return (hits / trials - other_hits / other_trials) / error if error > 0 else 0.0


def score_curve(value: float, good: float, poor: float) -> float:
    """Score of a metric of which less is better: 1 at nothing, 0.9 at ``good``, 0.5 at ``poor``, towards 0 beyond.

    Args:
        value: Defect share, or a duration; infinity is allowed.
        good: The target.
        poor: The limit. If it equals the target, the curve is a step.
    """
    if value <= 0:
        return 1.0
    if math.isinf(value) or poor <= 0:
        return 0.0
    good = min(good if good > 0 else poor * ZERO_TARGET_SHARE, poor)
    beyond = math.log(value) - math.log(poor)
    spread = max(math.log(poor) - math.log(good), MIN_LOG_SPREAD) if good > 0 else MIN_LOG_SPREAD
    # the branches below keep rounding from moving a value across 0.9 at the target or 0.5 at the limit
    raw = 0.5 * (1 - math.erf(beyond * CURVE_STEEPNESS / spread))
    if value <= good:
        return min(1.0, max(0.9, raw))
    if value <= poor:
        return min(math.nextafter(0.9, 0), max(0.5, raw))
    return min(math.nextafter(0.5, 0), max(0.0, raw))


def erlang_c(load: float, agents: int) -> float:
    """Probability that a customer has to wait (Erlang C); 1 if the agents cannot keep up.

    Args:
        load: Work that comes in, in hours of work per hour.
        agents: How many serve, one question at a time each.
    """
    if load <= 0:
        return 0.0
    if agents <= load:
        return 1.0
    blocked = 1.0
    for agent in range(1, agents + 1):  # Erlang B by its recursion, which never overflows
        blocked = load * blocked / (agent + load * blocked)
    return blocked / (1 - load / agents * (1 - blocked))


def compute_served_share(per_hour: float, service: float, agents: int, goal: float) -> float:
    """Share of questions that are taken up within a goal.

    Args:
        per_hour: Questions an hour.
        service: Mean seconds one takes.
        agents: How many serve.
        goal: Seconds.
    """
    load = per_hour * service / 3600
    if load >= agents:
        return 0.0
    return 1 - erlang_c(load, agents) * math.exp(-(agents - load) * goal / service)


def count_agents_needed(per_hour: float, service: float, goal: float, share: float) -> int:
    """Fewest agents by whom a share (below 1) of questions is taken up within a goal; 0 where nothing comes in."""
    if per_hour <= 0:
        return 0
    agents = max(1, math.floor(per_hour * service / 3600))
    while compute_served_share(per_hour, service, agents, goal) < share:
        agents += 1
    return agents
