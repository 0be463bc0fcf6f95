"""Chat sessions: the log without roles, and the workbook that tells who the agents are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from sample_store import phrases
from sample_store.world import (
    CHAT_AGENTS,
    CHAT_DAYS,
    GAP_HOUR,
    ROBOT,
    SLOW_AGENT,
    SLOW_TOPICS,
    at,
    columns,
    daily,
    hours,
    pick,
    seconds,
    shown,
)

BASE = 15.5
PEAK = 1.6
HOURS = [0.7, 0, 0, 0, 0, 0, 0, 0.2, 0.5, 2.6, 4.5, 4.5, 3.6, 3.8, 4.8, 4.8, 4.4, 4, 4.4, 6, 13, 10.5, 6.2, 0.9]
OPENS, CLOSES = 9, 23
SESSION_HEADER = columns(
    "咨询时间,顾客,咨询类型,客服,转接后客服,技能组,商品编号,首次响应时间,新平均响应时间(S),会话时长(M),客户消息数,客服消息数,满意度,是否解决,cid"
)
START = "/*****************以下为一通会话************************************/"


@dataclass
class Session:
    """One conversation. Lines are (time, sender, text); the customer's own lines carry no sender."""

    number: int
    customer: str
    agent: str
    lines: list[tuple[datetime, str, str]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    first_reply: datetime | None = None
    question: phrases.Question = phrases.QUESTIONS[0]
    rating: str = ""
    for_people: bool = True

    @property
    def now(self) -> datetime:
        """When the last line was written."""
        return self.lines[-1][0]

    def say(self, after: float, sender: str, text: str) -> None:
        """Add a line some seconds after the last one."""
        self.lines.append((self.now + seconds(max(after, 1)), sender, text))

    def answer(self, moment: datetime, text: str, asked: datetime) -> None:
        """Add an agent's reply to what was asked at a moment."""
        self.lines.append((moment, self.agent, text))
        self.waits.append((moment - asked).total_seconds())
        self.first_reply = self.first_reply or moment


def make(chance: Random) -> list[Session]:
    """All sessions of the 90 days, by their first line."""
    sessions: list[Session] = []
    for day in CHAT_DAYS:
        clock = chance.choices(range(24), HOURS, k=daily(chance, BASE, day, PEAK))
        for moment in sorted(at(day, hour + 0.98 * chance.random()) for hour in clock):
            sessions.append(_session(chance, len(sessions) + 1, moment))
    return sessions


def staffed(moment: datetime) -> bool:
    """Is anybody there: from 9 to 23 h, but not from 20 to 21 h on weekdays."""
    return OPENS <= moment.hour < CLOSES and not (moment.hour == GAP_HOUR and moment.weekday() < 5)


def _session(chance: Random, number: int, moment: datetime) -> Session:
    letters = "abcdefghjkmnpqrstuvwxyz"
    name = chance.choice(letters) + "".join(chance.choices(letters + "23456789", k=7))
    session = Session(number, name, pick(chance, CHAT_AGENTS))
    session.question = chance.choices(phrases.QUESTIONS, [question.weight for question in phrases.QUESTIONS])[0]
    values = _draw_values(chance)
    session.lines.append((moment, "", chance.choice(session.question.wordings).format(**values)))
    way = chance.random()
    if way < 0.5:
        session.say(1, ROBOT, phrases.GREETING if way < 0.06 else chance.choice(phrases.ROBOT))
    if way < 0.15:
        session.for_people = False
        _thank(chance, session, "")
        return session
    if way < 0.5:
        session.say(3 + 6 * chance.random(), "", chance.choice(phrases.HUMAN))
    _talk(chance, session, values)
    return session


def _talk(chance: Random, session: Session, values: dict[str, str]) -> None:
    """Questions and replies, until the customer is content, or leaves unanswered. A model answer contents most at once."""
    is_model = chance.random() < (0.3 if session.agent == SLOW_AGENT else 0.6)
    answer = (session.question.model if is_model else chance.choice(session.question.weaker)).format(**values)
    turns = chance.choices([1, 2, 3, 4], [75, 17, 6, 2] if is_model else [14, 42, 29, 15])[0]
    for turn in range(turns):
        asked = session.now
        if turn:
            more, answer = chance.choice(list(phrases.FOLLOW_UPS.items()))
            session.say(15 + 60 * chance.random(), "", more)
            asked = session.now
        if chance.random() < 0.18:
            session.say(3 + 5 * chance.random(), "", chance.choice(phrases.BURST))
        wait = _wait(chance, session.agent, session.question.topic)
        moment = max(asked + seconds(wait), session.now + seconds(2))
        if not staffed(moment):
            if not _come_back(chance, session, asked, answer):
                return
            continue
        session.answer(moment, answer, asked)
    _thank(chance, session, session.agent)
    if chance.random() < 0.42:
        happy = {"非常满意": 60, "满意": 30, "一般": 7, "不满意": 2, "非常不满意": 1}
        slow = {"非常满意": 30, "满意": 40, "一般": 20, "不满意": 8, "非常不满意": 2}
        session.rating = pick(chance, slow if session.agent == SLOW_AGENT else happy)


def _wait(chance: Random, agent: str, topic: str) -> float:
    """Seconds to a reply: about seven; for the slow agent three times as long, a minute where she has to look things up."""
    if agent == SLOW_AGENT:
        return chance.lognormvariate(4.1, 0.4) if topic in SLOW_TOPICS else chance.lognormvariate(3.1, 0.5)
    return chance.lognormvariate(2.0, 0.5)


def _come_back(chance: Random, session: Session, asked: datetime, answer: str) -> bool:
    """A question while nobody is there: in the evening most customers leave, at night all are answered later."""
    evening = session.now.hour == GAP_HOUR or session.now.hour == GAP_HOUR - 1
    for text in chance.sample(phrases.WAITING, chance.randint(0, 2)):
        session.say(40 + 120 * chance.random(), "", text)
    if evening and chance.random() < 0.6:
        return False
    day = session.now.replace(hour=0, minute=0, second=0)
    opens = at(day, GAP_HOUR + 1) if evening else at(day, OPENS + (24 if session.now.hour >= OPENS else 0))
    moment = max(opens + seconds(40 + 900 * chance.random()), session.now + seconds(5))
    session.answer(moment, chance.choice(phrases.SORRY) + answer, asked)
    return True


def _thank(chance: Random, session: Session, agent: str) -> None:
    if chance.random() < 0.6:
        session.say(8 + 20 * chance.random(), "", chance.choice(phrases.THANKS))
        if agent and chance.random() < 0.7 and staffed(session.now + seconds(15)):
            session.say(4 + 8 * chance.random(), agent, chance.choice(phrases.WELCOME))


def _draw_values(chance: Random) -> dict[str, str]:
    """What stands for the names in braces, the same in question and answer."""
    height, weight = chance.randrange(155, 186, 5), chance.randrange(90, 171, 10)
    size = "M" if weight < 110 else "L" if weight < 135 else "XL"
    place = chance.choice(["江苏", "四川", "浙江", "重庆", "山东"])
    return {"h": str(height), "w": str(weight), "s": size, "d": str(chance.randint(2, 5)), "p": place}


def log(sessions: Iterable[Session]) -> str:
    """The chat log: no roles, names masked, a tab at the end of some lines, half of the sessions with an end time."""
    parts: list[str] = []
    for session in sessions:
        masked = f"{session.customer[0]}****{session.customer[-2:]}"
        parts.append(START)
        for moment, sender, text in session.lines:
            tab = "\t" if moment.second % 3 == 0 else ""
            parts += [f"{sender or masked} {moment:%Y-%m-%d %H:%M:%S}{tab}", text]
        end = f"_时间：{session.now + timedelta(minutes=5):%Y-%m-%d %H:%M:%S} " if session.number % 2 else ""
        parts.append(f"/*****************会话结束{end}****************/")
    return "\r\n".join(parts) + "\r\n"


def session_rows(sessions: Iterable[Session]) -> Iterator[list[str]]:
    """Rows of the session workbook, which leaves out what the robot settled alone."""
    return (_session_row(session) for session in sessions if session.for_people)


def _session_row(session: Session) -> list[str]:
    """One session; who was never answered has no agent."""
    begun, answered = session.lines[0][0], session.first_reply is not None
    own = sum(1 for _, sender, _ in session.lines if not sender)
    minutes = (session.now - begun + hours(5 / 60)).total_seconds() / 60
    return [
        *(shown(begun), session.customer, "售后咨询" if session.question.topic in ("late", "returns") else "售前咨询"),
        *(session.agent if answered else "", "", "默认组", "", shown(session.first_reply) or "-"),
        f"{sum(session.waits) / len(session.waits):.1f}" if session.waits else "-",
        *(f"{minutes:.1f}", str(own), str(len(session.lines) - own), session.rating or "未评价"),
        *("已解决" if answered else "未解决", f"c{session.number:06d}"),
    ]
