"""``scorecard``: each agent against what was to be expected for their hours and load; rewards, and what to train.

A chat counts once, by the reply to its first question for a person. Expected misses are those of the whole store in the same
weekday, hour and concurrency (indirect standardisation); few chats are drawn to the store's mean (empirical Bayes).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from pydantic import Field

from storehealth.catalogue.common import StrictModel
from storehealth.model.tools import Figure, Hours, Id, Money, Ratio, ScatterChart, Seconds, Share, ToolRecord, ToolRow
from storehealth.support.message import Message, Name, message
from storehealth.support.stats import Z_TWO_SIDED, wilson_interval
from storehealth.tools import Row, ToolInputs, name_needs, to_number, to_place

FEWEST_CHATS = 30
"""With fewer an agent is not ranked."""
SMOOTHING = 10.0
"""Chats that the rate of the next wider group weighs as much as, in a cell of weekday, hour and concurrency."""
MOST_OTHERS = 2
"""Other chats at once from which on concurrency is one class."""
LEAST_LOSS = 1.5
"""Misses beyond the expected ones from which on a topic or an hour is worth training."""
LEAST_MET = 0.05
"""With a smaller share in time the platform's goal does not tell agents apart."""
SIZES = (10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000, 2000, 5000, 10000, 50000)
RATED = "CS11"
"""The rule that says which ratings are good."""


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


class TrainingTopic(ToolRow):
    """A topic or an hour in which an agent loses most against what was expected."""

    agent_id: Id
    what: Message
    chats: int
    missed: int
    missed_expected: Figure
    lost: Figure = Field(description="Misses beyond the expected ones.")


class ReviewChat(ToolRow):
    """A conversation to go through together."""

    agent_id: Id
    what: Message
    kind: Message = Field(description="The agent's own, or a good one by a colleague.")
    by: Id
    wait: Seconds
    place: Id = Field(description="File and line of the question.")


class FunnelLimit(ToolRow):
    """Limits of chance at a number of chats."""

    chats: int
    low: Ratio
    high: Ratio


class Scorecard(ToolRecord):
    """Agents compared fairly, rewards and training."""

    FIRST: ClassVar[Mapping[str, int]] = {"agents": 20, "rewards": 20, "training": 12, "reviews": 16, "funnel": 0}
    CHARTS: ClassVar[tuple[ScatterChart, ...]] = (
        ScatterChart(
            title=message("tools.chart.funnel"), points="agents", x="chats", y="ratio", label="agent_id",
            lines="funnel", bounds=("low", "high"),
        ),
    )  # fmt: skip

    agents: tuple[AgentScore, ...] = ()
    rewards: tuple[Reward, ...] = ()
    training: tuple[TrainingTopic, ...] = ()
    reviews: tuple[ReviewChat, ...] = ()
    funnel: tuple[FunnelLimit, ...] = ()
    unassigned: int = Field(default=0, description="Missed chats that no agent held: nobody was there.")
    total_money: Money = None
    currency: str | None = None


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


# -- reading ---------------------------------------------------------------------------------------------------------

CHATS = """
    SELECT s.session_id, agent_id, first_opened_at AS opened_at, first_reply_at, wait_seconds, satisfaction, resolved,
           customer_messages, source_file, source_row,
           least(coalesce(ended_at, first_opened_at), first_opened_at + INTERVAL 1 HOUR) AS left_at,
           first_reply_at IS NULL OR wait_seconds > $goal AS missed
    FROM sessions AS s
    WHERE human_turns > 0 AND began_by = 'customer' AND in_service_hours AND wait_seconds IS NOT NULL
      AND (first_reply_at IS NOT NULL OR wait_seconds >= $goal)
      AND ($first IS NULL OR first_opened_at >= $first)
"""
LOADED = f"""
    WITH chats AS ({CHATS}),
    steps AS (            -- how many chats an agent has open: one more where one begins, one less where it ends
        SELECT agent_id, session_id, opened_at AS moment, 1 AS step FROM chats WHERE agent_id IS NOT NULL
        UNION ALL
        SELECT agent_id, NULL, left_at, -1 FROM chats WHERE agent_id IS NOT NULL
    ),
    counted AS (
        SELECT session_id, sum(step) OVER (PARTITION BY agent_id ORDER BY moment, step, session_id
                                           ROWS UNBOUNDED PRECEDING) - 1 AS others
        FROM steps
    ),
    loaded AS (
        SELECT c.*, greatest(others, 0)::BIGINT AS others, isodow(opened_at) AS weekday, hour(opened_at) AS hour
        FROM chats AS c
        LEFT JOIN (FROM counted WHERE session_id IS NOT NULL) USING (session_id)
    )
"""


