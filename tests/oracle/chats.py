"""Outcomes of chats and of questions: rules CS03, CS07, CS09 to CS12, CS14 and TM02."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.views.naive_turns import Message, Spell, Talk, Turn, is_within, open_seconds, state, tell

DAY = 86400
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
ASKED_AT_LEAST, ASKERS_AT_LEAST, HOUR_AT_LEAST, MISSED_AT_MOST = 10, 3, 5, 0.2
LOAD_SHOWN, LOAD_KEPT, LOAD_GOAL, LOAD_OPEN = 20, 0.8, 30, timedelta(minutes=10)
SATISFIED = ("非常满意", "满意", "good", "5", "4")
DISSATISFIED = ("不满意", "非常不满意", "bad", "1", "2")


@dataclass
class Clock:
    """The facts of one platform that say whose hours count and what they make of a wait."""

    facts: dict[str, Any]
    days: dict[int, list[Spell]] = field(default_factory=dict)
    """Weekday → service hours in seconds of the day; empty: always open."""

    def __post_init__(self) -> None:
        for text in self.facts["service_hours"]:
            names, _, hours = text.rpartition(" ")
            opens, closes = (int(end[:2]) * 3600 + int(end[3:]) * 60 for end in hours.split("-"))
            first, _, last = (names or "Mon-Sun").partition("-")
            for day in range(WEEKDAYS.index(first), WEEKDAYS.index(last or first) + 1):
                self.days.setdefault(day, []).append((opens, closes if closes > opens else closes + DAY))

    def is_open(self, moment: datetime) -> bool:
        """Whether a moment lies inside the hours, those of a night begun the day before included."""
        if not self.days:
            return True
        before = [(opens, closes) for opens, closes in self.days.get((moment.weekday() - 1) % 7, []) if closes > DAY]
        passed = (moment - moment.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
        own = self.days.get(moment.weekday(), [])
        return any(opens <= passed < closes for opens, closes in own) or any(
            opens <= passed + DAY < closes for opens, closes in before
        )

    def clip(self, start: datetime, stop: datetime) -> float:
        """Seconds inside the hours."""
        if not self.days:
            return (stop - start).total_seconds()
        total, day = 0.0, start.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
        while day <= stop:
            for opens, closes in self.days.get(day.weekday(), []):
                begin = max(start, day + timedelta(seconds=opens))
                total += max(0.0, (min(stop, day + timedelta(seconds=closes)) - begin).total_seconds())
            day += timedelta(days=1)
        return total

    def wait(self, start: datetime, stop: datetime) -> float:
        """Seconds on the platform's clock."""
        return self.clip(start, stop) if self.facts["reply_clock"] == "clip" else (stop - start).total_seconds()

    def counts(self, moment: datetime) -> bool:
        """Whether a question of that moment is judged at all: only where sessions are left out by their start is it not."""
        return self.facts["reply_clock"] != "exclude_by_start" or self.is_open(moment)


