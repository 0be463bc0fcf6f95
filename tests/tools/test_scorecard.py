"""The scorecard finds the planted agent, spares the one of the rush hours, and counts as a second implementation does."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from storehealth.errors import UsageError
from storehealth.tools.agent_rating import Comparison, LoadCell, compare_agents, shrink_ratios, smooth_rates
from storehealth.tools.scorecard import (
    Scorecard,
    _is_loss,
    build_scorecard,
)
from tests.tools.conftest import SETTINGS, OpenSample

VIEWS = ["cases", "chat_messages", "question_topics", "sessions", "turns"]
SLOW = "demo-松子"


@pytest.fixture
def card(open_sample: OpenSample) -> Scorecard:
    """The sample's scorecard over the last 30 days."""
    return build_scorecard(open_sample(days=30))


def test_the_planted_slow_agent_is_last_and_worse_beyond_chance(card: Scorecard) -> None:
    """Three times as slow as the others; nobody else is worse."""
    assert [score.agent_id for score in card.agents if score.verdict.id == "tools.verdict.worse"] == [SLOW]
    assert card.agents[-1].agent_id == SLOW
    assert card.agents[-1].rank == 4
    assert card.agents[-1].within_goal < 0.5 < card.agents[0].within_goal


def test_training_names_own_chats_and_a_good_one_by_a_colleague(card: Scorecard) -> None:
    """Places are lines of the chat log; the good one is on the same topic and by somebody else."""
    assert {row.agent_id for row in card.training} == {SLOW}
    assert all(row.lost > 0 and row.missed > row.missed_expected for row in card.training)
    own = [row for row in card.reviews if row.kind.id == "tools.review.own"]
    good = [row for row in card.reviews if row.kind.id == "tools.review.good"]
    assert len(own) == 3
    assert {row.by for row in own} == {SLOW}
    assert len(good) == 1
    assert good[0].by != SLOW
    assert good[0].what == own[0].what
    assert good[0].wait <= 30 < min(row.wait for row in own)
    assert all(row.place.startswith("chat.log:") for row in card.reviews)


def test_the_planted_topics_are_what_to_train(card: Scorecard) -> None:
    """Sizes and returns, which take her a minute; nothing for anybody else."""
    topics = [row.what.id for row in card.training if row.agent_id == SLOW and row.what.id != "tools.hour"]
    assert topics == ["tools.topic.size", "tools.topic.returns"]
    assert {row.what.id for row in card.reviews} == {"tools.topic.size"}


def test_the_stores_scheme_gives_the_slow_agent_no_level(open_sample: OpenSample) -> None:
    """But a share of the team's money, since nothing else is wrong with her chats."""
    card = build_scorecard(open_sample(folder=SETTINGS, days=30))
    levels = {reward.agent_id: reward.level.id for reward in card.rewards}
    assert [agent for agent, level in levels.items() if level == "tools.level.coached"] == [SLOW]
    assert card.total_money == sum(reward.total for reward in card.rewards) == 3 * 300 + 600


@pytest.mark.parametrize(
    ("missed", "expected", "loss"), [(2, 0.43, False), (3, 0.3, True), (9, 4.1, True), (40, 36, False)]
)
def test_what_chance_explains_is_not_trained(missed: int, expected: float, loss: bool) -> None:
    """Two misses where half a one was expected happen by chance; and so do forty where 36 were."""
    assert _is_loss(missed, expected) is loss


def test_chats_nobody_held_count_for_nobody(card: Scorecard) -> None:
    """The evening hour without people costs no agent anything."""
    assert card.unassigned > 20
    assert sum(score.unanswered for score in card.agents) == 0


def test_points_of_the_funnel_lie_where_the_verdict_says(card: Scorecard) -> None:
    """The slow agent's point is above the upper limit at that number of chats."""
    widest = [limit for limit in card.funnel if limit.chats <= card.agents[-1].chats][-1]
    assert card.agents[-1].ratio > widest.high > 1 > widest.low