def build_scorecard(inputs: ToolInputs) -> Scorecard:
    """Compare the agents of a store over the window in ``inputs.options`` (days, or none for all).

    Needs a chat log, or a session workbook with first replies. What ratings, transfers, after-sales cases or texts would add
    is left out, and said, where the files have none.
    """
    days = inputs.options.get("days")
    first = inputs.fetch_value("SELECT getvariable('chat_end') - to_days($days::INTEGER)", days=days) if days else None
    at = {"first": first, "goal": _choose_goal(inputs, first)}  # of every query
    cells = [LoadCell(*row.values()) for row in inputs.fetch(CELLS, **at)]
    compared = compare_agents(cells)
    facts = {row["agent_id"]: row for row in _fetch_agents(inputs, at)}
    agents = _rank([_to_score(agent, compared[agent], facts[agent]) for agent in compared if agent in facts])
    training = _find_training(inputs, at, cells, {score.agent_id for score in agents if score.rank})
    scheme = inputs.read_scheme("rewards.yaml", RewardScheme)
    rewards, total = give_rewards(agents, scheme or RewardScheme())
    rate = sum(cell.missed for cell in cells) / max(1, sum(cell.chats for cell in cells))
    unassigned = inputs.fetch_value(f"SELECT count(*) FROM ({CHATS}) WHERE agent_id IS NULL AND missed", **at)
    header = inputs.to_header("scorecard")
    if not agents:
        missing = tuple(_list_missing(inputs))[:1]
        return Scorecard(**header, headline=_say_headline(agents), missing=missing)
    return Scorecard(
        **header,
        headline=_say_headline(agents),
        missing=tuple(_list_missing(inputs)),
        notes=tuple(_list_notes(inputs, at, unassigned or 0, scheme, total)),
        agents=agents,
        rewards=rewards,
        training=training,
        reviews=_find_reviews(inputs, at, training),
        funnel=_draw_funnel(rate, [score.chats for score in agents]),
        unassigned=unassigned or 0,
        total_money=total,
        currency=scheme.currency if scheme else None,
    )


def _choose_goal(inputs: ToolInputs, first: Any) -> float:
    """Return the platform's goal; where hardly anybody meets it, as with mail, the store's own median wait."""
    goal = float(inputs.fetch_value("SELECT getvariable('reply_goal')"))
    query = f"SELECT avg((NOT missed)::INTEGER) AS met, median(wait_seconds) AS usual FROM ({CHATS})"
    row = inputs.fetch(query, first=first, goal=goal)[0]
    return float(row["usual"]) if row["met"] is not None and row["met"] < LEAST_MET else goal


CELLS = f"""
    {LOADED}
    SELECT agent_id, weekday, hour, least(others, {MOST_OTHERS}) AS others, count(*) AS chats,
           count(*) FILTER (missed) AS missed
    FROM loaded
    WHERE agent_id IS NOT NULL
    GROUP BY ALL
    ORDER BY ALL
"""


