"""Turns told by walking through the messages one at a time: slow, plain, and written from the definition alone."""

from __future__ import annotations

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
    bot: tuple[datetime, str | None] | None = None
    """The last word of a robot that the customer has not answered."""

    def settle(self) -> None:
        """The robot's last word ends it."""
        assert self.bot is not None
        (self.closed, self.replier), self.by = self.bot, "bot"


@dataclass
class Talk:
    """A session: who began it and its turns."""

    began_by: str | None
    last: datetime
    turns: list[Turn]
    open: Turn | None = None
    closings: list[datetime] = field(default_factory=list)
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
    """Whether every piece of a text, cut at blanks, punctuation and signs, belongs to one of the phrases."""
    if "?" in text or "？" in text:
        return False
    known = [words for words in (_words(phrase) for phrase in phrases) if words]
    return bool(_words(text)) and _is_run(_words(text), known)


def _is_run(words: list[str], known: list[list[str]]) -> bool:
    """Whether phrases, one after the other, make up the words; Chinese ones may share a word."""
    if not words:
        return True
    for phrase in known:
        if words[: len(phrase)] == phrase and _is_run(words[len(phrase) :], known):
            return True
        (first, *more) = phrase
        if not more and "\u4e00" <= first[0] <= "\u9fff" and words[0].startswith(first) and words[0] != first:
            return _is_run([words[0][len(first) :], *words[1:]], known) or any(
                _is_run([words[0][len(other[0]) :], *words[1:]], known)
                for other in known
                if len(other) == 1 and words[0].startswith(other[0]) and words[0] != other[0]
            )
    return False


def _words(text: str) -> list[str]:
    """The words of a text: signs and emoji are words of their own, so that 👍 can be a phrase."""
    found, word = [], ""
    for letter in text.lower():
        if letter.isalnum() or letter == "'":
            word += letter
            continue
        found += [word] if word else []
        word = ""
    return [*found, word] if word else found


def tell(  # noqa: C901 - a state machine, told in one piece
    messages: Sequence[Message], policy: str, gap: float, phrases: Sequence[str]
) -> list[Talk]:
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
            settled = talk is not None and (
                talk.open is None or (talk.open.bot is not None and message.role != "agent")
            )
            if talk is None or (kind == "stream" and rested and settled):
                if talk is not None and talk.open is not None:
                    talk.open.settle()
                talk = Talk(None, message.at, [])
                talks.append(talk)
            _step(talk, message, gap, phrases)
            talk.last = message.at
    end = max((message.at for message in messages), default=None)
    for talk in talks:
        if talk.open is not None and talk.open.bot and end and (end - talk.open.bot[0]).total_seconds() > gap:
            talk.open.settle()
        if policy == "ignored":
            _leave_open(talk.turns)
        human = [turn for turn in talk.turns if turn.by != "bot"]
        if human:
            human[0].first = True
        rested = end is not None and (end - talk.last).total_seconds() > gap
        for turn in talk.turns:
            turn.left = _has_left(turn, talk.closings, rested)
    return talks


def _leave_open(turns: list[Turn]) -> None:
    """Where robots do not count, what one settled is unanswered, unless a turn for a person came after it."""
    left = [
        turn
        for place, turn in enumerate(turns)
        if turn.by == "bot" and all(later.by == "bot" for later in turns[place + 1 :])
    ]
    for turn in left:
        turn.closed = turn.by = turn.replier = None


def _has_left(turn: Turn, closings: list[datetime], rested: bool) -> bool:
    """The session was closed while the customer waited, or came to rest without an answer."""
    closed = next((at for at in closings if at >= turn.opened), None)
    if turn.closed is None:
        return rested or closed is not None
    return closed is not None and closed <= turn.closed


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


def _step(talk: Talk, message: Message, gap: float, phrases: Sequence[str]) -> None:  # noqa: C901 - one machine
    """One message moves the machine: it opens a turn, joins it, closes it, or is passed over."""
    if message.event in ("assigned", "handoff") and message.assignee:
        talk.holders.append((message.at, message.assignee))
    is_question = message.role == "customer" and message.event is None and not is_closer(message.text, phrases)
    if talk.open is not None and talk.open.bot is not None:
        rested = is_question and (message.at - talk.open.bot[0]).total_seconds() > gap
        if rested or message.event in ("handoff", "closed"):
            talk.open.settle()
            talk.open = None
        elif is_question:
            talk.open.bot = None
    if message.event == "closed":
        talk.closings.append(message.at)
    if message.event == "handoff":  # the clock begins anew, for a person
        if talk.open is not None:
            talk.turns.remove(talk.open)
        _open(talk, message)
        return
    if message.event is not None or message.role == "system":
        return
    talk.spoke_last = message.sender if message.role == "agent" else talk.spoke_last
    if message.role in ("customer", "agent") and talk.began_by is None:
        talk.began_by = message.role
    if is_question and talk.open is None:
        _open(talk, message)
    if message.role == "bot" and talk.open is not None:
        talk.open.bot = (message.at, message.sender)
    if message.role == "agent" and talk.open is not None:
        talk.open.closed, talk.open.by, talk.open.replier = message.at, "human", message.sender
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
