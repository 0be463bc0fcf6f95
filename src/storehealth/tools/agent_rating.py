"""How agents are compared fairly, and rewarded: pure arithmetic over counts, and the store's own scheme.

Expected misses are those of the whole store in the same weekday, hour and concurrency (indirect standardisation); few chats
are drawn to the store's mean (empirical Bayes).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pydantic import Field

from storehealth.catalogue.common import StrictModel
from storehealth.model.tools import Figure, Hours, Id, Money, Ratio, Seconds, Share, ToolRow
from storehealth.support.message import Message, Name, message
from storehealth.support.stats import Z_TWO_SIDED, wilson_interval

FEWEST_CHATS = 30
"""With fewer an agent is not ranked."""
SMOOTHING = 10.0
"""Chats that the rate of the next wider group weighs as much as, in a cell of weekday, hour and concurrency."""


class AgentScore(ToolRow):
    """One agent. ``ratio`` is misses by expected misses; ``adjusted`` is the same, drawn to the mean where chats are few."""

    SCREEN = ("rank", "agent_id", "chats", "within_goal", "within_goal_expected", "adjusted", "verdict", "median_wait")

    rank: int | None = Field(description="1 is the best by adjusted ratio; null for fewer than 30 chats.")
    agent_id: Id
    chats: int = Field(description="Chats whose first question for a person this agent answered or held.")
    within_10s: Share
    within_goal: Share = Field(description="Answered within the platform's goal, such as 30 s.")
    within_goal_expected: Share = Field(description="What the store reaches in the same hours at the same load.")
    ratio: Ratio
    adjusted: Ratio
    low: Ratio
    high: Ratio
    verdict: Message = Field(description="Better, worse or as expected, beyond chance.")
    median_wait: Seconds
    p90_wait: Seconds = Field(description="Infinite, shown as never, where a tenth or more was never answered.")
    unanswered: int
    concurrency: Figure = Field(description="Mean number of chats at once when one began.")
    hours_on: int | None = Field(description="Hours of the window in which the agent wrote.")
    ratings: int | None
    good_ratings: Share
    transfers: Share
    cases: int | None = Field(description="After-sales cases handled.")
    case_hours: Hours = Field(description="Median hours for which these waited for the store.")


class Reward(ToolRow):
    """What the scheme gives an agent. Without a level the agent is coached; nothing is ever taken away."""

    agent_id: Id
    level: Message
    money: Money
    team_money: Money
    total: Money
    not_met: Message | None = Field(description="Conditions of the floor that were not met.")


# -- the arithmetic --------------------------------------------------------------------------------------------------


class LoadCell(NamedTuple):
    """Chats of one agent in one weekday, hour and concurrency."""

    agent: str
    weekday: int
    hour: int
    others: int
    chats: int
    missed: int


class Comparison(NamedTuple):
    """Misses, expected misses and their variance, and the ratio drawn to the mean with its interval."""

    missed: int
    expected: float
    variance: float
    adjusted: float = math.nan
    low: float = math.nan
    high: float = math.nan

    @property
    def ratio(self) -> float | None:
        """Misses by expected misses; None where none are expected."""
        return self.missed / self.expected if self.expected > 0 else None


def smooth_rates(cells: Iterable[LoadCell]) -> dict[tuple[int, int, int], float]:
    """Return the store's share of misses by weekday, hour and concurrency.

    A cell with few chats leans on its weekday and hour, that on its hour, that on the store; see :data:`SMOOTHING`.
    """
    counts: dict[tuple[int, ...], list[int]] = defaultdict(lambda: [0, 0])
    for cell in cells:
        names = (cell.hour, cell.weekday, cell.others)
        for length in range(4):
            counts[names[:length]][0] += cell.chats
            counts[names[:length]][1] += cell.missed
    rates: dict[tuple[int, ...], float] = {}
    for key in sorted(counts, key=len):
        chats, missed = counts[key]
        wider, weight = (rates[key[:-1]], SMOOTHING) if key else (0.0, 0.0)
        rates[key] = (missed + weight * wider) / (chats + weight) if chats + weight else 0.0
    return {(key[1], key[0], key[2]): rate for key, rate in rates.items() if len(key) == 3}


def compare_agents(cells: Sequence[LoadCell]) -> dict[str, Comparison]:
    """Compare each agent's misses with those expected in the same cells, and shrink the ratios."""
    rates = smooth_rates(cells)
    sums: dict[str, list[float]] = defaultdict(lambda: [0, 0.0, 0.0])
    for cell in cells:
        rate = rates[cell.weekday, cell.hour, cell.others]
        agent = sums[cell.agent]
        agent[0] += cell.missed
        agent[1] += cell.chats * rate
        agent[2] += cell.chats * rate * (1 - rate)
    return shrink_ratios({agent: Comparison(int(o), e, v) for agent, (o, e, v) in sums.items()})


def shrink_ratios(raw: Mapping[str, Comparison]) -> dict[str, Comparison]:
    """Draw ratios to their mean by empirical Bayes, by moments (Marshall 1991), with 95 % intervals.

    The ratio of an agent has the variance ``variance / expected²`` by chance. What the ratios spread beyond that is
    the spread between agents; the smaller it is beside chance, the more a ratio is drawn to the mean.
    """
    usable = {agent: one for agent, one in raw.items() if one.expected > 0}
    total = sum(one.expected for one in usable.values())
    if not total:
        return dict(raw)
    mean = sum(one.missed for one in usable.values()) / total
    spread = sum(one.expected * (one.missed / one.expected - mean) ** 2 for one in usable.values()) / total
    chance = sum(one.variance / one.expected for one in usable.values()) / total
    between, of_mean = max(0.0, spread - chance), sum(one.variance for one in usable.values()) / total**2
    shrunk = dict(raw)
    for agent, one in usable.items():
        own = one.variance / one.expected**2
        weight = between / (between + own) if between + own > 0 else 0.0
        adjusted = mean + weight * (one.missed / one.expected - mean)
        # drawn wholly to the mean, an agent is as uncertain as the mean itself, not certain to be on it
        half = Z_TWO_SIDED * math.sqrt(weight * own if weight else of_mean)
        shrunk[agent] = one._replace(adjusted=adjusted, low=max(0.0, adjusted - half), high=adjusted + half)
    return shrunk