AGENTS = f"""
    {LOADED},
    rated AS (SELECT *, {{good}} AS is_good FROM loaded WHERE satisfaction IS NOT NULL),
    ratings AS (
        SELECT agent_id, count(is_good) AS ratings, count(*) FILTER (is_good) AS good_ratings
        FROM rated GROUP BY agent_id
    ),
    written AS (
        SELECT sender_id AS agent_id, count(DISTINCT date_trunc('hour', sent_at)) AS hours_on
        FROM chat_messages
        WHERE role = 'agent' AND event IS NULL AND ($first IS NULL OR sent_at >= $first)
        GROUP BY sender_id
    ),
    handed AS (
        SELECT agent_id, count(*) AS handed FROM conversations
        WHERE transferred_to IS NOT NULL AND ($first IS NULL OR started_at >= $first)
        GROUP BY agent_id
    ),
    handled AS (
        SELECT handler_id AS agent_id, count(*) AS cases, median(merchant_seconds) / 3600 AS case_hours
        FROM cases
        WHERE $first IS NULL OR applied_at >= $first
        GROUP BY handler_id
    )
    SELECT agent_id, count(*) AS chats, count(*) FILTER (first_reply_at IS NOT NULL AND wait_seconds <= 10) AS ten,
           count(*) FILTER (NOT missed) AS met, count(*) FILTER (first_reply_at IS NULL) AS unanswered,
           quantile_disc(CASE WHEN first_reply_at IS NULL THEN 'inf'::DOUBLE ELSE wait_seconds END, [0.5, 0.9]) AS waits,
           avg(others) + 1 AS concurrency, any_value(hours_on) AS hours_on, any_value(ratings) AS ratings,
           any_value(good_ratings) AS good_ratings, any_value(cases) AS cases,
           any_value(CASE WHEN recorded('conversations.transferred_to') THEN coalesce(handed, 0) END) AS handed,
           any_value(case_hours) AS case_hours
    FROM loaded
    LEFT JOIN ratings USING (agent_id)
    LEFT JOIN written USING (agent_id)
    LEFT JOIN handed USING (agent_id)
    LEFT JOIN handled USING (agent_id)
    WHERE agent_id IS NOT NULL
    GROUP BY agent_id
"""


def _fetch_agents(inputs: ToolInputs, at: Row) -> list[Row]:
    return inputs.fetch(AGENTS.format(good=inputs.catalogue.rules[RATED].measure.good), **at)


def _to_score(agent: str, one: Comparison, facts: Row) -> AgentScore:
    chats, ratings = facts["chats"], facts["ratings"]
    return AgentScore(
        rank=None,
        agent_id=agent,
        chats=chats,
        within_10s=facts["ten"] / chats,
        within_goal=facts["met"] / chats,
        within_goal_expected=1 - one.expected / chats,
        ratio=one.ratio,
        adjusted=None if math.isnan(one.adjusted) else one.adjusted,
        low=None if math.isnan(one.low) else one.low,
        high=None if math.isnan(one.high) else one.high,
        verdict=message(f"tools.verdict.{_judge(one, chats)}"),
        median_wait=to_number(facts["waits"][0]),
        p90_wait=to_number(facts["waits"][1]),
        unanswered=facts["unanswered"],
        concurrency=to_number(facts["concurrency"]),
        hours_on=facts["hours_on"],
        ratings=ratings,
        good_ratings=facts["good_ratings"] / ratings if ratings else None,
        transfers=facts["handed"] / chats if facts["handed"] is not None else None,
        cases=facts["cases"],
        case_hours=to_number(facts["case_hours"]),
    )


def _judge(one: Comparison, chats: int) -> str:
    if chats < FEWEST_CHATS:
        return "too_few"
    if one.low > 1:
        return "worse"
    return "better" if one.high < 1 else "expected"


def _rank(scores: Iterable[AgentScore]) -> tuple[AgentScore, ...]:
    """Rank those with enough chats by the adjusted ratio; the others follow without a rank."""
    ordered = sorted(scores, key=lambda score: (score.chats < FEWEST_CHATS, score.adjusted or 0.0, score.agent_id))
    return tuple(
        score.model_copy(update={"rank": place if score.chats >= FEWEST_CHATS else None})
        for place, score in enumerate(ordered, 1)
    )


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