def test_rewards_follow_the_scheme_of_the_store(open_sample: OpenSample, tmp_path: Path) -> None:
    """Levels by adjusted ratio, the team's share equally, and their sum; without a level it is coaching."""
    (tmp_path / "rewards.yaml").write_text(
        "currency: CNY\nlevels:\n  - {name: gold, at_most: 0.8, money: 300}\nteam: {within_goal: 0.5, money: 400}\n",
        encoding="utf-8",
    )
    card = build_scorecard(open_sample())
    by_agent = {reward.agent_id: reward for reward in card.rewards}
    assert by_agent[SLOW].money is None
    assert by_agent[SLOW].level.id == "tools.level.coached"
    assert [reward.total for agent, reward in by_agent.items() if agent != SLOW] == [400, 400, 400]
    assert card.total_money == 3 * 300 + 400
    assert card.currency == "CNY"


def test_the_floor_keeps_speed_from_being_bought(open_sample: OpenSample, tmp_path: Path) -> None:
    """Who misses a condition has no level and no part of the team's money, and reads which."""
    (tmp_path / "rewards.yaml").write_text(
        "levels: [{name: a, at_most: 9, money: 10}]\nfloor: {chats: 60}\nteam: {within_goal: 0.1, money: 30}\n",
        encoding="utf-8",
    )
    card = build_scorecard(open_sample(days=30))
    below = [reward for reward in card.rewards if reward.not_met]
    assert [reward.agent_id for reward in below] == ["demo-阿岚"]
    assert below[0].total is None
    assert card.total_money == 3 * 20


