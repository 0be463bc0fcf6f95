"""Turns told by walking through the messages one at a time: slow, plain, and written from the definition alone."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

Spell = tuple[int, int]


@dataclass(frozen=True)
class Message:
    """A message as the machine sees it. ``room`` is the conversation, None where the export has none."""

    room: str | None
    customer: str
    at: datetime
    role: str
    text: str
    event: str | None
    row: int
    sender: str | None = None
    assignee: str | None = None


@dataclass
class Turn:
    """A question and what became of it."""

    customer: str
    opened: datetime
    row: int
    closed: datetime | None = None
    by: str | None = None
    first: bool = False
    replier: str | None = None
    left: bool = False


@dataclass
class Talk:
    """A session: who began it and its turns."""

    began_by: str | None
    last: datetime
    turns: list[Turn]
    open: Turn | None = None
    closed: datetime | None = None
    holders: list[tuple[datetime, str]] = field(default_factory=list)
    spoke_last: str | None = None

    @property
    def holder(self) -> str | None:
        """Who is to answer now: the last one it was given to, else the last one who spoke."""
        return self.holders[-1][1] if self.holders else self.spoke_last

    def given_at(self, turn: Turn, agent: str, stop: datetime) -> datetime | None:
        """When a person last took over the question, if somebody gave it them."""
        ends = [at for at, _ in self.holders[1:]] + [datetime.fromisoformat("9999-01-01")]
        own = [
            at
            for (at, name), end in zip(self.holders, ends, strict=False)
            if name == agent and at <= stop and end > turn.opened
        ]
        return max(own, default=None)


def is_closer(text: str, phrases: Iterable[str]) -> bool:
    """Whether a whole text, without the blanks and punctuation around it, is one of the phrases."""
    return _trimmed(text) in {_trimmed(phrase) for phrase in phrases}


def _trimmed(text: str) -> str:
    def is_edge(letter: str) -> bool:
        return letter.isspace() or letter in "~～" or unicodedata.category(letter)[0] in "PZ"

    while text and is_edge(text[0]):
        text = text[1:]
    while text and is_edge(text[-1]):
        text = text[:-1]
    return text.lower()


def tell(messages: Sequence[Message], policy: str, gap: float, phrases: Sequence[str]) -> list[Talk]:
    """Walk through each conversation (or, without ids, each customer's stream) in order."""
    streams: dict[tuple[str, str], list[Message]] = defaultdict(list)
    for message in messages:
        key = ("room", message.room) if message.room is not None else ("stream", message.customer)
        streams[key].append(message)
    talks: list[Talk] = []
    for (kind, _), stream in streams.items():
        talk: Talk | None = None
        for message in sorted(stream, key=lambda message: (message.at, message.row)):
            rested = talk is not None and (message.at - talk.last).total_seconds() > gap
            if talk is None or (kind == "stream" and talk.open is None and rested):
                talk = Talk(None, message.at, [])
                talks.append(talk)
            _step(talk, message, policy, phrases)
            talk.last = message.at
    end = max((message.at for message in messages), default=None)
    for talk in talks:
        human = [turn for turn in talk.turns if turn.by != "bot"]
        if human:
            human[0].first = True
        over = talk.closed is not None or (end is not None and (end - talk.last).total_seconds() > gap)
        for turn in talk.turns:
            turn.left = _has_left(turn, talk.closed, over)
    return talks


def _has_left(turn: Turn, closed: datetime | None, over: bool) -> bool:
    """Nobody answered and the session is over, or it was closed while the customer waited."""
    if turn.closed is None:
        return over
    return closed is not None and turn.opened <= closed <= turn.closed


def state(wait: float, limit: float, answered: bool) -> str:
    """What a limit makes of a wait."""
    if answered:
        return "met" if wait <= limit else "late"
    return "overdue" if wait >= limit else "undecided"


def is_within(moment: datetime, spells: Sequence[Spell]) -> bool:
    """Whether a moment lies inside the hours, of its own day or of a night begun the day before."""
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    passed = (moment - midnight).total_seconds()
    return any(opens <= passed < closes or opens <= passed + 86400 < closes for opens, closes in spells)


def _step(talk: Talk, message: Message, policy: str, phrases: Sequence[str]) -> None:
    """One message moves the machine: it opens a turn, joins it, closes it, or is passed over."""
    if message.event in ("assigned", "handoff") and message.assignee:
        talk.holders.append((message.at, message.assignee))
    if message.event == "closed":
        talk.closed = message.at
    if message.event == "handoff":
        if policy == "answers" and talk.open is None:
            _open(talk, message)
        return
    if message.event is not None or message.role == "system":
        return
    talk.spoke_last = message.sender if message.role == "agent" else talk.spoke_last
    if message.role in ("customer", "agent") and talk.began_by is None:
        talk.began_by = message.role
    if message.role == "customer" and talk.open is None and not is_closer(message.text, phrases):
        _open(talk, message)
    closes = {"agent": "human", "bot": "bot" if policy == "answers" else None}.get(message.role)
    if closes and talk.open is not None:
        talk.open.closed, talk.open.by, talk.open.replier = message.at, closes, message.sender
        talk.open = None


def _open(talk: Talk, message: Message) -> None:
    talk.open = Turn(message.customer, message.at, message.row)
    talk.turns.append(talk.open)


def open_seconds(start: datetime, stop: datetime, spells: Sequence[Spell]) -> int:
    """Seconds of an interval inside the hours, counted day by day; a spell may close after midnight."""
    total = 0.0
    day = start.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    while day <= stop:
        for opens, closes in spells:
            begin, end = max(start, day + timedelta(seconds=opens)), min(stop, day + timedelta(seconds=closes))
            total += max(0.0, (end - begin).total_seconds())
        day += timedelta(days=1)
    return round(total)