@dataclass
class Log:
    """A chat log as one platform reads it."""

    messages: Sequence[Message]
    clock: Clock
    closers: Sequence[str]
    end: datetime

    @property
    def talks(self) -> list[Talk]:
        """Its sessions under the platform's own reading of robots."""
        facts = self.clock.facts
        return tell(self.messages, facts["bot_policy"], facts["session_gap"], self.closers)

    @property
    def questions(self) -> list[Turn]:
        """Turns for a person that are judged."""
        turns = [turn for talk in self.talks for turn in talk.turns]
        return [turn for turn in turns if turn.by != "bot" and self.clock.counts(turn.opened)]

    def wait(self, turn: Turn) -> float:
        """How long a question waited, or has been waiting."""
        return self.clock.wait(turn.opened, turn.closed or self.end)

    def list_capped_waits(self) -> list[float | None]:
        """CS03: the wait of each question, the cap at most; None while it is open below the cap."""
        cap = float(self.clock.facts["reply_cap"])
        waits = [(turn, self.wait(turn)) for turn in self.questions]
        return [min(wait, cap) if turn.closed or wait >= cap else None for turn, wait in waits]

    def count_robots(self) -> Counter[str]:
        """CS07: sessions a customer began in service hours; met where a robot settled all questions.

        The same under every policy, so robots are read as if they counted.
        """
        found: Counter[str] = Counter()
        for talk in tell(self.messages, "counts", self.clock.facts["session_gap"], self.closers):
            human = [turn for turn in talk.turns if turn.by != "bot"]
            if talk.began_by == "customer" and talk.turns and self.clock.counts((human or talk.turns)[0].opened):
                found["late" if human else "met"] += 1
        return found

    def judge_platform_time(self) -> Counter[str]:
        """CS12: each question (or the first one of each thread) by the marketplace's own hours or daily deadline."""
        facts, found = self.clock.facts, Counter[str]()
        limit, ends, due_at = facts["answer_within"], facts["answer_day_ends"], facts["answer_day_due"]
        if not limit and not due_at:
            return found
        pairs = [(chat, turn) for chat in self.talks for turn in chat.turns if turn.by != "bot"]
        for talk, turn in pairs:
            is_asked = facts["answer_unit"] == "every" or (turn.first and talk.began_by == "customer")
            if not is_asked or not self.clock.counts(turn.opened):
                continue
            if limit:
                found[state(self.wait(turn), limit, turn.closed is not None)] += 1
                continue
            midnight = turn.opened.replace(hour=0, minute=0, second=0, microsecond=0)
            is_tomorrow = turn.opened - midnight >= timedelta(seconds=ends)
            due = midnight + timedelta(days=is_tomorrow, seconds=due_at)
            if turn.closed is not None:
                found["met" if turn.closed <= due else "late"] += 1
            else:
                found["overdue" if self.end >= due else "undecided"] += 1
        return found

    def judge_letters(self) -> Counter[str]:
        """CS14: conversations by mail, ticket or social network, from first question to first answer, by the wall clock."""
        found: Counter[str] = Counter()
        for talk in self.talks:
            first = next((turn for turn in talk.turns if turn.first), None)
            if talk.began_by == "customer" and first:
                waited = ((first.closed or self.end) - first.opened).total_seconds()
                found[state(waited, self.clock.facts["async_within"], first.closed is not None)] += 1
        return found

    def judge_topics(self, topics: dict[str, str]) -> Counter[str]:
        """CS10: topic → outcome. ``topics`` says which text is of which topic."""
        since = self.end - timedelta(seconds=self.clock.facts["look_back"])
        texts = {(message.customer, message.at, message.row): message.text for message in self.messages}
        asked: dict[str, list[Turn]] = defaultdict(list)
        for turn in self.questions:
            if turn.opened >= since:
                asked[topics[texts[turn.customer, turn.opened, turn.row]]].append(turn)
        found: Counter[str] = Counter()
        for turns in asked.values():
            judged = [turn for turn in turns if turn.closed or self.wait(turn) >= self.clock.facts["reply_goal"]]
            if len(turns) >= ASKED_AT_LEAST and len({turn.customer for turn in turns}) >= ASKERS_AT_LEAST and judged:
                slow = sum(self.wait(turn) > self.clock.facts["reply_goal"] for turn in judged)
                found["late" if slow > MISSED_AT_MOST * len(judged) else "met"] += 1
        return found

    def judge_hours(self) -> dict[tuple[int, int], str]:
        """CS09: (weekday, hour) → outcome; such an hour is there on each day on which anybody asked anything."""
        since = self.end - timedelta(seconds=self.clock.facts["look_back"])
        everything = [turn for talk in self.talks for turn in talk.turns if turn.opened >= since]
        turns = [turn for turn in self.questions if turn.opened >= since and self.clock.is_open(turn.opened)]
        first = min((turn.opened for turn in everything), default=self.end).replace(minute=0, second=0)
        cells: dict[tuple[int, int], list[datetime]] = defaultdict(list)
        for day in {turn.opened.replace(hour=0, minute=0, second=0) for turn in everything}:
            for hour in (day + timedelta(hours=number) for number in range(24)):
                if first <= hour <= self.end and self.clock.clip(hour, hour + timedelta(hours=1)):
                    cells[hour.weekday(), hour.hour].append(hour)
        return {cell: self._judge_cell(hours, turns) for cell, hours in cells.items()}

    def _judge_cell(self, hours: list[datetime], turns: list[Turn]) -> str:
        goal = self.clock.facts["reply_goal"]
        own = [turn for turn in turns if turn.opened.replace(minute=0, second=0) in hours]
        judged = [turn for turn in own if turn.closed or self.wait(turn) >= goal]
        if len(own) < HOUR_AT_LEAST or not judged:
            return "exempt"
        missed = sum(self.wait(turn) > goal or not turn.closed for turn in judged)
        people = sum(count_people(turns, hour) for hour in hours) / len(hours)
        needed = count_needed(len(own) / len(hours), self.clock.facts)
        return "late" if missed > MISSED_AT_MOST * len(judged) and people < needed else "met"

    def judge_load(self) -> Counter[str]:
        """TM02: each question by how many its agent had open then, itself included."""
        turns = [turn for turn in self.questions if turn.replier or turn.by is None]
        loads = {id(turn): count_open(turn, turns) for turn in turns if turn.replier}
        kept: dict[int, list[bool]] = defaultdict(list)
        for turn in turns:
            if id(turn) in loads:
                kept[loads[id(turn)]].append(self.wait(turn) <= LOAD_GOAL)
        good = [load for load, met in kept.items() if len(met) >= LOAD_SHOWN and sum(met) >= LOAD_KEPT * len(met)]
        if not good:
            return Counter(not_judgeable=len(loads)) if loads else Counter()
        return Counter("met" if load <= max(good) else "late" for load in loads.values())