def test_mistakes_in_the_scheme_are_named(open_sample: OpenSample, tmp_path: Path) -> None:
    """File and key, as in every file of the store's own."""
    (tmp_path / "rewards.yaml").write_text("levels: [{name: a, atmost: 1}]\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"rewards\.yaml"):
        build_scorecard(open_sample())


def _ask(minute: int, agent: str, wait: int, number: int, day: int = 5, hour: int = 10) -> list[dict[str, Any]]:
    at = f"2026-01-{day:02d} {hour:02d}:{minute:02d}"
    return [
        {"conversation_id": f"c{number}", "message_id": f"q{number}", "sent_at": f"{at}:00", "sender_role": "customer",
         "sender_id": f"u{number}", "text": "has it a size?"},
        {"conversation_id": f"c{number}", "message_id": f"a{number}", "sent_at": f"{at}:{wait:02d}", "sender_role": "agent",
         "sender_id": agent, "text": "yes"},
    ]  # fmt: skip


def test_who_works_the_rush_hours_only_is_not_last(open_made: Any) -> None:
    """In the rush everybody misses half. Rush misses more chats than Calm, yet as many as the hours explain."""
    messages: list[dict[str, Any]] = []
    number = 0
    for day in range(5, 25):
        for hour, people in ((10, ("calm", "idle")), (20, ("rush", "rush", "rush", "calm"))):
            for place, agent in enumerate(people):
                number += 1
                is_missed = (hour == 20 and (day + place) % 2) or (agent == "idle" and day % 3 == 0)
                messages += _ask(7 * place, agent, 50 if is_missed else 9, number, day, hour)
    card = build_scorecard(open_made({"messages": messages}))
    by_agent = {score.agent_id: score for score in card.agents}
    assert by_agent["rush"].within_goal < min(by_agent["calm"].within_goal, by_agent["idle"].within_goal)
    assert by_agent["rush"].verdict.id == "tools.verdict.expected"
    assert by_agent["rush"].adjusted < 1.15
    assert all(score.verdict.id == "tools.verdict.too_few" for score in card.agents if score.chats < 30)
    assert all((score.rank is None) == (score.chats < 30) for score in card.agents)


def test_where_nobody_meets_the_goal_the_stores_own_median_is_used(open_made: Any) -> None:
    """Mail is answered in minutes: a goal of 30 s would call all the same."""
    messages = [row for n in range(40) for row in _ask(n, "amy" if n % 2 else "bea", 35 if n % 2 else 55, n)]
    card = build_scorecard(open_made({"messages": messages}))
    assert any(note.id == "tools.scorecard.own_goal" for note in card.notes)
    assert {score.agent_id: score.within_goal for score in card.agents} == {"amy": 1.0, "bea": 0.0}


def test_orders_alone_say_what_is_needed(open_made: Any) -> None:
    """Nothing is made up where there is no chat."""
    card = build_scorecard(open_made({"orders": [{"order_id": "1", "created_at": "2026-01-05 10:00:00"}]}))
    assert card.agents == ()
    assert [text.id for text in card.missing] == ["tools.needs"]


def _draw_cells(seed: int) -> list[LoadCell]:
    chance = random.Random(seed)  # noqa: S311
    keys = {
        (chance.choice("abcde"), chance.randint(1, 7), chance.randint(9, 12), chance.randint(0, 2)) for _ in range(80)
    }
    return [LoadCell(*key, (n := chance.randint(1, 30)), chance.randint(0, n)) for key in sorted(keys)]


@pytest.mark.parametrize("seed", range(4))
def test_standardisation_agrees_with_a_second_implementation(seed: int) -> None:
    """Written from the definition, row by row and without shared sums."""
    cells = _draw_cells(seed)

    def rate(*test: Any) -> float:
        hour, weekday, others = (*test, None, None, None)[:3]
        chosen = [
            c for c in cells
            if (hour is None or c.hour == hour) and (weekday is None or c.weekday == weekday)
            and (others is None or c.others == others)
        ]  # fmt: skip
        n, k = sum(c.chats for c in chosen), sum(c.missed for c in chosen)
        return k / n if not test else (k + 10 * rate(*test[:-1])) / (n + 10)

    expected: dict[str, float] = defaultdict(float)
    for c in cells:
        expected[c.agent] += c.chats * rate(c.hour, c.weekday, c.others)
    compared = compare_agents(cells)
    assert {agent: one.expected for agent, one in compared.items()} == pytest.approx(dict(expected))
    assert all(0 <= share <= 1 for share in smooth_rates(cells).values())


@pytest.mark.parametrize("seed", range(4))
def test_shrinkage_agrees_with_a_second_implementation(seed: int) -> None:
    """Marshall's global estimator, as its article writes it."""
    chance = random.Random(seed)  # noqa: S311
    raw = {}
    for agent in "abcdefgh":
        mean = chance.uniform(2, 60)
        raw[agent] = Comparison(round(mean * chance.uniform(0.3, 2)), mean, mean * 0.8)
    total = sum(one.expected for one in raw.values())
    m = sum(one.missed for one in raw.values()) / total
    s2 = sum(one.expected * (one.missed / one.expected - m) ** 2 for one in raw.values()) / total
    a = max(0.0, s2 - sum(one.expected * one.variance / one.expected**2 for one in raw.values()) / total)
    for agent, one in shrink_ratios(raw).items():
        v = raw[agent].variance / raw[agent].expected ** 2
        assert one.adjusted == pytest.approx(m + a / (a + v) * (raw[agent].missed / raw[agent].expected - m))
        assert one.low <= one.adjusted <= one.high
        assert abs(one.adjusted - m) <= abs(raw[agent].missed / raw[agent].expected - m) + 1e-12


def test_equal_agents_are_drawn_together() -> None:
    """Where ratios spread no more than chance, nobody stands out."""
    compared = shrink_ratios({name: Comparison(10 + n, 10.0, 9.0) for n, name in enumerate("abc")})
    assert len({one.adjusted for one in compared.values()}) == 1
    assert not any(math.isnan(one.adjusted) for one in compared.values())
