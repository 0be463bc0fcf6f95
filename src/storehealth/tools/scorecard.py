"""``scorecard``: each agent compared with what is expected for their hours and load; rewards, and what to train.

A chat counts once, by the reply to its first question for a person. Expected misses are those of the whole store in the same
weekday, hour and concurrency (indirect standardisation); figures from few chats are shrunk
towards the store's mean (empirical Bayes).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from pydantic import Field

from storehealth.model.tools import Figure, Id, Money, Ratio, ScatterChart, Seconds, ToolRecord, ToolRow
from storehealth.support.message import Message, Name, message
from storehealth.support.stats import Z_TWO_SIDED
from storehealth.tools import Row, ToolInputs, choose_goal, list_missing, to_number, to_place
from storehealth.tools.agent_rating import (
    FEWEST_CHATS,
    AgentScore,
    Comparison,
    LoadCell,
    Reward,
    RewardScheme,
    compare_agents,
    give_rewards,
    judge_agent,
    rank_agents,
    smooth_rates,
)

MOST_OTHERS = 2
"""Other chats at once from which on concurrency is one class."""
LEAST_LOSS = 1.5
"""Misses beyond the expected ones from which on a topic or an hour is worth training."""
BY_CHANCE = 0.05
"""Chance of so many misses or more, from which on they are taken for chance."""
SIZES = (10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000, 2000, 5000, 10000, 50000)
RATED = "CS11"
"""The rule that says which ratings are good."""


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
    unassigned: int = Field(default=0, description="Missed chats that were assigned to no agent.")
    total_money: Money = None
    currency: str | None = None


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
    at = {
        "first": first,
        "goal": choose_goal(inputs, f"SELECT wait_seconds, NOT missed AS is_met FROM ({CHATS})", first=first),
    }
    cells = [LoadCell(*row.values()) for row in inputs.fetch(CELLS, **at)]
    compared = compare_agents(cells)
    facts = {row["agent_id"]: row for row in _fetch_agents(inputs, at)}
    agents = rank_agents([_to_score(agent, compared[agent], facts[agent]) for agent in compared if agent in facts])
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
        reviews=_find_reviews(inputs, at, cells, training),
        funnel=_draw_funnel(rate, [score.chats for score in agents]),
        unassigned=unassigned or 0,
        total_money=total,
        currency=scheme.currency if scheme else None,
    )


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
        verdict=message(f"tools.verdict.{judge_agent(one, chats)}"),
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
            if part.agent in agents and value is not None and not str(value).startswith("other"):
                group = sums[part.agent, kind, value]
                group[0] += part.chats
                group[1] += part.missed
                group[2] += expected
    losses = sorted(
        ((key, group) for key, group in sums.items() if _is_loss(int(group[1]), group[2])),
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


def _is_loss(missed: int, expected: float) -> bool:
    """Whether more was missed than expected, and more than chance (a Poisson count) makes of it."""
    if missed - expected < LEAST_LOSS:
        return False
    below = (
        sum(math.exp(-expected + n * math.log(expected) - math.lgamma(n + 1)) for n in range(missed))
        if expected
        else 1.0
    )
    return 1 - below < BY_CHANCE


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
        SELECT w.agent_id, w.topic, 'own' AS kind, a.agent_id AS by, wait_seconds, source_file, source_row, weekday, hour,
               least(others, $most) AS others
        FROM wanted AS w
        JOIN asked AS a ON a.agent_id = w.agent_id AND a.topic = w.topic AND missed
    ),
    good AS (
        SELECT w.agent_id, w.topic, 'good' AS kind, a.agent_id AS by, wait_seconds, source_file, source_row, weekday, hour,
               least(others, $most) AS others
        FROM wanted AS w
        JOIN asked AS a ON a.agent_id <> w.agent_id AND a.topic = w.topic AND NOT missed AND is_good IS DISTINCT FROM false
        QUALIFY row_number() OVER (PARTITION BY w.agent_id, w.topic ORDER BY is_good IS NULL, resolved IS NOT TRUE,
                                   customer_messages DESC, wait_seconds, source_row) = 1
    )
    SELECT * FROM own
    UNION ALL SELECT * FROM good
    ORDER BY agent_id, topic, kind DESC, wait_seconds DESC, source_row
"""
OWN_CHATS = 3


def _find_reviews(
    inputs: ToolInputs, at: Row, cells: Sequence[LoadCell], training: Sequence[TrainingTopic]
) -> tuple[ReviewChat, ...]:
    """Find three conversations of each agent in the worst topic, and a good one by a colleague.

    The agent's own are those of hours and load in which the store misses least: what everybody misses teaches nothing.
    """
    worst: dict[str, str] = {}
    for row in training:
        topic = row.what.id.removeprefix("tools.topic.")
        if topic not in (row.what.id, "other"):
            worst.setdefault(row.agent_id, topic)
    if not worst:
        return ()
    reviews = REVIEWS.format(good=inputs.catalogue.rules[RATED].measure.good)
    rows = inputs.fetch(LOADED + reviews, **at, agents=list(worst), topics=list(worst.values()), most=MOST_OTHERS)
    rates, chosen = smooth_rates(cells), list[Row]()
    for agent in worst:
        own = [row for row in rows if (row["agent_id"], row["kind"]) == (agent, "own")]
        own.sort(key=lambda row: round(rates[row["weekday"], row["hour"], row["others"]], 1))  # rows come by their wait
        chosen += own[:OWN_CHATS]
        chosen += (row for row in rows if (row["agent_id"], row["kind"]) == (agent, "good"))
    return tuple(
        ReviewChat(
            agent_id=row["agent_id"], what=name_topic(row["topic"]), kind=message(f"tools.review.{row['kind']}"),
            by=row["by"], wait=to_number(row["wait_seconds"]), place=to_place(row),
        )
        for row in chosen
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
    if inputs.has("messages|conversations"):
        yield from list_missing(inputs, ("tools.part.training", "messages.text"))
    yield from list_missing(
        inputs,
        ("tools.part.agents", "messages|conversations"),
        ("tools.part.ratings", "conversations.satisfaction"),
        ("tools.part.transfers", "conversations.transferred_to"),
        ("tools.part.cases", "aftersales.handler_id"),
    )


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