def count_people(turns: Iterable[Turn], hour: datetime) -> int:
    """Agents whose reply ended a question in an hour."""
    replies = {turn.replier for turn in turns if turn.closed and hour <= turn.closed < hour + timedelta(hours=1)}
    return len(replies - {None})


def count_needed(arrivals: float, facts: dict[str, Any]) -> int:
    """Agents with whom the wanted share of an hour's questions is taken up in time, by Erlang C."""
    load, people = arrivals * facts["service_time"] / 3600, 1
    while True:
        if people > load:
            term = load**people / math.factorial(people) * people / (people - load)
            delayed = term / (sum(load**k / math.factorial(k) for k in range(people)) + term)
            served = 1 - delayed * math.exp(-(people - load) * facts["reply_goal"] / facts["service_time"])
            if served >= facts["served_share"]:
                return people
        people += 1


def count_open(turn: Turn, turns: Iterable[Turn]) -> int:
    """Questions of the same agent that are open when this one opens, this one included."""
    return sum(
        other.opened <= turn.opened and turn.opened < min(other.closed or other.opened + LOAD_OPEN, other.opened + LOAD_OPEN)
        for other in turns
        if other.replier == turn.replier and other is not turn
    ) + 1  # fmt: skip


def judge_satisfaction(words: Iterable[str | None]) -> Counter[str]:
    """CS11: of each rated chat; the middle rating is for neither side."""
    outcomes = {
        "一般": "not_judgeable",
        "3": "not_judgeable",
        **dict.fromkeys(SATISFIED, "met"),
        **dict.fromkeys(DISSATISFIED, "late"),
    }
    return Counter(outcomes[word] for word in words if word in outcomes)


__all__ = ["Clock", "Log", "count_needed", "is_within", "judge_satisfaction", "open_seconds"]