# -- training --------------------------------------------------------------------------------------------------------

BY_TOPIC = f"""
    {LOADED}
    SELECT l.agent_id, weekday, l.hour, least(others, {MOST_OTHERS}) AS others, count(*) AS chats,
           count(*) FILTER (missed) AS missed, topic
    FROM loaded AS l
    LEFT JOIN question_topics AS t ON t.session_id = l.session_id AND t.opened_at = l.opened_at
    WHERE l.agent_id IS NOT NULL
    GROUP BY ALL
"""


def _find_training(
    inputs: ToolInputs, at: Row, cells: Sequence[LoadCell], agents: set[str]
) -> tuple[TrainingTopic, ...]:
    """Find the two topics and the two hours in which each agent loses most."""
    rates = smooth_rates(cells)
    sums: dict[tuple[str, str, str | int], list[float]] = defaultdict(lambda: [0, 0, 0.0])
    for *cell, topic in (tuple(row.values()) for row in inputs.fetch(BY_TOPIC, **at)):
        part = LoadCell(*cell)
        expected = part.chats * rates[part.weekday, part.hour, part.others]
        for kind, value in (("topic", topic), ("hour", part.hour)):
            if value is not None and part.agent in agents:
                group = sums[part.agent, kind, value]
                group[0] += part.chats
                group[1] += part.missed
                group[2] += expected
    losses = sorted(
        ((key, group) for key, group in sums.items() if group[1] - group[2] >= LEAST_LOSS),
        key=lambda item: (item[0][0], item[0][1] != "topic", item[1][2] - item[1][1], str(item[0][2])),
    )
    listed: dict[tuple[str, str], int] = defaultdict(int)
    rows = []
    for (agent, kind, value), (chats, missed, expected) in losses:
        listed[agent, kind] += 1
        if listed[agent, kind] <= 2:
            rows.append(
                TrainingTopic(
                    agent_id=agent, what=_name_group(kind, value), chats=int(chats), missed=int(missed),
                    missed_expected=expected, lost=missed - expected,
                )
            )  # fmt: skip
    return tuple(rows)


def _name_group(kind: str, value: str | int) -> Message:
    if kind == "hour":
        return message("tools.hour", hour=Name(f"{value:02d}:00-{(int(value) + 1) % 24:02d}:00"))
    return name_topic(str(value))


def name_topic(topic: str) -> Message:
    """Return a topic's name; one without a name of ours is called another question."""
    return message("tools.topic.other") if topic.startswith("other") else message(f"tools.topic.{topic}")


REVIEWS = """
    , wanted AS (SELECT unnest($agents) AS agent_id, unnest($topics) AS topic),
    asked AS (
        SELECT l.*, topic, {good} AS is_good
        FROM loaded AS l
        JOIN question_topics AS t ON t.session_id = l.session_id AND t.opened_at = l.opened_at
    ),
    own AS (
        SELECT w.agent_id, w.topic, 'own' AS kind, a.agent_id AS by, wait_seconds, source_file, source_row, first_reply_at
        FROM wanted AS w
        JOIN asked AS a ON a.agent_id = w.agent_id AND a.topic = w.topic AND missed
        QUALIFY row_number() OVER (PARTITION BY w.agent_id ORDER BY first_reply_at IS NULL, wait_seconds DESC, source_row) <= 3
    ),
    good AS (
        SELECT w.agent_id, w.topic, 'good' AS kind, a.agent_id AS by, wait_seconds, source_file, source_row, first_reply_at
        FROM wanted AS w
        JOIN asked AS a ON a.agent_id <> w.agent_id AND a.topic = w.topic AND NOT missed AND is_good IS DISTINCT FROM false
        QUALIFY row_number() OVER (PARTITION BY w.agent_id, w.topic ORDER BY is_good IS NULL, resolved IS NOT TRUE,
                                   customer_messages DESC, wait_seconds, source_row) = 1
    )
    SELECT * FROM own WHERE EXISTS (SELECT 1 FROM wanted)
    UNION ALL SELECT * FROM good
    ORDER BY agent_id, topic, kind DESC, wait_seconds DESC, source_row
"""