def judge_agent(one: Comparison, chats: int) -> str:
    """Name the verdict on an agent: better or worse only where the interval leaves 1."""
    if chats < FEWEST_CHATS:
        return "too_few"
    if one.low > 1:
        return "worse"
    return "better" if one.high < 1 else "expected"


def rank_agents(scores: Iterable[AgentScore]) -> tuple[AgentScore, ...]:
    """Rank those with enough chats by the adjusted ratio; the others follow without a rank."""
    ordered = sorted(scores, key=lambda score: (score.chats < FEWEST_CHATS, score.adjusted or 0.0, score.agent_id))
    return tuple(
        score.model_copy(update={"rank": place if score.chats >= FEWEST_CHATS else None})
        for place, score in enumerate(ordered, 1)
    )


# -- the scheme ------------------------------------------------------------------------------------------------------


class RewardLevel(StrictModel):
    """A level: reached with at most so many times the expected misses."""

    name: str
    at_most: float = Field(gt=0, description="Adjusted ratio of misses to expected misses.")
    money: float | None = Field(default=None, ge=0)


class RewardFloor(StrictModel):
    """What everybody has to reach before speed counts, so that speed is not bought with something else."""

    chats: int = Field(default=FEWEST_CHATS, ge=1)
    answered: float = Field(default=0.9, ge=0, le=1)
    good_ratings: float = Field(default=0.85, ge=0, le=1)
    transfers: float = Field(default=0.3, ge=0, le=1, description="Largest share of chats handed on.")


class TeamReward(StrictModel):
    """Money that the team shares equally if the whole store reaches its goal; who misses the floor has no part in it."""

    within_goal: float = Field(ge=0, le=1)
    money: float = Field(ge=0)


class RewardScheme(StrictModel):
    """``rewards.yaml``."""

    currency: str | None = None
    levels: tuple[RewardLevel, ...] = ()
    floor: RewardFloor = RewardFloor()
    team: TeamReward | None = None


DEFAULT_LEVELS = ((0.8, "tools.level.ahead"), (1.2, "tools.level.steady"))
RATINGS_TO_COUNT = 10


# -- rewards ---------------------------------------------------------------------------------------------------------


def give_rewards(agents: Sequence[AgentScore], scheme: RewardScheme) -> tuple[tuple[Reward, ...], float | None]:
    """Give each agent the level of the scheme, and the sum of the money; no sum where the scheme names no money."""
    unmet = {score.agent_id: list(_list_unmet(score, scheme.floor)) for score in agents}
    share = _share_team_money(agents, scheme.team, sum(not failed for failed in unmet.values()))
    rewards = []
    for score, failed in zip(agents, unmet.values(), strict=True):
        level, money = _find_level(score, scheme) if not failed else (_name_coached(score), None)
        team = share if not failed else None
        total = (money or 0) + (team or 0) if money is not None or team is not None else None
        rewards.append(
            Reward(
                agent_id=score.agent_id, level=level, money=money, team_money=team, total=total,
                not_met=message("text.clauses", parts=tuple(failed)) if failed else None,
            )
        )  # fmt: skip
    has_money = scheme.team is not None or any(level.money is not None for level in scheme.levels)
    return tuple(rewards), sum(reward.total or 0 for reward in rewards) if has_money else None


def _share_team_money(agents: Sequence[AgentScore], team: TeamReward | None, sharers: int) -> float | None:
    chats = sum(score.chats for score in agents)
    met = sum((score.within_goal or 0) * score.chats for score in agents)
    if team is None or not sharers or not chats or met / chats < team.within_goal:
        return None
    return round(team.money / sharers, 2)


def _find_level(score: AgentScore, scheme: RewardScheme) -> tuple[Message, float | None]:
    ratio = score.adjusted if score.adjusted is not None else math.inf
    for level in sorted(scheme.levels, key=lambda level: level.at_most):
        if ratio <= level.at_most:
            return message("tools.level.named", name=Name(level.name)), level.money
    known = next((name for limit, name in DEFAULT_LEVELS if ratio <= limit), None) if not scheme.levels else None
    return message(known or "tools.level.coached"), None


def _name_coached(score: AgentScore) -> Message:
    return message("tools.level.coached" if score.rank else "tools.level.none")


def _list_unmet(score: AgentScore, floor: RewardFloor) -> Iterable[Message]:
    if score.chats < floor.chats:
        yield message("tools.floor.chats", n=score.chats, least=floor.chats)
    answered = 1 - score.unanswered / score.chats
    if answered < floor.answered:
        yield message("tools.floor.answered", share=answered, least=floor.answered)
    if score.good_ratings is not None and (score.ratings or 0) >= RATINGS_TO_COUNT:
        # only what is bad beyond chance: a few ratings do not cost anybody a reward
        _, high = wilson_interval(round(score.good_ratings * (score.ratings or 0)), score.ratings or 0)
        if high < floor.good_ratings:
            yield message("tools.floor.ratings", share=score.good_ratings, least=floor.good_ratings)
    if score.transfers is not None and score.transfers > floor.transfers:
        yield message("tools.floor.transfers", share=score.transfers, most=floor.transfers)