def _find_reviews(inputs: ToolInputs, at: Row, training: Sequence[TrainingTopic]) -> tuple[ReviewChat, ...]:
    """Find three conversations of each agent in the worst topic, and a good one by a colleague."""
    worst: dict[str, str] = {}
    for row in training:
        topic = row.what.id.removeprefix("tools.topic.")
        if topic not in (row.what.id, "other"):
            worst.setdefault(row.agent_id, topic)
    reviews = REVIEWS.format(good=inputs.catalogue.rules[RATED].measure.good)
    rows = inputs.fetch(LOADED + reviews, **at, agents=list(worst), topics=list(worst.values()))
    return tuple(
        ReviewChat(
            agent_id=row["agent_id"], what=name_topic(row["topic"]), kind=message(f"tools.review.{row['kind']}"),
            by=row["by"], wait=to_number(row["wait_seconds"]), place=to_place(row),
        )
        for row in rows
    )  # fmt: skip


# -- what it says ----------------------------------------------------------------------------------------------------


def _draw_funnel(rate: float, chats: Sequence[int]) -> tuple[FunnelLimit, ...]:
    most = max(chats, default=0)
    if not 0 < rate < 1 or not most:
        return ()
    sizes = [size for size in SIZES if size < most] + [most]
    halves = [(size, Z_TWO_SIDED * math.sqrt((1 - rate) / (rate * size))) for size in sizes]
    return tuple(FunnelLimit(chats=size, low=max(0.0, 1 - half), high=1 + half) for size, half in halves)


def _say_headline(agents: Sequence[AgentScore]) -> Message:
    ranked = [score for score in agents if score.rank]
    if not ranked:
        return message("tools.scorecard.none", least=FEWEST_CHATS)
    worse = sum(score.verdict.id == "tools.verdict.worse" for score in ranked)
    better = sum(score.verdict.id == "tools.verdict.better" for score in ranked)
    return message("tools.scorecard.headline", ranked=len(ranked), better=better, worse=worse)


def _list_missing(inputs: ToolInputs) -> Iterable[Message]:
    if not inputs.has("messages|conversations"):
        yield message("tools.needs", what=message("tools.part.agents"), columns=name_needs("messages|conversations"))
    elif not inputs.has("messages.text"):
        yield message("tools.needs", what=message("tools.part.training"), columns=name_needs("messages.text"))
    wanted = (
        ("conversations.satisfaction", "tools.part.ratings"),
        ("conversations.transferred_to", "tools.part.transfers"),
        ("aftersales.handler_id", "tools.part.cases"),
    )
    for column, part in wanted:
        if not inputs.has(column):
            yield message("tools.needs", what=message(part), columns=name_needs(column))


def _list_notes(
    inputs: ToolInputs, at: Row, unassigned: int, scheme: RewardScheme | None, total: float | None
) -> Iterable[Message]:
    goal = inputs.fetch_value("SELECT getvariable('reply_goal')")
    yield message("tools.scorecard.goal" if goal == at["goal"] else "tools.scorecard.own_goal", goal=at["goal"])
    if inputs.options.get("days"):
        yield message("tools.scorecard.days", n=inputs.options["days"])
    if unassigned:
        yield message("tools.scorecard.unassigned", n=unassigned)
    if total is not None:
        yield message("tools.scorecard.total", amount=total, currency=Name((scheme and scheme.currency) or ""))
    elif scheme is None:
        yield message("tools.scorecard.no_scheme")
    yield message("tools.scorecard.method", least=FEWEST_CHATS)
    yield message("tools.scorecard.coaching")


RECORD = Scorecard
